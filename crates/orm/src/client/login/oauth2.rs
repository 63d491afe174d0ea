//! OAuth 2 client credentials, RFC 6749 section 4.4: an application's own token, for its id and its secret.

use std::fmt;
use std::time::Duration;

use django_api_orm_core::{Error, ErrorKind, Result};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value};
use url::form_urlencoded::byte_serialize;

use super::super::{Credential, ServiceClient};
use super::{Hears, Place, failed, given};

/// An application's own access token, for its id and its secret (RFC 6749, section 4.4), as `django-oauth-toolkit` and other
/// authorisation servers give it.
///
/// It is sent as `Authorization: Bearer …`, and replaced a little before its end (`expires_in`) or when the server refuses it.
/// However many calls wait, one request for it is under way.
///
/// ```
/// use django_api_orm::client::{OAuth2ClientCredentials, ServiceClient};
///
/// let login = OAuth2ClientCredentials::new("https://login.example.com/o/token/", "id", "secret");
/// let client = ServiceClient::builder("https://api.example.com")
///     .login(login.scope("read write"))
///     .build()?;
/// # Ok::<(), django_api_orm::client::Error>(())
/// ```
///
/// # Requests
/// One `POST` for the first call, and one each time that the token is replaced.
#[derive(Clone)]
pub struct OAuth2ClientCredentials {
    token_url: String,
    client_id: String,
    client_secret: SecretString,
    scope: Option<String>,
    in_body: bool,
}

impl OAuth2ClientCredentials {
    /// Asks for tokens at `token_url`: a path below the base URL, or a URL, whose server is then the only one that gets the secret.
    #[must_use]
    pub fn new(
        token_url: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<String>,
    ) -> Self {
        Self {
            token_url: token_url.into(),
            client_id: client_id.into(),
            client_secret: SecretString::from(client_secret.into()),
            scope: None,
            in_body: false,
        }
    }

    /// What the token is for: one scope, or several with spaces between.
    #[must_use]
    pub fn scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// Sends id and secret in the body, for servers that do not take them by HTTP Basic.
    #[must_use]
    pub fn in_body(mut self) -> Self {
        self.in_body = true;
        self
    }

    pub(super) fn by(self, client: &ServiceClient) -> Result<SignIn> {
        given("client id", &self.client_id)?;
        given("client secret", self.client_secret.expose_secret())?;
        Ok(SignIn {
            token: Place::new(client, "token URL", &self.token_url)?,
            login: self,
        })
    }
}

impl fmt::Debug for OAuth2ClientCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth2ClientCredentials")
            .finish_non_exhaustive()
    }
}

/// The login of a client.
pub(super) struct SignIn {
    login: OAuth2ClientCredentials,
    token: Place,
}

const STEP: &str = "obtaining a token";

impl SignIn {
    /// Where it posts.
    pub(super) fn place(&self) -> &Place {
        &self.token
    }

    /// Another token.
    pub(super) async fn prove(&self, hears: Hears<'_>) -> Result<Credential> {
        let OAuth2ClientCredentials {
            client_id,
            client_secret,
            scope,
            in_body,
            ..
        } = &self.login;
        let mut fields = vec![("grant_type", "client_credentials")];
        fields.extend(scope.as_deref().map(|scope| ("scope", scope)));
        if *in_body {
            fields.push(("client_id", client_id));
            fields.push(("client_secret", client_secret.expose_secret()));
        }
        let mut call = self.token.form(&fields).harmless();
        if !in_body {
            // Section 2.3.1: both are encoded as in a form before they are joined.
            let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
            let secret = encoded(client_secret.expose_secret());
            let (name, value) = Credential::basic(encoded(client_id), secret).to_header()?;
            call.headers.insert(name, value);
        }
        let (_, answer) = self.token.ask(call, hears).await.map_err(refused)?;
        self.accept(&answer)
    }

    fn accept(&self, answer: &Map<String, Value>) -> Result<Credential> {
        let wrong =
            |why: &str| Error::decode(format!("{STEP} failed: the answer of {} {why}", self.token));
        let token = answer.get("access_token").and_then(Value::as_str);
        let Some(token) = token.filter(|token| !token.trim().is_empty()) else {
            return Err(wrong("holds no `access_token`; is it the token URL?"));
        };
        let kind = answer.get("token_type").and_then(Value::as_str);
        if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
            return Err(wrong("is a token of another type than `Bearer`"));
        }
        let credential = Credential::bearer(token);
        credential.to_header()?;
        let seconds = match answer.get("expires_in") {
            Some(Value::Number(seconds)) => seconds.as_f64(),
            Some(Value::String(seconds)) => seconds.parse().ok(),
            _ => None,
        };
        let lifetime = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Ok(match lifetime.filter(|lifetime| !lifetime.is_zero()) {
            Some(lifetime) => credential.expires_in(lifetime),
            None => credential,
        })
    }
}

/// What an error of the token endpoint means, by the codes of section 5.2.
fn refused(error: Error) -> Error {
    let body = error.json();
    let code = body
        .as_ref()
        .and_then(|body| body.get("error"))
        .and_then(Value::as_str);
    let (kind, code) = match code {
        Some(
            code @ ("invalid_client" | "invalid_grant" | "unauthorized_client" | "access_denied"),
        ) => (ErrorKind::Authentication, code.to_owned()),
        Some(code @ ("invalid_scope" | "invalid_request" | "unsupported_grant_type")) => {
            (ErrorKind::Configuration, code.to_owned())
        }
        _ => return failed(STEP, error),
    };
    failed(&format!("{STEP} ({code})"), error).with_kind(kind)
}
