//! `Content-Encoding`: its names as servers spell them, and gzip of as many members as there are.
//!
//! tower-http decompresses brotli and zstd; of gzip it reads the first member only, and the rest of the rows would be lost.

use std::io::{self, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use flate2::write::GzDecoder;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, HeaderValue, Response};
use http_body::{Body, Frame};
use http_body_util::Either;

use super::connector::BoxError;

/// Compressed bytes that are taken at a time. They may become a thousand times as many, before anybody can look at the size.
const AT_A_TIME: usize = 4 * 1024;
/// What every gzip member starts with.
const GZIP: u8 = 0x1f;

/// What can be read, as `Accept-Encoding` says it.
pub(super) const ACCEPTED: HeaderValue = HeaderValue::from_static("gzip, br, zstd");

/// The name of the encoding in the spelling that is looked for: it has no case, and gzip has an old name. Whether there is one.
pub(super) fn rename(headers: &mut HeaderMap) -> bool {
    let Some(given) = headers.get(CONTENT_ENCODING) else {
        return false;
    };
    let name = given.as_bytes().trim_ascii().to_ascii_lowercase();
    let name = match name.as_slice() {
        b"x-gzip" => b"gzip",
        name => name,
    };
    if let Ok(name) = HeaderValue::from_bytes(name) {
        headers.insert(CONTENT_ENCODING, name);
    }
    true
}

/// The response without its gzip.
pub(super) fn gunzip<B>(response: Response<B>) -> Response<Either<Gunzip<B>, B>> {
    let (mut parts, body) = response.into_parts();
    let is_gzip =
        (parts.headers.get(CONTENT_ENCODING)).is_some_and(|name| name.as_bytes() == b"gzip");
    let body = if is_gzip {
        parts.headers.remove(CONTENT_ENCODING);
        parts.headers.remove(CONTENT_LENGTH);
        Either::Left(Gunzip::new(body))
    } else {
        Either::Right(body)
    };
    Response::from_parts(parts, body)
}

/// A body without its gzip.
pub(super) struct Gunzip<B> {
    body: B,
    state: State,
    /// Compressed bytes that are not taken yet.
    input: Bytes,
}

enum State {
    /// No member has begun.
    Between {
        is_first: bool,
    },
    Within(Box<GzDecoder<Vec<u8>>>),
    /// What follows the last member is no gzip: padding, which others ignore, too.
    Over,
}

impl<B> Gunzip<B> {
    fn new(body: B) -> Self {
        Self {
            body,
            state: State::Between { is_first: true },
            input: Bytes::new(),
        }
    }

    /// Takes some of the input; gives what that decompresses to, possibly nothing yet.
    fn step(&mut self) -> io::Result<Vec<u8>> {
        match &mut self.state {
            State::Between { is_first } => {
                let goes_on = *is_first || self.input.first() == Some(&GZIP);
                self.state = match goes_on {
                    true => State::Within(Box::new(GzDecoder::new(Vec::new()))),
                    false => State::Over,
                };
                Ok(Vec::new())
            }
            State::Within(decoder) => {
                let some = self.input.len().min(AT_A_TIME);
                let taken = decoder.write(self.input.get(..some).unwrap_or_default())?;
                if taken == 0 {
                    // The member has ended before these bytes.
                    decoder.try_finish()?;
                }
                self.input.advance(taken);
                let output = std::mem::take(decoder.get_mut());
                if taken == 0 {
                    self.state = State::Between { is_first: false };
                }
                Ok(output)
            }
            State::Over => {
                self.input.clear();
                Ok(Vec::new())
            }
        }
    }

    /// The rest, once the input is over; an error where a member is cut off.
    fn finish(&mut self) -> io::Result<Vec<u8>> {
        match std::mem::replace(&mut self.state, State::Over) {
            State::Within(decoder) => decoder.finish(),
            State::Between { .. } | State::Over => Ok(Vec::new()),
        }
    }
}

impl<B> Body for Gunzip<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let some = |output: Vec<u8>| Poll::Ready(Some(Ok(Frame::data(Bytes::from(output)))));
        loop {
            if self.input.is_empty() {
                match ready!(Pin::new(&mut self.body).poll_frame(cx)) {
                    Some(Ok(frame)) => match frame.into_data() {
                        Ok(data) => self.input = data,
                        Err(trailers) => return Poll::Ready(Some(Ok(trailers))),
                    },
                    Some(Err(error)) => return Poll::Ready(Some(Err(error.into()))),
                    None => {
                        return match self.finish() {
                            Ok(rest) if rest.is_empty() => Poll::Ready(None),
                            Ok(rest) => some(rest),
                            Err(error) => Poll::Ready(Some(Err(error.into()))),
                        };
                    }
                }
                continue;
            }
            match self.step() {
                Ok(output) if output.is_empty() => {}
                Ok(output) => return some(output),
                Err(error) => return Poll::Ready(Some(Err(error.into()))),
            }
        }
    }
}
