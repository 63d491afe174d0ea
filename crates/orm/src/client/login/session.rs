//! Django's sessions: a login form or a JSON login view, the session's cookie, and tokens against cross-site requests.

use std::fmt;
use std::sync::Arc;

use django_api_orm_core::{Error, ErrorKind, Result};
use http::StatusCode;
use http::header::{HeaderName, REFERER};
use secrecy::{ExposeSecret, SecretString};

use super::super::response::ApiResponse;
use super::super::{Call, ServiceClient};
use super::cookies::{Names, Session};
use super::place::as_page;
use super::{Hears, Place, failed, given};

/// A session of Django, begun by a user and a password.
///
/// Cookies are kept in memory and sent to the base URL only; writes carry the token against cross-site requests
/// (`X-CSRFToken`, with a `Referer`) as Django wants it, and follow its changes. When the session is over, one login begins
/// another, however many calls wait, and what was refused because of that is sent once more.
///
/// ```
/// use django_api_orm::client::{ServiceClient, SessionAuth};
///
/// let client = ServiceClient::builder("https://api.example.com")
///     .login(SessionAuth::new("/api-auth/login/", "ann", "secret"))
///     .build()?;
/// # Ok::<(), django_api_orm::client::Error>(())
/// ```
///
/// # Requests
/// Two for a login by a form, the page and its `POST`; one by JSON.
#[derive(Clone)]
pub struct SessionAuth {
    login_url: String,
    username: String,
    password: SecretString,
    username_field: String,
    json: bool,
    session_cookie: String,
    csrf_cookie: String,
    csrf_header: String,
}

impl SessionAuth {
    /// Logs in by the form at `login_url`, a path below the base URL, or a URL of the same origin: Django REST Framework's
    /// `/api-auth/login/`, Django's own `/accounts/login/` or `/admin/login/`.
    #[must_use]
    pub fn new(
        login_url: impl Into<String>,
        username: impl Into<String>,
        password: impl Into<String>,
    ) -> Self {
        Self {
            login_url: login_url.into(),
            username: username.into(),
            password: SecretString::from(password.into()),
            username_field: "username".to_owned(),
            json: false,
            session_cookie: "sessionid".to_owned(),
            csrf_cookie: "csrftoken".to_owned(),
            csrf_header: "X-CSRFToken".to_owned(),
        }
    }

    /// Posts user and password as JSON, for views such as the one of `dj-rest-auth`.
    #[must_use]
    pub fn json(mut self) -> Self {
        self.json = true;
        self
    }

    /// What the login calls the name of the user, if not `username`, such as `email`.
    #[must_use]
    pub fn username_field(mut self, name: impl Into<String>) -> Self {
        self.username_field = name.into();
        self
    }

    /// Django's `SESSION_COOKIE_NAME`, if not `sessionid`.
    #[must_use]
    pub fn session_cookie(mut self, name: impl Into<String>) -> Self {
        self.session_cookie = name.into();
        self
    }

    /// Django's `CSRF_COOKIE_NAME`, if not `csrftoken`.
    #[must_use]
    pub fn csrf_cookie(mut self, name: impl Into<String>) -> Self {
        self.csrf_cookie = name.into();
        self
    }

    /// The header of Django's `CSRF_HEADER_NAME`, if not `X-CSRFToken`: as it is sent, without `HTTP_`.
    #[must_use]
    pub fn csrf_header(mut self, name: impl Into<String>) -> Self {
        self.csrf_header = name.into();
        self
    }

    pub(super) fn by(self, client: &ServiceClient) -> Result<SignIn> {
        given("user name", &self.username)?;
        given("password", self.password.expose_secret())?;
        given("session cookie", &self.session_cookie)?;
        let page = Place::new(client, "login URL", &self.login_url)?;
        if !page.is_of(client) {
            return Err(Error::configuration(
                "the login URL of the session is of another origin than `base_url`: its cookies would not be sent to the API",
            ));
        }
        let csrf_header = HeaderName::try_from(self.csrf_header.as_str()).map_err(|_| {
            Error::configuration("the CSRF header of the login is not a valid header name")
        })?;
        let names = Names {
            session: self.session_cookie.clone(),
            csrf: self.csrf_cookie.clone(),
            csrf_header,
        };
        Ok(SignIn {
            origin: client.shared.base.origin().to_owned(),
            names: Arc::new(names),
            page,
            login: self,
        })
    }
}

impl fmt::Debug for SessionAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionAuth").finish_non_exhaustive()
    }
}

/// The login of a client.
pub(super) struct SignIn {
    login: SessionAuth,
    page: Place,
    origin: String,
    names: Arc<Names>,
}

const STEP: &str = "logging in";

impl SignIn {
    /// Begins another session.
    pub(super) async fn prove(&self, hears: Hears<'_>) -> Result<Arc<Session>> {
        let session = Session::new(&self.origin, Arc::clone(&self.names), self.page.path())?;
        if self.login.json {
            self.by_json(&session, hears).await?;
        } else {
            self.by_form(&session, hears).await?;
        }
        if session.is_over() {
            let (name, origin) = (&self.names.session, &self.origin);
            return Err(Error::new(
                ErrorKind::Authentication,
                format!(
                    "{STEP} failed: {} set no cookie `{name}` that may be sent to {origin}; is it the login URL, and does its \
                     cookie need https?",
                    self.page
                ),
            ));
        }
        Ok(Arc::new(session))
    }

    async fn by_json(&self, session: &Session, hears: Hears<'_>) -> Result<()> {
        let fields = [
            (
                self.login.username_field.as_str(),
                self.login.username.as_str(),
            ),
            ("password", self.login.password.expose_secret()),
        ];
        let call = self.page.json(&fields).harmless();
        let response = self.send(session, STEP, call, hears).await?;
        let is_page = response.text().trim_ascii_start().starts_with(b"<");
        if is_page {
            return Err(failed(STEP, response.unexpected("JSON")));
        }
        Ok(())
    }

    async fn by_form(&self, session: &Session, hears: Hears<'_>) -> Result<()> {
        let step = "reading the login page";
        let page = self
            .send(session, step, as_page(self.page.get()), hears)
            .await?;
        if page.status().is_redirection() {
            let error = Error::new(ErrorKind::Redirect, "the server redirects it elsewhere");
            return Err(failed(step, error.with_status(page.status())));
        }
        let Some(token) = session.csrf() else {
            let cookie = &self.names.csrf;
            return Err(Error::configuration(format!(
                "{step} failed: {} set no cookie `{cookie}`; is it the URL of a login form, or does its cookie need https?",
                self.page
            )));
        };
        let fields = [
            (
                self.login.username_field.as_str(),
                self.login.username.as_str(),
            ),
            ("password", self.login.password.expose_secret()),
            ("csrfmiddlewaretoken", &token),
        ];
        let call = as_page(self.page.form(&fields)).harmless();
        let answer = self.send(session, STEP, call, hears).await?;
        if answer.status() == StatusCode::OK && session.is_over() {
            return Err(Error::new(
                ErrorKind::Authentication,
                format!(
                    "{STEP} failed: {} answered with its form again: check user and password",
                    self.page
                ),
            ));
        }
        Ok(())
    }

    /// Sends a request of the login with what the session has so far, and keeps the cookies of the answer. A login is answered by
    /// a redirect to where a browser would go next, which is not followed.
    async fn send(
        &self,
        session: &Session,
        step: &str,
        call: Call,
        hears: Hears<'_>,
    ) -> Result<ApiResponse> {
        let mut call = call.unredirected();
        let (method, path) = (call.method.clone(), self.page.path());
        session.dress(&mut call.headers, None, &method, &path);
        call.headers
            .entry(REFERER)
            .or_insert_with(|| session.referer());
        let response = self.page.send(call, hears).await;
        let response = response.map_err(|error| failed(step, error))?;
        session.hear(&path, response.headers());
        Ok(response)
    }
}
