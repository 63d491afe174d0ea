//! Query strings as Python reads and writes them: `parse_qsl`, `urlencode`, and DRF's
//! `replace_query_param` that makes the links of a page.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// All but what `urllib.parse.quote_plus` leaves alone.
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~')
    .remove(b' ');

/// The parameters of a request, decoded, in their order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    pub(crate) fn parse(query: &str) -> Self {
        Self(
            form_urlencoded::parse(query.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    /// The value of a parameter: of several, the last one, as in Django's `QueryDict`.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let pairs = self.0.iter().filter(|(key, _)| key == name);
        pairs.map(|(_, value)| value.as_str()).collect()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(key, _)| key.as_str())
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&str) -> bool) {
        self.0.retain(|(key, _)| keep(key));
    }
}

/// The URL with this parameter set to that value; all parameters come out sorted by name.
pub(crate) fn replace_parameter(url: &str, name: &str, value: &str) -> String {
    rewrite(url, |parameters| {
        parameters.insert(name.to_owned(), vec![value.to_owned()]);
    })
}

/// The URL without this parameter.
pub(crate) fn remove_parameter(url: &str, name: &str) -> String {
    rewrite(url, |parameters| {
        parameters.remove(name);
    })
}

fn rewrite(url: &str, change: impl FnOnce(&mut BTreeMap<String, Vec<String>>)) -> String {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    let mut parameters = BTreeMap::<String, Vec<String>>::new();
    for (key, value) in Parameters::parse(query).0 {
        parameters.entry(key).or_default().push(value);
    }
    change(&mut parameters);
    let pairs = parameters.iter().flat_map(|(key, values)| {
        values
            .iter()
            .map(move |value| format!("{}={}", quote(key), quote(value)))
    });
    let query = pairs.collect::<Vec<_>>().join("&");
    if query.is_empty() {
        base.to_owned()
    } else {
        format!("{base}?{query}")
    }
}

/// `urllib.parse.quote_plus`.
pub(crate) fn quote(text: &str) -> String {
    utf8_percent_encode(text, QUOTED)
        .to_string()
        .replace(' ', "+")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_several_values_counts() {
        let parameters = Parameters::parse("a=1&b=&a=2+3&c&=x");
        assert_eq!(parameters.get("a"), Some("2 3"));
        assert_eq!(parameters.get("b"), Some(""));
        assert_eq!(parameters.get("c"), Some(""));
        assert_eq!(parameters.get("d"), None);
    }

    #[test]
    fn links_are_sorted_and_quoted_as_pythons() {
        let url = "http://h/x/?name=a+b%26&id=1&id=2";
        assert_eq!(
            replace_parameter(url, "cursor", "cD0x=="),
            "http://h/x/?cursor=cD0x%3D%3D&id=1&id=2&name=a+b%26"
        );
        assert_eq!(
            remove_parameter("http://h/x/?page=2", "page"),
            "http://h/x/"
        );
    }
}
