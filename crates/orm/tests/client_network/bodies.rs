//! Bodies: cut off, endless, compressed, empty, and not what they claim to be.

use std::io::Write;

use django_api_orm::{ApiModel, ErrorKind};
use serde::Deserialize;

use crate::server::{Reply, Server, ok, response, status, truncated, with_headers};

async fn get(
    reply: Reply,
) -> Result<django_api_orm::client::ApiResponse, django_api_orm::client::Error> {
    let client = Server::script([reply])
        .builder()
        .max_retries(0)
        .max_response_size(1 << 20)
        .build()
        .unwrap();
    client.get("/x/").await
}

#[tokio::test(start_paused = true)]
async fn a_body_may_end_with_the_connection() {
    let reply = Reply::Last(b"HTTP/1.1 200 OK\r\n\r\n[1, 2]".to_vec());
    assert_eq!(
        get(reply).await.unwrap().json::<Vec<i32>>().unwrap(),
        [1, 2]
    );
    let reply = Reply::Last(b"HTTP/1.0 200 OK\r\n\r\n[1]".to_vec());
    assert_eq!(
        get(reply).await.unwrap().http_version(),
        http::Version::HTTP_10
    );
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_is_an_error() {
    let chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[1, 2\r\n".to_vec();
    for reply in [truncated(200), Reply::Last(chunked)] {
        let error = get(reply).await.unwrap_err();
        assert!(error.is_connect() && error.is_retryable(), "{error:?}");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(200));
    }
    let error = get(truncated(404)).await.unwrap_err();
    assert!(error.is_not_found(), "the status is the answer: {error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_too_large_is_not_read() {
    let announced = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n",
        u64::MAX / 2
    );
    let mut chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..40 {
        chunks.extend_from_slice(b"10000\r\n");
        chunks.extend_from_slice(&[b' '; 0x10000]);
        chunks.extend_from_slice(b"\r\n");
    }
    for reply in [Reply::Bytes(announced.into_bytes()), Reply::Bytes(chunks)] {
        let error = get(reply).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
        assert!(!error.is_retryable());
    }
    let server = Server::script([status(201)]);
    let client = server.builder().max_response_size(5).build().unwrap();
    let error = client.post("/x/", &1).await.unwrap_err();
    assert_eq!((error.kind(), server.count()), (ErrorKind::TooLarge, 1));
    assert_eq!(
        error.status().map(|status| status.as_u16()),
        Some(201),
        "the write was done, and the error says so"
    );
    let exact = r#"{"ok": true}"#.len();
    let client = server.builder().max_response_size(exact).build().unwrap();
    client.post("/x/", &1).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn of_an_error_a_part_is_kept() {
    let reply = Reply::Bytes(response(500, &[], vec![b'x'; 3 << 20]));
    let error = get(reply).await.unwrap_err();
    assert_eq!(error.body().unwrap().len(), 1 << 20);
    assert!(error.is_server());
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn encoded(encoding: &str, body: &[u8]) -> Reply {
    Reply::Bytes(response(200, &[("Content-Encoding", encoding)], body))
}

/// `[1,2,3]`, compressed.
const BROTLI: &[u8] = &[
    0x0b, 0x03, 0x80, 0x5b, 0x31, 0x2c, 0x32, 0x2c, 0x33, 0x5d, 0x03,
];
const ZSTD: &[u8] = &[
    0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x07, 0x39, 0x00, 0x00, 0x5b, 0x31, 0x2c, 0x32, 0x2c, 0x33, 0x5d,
];

#[tokio::test(start_paused = true)]
async fn compressed_bodies_are_asked_for_and_read() {
    for (encoding, body) in [
        ("gzip", gzip(b"[1,2,3]")),
        ("br", BROTLI.to_vec()),
        ("zstd", ZSTD.to_vec()),
    ] {
        let server = Server::script([encoded(encoding, &body)]);
        let client = server.client();
        let numbers: Vec<i32> = client.get("/x/").await.unwrap().json().unwrap();
        assert_eq!(numbers, [1, 2, 3], "{encoding}");
        let asked = server.seen()[0]
            .header("accept-encoding")
            .unwrap()
            .to_owned();
        assert!(asked.contains(encoding), "{asked}");
        assert_eq!(client.stats().bytes_received, body.len() as u64);
    }
    let server = Server::script([ok()]);
    server
        .builder()
        .compression(false)
        .build()
        .unwrap()
        .get("/x/")
        .await
        .unwrap();
    assert_eq!(server.seen()[0].header("accept-encoding"), None);
}

#[tokio::test(start_paused = true)]
async fn an_encoding_may_be_spelt_in_other_ways() {
    let several = [gzip(b"[1,2"), gzip(b""), gzip(b",3]")].concat();
    let padded = [gzip(b"[1,2,3]"), vec![0; 512]].concat();
    for (encoding, body) in [
        ("x-gzip", gzip(b"[1,2,3]")),
        ("X-GZip", gzip(b"[1,2,3]")),
        ("GZIP", gzip(b"[1,2,3]")),
        (" gzip ", gzip(b"[1,2,3]")),
        ("BR", BROTLI.to_vec()),
        ("Zstd", ZSTD.to_vec()),
        ("Identity", b"[1,2,3]".to_vec()),
        ("gzip", several.clone()),
        ("x-gzip", several.clone()),
        ("gzip", padded),
    ] {
        let response = get(encoded(encoding, &body)).await.unwrap();
        let numbers: Vec<i32> = response.json().unwrap();
        assert_eq!(numbers, [1, 2, 3], "{encoding}");
    }
    // Cut anywhere, or changed in the second member: an error, and not a part.
    for end in 1..several.len() {
        let cut = get(encoded("gzip", &several[..end])).await;
        let is_whole = cut.is_ok_and(|response| response.json::<Vec<i32>>().is_ok());
        assert!(!is_whole, "{end}");
    }
    let mut changed = several;
    let last = changed.len() - 6;
    changed[last] ^= 1;
    let error = get(encoded("gzip", &changed)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode, "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_byte_order_mark_is_no_part_of_the_json() {
    let marked = |status, body: &str| {
        let body = format!("\u{feff}{body}");
        Reply::Bytes(response(
            status,
            &[("Content-Type", "application/json")],
            body,
        ))
    };
    let response = get(marked(200, "[1,2,3]")).await.unwrap();
    assert_eq!(response.json::<Vec<i32>>().unwrap(), [1, 2, 3]);
    assert!(response.bytes().starts_with("\u{feff}".as_bytes()));
    let error = get(marked(400, r#"{"name": ["Too short."]}"#))
        .await
        .unwrap_err();
    assert_eq!(error.field_errors().get("name"), ["Too short."]);
    assert!(error.json().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_bomb_does_not_go_off() {
    let bomb = gzip(&vec![b' '; 32 << 20]);
    assert!(bomb.len() < 1 << 20);
    let error = get(encoded("gzip", &bomb)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_decompress_is_an_error() {
    let whole = gzip(&[b'1'; 10_000]);
    for body in [b"[1,2,3]".as_slice(), &whole[..whole.len() - 9]] {
        let error = get(encoded("gzip", body)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode, "{error:?}");
    }
    for encoding in ["gzip", "br", "zstd"] {
        get(encoded(encoding, b"")).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn an_empty_body_is_no_value_but_may_be_none() {
    let no_content = Reply::Bytes(b"HTTP/1.1 204 No Content\r\n\r\n".to_vec());
    let response = get(no_content).await.unwrap();
    assert_eq!(response.json::<Option<i32>>().unwrap(), None);
    response.json::<()>().unwrap();
    let error = response.json::<i32>().unwrap_err();
    assert!(
        error.is_decode() && error.to_string().contains("no body"),
        "{error}"
    );
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)] // it is the shape that counts
struct Row {
    id: i64,
    address: Address,
}

#[derive(Debug, Deserialize)]
#[allow(dead_code)] // it is the shape that counts
struct Address {
    zip: u32,
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_is_named() {
    let rows = r#"[{"id": 1, "address": {"zip": 5}}, {"id": 2, "address": {"zip": "x"}}]"#;
    let response = get(Reply::Bytes(response(200, &[], rows))).await.unwrap();
    let error = response.json::<Vec<Row>>().unwrap_err();
    let shown = error.to_string();
    assert!(
        error.is_decode() && shown.contains("`[1].address.zip`"),
        "{shown}"
    );
    assert!(shown.starts_with("GET /x/: 200 OK: "), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_json_is_described_and_not_quoted() {
    let page = "<!doctype html><title>Log in</title><body>csrf=s3cr3t</body>";
    let reply = Reply::Bytes(response(200, &[("Content-Type", "text/html")], page));
    let shown = get(reply)
        .await
        .unwrap()
        .json::<Row>()
        .unwrap_err()
        .to_string();
    assert!(
        shown.contains(
            "JSON was expected, but the response is an HTML page (text/html), titled \"Log in\""
        ) && shown.contains("it looks like a login page")
            && !shown.contains("s3cr3t"),
        "{shown}"
    );
    let broken = Reply::Bytes(response(
        200,
        &[("Content-Type", "application/json")],
        "{\"a\": s3cr3t",
    ));
    let shown = get(broken)
        .await
        .unwrap()
        .json::<Row>()
        .unwrap_err()
        .to_string();
    assert!(
        shown.contains("not valid JSON") && !shown.contains("s3cr3t"),
        "{shown}"
    );
    let deep = "[".repeat(100_000);
    let error = get(Reply::Bytes(response(200, &[], deep)))
        .await
        .unwrap()
        .json::<serde_json::Value>()
        .unwrap_err();
    assert!(error.is_decode(), "{error:?}");
    let two = get(Reply::Bytes(response(200, &[], "1 2")))
        .await
        .unwrap()
        .json::<i32>()
        .unwrap_err();
    assert!(two.is_decode(), "{two:?}");
}

#[derive(Debug, serde::Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/users/")]
struct User {
    id: Option<i64>,
    name: String,
}

#[tokio::test(start_paused = true)]
async fn a_row_or_a_page_that_is_something_else_says_what_it_is() {
    let html = [("Content-Type", "text/html")];
    let json = [("Content-Type", "application/json")];
    let login = "<html><title>Sign in</title></html>";
    let page = "<html><title>Welcome</title></html>";
    for (headers, body, said) in [
        (
            html,
            login,
            "an HTML page (text/html), titled \"Sign in\"; it looks like a login page",
        ),
        (
            html,
            page,
            "titled \"Welcome\"; `base_url` probably leads to a website",
        ),
        (json, r#"{"id": 1, "na"#, "JSON that breaks off"),
        (json, "", "the response has no body"),
        (json, "\"x\"", "the response is a JSON string"),
    ] {
        let server = Server::script([Reply::Bytes(response(200, &headers, body))]);
        let users = server.client().objects::<User>();
        for error in [
            users.get(User::F.id.eq(1)).await.unwrap_err(),
            users.all().await.unwrap_err(),
            users
                .create(&serde_json::json!({"name": "x"}))
                .await
                .unwrap_err(),
        ] {
            let shown = error.to_string();
            assert!(error.is_decode() && shown.contains(said), "{shown}");
            assert!(
                shown.contains("/users/") && shown.contains(": 200 OK: "),
                "{shown}"
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_request_has_no_body() {
    let server = Server::script([
        Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n".to_vec()),
        ok(),
    ]);
    let client = server.client();
    let response = client.request(http::Method::HEAD, "/x/").await.unwrap();
    assert!(response.bytes().is_empty());
    client.get("/x/").await.unwrap();
    assert_eq!(server.connections(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_the_server_says_comes_with_the_error() {
    let reply = Reply::Bytes(response(
        400,
        &[("X-Request-ID", "r-1")],
        r#"{"email": ["Bad."], "address": {"state": ["Too long."]}}"#,
    ));
    let error = Server::script([reply])
        .client()
        .post("/users/", &1)
        .await
        .unwrap_err();
    assert_eq!(error.field_errors().get("address.state"), ["Too long."]);
    assert_eq!(error.request_id(), Some("r-1"));
    assert!(
        error
            .to_string()
            .starts_with("POST /users/: 400 Bad Request: "),
        "{error}"
    );
    let error = Server::script([with_headers(404, &[])])
        .client()
        .get("/users/")
        .await
        .unwrap_err();
    assert!(error.is_not_found() && !error.is_does_not_exist());
}

#[tokio::test(start_paused = true)]
async fn requests_are_what_a_json_api_expects() {
    let server = Server::script([ok()]);
    let client = server
        .builder()
        .user_agent("mine/1")
        .headers([("X-A", "1"), ("X-B", "2")])
        .build()
        .unwrap();
    client
        .post("/x/", &serde_json::json!({"a": 1}))
        .header("X-B", "3")
        .await
        .unwrap();
    client.get("/x/").await.unwrap();
    client.delete("/x/").await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[0].body, br#"{"a":1}"#);
    let headers = [
        "content-type",
        "accept",
        "user-agent",
        "x-a",
        "x-b",
        "host",
        "content-length",
    ];
    assert_eq!(
        headers.map(|name| seen[0].header(name).unwrap_or("-")),
        [
            "application/json",
            "application/json",
            "mine/1",
            "1",
            "3",
            "api.test",
            "7"
        ]
    );
    assert_eq!(
        headers.map(|name| seen[1].header(name).unwrap_or("-"))[..2],
        ["-", "application/json"]
    );
    assert_eq!(server.lines(), ["POST /x/", "GET /x/", "DELETE /x/"]);
}
