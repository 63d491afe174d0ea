//! The server's side: a collection in memory, as Django REST Framework would show it, that remembers all it has ever held.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use crate::server::{Reply, Seen, response};
use crate::world::World;

pub(crate) const PATH: &str = "/things/";
const PAGE: usize = 4;

/// A row as it is, or `None` before it was made and after it was deleted.
type Held = Option<Value>;

#[derive(Default)]
struct State {
    rows: BTreeMap<u64, Value>,
    /// What each row has been, and from when on.
    history: BTreeMap<u64, Vec<(Instant, Held)>>,
    /// How often the write of each mark was carried out.
    carried_out: HashMap<String, usize>,
    /// The answers to keys, and until when the server is at work on them.
    keys: HashMap<String, (Instant, Vec<u8>)>,
    /// Writes that were made of another version than the one they replaced.
    overwritten: Vec<String>,
    next_id: u64,
    last_write: Option<Instant>,
    requests: usize,
}

pub(crate) struct Collection {
    world: Arc<World>,
    state: Mutex<State>,
}

/// What the server does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    CloseBefore,
    HangBefore,
    UnavailableBefore,
    Throttled,
    CloseAfter,
    HangAfter,
    UnavailableAfter,
    FailedAfter,
    TruncatedAfter,
    LastAfter,
    Dripping,
}

const FAULTS: [Fault; 11] = [
    Fault::CloseBefore,
    Fault::HangBefore,
    Fault::UnavailableBefore,
    Fault::Throttled,
    Fault::CloseAfter,
    Fault::HangAfter,
    Fault::UnavailableAfter,
    Fault::FailedAfter,
    Fault::TruncatedAfter,
    Fault::LastAfter,
    Fault::Dripping,
];

impl Collection {
    pub(crate) fn new(world: Arc<World>, rows: u64) -> Self {
        let collection = Self {
            world,
            state: Mutex::default(),
        };
        for _ in 0..rows {
            let mut state = collection.state.lock().unwrap();
            state.create(&json!({"name": "seed", "mark": "seed", "base": ""}));
        }
        collection
    }

    /// Answers a request, or does worse.
    pub(crate) fn answer(&self, seen: &Seen) -> Reply {
        let fault = self.world.strikes(1.0).then(|| self.world.pick(&FAULTS));
        let reply = self.reply(seen, fault);
        let what = match &reply {
            Reply::Bytes(bytes) | Reply::Last(bytes) => {
                String::from_utf8_lossy(&bytes[..bytes.len().min(12)]).into_owned()
            }
            Reply::Slowly(..) => "slowly".to_owned(),
            Reply::Close => "closed".to_owned(),
            Reply::Hang => "no answer".to_owned(),
        };
        self.world.note(format!(
            "{} {} {}: {fault:?}, {what}",
            seen.method,
            seen.target,
            String::from_utf8_lossy(&seen.body)
        ));
        reply
    }

    fn reply(&self, seen: &Seen, fault: Option<Fault>) -> Reply {
        self.state.lock().unwrap().requests += 1;
        match fault {
            Some(Fault::CloseBefore) => return Reply::Close,
            Some(Fault::HangBefore) => return Reply::Hang,
            Some(Fault::UnavailableBefore) => return Reply::Bytes(told(503, &[])),
            Some(Fault::Throttled) => {
                let after = [("Retry-After", "1")];
                let named = self.world.pick(&[0, 1]);
                return Reply::Bytes(told(429, &after[..named]));
            }
            _ => {}
        }
        let (bytes, work) = self.carry_out(seen);
        match fault {
            Some(Fault::CloseAfter) => Reply::Close,
            Some(Fault::HangAfter) => Reply::Hang,
            Some(Fault::UnavailableAfter) => Reply::Bytes(told(503, &[])),
            Some(Fault::FailedAfter) => Reply::Bytes(told(500, &[])),
            Some(Fault::TruncatedAfter) => {
                let end = self.world.random(0..bytes.len() as u64) as usize;
                Reply::Last(bytes[..end].to_vec())
            }
            Some(Fault::LastAfter) => Reply::Last(bytes),
            Some(Fault::Dripping) => {
                let pieces = bytes.chunks(40).map(<[u8]>::to_vec).collect();
                Reply::Slowly(self.world.millis(1..3000), pieces)
            }
            _ if work > Duration::ZERO => Reply::Slowly(work, vec![bytes]),
            _ => Reply::Bytes(bytes),
        }
    }

    /// Does what a request asks for, and gives the answer and the time that it takes.
    fn carry_out(&self, seen: &Seen) -> (Vec<u8>, Duration) {
        let mut state = self.state.lock().unwrap();
        let key = match seen.method.as_str() {
            "GET" => None,
            _ => seen.header("idempotency-key").map(str::to_owned),
        };
        if let Some((until, answer)) = key.as_ref().and_then(|key| state.keys.get(key)) {
            return match *until > Instant::now() {
                true => (told(409, &[]), Duration::ZERO),
                false => (answer.clone(), Duration::ZERO),
            };
        }
        let work = match self.world.strikes(1.0) {
            true => self.world.millis(1..20_000),
            false => Duration::ZERO,
        };
        let bytes = state.answer(seen, self.world.weather.tags);
        if let Some(key) = key {
            state
                .keys
                .insert(key, (Instant::now() + work, bytes.clone()));
        }
        (bytes, work)
    }

    pub(crate) fn carried_out(&self, mark: &str) -> usize {
        let state = self.state.lock().unwrap();
        state.carried_out.get(mark).copied().unwrap_or_default()
    }

    pub(crate) fn overwritten(&self) -> Vec<String> {
        self.state.lock().unwrap().overwritten.clone()
    }

    pub(crate) fn requests(&self) -> usize {
        self.state.lock().unwrap().requests
    }

    pub(crate) fn rows(&self) -> Vec<Value> {
        self.state.lock().unwrap().rows.values().cloned().collect()
    }

    /// Whether nothing was written since.
    pub(crate) fn is_quiet_since(&self, start: Instant) -> bool {
        let last = self.state.lock().unwrap().last_write;
        last.is_none_or(|last| last < start)
    }

    /// Whether the row was this (or not there) at some time since `start`.
    pub(crate) fn was(&self, id: u64, held: Option<&Value>, start: Instant) -> bool {
        let state = self.state.lock().unwrap();
        let Some(history) = state.history.get(&id) else {
            return held.is_none();
        };
        let later = history.partition_point(|(at, _)| *at < start);
        history[later.saturating_sub(1)..]
            .iter()
            .any(|(_, known)| known.as_ref() == held)
    }
}

impl State {
    fn answer(&mut self, seen: &Seen, tags: bool) -> Vec<u8> {
        let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
        let id = path
            .strip_prefix(PATH)
            .and_then(|rest| rest.strip_suffix('/'))
            .and_then(|id| id.parse::<u64>().ok());
        let body: Value = serde_json::from_slice(&seen.body).unwrap_or_default();
        match (seen.method.as_str(), id) {
            ("GET", None) => told_page(&self.page(query)),
            ("POST", None) => {
                let row = self.create(&body);
                shown(201, &row, tags)
            }
            (method, Some(id)) => {
                let Some(row) = self.rows.get(&id).cloned() else {
                    return told(404, &[]);
                };
                let condition = seen.header("if-match");
                if tags && condition.is_some_and(|tag| tag != tag_of(&row)) {
                    return told(412, &[]);
                }
                match method {
                    "GET" => shown(200, &row, tags),
                    "PATCH" => {
                        let row = self.change(id, row, &body);
                        shown(200, &row, tags)
                    }
                    "DELETE" => {
                        self.delete(id);
                        told(204, &[])
                    }
                    _ => told(405, &[]),
                }
            }
            _ => told(405, &[]),
        }
    }

    fn page(&self, query: &str) -> Value {
        let asked: HashMap<String, String> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        let number = |name: &str, or| asked.get(name).and_then(|n| n.parse().ok()).unwrap_or(or);
        let (limit, offset): (usize, usize) = (number("limit", PAGE), number("offset", 0));
        let mut rows: Vec<&Value> = self.rows.values().collect();
        for (name, value) in &asked {
            if matches!(name.as_str(), "name" | "mark" | "base") {
                rows.retain(|row| row[name] == **value);
            }
        }
        if asked.get("ordering").is_some_and(|field| field == "-id") {
            rows.reverse();
        }
        let link = |offset: usize| format!("http://api.test{PATH}?limit={limit}&offset={offset}");
        json!({
            "count": rows.len(),
            "next": (offset + limit < rows.len()).then(|| link(offset + limit)),
            "previous": (offset > 0).then(|| link(offset.saturating_sub(limit))),
            "results": rows.iter().skip(offset).take(limit).collect::<Vec<_>>(),
        })
    }

    fn create(&mut self, body: &Value) -> Value {
        self.next_id += 1;
        let id = self.next_id;
        let mut row = json!({"id": id, "name": "", "mark": "", "base": "", "version": 1});
        assign(&mut row, body);
        self.hold(id, Some(row.clone()));
        self.count(&row["mark"]);
        row
    }

    fn change(&mut self, id: u64, mut row: Value, body: &Value) -> Value {
        if body["base"] != row["mark"] {
            self.overwritten.push(body["mark"].to_string());
        }
        assign(&mut row, body);
        row["version"] = json!(row["version"].as_u64().unwrap_or_default() + 1);
        self.hold(id, Some(row.clone()));
        self.count(&row["mark"]);
        row
    }

    fn delete(&mut self, id: u64) {
        self.hold(id, None);
        self.count(&json!(deletion(id)));
    }

    fn count(&mut self, mark: &Value) {
        let mark = mark.as_str().unwrap_or_default().to_owned();
        *self.carried_out.entry(mark).or_default() += 1;
    }

    fn hold(&mut self, id: u64, row: Held) {
        let now = Instant::now();
        self.last_write = Some(now);
        let history = self.history.entry(id).or_default();
        if history.is_empty() {
            // Before it was made.
            history.push((now - Duration::from_nanos(1), None));
        }
        history.push((now, row.clone()));
        match row {
            Some(row) => self.rows.insert(id, row),
            None => self.rows.remove(&id),
        };
    }
}

/// The mark of the deletion of a row, of which there is one.
pub(crate) fn deletion(id: u64) -> String {
    format!("deletion of {id}")
}

fn assign(row: &mut Value, body: &Value) {
    for name in ["name", "mark", "base"] {
        if let Some(value) = body.get(name) {
            row[name] = value.clone();
        }
    }
}

fn tag_of(row: &Value) -> String {
    format!("\"{}\"", row["version"])
}

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// An answer that shows a row.
fn shown(status: u16, row: &Value, tags: bool) -> Vec<u8> {
    let tag = tag_of(row);
    let headers = [JSON, ("ETag", &tag)];
    let headers = if tags { &headers[..] } else { &headers[..1] };
    response(status, headers, row.to_string())
}

fn told_page(page: &Value) -> Vec<u8> {
    response(200, &[JSON], page.to_string())
}

/// An answer that says no more than its status.
fn told(status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
    match status {
        204 => b"HTTP/1.1 204 No Content\r\n\r\n".to_vec(),
        _ => {
            let headers = [&[JSON], headers].concat();
            response(status, &headers, r#"{"detail": "no"}"#)
        }
    }
}
