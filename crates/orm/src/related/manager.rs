//! The rows that point at a row: `user.posts()`.

use std::{
    fmt,
    future::{Future, IntoFuture},
    ops::Deref,
    panic::Location,
    sync::Arc,
};

use django_api_orm_core::{
    ApiModel, Error, Field, Key, Keyed, Q, Result,
    lookup::{Lookup, Op},
    plan::Plan,
    relation::Relation,
    row::{Row, key_text},
};
use futures_util::FutureExt;
use serde::Serialize;
use serde_json::Value;

use super::{
    Found, Known, Relates,
    direction::back_name,
    page::{Batch, Touch},
    read::relation,
};
use crate::{
    instance::Instance, manager::Manager, query::Collection, queryset::QuerySet, trace::operation,
};

/// The rows that point at a row, as `user.posts` is in Django.
///
/// It is a [`QuerySet`] of these rows, so it is filtered, counted, streamed and awaited as one; a row that it
/// [`create`](Self::create)s points at the row, too.
#[must_use = "a queryset sends nothing until it is awaited"]
pub struct RelatedManager<N> {
    rows: QuerySet<N>,
    field: String,
    key: Result<Value, String>,
    /// What the rows are kept as, and where.
    name: String,
    of: Value,
    known: Known,
    /// The relation of the rows, and the row that they point at, of that collection.
    relation: Arc<Relation>,
    row: Row,
    rows_of: Arc<Collection>,
    /// Where they are created.
    created_at: Arc<Collection>,
    /// What they are kept as where they are at a route of this row alone, which may show others than the filter.
    nested: Option<String>,
}

impl<N: ApiModel> RelatedManager<N> {
    pub(crate) fn new<M: ApiModel, T: Relates<Model = M>>(
        row: &Instance<M>,
        field: &Field<N, T>,
    ) -> Self {
        let shown = row.key_field(M::meta().primary_key());
        let key = Key::<M, T::Form>::of(row).map(|key| key.value().clone());
        let mut plan = Plan::all();
        match shown {
            Ok(key) => {
                plan = plan.filter(Q::Lookup(Lookup::new(field.path(), Op::Exact, key)));
            }
            Err(error) => plan.mistake(&error.to_string()),
        }
        let manager = match Instance::manager(row).collection.client() {
            Ok(client) => client.objects::<N>(),
            Err(_) => Manager::unregistered(),
        };
        Self {
            created_at: Arc::clone(&manager.collection),
            nested: None,
            rows: QuerySet::new(manager, plan),
            field: field.sent_path().to_owned(),
            key: key.map_err(|error| error.to_string()),
            name: back_name(field),
            of: row.row().key(M::meta().primary_key()).unwrap_or_default(),
            known: row.known().share(),
            relation: Arc::new(relation(field)),
            row: row.row().clone(),
            rows_of: Arc::clone(&Instance::manager(row).collection),
        }
    }

    /// The same at a nested route of the row.
    pub(crate) fn at<M: ApiModel>(mut self, row: &Instance<M>, route: &str) -> Self {
        let model = Instance::manager(row).collection.model();
        let path = row.key_field(model.lookup_field()).and_then(|key| {
            let key = key_text(&key).unwrap_or_default();
            model.parsed_endpoint()?.action(&key, route)
        });
        match path {
            Ok(path) => {
                let manager = self.rows.manager.clone();
                let nested = manager.at(path.path());
                self.created_at = Arc::clone(&nested.collection);
                self.rows = QuerySet::new(nested, Plan::all()).with_rows_of(manager);
                self.nested = Some(format!("{}@{route}", self.name));
            }
            Err(error) => self.rows.plan.mistake(&error.to_string()),
        }
        self
    }

    /// The rows.
    pub fn all(&self) -> QuerySet<N> {
        self.rows.clone()
    }

    /// The rows, which are kept then: those that [`prefetch_related`](QuerySet::prefetch_related) has read, or that an earlier call
    /// has, cost no request. [`all`](Self::all) asks anew.
    ///
    /// In a loop over rows that were read together, the second row that is asked reads those of all others with its own:
    /// see [the module](crate::related#a-loop-over-rows).
    ///
    /// # Errors
    /// As [`QuerySet::fetch`].
    #[track_caller]
    pub fn rows(&self) -> impl Future<Output = Result<Vec<Arc<Instance<N>>>>> + Send + use<N> {
        let (this, line) = (self.clone(), Location::caller());
        operation::<N, _>("related", async move {
            if let Some(rows) = this.kept() {
                return Ok(rows);
            }
            let rows = match this.together(line).await? {
                Some(rows) => rows,
                None => {
                    let rows = this.rows.fetch().await?;
                    rows.into_iter().map(Arc::new).collect()
                }
            };
            let found = Found {
                rows: rows.clone(),
                chosen: false,
                prefetched: false,
            };
            let name = this.nested.as_ref().unwrap_or(&this.name);
            this.known.keep(name, this.of, found);
            Ok(rows)
        })
    }

    /// The rows that are kept. Those of a nested route are no other relation's; prefetched ones are asked for by the filter.
    fn kept(&self) -> Option<Vec<Arc<Instance<N>>>> {
        let own = self.nested.as_ref();
        let own = own.and_then(|name| self.known.get(name, &self.of));
        let found = own.or_else(|| {
            let found = self.known.get(&self.name, &self.of);
            found.filter(|found| found.prefetched || self.nested.is_none())
        });
        found.map(|found| found.rows)
    }

    /// The rows, read with those of other rows of the page.
    async fn together(
        &self,
        line: &'static Location<'static>,
    ) -> Result<Option<Vec<Arc<Instance<N>>>>> {
        let Some(place) = self
            .known
            .place()
            .filter(|_| self.key.is_ok() && self.nested.is_none())
        else {
            return Ok(None);
        };
        let touch = Touch {
            name: &self.name,
            keys: &self.of,
            at_once: false,
            asked: &self.rows_of,
            line,
        };
        place
            .together(touch, |mut others| {
                if others.is_empty() {
                    return None;
                }
                others.push((place.at(), self.row.clone()));
                let (all, relation) = (self.rows.manager.all(), Arc::clone(&self.relation));
                Some(async move { batch(&all, &relation, others).await }.boxed())
            })
            .await
    }

    /// Creates a row that points at this one. One POST, never sent twice. [`rows`](Self::rows) asks anew then.
    ///
    /// ```no_run
    /// # use django_api_orm::prelude::*;
    /// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/users/", related(posts = Post::author))] struct User { id: Option<i64> }
    /// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/posts/")] struct Post { id: Option<i64>, title: String, #[api(relation)] author: Key<User> }
    /// # async fn f(user: Instance<User>) -> django_api_orm::Result<()> {
    /// let post = user.posts().create(&serde_json::json!({"title": "Hello"})).await?;
    /// assert_eq!(post.author, Key::of(&user)?);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `InvalidRequest`, and nothing sent, where the row has not been saved, or the new one is said to point at another one; else as
    /// [`Manager::create`].
    pub fn create<B: Serialize + ?Sized>(
        &self,
        row: &B,
    ) -> impl Future<Output = Result<Instance<N>>> + Send + use<N, B> {
        let this = self.clone();
        let body = self.body(row);
        operation::<N, _>("create", async move {
            let created = this.created_at.create(&body?).await;
            // Whatever has become of it.
            this.known.forget(&this.name);
            Instance::written(this.rows.manager_of_rows().clone(), created?)
        })
    }

    fn body<B: Serialize + ?Sized>(&self, row: &B) -> Result<serde_json::Map<String, Value>> {
        let mut body = self.rows.manager.collection.named_row(row)?;
        let key = (self.key.clone()).map_err(Error::invalid_request)?;
        match body.get(&self.field) {
            Some(other) if !other.is_null() && *other != key => {
                Err(Error::invalid_request(format!(
                    "the new `{}` points at another row by its `{}`: leave it out, or create the row with its own manager",
                    N::NAME,
                    self.field
                )))
            }
            _ => {
                body.insert(self.field.clone(), key);
                Ok(body)
            }
        }
    }
}

/// Reads the rows that point at some rows of a page, each of which has a place there.
async fn batch<N: ApiModel>(
    all: &QuerySet<N>,
    relation: &Relation,
    sources: Vec<(usize, Row)>,
) -> Result<Batch<N>> {
    let rows: Vec<Row> = sources.iter().map(|(_, row)| row.clone()).collect();
    let (filter, at_once) = (relation.name(), all.manager.requests_at_once());
    let collection = all.manager.typed();
    let found = collection.pointing_at(&all.plan, relation, filter, &rows, at_once);
    let found = found.await?;
    let made = all.made(found.rows).await?;
    let key = relation.target().primary_key();
    let of = sources.into_iter().zip(found.of);
    Ok(Batch {
        rows: made.into_iter().map(Arc::new).collect(),
        of: of
            .map(|((at, row), places)| (at, (row.key(key).unwrap_or_default(), places)))
            .collect(),
    })
}

impl<N> Deref for RelatedManager<N> {
    type Target = QuerySet<N>;

    fn deref(&self) -> &QuerySet<N> {
        &self.rows
    }
}

impl<N: ApiModel> IntoFuture for RelatedManager<N> {
    type Output = <QuerySet<N> as IntoFuture>::Output;
    type IntoFuture = <QuerySet<N> as IntoFuture>::IntoFuture;

    fn into_future(self) -> Self::IntoFuture {
        self.rows.into_future()
    }
}

impl<N> Clone for RelatedManager<N> {
    fn clone(&self) -> Self {
        Self {
            rows: self.rows.clone(),
            field: self.field.clone(),
            key: self.key.clone(),
            name: self.name.clone(),
            of: self.of.clone(),
            known: self.known.share(),
            relation: Arc::clone(&self.relation),
            row: self.row.clone(),
            rows_of: Arc::clone(&self.rows_of),
            created_at: Arc::clone(&self.created_at),
            nested: self.nested.clone(),
        }
    }
}

impl<N: ApiModel> fmt::Debug for RelatedManager<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RelatedManager").field(&self.rows).finish()
    }
}
