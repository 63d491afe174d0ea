//! Runs the reference site, a real Django REST Framework, for as long as this value lives.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

pub(crate) struct Drf {
    process: Child,
    pub(crate) base_url: String,
}

impl Drf {
    /// Starts the site with the Python of `DRF_PYTHON`, or else of `make drf-venv`.
    pub(crate) fn start() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let python = std::env::var_os("DRF_PYTHON")
            .map_or_else(|| root.join("target/drf-venv/bin/python"), PathBuf::from);
        assert!(
            python.exists(),
            "{} is missing: run `make drf-venv`, or set DRF_PYTHON to a Python that has \
             tests/drf/requirements.txt",
            python.display()
        );
        let mut process = Command::new(python)
            .arg(root.join("tests/drf/serve.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the reference site starts");
        let mut line = String::new();
        let output = process.stdout.take().expect("its output is piped");
        BufReader::new(output)
            .read_line(&mut line)
            .expect("it announces itself");
        let announced = serde_json::from_str::<Value>(&line).expect("as a line of JSON");
        let base_url = announced["base_url"]
            .as_str()
            .expect("with its URL")
            .to_owned();
        Self { process, base_url }
    }
}

impl Drop for Drf {
    fn drop(&mut self) {
        // The site ends with its input.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
