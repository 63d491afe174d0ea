//! Answers that are made to do harm: each is a typed error, in bounded time, and memory of the cap and a little more.
//!
//! In a process of its own, because it looks at the memory of its process.

// The lints except test functions by themselves, but not what these share.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)]

use std::{
    io::{self, Write},
    time::Duration,
};

use django_api_orm::{
    ErrorKind,
    client::{ServiceClient, ServiceClientBuilder},
    prelude::*,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    time::Instant,
};

const MIB: usize = 1 << 20;
/// The most that an answer may have.
const CAP: usize = 4 * MIB;
/// What reading one may take beside that.
const ROOM: usize = 16 * MIB;
const DEADLINE: Duration = Duration::from_secs(2);

#[derive(Debug, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/users/")]
struct User {
    id: Option<i64>,
    name: String,
}

/// An answer: what it begins with, and what then comes for ever, or until the client goes away.
#[derive(Clone)]
struct Answer {
    begin: Vec<u8>,
    forever: Option<Vec<u8>>,
}

fn once(begin: impl Into<Vec<u8>>) -> Answer {
    Answer {
        begin: begin.into(),
        forever: None,
    }
}

fn endless(begin: impl Into<Vec<u8>>, forever: impl Into<Vec<u8>>) -> Answer {
    Answer {
        begin: begin.into(),
        forever: Some(forever.into()),
    }
}

/// A whole answer with this body.
fn body(text: impl AsRef<[u8]>) -> Answer {
    let text = text.as_ref();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", text.len());
    once([head.as_bytes(), text].concat())
}

async fn answer(answer: Answer, mut stream: DuplexStream) -> io::Result<()> {
    let mut request = [0; 4096];
    while stream.read(&mut request).await? > 0 {
        stream.write_all(&answer.begin).await?;
        while let Some(more) = &answer.forever {
            stream.write_all(more).await?;
        }
    }
    Ok(())
}

fn builder(given: &Answer) -> ServiceClientBuilder {
    let given = given.clone();
    ServiceClient::builder("http://api.test")
        .connector(move |_| {
            let (theirs, ours) = tokio::io::duplex(64 << 10);
            tokio::spawn(answer(given.clone(), ours));
            async { Ok(theirs) }
        })
        .max_response_size(CAP)
        .timeout(DEADLINE)
        .max_retries(0)
}

fn kilobytes(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let value = line.unwrap().trim_start_matches(':').trim();
    value.split(' ').next().unwrap().parse().unwrap()
}

/// The most memory that the process had since, in bytes above what it has now.
struct Peak(usize);

impl Peak {
    fn begin() -> Self {
        // Makes the peak what there is now.
        std::fs::write("/proc/self/clear_refs", "5").unwrap();
        Self(kilobytes("VmRSS"))
    }

    fn growth(&self) -> usize {
        kilobytes("VmHWM").saturating_sub(self.0) << 10
    }
}

fn gzip_of_zeros(bytes: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..bytes / MIB {
        encoder.write_all(&[b' '; MIB]).unwrap();
    }
    encoder.finish().unwrap()
}

fn chunk(size: usize) -> Vec<u8> {
    [
        format!("{size:x}\r\n").into_bytes(),
        vec![b' '; size],
        b"\r\n".to_vec(),
    ]
    .concat()
}

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

#[cfg(target_os = "linux")]
#[test]
fn endless_answers_end_in_bounded_memory() {
    let bomb = gzip_of_zeros(256 * MIB);
    let zipped = format!(
        "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n",
        bomb.len()
    );
    let row = br#"{"id": 1, "name": "a name of some length"},"#.repeat(100);
    let frame_of_ping = [&[0, 0, 8, 6, 0, 0, 0, 0, 0][..], &[7; 8]].concat();
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    // A header that goes on in frame after frame.
    let headers = [0, 0, 1, 1, 0, 0, 0, 0, 1, 0x88];
    let continuation = [&[0, 1, 0, 9, 0, 0, 0, 0, 1][..], &[0x40; 256]].concat();
    let too_large = [ErrorKind::TooLarge].as_slice();
    let slow = [ErrorKind::TooLarge, ErrorKind::Timeout].as_slice();
    let refused = [ErrorKind::Connect, ErrorKind::Decode, ErrorKind::TooLarge].as_slice();
    let cases = [
        (
            "a body",
            false,
            endless("HTTP/1.1 200 OK\r\n\r\n", vec![b' '; 1 << 16]),
            too_large,
        ),
        (
            "rows",
            false,
            endless("HTTP/1.1 200 OK\r\n\r\n[", row),
            too_large,
        ),
        ("chunks", false, endless(CHUNKED, chunk(1 << 14)), too_large),
        (
            "small chunks",
            false,
            endless(CHUNKED, chunk(1).repeat(1_000)),
            slow,
        ),
        (
            "a bomb",
            false,
            once([zipped.into_bytes(), bomb].concat()),
            too_large,
        ),
        (
            "header lines",
            false,
            endless("HTTP/1.1 200 OK\r\n", "X-A: some value\r\n".repeat(50)),
            refused,
        ),
        (
            "a header line",
            false,
            endless("HTTP/1.1 200 OK\r\nX-A: ", vec![b'a'; 1 << 14]),
            refused,
        ),
        (
            "a status line",
            false,
            endless("HTTP/1.1 200 ", vec![b'a'; 1 << 14]),
            refused,
        ),
        (
            "trailers",
            false,
            endless(format!("{CHUNKED}0\r\n"), "X-A: some value\r\n".repeat(50)),
            refused,
        ),
        (
            "extensions of a chunk",
            false,
            endless(format!("{CHUNKED}5"), ";a=b".repeat(1_000)),
            refused,
        ),
        (
            "informational answers",
            false,
            endless("", "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(50)),
            &[ErrorKind::Timeout],
        ),
        (
            "pings",
            true,
            endless(settings, frame_of_ping.repeat(50)),
            &[ErrorKind::Timeout, ErrorKind::Connect],
        ),
        (
            "settings",
            true,
            endless(settings, settings.repeat(50)),
            &[ErrorKind::Timeout, ErrorKind::Connect],
        ),
        (
            "frames of a header",
            true,
            endless([&settings[..], &headers].concat(), continuation.repeat(10)),
            refused,
        ),
    ];
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    for (name, http2, given, kinds) in cases {
        let client = builder(&given)
            .http2_prior_knowledge(http2)
            .build()
            .unwrap();
        let peak = Peak::begin();
        let started = Instant::now();
        let error = runtime
            .block_on(client.get("/x/").into_future())
            .unwrap_err();
        assert!(kinds.contains(&error.kind()), "{name}: {error:?}");
        // The machine may be busy; what does not look at the clock never ends.
        assert!(
            started.elapsed() < 10 * DEADLINE,
            "{name}: {:?}",
            started.elapsed()
        );
        assert!(
            peak.growth() <= CAP + ROOM,
            "{name}: {} KiB more",
            peak.growth() >> 10
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_kept_whatever_drips() {
    // A byte after each pause, of a head that never ends and of a body that never does.
    for head in ["HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\n\r\n["] {
        let client = ServiceClient::builder("http://api.test")
            .connector(move |_| {
                let (theirs, mut ours) = tokio::io::duplex(1 << 10);
                tokio::spawn(async move {
                    let _ = ours.read(&mut [0; 4096]).await?;
                    ours.write_all(head.as_bytes()).await?;
                    loop {
                        tokio::time::sleep(Duration::from_millis(70)).await;
                        ours.write_all(b" ").await?;
                    }
                    #[expect(unreachable_code)]
                    io::Result::Ok(())
                });
                async { Ok(theirs) }
            })
            .timeout(DEADLINE)
            .max_retries(0)
            .build()
            .unwrap();
        let started = Instant::now();
        let error = client.get("/x/").await.unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
        assert!(started.elapsed() - DEADLINE < Duration::from_millis(100));
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_http_is_an_error() {
    for text in [
        "",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "{\"id\": 1}",
        "HTTP/1.1 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}}",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
        "HTTP/1.1 200 OK\r\nA B: c\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: \0\r\n\r\n",
    ] {
        let mut given = once(text);
        // Where the text is a beginning only, the connection stays open, and the deadline ends it.
        given.forever = None;
        let error = builder(&given)
            .build()
            .unwrap()
            .get("/x/")
            .await
            .unwrap_err();
        assert!(
            error.is_connect() || error.is_decode() || error.is_timeout(),
            "{text:?}: {error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn json_that_no_one_should_send_is_a_decode_error() {
    let nested = "[".repeat(200_000) + &"]".repeat(200_000);
    let rows = [
        format!(r#"{{"id": 1, "name": {nested}}}"#),
        nested.clone(),
        "{".repeat(200_000),
        r#"{"id": 2, "id": 1, "name": "x"}"#.to_owned(),
        r#"{"id": 1, "name": NaN}"#.to_owned(),
        r#"{"id": Infinity, "name": "x"}"#.to_owned(),
        r#"{"id": 1e400, "name": "x"}"#.to_owned(),
        format!(r#"{{"id": {}, "name": "x"}}"#, "9".repeat(100_000)),
        r#"{"id": 9223372036854775808, "name": "x"}"#.to_owned(),
        r#"{"id": 1, "name": "\ud800"}"#.to_owned(),
        "{\"id\": 1, \"name\": \"\u{1}\"}".to_owned(),
        r#"{"id": 1, "name": "x"}}"#.to_owned(),
        r#"{"id": 1, "name": "x",}"#.to_owned(),
        r#"{'id': 1, 'name': 'x'}"#.to_owned(),
    ];
    for row in rows {
        let shown = row.get(..60).unwrap_or(&row);
        let users = |text: String| builder(&body(text)).build().unwrap().objects::<User>();
        let error = users(row.clone()).get(User::F.id.eq(1)).await.unwrap_err();
        assert!(error.is_decode(), "{shown}: {error:?}");
        for page in [
            format!("[{row}]"),
            format!("{{\"count\": 1, \"next\": null, \"previous\": null, \"results\": [{row}]}}"),
        ] {
            let error = users(page).all().await.unwrap_err();
            assert!(error.is_decode(), "{shown}: {error:?}");
        }
        assert!(!error.to_string().contains(&"9".repeat(500)), "{shown}");
    }
    // What the model does not have is skipped, however deep it is.
    let deep = body(format!(r#"{{"id": 1, "name": "x", "more": {nested}}}"#));
    let users = builder(&deep).build().unwrap().objects::<User>();
    users.get(User::F.id.eq(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn numbers_of_an_envelope_that_cannot_be_are_no_numbers() {
    for count in [
        "1e400",
        "-5",
        "1.5",
        "99999999999999999999999",
        "\"many\"",
        "null",
        "[1]",
        "NaN",
    ] {
        let page = format!(
            "{{\"count\": {count}, \"next\": null, \"previous\": null, \"results\": [{{\"id\": 1, \"name\": \"x\"}}]}}"
        );
        let users = builder(&body(page)).build().unwrap().objects::<User>();
        match users.count().await {
            Ok(rows) => assert_eq!(rows, 1, "{count}"),
            Err(error) => assert!(
                error.is_decode() || error.kind() == ErrorKind::Drift,
                "{count}: {error:?}"
            ),
        }
    }
}
