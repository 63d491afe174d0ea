//! A certificate authority of the server's own, made when it starts, and what it has signed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::RootCertStore;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio_rustls::TlsAcceptor;

use crate::error::{Error, Result};

/// Whether the server speaks TLS, and to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tls {
    Off,
    On,
    /// Only to clients with a certificate that the server's authority has signed.
    ClientCertificates,
}

pub(crate) struct Certificates {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) authority: String,
    /// A client's certificate and private key, PEM.
    pub(crate) client: String,
}

/// Makes an authority and the certificates of a server on the loopback, and of a client.
pub(crate) fn certificates(tls: Tls) -> Result<Certificates> {
    let failed = |error: rcgen::Error| Error::because("cannot make a certificate", error);
    let mut params = CertificateParams::new(Vec::new()).map_err(failed)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
        .distinguished_name
        .push(DnType::CommonName, "django-api-orm test authority");
    let key = KeyPair::generate().map_err(failed)?;
    let authority = params.self_signed(&key).map_err(failed)?;
    let issuer = Issuer::new(params, key);

    let server_key = KeyPair::generate().map_err(failed)?;
    let server = leaf("localhost", ExtendedKeyUsagePurpose::ServerAuth)
        .and_then(|params| params.signed_by(&server_key, &issuer))
        .map_err(failed)?;
    let client_key = KeyPair::generate().map_err(failed)?;
    let client = leaf("client", ExtendedKeyUsagePurpose::ClientAuth)
        .and_then(|params| params.signed_by(&client_key, &issuer))
        .map_err(failed)?;

    let refused = |error: rustls::Error| Error::because("cannot set TLS up", error);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(refused)?;
    let config = if tls == Tls::ClientCertificates {
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).map_err(refused)?;
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
            .build()
            .map_err(|error| Error::because("cannot set TLS up", error))?;
        config.with_client_cert_verifier(verifier)
    } else {
        config.with_no_client_auth()
    };
    let server_key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(server_key.serialize_der()));
    let mut config = config
        .with_single_cert(vec![server.der().clone()], server_key)
        .map_err(refused)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Certificates {
        acceptor: TlsAcceptor::from(Arc::new(config)),
        authority: authority.pem(),
        client: format!("{}{}", client.pem(), client_key.serialize_pem()),
    })
}

fn leaf(
    name: &str,
    usage: ExtendedKeyUsagePurpose,
) -> std::result::Result<CertificateParams, rcgen::Error> {
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name.push(DnType::CommonName, name);
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.insert_extended_key_usage(usage);
    Ok(params)
}

/// A file with public text, deleted with this value.
#[derive(Debug)]
pub(crate) struct PemFile(PathBuf);

impl PemFile {
    pub(crate) fn write(text: &str) -> Result<Self> {
        static FILES: AtomicU64 = AtomicU64::new(0);
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let name = format!(
            "django-api-orm-testserver-{}-{number}-{}.pem",
            std::process::id(),
            uuid::Uuid::new_v4()
        );
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text)
            .map_err(|error| Error::because(format!("cannot write {}", path.display()), error))?;
        Ok(Self(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PemFile {
    fn drop(&mut self) {
        // A file that is gone already needs no deleting.
        let _ = std::fs::remove_file(&self.0);
    }
}
