//! Related rows that are read with the rows of a query: as few requests as there are chunks of different keys.

use std::{fmt, marker::PhantomData, sync::Arc};

use django_api_orm_core::{ApiModel, Field, Result, row::Row};
use futures_util::{
    FutureExt,
    future::{BoxFuture, try_join_all},
};

use super::{
    Found, Relates, places,
    read::{held, relation},
};
use crate::{instance::Instance, manager::Manager, queryset::QuerySet};

/// Related rows that [`QuerySet::prefetch_related`] reads: of a relation, with a queryset of one's own.
///
/// ```no_run
/// # use django_api_orm::{prelude::*, related::Prefetch};
/// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/users/", related(posts = Post::author))] struct User { id: Option<i64> }
/// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/posts/")] struct Post { id: Option<i64>, published: bool, #[api(relation)] author: Key<User> }
/// # async fn f(client: ServiceClient) -> django_api_orm::Result<()> {
/// let published = client.objects::<Post>().filter(Post::F.published.eq(true)).prefetch_related(Post::F.author);
/// let users = client.objects::<User>().all().prefetch_related(Prefetch::back(Post::F.author).of(published)).await?;
/// for user in &users {
///     println!("{}", user.posts().rows().await?.len()); // no request
/// }
/// # Ok(()) }
/// ```
pub struct Prefetch<M, N: ApiModel> {
    relation: Arc<dyn Relation<M, N>>,
    rows: Option<QuerySet<N>>,
}

/// One of the relations of a model, whatever the type of its field.
trait Relation<M, N: ApiModel>: Send + Sync {
    /// What the rows are kept as.
    fn name(&self) -> String;

    /// Reads the rows that a queryset has: one that the program has `chosen`, or that of all rows.
    fn read<'a>(
        &'a self,
        rows: &'a QuerySet<N>,
        chosen: bool,
        of: &'a [&'a Instance<M>],
    ) -> BoxFuture<'a, Result<()>>;
}

impl<M: ApiModel, N: ApiModel> Prefetch<M, N> {
    /// The rows that the field points at.
    #[must_use]
    pub fn to<T: Relates<Model = N>>(field: Field<M, T>) -> Self {
        Self {
            relation: Arc::new(To(field)),
            rows: None,
        }
    }

    /// The rows that point at the queryset's by the field.
    #[must_use]
    pub fn back<T: Relates<Model = M>>(field: Field<N, T>) -> Self {
        Self {
            relation: Arc::new(Back(field, PhantomData)),
            rows: None,
        }
    }

    /// Only those in the queryset, in its order, with what it prefetches. A slice of it holds for the rows of each row by itself:
    /// they are all read, and cut then.
    #[must_use]
    pub fn of(self, rows: impl Into<QuerySet<N>>) -> Self {
        Self {
            rows: Some(rows.into()),
            ..self
        }
    }
}

struct To<M, T>(Field<M, T>);

impl<M: ApiModel, T: Relates> Relation<M, T::Model> for To<M, T> {
    fn name(&self) -> String {
        self.0.path().to_owned()
    }

    fn read<'a>(
        &'a self,
        rows: &'a QuerySet<T::Model>,
        chosen: bool,
        of: &'a [&'a Instance<M>],
    ) -> BoxFuture<'a, Result<()>> {
        let field = &self.0;
        async move {
            let related = relation(field);
            let sources: Vec<Row> = of.iter().map(|instance| instance.row().clone()).collect();
            let at_once = rows.manager.requests_at_once();
            let target = rows.manager.typed();
            let found = (target.related(&rows.plan, &related, &sources, at_once)).await?;
            let made = shared(rows, found.rows).await?;
            for ((instance, source), places) in of.iter().zip(&sources).zip(found.of) {
                let keys = held::<T>(&related, source)?;
                if let Some(keys) = keys {
                    let rows = at(&made, places);
                    let found = Found { rows, chosen };
                    instance.known().keep(field.path(), keys, found);
                }
            }
            Ok(())
        }
        .boxed()
    }
}

struct Back<M, N, T>(Field<N, T>, PhantomData<fn() -> M>);

impl<M: ApiModel, N: ApiModel, T: Relates<Model = M>> Relation<M, N> for Back<M, N, T> {
    fn name(&self) -> String {
        back_name(&self.0)
    }

    fn read<'a>(
        &'a self,
        rows: &'a QuerySet<N>,
        chosen: bool,
        of: &'a [&'a Instance<M>],
    ) -> BoxFuture<'a, Result<()>> {
        let field = &self.0;
        async move {
            let sources: Vec<Row> = of.iter().map(|instance| instance.row().clone()).collect();
            let at_once = rows.manager.requests_at_once();
            let target = rows.manager.typed();
            let (plan, related) = (&rows.plan, relation(field));
            let found = target.pointing_at(plan, &related, field.path(), &sources, at_once);
            let found = found.await?;
            let made = shared(rows, found.rows).await?;
            for ((instance, source), places) in of.iter().zip(&sources).zip(found.of) {
                let key = source.key(M::meta().primary_key()).unwrap_or_default();
                let rows = at(&made, places);
                let found = Found { rows, chosen };
                instance.known().keep(&back_name(field), key, found);
            }
            Ok(())
        }
        .boxed()
    }
}

/// What the rows that point at others by the field are kept as.
pub(super) fn back_name<N: ApiModel, T>(field: &Field<N, T>) -> String {
    format!("{}.{}", N::NAME, field.path())
}

async fn shared<N: ApiModel>(
    queryset: &QuerySet<N>,
    rows: Vec<Row>,
) -> Result<Vec<Arc<Instance<N>>>> {
    let made = queryset.made(rows).await?;
    Ok(made.into_iter().map(Arc::new).collect())
}

fn at<N>(rows: &[Arc<Instance<N>>], places: Vec<usize>) -> Vec<Arc<Instance<N>>> {
    let found = places.into_iter().filter_map(|place| rows.get(place));
    found.map(Arc::clone).collect()
}

/// A [`Prefetch`] of whatever model, for the queryset that holds it.
pub(crate) trait Prefetches<M>: Send + Sync {
    /// What the rows are kept as.
    fn name(&self) -> String;

    /// Whether the program has said which of the rows are read.
    fn is_chosen(&self) -> bool;

    fn read<'a>(
        &'a self,
        manager: &'a Manager<M>,
        of: &'a [&'a Instance<M>],
    ) -> BoxFuture<'a, Result<()>>;
}

impl<M: ApiModel, N: ApiModel> Prefetches<M> for Prefetch<M, N> {
    fn name(&self) -> String {
        self.relation.name()
    }

    fn is_chosen(&self) -> bool {
        self.rows.is_some()
    }

    fn read<'a>(
        &'a self,
        manager: &'a Manager<M>,
        of: &'a [&'a Instance<M>],
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            match &self.rows {
                Some(rows) => self.relation.read(rows, true, of).await,
                None => {
                    let target = manager.collection.client()?.objects::<N>();
                    self.relation.read(&target.all(), false, of).await
                }
            }
        }
        .boxed()
    }
}

/// What [`QuerySet::prefetch_related`] takes: a field that points at rows, or a [`Prefetch`].
pub trait IntoPrefetch<M> {
    /// The model of the rows.
    type Model: ApiModel;

    /// What is read.
    fn into_prefetch(self) -> Prefetch<M, Self::Model>;
}

impl<M: ApiModel, N: ApiModel> IntoPrefetch<M> for Prefetch<M, N> {
    type Model = N;

    fn into_prefetch(self) -> Self {
        self
    }
}

impl<M: ApiModel, T: Relates> IntoPrefetch<M> for Field<M, T> {
    type Model = T::Model;

    fn into_prefetch(self) -> Prefetch<M, T::Model> {
        Prefetch::to(self)
    }
}

impl<M: ApiModel> QuerySet<M> {
    /// Reads related rows with the rows: what `post.author()` gives then costs no request. Called again for another relation.
    ///
    /// ```no_run
    /// # use django_api_orm::prelude::*;
    /// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/users/")] struct User { id: Option<i64>, name: String }
    /// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/posts/")] struct Post { id: Option<i64>, title: String, #[api(relation)] author: Key<User> }
    /// # async fn f(client: ServiceClient) -> django_api_orm::Result<()> {
    /// for post in client.objects::<Post>().all().prefetch_related(Post::F.author).await? {
    ///     println!("{} by {}", post.title, post.author().await?.name);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// For each relation one request for 100 different keys, and for each page that their rows fill; none for rows that are shown
    /// whole. The relations are read at the same time. Rows that point at the same row share one instance of it. It holds for
    /// every method that gives instances, and goes page by page in a [`stream`](Self::stream). What is read is known to
    /// [`explain`](Self::explain) only as far as the queryset's own rows are concerned.
    ///
    /// It is what Django does for `select_related` too: a REST API has no joins.
    ///
    /// A relation is read once, however often it is named. Two querysets for one relation are an `InvalidRequest` of the first request,
    /// before it is sent. As in Django, a row that the queryset of a [`Prefetch`] leaves out is `None` where the field is an `Option`,
    /// else `DoesNotExist`, without a request.
    pub fn prefetch_related<P: IntoPrefetch<M>>(&self, relation: P) -> Self {
        let prefetch = relation.into_prefetch();
        let name = prefetch.name();
        let mut queryset = self.clone();
        let mut related = self.related.to_vec();
        match related.iter_mut().find(|other| other.name() == name) {
            None => related.push(Arc::new(prefetch)),
            Some(other) if other.is_chosen() && prefetch.is_chosen() => {
                queryset.plan.mistake(&format!(
                    "`{name}` is to be read with the rows by two querysets: give one that has the rows of both"
                ));
            }
            Some(other) if prefetch.is_chosen() => *other = Arc::new(prefetch),
            Some(_) => {}
        }
        queryset.related = related.into();
        queryset
    }

    /// Instances of the rows, with their related rows.
    pub(crate) async fn made(&self, rows: Vec<Row>) -> Result<Vec<Instance<M>>> {
        // Not collected: nobody knows the length of what may fail, and instances are large to move.
        let mut instances = Vec::with_capacity(rows.len());
        let mut places = places::<M>(&rows);
        for row in rows {
            let place = places.pop_front();
            instances.push(Instance::in_page(self.manager.clone(), row, place)?);
        }
        if !self.related.is_empty() && !instances.is_empty() {
            self.read_related(&instances).await?;
        }
        Ok(instances)
    }

    /// The instance of the one row, with its related rows.
    pub(crate) async fn one_made(&self, row: Row) -> Result<Instance<M>> {
        let instance = Instance::from_row(self.manager.clone(), row)?;
        if !self.related.is_empty() {
            self.read_related(std::slice::from_ref(&instance)).await?;
        }
        Ok(instance)
    }

    /// Reads the related rows of instances.
    pub(crate) fn read_related<'a>(
        &'a self,
        instances: &'a [Instance<M>],
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            let instances: Vec<&Instance<M>> = instances.iter().collect();
            let all = self.related.iter();
            try_join_all(all.map(|related| related.read(&self.manager, &instances))).await?;
            Ok(())
        }
        .boxed()
    }
}

impl<M, N: ApiModel> Clone for Prefetch<M, N> {
    fn clone(&self) -> Self {
        Self {
            relation: Arc::clone(&self.relation),
            rows: self.rows.clone(),
        }
    }
}

impl<M, N: ApiModel> fmt::Debug for Prefetch<M, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Prefetch").field(&N::NAME).finish()
    }
}
