//! The site: every endpoint, its rows, and who may see them. It does no networking.

use std::collections::BTreeMap;

use http::{Method, StatusCode};
use percent_encoding::percent_decode_str;
use rusqlite::types::Value as Sql;

use crate::action::View;
use crate::call::Call;
use crate::codec;
use crate::filters::Filter;
use crate::keys::Keys;
use crate::metadata;
use crate::quirks::Quirk;
use crate::reply::{Answer, Reply};
use crate::request::Request;
use crate::resource::Resource;
use crate::routes::Target;
use crate::store::{Store, Values};
use crate::table::Tables;
use crate::throttle::Throttle;
use crate::validation::UrlMatch;
use crate::wire::Wire;

/// A resource with what could be worked out before the first request.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) resource: Resource,
    pub(crate) filters: Vec<Filter>,
    /// The fields that `ordering=` may name.
    pub(crate) ordering: Vec<String>,
    /// The field that is in the URL of a row.
    pub(crate) lookup_field: String,
}

#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) views: Vec<View>,
    pub(crate) tables: Tables,
    pub(crate) store: Store,
    /// The owner's name by token. Without any token, everything is open.
    pub(crate) tokens: BTreeMap<String, String>,
    /// The rows to begin with: the table, and the stored values of each row.
    pub(crate) seed: Vec<(String, Vec<Values>)>,
    pub(crate) throttle: Throttle,
    pub(crate) keys: Keys,
}

impl Site {
    pub(crate) fn endpoint(&self, resource: &str) -> Option<&Endpoint> {
        self.endpoints
            .iter()
            .find(|endpoint| endpoint.resource.name == resource)
    }

    /// Puts back the rows that the site began with.
    pub(crate) fn reset(&self) -> rusqlite::Result<()> {
        self.throttle.forget();
        self.keys.forget();
        let session = self.store.session(&self.tables);
        session.clear()?;
        for (table, rows) in &self.seed {
            let Some(table) = self.tables.get(table) else {
                continue;
            };
            for row in rows {
                session.insert(table, row.clone())?;
            }
        }
        Ok(())
    }

    pub(crate) fn answer(&self, request: &Request) -> Reply {
        self.keys.once(request, || self.view(request))
    }

    fn view(&self, request: &Request) -> Reply {
        let Some(target) = self.route(&request.path) else {
            return self.redirect_to_slash(request);
        };
        match target {
            Target::View(view) if view.public => self.public_view(view, request),
            target => self.api_view(target, request),
        }
    }

    /// Django's `APPEND_SLASH`.
    fn redirect_to_slash(&self, request: &Request) -> Reply {
        if request.path.ends_with('/') || self.route(&format!("{}/", request.path)).is_none() {
            return Reply::no_such_page();
        }
        let path = format!("{}/", request.raw_path);
        if request.query.is_empty() {
            Reply::redirect(&path)
        } else {
            Reply::redirect(&format!("{path}?{}", request.query))
        }
    }

    fn public_view(&self, view: &View, request: &Request) -> Reply {
        if !allowed(&view.methods, &request.method) {
            let reply = Reply::text(
                StatusCode::METHOD_NOT_ALLOWED,
                "text/html; charset=utf-8",
                "",
            );
            return reply.allow(&view.methods);
        }
        (view.handler.0)(&self.call(request, None)).unwrap_or_else(|refusal| refusal)
    }

    /// What every view of DRF does: negotiate, authenticate, throttle, and choose by method.
    fn api_view(&self, target: Target<'_>, request: &Request) -> Reply {
        let methods = methods_of(target);
        let reply = self.admit(target, request).and_then(|owner| {
            if request.method == Method::OPTIONS && !methods.contains(&Method::OPTIONS) {
                return Ok(metadata::describe(target, self));
            }
            if !allowed(&methods, &request.method) {
                return Err(Reply::method_not_allowed(&request.method));
            }
            self.dispatch(target, request, owner)
        });
        let reply = reply.unwrap_or_else(|refusal| refusal);
        // Django's page for a failed view knows nothing of DRF's headers.
        if reply.status == StatusCode::INTERNAL_SERVER_ERROR {
            return reply;
        }
        // DRF itself never refuses an unknown parameter, so such a server is none of its own.
        if let Target::List(endpoint) = target
            && (endpoint.resource.quirks.iter()).any(|quirk| matches!(quirk, Quirk::Unknown(_)))
        {
            return reply;
        }
        reply.allow(&listed(&methods))
    }

    /// Gives the owner of the token, if tokens are asked for.
    fn admit(&self, target: Target<'_>, request: &Request) -> Result<Option<&str>, Reply> {
        request.negotiate()?;
        let token = request.token()?;
        let owner = match token {
            Some(token) if !self.tokens.is_empty() => {
                let owner = self.tokens.get(token).map(String::as_str);
                Some(owner.ok_or_else(|| Reply::unauthorized("Invalid token."))?)
            }
            None if !self.tokens.is_empty() => {
                let message = "Authentication credentials were not provided.";
                return Err(Reply::unauthorized(message));
            }
            _ => None,
        };
        let (name, throttle) = match target {
            Target::View(view) => (&view.path, view.throttle),
            Target::List(endpoint)
            | Target::Detail(endpoint, _)
            | Target::Action(endpoint, ..)
            | Target::Child(endpoint, ..) => (&endpoint.resource.path, endpoint.resource.throttle),
        };
        if let Some((requests, period)) = throttle {
            let who = format!("{name} {}", owner.unwrap_or_default());
            self.throttle
                .admit(&who, requests, period)
                .map_err(Reply::throttled)?;
        }
        Ok(owner)
    }

    fn dispatch(&self, target: Target<'_>, request: &Request, owner: Option<&str>) -> Answer {
        let reads = [Method::GET, Method::HEAD].contains(&request.method);
        match target {
            Target::List(endpoint) if reads => self.list(endpoint, request, None),
            Target::List(endpoint) => self.create(endpoint, request, None),
            Target::Detail(endpoint, text) => match request.method {
                Method::PUT => self.update(endpoint, text, request, false),
                Method::PATCH => self.update(endpoint, text, request, true),
                Method::DELETE => self.destroy(endpoint, text, request),
                _ => self.retrieve(endpoint, text, request),
            },
            Target::Child(endpoint, child, text) => {
                let (_, key) = self.find(&self.store.session(&self.tables), endpoint, text)?;
                let inner = self.endpoint(&child.resource).ok_or_else(Reply::broken)?;
                let parent = Some((child.field.as_str(), key));
                if reads {
                    self.list(inner, request, parent)
                } else {
                    self.create(inner, request, parent)
                }
            }
            Target::Action(endpoint, name, text) => {
                let key = match text {
                    Some(text) => Some(
                        self.find(&self.store.session(&self.tables), endpoint, text)?
                            .1,
                    ),
                    None => None,
                };
                let action = endpoint.resource.actions.iter().find(|action| {
                    action.name == name
                        && action.detail == text.is_some()
                        && allowed(std::slice::from_ref(&action.method), &request.method)
                });
                let resource = Some(&endpoint.resource);
                let call = Call {
                    resource,
                    key,
                    ..self.call(request, owner)
                };
                action.map_or_else(|| Err(Reply::broken()), |action| (action.handler.0)(&call))
            }
            Target::View(view) => (view.handler.0)(&self.call(request, owner)),
        }
    }

    fn call<'a>(&'a self, request: &'a Request, owner: Option<&'a str>) -> Call<'a> {
        Call {
            site: self,
            request,
            resource: None,
            key: None,
            owner,
        }
    }

    /// The absolute URL of a row, as a hyperlinked field has it.
    pub(crate) fn link(&self, origin: &str, table: &str, key: &Sql) -> Wire {
        let endpoint = self
            .endpoints
            .iter()
            .find(|endpoint| endpoint.resource.table == table);
        let Some((endpoint, table)) = endpoint.zip(self.tables.get(table)) else {
            return Wire::NULL;
        };
        let text = if endpoint.lookup_field == table.key {
            codec::text_of(key)
        } else {
            let session = self.store.session(&self.tables);
            let row = session.find(table, &table.key, key.clone()).ok().flatten();
            let position = table.position(&endpoint.lookup_field);
            match row
                .zip(position)
                .and_then(|(row, position)| row.get(position).cloned())
            {
                Some(value) => codec::text_of(&value),
                None => return Wire::NULL,
            }
        };
        Wire::from(match endpoint.resource.path.as_str() {
            path if path.ends_with('/') => format!("{origin}{path}{text}/"),
            path => format!("{origin}{path}/{text}"),
        })
    }

    /// What a URL in a body points to.
    pub(crate) fn resolve_url(&self, url: &str) -> UrlMatch {
        let path = match url.split_once("://") {
            Some(("http" | "https", rest)) => rest.find('/').and_then(|at| rest.get(at..)),
            _ => Some(url),
        };
        let path = path
            .unwrap_or_default()
            .split(['?', '#'])
            .next()
            .unwrap_or_default();
        let path = percent_decode_str(path).decode_utf8_lossy();
        match self.route(&path) {
            Some(Target::Detail(endpoint, text)) => UrlMatch::Row {
                table: endpoint.resource.table.clone(),
                field: endpoint.lookup_field.clone(),
                text: text.to_owned(),
            },
            Some(_) => UrlMatch::Other,
            None => UrlMatch::Nothing,
        }
    }
}

/// The methods that have code behind them.
fn methods_of(target: Target<'_>) -> Vec<Method> {
    match target {
        Target::List(endpoint) | Target::Detail(endpoint, _)
            if endpoint.resource.is_read_only() =>
        {
            vec![Method::GET]
        }
        Target::List(_) | Target::Child(..) => vec![Method::GET, Method::POST],
        Target::Detail(..) => vec![Method::GET, Method::PUT, Method::PATCH, Method::DELETE],
        Target::View(view) => view.methods.clone(),
        Target::Action(endpoint, name, text) => {
            let actions = endpoint.resource.actions.iter();
            actions
                .filter(|action| action.name == name && action.detail == text.is_some())
                .map(|action| action.method.clone())
                .collect()
        }
    }
}

fn allowed(methods: &[Method], method: &Method) -> bool {
    methods.contains(method) || (*method == Method::HEAD && methods.contains(&Method::GET))
}

/// The methods as DRF lists them in `Allow`.
fn listed(methods: &[Method]) -> Vec<Method> {
    let order = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    let mut listed = order
        .into_iter()
        .filter(|method| methods.contains(method))
        .collect::<Vec<_>>();
    if methods.contains(&Method::GET) {
        listed.push(Method::HEAD);
    }
    listed.push(Method::OPTIONS);
    listed
}
