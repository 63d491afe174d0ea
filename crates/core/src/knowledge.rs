//! What an endpoint's answers have shown of it so far: its paginator, and which parameters it honours or ignores.

mod created;
mod unmet;
mod values;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use serde_json::{Map, Value};

use crate::{
    evaluate::{Collation, ColumnType, Fields},
    filter::Q,
    lookup::{Lookup, Op},
    model::ModelMeta,
    page::{Page, Pagination, Style},
    version::Form,
};
use created::Created;
use unmet::Unmet;
use values::Values;

/// After so many different values of a field that were found by what rows show, it is taken for shown exactly.
const EXACT_VALUES: usize = 5;

/// Of how many rows it is kept that they show a field exactly.
const KEPT_EXACT: usize = 1_000;

/// Facts about one endpoint, learnt from its answers and kept by the client for the next query.
#[derive(Debug, Clone, Default)]
pub struct Knowledge {
    /// The paginator.
    pub style: Option<Style>,
    /// The rows in a full page when no size is asked for.
    pub page_size: Option<u64>,
    /// The most rows that came when more were asked for: the server's cap.
    pub size_cap: Option<u64>,
    /// The smallest size that the server has refused; none at all is asked for where that is 1.
    refused_size: Option<u64>,
    /// The server refuses offsets.
    pub refuses_offsets: bool,
    /// The number of the first page, as its link to the second one shows.
    pub first_page: Option<u64>,
    /// Offsets are honoured; `None` while nothing has shown it.
    pub offsets: Option<bool>,
    /// So many rows have come in one answer, and neither an offset nor the number of a page brought others. Of more rows that shows
    /// nothing: a server that answers with the last page for every number behind it answers so, while all rows fit into one.
    pub whole: u64,
    /// The most rows of a page of the server's own size that was shown to be the last one. Its pages are not smaller.
    pub last_page: u64,
    /// Answers have a place for the link to the next page, so that they tell which one is the last.
    pub names_next: bool,
    /// Pages in the middle have come shorter than others: positions cannot be told from page numbers or offsets.
    pub uneven: bool,
    /// Rows have come for a size of pages, `limit`, that nobody has declared; `false` where the server took it for a filter,
    /// which left no row. `None` while nothing has shown it.
    pub sizes: Option<bool>,
    /// A view of DRF has answered. It ignores or refuses what it does not know, unless somebody has taught it otherwise.
    pub is_drf: bool,
    /// How many rows the whole collection had when it was last read or counted.
    pub rows: Option<u64>,
    /// Whether the last answer said how many rows there are.
    pub counts: Option<bool>,
    /// Rows have URLs of their own, by the model's key: one has been seen there, so that a 404 means a missing row. `false`
    /// where a row of the list was not there; `None` while nothing has shown it.
    pub details: Option<bool>,
    /// Another row was seen at the URL of one, so that URLs are not made of the model's key.
    pub has_other_urls: bool,
    /// Rows may be read together by their keys in the place of each at its own URL: the list has sent those that it was asked for and
    /// no others, and shows them as their URLs do. `None` while nothing has shown it.
    pub reads_together: Option<bool>,
    /// The values of fields that the list has shown as the URL of the row does.
    alike: HashMap<String, Lengths>,
    /// An answer at the URL of a row has named the row's version.
    pub names_versions: bool,
    /// How the versions of rows are taken as conditions of writes.
    pub condition: Form,
    /// A write has been refused because its row had changed: conditions are checked, so that a write which depends on the row may be
    /// sent again.
    pub checks_conditions: bool,
    /// The search parameter is honoured; `None` while nothing has shown it.
    pub searches: Option<bool>,
    parameters: HashMap<String, bool>,
    /// Filters for which a value that no row has leaves out no row, though others do.
    drops_values: HashSet<String>,
    /// The values of a parameter that the server does not filter by.
    values: HashMap<String, Values>,
    /// Fields of which a text that the rows show was asked for in vain, and whether it was refused.
    ignores_shown: HashMap<String, bool>,
    /// Lists of values that the server has refused, by parameter: the one that was, or nothing for every one.
    refused_lists: HashMap<String, Option<Value>>,
    /// Parameters to which rows have come.
    answered: HashSet<String>,
    /// The parameters without which the same rows came: where rows speak against the filter, the server ignores it.
    compared: HashMap<String, HashSet<String>>,
    /// The parameters by which a row was found in another spelling of its value.
    values_compared: HashSet<String>,
    /// Fields that rows have shown to be of a type beyond what single values show.
    types: HashMap<String, ColumnType>,
    /// Numbers and times that rows show in a field, and the keys of the rows that were found by them: there they are not rounded.
    exact: HashMap<String, HashMap<String, HashSet<String>>>,
    /// Fields of which rows have shown a list.
    lists: HashSet<String>,
    /// How the texts of filters are compared, by parameter.
    collations: HashMap<String, Collation>,
    /// Whether the rows show a field in the form that filters take.
    forms: HashMap<String, bool>,
    ordering: HashMap<String, bool>,
    unsaved: HashMap<String, Unsaved>,
    /// Fields that rows show in other words than are sent: `"Active"` for `"act"`.
    reworded: HashMap<String, Reworded>,
    /// The fields, by their names in bodies, that Django REST Framework describes as read-only, once it was asked for that.
    pub described_read_only: Option<Arc<HashSet<String>>>,
    /// Parts of filters, none of them an equality, that new rows were seen not to satisfy.
    unmet: Unmet,
    warned: HashSet<String>,
    created: Created,
}

/// How long values are that two answers have shown alike, and whether null was one of them.
#[derive(Debug, Clone, Copy, Default)]
struct Lengths {
    longest: usize,
    null: bool,
}

/// Which values a new row does not keep in a field.
#[derive(Debug, Clone, PartialEq)]
enum Unsaved {
    This(Value),
    Any,
}

/// What was shown of a field in the place of what was sent. Another client may have changed the row meanwhile, so the words of
/// one answer tell of no other value.
#[derive(Debug, Clone, PartialEq)]
enum Reworded {
    Once {
        sent: Value,
        shown: Value,
    },
    /// Other words for other values.
    Each,
}

impl Knowledge {
    /// The paginator of the model's endpoint: declared, else seen.
    #[must_use]
    pub fn style_of(&self, model: &ModelMeta) -> Option<Style> {
        model.pagination().map(Pagination::style).or(self.style)
    }

    /// What is known, but for what is ignored: for a query that asks the server all the same.
    #[must_use]
    pub fn trusting(mut self) -> Self {
        self.parameters.retain(|_, honoured| *honoured);
        self.values.values_mut().for_each(Values::trusting);
        self.ordering.retain(|_, honoured| *honoured);
        self
    }

    /// Whether the filter parameter is honoured, `false` if it is not for any value; `None` while nothing has shown it. Of
    /// single values [`ignores`](Self::ignores) tells.
    #[must_use]
    pub fn honours(&self, parameter: &str) -> Option<bool> {
        self.parameters.get(parameter).copied()
    }

    /// Keeps what an answer has shown of a filter parameter. Once ignored is ignored for good.
    pub fn learn_parameter(&mut self, parameter: &str, honoured: bool) {
        let known = self
            .parameters
            .entry(parameter.to_owned())
            .or_insert(honoured);
        *known &= honoured;
    }

    /// Whether the server has refused this list of values, or lists of the field altogether. Equalities that are joined by OR are not sent
    /// as one then, and keys are asked for one by one.
    #[must_use]
    pub fn refuses_list(&self, lookup: &Lookup) -> bool {
        lookup.op == Op::In
            && match self.refused_lists.get(&lookup.parameter()) {
                Some(Some(list)) => *list == lookup.value,
                Some(None) => true,
                None => false,
            }
    }

    /// Keeps that the server has refused a list of values, and answered without it. It may have been one of the values, so the
    /// parameter is believed to be refused once that was seen of two lists; never where it was seen at work.
    pub fn learn_refused_list(&mut self, lookup: &Lookup) {
        let parameter = lookup.parameter();
        let is_second = self.refused_lists.contains_key(&parameter) && !self.refuses_list(lookup);
        match is_second && self.may_be_unknown(&parameter) {
            true => self.refuse_lists(&parameter),
            false if self.refuses_list(lookup) => {}
            false => {
                _ = self
                    .refused_lists
                    .insert(parameter, Some(lookup.value.clone()));
            }
        }
    }

    /// Takes it that the server refuses each list of values by this parameter.
    pub fn refuse_lists(&mut self, parameter: &str) {
        self.refused_lists.insert(parameter.to_owned(), None);
    }

    /// Whether a page of few rows is asked for by `limit`, where nobody has declared that. A paginator that is known and has
    /// no `limit` mostly ignores it, or takes it for a filter.
    #[must_use]
    pub fn takes_sizes(&self) -> bool {
        let may_have_one = matches!(self.style, None | Some(Style::LimitOffset));
        self.sizes.unwrap_or(may_have_one)
    }

    /// Whether an answer to an undeclared size may be empty because the server took the size for a filter.
    #[must_use]
    pub fn may_be_emptied(&self, page: &Page) -> bool {
        self.sizes_are_doubtful() && page.rows().is_empty() && page.count().unwrap_or(0) == 0
    }

    /// Keeps what a page shows of sizes that nobody has declared, and of what is not known: rows that came for a size, or a
    /// framework that ignores what it does not know.
    pub fn learn_sizes_from(&mut self, page: &Page, asked: bool) {
        self.is_drf |= page.is_drf();
        if asked && !page.rows().is_empty() {
            self.learn_sizes(true);
        }
    }

    /// Whether an empty answer to an undeclared size is asked for again.
    #[must_use]
    pub fn sizes_are_doubtful(&self) -> bool {
        self.sizes.is_none() && self.style.is_none() && !self.is_drf
    }

    /// Whether nothing but proof shows that an undeclared size leaves rows: then none is asked for where a row is created if
    /// none comes.
    #[must_use]
    pub fn sizes_are_unproven(&self) -> bool {
        self.sizes != Some(true)
    }

    /// Keeps what an answer has shown of undeclared sizes. Once taken for a filter is so for good.
    pub fn learn_sizes(&mut self, leaves_rows: bool) {
        self.sizes = Some(leaves_rows && self.sizes != Some(false));
    }

    /// Whether the filter is honoured, whatever value it is sent: none was dropped because it is no choice.
    #[must_use]
    pub fn honours_every_value(&self, parameter: &str) -> bool {
        self.honours(parameter) == Some(true) && !self.drops_values.contains(parameter)
    }

    /// Keeps that a filter is honoured for a value, though one that no row has leaves out none.
    pub fn learn_dropped_value(&mut self, parameter: &str) {
        self.drops_values.insert(parameter.to_owned());
    }

    /// Whether an empty answer may come from a server that does not know the parameter: no rows have come to it yet.
    #[must_use]
    pub fn may_be_unknown(&self, parameter: &str) -> bool {
        !self.answered.contains(parameter) && self.honours(parameter) != Some(true)
    }

    /// Keeps that rows have come to a parameter, so that it is not taken for equality with a field that no row has.
    pub fn learn_answered(&mut self, parameter: &str) {
        self.answered.insert(parameter.to_owned());
    }

    /// Whether the same rows came without the parameter, for this value or for two others.
    #[must_use]
    pub fn leaves_none_out(&self, parameter: &str, value: &str) -> bool {
        let values = self.compared.get(parameter);
        values.is_some_and(|values| values.len() > 1 || values.contains(value))
    }

    /// Keeps that the same rows came without the parameter as for this value of it.
    pub fn learn_leaves_none_out(&mut self, parameter: &str, value: &str) {
        let values = self.compared.entry(parameter.to_owned()).or_default();
        if values.len() < 2 {
            values.insert(value.to_owned());
        }
    }

    /// Whether equality by this parameter is that of values, and not of spellings.
    #[must_use]
    pub fn compares_values(&self, parameter: &str) -> bool {
        self.values_compared.contains(parameter)
    }

    /// Keeps that a row was found by another spelling of its value.
    pub fn learn_compares_values(&mut self, parameter: &str) {
        self.values_compared.insert(parameter.to_owned());
    }

    /// Whether the rows show the field as filters take it, and not in another form; `None` while nothing has shown it.
    #[must_use]
    pub fn shows_as_filtered(&self, path: &str) -> Option<bool> {
        self.forms.get(path).copied()
    }

    /// Keeps whether the rows show a field as filters take it. Where they do not, nothing can be evaluated on it, for good.
    pub fn learn_form(&mut self, path: &str, as_filtered: bool) {
        let known = self.forms.entry(path.to_owned()).or_insert(as_filtered);
        *known &= as_filtered;
    }

    /// What is known of the fields of a model besides their values.
    #[must_use]
    pub fn fields_of(&self, model: &ModelMeta) -> Fields {
        let collations = self.collations.iter();
        let fields = collations.fold(model.known_fields(), |fields, (parameter, collation)| {
            fields.collated(parameter, *collation)
        });
        let types = self.types.iter();
        let fields = types
            .filter(|(_, of)| **of == ColumnType::Text)
            .fold(fields, |fields, (path, _)| fields.seen_as_text(path));
        let forms = self.forms.iter();
        forms
            .filter(|(_, as_filtered)| !**as_filtered)
            .fold(fields, |fields, (path, _)| fields.shown_otherwise(path))
    }

    /// The type that rows have shown a field to be of.
    #[must_use]
    pub fn type_of(&self, path: &str) -> Option<ColumnType> {
        self.types.get(path).copied()
    }

    /// Keeps the type that rows have shown a field to be of. What holds texts does so for good.
    pub fn learn_type(&mut self, path: &str, of: ColumnType) {
        let known = self.types.entry(path.to_owned()).or_insert(of);
        if *known != ColumnType::Text {
            *known = of;
        }
    }

    /// Whether all rows with these keys, which show this number or time in a field, were found by it: it was not rounded.
    #[must_use]
    pub fn shows_exactly(
        &self,
        path: &str,
        shown: &str,
        mut keys: impl Iterator<Item = String>,
    ) -> bool {
        let of_field = self.exact.get(path);
        let found = of_field.and_then(|of_field| of_field.get(shown));
        found.is_some_and(|found| keys.all(|key| found.contains(&key)))
    }

    /// Keeps that the rows with these keys were found by the number or time that they show in a field. What was kept before is forgotten
    /// where there is too much of it.
    pub fn learn_exact(&mut self, path: &str, shown: &str, keys: impl Iterator<Item = String>) {
        let of_field = self.exact.entry(path.to_owned()).or_default();
        if of_field.values().map(HashSet::len).sum::<usize>() > KEPT_EXACT {
            of_field.clear();
        }
        let found = of_field.entry(shown.to_owned()).or_default();
        found.extend(keys.take(KEPT_EXACT));
        if of_field.len() >= EXACT_VALUES {
            self.learn_form(path, true);
        }
    }

    /// Whether rows have shown a list in this field.
    #[must_use]
    pub fn shows_list(&self, field: &str) -> bool {
        self.lists.contains(field)
    }

    /// Keeps that rows show a list in this field.
    pub fn learn_list(&mut self, field: &str) {
        self.lists.insert(field.to_owned());
    }

    /// What the server has shown of how it compares the texts of a filter.
    #[must_use]
    pub fn collation_of(&self, parameter: &str) -> Option<Collation> {
        self.collations.get(parameter).copied()
    }

    /// Keeps what the server has shown of how it compares the texts of a filter.
    pub fn learn_collation(&mut self, parameter: &str, collation: Collation) {
        self.collations.insert(parameter.to_owned(), collation);
    }

    /// The largest size that may be asked for; `None` while no size was refused. After a refusal that is the server's own.
    #[must_use]
    pub fn largest_size(&self) -> Option<u64> {
        let refused = self.refused_size?;
        Some(self.page_size.unwrap_or(0).min(refused.saturating_sub(1)))
    }

    /// Keeps that the server has refused a size, and answered without one. One that is no larger than its own pages shows that
    /// it refuses the parameter.
    pub fn learn_refused_size(&mut self, size: u64) {
        let refuses_all = self.page_size.is_some_and(|own| size <= own);
        let refused = if refuses_all { 1 } else { size };
        self.refused_size = Some(
            self.refused_size
                .map_or(refused, |known| known.min(refused)),
        );
    }

    /// The rows that a page of the server's own size has, if more follow it.
    #[must_use]
    pub fn least_page(&self) -> u64 {
        self.page_size.unwrap_or(0).max(self.last_page)
    }

    /// Keeps what an answer has shown of offsets. Once ignored is ignored for good.
    pub fn learn_offsets(&mut self, honoured: bool) {
        self.offsets = Some(honoured && self.offsets != Some(false));
    }

    /// Keeps whether rows may be read together by their keys. Where they were not shown as at their own URLs, they never are.
    pub fn learn_together(&mut self, as_alone: bool) {
        self.reads_together = Some(as_alone && self.reads_together != Some(false));
    }

    /// Keeps that the list has shown this value of a field as the row's own URL does.
    pub fn learn_alike(&mut self, field: &str, value: &Value) {
        let known = self.alike.entry(field.to_owned()).or_default();
        known.null |= value.is_null();
        known.longest = known.longest.max(value.to_string().len());
    }

    /// Whether the list has shown such a value as the row's own URL does: null, or one that is no shorter. A list may cut long texts
    /// off, or leave a field empty.
    #[must_use]
    pub fn is_alike(&self, field: &str, value: &Value) -> bool {
        let known = self.alike.get(field).copied().unwrap_or_default();
        match value {
            Value::Null => known.null,
            Value::Bool(_) | Value::Number(_) => true,
            value => value.to_string().len() <= known.longest,
        }
    }

    /// Whether ordering by the field is honoured; `None` while nothing has shown it.
    #[must_use]
    pub fn orders_by(&self, path: &str) -> Option<bool> {
        self.ordering.get(path).copied()
    }

    /// Keeps what an answer has shown of ordering by a field.
    pub fn learn_ordering(&mut self, path: &str, honoured: bool) {
        let known = self.ordering.entry(path.to_owned()).or_insert(honoured);
        *known &= honoured;
    }

    /// Whether a new row was seen not to keep this value for a lookup, so that no other one would be found by it.
    #[must_use]
    pub fn is_unsaved(&self, lookup: &Lookup) -> bool {
        match self.unsaved.get(&lookup.parameter()) {
            Some(Unsaved::This(value)) => *value == lookup.value,
            Some(Unsaved::Any) => true,
            None => false,
        }
    }

    /// Whether a new row, for which this was sent, was seen not to satisfy a part of a filter.
    #[must_use]
    pub fn is_unmet(&self, part: &Q, sent: &Map<String, Value>) -> bool {
        self.unmet.has(part, sent)
    }

    /// Keeps that a new row, for which this was sent, does not satisfy a part of a filter that is no equality.
    pub fn learn_unmet(&mut self, part: &Q, sent: Map<String, Value>) {
        self.unmet.keep(part, sent);
    }

    /// The key of the row that an account has created for these lookups, if it is one of the latest.
    #[must_use]
    pub fn created_for(&self, account: u64, lookups: &Q) -> Option<&str> {
        self.created.of(account, lookups)
    }

    /// Keeps that a row is gone, whoever has created it.
    pub fn learn_deleted(&mut self, key: &str) {
        self.created.forget(key);
    }

    /// Keeps that an account has created a row for these lookups; without a key, that it is gone.
    pub fn learn_created_for(&mut self, account: u64, lookups: &Q, key: Option<String>) {
        self.created.keep(account, lookups, key);
    }

    /// Keeps that a new row did not keep the value of a lookup; `any`: nor would another value be kept. After a second
    /// value that is believed as well.
    pub fn learn_unsaved(&mut self, lookup: &Lookup, any: bool) {
        let known = match self.is_unsaved(lookup) || !self.unsaved.contains_key(&lookup.parameter())
        {
            true if !any => Unsaved::This(lookup.value.clone()),
            _ => Unsaved::Any,
        };
        if self.unsaved.get(&lookup.parameter()) != Some(&Unsaved::Any) {
            self.unsaved.insert(lookup.parameter(), known);
        }
    }

    /// Whether rows were seen to show the field in other words than were sent, for this value or for several, so that what they show
    /// tells nothing of what was kept. The name is that in bodies.
    #[must_use]
    pub fn is_reworded(&self, sent_as: &str, sent: &Value, shown: &Value) -> bool {
        match self.reworded.get(sent_as) {
            Some(Reworded::Each) => true,
            Some(Reworded::Once {
                sent: one,
                shown: words,
            }) => one == sent && words == shown,
            None => false,
        }
    }

    /// Keeps that a row shows other words for what was sent. Twice, for another value other words, the field is one that shows words.
    pub fn learn_reworded(&mut self, sent_as: &str, sent: &Value, shown: &Value) {
        let once = Reworded::Once {
            sent: sent.clone(),
            shown: shown.clone(),
        };
        match self.reworded.get_mut(sent_as) {
            None => _ = self.reworded.insert(sent_as.to_owned(), once),
            Some(Reworded::Each) => {}
            Some(known) => match &known {
                // One value is not shown in two ways: the field has changed otherwise.
                Reworded::Once { sent: one, .. } if one == sent => *known = once,
                Reworded::Once { shown: words, .. } if words != shown => *known = Reworded::Each,
                _ => {}
            },
        }
    }

    /// Whether this is the first time that a warning about `what` is due.
    pub fn first_warning(&mut self, what: &str) -> bool {
        self.warned.insert(what.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::HeaderMap;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refused_list_says_nothing_of_others_before_a_second_one() {
        let list = |values: Value| Lookup::new("tags", Op::In, values);
        let (one, two, three) = (list(json!([1])), list(json!([2])), list(json!([3])));
        let mut knowledge = Knowledge::default();
        knowledge.learn_refused_list(&one);
        knowledge.learn_refused_list(&one);
        assert!(knowledge.refuses_list(&one) && !knowledge.refuses_list(&two));
        assert!(!knowledge.refuses_list(&Lookup::new("tags", Op::Exact, json!([1]))));
        let mut at_work = knowledge.clone();
        knowledge.learn_refused_list(&two);
        assert!(knowledge.refuses_list(&three));
        knowledge.learn_refused_list(&three);
        assert!(knowledge.refuses_list(&one));
        at_work.learn_answered("tags__in");
        at_work.learn_refused_list(&two);
        assert!(at_work.refuses_list(&two) && !at_work.refuses_list(&three));
    }

    #[test]
    fn after_a_refusal_no_size_above_the_servers_own_is_asked_for() {
        let mut knowledge = Knowledge::default();
        assert_eq!(knowledge.largest_size(), None);
        knowledge.learn_refused_size(61);
        assert_eq!(knowledge.largest_size(), Some(0), "its own is not known");
        knowledge.page_size = Some(20);
        assert_eq!(knowledge.largest_size(), Some(20));
        knowledge.learn_refused_size(5);
        knowledge.learn_refused_size(61);
        assert_eq!(knowledge.largest_size(), Some(0), "it takes none");
    }

    #[test]
    fn an_empty_answer_to_a_size_is_doubted_until_rows_have_come_for_one() {
        let page = |body: &'static str| {
            Page::parse(&Bytes::from_static(body.as_bytes()), &HeaderMap::new()).unwrap()
        };
        let of_drf = |body: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("allow", "GET, POST, HEAD, OPTIONS".parse().unwrap());
            Page::parse(&Bytes::from_static(body.as_bytes()), &headers).unwrap()
        };
        for (body, doubtful) in [
            ("[]", true),
            (r#"{"data": []}"#, true),
            (r#"{"rows": [], "count": 0, "next": null}"#, true),
            (r#"{"rows": [], "count": 7}"#, false),
            (r#"{"rows": [{"id": 1}]}"#, false),
            (
                r#"{"count": 0, "next": null, "previous": null, "results": []}"#,
                true,
            ),
        ] {
            let mut knowledge = Knowledge::default();
            knowledge.learn_sizes_from(&page(body), true);
            assert_eq!(knowledge.may_be_emptied(&page(body)), doubtful, "{body}");
            let mut knowledge = Knowledge::default();
            knowledge.learn_sizes_from(&of_drf(body), true);
            assert!(!knowledge.may_be_emptied(&of_drf(body)), "{body}");
            assert_eq!(
                knowledge.sizes_are_unproven(),
                !body.contains("id"),
                "{body}"
            );
        }
        let mut knowledge = Knowledge::default();
        assert!(knowledge.takes_sizes());
        knowledge.learn_sizes_from(&page(r#"[{"id": 1}]"#), false);
        assert!(knowledge.may_be_emptied(&page("[]")));
        knowledge.style = Some(Style::None);
        assert!(!knowledge.may_be_emptied(&page("[]")) && !knowledge.takes_sizes());
        knowledge.learn_sizes_from(&page(r#"[{"id": 1}]"#), true);
        assert!(knowledge.takes_sizes());
        knowledge.learn_sizes(false);
        knowledge.learn_sizes(true);
        assert!(!knowledge.takes_sizes());
    }

    #[test]
    fn once_ignored_is_ignored_for_good() {
        let mut knowledge = Knowledge::default();
        assert_eq!(knowledge.honours("age"), None);
        knowledge.learn_parameter("age", true);
        assert_eq!(knowledge.honours("age"), Some(true));
        knowledge.learn_parameter("age", false);
        knowledge.learn_parameter("age", true);
        assert_eq!(knowledge.honours("age"), Some(false));
        knowledge.learn_offsets(true);
        assert_eq!(knowledge.offsets, Some(true));
        knowledge.learn_offsets(false);
        knowledge.learn_offsets(true);
        assert_eq!(knowledge.offsets, Some(false));
        knowledge.learn_together(true);
        assert_eq!(knowledge.reads_together, Some(true));
        knowledge.learn_together(false);
        knowledge.learn_together(true);
        assert_eq!(knowledge.reads_together, Some(false));
        let name = |value: &str| Lookup::parse("name", json!(value));
        knowledge.learn_unsaved(&name("A"), false);
        knowledge.learn_unsaved(&name("A"), false);
        assert!(knowledge.is_unsaved(&name("A")) && !knowledge.is_unsaved(&name("B")));
        knowledge.learn_unsaved(&name("B"), false);
        assert!(knowledge.is_unsaved(&name("A")) && knowledge.is_unsaved(&name("C")));
        let (a, b, c) = (json!("a"), json!("b"), json!("c"));
        let (one, two) = (json!("One"), json!("Two"));
        knowledge.learn_reworded("kind", &a, &one);
        assert!(knowledge.is_reworded("kind", &a, &one));
        assert!(
            !knowledge.is_reworded("kind", &b, &one) && !knowledge.is_reworded("kind", &a, &two)
        );
        for (sent, shown) in [(&b, &one), (&a, &two), (&b, &two)] {
            knowledge.learn_reworded("kind", sent, shown);
            assert!(!knowledge.is_reworded("kind", &c, &two), "{sent} {shown}");
        }
        assert!(
            !knowledge.is_reworded("kind", &a, &one),
            "it was shown otherwise"
        );
        knowledge.learn_reworded("kind", &b, &one);
        assert!(
            knowledge.is_reworded("kind", &c, &two) && !knowledge.is_reworded("name", &c, &two)
        );
        let site = Lookup::parse("site_id", json!(1));
        knowledge.learn_unsaved(&site, true);
        assert!(knowledge.is_unsaved(&Lookup::parse("site_id", json!(2))));
        assert!(knowledge.first_warning("age") && !knowledge.first_warning("age"));
    }
}
