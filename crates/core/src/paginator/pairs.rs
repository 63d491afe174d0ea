//! Query parameters as pairs: looked up, replaced, merged with those of a link.

use crate::page::{bare_token, query_pairs};

/// Query parameters, decoded, in their order.
pub type Pairs = Vec<(String, String)>;

/// The value of a parameter; the last one counts, as with Django.
pub(super) fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    pairs
        .iter()
        .rev()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

/// The value of a parameter as a number.
pub(super) fn number(pairs: &[(String, String)], name: &str) -> Option<u64> {
    find(pairs, name)?.parse().ok()
}

pub(super) fn remove(pairs: &mut Pairs, name: &str) {
    pairs.retain(|(known, _)| known != name);
}

pub(super) fn set(pairs: &mut Pairs, name: &str, value: u64) {
    remove(pairs, name);
    pairs.push((name.to_owned(), value.to_string()));
}

/// What a link says, under what we say: a parameter of our own keeps our value, whatever the link has for it.
///
/// Some servers give a bare token or number in the place of a link; that is the value of the position parameter.
pub(super) fn merge(own: &[(String, String)], link: &str, position: Option<&str>) -> Pairs {
    let linked = match (bare_token(link), position) {
        (Some(token), Some(name)) => vec![(name.to_owned(), token.to_owned())],
        _ => query_pairs(link),
    };
    let mut merged = own.to_vec();
    merged.extend(
        linked
            .into_iter()
            .filter(|(name, _)| find(own, name).is_none()),
    );
    merged
}

/// The pairs in an order that does not depend on who wrote them.
#[must_use]
pub fn sorted(pairs: &[(String, String)]) -> Pairs {
    let mut pairs = pairs.to_vec();
    pairs.sort_unstable();
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(query: &str) -> Pairs {
        query_pairs(&format!("?{query}"))
    }

    #[test]
    fn our_own_parameters_win() {
        let own = pairs("active=true&tag=a&tag=b");
        let link = "https://elsewhere:9/x?active=false&tag=c&offset=20&limit=20";
        assert_eq!(
            merge(&own, link, Some("offset")),
            pairs("active=true&tag=a&tag=b&offset=20&limit=20")
        );
        assert_eq!(
            merge(&own, "abc", Some("cursor")),
            pairs("active=true&tag=a&tag=b&cursor=abc")
        );
        assert_eq!(merge(&own, "abc", None), own);
    }

    #[test]
    fn the_last_value_counts() {
        let mut query = pairs("offset=1&a=x&offset=2");
        assert_eq!(number(&query, "offset"), Some(2));
        assert_eq!(number(&query, "a"), None);
        set(&mut query, "offset", 7);
        assert_eq!(query, pairs("a=x&offset=7"));
        assert_eq!(sorted(&pairs("b=1&a=2")), sorted(&pairs("a=2&b=1")));
    }
}
