//! Proxies: used only when asked for; they see whole URLs of plain requests, and of secure ones the host alone.

use std::sync::{Arc, Mutex};

use django_api_orm::client::ServiceClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::server::{Server, ok};
use crate::tls::{self, Certificates};

/// A proxy that tunnels, and keeps the heads of the `CONNECT` requests.
async fn tunnel() -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                let head = String::from_utf8(head).unwrap();
                let target = head.split(' ').nth(1).unwrap().to_owned();
                seen.lock().unwrap().push(head);
                let mut upstream = TcpStream::connect(target).await.unwrap();
                stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut upstream).await;
            });
        }
    });
    (address.to_string(), heads)
}

#[tokio::test]
async fn plain_requests_go_to_the_proxy_with_whole_urls() {
    let proxy = Server::script([ok()]);
    let address = proxy.listen().await.replace("http://", "");
    let client = ServiceClient::builder("http://api.test/v1")
        .auth_token("t")
        .proxy(format!("http://user:p%40ss@{address}"))
        .build()
        .unwrap();
    client.get("/x/?a=1").await.unwrap();
    let seen = &proxy.seen()[0];
    assert_eq!(seen.target, "http://api.test/v1/x/?a=1");
    assert_eq!(
        seen.header("proxy-authorization"),
        Some("Basic dXNlcjpwQHNz")
    );
    assert_eq!(seen.header("authorization"), Some("Token t"));
    assert_eq!(seen.header("host"), Some("api.test"));
}

#[tokio::test]
async fn secure_requests_go_through_a_tunnel_that_sees_no_credentials() {
    let certificates = Certificates::new("localhost");
    let server = Server::script([ok()]);
    let base = tls::listen(&server, certificates.config(&[], false)).await;
    let (address, heads) = tunnel().await;
    let client = ServiceClient::builder(&base)
        .auth_token("t0ken")
        .ca_pem(certificates.ca_pem())
        .platform_roots(false)
        .proxy(format!("http://user:pw@{address}"))
        .build()
        .unwrap();
    client.get("/x/").await.unwrap();
    client.get("/x/").await.unwrap();
    let heads = heads.lock().unwrap();
    assert_eq!(heads.len(), 1);
    assert!(heads[0].starts_with("CONNECT localhost:"), "{heads:?}");
    assert!(heads[0].contains("Basic dXNlcjpwdw=="), "{heads:?}");
    assert!(!heads[0].contains("t0ken"), "{heads:?}");
    let seen = &server.seen()[0];
    assert_eq!(
        (seen.target.as_str(), seen.header("authorization")),
        ("/x/", Some("Token t0ken"))
    );
    assert_eq!(seen.header("proxy-authorization"), None);
}

#[tokio::test]
async fn a_proxy_over_tls_is_trusted_by_the_same_authorities_as_the_server() {
    let certificates = Certificates::new("localhost");
    let proxy = Server::script([ok()]);
    let url = tls::listen(&proxy, certificates.config(&[], false)).await;
    let through = || {
        ServiceClient::builder("http://api.test")
            .proxy(&url)
            .max_retries(0)
    };
    let path = std::env::temp_dir().join(format!("django-api-orm-ca-{}.pem", std::process::id()));
    std::fs::write(&path, certificates.ca_pem()).unwrap();
    let client = through()
        .platform_roots(false)
        .ca_file(&path)
        .build()
        .unwrap();
    std::fs::remove_file(&path).unwrap();
    client.get("/x/").await.unwrap();
    assert_eq!(proxy.seen()[0].target, "http://api.test/x/");
    let stranger = Certificates::new("localhost").ca_pem();
    let client = through()
        .platform_roots(false)
        .ca_pem(stranger)
        .build()
        .unwrap();
    let error = client.get("/x/").await.unwrap_err();
    assert!(error.is_connect() && proxy.count() == 1, "{error}");
}

/// A SOCKS proxy that wants a user and a password, and connects to where it is asked to.
async fn socks(to: String) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (seen, to) = (Arc::clone(&seen), to.clone());
            tokio::spawn(async move {
                assert_eq!(stream.read_u8().await.unwrap(), 5);
                let mut methods = vec![0; stream.read_u8().await.unwrap().into()];
                stream.read_exact(&mut methods).await.unwrap();
                assert!(methods.contains(&2), "{methods:?}");
                stream.write_all(&[5, 2]).await.unwrap();
                stream.read_u8().await.unwrap();
                let mut said = Vec::new();
                for _ in ["user", "password"] {
                    let mut text = vec![0; stream.read_u8().await.unwrap().into()];
                    stream.read_exact(&mut text).await.unwrap();
                    said.push(String::from_utf8(text).unwrap());
                }
                stream.write_all(&[1, 0]).await.unwrap();
                let mut head = [0; 4];
                stream.read_exact(&mut head).await.unwrap();
                assert_eq!(head, [5, 1, 0, 3], "the name is for the proxy to look up");
                let mut host = vec![0; stream.read_u8().await.unwrap().into()];
                stream.read_exact(&mut host).await.unwrap();
                said.push(String::from_utf8(host).unwrap());
                said.push(stream.read_u16().await.unwrap().to_string());
                seen.lock().unwrap().push(said.join(" "));
                let mut upstream = TcpStream::connect(to).await.unwrap();
                stream
                    .write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
                    .await
                    .unwrap();
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut upstream).await;
            });
        }
    });
    (address.to_string(), asked)
}

#[tokio::test]
async fn a_socks_proxy_carries_plain_and_secure_requests() {
    let server = Server::script([ok()]);
    let to = server.listen().await.replace("http://", "");
    let (address, asked) = socks(to).await;
    let through = |base: &str| {
        ServiceClient::builder(base)
            .auth_token("t")
            .proxy(format!("socks5://user:p%40ss@{address}"))
    };
    through("http://api.test")
        .build()
        .unwrap()
        .get("/x/")
        .await
        .unwrap();
    assert_eq!(server.seen()[0].target, "/x/");
    assert_eq!(*asked.lock().unwrap(), ["user p@ss api.test 80"]);

    let certificates = Certificates::new("api.test");
    let secure = Server::script([ok()]);
    let base = tls::listen(&secure, certificates.config(&[], false)).await;
    let to = base
        .rsplit('/')
        .next()
        .unwrap()
        .replace("localhost", "127.0.0.1");
    let (address, asked) = socks(to).await;
    let client = ServiceClient::builder("https://api.test")
        .ca_pem(certificates.ca_pem())
        .platform_roots(false)
        .proxy(format!("socks5h://user:p%40ss@{address}"))
        .build()
        .unwrap();
    client.get("/x/").await.unwrap();
    assert_eq!(*asked.lock().unwrap(), ["user p@ss api.test 443"]);
    assert!(!format!("{client:?}").contains("p@ss"));
}

#[cfg(unix)]
#[tokio::test]
async fn a_unix_socket_takes_the_place_of_the_host() {
    let path = std::env::temp_dir().join(format!("django-api-orm-{}.sock", std::process::id()));
    let listener = tokio::net::UnixListener::bind(&path).unwrap();
    let server = Server::script([ok()]);
    let to = server.listen().await.replace("http://", "");
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut upstream = TcpStream::connect(&to).await.unwrap();
            tokio::spawn(async move {
                let _ = tokio::io::copy_bidirectional(&mut stream, &mut upstream).await;
            });
        }
    });
    let builder = || ServiceClient::builder("http://api.test").unix_socket(&path);
    let client = builder().build().unwrap();
    client.get("/x/").await.unwrap();
    client.post("/x/", &1).await.unwrap();
    assert_eq!(server.seen()[1].header("host"), Some("api.test"));
    assert_eq!(client.stats().connections, 1);
    let both = builder().proxy("http://127.0.0.1:1").build().unwrap_err();
    assert!(both.is_configuration(), "{both}");
    client.close().await;
    std::fs::remove_file(&path).unwrap();
    let gone = client.get("/x/").await.unwrap_err();
    assert!(gone.is_connect() && !gone.is_outcome_unknown(), "{gone}");
}

#[test]
fn unusable_proxies_are_refused() {
    for url in ["socks4://127.0.0.1:1", "ftp://127.0.0.1", "", "http://"] {
        let error = ServiceClient::builder("http://api.test")
            .proxy(url)
            .build()
            .unwrap_err();
        assert!(error.is_configuration(), "{url}: {error:?}");
    }
}

/// Runs in a process of its own, because it reads the environment.
#[test]
fn the_environment_is_obeyed_only_on_request() {
    if std::env::var("PROXY_TEST").is_err() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "proxies::the_environment_is_obeyed_only_on_request",
            ])
            .env("PROXY_TEST", "1")
            .env("HTTP_PROXY", "http://127.0.0.1:1")
            .env("NO_PROXY", "direct.test")
            .output()
            .unwrap();
        assert!(
            status.status.success(),
            "{}",
            String::from_utf8_lossy(&status.stdout)
        );
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let server = Server::script([ok()]);
        server.client().get("/x/").await.unwrap();
        server
            .builder()
            .proxy_from_env(true)
            .build()
            .unwrap()
            .get("/x/")
            .await
            .unwrap();
        let direct = server
            .builder_for("http://direct.test")
            .proxy_from_env(true)
            .build()
            .unwrap();
        direct.get("/x/").await.unwrap();
        assert_eq!(
            server.asked_for(),
            [
                "http://api.test",
                "http://127.0.0.1:1",
                "http://direct.test"
            ]
        );
        assert_eq!(server.seen()[1].target, "http://api.test/x/");
    });
}

/// Runs in a process of its own, because it reads the environment.
#[test]
fn a_star_exempts_every_host_from_the_proxies_of_the_environment() {
    if std::env::var("PROXY_TEST").is_err() {
        let status = std::process::Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "proxies::a_star_exempts_every_host_from_the_proxies_of_the_environment",
            ])
            .env("PROXY_TEST", "1")
            .env("ALL_PROXY", "http://127.0.0.1:1")
            .env("NO_PROXY", "*")
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&status.stdout);
        assert!(status.status.success(), "{said}");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let server = Server::script([ok()]);
        let base = server.listen().await;
        let client = ServiceClient::builder(&base).proxy_from_env(true).build();
        client.unwrap().get("/x/").await.unwrap();
        assert!(server.seen()[0].target.starts_with("/x/"));
    });
}
