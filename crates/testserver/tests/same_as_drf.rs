//! Replays the requests of `same_as_drf.txt` against this server and against the real Django
//! site, and compares every status, body and header that a client may look at.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test fails by a panic"
)]

#[path = "support/client.rs"]
mod client;
#[path = "support/drf.rs"]
mod drf;

use client::{Response, send};
use django_api_orm_testserver::TestServer;
use drf::Drf;
use hyper::Method;
use serde_json::Value;

const REQUESTS: &str = include_str!("same_as_drf.txt");

const HEADERS: [&str; 8] = [
    "allow",
    "content-encoding",
    "content-type",
    "link",
    "location",
    "retry-after",
    "vary",
    "www-authenticate",
];

/// A line of the list: `[Header: value; ...] METHOD target body`.
struct Step<'a> {
    line: usize,
    headers: Vec<(&'a str, &'a str)>,
    method: &'a str,
    target: &'a str,
    body: &'a str,
}

#[tokio::test]
async fn every_answer_is_the_same() {
    let drf = Drf::start();
    let server = TestServer::reference().await.unwrap();
    let sites = [drf.base_url.as_str(), server.base_url()];
    let mut differences = Vec::new();
    let mut requests = 0;
    for step in steps() {
        let mut targets = vec![step.target.to_owned()];
        while let Some(target) = targets.pop() {
            requests += 1;
            let theirs = ask(sites[0], &step, &target).await;
            let ours = ask(sites[1], &step, &target).await;
            let expected = description(&theirs, sites[0]);
            let got = description(&ours, sites[1]);
            if expected != got {
                let (line, method) = (step.line, step.method);
                differences.push(format!(
                    "line {line}: {method} {target}\n{}",
                    diff(&expected, &got)
                ));
                break;
            }
            if step.method == "WALK" {
                targets.extend(onwards(&theirs, sites[0], &target));
            }
        }
    }
    assert!(requests > 200, "only {requests} requests were made");
    assert!(
        differences.is_empty(),
        "{} of {requests} answers differ (-DRF, +this server):\n\n{}",
        differences.len(),
        differences.join("\n\n")
    );
}

fn steps() -> impl Iterator<Item = Step<'static>> {
    let lines = REQUESTS
        .lines()
        .enumerate()
        .map(|(index, line)| (index + 1, line.trim()));
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(line, text)| {
            let (headers, request) = match text.strip_prefix('[') {
                Some(rest) => rest.split_once("] ").expect("a closing bracket"),
                None => ("", text),
            };
            let headers = headers
                .split(';')
                .filter_map(|header| header.split_once(':'));
            let mut words = request.splitn(3, ' ');
            Step {
                line,
                headers: headers
                    .map(|(name, value)| (name.trim(), value.trim()))
                    .collect(),
                method: words.next().expect("a method"),
                target: words.next().expect("a target"),
                body: words.next().unwrap_or_default(),
            }
        })
}

/// Sends a step with the usual token and content type, unless it has headers of its own for them;
/// an empty value leaves the header out.
async fn ask(base_url: &str, step: &Step<'_>, target: &str) -> Response {
    let mut headers = vec![("authorization", "Token test-token")];
    if !step.body.is_empty() {
        headers.push(("content-type", "application/json"));
    }
    headers.retain(|(name, _)| {
        !step
            .headers
            .iter()
            .any(|(own, _)| own.eq_ignore_ascii_case(name))
    });
    headers.extend(step.headers.iter().filter(|(_, value)| !value.is_empty()));
    let method = if step.method == "WALK" {
        "GET"
    } else {
        step.method
    };
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let body = step.body.replace("{base}", base_url);
    let answer = send(base_url, &method, target, &headers, &body).await;
    answer.unwrap_or_else(|error| panic!("line {}: {base_url}{target}: {error}", step.line))
}

/// The target of `next`, and at the end of the list that of `previous`.
fn onwards(response: &Response, base_url: &str, target: &str) -> Option<String> {
    let body = response.json();
    let link = |name: &str| Some(body[name].as_str()?.trim_start_matches(base_url).to_owned());
    let forwards = !target.contains("#back");
    let next = if forwards { link("next") } else { None };
    next.or_else(|| link("previous").map(|target| format!("{target}#back")))
}

/// All that must be the same, as text: line by line, so that a difference can be shown.
fn description(response: &Response, base_url: &str) -> String {
    let mut text = format!("status {}\n", response.status.as_u16());
    for name in HEADERS {
        for value in response.headers.get_all(name) {
            let value = value.to_str().unwrap_or_default().to_lowercase();
            text.push_str(&format!("{name}: {value}\n"));
        }
    }
    if response.headers.contains_key("content-encoding") {
        return text;
    }
    let mut body = response.json();
    normalize(&mut body, base_url);
    text.push_str(&serde_json::to_string_pretty(&body).unwrap());
    text
}

/// Replaces what two sites cannot have in common: their addresses, the time, random UUIDs.
fn normalize(value: &mut Value, base_url: &str) {
    match value {
        Value::String(text) => {
            *text = text.replace(base_url, "http://HOST");
            let is_new = text.ends_with('Z') && text.starts_with("20") && **text >= *"2025";
            let is_random_uuid = text.len() == 36 && text.as_bytes().get(14) == Some(&b'4');
            if is_new || is_random_uuid {
                *text = "NEW".to_owned();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| normalize(item, base_url)),
        Value::Object(map) => map.values_mut().for_each(|item| normalize(item, base_url)),
        _ => {}
    }
}

/// The lines that one has and the other has not.
fn diff(expected: &str, got: &str) -> String {
    let theirs = expected.lines().collect::<Vec<_>>();
    let ours = got.lines().collect::<Vec<_>>();
    let missing = theirs
        .iter()
        .filter(|line| !ours.contains(line))
        .map(|line| format!("- {line}"));
    let extra = ours
        .iter()
        .filter(|line| !theirs.contains(line))
        .map(|line| format!("+ {line}"));
    let lines = missing.take(12).chain(extra.take(12)).collect::<Vec<_>>();
    if lines.is_empty() {
        "the same lines in another order".to_owned()
    } else {
        lines.join("\n")
    }
}
