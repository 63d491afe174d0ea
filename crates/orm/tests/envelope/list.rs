//! A list of a described server: which rows, in which order, cut into pages, in which envelope.

use serde_json::{Value, json};

use super::{
    description::{Choices, Count, Natural, Next, Paging, Row, Server, Sorts, Unknown},
    queries::{Condition, KINDS, LOOKUPS},
    site::{Answer, Request, Site},
};

/// What a list is asked for, read from the parameters.
#[derive(Default)]
struct Asked {
    pairs: Vec<(String, String)>,
    conditions: Vec<Condition>,
    order: Vec<String>,
    size: Option<usize>,
    /// A number of rows, or of pages.
    position: Option<usize>,
    nothing: bool,
}

impl Site {
    pub(crate) fn list(&self, rows: &[Row], request: &Request) -> Answer {
        let asked = match self.read(&request.query) {
            Ok(asked) => asked,
            Err(status) => return Answer::status(status),
        };
        let mut rows: Vec<&Row> = rows
            .iter()
            .filter(|row| {
                let mut conditions = asked.conditions.iter();
                let database = self.server.database();
                !asked.nothing
                    && conditions.all(|condition| condition.holds(row, database) == Some(true))
            })
            .collect();
        self.server.natural.sort(&mut rows);
        for term in asked.order.iter().rev() {
            rows.sort_by(|left, right| left.compare(right, term, self.server.database()));
        }
        self.cut(&rows, &asked, &request.path)
    }

    fn read(&self, query: &str) -> Result<Asked, u16> {
        let server = &self.server;
        let mut asked = Asked::default();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name), decoded(value));
            asked.pairs.retain(|(known, _)| *known != name);
            asked.pairs.push((name, value));
        }
        for (name, value) in asked.pairs.clone() {
            let number = value.parse::<usize>().ok();
            match (name.as_str(), server.paging) {
                ("limit", Paging::Offset | Paging::OffsetIgnored)
                | ("page_size", Paging::SizedNumber) => {
                    asked.size = number.filter(|number| *number > 0);
                }
                ("offset", Paging::Offset) => asked.position = number,
                ("offset", Paging::OffsetIgnored) => {}
                ("page", Paging::Number | Paging::SizedNumber) => {
                    asked.position = Some(number.ok_or(404_u16)?);
                }
                ("cursor", Paging::Cursor) => {
                    let token = value.strip_prefix("at-").and_then(|at| at.parse().ok());
                    asked.position = Some(token.ok_or(404_u16)?);
                }
                ("ordering", _) if server.sorts != Sorts::Nothing => {
                    asked.order = self.order(&value);
                }
                _ if LOOKUPS.contains(&name.as_str()) && !server.lacks.contains(&name) => {
                    if let Some(value) = server.taken(&name, value)? {
                        let condition = condition(&name, &value).ok_or(400_u16)?;
                        asked.conditions.push(condition);
                    }
                }
                _ => match server.unknown {
                    Unknown::Ignored => {}
                    Unknown::Refused => return Err(400),
                    Unknown::Equality => asked.nothing = true,
                },
            }
        }
        match (asked.size, server.cap, server.over_cap) {
            (Some(size), Some(cap), Some(status)) if size > cap => Err(status),
            _ => Ok(asked),
        }
    }

    fn order(&self, text: &str) -> Vec<String> {
        let terms = text.split(',').filter(|term| match self.server.sorts {
            Sorts::All => true,
            Sorts::Key => term.trim_start_matches('-') == "id",
            Sorts::Ascending => !term.starts_with('-'),
            Sorts::Nothing => false,
        });
        terms.map(str::to_owned).collect()
    }

    fn cut(&self, rows: &[&Row], asked: &Asked, path: &str) -> Answer {
        let server = &self.server;
        let size = asked.size.unwrap_or(server.size);
        let size = server.cap.map_or(size, |cap| size.min(cap));
        let numbered = matches!(server.paging, Paging::Number | Paging::SizedNumber);
        let first = match asked.position {
            None => 0,
            Some(0) if numbered => return Answer::status(404),
            Some(number) if numbered => (number - 1) * size,
            Some(offset) => offset,
        };
        let is_behind = first > 0 && first >= rows.len();
        if is_behind && server.end_is_missing && numbered {
            return Answer::status(404);
        }
        let size = match server.paging {
            Paging::Whole => usize::MAX,
            _ => size,
        };
        let page: Vec<Value> = rows
            .iter()
            .skip(first)
            .take(size)
            .filter(|row| !server.hides.contains(&row.id))
            .map(|row| self.shown(row))
            .collect();
        let end = first.saturating_add(size);
        let has_next = end < rows.len();
        let link = |to: usize| self.link(asked, path, if numbered { to / size + 1 } else { to });
        let is_visible = |row: &&&Row| !server.hides.contains(&row.id);
        let count = rows.iter().filter(is_visible).count();
        let mut headers = Vec::new();
        if server.names_drf {
            let methods = "GET, POST, HEAD, OPTIONS";
            headers.push(("Allow".to_owned(), methods.to_owned()));
        }
        let mut body = json!({});
        match &server.count {
            Count::Absent => {}
            Count::Total(name) | Count::TooFew(name) | Count::TooMany(name) => {
                put(&mut body, name, json!(server.count.told(count)));
            }
            Count::Header(name) => headers.push((name.clone(), count.to_string())),
            Count::OfPage(name) => put(&mut body, name, json!(page.len())),
            Count::OfPageAndTotal(name) => {
                put(&mut body, "count", json!(page.len()));
                put(&mut body, name, json!(count));
            }
        }
        let url = has_next.then(|| format!("http://api.test{}", link(end)));
        match &server.next {
            Next::Absent => {}
            Next::Link(name) => {
                put(&mut body, name, json!(url));
                if server.previous {
                    let before = (first > 0).then(|| link(first.saturating_sub(size)));
                    put(&mut body, "previous", json!(before));
                }
            }
            Next::Always(name) => put(&mut body, name, json!(link(end))),
            Next::RelativeLink(name) => put(&mut body, name, json!(has_next.then(|| link(end)))),
            Next::Header => {
                let value = url.map(|url| format!("<{url}>; rel=\"next\""));
                headers.extend(value.map(|value| ("Link".to_owned(), value)));
            }
            Next::HeaderWithResults if server.paging != Paging::Whole => {
                let url = link(end);
                let value = format!("<{url}>; rel=\"next\"; results=\"{has_next}\"; cursor=\"x\"");
                headers.push(("Link".to_owned(), value));
            }
            Next::HeaderWithResults => {}
            Next::OtherHeader(name) => headers.extend(url.map(|url| (name.clone(), url))),
            Next::Number(name) => {
                let number = has_next.then(|| if numbered { first / size + 2 } else { end });
                put(&mut body, name, json!(number));
            }
            Next::Flag(name) => put(&mut body, name, json!(has_next)),
        }
        let body = match &server.rows_in {
            None => json!(page),
            Some(name) => {
                put(&mut body, name, json!(page));
                body
            }
        };
        Answer {
            headers,
            ..Answer::json(200, &body)
        }
    }

    /// The same request at another position.
    fn link(&self, asked: &Asked, path: &str, to: usize) -> String {
        let (name, value) = match self.server.paging {
            Paging::Number | Paging::SizedNumber => ("page", to.to_string()),
            Paging::Cursor => ("cursor", format!("at-{to}")),
            _ => ("offset", to.to_string()),
        };
        let pairs = asked.pairs.iter().filter(|(known, _)| known != name);
        let mut query: Vec<String> = pairs
            .map(|(name, value)| format!("{name}={}", value.replace(' ', "+")))
            .collect();
        query.push(format!("{name}={value}"));
        format!("{path}?{}", query.join("&"))
    }
}

impl Natural {
    pub(crate) fn sort(self, rows: &mut [&Row]) {
        rows.sort_by_key(|row| match self {
            Self::Key => row.id,
            Self::Newest => -row.id,
        });
    }
}

impl Server {
    /// The value of a filter; nothing where it is dropped.
    fn taken(&self, lookup: &str, value: String) -> Result<Option<String>, u16> {
        if self.trims && lookup.starts_with("name") {
            return Ok(Some(value.trim().to_owned()));
        }
        if !["kind", "kind__in"].contains(&lookup) || self.choices == Choices::Any {
            return Ok(Some(value));
        }
        let asked: Vec<&str> = value.split(',').collect();
        let choices = asked.iter().copied().filter(|kind| KINDS.contains(kind));
        let choices: Vec<&str> = choices.collect();
        if choices.len() == asked.len() {
            return Ok(Some(value));
        }
        match self.choices {
            Choices::Refused => Err(400),
            Choices::LeftOut if !choices.is_empty() => Ok(Some(choices.join(","))),
            _ => Ok(None),
        }
    }
}

/// Sets the value at a dotted path.
fn put(body: &mut Value, path: &str, value: Value) {
    match path.split_once('.') {
        None => body[path] = value,
        Some((first, rest)) => {
            if body.get(first).is_none() {
                body[first] = json!({});
            }
            put(&mut body[first], rest, value);
        }
    }
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_encoding::percent_decode_str(&text)
        .decode_utf8_lossy()
        .into_owned()
}

/// The condition of a parameter; `None` when its value is not of the field's type.
fn condition(lookup: &str, text: &str) -> Option<Condition> {
    let number = |text: &str| text.parse::<i64>().ok().map(Value::from);
    let value = match lookup {
        "name" | "name__icontains" | "kind" | "kind__icontains" => json!(text),
        "kind__in" => text.split(',').map(Value::from).collect(),
        "id__in" => text
            .split(',')
            .map(number)
            .collect::<Option<Vec<_>>>()?
            .into(),
        "flag" | "rank__isnull" => json!(text.parse::<bool>().ok()?),
        _ => number(text)?,
    };
    Some(Condition {
        lookup: lookup.to_owned(),
        value,
    })
}
