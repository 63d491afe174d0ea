//! A connection in memory, which may break at any byte, in either direction and in four ways.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};

use crate::world::World;

/// How a direction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// Both directions are closed.
    Close,
    /// Both directions are closed, and the client is told so by an error.
    Reset,
    /// This direction is closed, the other goes on.
    Half,
    /// Nothing comes through any more, and nobody is told.
    Stall,
}

impl End {
    pub(crate) const ALL: [Self; 4] = [Self::Close, Self::Reset, Self::Half, Self::Stall];
}

/// After how many bytes a direction ends, and how; or never.
pub(crate) type Fate = Option<(usize, End)>;

/// The client's end of a connection.
pub(crate) struct Wire {
    stream: DuplexStream,
    is_reset: Arc<AtomicBool>,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        let is_end = into.filled().len() == before;
        Poll::Ready(if is_end && self.is_reset.load(Ordering::SeqCst) {
            Err(io::ErrorKind::ConnectionReset.into())
        } else {
            Ok(())
        })
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// Makes a connection that ends as told, and gives the client's end and the server's.
pub(crate) fn connection(world: Arc<World>, up: Fate, down: Fate) -> (Wire, DuplexStream) {
    let (client, near) = tokio::io::duplex(16 * 1024);
    let (far, server) = tokio::io::duplex(16 * 1024);
    let is_reset = Arc::new(AtomicBool::new(false));
    let wire = Wire {
        stream: client,
        is_reset: Arc::clone(&is_reset),
    };
    tokio::spawn(async move {
        let (near_read, near_write) = tokio::io::split(near);
        let (far_read, far_write) = tokio::io::split(far);
        // In a fixed order, so that a seed replays.
        let ended = tokio::select! {
            biased;
            ended = carry(&world, near_read, far_write, up) => ended,
            ended = carry(&world, far_read, near_write, down) => ended,
        };
        is_reset.store(ended.ok() == Some(End::Reset), Ordering::SeqCst);
    });
    (wire, server)
}

/// Carries bytes until one side closes, or as far as fate allows.
async fn carry(
    world: &World,
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    fate: Fate,
) -> io::Result<End> {
    let mut left = fate.map_or(usize::MAX, |(bytes, _)| bytes);
    let mut buffer = [0; 4096];
    loop {
        if left == 0 {
            let end = fate.map_or(End::Close, |(_, end)| end);
            match end {
                End::Half => to.shutdown().await?,
                End::Close | End::Reset => return Ok(end),
                End::Stall => {}
            }
            std::future::pending::<()>().await;
        }
        let most = left.min(buffer.len());
        let length = from.read(&mut buffer[..most]).await?;
        if length == 0 {
            return Ok(End::Close);
        }
        world.passable().await;
        delay(world).await;
        to.write_all(&buffer[..length]).await?;
        left -= length;
    }
}

/// What bytes take on their way. What is lost is sent again by TCP, which only takes longer.
async fn delay(world: &World) {
    let mut time = world.millis(0..20);
    let mut repetition = Duration::from_millis(200);
    while world.strikes(0.5) {
        time += repetition;
        repetition *= 2;
    }
    tokio::time::sleep(time).await;
}

/// The network of a whole simulation: connections that fail to open, or end somewhere.
pub(crate) async fn connect(world: &Arc<World>) -> io::Result<(Wire, DuplexStream)> {
    world.passable().await;
    tokio::time::sleep(world.millis(0..30)).await;
    if world.strikes(0.5) {
        world.note("refused");
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    if world.strikes(0.2) {
        world.note("never connected");
        std::future::pending::<()>().await;
    }
    let fate = |share| {
        world.strikes(share).then(|| {
            let bytes = world.random(0..3000) as usize;
            (bytes, world.pick(&End::ALL))
        })
    };
    let (up, down) = (fate(2.0), fate(2.0));
    world.note(format!("connected, up {up:?}, down {down:?}"));
    Ok(connection(Arc::clone(world), up, down))
}
