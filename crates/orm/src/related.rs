//! Rows that point at each other: from a row to those that it points at, and back.
//!
//! ```no_run
//! use django_api_orm::prelude::*;
//!
//! #[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
//! #[api(endpoint = "/api/v1/users/", related(posts = Post::author))]
//! struct User {
//!     id: Option<i64>,
//!     name: String,
//! }
//!
//! #[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
//! #[api(endpoint = "/api/v1/posts/")]
//! struct Post {
//!     id: Option<i64>,
//!     title: String,
//!     #[api(relation)]
//!     author: Key<User>,
//! }
//!
//! # async fn example(client: ServiceClient) -> django_api_orm::Result<()> {
//! let mut post = client.objects::<Post>().get(Post::F.id.eq(1)).await?;
//! println!("{} by {}", post.title, post.author().await?.name);          // one request, and then none
//!
//! let user = client.objects::<User>().get(User::F.name.eq("Ann")).await?;
//! let drafts = user.posts().filter(Post::F.title.startswith("Draft")).await?;
//! post.author = Key::of(&user)?;
//! post.save().await?;                                                   // PATCH {"author": 2}
//! # Ok(()) }
//! ```
//!
//! A list of keys, `tags: Vec<Key<Tag>>`, is changed as any list and saved as a whole: `post.tags.push(Key::of(&tag)?)`, then
//! `post.save()`. Its order does not count as a change. To change the list that the server has by now, see [`RelatedKeys`]:
//! `post.tags_mut().add([&tag]).await?`, `remove`, `set`, `clear`, `create`. To read related rows together with the rows of a query, see
//! [`QuerySet::prefetch_related`](crate::QuerySet::prefetch_related) and [`QuerySet::select_related`](crate::QuerySet::select_related).
//!
//! Where the server has the rows that point at a row at a nested route, `/users/3/posts/`, say so: `related(posts(Post::author, route =
//! "posts"))`. `user.posts()` reads and creates them there; an instance of them is saved and deleted at its own URL, while
//! `user.posts().update(..)` and `delete()` write below the route. Prefetched they are asked for by the filter, those of all rows together.
//!
//! Filters and orders cross relations, in both directions: `Post::F.author.to(User::F.name).eq("Ann")`, and for users with such a post
//! `User::F.posts.to(Post::F.title).eq("Hello")`. Where the server does not take one, and inside `exclude`, `!` and `|`, the related
//! rows are asked for first, and then those that have their keys, 100 at a time. Whether the server takes a filter is declared
//! (`#[api(filters(..))]`), or tried once for each client; `max_scan` bounds both queries, and [`explain`](crate::QuerySet::explain)
//! says which it will be. What cannot be answered so is an `Unsupported` error: several conditions across a relation to several rows, one on
//! their key included, which may be meant for one of these; what is null behind one; and rows that name the related ones by another field than the key.
//!
//! ```
//! # use django_api_orm::prelude::*;
//! # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/users/", related(posts = Post::author))] struct User { id: Option<i64>, name: String }
//! # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/posts/")] struct Post { id: Option<i64>, title: String, #[api(relation)] author: Key<User> }
//! # fn main() -> django_api_orm::Result<()> {
//! let client = ServiceClient::new("https://api.example.com")?;
//! let by_others = client.objects::<Post>().exclude(Post::F.author.to(User::F.name).eq("Ann"));
//! let explained = by_others.explain()?;
//! assert!(explained.local()[0].starts_with("author__name: the rows of `User` are asked for first"));
//! # Ok(()) }
//! ```
//!
//! # What it costs
//!
//! | | requests |
//! | --- | --- |
//! | `post.author()`, `post.tags()` | none for null, for what was read before and for what the row shows whole; else one for 100 keys, with what the other rows of the page point at |
//! | `user.posts()` | none; it is a [queryset](RelatedManager) |
//! | `user.posts().rows()` | those of the queryset, once |
//! | `user.posts().create(..)` | one POST |
//! | `post.tags_mut().add(..)`, `remove(..)` | one GET, and one PATCH if the list changes |
//! | `post.tags_mut().set(..)`, `clear()` | one PATCH |
//! | `posts.prefetch_related(..)` | for each relation one for 100 different keys, and for each page that their rows fill; none for what the server sends beside the rows, where the model says `prefetch_parameter = ".."` |
//! | `posts.select_related(..)` | the same; none for what the server shows in the rows, where the model says `expand_parameter = ".."` |
//! | `posts.values_list((.., Post::F.author.to(User::F.name)))` | as `prefetch_related`, and none where the rows show the values |
//!
//! A row that is pointed at and is not there is `DoesNotExist`, of several keys those without a row are left out. Several rows with the value
//! by which one is named are `MultipleObjectsReturned`. A value that names no row, such as the URL of another collection, is `Decode`.
//!
//! # A loop over rows
//!
//! Rows that were read together are asked together: the first `post.author()` in a loop reads the authors of up to 100 posts that came
//! with this one and are still there, and the others cost no request. So does `user.posts().rows()`, from the second user on, for whom it
//! reads the rows of all the others too.
//!
//! ```no_run
//! # use django_api_orm::{OnNPlusOne, prelude::*};
//! # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/users/")] struct User { id: Option<i64>, name: String }
//! # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/posts/")] struct Post { id: Option<i64>, title: String, #[api(relation)] author: Key<User> }
//! # async fn f(client: ServiceClient) -> django_api_orm::Result<()> {
//! let posts = client.objects::<Post>().all().limit(100);
//! for post in &posts.fetch().await? {
//!     println!("{} by {}", post.title, post.author().await?.name);      // two requests, not 101
//! }
//! let noisy = posts.on_n_plus_one(OnNPlusOne::Error);                   // for tests: such a loop is an error, which names the line
//! # Ok(()) }
//! ```
//!
//! Rows that the program has changed to point elsewhere, and rows that were read again, are asked alone. What was read is kept by the
//! instances that came together, until the last of them is gone.
//!
//! # Where the methods are
//!
//! The derive writes the methods into a trait beside the model, `PostRelations`, so a module that uses them imports it with the
//! model. They are there for instances of both halves; the [blocking](crate::blocking) ones answer without `.await`.

mod direction;
mod keys;
mod known;
mod manager;
mod page;
mod prefetch;
mod read;
mod select;

use std::{future::Future, panic::Location, pin::Pin, sync::Arc};

use django_api_orm_core::{ApiModel, Error, Field, IntoKey, Key, KeyForm, Keyed, Operand, Result};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

pub use keys::RelatedKeys;
pub(crate) use known::{Found, Known};
pub use manager::RelatedManager;
pub(crate) use page::{Place, places};
pub(crate) use prefetch::Prefetches;
pub use prefetch::{IntoPrefetch, Prefetch};
pub(crate) use read::following;
#[doc(hidden)]
pub use read::{declared, declared_back};
pub(crate) use select::SentWith;
pub use select::{IntoSelect, PointsAtOne, Select};

use crate::{instance::Instance, trace::operation};

/// What a field holds that points at rows of another model: a [`Key`], an `Option` of one, or a `Vec`.
#[diagnostic::on_unimplemented(
    message = "a field of type `{Self}` points at no row",
    label = "`#[api(relation)]` needs a key",
    note = "declare the field as `Key<User>`, `Option<Key<User>>` or `Vec<Key<User>>`; an object that is always shown whole needs no \
            relation"
)]
pub trait Relates: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The model of the rows.
    type Model: ApiModel;
    /// What rows are named by.
    type Form: KeyForm;
    /// What there is at the other end: one row, perhaps one, or several.
    type Rows<R: Send + 'static>: Send + 'static;

    /// Whether there may be several.
    const MANY: bool = false;

    /// The rows that were found, for the keys that are held.
    ///
    /// # Errors
    /// `DoesNotExist` where a key has no row.
    fn found<R: Send + 'static>(&self, field: &str, rows: Vec<R>) -> Result<Self::Rows<R>>;
}

impl<N: ApiModel, F: KeyForm> Relates for Key<N, F> {
    type Model = N;
    type Form = F;
    type Rows<R: Send + 'static> = R;

    fn found<R: Send + 'static>(&self, field: &str, rows: Vec<R>) -> Result<R> {
        rows.into_iter().next().ok_or_else(|| {
            Error::does_not_exist(format!(
                "`{field}` points at a `{}` that is not there, or that the queryset it was read with leaves out",
                N::NAME
            ))
        })
    }
}

impl<N: ApiModel, F: KeyForm> Relates for Option<Key<N, F>> {
    type Model = N;
    type Form = F;
    type Rows<R: Send + 'static> = Option<R>;

    fn found<R: Send + 'static>(&self, field: &str, rows: Vec<R>) -> Result<Option<R>> {
        self.as_ref().map(|key| key.found(field, rows)).transpose()
    }
}

impl<N: ApiModel, F: KeyForm> Relates for Vec<Key<N, F>> {
    type Model = N;
    type Form = F;
    type Rows<R: Send + 'static> = Vec<R>;

    const MANY: bool = true;

    fn found<R: Send + 'static>(&self, _: &str, rows: Vec<R>) -> Result<Vec<R>> {
        Ok(rows)
    }
}

/// What has relations: an instance, of either half. The methods that the derive writes are made of these two.
pub trait Follow {
    /// Its model.
    type Model: ApiModel;
    /// What a request gives: a future, or in the blocking half its result.
    type Answer<T: Send + 'static>;
    /// A related row.
    type Row<N: ApiModel>: Send + 'static;
    /// The rows that point at it.
    type Manager<N: ApiModel>;

    /// The rows that the field points at.
    ///
    /// Those that were read before, or that the server has shown whole in the row, cost no request; others one for 100 keys. Where the
    /// row was read with others, what they point at is read with it: see [the module](self#a-loop-over-rows).
    ///
    /// # Errors
    /// `DoesNotExist` where a key has no row; of several keys, those without a row are left out.
    #[track_caller]
    fn follow<T: Relates>(
        &self,
        field: Field<Self::Model, T>,
        held: impl FnOnce(&Self::Model) -> &T,
    ) -> Followed<Self, T>;

    /// The rows of another model that point at this one by the field.
    fn back<N: ApiModel, T: Relates<Model = Self::Model>>(
        &self,
        field: Field<N, T>,
    ) -> Self::Manager<N>;

    /// The same, at a nested route: `posts` for `/users/3/posts/`.
    fn back_at<N: ApiModel, T: Relates<Model = Self::Model>>(
        &self,
        field: Field<N, T>,
        route: &str,
    ) -> Self::Manager<N>;
}

/// What has lists of keys that can be changed on the server: an instance, of either half.
pub trait FollowMut: Follow {
    /// The list of keys in one of its fields.
    type Keys<'a, N: ApiModel, F: KeyForm>
    where
        Self: 'a;

    /// The list of keys in the field. The derive's `tags_mut` calls it; by hand it is for a field whose type is an alias:
    /// `post.follow_mut(Post::F.tags)`.
    fn follow_mut<N: ApiModel, F: KeyForm>(
        &mut self,
        field: Field<Self::Model, Vec<Key<N, F>>>,
    ) -> Self::Keys<'_, N, F>;
}

/// What following a field of the type `T` gives.
pub type Followed<I, T> =
    <I as Follow>::Answer<<T as Relates>::Rows<<I as Follow>::Row<<T as Relates>::Model>>>;

impl<M: ApiModel> Follow for Instance<M> {
    type Model = M;
    type Answer<T: Send + 'static> = Pin<Box<dyn Future<Output = Result<T>> + Send>>;
    type Row<N: ApiModel> = Arc<Instance<N>>;
    type Manager<N: ApiModel> = RelatedManager<N>;

    fn follow<T: Relates>(
        &self,
        field: Field<M, T>,
        held: impl FnOnce(&M) -> &T,
    ) -> Followed<Self, T> {
        Box::pin(operation::<M, _>(
            "related",
            following(self, field, held(self), Location::caller(), |row| row),
        ))
    }

    fn back<N: ApiModel, T: Relates<Model = M>>(&self, field: Field<N, T>) -> RelatedManager<N> {
        RelatedManager::new(self, &field)
    }

    fn back_at<N: ApiModel, T: Relates<Model = M>>(
        &self,
        field: Field<N, T>,
        route: &str,
    ) -> RelatedManager<N> {
        RelatedManager::new(self, &field).at(self, route)
    }
}

impl<M: ApiModel> FollowMut for Instance<M> {
    type Keys<'a, N: ApiModel, F: KeyForm> = RelatedKeys<'a, M, N, F>;

    fn follow_mut<N: ApiModel, F: KeyForm>(
        &mut self,
        field: Field<M, Vec<Key<N, F>>>,
    ) -> RelatedKeys<'_, M, N, F> {
        RelatedKeys::new(self, field)
    }
}

/// A related row where its key is meant: in filters, `Post::F.author.eq(&user)`, and in lists, `post.tags_mut().add([&tag])`.
macro_rules! operands {
    ($($row:ty),+) => {$(
        operands! { $row: Key<N, F>, Option<Key<N, F>>, Vec<Key<N, F>> }

        impl<N: ApiModel, F: KeyForm> IntoKey<N, F> for &$row {
            fn into_key(self) -> Result<Key<N, F>> {
                Key::of(self)
            }
        }
    )+};
    ($row:ty: $($field:ty),+) => {$(
        impl<N: ApiModel, F: KeyForm> Operand<$field> for &$row {
            fn into_operand(self) -> Result<Value, String> {
                let key = self.key_field(N::meta().primary_key());
                key.map_err(|error| error.to_string())
            }
        }
    )+};
}

operands!(
    Instance<N>,
    crate::blocking::Instance<N>,
    crate::blocking::Related<N>
);
