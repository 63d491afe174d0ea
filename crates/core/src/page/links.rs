//! Links to other pages: in a `Link` header, or in the body. Only their query is ever used.

use http::{HeaderMap, header::LINK};

/// The decoded pairs of a link's query. The rest of the link, host and path, is not looked at.
#[must_use]
pub fn query_pairs(link: &str) -> Vec<(String, String)> {
    let link = link.split('#').next().unwrap_or_default();
    let query = link.split_once('?').map_or("", |(_, query)| query);
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

/// The bare token or number that some servers send in the place of a link: no URL, no path, no query.
#[must_use]
pub fn bare_token(link: &str) -> Option<&str> {
    let bare = !link.is_empty() && !link.contains("://") && !link.starts_with(['/', '?', '.']);
    (bare && !link.contains('?')).then_some(link)
}

/// The target of the first link with this relation in the `Link` headers (RFC 8288). One that says by `results="false"` that
/// nothing is there is none.
pub(super) fn link_header(headers: &HeaderMap, relation: &str) -> Option<String> {
    headers
        .get_all(LINK)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .find_map(|value| target(value, relation))
}

fn target(value: &str, relation: &str) -> Option<String> {
    let mut rest = value;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let (parameters, after) = parameters(after);
        let related = parameters.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("rel")
                && value
                    .split_ascii_whitespace()
                    .any(|known| known.eq_ignore_ascii_case(relation))
        });
        let is_empty = parameters
            .iter()
            .any(|(name, value)| name.eq_ignore_ascii_case("results") && value == "false");
        if related && !is_empty && !target.is_empty() {
            return Some(target.to_owned());
        }
        rest = after;
    }
}

/// The parameters of one link, and what follows its comma. A quoted value may hold commas, semicolons and brackets.
fn parameters(text: &str) -> (Vec<(String, String)>, &str) {
    let mut parameters = Vec::new();
    let mut parameter = String::new();
    let (mut quoted, mut escaped) = (false, false);
    let mut end = text.len();
    for (index, character) in text.char_indices() {
        match character {
            _ if escaped => {
                escaped = false;
                parameter.push(character);
            }
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ',' if !quoted => {
                end = index;
                break;
            }
            ';' if !quoted => keep(&mut parameters, &mut parameter),
            _ => parameter.push(character),
        }
    }
    keep(&mut parameters, &mut parameter);
    (parameters, text.get(end..).unwrap_or_default())
}

fn keep(parameters: &mut Vec<(String, String)>, parameter: &mut String) {
    let text = std::mem::take(parameter);
    if let Some((name, value)) = text.split_once('=') {
        parameters.push((name.trim().to_owned(), value.trim().to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_query_of_a_link_is_read() {
        assert_eq!(
            query_pairs("http://evil.example:1/other?offset=5&name=a%20b+c&flag#x"),
            [
                ("offset".into(), "5".into()),
                ("name".into(), "a b c".into()),
                ("flag".into(), String::new())
            ]
        );
        assert_eq!(query_pairs("/x#a?offset=5"), []);
    }

    #[test]
    fn tokens_are_no_links() {
        assert_eq!(bare_token("eyJpZCI6N30="), Some("eyJpZCI6N30="));
        assert_eq!(bare_token("2"), Some("2"));
        for link in ["", "?page=2", "/x", "http://h/x", "./x", "x?page=2"] {
            assert_eq!(bare_token(link), None, "{link}");
        }
    }

    #[test]
    fn relations_are_found_among_others() {
        let next = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(LINK, value.parse().unwrap());
            link_header(&headers, "next")
        };
        let found = Some("https://h/x?page=3&a=1,2".to_owned());
        for value in [
            r#"<https://h/x?page=3&a=1,2>; rel="next""#,
            r#"<https://h/x?page=3&a=1,2>;rel=next"#,
            r#"<https://h/x?page=1>; rel="first", <https://h/x?page=3&a=1,2>; title="a, <b>; rel=last"; rel="next""#,
            r#"<https://h/x?page=1>; title="\"", <https://h/x?page=3&a=1,2>; REL="start Next""#,
            r"<https://h/x?page=1>; title=a\, <https://h/x?page=3&a=1,2>; rel=next",
            r#"<https://h/x?page=1>; title="a;rel=next"; rel=first, <https://h/x?page=3&a=1,2>; rel=next"#,
        ] {
            assert_eq!(next(value), found, "{value}");
        }
        for value in [
            "",
            "<",
            "<x",
            "<x>",
            "<x>; rel",
            "<x>; rel=prev",
            r#"<x>; rel="next"#,
            "<>; rel=next",
        ] {
            let unterminated = value.ends_with("\"next");
            assert_eq!(next(value).is_some(), unterminated, "{value}");
        }
    }
}
