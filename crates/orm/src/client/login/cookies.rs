//! The cookies of a session, kept in memory for one origin, and what they say about the session.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cookie_store::CookieStore;
use django_api_orm_core::{Error, Result};
use http::header::{COOKIE, HeaderName, HeaderValue, LOCATION, REFERER, SET_COOKIE};
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use super::super::attempt::Answer;
use super::says_unauthenticated;

/// What the server calls its cookies and its header.
pub(super) struct Names {
    pub(super) session: String,
    pub(super) csrf: String,
    pub(super) csrf_header: HeaderName,
}

/// A session with its cookies. They are those of one login: another one begins with none.
pub(in super::super) struct Session {
    origin: Url,
    referer: HeaderValue,
    login_path: String,
    names: Arc<Names>,
    cookies: Mutex<CookieStore>,
}

impl Session {
    pub(super) fn new(origin: &str, names: Arc<Names>, login_path: String) -> Result<Self> {
        let invalid = || Error::configuration("`base_url` has an invalid host");
        let origin = Url::parse(origin).map_err(|_| invalid())?;
        Ok(Self {
            referer: HeaderValue::from_str(origin.as_str()).map_err(|_| invalid())?,
            origin,
            login_path,
            names,
            cookies: Mutex::default(),
        })
    }

    fn cookies(&self) -> MutexGuard<'_, CookieStore> {
        self.cookies.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn referer(&self) -> HeaderValue {
        self.referer.clone()
    }

    /// The value of a cookie that may be sent to the origin, below whatever path.
    fn value(&self, name: &str) -> Option<String> {
        let cookies = self.cookies();
        let mut all = cookies.iter_unexpired().filter(|cookie| {
            cookie.name() == name && cookie.matches(&self.below(cookie.path.as_ref()))
        });
        all.next()
            .map(|cookie| cookie.value().to_owned())
            .filter(|value| !value.is_empty())
    }

    /// The token against cross-site requests.
    pub(super) fn csrf(&self) -> Option<String> {
        self.value(&self.names.csrf)
    }

    /// Whether there is no session's cookie to be sent: it has expired, or the server has taken it back.
    pub(in super::super) fn is_over(&self) -> bool {
        self.value(&self.names.session).is_none()
    }

    /// Takes over the cookies that an answer from `path` of the origin sets.
    pub(in super::super) fn hear(&self, path: &str, headers: &HeaderMap) {
        if !headers.contains_key(SET_COOKIE) {
            return;
        }
        let from = self.below(path);
        let set = headers.get_all(SET_COOKIE);
        for cookie in set.iter().filter_map(|value| value.to_str().ok()) {
            // One that is not for this origin, or cannot be read, is not kept.
            let _ = self.cookies().parse(cookie, &from);
        }
    }

    fn below(&self, path: &str) -> Url {
        let mut url = self.origin.clone();
        url.set_path(path);
        url
    }

    /// Puts the cookies into a request to `path`, besides the caller's `own`, and into those that may write what Django compares
    /// with the cookie. There is no `Origin`: Django takes a `Referer` in its place, and behind a proxy that takes TLS off it
    /// would refuse an `Origin` that is right.
    pub(in super::super) fn dress(
        &self,
        headers: &mut HeaderMap,
        own: Option<&HeaderValue>,
        method: &Method,
        path: &str,
    ) {
        let mut sent: Vec<Vec<u8>> = own.iter().map(|own| own.as_bytes().to_vec()).collect();
        {
            let to = self.below(path);
            let cookies = self.cookies();
            let all = cookies.get_request_values(&to);
            sent.extend(all.map(|(name, value)| format!("{name}={value}").into_bytes()));
        }
        headers.remove(COOKIE);
        if let Ok(mut value) = HeaderValue::from_bytes(&sent.join(b"; ".as_slice()))
            && !sent.is_empty()
        {
            value.set_sensitive(true);
            headers.insert(COOKIE, value);
        }
        if method.is_safe() {
            return;
        }
        if let Some(token) = self.csrf()
            && let Ok(mut token) = HeaderValue::from_str(&token)
        {
            token.set_sensitive(true);
            headers.insert(self.names.csrf_header.clone(), token);
        }
        headers.entry(REFERER).or_insert_with(|| self.referer());
    }

    /// Whether an answer, whose cookies were heard, refuses the request because the session is over, or the token against
    /// cross-site requests is another one by now.
    pub(super) fn is_refused(&self, path: &str, answer: &Answer) -> bool {
        if answer.status == StatusCode::UNAUTHORIZED {
            return true;
        }
        if answer.status == StatusCode::FORBIDDEN {
            // The words may be in any language; that the cookie was taken back is not.
            return self.is_over()
                || says_unauthenticated(&answer.body)
                || is_about_csrf(&answer.body);
        }
        answer.status.is_redirection() && self.leads_to_login(path, &answer.headers)
    }

    /// Whether the server redirects to the login page, and from there back to `path`. Without a way back it may have done what
    /// was asked, and that may have been to log out.
    fn leads_to_login(&self, path: &str, headers: &HeaderMap) -> bool {
        let location = headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let Some(to) = location.and_then(|location| self.origin.join(location).ok()) else {
            return false;
        };
        let leads_back = |next: &str| {
            let next = self.origin.join(next);
            next.is_ok_and(|next| next.path() == self.below(path).path())
        };
        to.origin() == self.origin.origin()
            && to.path() == self.login_path
            && to.query_pairs().any(|(_, next)| leads_back(&next))
    }
}

/// Whether a 403 is Django's, about a cross-site request: it is given before a view is asked.
fn is_about_csrf(body: &[u8]) -> bool {
    let beginning = body.get(..4096).unwrap_or(body);
    let text = String::from_utf8_lossy(beginning);
    text.contains("CSRF Failed: ") || text.contains("CSRF verification failed")
}
