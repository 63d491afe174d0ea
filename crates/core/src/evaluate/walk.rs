//! From a path such as `author__team__name` to the values that a row has there.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::{
    moment::{Moment, Part},
    number::Number,
    precision::lacks_seconds,
    scalar::{Scalar, Text},
};
use crate::lookup::Transform;

/// A path of a lookup or an order, cut into its parts.
#[derive(Debug, Clone)]
pub(super) struct Path {
    /// Where the path may start in a row: the first of these keys that the row has counts.
    starts: Vec<Start>,
}

#[derive(Debug, Clone)]
struct Start {
    key: String,
    rest: Vec<Segment>,
}

#[derive(Debug, Clone)]
struct Segment {
    name: String,
    transform: Option<Transform>,
}

/// What stands at the end of a path.
#[derive(Debug)]
pub(super) enum Found<'r> {
    /// The row has no such field, or not what the path asks of it.
    Absent,
    Null,
    Value(Scalar<'r>),
    List(&'r [Value]),
}

impl Path {
    pub(super) fn new(path: &str, transform: Option<Transform>, primary_key: &str) -> Self {
        // `__v` is a field of that name, not a path.
        let whole = path.split("__").any(str::is_empty);
        let mut segments: Vec<Segment> = if whole {
            vec![Segment::new(path)]
        } else {
            path.split("__").map(Segment::new).collect()
        };
        segments.extend(transform.map(|transform| Segment::new(transform.as_str())));
        let (first, rest) = match segments.split_first() {
            Some((first, rest)) => (first.name.as_str(), rest),
            None => (path, segments.as_slice()),
        };
        let start = |key: &str, rest: &[Segment]| Start {
            key: key.to_owned(),
            rest: rest.to_vec(),
        };
        let mut starts = vec![start(first, rest)];
        if first == "pk" {
            starts.insert(0, start(primary_key, rest));
        } else if let Some(relation) = first
            .strip_suffix("_id")
            .filter(|relation| !relation.is_empty())
        {
            // `author_id` is `author__id`, and the other way round.
            let rest: Vec<_> = std::iter::once(Segment::new("id"))
                .chain(rest.iter().cloned())
                .collect();
            starts.push(start(relation, &rest));
        } else if let Some((key, rest)) = rest.split_first()
            && key.is_key()
        {
            starts.push(start(&format!("{first}_id"), rest));
        }
        Self { starts }
    }

    /// The top-level keys of a row that the path may need.
    pub(super) fn roots(&self) -> impl Iterator<Item = &str> {
        self.starts.iter().map(|start| start.key.as_str())
    }

    /// Calls `visit` with every value that the row has at the path: more than one where a list lies on the way.
    ///
    /// `visit` says whether it wants to see more.
    pub(super) fn walk<'r>(
        &self,
        row: &'r Map<String, Value>,
        visit: &mut dyn FnMut(Found<'r>) -> bool,
    ) {
        match self
            .starts
            .iter()
            .find_map(|start| Some((start, row.get(&start.key)?)))
        {
            Some((start, value)) => {
                let source = match value {
                    Value::Object(object) if !is_related(object) => Source::Json,
                    _ => Source::Relation,
                };
                descend(&start.rest, value, source, visit);
            }
            None => {
                visit(Found::Absent);
            }
        }
    }

    /// What the row has at the path, not looked into; `None` where it has no such field, or a list on the way.
    pub(super) fn value<'r>(&self, row: &'r Map<String, Value>) -> Option<&'r Value> {
        let mut starts = self.starts.iter();
        let (start, mut value) = starts.find_map(|start| Some((start, row.get(&start.key)?)))?;
        for segment in &start.rest {
            value = match value {
                Value::Object(object) => segment.of(object)?,
                Value::Null => return Some(value),
                // A related row may be given as its key.
                Value::Number(_) | Value::String(_) if segment.is_key() => value,
                _ => return None,
            };
        }
        Some(value)
    }

    /// The one value at the path; `None` where there is none or more than one.
    pub(super) fn single<'r>(&self, row: &'r Map<String, Value>) -> Option<Found<'r>> {
        let mut found = None;
        let mut several = false;
        self.walk(row, &mut |value| {
            several = found.is_some();
            found = Some(value);
            !several
        });
        found.filter(|_| !several)
    }
}

impl Segment {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            transform: Transform::parse(name),
        }
    }

    /// Whether it names the key of a related row, so that a row which holds only that key answers it.
    fn is_key(&self) -> bool {
        self.name == "id" || self.name == "pk"
    }

    fn of<'r>(&self, object: &'r Map<String, Value>) -> Option<&'r Value> {
        object.get(&self.name).or_else(|| match self.name.as_str() {
            "pk" => object.get("id"),
            "id" => object.get("pk"),
            _ => None,
        })
    }
}

/// What a path goes down into. A list in a JSON field is a value like any other; one of a relation is its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Json,
    Relation,
}

/// Whether an object may be a related row, as rows have a key.
fn is_related(object: &Map<String, Value>) -> bool {
    ["id", "pk", "url", "uuid", "slug"]
        .iter()
        .any(|key| object.contains_key(*key))
}

fn descend<'r>(
    segments: &[Segment],
    value: &'r Value,
    source: Source,
    visit: &mut dyn FnMut(Found<'r>) -> bool,
) -> bool {
    let Some((segment, rest)) = segments.split_first() else {
        return visit(match value {
            Value::Array(items) if source == Source::Relation || items.is_empty() => {
                Found::List(items)
            }
            value => Scalar::of(value).map_or(Found::Null, Found::Value),
        });
    };
    match value {
        Value::Null => visit(Found::Null),
        Value::Object(object) => match segment.of(object) {
            Some(value) => descend(rest, value, source, visit),
            None => visit(Found::Absent),
        },
        Value::Array(items) => match segment.name.parse::<usize>() {
            Ok(index) => match items.get(index) {
                Some(item) => descend(rest, item, source, visit),
                None => visit(Found::Absent),
            },
            // Only the server knows what a database makes of that.
            Err(_) if source == Source::Json => visit(Found::Absent),
            // Nothing is related: Django's outer join gives one null.
            Err(_) if items.is_empty() => visit(Found::Null),
            Err(_) => items
                .iter()
                .all(|item| descend(segments, item, source, visit)),
        },
        Value::Number(number) if segment.is_key() && rest.is_empty() => {
            visit(Found::Value(Scalar::Number(Number::of_json(number))))
        }
        Value::String(text) if segment.is_key() && rest.is_empty() => {
            let text = Text::of(Cow::Borrowed(text));
            let key = text
                .link_key()
                .map(|key| Text::of(Cow::Owned(key.into_owned())));
            visit(Found::Value(Scalar::Text(key.unwrap_or(text))))
        }
        Value::String(text) => visit(part(text, segments).map_or(Found::Absent, Found::Value)),
        Value::Number(_) | Value::Bool(_) => visit(Found::Absent),
    }
}

/// What the transforms take of a date, one after the other: `created_at__date__year`.
fn part(text: &str, transforms: &[Segment]) -> Option<Scalar<'static>> {
    let moment = Moment::parse(text)?;
    let mut taken = Part::Moment(moment);
    let asks_seconds =
        |segment: &Segment| matches!(segment.transform, Some(Transform::Second | Transform::Time));
    if transforms.iter().any(asks_seconds) && lacks_seconds(text, moment) {
        return None;
    }
    for segment in transforms {
        taken = match taken {
            Part::Moment(moment) => moment.part(segment.transform?)?,
            Part::Number(_) => return None,
        };
    }
    Some(match taken {
        Part::Number(number) => Scalar::Number(number.into()),
        Part::Moment(moment) => Scalar::Moment(moment),
    })
}
