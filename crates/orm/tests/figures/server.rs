//! A server over TCP that breaks a share of the exchanges, and counts how often each write was carried out.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of one exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered,
    /// The connection is reset, and nothing is carried out.
    ResetBefore,
    /// It is carried out, and the connection is closed.
    ClosedAfter,
    /// It is not carried out.
    Unavailable,
    Throttled,
    /// It is carried out, and the answer breaks off.
    Truncated,
    /// It is carried out, and never answered.
    Stalled,
}

/// Shares of a thousand.
pub(crate) type Shares = &'static [(Fate, u32)];

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) requests: AtomicUsize,
    /// How often the write of each mark was carried out.
    carried_out: Mutex<HashMap<u64, usize>>,
    /// The marks of keys.
    keys: Mutex<HashMap<String, u64>>,
}

impl Counts {
    pub(crate) fn carried_out(&self, mark: u64) -> usize {
        let marks = self.carried_out.lock().unwrap();
        marks.get(&mark).copied().unwrap_or_default()
    }
}

/// Listens on a free port. An answer takes up to `slowness`.
pub(crate) async fn listen(shares: Shares, slowness: Duration) -> (String, Arc<Counts>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let counts = Arc::new(Counts::default());
    let counting = Arc::clone(&counts);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let counts = Arc::clone(&counting);
            // An error is a client that has gone.
            tokio::spawn(async move { serve(stream, &counts, shares, slowness).await });
        }
    });
    (base, counts)
}

async fn serve(
    mut stream: TcpStream,
    counts: &Counts,
    shares: Shares,
    slowness: Duration,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::new();
    while let Some(request) = read(&mut stream, &mut buffer).await? {
        let turn = counts.requests.fetch_add(1, Ordering::SeqCst);
        let fate = fate(shares, turn);
        match fate {
            Fate::ResetBefore => {
                SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
                return Ok(());
            }
            Fate::Unavailable => {
                stream.write_all(&answer("503 Unavailable", "{}")).await?;
                continue;
            }
            Fate::Throttled => {
                stream.write_all(&answer("429 Too Many", "{}")).await?;
                continue;
            }
            Fate::Answered | Fate::ClosedAfter | Fate::Truncated | Fate::Stalled => {}
        }
        let bytes = request.carry_out(counts);
        if !slowness.is_zero() {
            tokio::time::sleep(slowness.mul_f64(fastrand::f64())).await;
        }
        match fate {
            Fate::ClosedAfter => return Ok(()),
            Fate::Truncated => return stream.write_all(&bytes[..bytes.len() - 3]).await,
            Fate::Stalled => {
                stream.read_u8().await?;
                return Ok(());
            }
            _ => stream.write_all(&bytes).await?,
        }
    }
    Ok(())
}

/// The fate of a request by its turn. Of a thousand each share is met exactly, in an order without pattern to those who ask.
fn fate(shares: Shares, turn: usize) -> Fate {
    let mut drawn = (turn * 617 % 1000) as u32;
    for (fate, share) in shares {
        match drawn.checked_sub(*share) {
            Some(left) => drawn = left,
            None => return *fate,
        }
    }
    Fate::Answered
}

struct Request {
    is_write: bool,
    /// The last part of the path of a read, the mark of a write.
    number: u64,
    key: Option<String>,
}

impl Request {
    fn carry_out(&self, counts: &Counts) -> Vec<u8> {
        if !self.is_write {
            let body = format!(r#"{{"id": {}, "mark": 0}}"#, self.number);
            return answer("200 OK", &body);
        }
        let is_new = self.key.as_ref().is_none_or(|key| {
            let mut keys = counts.keys.lock().unwrap();
            keys.insert(key.clone(), self.number).is_none()
        });
        if is_new {
            let mut marks = counts.carried_out.lock().unwrap();
            *marks.entry(self.number).or_default() += 1;
        }
        let body = format!(r#"{{"id": {0}, "mark": {0}}}"#, self.number);
        answer("201 Created", &body)
    }
}

fn answer(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

async fn read(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<Option<Request>> {
    loop {
        if let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&buffer[..end]).into_owned();
            let header = |name: &str| {
                head.lines()
                    .filter_map(|line| line.split_once(": "))
                    .find(|(known, _)| known.eq_ignore_ascii_case(name))
                    .map(|(_, value)| value.to_owned())
            };
            let length = header("content-length").map_or(0, |text| text.parse().unwrap());
            let whole = end + 4 + length;
            if buffer.len() >= whole {
                let is_write = head.starts_with("POST");
                let text = match is_write {
                    true => String::from_utf8_lossy(&buffer[end + 4..whole]).into_owned(),
                    false => head.split(' ').nth(1).unwrap_or_default().to_owned(),
                };
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                buffer.drain(..whole);
                return Ok(Some(Request {
                    is_write,
                    number: digits.parse().unwrap_or_default(),
                    key: header("idempotency-key"),
                }));
            }
        }
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}
