//! TLS: which certificates are trusted, and which one the client shows. The `ring` provider is named
//! explicitly, so nothing depends on what else the process has installed.

use std::env;
use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};

use django_api_orm_core::{Error, Result};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use secrecy::{ExposeSecret, SecretSlice};

/// What the builder was told about TLS.
#[derive(Clone)]
pub(super) struct TlsSettings {
    pub(super) verify: bool,
    pub(super) platform_roots: bool,
    pub(super) extra_roots: Vec<Vec<u8>>,
    /// The client's certificate chain and key, as PEM.
    pub(super) identity: Option<Arc<SecretSlice<u8>>>,
}

impl Default for TlsSettings {
    fn default() -> Self {
        Self {
            verify: true,
            platform_roots: true,
            extra_roots: Vec::new(),
            identity: None,
        }
    }
}

impl TlsSettings {
    pub(super) fn config(&self) -> Result<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::configuration("TLS cannot be set up").with_source(error))?;
        let builder = if self.verify {
            builder.with_root_certificates(self.roots()?)
        } else {
            builder
                .dangerous()
                .with_custom_certificate_verifier(Arc::new(AcceptAny(provider)))
        };
        match &self.identity {
            None => Ok(builder.with_no_client_auth()),
            Some(pem) => {
                let (chain, key) = identity(pem.expose_secret())?;
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    Error::configuration("the client certificate and its key do not match")
                        .with_source(error)
                })
            }
        }
    }

    fn roots(&self) -> Result<RootCertStore> {
        let mut roots = RootCertStore::empty();
        for pem in &self.extra_roots {
            let mut found = false;
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let added = certificate.map(|certificate| roots.add(certificate));
                if !matches!(added, Ok(Ok(()))) {
                    return Err(Error::configuration("a CA certificate cannot be read"));
                }
                found = true;
            }
            if !found {
                return Err(Error::configuration("the CA file holds no PEM certificate"));
            }
        }
        if self.platform_roots {
            roots.extend(platform_roots().roots.iter().cloned());
        }
        if roots.is_empty() {
            return Err(Error::configuration(
                "this system has no CA certificates, so no server can be trusted: install \
                 `ca-certificates`, set SSL_CERT_FILE, or give the builder a `ca_file`",
            ));
        }
        Ok(roots)
    }
}

/// Where the system's certificates are looked for, and those that were found there.
type Found = ([Option<OsString>; 2], Arc<RootCertStore>);

/// The system's certificates. Reading them takes milliseconds, so clients that are made one after the other share them.
fn platform_roots() -> Arc<RootCertStore> {
    static KNOWN: Mutex<Option<Found>> = Mutex::new(None);

    let places = ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(env::var_os);
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((of, roots)) = known.as_ref()
        && *of == places
    {
        return Arc::clone(roots);
    }
    let mut roots = RootCertStore::empty();
    // A certificate of the system that cannot be read is the system's affair; the others count.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let roots = Arc::new(roots);
    // None at all is looked for again: they may be installed meanwhile.
    *known = (!roots.is_empty()).then(|| (places, Arc::clone(&roots)));
    roots
}

fn identity(pem: &[u8]) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>)> {
    let unreadable =
        || Error::configuration("the client certificate must be PEM with a certificate and a key");
    let chain: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<std::result::Result<_, _>>()
        .map_err(|_| unreadable())?;
    let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| unreadable())?;
    if chain.is_empty() {
        Err(unreadable())
    } else {
        Ok((chain, key))
    }
}

/// Trusts every certificate, for `verify_ssl(false)`. Signatures are still checked.
#[derive(Debug)]
struct AcceptAny(Arc<CryptoProvider>);

impl ServerCertVerifier for AcceptAny {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
