//! Starts the reference server: the real Django site in `tests/drf`, for as long as the value lives.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use serde::Deserialize;

/// Django takes a second or two to start; on a busy machine more.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// A running site. Dropping it ends the process.
pub(crate) struct Drf {
    site: Child,
    ready: Ready,
}

/// The line that the site prints when it is ready.
#[derive(Deserialize)]
struct Ready {
    base_url: String,
    ca_file: Option<PathBuf>,
}

impl Drf {
    /// gunicorn, plain HTTP/1.1.
    pub(crate) fn start() -> Result<Self, String> {
        Self::serve(&[])
    }

    /// hypercorn, TLS, HTTP/2 by ALPN.
    pub(crate) fn start_tls() -> Result<Self, String> {
        Self::serve(&["--tls"])
    }

    /// gunicorn, with logins besides.
    pub(crate) fn start_with_logins() -> Result<Self, String> {
        Self::serve(&["--logins"])
    }

    /// hypercorn, TLS, with logins besides.
    pub(crate) fn start_tls_with_logins() -> Result<Self, String> {
        Self::serve(&["--tls", "--logins"])
    }

    fn serve(arguments: &[&str]) -> Result<Self, String> {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let python = std::env::var_os("DRF_PYTHON").map_or_else(
            || workspace.join("target/drf-venv/bin/python"),
            PathBuf::from,
        );
        if !python.exists() {
            return Err(format!(
                "the reference server needs a Python with Django, and there is none at {}: run `make drf-venv`, or \
                 name one in DRF_PYTHON",
                python.display()
            ));
        }
        // The site serves until its stdin is closed, so it ends with this process however that ends.
        let mut site = Command::new(&python)
            .arg(workspace.join("tests/drf/serve.py"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot run {}: {error}", python.display()))?;
        let stdout = site.stdout.take();
        let mut drf = Self {
            site,
            ready: Ready {
                base_url: String::new(),
                ca_file: None,
            },
        };
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let mut line = String::new();
            if let Some(stdout) = stdout {
                _ = BufReader::new(stdout).read_line(&mut line);
            }
            _ = sender.send(line);
        });
        let line = receiver.recv_timeout(READY_WITHIN).map_err(|_| {
            format!(
                "the reference server was not ready within {} s",
                READY_WITHIN.as_secs()
            )
        })?;
        drf.ready = serde_json::from_str(&line).map_err(|_| {
            "the reference server ended before it was ready; what it said is above. Are its packages installed? \
             `make drf-venv`"
                .to_owned()
        })?;
        Ok(drf)
    }

    /// `http://127.0.0.1:PORT`, or `https://…` with TLS.
    pub(crate) fn base_url(&self) -> &str {
        &self.ready.base_url
    }

    /// The PEM file of the authority that signed the site's certificate.
    pub(crate) fn ca_file(&self) -> Option<&Path> {
        self.ready.ca_file.as_deref()
    }
}

impl Drop for Drf {
    fn drop(&mut self) {
        drop(self.site.stdin.take());
        _ = self.site.wait();
    }
}
