//! Pairs of JSON Web Tokens, as `djangorestframework-simplejwt` gives them: a short-lived token for requests, and one by which the
//! next pair is obtained.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use django_api_orm_core::{Error, Result};
use http::HeaderMap;
use http::header::DATE;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::tokens::Proof;
use super::super::{Credential, ServiceClient};
use super::{Hears, Place, failed, given};

/// Pairs of JSON Web Tokens, as the views of `djangorestframework-simplejwt` give them for a user and a password.
///
/// `access` is sent as `Authorization: Bearer …`. It is replaced a little before its end, which is read from it, or when the
/// server refuses it: by the refresh token, which is used once if the server gives another one with it (`ROTATE_REFRESH_TOKENS`),
/// or, where that is refused, by logging in again. However many calls wait, one of these is under way.
///
/// ```
/// use django_api_orm::client::{JwtAuth, ServiceClient};
///
/// let client = ServiceClient::builder("https://api.example.com")
///     .login(JwtAuth::new("/api/token/", "ann", "secret"))
///     .build()?;
/// # Ok::<(), django_api_orm::client::Error>(())
/// ```
///
/// # Requests
/// One `POST` for the first call, and one each time that the token is replaced; two where its refresh is refused.
#[derive(Clone)]
pub struct JwtAuth {
    token_url: String,
    refresh_url: Option<String>,
    username: String,
    password: SecretString,
    username_field: String,
    header_type: String,
}

impl JwtAuth {
    /// Logs in at `token_url`, the route of simplejwt's `TokenObtainPairView`: a path below the base URL, or a URL, whose server is
    /// then the only one that gets the password. Refreshes are at `refresh/` below it.
    #[must_use]
    pub fn new(
        token_url: impl Into<String>,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        Self {
            token_url: token_url.into(),
            refresh_url: None,
            username: username.into(),
            password: SecretString::from(password.into()),
            username_field: "username".to_owned(),
            header_type: "Bearer".to_owned(),
        }
    }

    /// The route of simplejwt's `TokenRefreshView`, if it is not `refresh/` below the token URL.
    #[must_use]
    pub fn refresh_url(mut self, url: impl Into<String>) -> Self {
        self.refresh_url = Some(url.into());
        self
    }

    /// What the server calls the name of the user, if not `username`: its model's `USERNAME_FIELD`, such as `email`.
    #[must_use]
    pub fn username_field(mut self, name: impl Into<String>) -> Self {
        self.username_field = name.into();
        self
    }

    /// The word before the token, if not `Bearer`: simplejwt's `AUTH_HEADER_TYPES`, such as `JWT`.
    #[must_use]
    pub fn header_type(mut self, name: impl Into<String>) -> Self {
        self.header_type = name.into();
        self
    }

    pub(super) fn by(self, client: &ServiceClient) -> Result<SignIn> {
        given("user name", &self.username)?;
        given("password", self.password.expose_secret())?;
        let refresh_url = self.refresh_url.clone().unwrap_or_else(|| {
            let (path, query) = match self.token_url.split_once('?') {
                Some((path, query)) => (path, format!("?{query}")),
                None => (self.token_url.as_str(), String::new()),
            };
            match path.strip_suffix('/') {
                Some(path) => format!("{path}/refresh/{query}"),
                None => format!("{path}/refresh{query}"),
            }
        });
        Ok(SignIn {
            token: Place::new(client, "token URL", &self.token_url)?,
            refresh: Place::new(client, "refresh URL", &refresh_url)?,
            login: self,
            refresh_token: Mutex::new(None),
        })
    }
}

impl fmt::Debug for JwtAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JwtAuth").finish_non_exhaustive()
    }
}

/// The login of a client.
pub(super) struct SignIn {
    login: JwtAuth,
    token: Place,
    refresh: Place,
    /// Taken out to be used: one whose answer was lost may be spent.
    refresh_token: Mutex<Option<SecretString>>,
}

impl SignIn {
    /// Another token: by the refresh token, if there is one, else by the password, and so `anew` too. Where it is
    /// refused, the whole pair may have been, such as after a change of the password.
    pub(super) async fn prove(&self, anew: bool, hears: Hears<'_>) -> Result<Proof> {
        let refresh_token = self.held().take();
        if let Some(token) = refresh_token.filter(|_| !anew) {
            let call = self.refresh.json(&[("refresh", token.expose_secret())]);
            match self.refresh.ask(call, hears).await {
                Ok((response, pair)) => {
                    let step = "refreshing the token";
                    let token = self.accept(step, &pair, response.headers(), Some(token));
                    return token.map(Proof::Refreshed);
                }
                // It did not get there, so neither would the password.
                Err(error) if error.is_connect() && !error.is_outcome_unknown() => {
                    *self.held() = Some(token);
                    return Err(failed("refreshing the token", error));
                }
                Err(_) => {}
            }
        }
        let JwtAuth {
            username,
            password,
            username_field,
            ..
        } = &self.login;
        let fields = [
            (username_field.as_str(), username.as_str()),
            ("password", password.expose_secret()),
        ];
        let step = "logging in";
        let call = self.token.json(&fields).harmless();
        let (response, pair) = self
            .token
            .ask(call, hears)
            .await
            .map_err(|error| failed(step, error))?;
        self.accept(step, &pair, response.headers(), None)
            .map(Proof::Header)
    }

    /// Where it posts.
    pub(super) fn places(&self) -> [&Place; 2] {
        [&self.token, &self.refresh]
    }

    fn held(&self) -> std::sync::MutexGuard<'_, Option<SecretString>> {
        self.refresh_token
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the pair that the server gave; `used` is the refresh token that stays good where it gave no other.
    fn accept(
        &self,
        step: &str,
        pair: &Map<String, Value>,
        headers: &HeaderMap,
        used: Option<SecretString>,
    ) -> Result<Credential> {
        let text = |name: &str| {
            let text = pair.get(name).and_then(Value::as_str);
            text.filter(|text| !text.trim().is_empty())
        };
        let Some(access) = text("access") else {
            let place = if used.is_some() {
                &self.refresh
            } else {
                &self.token
            };
            return Err(Error::decode(format!(
                "{step} failed: the answer of {place} holds no token `access`; is it the URL that gives pairs of tokens?"
            )));
        };
        let credential = Credential::in_scheme(&self.login.header_type, access);
        credential.to_header()?;
        *self.held() = text("refresh").map(SecretString::from).or(used);
        Ok(match lifetime(access, headers) {
            Some(lifetime) => credential.expires_in(lifetime),
            None => credential,
        })
    }
}

/// The times that a token says of itself, in seconds since 1970.
#[derive(Deserialize)]
struct Claims {
    exp: Option<f64>,
    iat: Option<f64>,
}

/// How long a token is good for, by the server's own clock, or by this machine's where its answer tells no time. Nothing is
/// verified: that is for the server to do.
fn lifetime(token: &str, headers: &HeaderMap) -> Option<Duration> {
    let payload = token.split('.').nth(1)?.trim_end_matches('=');
    let claims: Claims = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    let exp = claims.exp?;
    let of_answer = || {
        let date = headers.get(DATE)?.to_str().ok()?;
        seconds(httpdate::parse_http_date(date).ok()?)
    };
    let left = exp - of_answer().or_else(|| seconds(SystemTime::now()))?;
    // A refreshed token may say that it was issued when its pair was, so this is only the longest that it can be.
    let whole = claims.iat.map(|iat| exp - iat);
    let left = match whole {
        Some(whole) if left <= 0.0 || left > whole => whole,
        _ => left,
    };
    Duration::try_from_secs_f64(left)
        .ok()
        .filter(|left| !left.is_zero())
}

fn seconds(time: SystemTime) -> Option<f64> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    Some(since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn token(claims: &str) -> String {
        format!("e30.{}.c2ln", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn a_token_tells_how_long_it_is_good_for() {
        let mut headers = HeaderMap::new();
        let none = HeaderMap::new();
        headers.insert(
            DATE,
            HeaderValue::from_static("Thu, 01 Jan 1970 00:10:00 GMT"),
        );
        let lives = |claims: &str| lifetime(&token(claims), &headers).map(|time| time.as_secs());
        assert_eq!(lives(r#"{"exp": 900, "iat": 600}"#), Some(300));
        // The server's clock counts, however wrong it is.
        assert_eq!(lives(r#"{"exp": 660}"#), Some(60));
        // simplejwt gives a refreshed token the time at which its pair was issued.
        assert_eq!(lives(r#"{"exp": 660, "iat": 60}"#), Some(60));
        // A clock in front of the server that is wrong.
        assert_eq!(
            lives(r#"{"exp": 1000000300, "iat": 1000000000}"#),
            Some(300)
        );
        assert_eq!(lives(r#"{"exp": 400, "iat": 100}"#), Some(300));
        for odd in [
            "{}",
            "[]",
            "x",
            r#"{"exp": 600, "iat": 600}"#,
            r#"{"exp": 1, "iat": 2}"#,
            r#"{"exp": "soon"}"#,
            r#"{"exp": 1e300, "iat": 0}"#,
        ] {
            assert_eq!(lives(odd), None, "{odd}");
        }
        for opaque in ["", "abc", "a.b.c", "..."] {
            assert_eq!(lifetime(opaque, &headers), None, "{opaque}");
        }
        let now = seconds(SystemTime::now()).unwrap();
        let soon = lifetime(&token(&format!(r#"{{"exp": {}}}"#, now + 100.0)), &none).unwrap();
        assert!(soon > Duration::from_secs(90) && soon <= Duration::from_secs(100));
    }
}
