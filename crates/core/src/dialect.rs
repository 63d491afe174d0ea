//! From a [`Plan`] to a query string: what the server is asked, and what is left to the client.
//!
//! The rules are those of Django REST Framework with django-filter. A lookup is *pushed* when its value survives the way
//! into a query parameter; everything else (OR, NOT, `ne`, a second value for the same parameter, an empty text, a text
//! with blanks at its ends, a list element with a comma) is *residual*. What is pushed is also a *guard*: the rows that
//! come back are checked against it, because a server silently ignores a parameter that it does not know.

mod spelling;
mod wire_names;

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
pub(crate) use spelling::encode;
use spelling::{as_lookup, flatten};

/// How a server spells what a plan asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialect {
    ordering: String,
    search: String,
    reserved: Vec<String>,
    /// Filters are written as JSON:API does.
    json_api: bool,
}

/// Values beyond this length are evaluated client-side: servers refuse request lines of more than some 4,000 bytes.
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
            json_api: false,
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

    /// The same for JSON:API: `sort` and `filter[search]`, where these have DRF's names so far, and [filters in
    /// brackets](self::wire_names).
    #[doc(hidden)]
    #[must_use]
    pub fn json_api(mut self) -> Self {
        let drf = Self::default();
        if self.ordering == drf.ordering {
            "sort".clone_into(&mut self.ordering);
        }
        if self.search == drf.search {
            "filter[search]".clone_into(&mut self.search);
        }
        self.reserved.push("include".to_owned());
        self.json_api = true;
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

    /// What may help where the server refuses these parameters.
    #[doc(hidden)]
    #[must_use]
    pub fn cure_of_refusal(&self, pairs: &[(String, String)]) -> Option<String> {
        let settings = [
            (&self.ordering, "ordering_parameter"),
            (&self.search, "search_parameter"),
        ];
        let is_sent = |parameter: &String| pairs.iter().any(|(name, _)| name == parameter);
        let is_filter = |name: &String| settings.iter().all(|(parameter, _)| *parameter != name);
        let filters = pairs.iter().any(|(name, _)| is_filter(name)).then(|| {
            "if it does not know one of these filters, declare those that it has, and the others are evaluated client-side"
                .to_owned()
        });
        let renamed = settings
            .iter()
            .filter(|(parameter, _)| is_sent(parameter))
            .map(|(parameter, setting)| {
                format!("if it has another name for `{parameter}`, set `{setting}`")
            });
        let cures: Vec<String> = filters.into_iter().chain(renamed).collect();
        (!cures.is_empty()).then(|| format!("the server refuses the query; {}", cures.join("; ")))
    }

    /// Decides for every part of the plan whether the server or the client answers it.
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
        for (index, part) in parts.iter().enumerate() {
            let had_one = compiled.too_long.is_some();
            self.place(part.clone(), plan, model, known, &mut compiled);
            if let Some(too_long) = compiled.too_long.as_mut().filter(|_| !had_one) {
                let before = parts.iter().take(index);
                let others = before.chain(parts.iter().skip(index + 1)).cloned();
                too_long.others = others.fold(Q::All, Q::and);
            }
        }
        if let Some(words) = plan.search_words().filter(|words| !words.trim().is_empty()) {
            compiled.pairs.push((self.search.clone(), words.to_owned()));
        }
        self.push_order(known, &mut compiled);
        compiled.extra = plan.parameters().to_vec();
        compiled.pairs.extend(plan.parameters().iter().cloned());
        Ok(compiled)
    }

    fn push_order(&self, known: &Knowledge, compiled: &mut Compiled) {
        if compiled.order.is_empty() {
            return;
        }
        let paths = compiled.order.iter().map(|order| order.path.as_str());
        let ignored: Vec<&str> = paths
            .filter(|path| known.orders_by(path) == Some(false))
            .collect();
        if !ignored.is_empty() {
            let note = format!(
                "ordering: sorted client-side, the server ignores ordering by {}",
                ignored.join(", ")
            );
            compiled.notes.push(note);
            return;
        }
        let spelling: Vec<String> = compiled.order.iter().map(ToString::to_string).collect();
        let pair = (self.ordering.clone(), spelling.join(","));
        compiled.pairs.push(pair);
        compiled.order_pushed = true;
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
            && !(is_repeated(&lookup, model) && declared.contains(&lookup.path))
        {
            return compiled.keep(part, "the endpoint is not declared to filter on it");
        }
        if known.ignores(&lookup) {
            return compiled.keep(part, "the server ignores this parameter");
        }
        if known.refuses_list(&lookup) {
            return compiled.keep(part, "the server refuses lists of its values");
        }
        if self.is_reserved(&parameter) || turns_pages(&parameter, model) {
            return compiled.keep(part, "the parameter has another meaning for the server");
        }
        let sent = self.sent((parameter.clone(), String::new()), model);
        let mut extra = plan.parameters().iter();
        if extra.any(|(name, _)| sent.iter().any(|(other, _)| name == other)) {
            return compiled.keep(part, "the parameter is already sent as an extra one");
        }
        if model.repeats_values()
            && compiled.guards.iter().any(|guard| {
                let ops = [Op::Exact, Op::In];
                guard.path == lookup.path && ops.contains(&guard.op) && ops.contains(&lookup.op)
            })
        {
            return compiled.keep(part, "a parameter that comes twice means either value");
        }
        let Some(text) = encode(&lookup) else {
            return compiled.keep(part, "a query string would change its value");
        };
        if text.len() > LONGEST {
            if lookup.op == Op::In {
                compiled.too_long.get_or_insert(TooLong {
                    is_one_of: lookup,
                    others: Q::All,
                });
            }
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

    /// Whether a filter of this name can be sent, beside those that are sent as they stand.
    pub(crate) fn takes(
        &self,
        parameter: &str,
        extra: &[(String, String)],
        model: &ModelMeta,
    ) -> bool {
        let declared = model.filters();
        !self.is_reserved(parameter)
            && !turns_pages(parameter, model)
            && extra.iter().all(|(name, _)| name != parameter)
            && declared.is_none_or(|declared| {
                let list = parameter
                    .strip_suffix("__in")
                    .filter(|_| model.repeats_values());
                let is_declared = |wanted: &str| declared.iter().any(|name| name == wanted);
                is_declared(parameter) || list.is_some_and(is_declared)
            })
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
            if wire_names::is_filter(name, model) {
                return Err(Error::invalid_request(format!(
                    "the parameter `{name}` is a filter by that field, which is declared to be sent by another name: filter by the field"
                )));
            }
            if !self.is_sent_as_it_stands(name, model) {
                return Err(Error::invalid_request(format!(
                    "the parameter `{name}` is none of JSON:API, whose parameters are `include`, `sort` and those in brackets, such as \
                     `filter[{name}]`"
                )));
            }
            if *name == self.ordering && !plan.order().is_empty()
                || *name == self.search && plan.search_words().is_some()
            {
                return Err(Error::invalid_request(format!(
                    "the query itself already sends the parameter `{name}`"
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
            // `age__gtee` may be a nested field, as far as is known, but hardly one that anybody means.
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

/// Whether a list of values is sent as the bare name of the field, which comes several times.
fn is_repeated(lookup: &Lookup, model: &ModelMeta) -> bool {
    model.repeats_values() && lookup.op == Op::In && lookup.transform.is_none()
}

/// Whether the paginator of the model is declared to take this parameter.
fn turns_pages(parameter: &str, model: &ModelMeta) -> bool {
    model.pagination().is_some_and(|pagination| {
        [pagination.position_parameter(), pagination.size_parameter()].contains(&Some(parameter))
    })
}

#[doc(hidden)]
/// A plan divided between the server and the client.
#[derive(Debug, Clone, Default)]
pub struct Compiled {
    /// The query parameters, pagination left out.
    pub pairs: Vec<(String, String)>,
    /// Those of the query parameters that are sent as they stand.
    pub extra: Vec<(String, String)>,
    /// What the server was asked and every returned row is checked against.
    pub guards: Vec<Lookup>,
    /// What is evaluated client-side.
    pub residual: Q,
    /// The order of the rows.
    pub order: Vec<Order>,
    /// Whether the server was asked for the order.
    pub order_pushed: bool,
    /// No row can satisfy the plan: nothing needs to be asked.
    pub empty: bool,
    /// Why parts are evaluated client-side, a sentence each.
    pub notes: Vec<String>,
    /// A list of values that only its length keeps from being sent; it is residual too.
    pub too_long: Option<TooLong>,
}

/// A list of values that is too long for a query string, and what else a plan asks of a row.
#[doc(hidden)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TooLong {
    /// The list.
    pub is_one_of: Lookup,
    /// The other conditions.
    pub others: Q,
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

/// `pk` is a word of Django's ORM; in a query string the primary key goes by its name.
fn key_by_name<'a>(path: &'a str, model: &'a ModelMeta) -> &'a str {
    if path == "pk" {
        model.primary_key()
    } else {
        path
    }
}

#[cfg(test)]
mod tests;
