//! `SearchFilter` and `OrderingFilter`.

use rusqlite::types::Value as Sql;

use crate::lookup::escape_like;
use crate::store::Condition;
use crate::table::{Table, Tables, quoted};

/// The terms of a search: words, split at spaces and commas, with quoted phrases kept together.
fn terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    for word in smart_split(text) {
        let word = word.trim_matches(',');
        let quote = word
            .chars()
            .next()
            .filter(|first| ['"', '\''].contains(first));
        match quote {
            Some(quote) if word.ends_with(quote) => {
                let inner = word
                    .strip_prefix(quote)
                    .and_then(|rest| rest.strip_suffix(quote));
                let inner = inner.unwrap_or_default();
                let escaped = format!("\\{quote}");
                let plain = inner
                    .replace(&escaped, &quote.to_string())
                    .replace("\\\\", "\\");
                terms.push(plain);
            }
            _ => terms.extend(
                word.split(',')
                    .filter(|part| !part.is_empty())
                    .map(|part| part.trim().to_owned()),
            ),
        }
    }
    terms
}

/// `django.utils.text.smart_split`: words, where a space inside quotes divides nothing.
fn smart_split(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match quote {
            Some(open) => {
                word.push(letter);
                if letter == '\\' {
                    word.extend(letters.next());
                } else if letter == open {
                    quote = None;
                }
            }
            None if letter.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            None => {
                let closes = || letters.clone().any(|later| later == letter);
                if ['"', '\''].contains(&letter) && closes() {
                    quote = Some(letter);
                }
                word.push(letter);
            }
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// Every term must be in one of the fields.
pub(crate) fn conditions(
    tables: &Tables,
    table: &Table,
    fields: &[String],
    text: &str,
) -> Vec<Condition> {
    let columns = fields.iter().filter_map(|field| {
        let (prefix, path) = match field.strip_prefix(['^', '=', '$']) {
            Some(path) => (field.chars().next(), path),
            None => (None, field.as_str()),
        };
        Some((prefix, tables.resolve(table, path)?.0))
    });
    let columns = columns.collect::<Vec<_>>();
    if columns.is_empty() {
        return Vec::new();
    }
    let condition = |term: String| {
        let tests = columns.iter().map(|(prefix, column)| {
            let text = escape_like(&term);
            let like = format!("{column} LIKE ? ESCAPE '\\'");
            match prefix {
                Some('^') => (like, format!("{text}%")),
                Some('=') => (like, text),
                Some('$') => (format!("{column} REGEXP ?"), format!("(?i){term}")),
                _ => (like, format!("%{text}%")),
            }
        });
        let (tests, values): (Vec<_>, Vec<_>) = tests.unzip();
        Condition::new(tests.join(" OR "), values.into_iter().map(Sql::Text))
    };
    terms(text).into_iter().map(condition).collect()
}

/// The terms of `ordering=` that are allowed; the others are dropped.
pub(crate) fn ordering(text: &str, allowed: &[String]) -> Vec<String> {
    let terms = text.split(',').map(str::trim);
    let valid = |term: &&str| {
        let name = term.strip_prefix('-').unwrap_or(term);
        allowed.iter().any(|field| field == name)
    };
    terms.filter(valid).map(str::to_owned).collect()
}

/// ORDER BY terms. A term on a relation is ordered by the key that it holds.
pub(crate) fn order_sql(tables: &Tables, table: &Table, terms: &[String]) -> Vec<String> {
    let sql = |term: &String| {
        let (path, direction) = match term.strip_prefix('-') {
            Some(path) => (path, "DESC"),
            None => (term.as_str(), "ASC"),
        };
        let column = match path {
            "pk" => format!("t.{}", quoted(&table.key)),
            path => tables.resolve(table, path)?.0,
        };
        Some(format!("{column} {direction}"))
    };
    terms.iter().filter_map(sql).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_split_as_drf_splits_it() {
        for (given, expected) in [
            ("alice smith", vec!["alice", "smith"]),
            ("alice,smith", vec!["alice", "smith"]),
            ("\"alice smith\" x", vec!["alice smith", "x"]),
            ("o'brien", vec!["o'brien"]),
            (" , ", vec![]),
        ] {
            assert_eq!(terms(given), expected, "{given}");
        }
    }

    #[test]
    fn unknown_ordering_is_dropped_term_by_term() {
        let allowed = ["id".to_owned(), "name".to_owned()];
        assert_eq!(ordering("-name, x,--id,id", &allowed), ["-name", "id"]);
    }
}
