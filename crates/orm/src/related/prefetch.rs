//! Related rows that are read with the rows of a query: as few requests as there are chunks of different keys.

use std::{any::Any, fmt, marker::PhantomData, sync::Arc};

use django_api_orm_core::{ApiModel, ExplainRelated, Field, Result, row::Row};
use futures_util::{
    FutureExt,
    future::{BoxFuture, try_join_all},
};

use super::{
    Relates,
    direction::{Back, Relation, To},
    places,
    select::SentWith,
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
    /// What is read with the related rows besides.
    below: Vec<Arc<dyn Prefetches<N>>>,
    /// Whether the server is asked to show them in the place of their keys, where it can.
    is_selected: bool,
}

impl<M: ApiModel, N: ApiModel> Prefetch<M, N> {
    /// The rows that the field points at.
    #[must_use]
    pub fn to<T: Relates<Model = N>>(field: Field<M, T>) -> Self {
        Self {
            relation: Arc::new(To(field)),
            rows: None,
            below: Vec::new(),
            is_selected: false,
        }
    }

    /// The rows that point at the queryset's by the field.
    #[must_use]
    pub fn back<T: Relates<Model = M>>(field: Field<N, T>) -> Self {
        Self {
            relation: Arc::new(Back(field, PhantomData)),
            rows: None,
            below: Vec::new(),
            is_selected: false,
        }
    }

    pub(super) fn selected(self) -> Self {
        Self {
            is_selected: true,
            ..self
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

    /// With what the related rows are related to, as Django's `"author__team"`. Called again for another relation.
    ///
    /// ```no_run
    /// # use django_api_orm::{prelude::*, related::Prefetch};
    /// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/teams/")] struct Team { id: Option<i64> }
    /// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/users/")] struct User { id: Option<i64>, #[api(relation)] team: Key<Team> }
    /// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/posts/")] struct Post { id: Option<i64>, #[api(relation)] author: Key<User> }
    /// # async fn f(client: ServiceClient) -> django_api_orm::Result<()> {
    /// let with_team = Prefetch::to(Post::F.author).prefetch_related(User::F.team);
    /// let posts = client.objects::<Post>().all().prefetch_related(with_team);
    /// println!("{}", posts.explain()?); // author: GET /users/?id__in=.. and author__team: GET /teams/?id__in=..
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn prefetch_related<P: IntoPrefetch<N>>(mut self, relation: P) -> Self {
        self.below.push(Arc::new(relation.into_prefetch()));
        self
    }

    /// The related rows that are read, with what is read with them.
    fn rows(&self, manager: &Manager<M>) -> Result<QuerySet<N>> {
        let mut rows = match &self.rows {
            Some(rows) => rows.clone(),
            None => manager.collection.client()?.objects::<N>().all(),
        };
        for below in &self.below {
            rows.add_related(Arc::clone(below));
        }
        if self.has_parameters() {
            rows.plan = rows.row_plan().into_owned();
        }
        Ok(rows)
    }

    /// Whether the related rows are asked for with the parameters of their model. Those that other rows may show are not: what these show
    /// are the rows without.
    fn has_parameters(&self) -> bool {
        self.is_chosen() || self.relation.is_back()
    }
}

/// A [`Prefetch`] of whatever model, for the queryset that holds it.
pub(crate) trait Prefetches<M>: Send + Sync {
    /// What the rows are kept as.
    fn name(&self) -> String;

    /// Whether the program has said which of the rows are read.
    fn is_chosen(&self) -> bool;

    /// Whether all rows are read that the field points at.
    fn is_as_it_is(&self) -> bool;

    /// The paths, as `author` or `author.team`, to the rows that the server is asked to show in the place of their keys.
    fn selected(&self) -> Vec<String>;

    /// Both of one relation; `None` where the program has said of both which of the rows are read.
    fn with(&self, other: &Arc<dyn Prefetches<M>>) -> Option<Arc<dyn Prefetches<M>>>;

    /// The same for the one who knows its type.
    fn as_any(&self) -> &dyn Any;

    /// What is told of them, and of what is read with them.
    fn explained(&self, manager: &Manager<M>, sent: SentWith) -> Result<Vec<ExplainRelated>>;

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

    fn is_as_it_is(&self) -> bool {
        !self.is_chosen() && !self.relation.is_back()
    }

    fn selected(&self) -> Vec<String> {
        if !self.is_selected || self.is_chosen() {
            return Vec::new();
        }
        let name = self.name();
        let further = self.below.iter().flat_map(|below| below.selected());
        let mut paths: Vec<String> = further.map(|path| format!("{name}.{path}")).collect();
        if paths.is_empty() {
            paths.push(name);
        }
        paths
    }

    fn with(&self, other: &Arc<dyn Prefetches<M>>) -> Option<Arc<dyn Prefetches<M>>> {
        if self.is_chosen() && other.is_chosen() {
            return None;
        }
        // One name is that of one relation.
        let mut both = self.clone();
        if let Some(other) = other.as_any().downcast_ref::<Self>() {
            both.rows = both.rows.or_else(|| other.rows.clone());
            both.below.extend(other.below.iter().map(Arc::clone));
            both.is_selected |= other.is_selected;
        }
        Some(Arc::new(both))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn explained(&self, manager: &Manager<M>, sent: SentWith) -> Result<Vec<ExplainRelated>> {
        let rows = self.rows(manager)?;
        let mut told = self.relation.explained(&rows, self.is_chosen())?;
        if self.is_as_it_is() {
            told = sent.told(told, self.is_selected);
        }
        let name = told.name().to_owned();
        let further = match self.has_parameters() {
            true => SentWith::rows_of::<N>(),
            false => sent.further(self.is_selected),
        };
        let below = rows.explain_related(further)?.into_iter();
        let below = below.map(|below| below.of(&name));
        Ok(std::iter::once(told).chain(below).collect())
    }

    fn read<'a>(
        &'a self,
        manager: &'a Manager<M>,
        of: &'a [&'a Instance<M>],
    ) -> BoxFuture<'a, Result<()>> {
        async move {
            let rows = self.rows(manager)?;
            self.relation.read(&rows, self.is_chosen(), of).await
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
    /// every method that gives instances, and goes page by page in a [`stream`](Self::stream). [`explain`](Self::explain) says how, and
    /// how many requests it takes.
    ///
    /// Where the model declares `#[api(prefetch_parameter = "prefetch")]`, the server is asked to send the rows that fields point at beside
    /// the rows; what the answer lacks is asked for. For rows in the place of their keys, see
    /// [`select_related`](Self::select_related).
    ///
    /// A relation is read once, however often it is named. Two querysets for one relation are an `InvalidRequest` of the first request,
    /// before it is sent. As in Django, a row that the queryset of a [`Prefetch`] leaves out is `None` where the field is an `Option`,
    /// else `DoesNotExist`, without a request.
    pub fn prefetch_related<P: IntoPrefetch<M>>(&self, relation: P) -> Self {
        let mut queryset = self.clone();
        queryset.add_related(Arc::new(relation.into_prefetch()));
        queryset
    }

    fn add_related(&mut self, prefetch: Arc<dyn Prefetches<M>>) {
        let name = prefetch.name();
        if name.contains("__") && M::meta().read_field(&name).is_none() {
            self.plan.mistake(&format!(
                "`{name}` leads over several relations: name one, and those of its rows by its `Prefetch` or `Select`"
            ));
        }
        let mut related = self.related.to_vec();
        match related.iter_mut().find(|other| other.name() == name) {
            None => related.push(prefetch),
            Some(other) => match other.with(&prefetch) {
                Some(both) => *other = both,
                None => self.plan.mistake(&format!(
                    "`{name}` is to be read with the rows by two querysets: give one that has the rows of both"
                )),
            },
        }
        self.related = related.into();
    }

    /// What is told of the related rows that are read with the rows.
    pub(crate) fn explain_related(&self, sent: SentWith) -> Result<Vec<ExplainRelated>> {
        let told = self.related.iter();
        let told = told.map(|related| related.explained(&self.manager, sent));
        Ok(told
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    /// Instances of the rows, with their related rows.
    pub(crate) async fn made(&self, rows: Vec<Row>) -> Result<Vec<Instance<M>>> {
        // Not collected: nobody knows the length of what may fail, and instances are large to move.
        let mut instances = Vec::with_capacity(rows.len());
        let mut places = places::<M>(&rows);
        for row in rows {
            let place = places.pop_front();
            instances.push(Instance::in_page(
                self.manager_of_rows().clone(),
                row,
                place,
            )?);
        }
        if !self.related.is_empty() && !instances.is_empty() {
            self.read_related(&instances).await?;
        }
        Ok(instances)
    }

    /// The instance of the one row, with its related rows.
    pub(crate) async fn one_made(&self, row: Row) -> Result<Instance<M>> {
        let instance = Instance::from_row(self.manager_of_rows().clone(), row)?;
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
            below: self.below.clone(),
            is_selected: self.is_selected,
        }
    }
}

impl<M, N: ApiModel> fmt::Debug for Prefetch<M, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Prefetch").field(&N::NAME).finish()
    }
}
