//! A file descriptor that becomes readable when the queue of an event loop is no longer empty.

use std::io;

#[cfg(target_os = "linux")]
mod system {
    use std::{
        io,
        os::fd::{AsRawFd, OwnedFd},
    };

    use rustix::event::{EventfdFlags, eventfd};

    /// An eventfd.
    #[derive(Debug)]
    pub(super) struct Signal(OwnedFd);

    impl Signal {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self(eventfd(
                0,
                EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC,
            )?))
        }

        pub(super) fn fileno(&self) -> Option<i32> {
            Some(self.0.as_raw_fd())
        }

        pub(super) fn set(&self) {
            // It can only fail when it is set already.
            let _ = rustix::io::write(&self.0, &1_u64.to_ne_bytes());
        }

        pub(super) fn clear(&self) {
            let _ = rustix::io::read(&self.0, &mut [0; 8]);
        }
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
mod system {
    use std::{
        io::{self, Read, Write},
        os::{fd::AsRawFd, unix::net::UnixStream},
    };

    /// A pair of sockets.
    #[derive(Debug)]
    pub(super) struct Signal {
        reader: UnixStream,
        writer: UnixStream,
    }

    impl Signal {
        pub(super) fn new() -> io::Result<Self> {
            let (reader, writer) = UnixStream::pair()?;
            reader.set_nonblocking(true)?;
            writer.set_nonblocking(true)?;
            Ok(Self { reader, writer })
        }

        pub(super) fn fileno(&self) -> Option<i32> {
            Some(self.reader.as_raw_fd())
        }

        pub(super) fn set(&self) {
            let _ = (&self.writer).write(&[1]);
        }

        pub(super) fn clear(&self) {
            let _ = (&self.reader).read(&mut [0; 64]);
        }
    }
}

#[cfg(not(unix))]
mod system {
    use std::io;

    /// Nothing: the loop is told by a thread that waits for the queue.
    #[derive(Debug)]
    pub(super) struct Signal;

    impl Signal {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self)
        }

        pub(super) fn fileno(&self) -> Option<i32> {
            None
        }

        pub(super) fn set(&self) {}

        pub(super) fn clear(&self) {}
    }
}

/// The signal of one queue.
#[derive(Debug)]
pub(crate) struct Wake(system::Signal);

impl Wake {
    pub(crate) fn new() -> io::Result<Self> {
        system::Signal::new().map(Self)
    }

    /// The descriptor to watch, where the system has one.
    pub(crate) fn fileno(&self) -> Option<i32> {
        self.0.fileno()
    }

    pub(crate) fn set(&self) {
        self.0.set();
    }

    pub(crate) fn clear(&self) {
        self.0.clear();
    }
}
