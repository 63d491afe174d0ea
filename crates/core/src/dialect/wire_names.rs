//! How the parameters of a query are spelt where that is not DRF's way: by JSON:API,
//! `filter[author.name.icontains]=ann&sort=-author.name`; with the names that fields have in filters; with a list of values as a parameter that
//! comes several times.
//!
//! Only requests and the links in answers are spelt so. Everything else knows a filter by its own name, `author__name__icontains`.

use super::Dialect;
use crate::{
    lookup::Op,
    model::{FieldMeta, ModelMeta},
    page::query_pairs,
};

impl Dialect {
    /// A parameter as it is sent.
    #[doc(hidden)]
    #[must_use]
    pub fn sent(&self, pair: (String, String), model: &ModelMeta) -> Vec<(String, String)> {
        let (name, value) = pair;
        if self.json_api && name == self.ordering {
            return vec![(name, value.replace("__", "."))];
        }
        let list = name.strip_suffix("__in").filter(|_| model.repeats_values());
        let name = filter_name(list.unwrap_or(&name), model);
        let name = match self.is_sent_as_it_stands(&name, model) {
            true => name,
            false => format!("filter[{}]", name.replace("__", ".")),
        };
        match list {
            None => vec![(name, value)],
            Some(_) => {
                let values = value.split(',');
                values
                    .map(|value| (name.clone(), value.to_owned()))
                    .collect()
            }
        }
    }

    /// Whether a parameter is none of the filters that are written in brackets.
    pub(super) fn is_sent_as_it_stands(&self, name: &str, model: &ModelMeta) -> bool {
        !self.json_api
            || name.contains('[')
            || name == "include"
            || name == self.ordering
            || name == self.search
            || super::turns_pages(name, model)
    }

    /// A link to another page, with the names that filters have otherwise.
    pub(crate) fn link_read(&self, link: &str) -> String {
        let Some((page, _)) = link.split_once('?') else {
            return link.to_owned();
        };
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in query_pairs(link) {
            let filter = name
                .strip_prefix("filter[")
                .and_then(|name| name.strip_suffix(']'));
            match filter.filter(|_| name != self.search) {
                Some(filter) => query.append_pair(&filter.replace('.', "__"), &value),
                None if name == self.ordering => {
                    query.append_pair(&name, &value.replace('.', "__"))
                }
                None => query.append_pair(&name, &value),
            };
        }
        format!("{page}?{}", query.finish())
    }
}

/// Whether a parameter is a filter by a field that is sent by another name.
pub(super) fn is_filter(name: &str, model: &ModelMeta) -> bool {
    filter_name(name, model) != name
}

/// The name of a parameter that filters by a field.
fn filter_name(name: &str, model: &ModelMeta) -> String {
    let (head, op) = name.split_once("__").unwrap_or((name, ""));
    let is_op = op.is_empty() || Op::names().any(|known| known == op);
    let mut fields = model.fields().iter();
    let field = fields.find(|field| is_op && field.read_as() == head);
    match field.and_then(FieldMeta::filtered_as) {
        Some(filter) => format!("{filter}{}", name.strip_prefix(head).unwrap_or_default()),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{filter::Q, knowledge::Knowledge, lookup::Lookup, plan::Plan};

    #[test]
    fn filters_are_written_in_brackets_and_read_from_links() {
        let dialect = Dialect::default().json_api();
        let model = ModelMeta::new("User", "/users/");
        let pairs = [
            ("name", "a.b"),
            ("team__name__icontains", "x"),
            ("sort", "-team__name,id"),
            ("filter[search]", "y"),
            ("page[number]", "2"),
            ("include", "team.lead"),
        ];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let sent: Vec<_> = pairs
            .iter()
            .cloned()
            .flat_map(|pair| dialect.sent(pair, &model))
            .collect();
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&sent);
        let link = format!("https://h/users/?{}", query.finish());
        assert_eq!(
            sent.iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>(),
            [
                "filter[name]=a.b",
                "filter[team.name.icontains]=x",
                "sort=-team.name,id",
                "filter[search]=y",
                "page[number]=2",
                "include=team.lead"
            ]
        );
        assert_eq!(query_pairs(&dialect.link_read(&link)), pairs);
        let drf = Dialect::default();
        let sent = drf.sent(("team__name".to_owned(), "x".to_owned()), &model);
        assert_eq!(sent, [("team__name".to_owned(), "x".to_owned())]);
    }

    #[test]
    fn fields_are_filtered_by_their_own_names_and_lists_come_in_parts() {
        let site = FieldMeta::new("site").with_filtered_as("site_id");
        let model = ModelMeta::new("Device", "/devices/").with_fields(vec![site]);
        let sent = |model: &ModelMeta, name: &str, value: &str| {
            let pair = (name.to_owned(), value.to_owned());
            let sent = Dialect::default().sent(pair, model).into_iter();
            sent.map(|(name, value)| format!("{name}={value}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(sent(&model, "site", "1"), ["site_id=1"]);
        assert_eq!(sent(&model, "site__in", "1,2"), ["site_id__in=1,2"]);
        assert_eq!(sent(&model, "site__slug", "a"), ["site__slug=a"]);
        assert_eq!(sent(&model, "name", "a"), ["name=a"]);
        let extra = |model: &ModelMeta, op| {
            let is_one = Lookup::new("site", op, json!([1, 2]));
            let plan = Plan::all()
                .filter(Q::Lookup(is_one))
                .parameter("site_id", "3");
            let known = Knowledge::default();
            Dialect::default()
                .compile(&plan, model, &known)
                .unwrap()
                .pairs
                .len()
        };
        assert_eq!(extra(&model, Op::In), 2);
        let model = model.with_repeated_values();
        // It would mean either value.
        assert_eq!(extra(&model, Op::In), 1);
        assert_eq!(sent(&model, "site__in", "1,2"), ["site_id=1", "site_id=2"]);
        assert_eq!(sent(&model, "name", "1,2"), ["name=1,2"]);
    }
}
