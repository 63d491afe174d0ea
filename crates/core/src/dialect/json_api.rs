//! How JSON:API spells the parameters of a query: `filter[author.name.icontains]=ann&sort=-author.name`.
//!
//! Only requests and the links in answers are spelt so. Everything else knows a filter by its own name, `author__name__icontains`.

use super::Dialect;
use crate::{model::ModelMeta, page::query_pairs};

impl Dialect {
    /// A parameter as it is sent.
    #[doc(hidden)]
    #[must_use]
    pub fn sent(&self, pair: (String, String), model: &ModelMeta) -> (String, String) {
        let (name, value) = pair;
        if self.json_api && name == self.ordering {
            return (name, value.replace("__", "."));
        }
        match self.is_sent_as_it_stands(&name, model) {
            true => (name, value),
            false => (format!("filter[{}]", name.replace("__", ".")), value),
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

    /// The query of a link to another page, with the names that filters have otherwise.
    pub(crate) fn link_read(&self, link: &str) -> String {
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
        format!("?{}", query.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let sent = pairs.clone().map(|pair| dialect.sent(pair, &model));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&sent);
        let link = format!("https://h/users/?{}", query.finish());
        assert_eq!(
            sent.map(|(name, value)| format!("{name}={value}")),
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
        assert_eq!(
            drf.sent(("team__name".to_owned(), "x".to_owned()), &model)
                .0,
            "team__name"
        );
    }
}
