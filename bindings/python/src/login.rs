//! Logins of the engine: what they are made of, and what they have been given so far in this process.

use std::{
    mem, process,
    sync::{Mutex, PoisonError},
};

use django_api_orm::{
    Error, Result, ServiceClient,
    client::{JwtAuth, Login, OAuth2ClientCredentials, SessionAuth},
};
use pyo3::{exceptions::PyValueError, prelude::*};

use crate::runtime;

/// A login with what it has brought. Its requests are made on the engine's thread, whoever needs them: a call on a lane may end,
/// and nobody would drive them any more.
pub(crate) struct SignedIn {
    login: Login,
    /// The client that speaks by it, with the process that made it: a refresh token is not used by a child after `fork` too.
    /// Locked only by threads that are attached to Python.
    client: Mutex<Option<(u32, ServiceClient)>>,
}

impl SignedIn {
    pub(crate) fn new(login: Login) -> Self {
        Self {
            login,
            client: Mutex::new(None),
        }
    }

    /// A client that speaks by the login, made from `root`.
    pub(crate) fn client(&self, root: &ServiceClient) -> Result<ServiceClient> {
        let mut client = self.client.lock().unwrap_or_else(PoisonError::into_inner);
        let pid = process::id();
        if let Some((owner, client)) = client.as_ref()
            && *owner == pid
        {
            return Ok(client.clone());
        }
        let engine = runtime::background()
            .map_err(|error| Error::runtime(format!("no thread could be started: {error}")))?;
        let made = root.with_login_on(self.login.clone(), move || engine.clone())?;
        // The parent's connections are not the child's to close.
        mem::forget(client.replace((pid, made.clone())));
        Ok(made)
    }
}

impl Drop for SignedIn {
    fn drop(&mut self) {
        let client = self
            .client
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner);
        if client
            .as_ref()
            .is_some_and(|(owner, _)| *owner != process::id())
        {
            mem::forget(client.take());
        }
    }
}

/// The login that `["jwt", url, user, password, option, value, ...]` and its like describe, if it is one.
pub(crate) fn read(parts: &[String]) -> PyResult<Option<Login>> {
    let [kind, url, user, secret, options @ ..] = parts else {
        return Ok(None);
    };
    let unknown = || PyValueError::new_err("this is not a login");
    let (options, rest) = options.as_chunks::<2>();
    let mut given = options.iter().map(|[name, value]| (name.as_str(), value));
    let login = match kind.as_str() {
        _ if !rest.is_empty() => return Ok(None),
        "jwt" => given
            .try_fold(
                JwtAuth::new(url, user, secret),
                |login, (name, value)| match name {
                    "refresh_url" => Some(login.refresh_url(value)),
                    "username_field" => Some(login.username_field(value)),
                    "header_type" => Some(login.header_type(value)),
                    _ => None,
                },
            )
            .map(Login::from),
        "session" => given
            .try_fold(
                SessionAuth::new(url, user, secret),
                |login, (name, value)| match name {
                    "json" => Some(login.json()),
                    "username_field" => Some(login.username_field(value)),
                    "session_cookie" => Some(login.session_cookie(value)),
                    "csrf_cookie" => Some(login.csrf_cookie(value)),
                    "csrf_header" => Some(login.csrf_header(value)),
                    _ => None,
                },
            )
            .map(Login::from),
        "oauth2" => given
            .try_fold(
                OAuth2ClientCredentials::new(url, user, secret),
                |login, (name, value)| match name {
                    "scope" => Some(login.scope(value)),
                    "in_body" => Some(login.in_body()),
                    _ => None,
                },
            )
            .map(Login::from),
        _ => return Ok(None),
    };
    login.ok_or_else(unknown).map(Some)
}
