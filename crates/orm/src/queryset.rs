//! `QuerySet`: a query that is sent when it is awaited.

use std::{
    collections::HashMap,
    fmt,
    future::{Future, IntoFuture},
    hash::Hash,
    ops::{Bound, RangeBounds},
    pin::Pin,
    sync::Arc,
};

use django_api_orm_core::{
    ApiModel, Assignment, Explain, Filter, IntoFilter, IntoOrder, Result, RowType,
    assigned::Assigned, field::Operand, plan::Plan,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{
    bulk::BulkWriteError,
    instance::Instance,
    manager::Manager,
    picking::operands,
    query::KeysetWalk,
    related::{Prefetches, SentWith},
    rows::Rows,
    trace::operation,
    values::FieldList,
};

/// A description of rows: filters, an order, a slice. Immutable and cheap to clone; every method gives a new one.
///
/// Awaiting it gives every row as a `Vec`; [`stream`](Self::stream) gives them page by page. A mistake, such as a filter
/// after a slice, is an error of the first request, before it is sent.
#[must_use = "a queryset sends nothing until it is awaited"]
pub struct QuerySet<M> {
    pub(crate) manager: Manager<M>,
    pub(crate) plan: Plan,
    expected: Option<u64>,
    /// The manager of the rows, where they are read elsewhere than they are saved.
    rows_of: Option<Manager<M>>,
    /// What is read with the rows.
    pub(crate) related: Arc<[Arc<dyn Prefetches<M>>]>,
}

impl<M: ApiModel> QuerySet<M> {
    pub(crate) fn new(manager: Manager<M>, plan: Plan) -> Self {
        Self {
            manager,
            plan,
            expected: None,
            rows_of: None,
            related: Arc::new([]),
        }
    }

    /// The same, whose rows are saved and deleted by this manager.
    pub(crate) fn with_rows_of(self, manager: Manager<M>) -> Self {
        Self {
            rows_of: Some(manager),
            ..self
        }
    }

    /// The manager by which the rows are saved and deleted.
    pub(crate) fn manager_of_rows(&self) -> &Manager<M> {
        self.rows_of.as_ref().unwrap_or(&self.manager)
    }

    fn map(&self, change: impl FnOnce(Plan) -> Plan) -> Self {
        Self {
            manager: self.manager.clone(),
            plan: change(self.plan.clone()),
            expected: self.expected,
            rows_of: self.rows_of.clone(),
            related: Arc::clone(&self.related),
        }
    }

    pub(crate) fn on_manager(&self, change: impl FnOnce(&Manager<M>) -> Manager<M>) -> Self {
        Self {
            manager: change(&self.manager),
            ..self.clone()
        }
    }

    /// Only the rows that satisfy the filter too.
    pub fn filter(&self, filter: impl IntoFilter<M>) -> Self {
        self.map(|plan| plan.filter(filter.into_q()))
    }

    /// Only the rows that do not satisfy the filter; as in Django, a null satisfies no comparison.
    pub fn exclude(&self, filter: impl IntoFilter<M>) -> Self {
        self.map(|plan| plan.exclude(filter.into_q()))
    }

    /// Only the rows that satisfy a condition in Django's spelling: `lookup("author__name", "Ann")`.
    pub fn lookup(&self, name: &str, value: impl Into<Value>) -> Self {
        self.filter(Filter::<M>::lookup(name, value))
    }

    /// In this order: `[User::F.name.asc(), User::F.id.desc()]`, or Django's spelling `["name", "-id"]`.
    pub fn order_by<O: IntoOrder<M>>(&self, order: impl IntoIterator<Item = O>) -> Self {
        self.map(|plan| plan.order_by(order.into_iter().map(IntoOrder::into_order).collect()))
    }

    /// In the opposite order. Without an `order_by` that is the server's own order backwards, which reads every page.
    pub fn reverse(&self) -> Self {
        self.map(Plan::reverse)
    }

    /// At most so many rows of the current slice.
    pub fn limit(&self, rows: u64) -> Self {
        self.map(|plan| plan.limit(rows))
    }

    /// Without the first rows of the current slice.
    pub fn offset(&self, rows: u64) -> Self {
        self.map(|plan| plan.offset(rows))
    }

    /// A slice of the current slice, as Python's `[a:b]`: `range(10..20)`, `range(..5)`, `range(5..)`.
    pub fn range(&self, range: impl RangeBounds<u64>) -> Self {
        let start = match range.start_bound() {
            Bound::Included(start) => *start,
            Bound::Excluded(start) => start.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let stop = match range.end_bound() {
            Bound::Included(stop) => Some(stop.saturating_add(1)),
            Bound::Excluded(stop) => Some(*stop),
            Bound::Unbounded => None,
        };
        self.map(|plan| plan.slice(start, stop))
    }

    /// Only the rows that the server finds for the words (DRF's `SearchFilter`). Only the server can judge this; that it
    /// searches at all is seen once, with two requests, one for words that no row can have.
    pub fn search(&self, words: impl Into<String>) -> Self {
        self.map(|plan| plan.search(words))
    }

    /// Sends a query parameter as it stands. What it does to the answer is not checked.
    pub fn parameter(&self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.map(|plan| plan.parameter(name, value))
    }

    /// Every row. The same as awaiting the queryset.
    ///
    /// # Errors
    /// `Decode` for a row that does not fit the model, with the name of the field; whatever the requests meet.
    pub fn fetch(&self) -> impl Future<Output = Result<Vec<Instance<M>>>> + Send + use<M> {
        let queryset = self.clone();
        operation::<M, _>("fetch", async move {
            let rows = queryset.manager.typed().walk(&queryset.row_plan());
            queryset.made(rows.collect().await?).await
        })
    }

    /// The rows page by page, with the memory of a few pages: the one at hand and those read ahead.
    ///
    /// A row that comes twice is noticed (see [`OnDrift`](crate::OnDrift)) among the latest 65,536; one that comes again later shows
    /// only in the server's count.
    #[must_use]
    pub fn stream(&self) -> Rows<M> {
        Rows::new(self, self.manager.typed().walk(&self.row_plan()))
    }

    /// The one row of the queryset.
    ///
    /// # Errors
    /// `DoesNotExist`, `MultipleObjectsReturned`; `NotFound` when the URL itself is wrong.
    pub fn one(&self) -> impl Future<Output = Result<Instance<M>>> + Send + use<M> {
        self.clone().into_one()
    }

    /// The same of a queryset that is not needed any more.
    pub(crate) fn into_one(self) -> impl Future<Output = Result<Instance<M>>> + Send + use<M> {
        operation::<M, _>("get", async move {
            let row_type = Some(RowType::of::<M>());
            let collection = &self.manager.collection;
            let row = collection.get_as(&self.row_plan(), row_type).await?;
            self.one_made(row).await
        })
    }

    /// The one row that satisfies the filter too.
    ///
    /// # Errors
    /// As [`one`](Self::one).
    pub fn get<F: IntoFilter<M>>(
        &self,
        filter: F,
    ) -> impl Future<Output = Result<Instance<M>>> + Send + use<M, F> {
        self.filter(filter).into_one()
    }

    /// The first row, or `None`. One request where the server honours the filter and the order.
    ///
    /// Without an [`order_by`](Self::order_by) that is the first row in the server's own order, which Django would replace by
    /// the order of the primary key; a server without an order of its own may answer with another row each time.
    ///
    /// # Errors
    /// Whatever the requests meet.
    pub fn first(&self) -> impl Future<Output = Result<Option<Instance<M>>>> + Send + use<M> {
        let queryset = self.clone();
        operation::<M, _>("first", async move {
            match queryset
                .manager
                .collection
                .first(&queryset.row_plan())
                .await?
            {
                Some(row) => Ok(Some(queryset.one_made(row).await?)),
                None => Ok(None),
            }
        })
    }

    /// The last row, or `None`. With an order, the first row of the opposite one; else the row at the end of the count,
    /// two requests.
    ///
    /// # Errors
    /// Whatever the requests meet.
    pub fn last(&self) -> impl Future<Output = Result<Option<Instance<M>>>> + Send + use<M> {
        let queryset = self.clone();
        operation::<M, _>("last", async move {
            match queryset
                .manager
                .collection
                .last(&queryset.row_plan())
                .await?
            {
                Some(row) => Ok(Some(queryset.one_made(row).await?)),
                None => Ok(None),
            }
        })
    }

    /// How many rows there are. One request where the server counts and is known to honour the filter. Whether it does is
    /// seen at the first count, with one more request for each lookup; where that does not tell, the rows are read.
    ///
    /// # Errors
    /// Whatever the requests meet.
    pub fn count(&self) -> impl Future<Output = Result<u64>> + Send + use<M> {
        let Self { manager, plan, .. } = self.clone();
        operation::<M, _>(
            "count",
            async move { manager.collection.count(&plan).await },
        )
    }

    /// Whether there is a row.
    ///
    /// # Errors
    /// Whatever the requests meet.
    pub fn exists(&self) -> impl Future<Output = Result<bool>> + Send + use<M> {
        let Self { manager, plan, .. } = self.clone();
        operation::<M, _>("exists", async move {
            manager.collection.exists_row(&plan).await
        })
    }

    /// What the query will do, before anything is sent: what the server is asked, what is evaluated client-side and why, and how
    /// many requests it takes, those of related rows that are read with them included. Sends nothing; what the endpoint has shown so far is
    /// taken into account.
    ///
    /// ```
    /// # use django_api_orm::prelude::*;
    /// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/users/")] struct User { id: Option<i64>, name: String }
    /// # fn main() -> django_api_orm::Result<()> {
    /// let client = ServiceClient::new("https://api.example.com")?;
    /// let users = client.objects::<User>();
    /// let explained = users.filter(User::F.name.startswith("A")).exclude(User::F.id.eq(7)).explain()?;
    /// assert_eq!(explained.pushed(), [("name__startswith".to_owned(), "A".to_owned())]);
    /// println!("{explained}");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `InvalidRequest` for a mistake in the query; `Configuration` for a model without a client.
    pub fn explain(&self) -> Result<Explain> {
        let explained = self.manager.collection.explain(&self.row_plan())?;
        let related = self.explain_related(SentWith::rows_of::<M>())?;
        Ok(explained.with_related(related))
    }

    /// Every row in the order of the primary key, by asking for the rows after the last key instead of counting positions:
    /// rows that come and go meanwhile shift nothing. With `after`, the walk resumes behind that key.
    ///
    /// One request a page, and two to see whether the server sorts by the key. A server that does not is read whole.
    ///
    /// # Errors
    /// `InvalidRequest`, with the first row, for a queryset with an order or a slice.
    pub fn keyset<V: Operand<M::Key>>(&self, after: Option<V>) -> Rows<M> {
        let mut plan = self.row_plan().into_owned();
        let after = match after.map(Operand::into_operand).transpose() {
            Ok(after) => after,
            Err(reason) => {
                plan.mistake(&reason);
                None
            }
        };
        Rows::by_key(self, KeysetWalk::new(self.manager.typed(), plan, after))
    }

    /// [`update`](Self::update) and [`delete`](Self::delete) write nothing unless exactly so many rows match; else they end
    /// with an error of the kind `CountMismatch`.
    pub fn expecting(&self, rows: u64) -> Self {
        Self {
            expected: Some(rows),
            ..self.clone()
        }
    }

    /// Writes these values into every row of the queryset; gives how many rows have them now.
    ///
    /// Every row is read first, and only a row that is seen to satisfy the filter is touched: one request a page, then one
    /// PATCH for each row that differs, a few at a time. `..update([User::F.active.set(false)])`.
    ///
    /// # Errors
    /// [`BulkWriteError`] with the keys of the rows that were written and the errors of those that were not. `Unsupported`,
    /// and nothing written, when the filter cannot be checked on the rows; `CountMismatch`, and nothing written, when
    /// the number of rows that match is not [the expected one](Self::expecting).
    pub fn update<V: IntoIterator<Item = Assignment<M>>>(
        &self,
        values: V,
    ) -> impl Future<Output = Result<u64, BulkWriteError>> + Send + use<M, V> {
        let values = Assigned::new(values, self.manager.collection.model());
        let Self {
            manager,
            plan,
            expected,
            ..
        } = self.clone();
        operation::<M, _>("update", async move {
            let values = values.map_err(BulkWriteError::unsent)?;
            manager
                .collection
                .update_rows(&plan, expected, &values, manager.requests_at_once())
                .await
        })
    }

    /// Deletes every row of the queryset; gives how many were deleted.
    ///
    /// Every row is read first, and only a row that is seen to satisfy the filter is touched: one request a page, then one
    /// DELETE a row, a few at a time. A row that is gone by then is not counted.
    ///
    /// # Errors
    /// As [`update`](Self::update).
    pub fn delete(&self) -> impl Future<Output = Result<u64, BulkWriteError>> + Send + use<M> {
        let Self {
            manager,
            plan,
            expected,
            ..
        } = self.clone();
        operation::<M, _>("delete", async move {
            manager
                .collection
                .delete_rows(&plan, expected, manager.requests_at_once())
                .await
        })
    }

    /// The rows with these primary keys, by key; keys without a row are left out.
    ///
    /// 100 keys, or 2,000 bytes of them, are asked for at a time, and come in as many requests as they fill pages. A server
    /// that ignores `in` is read whole once; from then on it is asked for one key after the other, unless there is a filter.
    ///
    /// # Errors
    /// Whatever the requests meet.
    pub fn in_bulk<V: Operand<M::Key>, K: IntoIterator<Item = V>>(
        &self,
        keys: K,
    ) -> impl Future<Output = Result<HashMap<M::Key, Instance<M>>>> + Send + use<M, V, K>
    where
        M::Key: Eq + Hash,
    {
        let keys = operands(keys);
        let queryset = self.clone();
        operation::<M, _>("in_bulk", async move {
            let (manager, plan) = (&queryset.manager, queryset.row_plan());
            let rows = manager
                .collection
                .rows_by_key(&plan, &keys?, manager.requests_at_once())
                .await?;
            let instances = queryset.made(rows).await?.into_iter();
            instances
                .map(|instance| Ok((Instance::pk(&instance)?, instance)))
                .collect()
        })
    }

    /// Every row as another type, such as a struct with some of the fields or a `serde_json::Value`.
    ///
    /// # Errors
    /// `Decode` for a row that does not fit the type.
    pub fn values<T: DeserializeOwned>(
        &self,
    ) -> impl Future<Output = Result<Vec<T>>> + Send + use<M, T> {
        let Self { manager, plan, .. } = self.clone();
        operation::<M, _>("values", async move {
            let rows = manager.collection.walk(&plan).collect().await?;
            rows.iter().map(|row| row.decode(M::NAME)).collect()
        })
    }

    /// Some fields of every row: `values_list(User::F.id)` gives keys, `values_list((User::F.id, User::F.name))` pairs. A path in Django's
    /// spelling, `"address__state"`, gives a `serde_json::Value`.
    ///
    /// Those of related rows, too: `Post::F.author.to(User::F.name)`, and behind a relation that may be null
    /// `Post::F.editor.to(User::F.name).nullable()`, which is an `Option`. What the rows show of the related ones costs nothing; else these
    /// are asked for by their keys, for each relation in one request for 100 different keys, and for each page that they fill. Across a
    /// relation to several rows, `Post::F.tags.to(Tag::F.name).nullable()`, a row comes once for each of them, or once with `None`, as in
    /// Django.
    ///
    /// ```no_run
    /// # use django_api_orm::prelude::*;
    /// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/users/")] struct User { id: Option<i64>, name: String }
    /// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/posts/")] struct Post { id: Option<i64>, title: String, #[api(relation)] author: Key<User> }
    /// # async fn f(client: ServiceClient) -> django_api_orm::Result<()> {
    /// let posts = client.objects::<Post>().all();
    /// let pairs: Vec<(String, String)> = posts.values_list((Post::F.title, Post::F.author.to(User::F.name))).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `Decode` for a row that lacks a field or has another type there. `Unsupported`, and nothing sent, for values across a relation to
    /// several rows where the query has a slice or filters by that relation: how often a row comes would depend on the database's joins.
    /// `DoesNotExist` for a row that is pointed at, and is not there.
    pub fn values_list<F: FieldList<M>>(
        &self,
        fields: F,
    ) -> impl Future<Output = Result<Vec<F::Output>>> + Send + use<M, F> {
        let Self { manager, plan, .. } = self.clone();
        operation::<M, _>("values_list", async move {
            let (collection, paths) = (&manager.collection, fields.paths());
            let rows = match collection.leads_across(&paths) {
                false => collection.walk(&plan).collect().await?,
                true => {
                    collection.check_values(&plan, &paths)?;
                    let rows = collection.walk(&plan).collect().await?;
                    let at_once = manager.requests_at_once();
                    collection.with_values(rows, &paths, at_once).await?
                }
            };
            rows.iter().map(|row| fields.read(row)).collect()
        })
    }
}

impl<M: ApiModel> IntoFuture for QuerySet<M> {
    type Output = Result<Vec<Instance<M>>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.fetch())
    }
}

impl<M: ApiModel> IntoFuture for &QuerySet<M> {
    type Output = Result<Vec<Instance<M>>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        self.clone().into_future()
    }
}

impl<M> Clone for QuerySet<M> {
    fn clone(&self) -> Self {
        Self {
            manager: self.manager.clone(),
            plan: self.plan.clone(),
            rows_of: self.rows_of.clone(),
            expected: self.expected,
            related: Arc::clone(&self.related),
        }
    }
}

impl<M: ApiModel> fmt::Debug for QuerySet<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuerySet")
            .field("model", &M::NAME)
            .field("plan", &self.plan)
            .finish()
    }
}
