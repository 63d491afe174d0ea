//! Related rows that the server sends with the rows: in the place of their keys, or beside the rows.

use std::borrow::Cow;

use django_api_orm_core::{ApiModel, ExplainRelated, Field, Key, KeyForm, plan::Plan};

use super::{IntoPrefetch, Prefetch, Relates};
use crate::queryset::QuerySet;

/// A relation to one row that [`QuerySet::select_related`] reads, with what that row points at: Django's
/// `select_related("author__team")`.
///
/// ```
/// # use django_api_orm::{prelude::*, related::Select};
/// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/teams/")] struct Team { id: Option<i64> }
/// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/users/")] struct User { id: Option<i64>, #[api(relation)] team: Key<Team> }
/// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/posts/", expand_parameter = "expand")] struct Post { id: Option<i64>, #[api(relation)] author: Key<User> }
/// # fn main() -> django_api_orm::Result<()> {
/// let client = ServiceClient::new("https://api.example.com")?;
/// let with_team = Select::to(Post::F.author).select_related(User::F.team);
/// let posts = client.objects::<Post>().all().select_related(with_team);
/// assert_eq!(posts.explain()?.pushed(), [("expand".to_owned(), "author.team".to_owned())]);
/// # Ok(()) }
/// ```
pub struct Select<M, N: ApiModel>(Prefetch<M, N>);

impl<M: ApiModel, N: ApiModel> Select<M, N> {
    /// The row that the field points at.
    #[must_use]
    pub fn to<T: PointsAtOne<Model = N>>(field: Field<M, T>) -> Self {
        Self(Prefetch::to(field).selected())
    }

    /// With the row that the related one points at. Called again for another relation.
    #[must_use]
    pub fn select_related<S: IntoSelect<N>>(self, relation: S) -> Self {
        Self(self.0.prefetch_related(relation.into_select().0))
    }
}

/// What a field holds that points at one row of another model, or at none: a [`Key`], or an `Option` of one.
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` points at no single row",
    label = "`select_related` takes relations to one row",
    note = "`prefetch_related` takes those to several rows, too"
)]
pub trait PointsAtOne: Relates {}

impl<N: ApiModel, F: KeyForm> PointsAtOne for Key<N, F> {}
impl<N: ApiModel, F: KeyForm> PointsAtOne for Option<Key<N, F>> {}

/// What [`QuerySet::select_related`] takes: a field that points at one row, or a [`Select`].
pub trait IntoSelect<M> {
    /// The model of the rows.
    type Model: ApiModel;

    /// What is read.
    fn into_select(self) -> Select<M, Self::Model>;
}

impl<M: ApiModel, N: ApiModel> IntoSelect<M> for Select<M, N> {
    type Model = N;

    fn into_select(self) -> Self {
        self
    }
}

impl<M: ApiModel, T: PointsAtOne> IntoSelect<M> for Field<M, T> {
    type Model = T::Model;

    fn into_select(self) -> Select<M, T::Model> {
        Select::to(self)
    }
}

impl<M: ApiModel, N: ApiModel> IntoPrefetch<M> for Select<M, N> {
    type Model = N;

    fn into_prefetch(self) -> Prefetch<M, N> {
        self.0
    }
}

/// The query parameters by which a server is asked to send related rows with the rows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct SentWith {
    in_their_place: Option<&'static str>,
    beside: Option<&'static str>,
}

impl SentWith {
    /// Those that the model declares.
    pub(crate) fn rows_of<M: ApiModel>() -> Self {
        let model = M::meta();
        Self {
            in_their_place: model.expand_parameter(),
            beside: model.rows_beside(),
        }
    }

    /// Those by which rows are sent that are related to related ones: a path leads there from the rows.
    pub(super) fn further(self, is_selected: bool) -> Self {
        Self {
            in_their_place: self.in_their_place.filter(|_| is_selected),
            beside: None,
        }
    }

    /// What is told of related rows.
    pub(super) fn told(self, rows: ExplainRelated, is_selected: bool) -> ExplainRelated {
        match (self.in_their_place.filter(|_| is_selected), self.beside) {
            (Some(parameter), _) => rows.sent_with("in the place of their keys", parameter),
            (None, Some(parameter)) => rows.sent_with("beside the rows", parameter),
            (None, None) => rows,
        }
    }
}

impl<M: ApiModel> QuerySet<M> {
    /// Reads the row that a field points at with the rows, as [`prefetch_related`](Self::prefetch_related) does. Called again for another
    /// relation.
    ///
    /// Where the model declares `#[api(expand_parameter = "expand")]`, the server is asked to show these rows in the place of their
    /// keys; they cost no request then. What it does not show whole is asked for as by `prefetch_related`. A [`Select`] names what
    /// such a row points at itself.
    ///
    /// ```
    /// # use django_api_orm::prelude::*;
    /// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/users/")] struct User { id: Option<i64>, name: String }
    /// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/posts/", expand_parameter = "expand")] struct Post { id: Option<i64>, #[api(relation)] author: Key<User> }
    /// # fn main() -> django_api_orm::Result<()> {
    /// let client = ServiceClient::new("https://api.example.com")?;
    /// let posts = client.objects::<Post>().all().select_related(Post::F.author);
    /// println!("{}", posts.explain()?); // GET /posts/?expand=author, author: in the place of their keys, ..
    /// # Ok(()) }
    /// ```
    pub fn select_related<S: IntoSelect<M>>(&self, relation: S) -> Self {
        self.prefetch_related(relation.into_select())
    }

    /// The plan of rows that become instances: the server is asked to send their related rows, where it can.
    pub(crate) fn row_plan(&self) -> Cow<'_, Plan> {
        if self.related.is_empty() {
            return Cow::Borrowed(&self.plan);
        }
        let with = SentWith::rows_of::<M>();
        let expanded = self.related.iter().flat_map(|each| each.selected());
        let beside = self.related.iter().filter(|each| each.is_as_it_is());
        let asked = [
            (with.in_their_place, expanded.collect::<Vec<_>>()),
            (with.beside, beside.map(|each| each.name()).collect()),
        ];
        let mut plan = self.plan.clone();
        for (parameter, names) in asked {
            if let Some(parameter) = parameter.filter(|_| !names.is_empty()) {
                plan = plan.parameter(parameter, names.join(","));
            }
        }
        Cow::Owned(plan)
    }
}
