//! From a [`Plan`] to a query string: what the server is asked, and what is left to evaluate here.
//!
//! The rules are those of Django REST Framework with django-filter. A lookup is *pushed* when its value survives the way
//! into a query parameter; everything else (OR, NOT, `ne`, a second value for the same parameter, an empty text, a text
//! with blanks at its ends, a list element with a comma) is *residual*. What is pushed is also a *guard*: the rows that
//! come back are checked against it, because a server ignores a parameter that it does not know without a word.

use django_api_orm_nearest::{did_you_mean, is_one_letter_off};
use serde_json::Value;

use crate::{
    error::{Error, Result},
    filter::Q,
    knowledge::Knowledge,
    lookup::{Lookup, Op},
    model::ModelMeta,
    plan::{Order, Plan},
};

/// How a server spells what a plan asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    ordering: String,
    search: String,
    reserved: Vec<String>,
}

/// Values beyond this length are evaluated here: servers refuse request lines of more than some 4,000 bytes.
const LONGEST: usize = 3_000;

impl Default for Dialect {
    /// Django REST Framework's own names: `ordering`, `search`.
    fn default() -> Self {
        Self {
            ordering: "ordering".to_owned(),
            search: "search".to_owned(),
            reserved: ["limit", "offset", "page", "page_size", "cursor", "format"]
                .map(str::to_owned)
                .to_vec(),
        }
    }
}

impl Dialect {
    /// Renames the ordering parameter (DRF's `ORDERING_PARAM`).
    #[must_use]
    pub fn with_ordering_parameter(mut self, name: impl Into<String>) -> Self {
        self.ordering = name.into();
        self
    }

    /// Renames the search parameter (DRF's `SEARCH_PARAM`).
    #[must_use]
    pub fn with_search_parameter(mut self, name: impl Into<String>) -> Self {
        self.search = name.into();
        self
    }

    /// The search parameter.
    #[must_use]
    pub fn search_parameter(&self) -> &str {
        &self.search
    }

    /// The ordering parameter.
    #[must_use]
    pub fn ordering_parameter(&self) -> &str {
        &self.ordering
    }

    /// Decides for every part of the plan whether the server or this side answers it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::error::ErrorKind::InvalidRequest) for a mistake in the plan, and for a name
    /// that is neither a declared field nor a declared filter of a model that declares its filters.
    #[doc(hidden)]
    pub fn compile(&self, plan: &Plan, model: &ModelMeta, known: &Knowledge) -> Result<Compiled> {
        plan.check()?;
        self.check_parameters(plan, model)?;
        self.check_names(plan, model)?;
        let mut compiled = Compiled {
            order: plan
                .order()
                .iter()
                .map(|order| Order {
                    path: key_by_name(&order.path, model).to_owned(),
                    descending: order.descending,
                })
                .collect(),
            ..Compiled::default()
        };
        let mut parts = Vec::new();
        flatten(plan.condition(), &mut parts);
        for part in parts {
            self.place(part, plan, model, known, &mut compiled);
        }
        if let Some(words) = plan.search_words().filter(|words| !words.trim().is_empty()) {
            compiled.pairs.push((self.search.clone(), words.to_owned()));
        }
        if !plan.order().is_empty() {
            let ignored: Vec<&Order> = compiled
                .order
                .iter()
                .filter(|order| known.orders_by(&order.path) == Some(false))
                .collect();
            if ignored.is_empty() {
                let spelling: Vec<String> =
                    compiled.order.iter().map(ToString::to_string).collect();
                compiled
                    .pairs
                    .push((self.ordering.clone(), spelling.join(",")));
                compiled.order_pushed = true;
            } else {
                let names: Vec<&str> = ignored.iter().map(|order| order.path.as_str()).collect();
                compiled.notes.push(format!(
                    "ordering: sorted client-side, the server ignores ordering by {}",
                    names.join(", ")
                ));
            }
        }
        compiled.extra = plan.parameters().to_vec();
        compiled.pairs.extend(plan.parameters().iter().cloned());
        Ok(compiled)
    }

    fn place(
        &self,
        part: Q,
        plan: &Plan,
        model: &ModelMeta,
        known: &Knowledge,
        compiled: &mut Compiled,
    ) {
        let mut lookup = match as_lookup(&part) {
            Some(lookup) => lookup,
            None => return compiled.keep(part, "the query string has no OR and no NOT"),
        };
        if lookup.op == Op::In
            && lookup
                .value
                .as_array()
                .is_some_and(|values| values.iter().all(Value::is_null))
        {
            compiled.empty = true;
            return;
        }
        let declares = |parameter: &String| {
            model
                .filters()
                .is_some_and(|declared| declared.contains(parameter))
        };
        if !declares(&lookup.parameter()) {
            lookup.path = key_by_name(&lookup.path, model).to_owned();
        }
        let parameter = lookup.parameter();
        if let Some(declared) = model.filters()
            && !declared.contains(&parameter)
        {
            return compiled.keep(part, "the endpoint is not declared to filter on it");
        }
        if known.honours(&parameter) == Some(false) {
            return compiled.keep(part, "the server ignores this parameter");
        }
        if self.is_reserved(&parameter) || turns_pages(&parameter, model) {
            return compiled.keep(part, "the parameter has another meaning for the server");
        }
        if plan.parameters().iter().any(|(name, _)| *name == parameter) {
            return compiled.keep(part, "the parameter is already sent as an extra one");
        }
        let Some(text) = encode(&lookup) else {
            return compiled.keep(part, "its value does not survive a query string");
        };
        if text.len() > LONGEST {
            return compiled.keep(part, "its value is too long for a query string");
        }
        match compiled.pairs.iter().find(|(name, _)| *name == parameter) {
            Some((_, sent)) if *sent == text => {}
            Some(_) => compiled.keep(part, "a parameter can be sent only once"),
            None => {
                compiled.pairs.push((parameter, text));
                compiled.guards.push(lookup);
            }
        }
    }

    fn is_reserved(&self, parameter: &str) -> bool {
        parameter == self.ordering
            || parameter == self.search
            || self.reserved.iter().any(|name| name == parameter)
    }

    /// Refuses parameters that the query sends itself.
    fn check_parameters(&self, plan: &Plan, model: &ModelMeta) -> Result<()> {
        for (name, _) in plan.parameters() {
            if ["limit", "offset", "page", "cursor"].contains(&name.as_str())
                || turns_pages(name, model)
            {
                return Err(Error::invalid_request(format!(
                    "the parameter `{name}` belongs to the paginator, which follows the query: slice the query \
                     instead, or set `page_size`"
                )));
            }
            if *name == self.ordering && !plan.order().is_empty()
                || *name == self.search && plan.search_words().is_some()
            {
                return Err(Error::invalid_request(format!(
                    "the parameter `{name}` is sent by the query itself already"
                )));
            }
        }
        Ok(())
    }

    fn check_names(&self, plan: &Plan, model: &ModelMeta) -> Result<()> {
        let Some(filters) = model.filters() else {
            return Ok(());
        };
        if model.fields().is_empty() {
            return Ok(());
        }
        let mut wrong = None;
        plan.condition().for_each_lookup(&mut |lookup| {
            let known = lookup.root() == "pk"
                || filters.contains(&lookup.parameter())
                || model
                    .fields()
                    .iter()
                    .any(|field| field.read_as() == lookup.root());
            // `age__gtee` is a nested field for all that is known, but hardly one that somebody means.
            let misspelt = lookup.path.rsplit_once("__").is_some_and(|(_, last)| {
                !filters.contains(&lookup.parameter()) && is_one_letter_off(last, Op::names())
            });
            if (!known || misspelt) && wrong.is_none() {
                wrong = Some(lookup.parameter());
            }
        });
        let Some(wrong) = wrong else { return Ok(()) };
        let names = model
            .fields()
            .iter()
            .map(crate::model::FieldMeta::read_as)
            .chain(filters.iter().map(String::as_str));
        let hint = did_you_mean(&wrong, names).unwrap_or_default();
        Err(Error::invalid_request(format!(
            "`{}` has no field and no declared filter `{wrong}`{hint}",
            model.name()
        )))
    }
}

/// Whether the paginator of the model is declared to take this parameter.
fn turns_pages(parameter: &str, model: &ModelMeta) -> bool {
    model.pagination().is_some_and(|pagination| {
        [pagination.position_parameter(), pagination.size_parameter()].contains(&Some(parameter))
    })
}

#[doc(hidden)]
/// A plan divided between the server and this side.
#[derive(Debug, Clone, Default)]
pub struct Compiled {
    /// The query parameters, pagination left out.
    pub pairs: Vec<(String, String)>,
    /// Those of the query parameters that are sent as they stand.
    pub extra: Vec<(String, String)>,
    /// What the server was asked and every returned row is checked against.
    pub guards: Vec<Lookup>,
    /// What is evaluated here.
    pub residual: Q,
    /// The order of the rows; checked on them, or made here.
    pub order: Vec<Order>,
    /// Whether the server was asked for the order.
    pub order_pushed: bool,
    /// No row can satisfy the plan: nothing needs to be asked.
    pub empty: bool,
    /// Why parts are evaluated here, a sentence each.
    pub notes: Vec<String>,
}

impl Compiled {
    fn keep(&mut self, part: Q, why: &str) {
        self.notes
            .push(format!("{part}: evaluated client-side, {why}"));
        self.residual = std::mem::take(&mut self.residual).and(part);
    }

    /// Everything that a row must satisfy, whoever was asked for it.
    #[must_use]
    pub fn condition(&self) -> Q {
        self.guards
            .iter()
            .cloned()
            .map(Q::Lookup)
            .fold(self.residual.clone(), Q::and)
    }
}

/// The conjuncts of a condition, with negations moved inwards where that changes nothing for nulls.
fn flatten(q: &Q, out: &mut Vec<Q>) {
    match q {
        Q::All => {}
        Q::And(parts) => parts.iter().for_each(|part| flatten(part, out)),
        Q::Not(part) => match &**part {
            Q::Not(inner) => flatten(inner, out),
            Q::Or(parts) => parts
                .iter()
                .for_each(|part| flatten(&part.clone().negate(), out)),
            _ => out.push(q.clone()),
        },
        other => out.push(other.clone()),
    }
}

/// The part as one lookup, where it can be said as one.
fn as_lookup(part: &Q) -> Option<Lookup> {
    match part {
        Q::Lookup(lookup)
            if lookup.op == Op::Exact && lookup.transform.is_none() && lookup.value.is_null() =>
        {
            Some(Lookup::new(
                lookup.path.clone(),
                Op::IsNull,
                Value::Bool(true),
            ))
        }
        Q::Lookup(lookup) => Some(lookup.clone()),
        Q::Not(inner) => match as_lookup(inner)? {
            Lookup {
                op: Op::IsNull,
                value: Value::Bool(is_null),
                path,
                transform: None,
            } => Some(Lookup::new(path, Op::IsNull, Value::Bool(!is_null))),
            _ => None,
        },
        Q::Or(parts) => one_of(parts),
        _ => None,
    }
}

/// `pk` is a word of Django's ORM; in a query string the primary key goes by its name.
fn key_by_name<'a>(path: &'a str, model: &'a ModelMeta) -> &'a str {
    if path == "pk" {
        model.primary_key()
    } else {
        path
    }
}

/// `a=1 OR a=2 OR a__in=3,4` as `a__in=1,2,3,4`.
fn one_of(parts: &[Q]) -> Option<Lookup> {
    let mut path: Option<&str> = None;
    let mut values: Vec<Value> = Vec::new();
    for part in parts {
        let Q::Lookup(lookup) = part else { return None };
        if lookup.transform.is_some() || path.is_some_and(|path| path != lookup.path) {
            return None;
        }
        path = Some(&lookup.path);
        match (lookup.op, &lookup.value) {
            (Op::Exact, Value::Null) => return None,
            (Op::Exact, value) => values.push(value.clone()),
            (Op::In, Value::Array(more)) => values.extend(more.iter().cloned()),
            _ => return None,
        }
    }
    Some(Lookup::new(path?, Op::In, Value::Array(values)))
}

/// The value as the text of a query parameter; `None` where the server would read something else.
fn encode(lookup: &Lookup) -> Option<String> {
    match lookup.op {
        Op::In => {
            let values = lookup.value.as_array()?;
            let texts: Option<Vec<String>> = values
                .iter()
                .filter(|value| !value.is_null())
                .map(encode_element)
                .collect();
            Some(texts?.join(","))
        }
        Op::Range => match lookup.value.as_array()?.as_slice() {
            [low, high] => Some(format!(
                "{},{}",
                encode_element(low)?,
                encode_element(high)?
            )),
            _ => None,
        },
        _ => encode_scalar(&lookup.value),
    }
}

fn encode_element(value: &Value) -> Option<String> {
    encode_scalar(value).filter(|text| !text.contains(','))
}

fn encode_scalar(value: &Value) -> Option<String> {
    match value {
        Value::Bool(value) => Some(value.to_string()),
        Value::Number(number) => Some(number.to_string()),
        // Django's form fields strip blanks and read an empty text as "no filter"; a control character is an error there.
        Value::String(text)
            if text.is_empty() || text.trim() != text || text.contains(char::is_control) =>
        {
            None
        }
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FieldMeta;

    fn q(name: &str, value: Value) -> Q {
        Q::Lookup(Lookup::parse(name, value))
    }

    fn compile(plan: &Plan) -> Compiled {
        Dialect::default()
            .compile(
                plan,
                &ModelMeta::new("User", "/users/"),
                &Knowledge::default(),
            )
            .unwrap()
    }

    fn query(plan: &Plan) -> String {
        compile(plan)
            .pairs
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join("&")
    }

    #[test]
    fn pushes_what_a_query_string_can_say() {
        let plan = Plan::all()
            .filter(q("age__gte", json!(18)).and(q("active", json!(true))))
            .filter(q("id__in", json!([1, 2, 3])).and(q("name__icontains", json!("ann"))))
            .filter(q("team", Value::Null).and(q("id__range", json!([1, 9]))))
            .order_by(vec![Order::parse("name"), Order::parse("-id")])
            .search("two words")
            .parameter("expand", "team");
        assert_eq!(
            query(&plan),
            "age__gte=18&active=true&id__in=1,2,3&name__icontains=ann&team__isnull=true&id__range=1,9&search=two words&\
             ordering=name,-id&expand=team"
        );
        assert_eq!(compile(&plan).residual, Q::All);
        assert_eq!(compile(&plan).guards.len(), 6);
    }

    #[test]
    fn pk_goes_by_its_name() {
        let plan = Plan::all()
            .filter(q("pk__in", json!([1, 2])).and(q("pk__lt", json!(9))))
            .order_by(vec![Order::parse("-pk")]);
        assert_eq!(query(&plan), "id__in=1,2&id__lt=9&ordering=-id");
        let declared = ModelMeta::new("User", "/users/").with_filters(["pk__in"]);
        let compiled = Dialect::default()
            .compile(&plan, &declared, &Knowledge::default())
            .unwrap();
        assert_eq!(compiled.pairs[0], ("pk__in".to_owned(), "1,2".to_owned()));
    }

    #[test]
    fn refuses_parameters_that_turn_pages() {
        let declared = ModelMeta::new("User", "/users/").with_pagination(
            crate::Pagination::page_number()
                .with_position_parameter("p")
                .with_size_parameter("per_page"),
        );
        let compile = |model: &ModelMeta, name: &str| {
            let plan = Plan::all().parameter(name, "3");
            Dialect::default().compile(&plan, model, &Knowledge::default())
        };
        for name in ["limit", "offset", "page", "cursor", "p", "per_page"] {
            let error = compile(&declared, name).unwrap_err();
            assert_eq!(error.kind(), crate::ErrorKind::InvalidRequest);
            assert!(error.message().contains("slice the query"), "{error}");
        }
        let plain = ModelMeta::new("User", "/users/");
        assert!(compile(&plain, "p").is_ok() && compile(&plain, "per_page").is_ok());
        let lookup = Plan::all().filter(q("p", json!(3)));
        let compiled = Dialect::default()
            .compile(&lookup, &declared, &Knowledge::default())
            .unwrap();
        assert_eq!((compiled.pairs.len(), compiled.notes.len()), (0, 1));
    }

    #[test]
    fn keeps_what_it_cannot() {
        for part in [
            q("a", json!(1)).or(q("b", json!(2))),
            q("a", json!(1)).negate(),
            q("a", json!("")),
            q("a", json!(" x")),
            q("a", json!("x\0")),
            q("a__in", json!(["x,y", "z"])),
            q("a", json!([1])),
            q("a", json!({"b": 1})),
            q("limit", json!(3)),
            q("ordering", json!("x")),
            q("a__gt", json!(1)).and(q("b", json!(1))).negate(),
        ] {
            let compiled = compile(&Plan::all().filter(part.clone()));
            assert_eq!(
                (compiled.pairs.len(), &compiled.residual),
                (0, &part),
                "{part}"
            );
            assert_eq!(compiled.notes.len(), 1);
        }
    }

    #[test]
    fn a_second_value_of_a_parameter_is_evaluated_here() {
        let plan = Plan::all()
            .filter(q("a", json!(1)))
            .filter(q("a", json!(2)))
            .filter(q("a", json!(1)));
        assert_eq!(query(&plan), "a=1");
        assert_eq!(compile(&plan).residual, q("a", json!(2)));
        let plan = Plan::all().filter(q("a", json!(1))).parameter("a", "3");
        assert_eq!(
            (query(&plan), compile(&plan).residual),
            ("a=3".to_owned(), q("a", json!(1)))
        );
    }

    #[test]
    fn equalities_joined_by_or_are_one_in() {
        let plan = Plan::all().filter(
            q("a", json!(1))
                .or(q("a", json!(2)))
                .or(q("a__in", json!([3]))),
        );
        assert_eq!(query(&plan), "a__in=1,2,3");
        let mixed = q("a", json!(1)).or(q("a", Value::Null));
        assert_eq!(compile(&Plan::all().filter(mixed.clone())).residual, mixed);
    }

    #[test]
    fn negations_move_inwards() {
        let plan = Plan::all().exclude(q("a", json!(1)).or(q("b__isnull", json!(true))));
        assert_eq!(query(&plan), "b__isnull=false");
        assert_eq!(compile(&plan).residual, q("a", json!(1)).negate());
    }

    #[test]
    fn an_empty_in_asks_nothing() {
        assert!(compile(&Plan::all().filter(q("id__in", json!([])))).empty);
        assert!(compile(&Plan::all().filter(q("id__in", json!([null])))).empty);
        assert!(!compile(&Plan::all().exclude(q("id__in", json!([])))).empty);
    }

    #[test]
    fn declared_filters_are_the_only_ones_pushed_and_misspellings_are_refused() {
        let model = ModelMeta::new("User", "/users/")
            .with_fields(vec![
                FieldMeta::new("id"),
                FieldMeta::new("name"),
                FieldMeta::new("age"),
            ])
            .with_filters(["name", "age__gte"]);
        let compile = |part: Q| {
            Dialect::default().compile(&Plan::all().filter(part), &model, &Knowledge::default())
        };
        let compiled = compile(q("name", json!("x")).and(q("age__lt", json!(3)))).unwrap();
        assert_eq!(
            (compiled.pairs.len(), compiled.residual),
            (1, q("age__lt", json!(3)))
        );
        let error = compile(q("nmae", json!("x"))).unwrap_err();
        assert!(error.to_string().contains("did you mean `name`"), "{error}");
        let error = compile(q("age__gtee", json!(3))).unwrap_err();
        assert!(
            error.to_string().contains("did you mean `age__gte`"),
            "{error}"
        );
    }

    #[test]
    fn what_was_seen_to_be_ignored_is_not_pushed_again() {
        let mut known = Knowledge::default();
        known.learn_parameter("age", false);
        known.learn_ordering("name", false);
        let plan = Plan::all()
            .filter(q("age", json!(3)))
            .order_by(vec![Order::parse("name")]);
        let compiled = Dialect::default()
            .compile(&plan, &ModelMeta::new("U", "/u/"), &known)
            .unwrap();
        assert!(compiled.pairs.is_empty() && !compiled.order_pushed);
        assert_eq!(compiled.residual, q("age", json!(3)));
    }
}
