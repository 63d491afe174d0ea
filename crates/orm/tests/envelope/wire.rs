//! HTTP/1.1 in memory: connections that end at the described servers, without sockets.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use django_api_orm::client::{ServiceClient, ServiceClientBuilder};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::site::{Answer, Request, Site};

/// All servers of a test run: each under a path of its own, so that one client can be used for all.
#[derive(Clone, Default)]
pub(crate) struct Net(Arc<Mutex<HashMap<String, Arc<Site>>>>);

impl Net {
    pub(crate) fn add(&self, path: &str, site: Site) -> Arc<Site> {
        let site = Arc::new(site);
        self.0
            .lock()
            .unwrap()
            .insert(path.to_owned(), Arc::clone(&site));
        site
    }

    pub(crate) fn remove(&self, path: &str) {
        self.0.lock().unwrap().remove(path);
    }

    /// A builder whose connections end here, whatever the host is.
    pub(crate) fn builder(&self) -> ServiceClientBuilder {
        let net = self.clone();
        ServiceClient::builder("http://api.test").connector(move |_uri| {
            let net = net.clone();
            async move {
                let (theirs, ours) = tokio::io::duplex(64 * 1024);
                tokio::spawn(net.serve(ours));
                Ok(theirs)
            }
        })
    }

    async fn serve(self, mut stream: DuplexStream) {
        let mut buffer = Vec::new();
        while let Some(request) = read(&mut stream, &mut buffer).await {
            let bytes = self.respond(&request).bytes();
            if stream.write_all(&bytes).await.is_err() {
                return;
            }
        }
    }

    fn respond(&self, request: &Request) -> Answer {
        // `/7/` is a server's list, `/7/KEY/` one of its rows.
        let path = request.path.trim_start_matches('/');
        let (number, key) = path.split_once('/').unwrap_or((path, ""));
        let site = self
            .0
            .lock()
            .unwrap()
            .get(&format!("/{number}/"))
            .map(Arc::clone);
        match site {
            Some(site) => site.answer(request, key.trim_end_matches('/')),
            None => Answer::status(404),
        }
    }
}

/// The next request of a connection, `None` at its end.
async fn read(stream: &mut DuplexStream, buffer: &mut Vec<u8>) -> Option<Request> {
    let head_end = loop {
        if let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ').map(str::to_owned);
    let (method, target) = (first.next()?, first.next()?);
    let length = lines
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.parse().unwrap());
    while buffer.len() < head_end + length {
        if stream.read_buf(buffer).await.ok()? == 0 {
            return None;
        }
    }
    let rest = buffer.split_off(head_end + length);
    let body = buffer.split_off(head_end);
    *buffer = rest;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Request {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        body,
    })
}

impl Answer {
    fn bytes(&self) -> Vec<u8> {
        let mut head = format!(
            "HTTP/1.1 {} X\r\nContent-Length: {}\r\nContent-Type: {}\r\n",
            self.status,
            self.body.len(),
            self.content_type,
        );
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        head.push_str(&self.body);
        head.into_bytes()
    }
}
