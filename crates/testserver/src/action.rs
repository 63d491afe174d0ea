//! Extra routes: DRF's `@action` on a resource, and views of their own.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::Method;

use crate::call::Call;
use crate::reply::Answer;

/// What answers a call.
#[derive(Clone)]
pub(crate) struct Handler(pub(crate) Arc<HandlerFn>);

type HandlerFn = dyn Fn(&Call<'_>) -> Answer + Send + Sync;

impl Handler {
    fn new(answer: impl Fn(&Call<'_>) -> Answer + Send + Sync + 'static) -> Self {
        Self(Arc::new(answer))
    }
}

impl fmt::Debug for Handler {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Handler")
    }
}

/// An extra route of a resource: `{path}{pk}/{name}/` or `{path}{name}/`.
///
/// ```
/// use django_api_orm_testserver::{Action, Reply};
/// use http::Method;
/// use serde_json::json;
///
/// let publish = Action::detail("publish", Method::POST, |call| {
///     call.update_row(&json!({"published": true}))
/// });
/// let total = Action::list("total", Method::GET, |call| {
///     Ok(Reply::ok(&json!({"total": call.count(&[])?})))
/// });
/// # assert!(format!("{publish:?}{total:?}").contains("publish"));
/// ```
#[derive(Debug, Clone)]
pub struct Action {
    pub(crate) name: String,
    pub(crate) detail: bool,
    pub(crate) method: Method,
    pub(crate) handler: Handler,
}

impl Action {
    /// A route on one row; a row that is not there is answered 404 before `answer` is called.
    pub fn detail(
        name: &str,
        method: Method,
        answer: impl Fn(&Call<'_>) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            detail: true,
            method,
            handler: Handler::new(answer),
        }
    }

    /// A route on the whole collection.
    pub fn list(
        name: &str,
        method: Method,
        answer: impl Fn(&Call<'_>) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self {
            name: name.to_owned(),
            detail: false,
            method,
            handler: Handler::new(answer),
        }
    }
}

/// An endpoint that is not a resource, such as an `APIView`.
///
/// ```
/// use django_api_orm_testserver::{Reply, View};
/// use http::Method;
/// use serde_json::json;
///
/// let ping = View::new("/ping/", [Method::GET], |_| Ok(Reply::ok(&json!({"pong": true})))).public();
/// # assert!(format!("{ping:?}").contains("ping"));
/// ```
#[derive(Debug, Clone)]
pub struct View {
    pub(crate) path: String,
    pub(crate) name: String,
    pub(crate) methods: Vec<Method>,
    pub(crate) public: bool,
    pub(crate) throttle: Option<(u32, Duration)>,
    pub(crate) handler: Handler,
}

impl View {
    /// An endpoint for these methods, which wants a token as the resources do. `GET` answers
    /// `HEAD` too; `OPTIONS` is answered with DRF's description unless it is among the methods.
    pub fn new(
        path: &str,
        methods: impl IntoIterator<Item = Method>,
        answer: impl Fn(&Call<'_>) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self {
            path: path.to_owned(),
            name: path
                .trim_matches('/')
                .rsplit('/')
                .next()
                .unwrap_or_default()
                .to_owned(),
            methods: methods.into_iter().collect(),
            public: false,
            throttle: None,
            handler: Handler::new(answer),
        }
    }

    /// Needs no token, and is a plain Django view: no negotiation and no `OPTIONS`.
    #[must_use]
    pub fn public(mut self) -> Self {
        self.public = true;
        self
    }

    /// The name in an answer to `OPTIONS`.
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// At most so many requests in any period, for each token; more are answered 429.
    #[must_use]
    pub fn throttle(mut self, requests: u32, period: Duration) -> Self {
        self.throttle = Some((requests, period));
        self
    }
}
