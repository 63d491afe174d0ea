//! `Manager`: the way to the rows of one model, as `User.objects` is in Django.

use std::{fmt, future::Future, marker::PhantomData, sync::Arc};

use django_api_orm_core::{
    ApiModel, Assignment, Error, Filter, IntoFilter, IntoOrder, Q, Result, RowType,
    assigned::Assigned, plan::Plan, row::Row,
};
use http::Method;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    bulk::{BulkCreateError, BulkWriteError},
    client::{ApiResponse, ServiceClient},
    instance::{Instance, IntoFieldName, with_what_stays},
    query::{Collection, Upsert},
    queryset::QuerySet,
    reconciled::Reconciled,
    trace::operation,
};

/// Requests in flight at the same time, where a method sends many and nothing else is said.
pub(crate) const CONCURRENCY: usize = 8;

/// The rows of a model behind its endpoint: where queries start and rows are created.
///
/// Made by [`ServiceClient::objects`], or by `User::objects()` after [`register_models!`](crate::register_models).
/// Cheap to clone.
pub struct Manager<M> {
    pub(crate) collection: Arc<Collection>,
    pub(crate) concurrency: usize,
    model: PhantomData<fn() -> M>,
}

impl<M: ApiModel> Manager<M> {
    pub(crate) fn new(client: &ServiceClient) -> Self {
        Self::from_collection(Collection::new(client, Arc::clone(M::meta())))
    }

    pub(crate) fn unregistered() -> Self {
        let name = M::NAME;
        let cure = format!(
            "call `register_models!(client, {name})` first, or use `client.objects::<{name}>()`"
        );
        Self::from_collection(Collection::unregistered(Arc::clone(M::meta()), cure))
    }

    fn from_collection(collection: Collection) -> Self {
        Self {
            collection: Arc::new(collection),
            concurrency: CONCURRENCY,
            model: PhantomData,
        }
    }

    /// The collection whose rows are decoded to values of the model as they come.
    pub(crate) fn typed(&self) -> Collection {
        self.collection.of_type(RowType::of::<M>())
    }

    /// The same model behind another collection, such as the nested route `/users/3/posts/`.
    ///
    /// Its rows are saved and deleted below that path too. An invalid path is an error of the first request, before it is
    /// sent.
    #[must_use]
    pub fn at(&self, endpoint: &str) -> Self {
        Self {
            collection: Arc::new(self.collection.at(endpoint)),
            ..self.clone()
        }
    }

    /// Every row. Nothing is sent before the queryset is awaited.
    pub fn all(&self) -> QuerySet<M> {
        QuerySet::new(self.clone(), Plan::all())
    }

    /// The rows that satisfy the filter.
    pub fn filter(&self, filter: impl IntoFilter<M>) -> QuerySet<M> {
        self.all().filter(filter)
    }

    /// The rows that do not satisfy the filter; as in Django, a null satisfies no comparison.
    pub fn exclude(&self, filter: impl IntoFilter<M>) -> QuerySet<M> {
        self.all().exclude(filter)
    }

    /// The rows that satisfy a condition in Django's spelling: `lookup("author__name", "Ann")`.
    pub fn lookup(&self, name: &str, value: impl Into<Value>) -> QuerySet<M> {
        self.all().filter(Filter::<M>::lookup(name, value))
    }

    /// Every row, in this order.
    pub fn order_by<O: IntoOrder<M>>(&self, order: impl IntoIterator<Item = O>) -> QuerySet<M> {
        self.all().order_by(order)
    }

    /// The rows that the server finds for the words (DRF's `SearchFilter`).
    pub fn search(&self, words: impl Into<String>) -> QuerySet<M> {
        self.all().search(words)
    }

    /// Every row, whose number a write has to find. See [`QuerySet::expecting`].
    pub fn expecting(&self, rows: u64) -> QuerySet<M> {
        self.all().expecting(rows)
    }

    /// The one row that satisfies the filter. One request; `id.eq(..)` alone reads the row's own URL, and after a 404 there, once
    /// for each client, sends two more: the first row of the list, and that row at its URL, tell whether rows have such URLs.
    ///
    /// # Errors
    /// `DoesNotExist`, `MultipleObjectsReturned`; `NotFound` when the URL itself is wrong.
    pub fn get<F: IntoFilter<M>>(
        &self,
        filter: F,
    ) -> impl Future<Output = Result<Instance<M>>> + Send + use<M, F> {
        QuerySet::new(self.clone(), Plan::all().filter(filter.into_q())).into_one()
    }

    /// The first row, or `None`. See [`QuerySet::first`].
    ///
    /// # Errors
    /// Whatever the requests meet.
    pub fn first(&self) -> impl Future<Output = Result<Option<Instance<M>>>> + Send + use<M> {
        self.all().first()
    }

    /// The last row, or `None`. See [`QuerySet::last`].
    ///
    /// # Errors
    /// Whatever the requests meet.
    pub fn last(&self) -> impl Future<Output = Result<Option<Instance<M>>>> + Send + use<M> {
        self.all().last()
    }

    /// How many rows there are. One request where the server counts.
    ///
    /// # Errors
    /// Whatever the requests meet.
    pub fn count(&self) -> impl Future<Output = Result<u64>> + Send + use<M> {
        self.all().count()
    }

    /// Whether there is a row. One request.
    ///
    /// # Errors
    /// Whatever the request meets.
    pub fn exists(&self) -> impl Future<Output = Result<bool>> + Send + use<M> {
        self.all().exists()
    }

    /// Creates a row from anything that serialises to an object. One POST, never sent twice; and one GET, where a key was sent
    /// that the answer does not show.
    ///
    /// Read-only fields, and a key that is `null`, are left out. A name that is no field of the model is refused before anything
    /// is sent, unless the model has `#[api(allow_extra)]`: the server would drop it without a word. The instance holds the row as the server answers it.
    ///
    /// # Errors
    /// `InvalidRequest` for a name that is no field; `Validation` with the server's messages by field; `OutcomeUnknown` when the answer was lost; `Decode` when it shows no
    /// row, which says whether one was created, or, if the outcome is unknown, may have been; `Unsaved` when it was created, and
    /// not with the key that was sent.
    pub fn create<B: Serialize + ?Sized>(
        &self,
        row: &B,
    ) -> impl Future<Output = Result<Instance<M>>> + Send + use<M, B> {
        let body = self.collection.named_row(row);
        let manager = self.clone();
        operation::<M, _>("create", async move { manager.create_row(&body?).await })
    }

    async fn create_row(&self, body: &Map<String, Value>) -> Result<Instance<M>> {
        Instance::written(self.clone(), self.collection.create(body).await?)
    }

    /// The row that satisfies the filter, or a new one with the filter's equalities and these values.
    ///
    /// One request if the row is there, two if not; with a filter by the key alone one more, as the list has the last word
    /// before a row is created. When another client creates the row in between, and the server
    /// refuses a second one, the other client's row is read.
    ///
    /// # Errors
    /// `MultipleObjectsReturned` when more than one row satisfies the filter; `NotFound`, and nothing created, when the
    /// URL is wrong; `Unsaved` when the new row does not keep what it was looked up by, so that the next call would create another
    /// one: [`instance_in`](Self::instance_in) gives the row, and later calls are refused before they create one (see
    /// [`on_unsaved`](Self::on_unsaved)); else as [`create`](Self::create).
    pub fn get_or_create<F: IntoFilter<M>, D: IntoIterator<Item = Assignment<M>>>(
        &self,
        filter: F,
        defaults: D,
    ) -> impl Future<Output = Result<(Instance<M>, bool)>> + Send + use<M, F, D> {
        let q = filter.into_q();
        let defaults = Assigned::new(defaults, self.collection.model());
        let manager = self.clone();
        operation::<M, _>("get_or_create", async move {
            let defaults = defaults?.into_values();
            let found = (manager.collection)
                .find_or_create(&q, Some(&defaults), false)
                .await?;
            manager.upserted(found)
        })
    }

    /// Changes the row that satisfies the filter, or creates one with the filter's equalities and these values.
    ///
    /// The row is read and checked against the filter before it is changed. One request if nothing has to change, else
    /// two.
    ///
    /// # Errors
    /// As [`get_or_create`](Self::get_or_create) and [`Instance::save`].
    pub fn update_or_create<F: IntoFilter<M>, V: IntoIterator<Item = Assignment<M>>>(
        &self,
        filter: F,
        values: V,
    ) -> impl Future<Output = Result<(Instance<M>, bool)>> + Send + use<M, F, V> {
        let q = filter.into_q();
        let values = Assigned::new(values, self.collection.model());
        let manager = self.clone();
        operation::<M, _>("update_or_create", async move {
            let values = values?;
            let new = values.clone().into_values();
            manager.update_or_create_row(&q, &values, &new).await
        })
    }

    /// The same with other values for a new row: `create_values` in place of `values`.
    ///
    /// # Errors
    /// As [`update_or_create`](Self::update_or_create).
    pub fn update_or_create_with<F, V, C>(
        &self,
        filter: F,
        values: V,
        create_values: C,
    ) -> impl Future<Output = Result<(Instance<M>, bool)>> + Send + use<M, F, V, C>
    where
        F: IntoFilter<M>,
        V: IntoIterator<Item = Assignment<M>>,
        C: IntoIterator<Item = Assignment<M>>,
    {
        let q = filter.into_q();
        let values = Assigned::new(values, self.collection.model());
        let new = Assigned::new(create_values, self.collection.model());
        let manager = self.clone();
        operation::<M, _>("update_or_create", async move {
            let new = new?.into_values();
            manager.update_or_create_row(&q, &values?, &new).await
        })
    }

    async fn update_or_create_row(
        self,
        q: &Q,
        values: &Assigned,
        new: &Map<String, Value>,
    ) -> Result<(Instance<M>, bool)> {
        let changes = |row: &Row| with_what_stays::<M>(row, self.collection.changes(values, row)?);
        let found = (self.collection)
            .update_or_create(q, Some(new), changes)
            .await?;
        self.upserted(found)
    }

    /// The row that was written although the call failed, where the error knows it: one of the kind
    /// [`Unsaved`](crate::ErrorKind::Unsaved); or the row as it is now, of a write whose repetition was refused because the row had changed. No
    /// request.
    pub fn instance_in(&self, error: &Error) -> Option<Instance<M>> {
        Instance::from_row(self.clone(), error.row()?.clone()).ok()
    }

    /// Looks what has become of a write of which the error says that its outcome is unknown: `create`, `save`, `delete`, one of many rows, or
    /// `get_or_create` and its like, which look the row up by what it was looked up by.
    ///
    /// A new row is looked for by the natural key that the model declares (`natural_key = "email"`), or by the key that was sent, if one
    /// was; else by the fields of [`reconcile_by`](Self::reconcile_by).
    ///
    /// One GET: of the list for a new row, and as many more as the look before a row is created takes to be sure, so that a server that ignores the
    /// filter does not mislead it; of the row's URL for one that was saved or deleted, and after a 404 there, once for each client, two more.
    ///
    /// ```no_run
    /// # use django_api_orm::{Reconciled, prelude::*};
    /// # #[derive(Debug, Serialize, Deserialize, ApiModel)] #[api(endpoint = "/users/")] struct User { id: Option<i64>, email: String }
    /// # async fn f(users: Manager<User>) -> django_api_orm::Result<()> {
    /// let new = serde_json::json!({"email": "ann@x.io"});
    /// let user = match users.create(&new).await {
    ///     Err(error) if error.is_outcome_unknown() => match users.reconcile_by(&error, [User::F.email]).await? {
    ///         Reconciled::Done(Some(user)) => user,
    ///         Reconciled::NotDone(_) => users.create(&new).await?,
    ///         _ => return Err(error),
    ///     },
    ///     created => created?,
    /// };
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `InvalidRequest` for an error whose outcome is known, or of another collection's write, and where nothing is known that identifies the
    /// new row; else whatever the requests meet.
    pub fn reconcile(
        &self,
        error: &Error,
    ) -> impl Future<Output = Result<Reconciled<Instance<M>>>> + Send + use<M> {
        self.reconcile_by(error, <[&str; 0]>::default())
    }

    /// The same for a row that was to be created, which these fields tell from all other rows.
    ///
    /// # Errors
    /// As [`reconcile`](Self::reconcile), and `InvalidRequest` for a field that was not sent.
    pub fn reconcile_by<F: IntoFieldName<M>, I: IntoIterator<Item = F>>(
        &self,
        error: &Error,
        fields: I,
    ) -> impl Future<Output = Result<Reconciled<Instance<M>>>> + Send + use<M, F, I> {
        let lost = error.lost_write().cloned().ok_or_else(|| {
            Error::invalid_request(
                "there is nothing to look for: the error is not one of a write whose outcome is unknown",
            )
        });
        let fields = fields.into_iter().map(IntoFieldName::into_field_name);
        let fields: Vec<String> = fields.collect();
        let manager = self.clone();
        operation::<M, _>("reconcile", async move {
            let found = manager.collection.reconcile(&lost?, &fields).await?;
            found.try_map(|row| Instance::from_row(manager.clone(), row))
        })
    }

    fn upserted(self, found: Upsert) -> Result<(Instance<M>, bool)> {
        Ok(match found {
            Upsert::Found(row) => (Instance::from_row(self, row)?, false),
            Upsert::Changed(kept) => (Instance::written(self, kept)?, false),
            Upsert::Created(kept) => (Instance::written(self, kept)?, true),
        })
    }

    /// Creates many rows, a few requests at a time (see [`concurrency`](Self::concurrency)); the instances come in the
    /// order of the rows. One POST a row.
    ///
    /// # Errors
    /// [`BulkCreateError`] carries every created instance and every failed row. After a failure the other rows are still
    /// sent.
    pub fn bulk_create<B: Serialize, R: IntoIterator<Item = B>>(
        &self,
        rows: R,
    ) -> impl Future<Output = Result<Vec<Instance<M>>, BulkCreateError<Instance<M>>>> + Send + use<M, B, R>
    {
        let bodies: Vec<Result<Map<String, Value>>> = rows
            .into_iter()
            .map(|row| self.collection.named_row(&row))
            .collect();
        let manager = self.clone();
        operation::<M, _>("bulk_create", async move {
            if bodies.iter().any(Result::is_err) {
                // Nothing is sent when one of the rows cannot be.
                return Err(BulkCreateError::unsent(
                    bodies.into_iter().map(Result::err).collect(),
                ));
            }
            let results = manager
                .collection
                .create_rows(bodies.into_iter().flatten().collect(), manager.concurrency)
                .await
                .into_iter()
                .map(|kept| Instance::written(manager.clone(), kept?))
                .collect();
            BulkCreateError::sort(results)
        })
    }

    /// Saves these fields of many rows, a few requests at a time (see [`concurrency`](Self::concurrency)); gives how many rows
    /// had changed there. One PATCH for each row that differs, below the collection that it was read from; other changes
    /// stay unsaved.
    ///
    /// ```no_run
    /// # use django_api_orm::{Manager, prelude::*};
    /// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/users/")] struct User { id: Option<i64>, active: bool }
    /// # async fn f(users: Manager<User>) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut all = users.all().await?;
    /// for user in &mut all {
    ///     user.active = false;
    /// }
    /// users.bulk_update(&mut all, [User::F.active]).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`BulkWriteError`] with the keys of the rows that were written and the errors of those that were not, whose changes are
    /// still to be saved. `InvalidRequest`, and nothing sent, for a read-only field or one that the model does not have.
    pub async fn bulk_update<'r, F: IntoFieldName<M>>(
        &self,
        rows: impl IntoIterator<Item = &'r mut Instance<M>>,
        fields: impl IntoIterator<Item = F>,
    ) -> Result<u64, BulkWriteError>
    where
        M: 'r,
    {
        let fields: Vec<String> = (fields.into_iter())
            .map(IntoFieldName::into_field_name)
            .collect();
        let mut written = Vec::new();
        let mut changes = Vec::new();
        for row in rows {
            if let Some(change) = row.change_of(&fields).map_err(BulkWriteError::unsent)? {
                changes.push(change);
                written.push(row);
            }
        }
        let sent: Vec<(String, Map<String, Value>)> = (changes.iter())
            .map(|(_, change)| (change.key.clone(), change.body.clone()))
            .collect();
        let answers = Collection::save_rows(changes, self.concurrency).await;
        let results = (written.into_iter().zip(sent).zip(answers))
            .map(|((row, (key, body)), kept)| {
                let saved = kept.and_then(|kept| row.saved(&body, kept));
                (key, saved.map(|()| true))
            })
            .collect();
        BulkWriteError::sort(results)
    }

    /// Calls an extra route of the collection (DRF's `@action(detail=False)`).
    ///
    /// # Errors
    /// Whatever the request meets; `InvalidRequest` for a route that would leave the collection's path.
    pub fn route<B: Serialize + ?Sized>(
        &self,
        method: Method,
        route: &str,
        body: Option<&B>,
    ) -> impl Future<Output = Result<ApiResponse>> + Send + use<M, B> {
        let call = self
            .collection
            .endpoint()
            .and_then(|endpoint| endpoint.collection_action(route))
            .and_then(|path| self.collection.route(method, path, body));
        let manager = self.clone();
        operation::<M, _>("route", async move {
            manager.collection.client()?.send(call?).await
        })
    }

    pub(crate) fn requests_at_once(&self) -> usize {
        self.concurrency
    }
}

impl<M> Clone for Manager<M> {
    fn clone(&self) -> Self {
        Self {
            collection: Arc::clone(&self.collection),
            concurrency: self.concurrency,
            model: PhantomData,
        }
    }
}

impl<M: ApiModel> fmt::Debug for Manager<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Manager")
            .field("model", &M::NAME)
            .field("endpoint", &self.collection.model().endpoint())
            .finish()
    }
}
