//! Idempotency keys: a name for an operation, by which the server tells that a request repeats an earlier one.

use django_api_orm_core::{Error, Result};
use http::header::{HeaderName, HeaderValue, IF_MATCH};

use super::call::{Call, checked_header};

/// The header that names a request, unless another one is declared.
static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// A header that is declared to carry idempotency keys.
pub(super) fn header(name: &str) -> Result<HeaderName> {
    checked_header(name, "")
        .map(|(name, _)| name)
        .map_err(|error| Error::configuration(error.message().to_owned()))
}

/// What makes a call known to the server when it comes again.
#[derive(Debug, Clone, Default)]
pub(super) struct Key {
    /// The caller's own key.
    pub(super) given: Option<HeaderValue>,
    /// The header that is declared for the model.
    pub(super) declared: Option<HeaderName>,
}

impl Call {
    /// Puts the key into the headers: the caller's own, or a new one if a header is declared for the model or the `client`.
    /// Every attempt sends the same.
    pub(super) fn name_itself(&mut self, client: Option<&HeaderName>) -> Result<()> {
        let Key { given, declared } = match self.key.take() {
            Some(key) => *key,
            None if client.is_none() => return Ok(()),
            None => Key::default(),
        };
        let declared = declared.as_ref().or(client);
        let key = match (given, declared) {
            (Some(key), _) => key,
            (None, Some(header)) if !self.method.is_safe() => match self.headers.get(header) {
                Some(set) => set.clone(),
                None => new_key()?,
            },
            _ => return Ok(()),
        };
        self.headers
            .insert(declared.unwrap_or(&IDEMPOTENCY_KEY), key);
        self.is_keyed = true;
        Ok(())
    }

    /// Whether the server can tell that the request comes again.
    pub(super) fn is_keyed(&self) -> bool {
        self.is_keyed || self.headers.contains_key(&IDEMPOTENCY_KEY)
    }

    /// Whether the request may be repeated, because the server can tell it by a key or checks its condition.
    pub(super) fn is_repeatable(&self) -> bool {
        self.is_harmless
            || self.is_keyed()
            || !self.is_unchecked && self.headers.contains_key(IF_MATCH)
    }
}

/// A random UUID, from the generator of the cryptography library.
fn new_key() -> Result<HeaderValue> {
    let mut bytes = [0; 16];
    rustls::crypto::ring::default_provider()
        .secure_random
        .fill(&mut bytes)
        .map_err(|_| Error::runtime("the system gives no random numbers for an idempotency key"))?;
    let uuid = uuid::Builder::from_random_bytes(bytes).into_uuid();
    HeaderValue::from_str(uuid.hyphenated().encode_lower(&mut [0; 36]))
        .map_err(|error| Error::runtime("an idempotency key cannot be a header").with_source(error))
}
