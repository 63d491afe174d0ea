//! The server over HTTP/2. What ends a connection of HTTP/1.1 ends a stream here; and there is more that can fail: streams that are
//! refused before anybody has looked at them, and connections that say goodbye.

use std::sync::Arc;

use bytes::Bytes;
use h2::{Reason, RecvStream, server::SendResponse};
use http::{Request, Response};
use tokio::io::DuplexStream;

use crate::collection::Collection;
use crate::server::{Reply, Seen};
use crate::world::World;

/// Serves one connection to its end.
pub(crate) async fn serve(world: Arc<World>, collection: Arc<Collection>, stream: DuplexStream) {
    let Ok(mut connection) = h2::server::handshake(stream).await else {
        return;
    };
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        if world.strikes(0.5) {
            world.note("a stream is refused");
            respond.send_reset(Reason::REFUSED_STREAM);
            continue;
        }
        if world.strikes(0.3) {
            world.note("goodbye, after what is under way");
            connection.graceful_shutdown();
        } else if world.strikes(0.2) {
            world.note("goodbye at once");
            connection.abrupt_shutdown(Reason::NO_ERROR);
        }
        let collection = Arc::clone(&collection);
        tokio::spawn(async move { answer(&collection, request, respond).await });
    }
}

async fn answer(
    collection: &Collection,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) {
    let (head, mut body) = request.into_parts();
    let mut seen = Seen {
        method: head.method.to_string(),
        target: head.uri.path_and_query().unwrap().to_string(),
        headers: (head.headers.iter())
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect(),
        body: Vec::new(),
    };
    while let Some(chunk) = body.data().await {
        // The client has given it up.
        let Ok(chunk) = chunk else { return };
        let _ = body.flow_control().release_capacity(chunk.len());
        seen.body.extend_from_slice(&chunk);
    }
    let bytes = match collection.answer(&seen) {
        Reply::Bytes(bytes) | Reply::Last(bytes) => bytes,
        Reply::Slowly(pause, pieces) => {
            tokio::time::sleep(pause * u32::try_from(pieces.len()).unwrap()).await;
            pieces.concat()
        }
        Reply::Close => return respond.send_reset(Reason::INTERNAL_ERROR),
        Reply::Hang => return std::future::pending().await,
    };
    let Some((head, body, is_whole)) = parsed(&bytes) else {
        return respond.send_reset(Reason::INTERNAL_ERROR);
    };
    let ends = is_whole && body.is_empty();
    // Whoever asked may be gone.
    let Ok(mut stream) = respond.send_response(head, ends) else {
        return;
    };
    if !body.is_empty() {
        let _ = stream.send_data(Bytes::copy_from_slice(body), is_whole);
    }
    if !is_whole {
        stream.send_reset(Reason::INTERNAL_ERROR);
    }
}

/// The answer of HTTP/1.1: its head, as far as that is whole, what there is of its body, and whether that is all.
fn parsed(bytes: &[u8]) -> Option<(Response<()>, &[u8], bool)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&bytes[..end]).unwrap();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?;
    let mut response = Response::builder().status(status);
    let mut length = 0;
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        match name.to_ascii_lowercase().as_str() {
            "connection" => continue,
            "content-length" => length = value.parse().unwrap(),
            _ => {}
        }
        response = response.header(name, value);
    }
    let body = &bytes[end + 4..];
    Some((response.body(()).unwrap(), body, body.len() == length))
}
