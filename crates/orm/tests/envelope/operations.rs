//! What users do with a server: random queries and writes.

use std::collections::BTreeMap;

use django_api_orm::plan::Assignment;
use proptest::{prelude::*, sample::select};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    description::{Natural, Row},
    queries::{Condition, Database, KINDS, NAMES, Query, Step, Tree, query, steps},
    site::Site,
    thing::Thing,
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Operation {
    Ask(Query, Question),
    Get(i64),
    Create(Values),
    GetOrCreate(Vec<Condition>, Values),
    UpdateOrCreate(Vec<Condition>, Values),
    /// The row with this key is read, changed and saved.
    Save(i64, Values),
    /// The row with this key is read and deleted.
    DeleteOne(i64),
    Update(Vec<Step>, Values),
    Delete(Vec<Step>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Question {
    List,
    Stream,
    Values,
    Count,
    Exists,
    First,
    Last,
}

impl Question {
    /// What is right for these rows.
    pub(crate) fn answer(self, rows: &[&Row], site: &Site) -> Value {
        let key = |row: Option<&&Row>| json!(row.map(|row| row.id));
        match self {
            Self::List | Self::Stream => rows.iter().map(|row| json!(row.id)).collect(),
            Self::Values => rows
                .iter()
                .map(|row| json!([row.id, site.shown_name(row)]))
                .collect(),
            Self::Count => json!(rows.len()),
            Self::Exists => json!(!rows.is_empty()),
            Self::First => key(rows.first()),
            Self::Last => key(rows.last()),
        }
    }

    pub(crate) fn is_list(self) -> bool {
        matches!(self, Self::List | Self::Stream | Self::Values)
    }
}

/// What is written, by field.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Values(pub(crate) BTreeMap<String, Value>);

impl Values {
    pub(crate) fn assignments(&self) -> Vec<Assignment<Thing>> {
        let fields = self.0.iter();
        fields
            .map(|(field, value)| Assignment::new(field, Ok(value.clone())))
            .collect()
    }

    /// Without what would take a row out of its own question.
    fn without(mut self, by: &[Condition]) -> Self {
        self.0
            .retain(|field, _| by.iter().all(|condition| condition.lookup != *field));
        self
    }

    /// Sets the fields of a value.
    pub(crate) fn put_into(&self, thing: &mut Thing) {
        let mut whole = json!(thing);
        for (field, value) in &self.0 {
            whole[field] = value.clone();
        }
        *thing = serde_json::from_value(whole).unwrap();
    }
}

impl Operation {
    /// The query behind it.
    pub(crate) fn query(&self) -> Query {
        let one = |condition: &Condition| Step::Filter(Tree::One(condition.clone()));
        let by = |conditions: &[Condition]| conditions.iter().map(one).collect();
        let key = |id: &i64| {
            vec![one(&Condition {
                lookup: "id".to_owned(),
                value: json!(id),
            })]
        };
        let steps = match self {
            Self::Ask(query, _) => return query.clone(),
            Self::Get(id) | Self::Save(id, _) | Self::DeleteOne(id) => key(id),
            Self::Create(_) => return Query::default(),
            Self::GetOrCreate(conditions, _) | Self::UpdateOrCreate(conditions, _) => {
                by(conditions)
            }
            Self::Update(steps, _) | Self::Delete(steps) => steps.clone(),
        };
        Query {
            steps,
            ..Query::default()
        }
    }

    /// The rows that it is about, among these.
    pub(crate) fn matching<'r>(&self, rows: &'r [Row], database: Database) -> Vec<&'r Row> {
        self.query().rows(rows, Natural::Key, database)
    }
}

fn values() -> impl Strategy<Value = Values> {
    let name = prop_oneof![
        3 => select(NAMES.to_vec()),
        1 => Just("Fay"),
        1 => Just(" Gus "),
    ];
    (
        prop::option::weighted(0.5, name),
        prop::option::weighted(0.4, prop::option::of(select(KINDS.to_vec()))),
        prop::option::weighted(0.4, prop::option::of(-1_i64..7)),
        prop::option::weighted(0.3, any::<bool>()),
    )
        .prop_map(|(name, kind, rank, flag)| {
            let fields = [
                ("name", name.map(|name| json!(name))),
                ("kind", kind.map(|kind| json!(kind))),
                ("rank", rank.map(|rank| json!(rank))),
                ("flag", flag.map(|flag| json!(flag))),
            ];
            let given = fields.into_iter();
            Values(
                given
                    .filter_map(|(field, value)| Some((field.to_owned(), value?)))
                    .collect(),
            )
        })
}

/// Equalities that name a row.
fn by() -> impl Strategy<Value = Vec<Condition>> {
    let of = |lookup: &'static str| {
        move |value: Value| Condition {
            lookup: lookup.to_owned(),
            value,
        }
    };
    let name = select(NAMES.to_vec()).prop_map(Value::from);
    let kind = select(KINDS.to_vec()).prop_map(Value::from);
    let rank = (-1_i64..7).prop_map(Value::from);
    let name = (name, 0..5).prop_map(move |(name, spelling)| {
        let name = name.as_str().unwrap_or_default();
        of("name")(json!(match spelling {
            0 | 1 => name.to_uppercase(),
            2 => format!("{name} "),
            _ => name.to_owned(),
        }))
    });
    prop_oneof![
        2 => name.clone().prop_map(|name| vec![name]),
        1 => (1_i64..16).prop_map(move |id| vec![of("id")(json!(id))]),
        1 => (name, rank.prop_map(of("rank"))).prop_map(|(name, rank)| vec![name, rank]),
        1 => kind.prop_map(of("kind")).prop_map(|kind| vec![kind]),
    ]
}

pub(crate) fn operation() -> impl Strategy<Value = Operation> {
    let question = select(vec![
        Question::List,
        Question::Stream,
        Question::Values,
        Question::Count,
        Question::Exists,
        Question::First,
        Question::Last,
    ]);
    prop_oneof![
        12 => (query(), question).prop_map(|(query, question)| Operation::Ask(query, question)),
        2 => (1_i64..16).prop_map(Operation::Get),
        1 => values().prop_map(Operation::Create),
        2 => (by(), values()).prop_map(|(by, values)| {
            let values = values.without(&by);
            Operation::GetOrCreate(by, values)
        }),
        2 => (by(), values()).prop_map(|(by, values)| {
            let values = values.without(&by);
            Operation::UpdateOrCreate(by, values)
        }),
        2 => (1_i64..16, values()).prop_map(|(id, values)| Operation::Save(id, values)),
        1 => (1_i64..16).prop_map(Operation::DeleteOne),
        2 => (steps(), values()).prop_map(|(steps, values)| Operation::Update(steps, values)),
        1 => steps().prop_map(Operation::Delete),
    ]
}
