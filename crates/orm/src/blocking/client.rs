//! The blocking [`ServiceClient`] and its builder.

use std::{borrow::Borrow, fmt};

use http::Method;
use serde::Serialize;

use super::{manager::Manager, runtime::wait};
use crate::{
    ApiModel, ApiResponse, Result,
    client::{
        Credential, Login, RequestBuilder, RequestEvent, ResponseEvent, RetryEvent, Stats,
        settings::with_settings,
    },
};

/// A client of one API, for programs without a runtime. See the asynchronous [`ServiceClient`](crate::ServiceClient).
///
/// It has the connections of the asynchronous client that it wraps, and is as cheap to clone.
#[derive(Clone)]
pub struct ServiceClient(crate::ServiceClient);

impl ServiceClient {
    /// See [`new`](crate::ServiceClient::new).
    ///
    /// # Errors
    /// As there.
    pub fn new(base_url: &str) -> Result<Self> {
        crate::ServiceClient::new(base_url).map(Self)
    }

    /// Starts to configure a client.
    pub fn builder(base_url: &str) -> ServiceClientBuilder {
        ServiceClientBuilder(crate::ServiceClient::builder(base_url))
    }

    /// The manager of a model on this client.
    #[must_use]
    pub fn objects<M: ApiModel>(&self) -> Manager<M> {
        Manager(self.0.objects())
    }

    /// See [`get`](crate::ServiceClient::get).
    ///
    /// # Errors
    /// As there.
    pub fn get(&self, path: &str) -> Result<ApiResponse> {
        self.send(self.0.get(path))
    }

    /// See [`post`](crate::ServiceClient::post).
    ///
    /// # Errors
    /// As there.
    pub fn post(&self, path: &str, body: &(impl Serialize + ?Sized)) -> Result<ApiResponse> {
        self.send(self.0.post(path, body))
    }

    /// See [`patch`](crate::ServiceClient::patch).
    ///
    /// # Errors
    /// As there.
    pub fn patch(&self, path: &str, body: &(impl Serialize + ?Sized)) -> Result<ApiResponse> {
        self.send(self.0.patch(path, body))
    }

    /// See [`put`](crate::ServiceClient::put).
    ///
    /// # Errors
    /// As there.
    pub fn put(&self, path: &str, body: &(impl Serialize + ?Sized)) -> Result<ApiResponse> {
        self.send(self.0.put(path, body))
    }

    /// See [`delete`](crate::ServiceClient::delete).
    ///
    /// # Errors
    /// As there.
    pub fn delete(&self, path: &str) -> Result<ApiResponse> {
        self.send(self.0.delete(path))
    }

    /// A request to add parameters and headers to, for [`send`](Self::send).
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.0.request(method, path)
    }

    /// Sends a request that was built with [`request`](Self::request).
    ///
    /// # Errors
    /// Whatever the request meets.
    pub fn send(&self, request: RequestBuilder) -> Result<ApiResponse> {
        wait(request.send())?
    }

    /// See [`with_token`](crate::ServiceClient::with_token).
    #[must_use]
    pub fn with_token(&self, token: impl AsRef<str>) -> Self {
        Self(self.0.with_token(token))
    }

    /// See [`with_bearer`](crate::ServiceClient::with_bearer).
    #[must_use]
    pub fn with_bearer(&self, token: impl AsRef<str>) -> Self {
        Self(self.0.with_bearer(token))
    }

    /// See [`with_credential`](crate::ServiceClient::with_credential).
    #[must_use]
    pub fn with_credential(&self, credential: Credential) -> Self {
        Self(self.0.with_credential(credential))
    }

    /// See [`with_login`](crate::ServiceClient::with_login).
    ///
    /// # Errors
    /// As there.
    pub fn with_login(&self, login: impl Into<Login>) -> Result<Self> {
        self.0.with_login(login).map(Self)
    }

    /// See [`without_credentials`](crate::ServiceClient::without_credentials).
    #[must_use]
    pub fn without_credentials(&self) -> Self {
        Self(self.0.without_credentials())
    }

    /// See [`shares_connections_with`](crate::ServiceClient::shares_connections_with).
    #[must_use]
    pub fn shares_connections_with(&self, other: &Self) -> bool {
        self.0.shares_connections_with(&other.0)
    }

    /// See [`with_timeout`](crate::ServiceClient::with_timeout).
    #[must_use]
    pub fn with_timeout(&self, time: std::time::Duration) -> Self {
        Self(self.0.with_timeout(time))
    }

    /// See [`with_header`](crate::ServiceClient::with_header).
    ///
    /// # Errors
    /// As there.
    pub fn with_header(&self, name: &str, value: &str) -> Result<Self> {
        self.0.with_header(name, value).map(Self)
    }

    /// See [`base_url`](crate::ServiceClient::base_url).
    #[must_use]
    pub fn base_url(&self) -> String {
        self.0.base_url()
    }

    /// See [`stats`](crate::ServiceClient::stats).
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.0.stats()
    }

    /// Drops the connections; a later call opens new ones.
    ///
    /// # Errors
    /// `Runtime` inside an async runtime.
    pub fn close(&self) -> Result<()> {
        wait(self.0.close())
    }
}

impl fmt::Debug for ServiceClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Borrow<crate::ServiceClient> for ServiceClient {
    /// So that [`register_models!`](crate::register_models) takes a blocking client too.
    fn borrow(&self) -> &crate::ServiceClient {
        &self.0
    }
}

impl Borrow<crate::ServiceClient> for &ServiceClient {
    /// A reference to a blocking client will do as well.
    fn borrow(&self) -> &crate::ServiceClient {
        &self.0
    }
}

/// Configures a blocking [`ServiceClient`]. Every method is that of the asynchronous
/// [`ServiceClientBuilder`](crate::ServiceClientBuilder); [`with`](Self::with) reaches those that this builder does not repeat.
#[must_use = "a builder does nothing until it is built"]
pub struct ServiceClientBuilder(crate::ServiceClientBuilder);

/// The setters of the table of settings.
macro_rules! set {
    ($(
        $(#[doc = $text:literal])+
        $name:ident($argument:ident: $given:ty): $kept:ty = $default:expr, $default_text:literal => $how:ident $value:expr;
    )+) => {
        impl ServiceClientBuilder {$(
            $(#[doc = $text])+
            #[doc = ""]
            #[doc = concat!("Default: ", $default_text, ".")]
            pub fn $name(self, $argument: $given) -> Self {
                Self(self.0.$name($argument))
            }
        )+}
    };
}
with_settings!(set);

macro_rules! delegate {
    ($($name:ident($($argument:ident: $type:ty),*);)*) => {$(
        #[doc = concat!("See [`", stringify!($name), "`](crate::ServiceClientBuilder::", stringify!($name), ").")]
        pub fn $name(self, $($argument: $type),*) -> Self {
            Self(self.0.$name($($argument),*))
        }
    )*};
}

impl ServiceClientBuilder {
    delegate! {
        auth_token(token: impl AsRef<str>);
        bearer(token: impl AsRef<str>);
        basic(user: impl AsRef<str>, password: impl AsRef<str>);
        auth_header(name: impl Into<String>, value: impl Into<String>);
        credential(credential: Credential);
        login(login: impl Into<Login>);
        header(name: impl Into<String>, value: impl Into<String>);
        headers(headers: impl IntoIterator<Item = (impl Into<String>, impl Into<String>)>);
        ca_pem(pem: impl Into<Vec<u8>>);
        client_certificate(pem: impl Into<Vec<u8>>);
        policy(policy: crate::Policy);
        dialect(dialect: crate::dialect::Dialect);
        pagination(pagination: crate::Pagination);
        on_warning(hook: impl Fn(&crate::Warning) + Send + Sync + 'static);
        on_request(hook: impl Fn(&mut RequestEvent) -> Result<()> + Send + Sync + 'static);
        on_response(hook: impl Fn(&ResponseEvent) + Send + Sync + 'static);
        on_retry(hook: impl Fn(&RetryEvent) + Send + Sync + 'static);
    }

    /// Configures with any method of the asynchronous builder.
    pub fn with(
        self,
        configure: impl FnOnce(crate::ServiceClientBuilder) -> crate::ServiceClientBuilder,
    ) -> Self {
        Self(configure(self.0))
    }

    /// See [`build`](crate::ServiceClientBuilder::build).
    ///
    /// # Errors
    /// As there.
    pub fn build(self) -> Result<ServiceClient> {
        self.0.build().map(ServiceClient)
    }
}

impl fmt::Debug for ServiceClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
