//! The server of the benchmarks: answers as Django REST Framework does, in microseconds, so that what is measured is the client.
//!
//! `bench-server [--keep N]` prints its base URL and serves until its standard input ends. Answers to `GET` are made once and
//! kept. `/d50/...` answers as `/...` does, 50 ms later. `--keep N` closes each connection after N requests. A client that begins
//! with HTTP/2 (prior knowledge) is answered in it.
//!
//! - `/api/v1/users/`: 10,000 rows in pages of 200, `?limit=` of any size and `?offset=`, `?id=` and `?id__in=`;
//!   `/api/v1/users/7/`
//! - `/api/v1/page/`: the same rows in one page; `/api/v1/events/`: 100,000 rows, pages of 1,000
//! - `/api/v1/posts/`: 1,000 rows in pages of 200, each with the key of one of 200 users (`author`) and of 3 of the 40 rows of
//!   `/api/v1/tags/`
//! - `/api/v1/stream/`: 4,000,000 rows in pages of 1,000, which are made anew each time
//! - `POST` to any of them answers with the row that was sent, and an `id`

use std::{
    borrow::Cow, cell::RefCell, collections::HashMap, convert::Infallible, env, error::Error,
    fmt::Write as _, future::Future, io::Read as _, ops::Range, rc::Rc, time::Duration,
};

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt as _, Full};
use hyper::{Request as Http2Request, Response, body::Incoming, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::LocalSet,
};

/// What a table is called, how many rows it has, and how many come where no size is asked for.
const TABLES: [(&str, usize, usize); 6] = [
    ("users", 10_000, 200),
    ("posts", 1_000, 200),
    ("tags", 40, 200),
    ("page", 10_000, 10_000),
    ("events", 100_000, 1_000),
    (STREAM, 4_000_000, 1_000),
];
/// The table whose rows are not kept.
const STREAM: &str = "stream";

struct Site {
    base_url: String,
    rows: Vec<String>,
    answers: RefCell<HashMap<String, Bytes>>,
    keep: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let keep = match (arguments.next().as_deref(), arguments.next()) {
        (None, _) => usize::MAX,
        (Some("--keep"), Some(requests)) => requests.parse()?,
        _ => return Err("usage: bench-server [--keep N]".into()),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, serve(keep))
}

async fn serve(keep: usize) -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let site = Rc::new(Site {
        base_url: format!("http://{}", listener.local_addr()?),
        rows: (1..=100_000).map(row).collect(),
        answers: RefCell::default(),
        keep,
    });
    println!("{}", site.base_url);
    std::thread::spawn(|| {
        // The one who started it has ended, or has closed the pipe to say that it has enough.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    loop {
        let (stream, _) = listener.accept().await?;
        let site = Rc::clone(&site);
        tokio::task::spawn_local(async move {
            // A client that goes away in the middle is no error of the server.
            let _ = connection(&site, stream).await;
        });
    }
}

async fn connection(site: &Rc<Site>, mut stream: TcpStream) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut start = [0; 4];
    if stream.peek(&mut start).await? == 4 && start == *b"PRI " {
        return http2(site, stream).await;
    }
    let mut read = BytesMut::with_capacity(8 * 1024);
    for _ in 0..site.keep {
        let Some(request) = next_request(&mut stream, &mut read).await? else {
            return Ok(());
        };
        let (delay, path) = delay_of(&request.target);
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let answer = match request.method.as_str() {
            "POST" => created(&request.body),
            _ => site.get(path),
        };
        stream.write_all(&answer).await?;
    }
    stream.shutdown().await
}

/// Tasks of a connection stay on the server's thread.
#[derive(Clone)]
struct Here;

impl<F: Future<Output: 'static> + 'static> hyper::rt::Executor<F> for Here {
    fn execute(&self, task: F) {
        tokio::task::spawn_local(task);
    }
}

async fn http2(site: &Rc<Site>, stream: TcpStream) -> std::io::Result<()> {
    let answer = service_fn(|request: Http2Request<Incoming>| {
        let site = Rc::clone(site);
        async move {
            let target = request.uri().path_and_query();
            let (delay, path) = delay_of(target.map_or("/", |target| target.as_str()));
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            let answer = site.get(path);
            let _ = request.into_body().collect().await;
            Ok::<_, Infallible>(as_http2(&answer))
        }
    });
    hyper::server::conn::http2::Builder::new(Here)
        .serve_connection(TokioIo::new(stream), answer)
        .await
        .map_err(std::io::Error::other)
}

/// An answer to `GET`, as it is kept for HTTP/1.1, in HTTP/2.
fn as_http2(answer: &Bytes) -> Response<Full<Bytes>> {
    let body = answer.windows(4).position(|window| window == b"\r\n\r\n");
    let mut response = Response::new(Full::new(answer.slice(body.map_or(0, |end| end + 4)..)));
    if !answer.starts_with(b"HTTP/1.1 200") {
        *response.status_mut() = hyper::StatusCode::NOT_FOUND;
    }
    let json = hyper::header::HeaderValue::from_static("application/json");
    let headers = response.headers_mut();
    headers.insert(hyper::header::CONTENT_TYPE, json);
    response
}

struct Request {
    method: String,
    target: String,
    body: Bytes,
}

/// The next request of a connection; `None` where the client has closed it.
async fn next_request(
    stream: &mut TcpStream,
    read: &mut BytesMut,
) -> std::io::Result<Option<Request>> {
    let head = loop {
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break read.split_to(end + 4);
        }
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&head);
    let mut words = head.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default().to_owned();
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let length = length.unwrap_or(0);
    while read.len() < length {
        if stream.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
    Ok(Some(Request {
        method,
        target,
        body: read.split_to(length).freeze(),
    }))
}

/// `/d50/rest`: 50 ms, and `/rest`.
fn delay_of(target: &str) -> (Duration, &str) {
    target
        .strip_prefix("/d")
        .and_then(|rest| {
            let slash = rest.find('/')?;
            let milliseconds = rest.get(..slash)?.parse().ok()?;
            Some((Duration::from_millis(milliseconds), rest.get(slash..)?))
        })
        .unwrap_or((Duration::ZERO, target))
}

impl Site {
    fn get(&self, target: &str) -> Bytes {
        if let Some(answer) = self.answers.borrow().get(target) {
            return answer.clone();
        }
        let body = self.body(target);
        let answer = match body {
            Some(body) => answer("200 OK", &body),
            None => answer("404 Not Found", r#"{"detail":"Not found."}"#),
        };
        if !target.contains(STREAM) {
            let mut answers = self.answers.borrow_mut();
            answers.insert(target.to_owned(), answer.clone());
        }
        answer
    }

    fn body(&self, target: &str) -> Option<String> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (name, key) = path
            .strip_prefix("/api/v1/")?
            .strip_suffix('/')
            .map(|path| path.split_once('/').unwrap_or((path, "")))?;
        let (_, count, size) = TABLES.into_iter().find(|(table, ..)| *table == name)?;
        if !key.is_empty() {
            let key = key.parse::<usize>().ok()?;
            return (1..=count)
                .contains(&key)
                .then(|| self.row(name, key).into());
        }
        let number = |name: &str| {
            query
                .split('&')
                .filter_map(|pair| pair.split_once('='))
                .find(|(key, _)| *key == name)
                .and_then(|(_, value)| value.parse::<usize>().ok())
        };
        let limit = number("limit").unwrap_or(size);
        let offset = number("offset").unwrap_or(0);
        let keys: Vec<usize> = query
            .split('&')
            .filter_map(|pair| pair.strip_prefix("id__in=").or(pair.strip_prefix("id=")))
            .flat_map(|keys| keys.split(','))
            .filter_map(|key| key.parse().ok())
            .filter(|key| (1..=count).contains(key))
            .collect();
        let page = offset..offset.saturating_add(limit);
        if keys.is_empty() {
            Some(self.envelope(path, name, count, |place| place + 1, page, ""))
        } else {
            let filter = query.split('&').find(|pair| pair.starts_with("id"));
            let filter = format!("&{}", filter.unwrap_or_default());
            let key = |place| keys.get(place).copied().unwrap_or_default();
            Some(self.envelope(path, name, keys.len(), key, page, &filter))
        }
    }

    fn row(&self, table: &str, key: usize) -> Cow<'_, str> {
        match (table, self.rows.get(key.wrapping_sub(1))) {
            ("posts", _) => Cow::Owned(post(key)),
            ("tags", _) => Cow::Owned(format!(r#"{{"id":{key},"name":"Tag number {key}"}}"#)),
            (_, Some(row)) => Cow::Borrowed(row),
            (_, None) => Cow::Owned(row(key)),
        }
    }

    fn envelope(
        &self,
        path: &str,
        table: &str,
        count: usize,
        key: impl Fn(usize) -> usize,
        page: Range<usize>,
        filter: &str,
    ) -> String {
        let Range { start, end } = page;
        let limit = end - start;
        let link = |offset: usize| {
            format!(
                "\"{}{path}?limit={limit}&offset={offset}{filter}\"",
                self.base_url
            )
        };
        let next = (end < count).then(|| link(end));
        let previous = (start > 0).then(|| link(start.saturating_sub(limit)));
        let null = || "null".to_owned();
        let mut body = format!(
            r#"{{"count":{},"next":{},"previous":{},"results":["#,
            count,
            next.unwrap_or_else(null),
            previous.unwrap_or_else(null)
        );
        for place in start..end.min(count) {
            if place > start {
                body.push(',');
            }
            body.push_str(&self.row(table, key(place)));
        }
        body.push_str("]}");
        body
    }
}

fn row(id: usize) -> String {
    let mut row = format!(
        r#"{{"id":{id},"name":"Person number {id}","email":"person.{id}@example.com","role":"{}","active":{},"age":"#,
        ["viewer", "editor", "admin"].get(id % 3).unwrap_or(&""),
        !id.is_multiple_of(4)
    );
    match id % 7 {
        0 => row.push_str("null"),
        _ => row.push_str(&(18 + id % 60).to_string()),
    }
    let (whole, eighths) = (id / 8, id % 8 * 125);
    let (days, hours, minutes) = (id / 1440 % 28 + 1, id / 60 % 24, id % 60);
    let _ = write!(
        row,
        r#","score":{whole}.{eighths:03},"created_at":"2024-01-{days:02}T{hours:02}:{minutes:02}:00Z"}}"#
    );
    row
}

fn post(id: usize) -> String {
    let (author, tag) = (id * 37 % 200 + 1, id * 7);
    let tags = [tag % 40 + 1, (tag + 11) % 40 + 1, (tag + 23) % 40 + 1];
    format!(r#"{{"id":{id},"title":"Post number {id}","author":{author},"tags":{tags:?}}}"#)
}

/// The row that was sent, which is an object, with a key.
fn created(body: &[u8]) -> Bytes {
    let body = String::from_utf8_lossy(body);
    let fields = body.trim_start().strip_prefix('{').unwrap_or_default();
    answer("201 Created", &format!("{{\"id\":200001,{fields}"))
}

fn answer(status: &str, body: &str) -> Bytes {
    let length = body.len();
    Bytes::from(format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nAllow: GET, POST, HEAD, OPTIONS\r\nVary: Accept\r\n\
         X-Frame-Options: DENY\r\nContent-Length: {length}\r\n\r\n{body}"
    ))
}
