//! A described server at work: what it answers to a request, and the rows that it keeps.

use std::sync::Mutex;

use serde_json::{Map, Value, json};

use super::description::{Answers, Detail, Row, Server};

/// More requests than any walk over so few rows can need: whoever makes them would go on for ever.
pub(crate) const ENDLESS: usize = 1_000;

pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) content_type: &'static str,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn status(status: u16) -> Self {
        Self::json(status, &json!({"detail": "no"}))
    }

    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            content_type: "application/json",
            headers: Vec::new(),
            body: body.to_string(),
        }
    }

    fn empty() -> Self {
        Self {
            body: String::new(),
            ..Self::status(204)
        }
    }

    fn page() -> Self {
        Self {
            content_type: "text/html",
            body: "<html><body>Sign in</body></html>".to_owned(),
            ..Self::status(200)
        }
    }
}

pub(crate) struct Site {
    pub(crate) server: Server,
    state: Mutex<State>,
}

struct State {
    rows: Vec<Row>,
    next_id: i64,
    requests: Vec<String>,
}

impl Site {
    pub(crate) fn new(server: Server) -> Self {
        let rows = server.rows.clone();
        let taken = rows.iter().map(|row| row.id).chain(server.hides.clone());
        let next_id = taken.max().unwrap_or(0) + 1;
        let state = State {
            rows,
            next_id,
            requests: Vec::new(),
        };
        Self {
            server,
            state: Mutex::new(state),
        }
    }

    /// The rows that a client can see.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let mut rows = self.state.lock().unwrap().rows.clone();
        rows.retain(|row| !self.server.hides.contains(&row.id));
        rows
    }

    /// Method and target of the requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    pub(crate) fn answer(&self, request: &Request, key: &str) -> Answer {
        let mut state = self.state.lock().unwrap();
        let body = String::from_utf8_lossy(&request.body);
        state.requests.push(format!(
            "{} {}?{} {body}",
            request.method, request.path, request.query
        ));
        if state.requests.len() > ENDLESS {
            return Answer::status(400);
        }
        match (request.method.as_str(), key) {
            ("GET", "") => self.list(&state.rows, request),
            ("POST", "") => self.create(&mut state, &request.body),
            ("OPTIONS", "") if self.server.names_drf => self.description(),
            (method, key) => self.detail(&mut state, method, key, &request.body),
        }
    }

    /// The row as it is shown.
    pub(crate) fn shown(&self, row: &Row) -> Value {
        let mut shown = json!(row);
        shown["slug"] = json!(row.slug());
        let texts = [("name", Some(&row.name)), ("kind", row.kind.as_ref())];
        for (field, text) in texts {
            shown[field] = json!(text.map(|text| self.server.shows.text(field, text)));
        }
        shown
    }

    /// The name of a row as it is shown.
    pub(crate) fn shown_name(&self, row: &Row) -> String {
        self.shown(row)["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    fn written(&self, status: u16, row: &Row) -> Answer {
        let row = self.shown(row);
        match self.server.answers {
            Answers::Row => Answer::json(status, &row),
            Answers::Part => Answer::json(status, &json!({"id": row["id"], "name": row["name"]})),
            Answers::Name => Answer::json(status, &json!({"name": row["name"]})),
            Answers::Wrapped => Answer::json(status, &json!({"data": row})),
            Answers::Nothing | Answers::Page => Answer::empty(),
        }
    }

    /// As Django REST Framework describes the fields; it cannot describe one that it shows by a method.
    fn description(&self) -> Answer {
        let of = |field: &str, kind: &str| {
            let is_made = self.server.shown_otherwise() == Some(field);
            let is_read_only = is_made || ["id", "slug"].contains(&field);
            json!({"type": if is_made { "field" } else { kind }, "read_only": is_read_only})
        };
        let fields = json!({
            "id": of("id", "integer"),
            "slug": of("slug", "string"),
            "name": of("name", "string"),
            "kind": of("kind", "string"),
            "rank": of("rank", "integer"),
            "flag": of("flag", "boolean"),
        });
        Answer::json(200, &json!({"actions": {"POST": fields}}))
    }

    fn create(&self, state: &mut State, body: &[u8]) -> Answer {
        if self.server.answers == Answers::Page {
            return Answer::page();
        }
        let mut row = Row {
            id: state.next_id,
            name: String::new(),
            kind: None,
            rank: None,
            flag: false,
        };
        if !self.change(&mut row, body) {
            return Answer::status(400);
        }
        state.next_id += 1;
        state.rows.push(row.clone());
        self.written(201, &row)
    }

    fn detail(&self, state: &mut State, method: &str, key: &str, body: &[u8]) -> Answer {
        let found = state.rows.iter().position(|row| match self.server.detail {
            Detail::ByKey => row.id.to_string() == key,
            Detail::BySlug => row.slug() == key,
            Detail::Absent => false,
        });
        let found = found.filter(|index| !self.server.hides.contains(&state.rows[*index].id));
        let Some(index) = found else {
            return Answer::status(404);
        };
        match method {
            "GET" => Answer::json(200, &self.shown(&state.rows[index])),
            _ if self.server.answers == Answers::Page => Answer::page(),
            "PATCH" => {
                let mut row = state.rows[index].clone();
                if !self.change(&mut row, body) {
                    return Answer::status(400);
                }
                state.rows[index] = row.clone();
                self.written(200, &row)
            }
            "DELETE" => {
                state.rows.remove(index);
                Answer::empty()
            }
            _ => Answer::status(405),
        }
    }

    /// Takes over what a body says; false when it is no object with values of the right types.
    fn change(&self, row: &mut Row, body: &[u8]) -> bool {
        let Ok(mut body) = serde_json::from_slice::<Map<String, Value>>(body) else {
            return false;
        };
        body.retain(|name, _| name != "id" && !self.server.drops.contains(name));
        let mut whole = json!(row);
        for (name, value) in body {
            if whole.get(&name).is_some() {
                whole[&name] = value;
            }
        }
        let Ok(changed) = serde_json::from_value(whole) else {
            return false;
        };
        *row = changed;
        row.name = self.server.kept_name(&row.name);
        true
    }
}
