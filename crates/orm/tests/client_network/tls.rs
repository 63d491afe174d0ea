//! TLS: whom the client trusts, and the certificate it shows.

use std::sync::Arc;

use django_api_orm::client::ServiceClientBuilder;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::server::{Server, ok};

/// A certificate authority and a server certificate that it signed.
pub(crate) struct Certificates {
    authority: CertifiedIssuer<'static, KeyPair>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Certificates {
    pub(crate) fn new(host: &str) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new([host.to_owned()])
            .unwrap()
            .signed_by(&key, &authority)
            .unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        Self {
            chain: vec![certificate.der().clone()],
            key,
            authority,
        }
    }

    pub(crate) fn ca_pem(&self) -> String {
        self.authority.pem()
    }

    /// A client's certificate and key, in one PEM file.
    fn identity(&self) -> String {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["client".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.authority).unwrap();
        format!("{}{}", certificate.pem(), key.serialize_pem())
    }

    /// The configuration of a server that offers `protocols` and may ask for a client certificate.
    pub(crate) fn config(&self, protocols: &[&str], ask: bool) -> ServerConfig {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if ask {
            let mut roots = RootCertStore::empty();
            roots.add(self.authority.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        } else {
            builder.with_no_client_auth()
        };
        let mut config = builder
            .with_single_cert(self.chain.clone(), self.key.clone_key())
            .unwrap();
        config.alpn_protocols = protocols
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        config
    }
}

/// Serves HTTP/1.1 over TLS and returns the base URL.
pub(crate) async fn listen(server: &Server, config: ServerConfig) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = server.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (server, acceptor) = (server.clone(), acceptor.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    server.serve(stream, 0).await;
                }
            });
        }
    });
    format!("https://localhost:{port}")
}

fn client(base: &str) -> ServiceClientBuilder {
    django_api_orm::client::ServiceClient::builder(base).platform_roots(false)
}

#[tokio::test]
async fn a_certificate_must_be_trusted() {
    let certificates = Certificates::new("localhost");
    let server = Server::script([ok()]);
    let base = listen(&server, certificates.config(&[], false)).await;
    let other = Certificates::new("localhost");
    let untrusting = client(&base)
        .ca_pem(other.ca_pem())
        .auth_token("t")
        .build()
        .unwrap();
    let error = untrusting.post("/x/", &1).await.unwrap_err();
    assert!(
        error
            .to_string()
            .contains("server's certificate is not trusted"),
        "{error}"
    );
    assert!(
        error.is_connect() && !error.is_retryable() && !error.is_outcome_unknown(),
        "{error:?}"
    );
    assert_eq!(server.count(), 0);
    assert_eq!(untrusting.stats().retries, 0);
    client(&base)
        .ca_pem(certificates.ca_pem())
        .build()
        .unwrap()
        .get("/x/")
        .await
        .unwrap();
    client(&base)
        .verify_ssl(false)
        .build()
        .unwrap()
        .get("/x/")
        .await
        .unwrap();
    assert_eq!(server.count(), 2);
}

#[tokio::test]
async fn a_certificate_must_be_for_this_host() {
    let certificates = Certificates::new("other.test");
    let server = Server::script([ok()]);
    let base = listen(&server, certificates.config(&[], false)).await;
    let error = client(&base)
        .ca_pem(certificates.ca_pem())
        .build()
        .unwrap()
        .get("/x/")
        .await
        .unwrap_err();
    assert!(error.to_string().contains("not trusted"), "{error}");
    assert_eq!(server.count(), 0);
}

#[tokio::test]
async fn a_ca_file_is_read_when_the_client_is_built() {
    let certificates = Certificates::new("localhost");
    let server = Server::script([ok()]);
    let base = listen(&server, certificates.config(&[], false)).await;
    let path = std::env::temp_dir().join(format!("django-api-orm-ca-{}.pem", std::process::id()));
    std::fs::write(&path, certificates.ca_pem()).unwrap();
    let built = client(&base).ca_file(&path).build();
    std::fs::remove_file(&path).unwrap();
    built.unwrap().get("/x/").await.unwrap();
    let error = client(&base).ca_file(&path).build().unwrap_err();
    assert!(
        error.is_configuration() && error.to_string().contains("cannot be read"),
        "{error}"
    );
}

#[test]
fn unusable_certificates_are_refused_when_the_client_is_built() {
    let base = "https://localhost";
    for builder in [
        client(base),
        client(base).ca_pem("nothing"),
        client(base).ca_pem("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        client(base).verify_ssl(false).client_certificate("nothing"),
        client(base)
            .verify_ssl(false)
            .client_certificate(Certificates::new("x").ca_pem()),
    ] {
        assert!(builder.build().unwrap_err().is_configuration());
    }
    client("http://localhost").build().unwrap();
}

#[tokio::test]
async fn a_server_may_ask_for_a_certificate() {
    let certificates = Certificates::new("localhost");
    let server = Server::script([ok()]);
    let base = listen(&server, certificates.config(&[], true)).await;
    let trusting = || client(&base).ca_pem(certificates.ca_pem());
    let identity = certificates.identity();
    trusting()
        .client_certificate(identity)
        .build()
        .unwrap()
        .get("/x/")
        .await
        .unwrap();
    let file = |name: &str, pem: String| {
        let name = format!("django-api-orm-{name}-{}.pem", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, pem).unwrap();
        path
    };
    let identity = certificates.identity();
    let (chain, key) = identity.split_at(identity.find("-----BEGIN PRIVATE").unwrap());
    let both = file("both", identity.clone());
    let (chain, key) = (file("chain", chain.to_owned()), file("key", key.to_owned()));
    let one_file = trusting().client_certificate_file(&both).build();
    let two_files = trusting()
        .client_certificate_file(&chain)
        .client_key_file(&key)
        .build();
    let no_key = trusting().client_certificate_file(&chain).build();
    let no_chain = trusting().client_key_file(&key).build();
    for path in [&both, &chain, &key] {
        std::fs::remove_file(path).unwrap();
    }
    for built in [one_file, two_files] {
        built.unwrap().get("/x/").await.unwrap();
    }
    for built in [
        no_key,
        no_chain,
        trusting().client_certificate_file(&both).build(),
    ] {
        assert!(built.unwrap_err().is_configuration());
    }
    let error = trusting()
        .build()
        .unwrap()
        .post("/x/", &1)
        .await
        .unwrap_err();
    assert!(!error.is_retryable(), "{error:?}");
    assert_eq!(server.count(), 3);
}

/// A port that reads what comes and answers with `reply`, whatever it is asked.
async fn port_that_answers(reply: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(reply).await;
        }
    });
    port
}

#[tokio::test]
async fn the_wrong_scheme_is_named_with_its_cure() {
    for reply in [b"HTTP/1.1 400 Bad Request\r\n\r\n".as_slice(), b""] {
        let port = port_that_answers(reply).await;
        let error = client(&format!("https://localhost:{port}"))
            .verify_ssl(false)
            .max_retries(0)
            .build()
            .unwrap()
            .get("/x/")
            .await
            .unwrap_err();
        let shown = error.to_string();
        assert!(
            error.is_connect() && shown.contains("write http:// in `base_url`"),
            "{shown}"
        );
    }
    let certificates = Certificates::new("localhost");
    let secure = listen(&Server::script([ok()]), certificates.config(&[], false)).await;
    let error = client(&secure.replace("https", "http"))
        .max_retries(0)
        .build()
        .unwrap()
        .get("/x/")
        .await
        .unwrap_err();
    let shown = error.to_string();
    assert!(
        shown.contains("not HTTP: check the port in `base_url`") && shown.contains("https://"),
        "{shown}"
    );
}
