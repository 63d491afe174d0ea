//! `django-api-orm-testserver`: serves the reference site, or rows from a JSON file, until it is
//! interrupted.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program talks to its terminal"
)]

use std::path::PathBuf;
use std::process::ExitCode;

use django_api_orm_testserver::{Shape, TestServer};
use serde_json::Value;

const USAGE: &str = "\
Serves a Django-REST-Framework-like API on the loopback until it is interrupted.

Usage: django-api-orm-testserver [--port PORT] [--seed FILE] [--shape NAME] [--token TOKEN] [--tls]

  --port PORT    listen on this port; otherwise on a free one
  --seed FILE    serve the tables of this file, {\"books\": [{...}, ...], ...}, each under
                 /api/v1/NAME/; otherwise the reference site
  --shape NAME   answer as another product does: wagtail, netbox, kinto, ...
  --token TOKEN  ask for this token (the reference site's is test-token)
  --tls          serve https and HTTP/2; the certificate authority's file is printed";

#[derive(Default)]
struct Options {
    port: u16,
    seed: Option<PathBuf>,
    shape: Option<Shape>,
    token: Option<String>,
    tls: bool,
}

fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(Some(options)) => options,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            eprintln!("{message}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    match serve(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("django-api-orm-testserver: {error}");
            ExitCode::FAILURE
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Option<Options>, String> {
    let mut options = Options::default();
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .ok_or_else(|| format!("{argument}: a value is missing"))
        };
        match argument.as_str() {
            "--port" => {
                options.port = value()?
                    .parse()
                    .map_err(|_| "--port: not a port".to_owned())?;
            }
            "--seed" => options.seed = Some(PathBuf::from(value()?)),
            "--shape" => {
                let shape = Shape::named(&value()?);
                options.shape = Some(shape.map_err(|error| format!("--shape: {error}"))?);
            }
            "--token" => options.token = Some(value()?),
            "--tls" => options.tls = true,
            "--help" | "-h" => return Ok(None),
            other => return Err(format!("{other}: unknown option")),
        }
    }
    Ok(Some(options))
}

fn serve(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    let builder = match &options.seed {
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .map_err(|error| format!("{}: {error}", file.display()))?;
            let tables = serde_json::from_str::<Value>(&text)
                .map_err(|error| format!("{}: {error}", file.display()))?;
            if !tables.is_object() {
                return Err(format!("{}: not an object of tables", file.display()).into());
            }
            TestServer::builder().seed_json(tables)
        }
        None => TestServer::reference_builder(),
    };
    let builder = match &options.token {
        Some(token) => builder.token(token),
        None => builder,
    };
    let builder = match &options.shape {
        Some(shape) => builder.shape(shape.clone()),
        None => builder,
    };
    let server = builder
        .port(options.port)
        .tls(options.tls)
        .start_blocking()?;
    println!("base URL: {}", server.base_url());
    if let Some(token) = options.token.as_deref().or(server.token()) {
        println!("token: {token}");
    }
    if let Some(file) = server.ca_file() {
        println!("CA file: {}", file.display());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        interrupted().await?;
        server.shutdown().await;
        Ok(())
    })
}

/// Waits for Ctrl-C, and where there is such a thing, for SIGTERM.
async fn interrupted() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            result = tokio::signal::ctrl_c() => result,
            _ = terminate.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
