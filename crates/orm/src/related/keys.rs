//! The list of keys of a row, changed on the server: `post.tags_mut().add([&tag])`.

use std::{fmt, future::Future};

use django_api_orm_core::{
    ApiModel, Error, Field, IntoKey, Key, KeyForm, OnConflict, Result,
    relation::Relation,
    row::Row,
    value::to_json,
    written::{Kept, Written},
};
use serde::Serialize;
use serde_json::{Map, Value, value::RawValue};

use super::read::relation;
use crate::{
    client::ServiceClient,
    instance::Instance,
    query::{Collection, Precaution},
    trace::operation,
};

/// The list of keys in a field of a row, `tags: Vec<Key<Tag>>`, to be changed on the server at once: what Django's `post.tags` does that
/// writes. The derive writes the method that gives it, `tags_mut`, for fields whose type is spelt `Vec<..>`.
///
/// ```no_run
/// # use django_api_orm::prelude::*;
/// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/tags/")] struct Tag { id: Option<i64>, name: String }
/// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/posts/")] struct Post { id: Option<i64>, #[api(relation)] tags: Vec<Key<Tag>> }
/// # async fn f(mut post: Instance<Post>, tag: Instance<Tag>) -> django_api_orm::Result<()> {
/// post.tags_mut().add([&tag]).await?;
/// post.tags_mut().remove([Key::new(3)]).await?;
/// post.tags_mut().set([&tag]).await?;
/// post.tags_mut().clear().await?;
/// let new = post.tags_mut().create(&serde_json::json!({"name": "new"})).await?;
/// assert!(post.tags.contains(&Key::of(&new)?));
/// # Ok(()) }
/// ```
///
/// Afterwards the instance is the row as the server has answered it. Other changes that were not saved still are to be; a change of the list
/// itself is not: what is written is made of the server's list, or given. After an error the instance is as it was, unless the server has
/// answered the write with success.
///
/// A list is written as a whole. Where somebody else changes it between the look and the write, the server's version of the row tells
/// (`PreconditionFailed`); a server that names no version cannot tell, and the later write stands.
#[must_use = "nothing is sent before one of its methods is awaited"]
pub struct RelatedKeys<'a, M, N, F> {
    row: &'a mut Instance<M>,
    field: Field<M, Vec<Key<N, F>>>,
}

/// What becomes of a list.
struct Change<N, F> {
    added: Vec<Key<N, F>>,
    removed: Vec<Key<N, F>>,
}

impl<'a, M: ApiModel, N: ApiModel, F: KeyForm> RelatedKeys<'a, M, N, F> {
    pub(crate) fn new(row: &'a mut Instance<M>, field: Field<M, Vec<Key<N, F>>>) -> Self {
        Self { row, field }
    }

    /// Adds rows: instances, or keys. Those that are in the list by now are not added again.
    ///
    /// One GET, for the list as it is now, and one PATCH if it changes.
    ///
    /// # Errors
    /// `InvalidRequest`, and nothing sent, for a row that has no key yet, and where the field is read-only; `Decode`, and nothing written,
    /// where the server does not show the list; `DoesNotExist` where the row that
    /// has the list is gone; else as [`Instance::save`], with [`OnConflict::Merge`].
    #[expect(clippy::should_implement_trait, reason = "Django's name")]
    pub fn add<K: IntoKey<N, F>, I: IntoIterator<Item = K>>(
        self,
        rows: I,
    ) -> impl Future<Output = Result<()>> + Send + use<'a, M, N, F, K, I> {
        let keys = keys(rows);
        operation::<M, _>("add", async move {
            let (added, removed) = (keys?, Vec::new());
            self.change(Change { added, removed }).await
        })
    }

    /// Takes rows out of the list; those that are not in it stay out. As [`add`](Self::add).
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn remove<K: IntoKey<N, F>, I: IntoIterator<Item = K>>(
        self,
        rows: I,
    ) -> impl Future<Output = Result<()>> + Send + use<'a, M, N, F, K, I> {
        let keys = keys(rows);
        operation::<M, _>("remove", async move {
            let (added, removed) = (Vec::new(), keys?);
            self.change(Change { added, removed }).await
        })
    }

    /// Makes the list one of these rows and no others. One PATCH, whatever the list was.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn set<K: IntoKey<N, F>, I: IntoIterator<Item = K>>(
        self,
        rows: I,
    ) -> impl Future<Output = Result<()>> + Send + use<'a, M, N, F, K, I> {
        let keys = keys(rows);
        operation::<M, _>("set", async move { self.write(keys?, None).await })
    }

    /// Makes the list an empty one. One PATCH, whatever the list was.
    ///
    /// # Errors
    /// As [`add`](Self::add).
    pub fn clear(self) -> impl Future<Output = Result<()>> + Send + use<'a, M, N, F> {
        operation::<M, _>("clear", self.write(Vec::new(), None))
    }

    /// Creates a row, and adds it. One POST, and the requests of [`add`](Self::add).
    ///
    /// # Errors
    /// As [`Manager::create`](crate::Manager::create), and as [`add`](Self::add): then the row has been created, and is not in the list;
    /// [`Manager::instance_in`](crate::Manager::instance_in) of its own manager gives it.
    pub fn create<B: Serialize + ?Sized>(
        self,
        row: &B,
    ) -> impl Future<Output = Result<Instance<N>>> + Send + use<'a, M, N, F, B> {
        let target =
            (Instance::manager(self.row).collection.client()).map(ServiceClient::objects::<N>);
        let body = (target.as_ref().ok()).map(|target| target.collection.named_row(row));
        operation::<M, _>("create", async move {
            let (target, body) = (target?, body.unwrap_or_else(|| Ok(Map::new()))?);
            self.writable()?;
            let kept = target.collection.create(&body).await?;
            let new = Instance::written(target, kept)
                .map_err(|error| error.with_context("the related row was not added to the list"))?;
            let added = async {
                let (added, removed) = (vec![Key::of(&new)?], Vec::new());
                self.change(Change { added, removed }).await
            };
            added.await.map_err(|error| {
                error
                    .with_context("the related row was created, and was not added to the list")
                    .with_row(new.row().clone())
            })?;
            Ok(new)
        })
    }

    /// Writes the server's list with and without some rows, if that makes it another one.
    async fn change(self, change: Change<N, F>) -> Result<()> {
        self.writable()?;
        let key = self.row.key()?;
        let collection = &Instance::manager(self.row).collection;
        let shown = collection.refresh(&key, Some(self.row.row())).await?;
        let relation = relation(&self.field);
        let there = self.shown(&relation, &shown)?;
        let mut keys = there.clone();
        keys.extend(change.added);
        let kept = relation.kept(&values(&keys), &values(&change.removed))?;
        let keys: Vec<_> = (kept.into_iter())
            .filter_map(|place| keys.get(place).cloned())
            .collect();
        if relation.names_same(&values(&keys), &values(&there))? {
            let body = self.body(&there)?;
            return self.row.saved(&body, Kept::shown(shown));
        }
        self.write(keys, Some(shown)).await
    }

    /// Writes the list, of a row that the server has just shown so.
    async fn write(self, keys: Vec<Key<N, F>>, shown: Option<Row>) -> Result<()> {
        self.writable()?;
        let key = self.row.key()?;
        let kept = relation(&self.field).kept(&values(&keys), &[])?;
        let keys: Vec<_> = (kept.into_iter())
            .filter_map(|place| keys.get(place).cloned())
            .collect();
        let body = self.body(&keys)?;
        let collection = Collection::clone(&Instance::manager(self.row).collection);
        let precaution = Precaution {
            on_conflict: OnConflict::Merge,
            check: false,
        };
        let row = shown.as_ref().unwrap_or_else(|| self.row.row());
        let mut kept = (collection.save_with(&key, Some(row), &body, precaution)).await?;
        if kept.written == Written::Nothing {
            // The value has other keys than were sent.
            kept.written = Written::Part;
        }
        self.row.saved(&body, kept)
    }

    /// The list in a row that the server has shown.
    fn shown(&self, relation: &Relation, row: &Row) -> Result<Vec<Key<N, F>>> {
        let field = self.field.path();
        let shown = relation.shown_in(row)?.map(RawValue::get);
        let shown = shown.ok_or_else(|| {
            Error::decode(format!(
                "a row of `{}` does not show `{field}`, so nothing can be added to that list or taken from it: set it",
                M::NAME
            ))
        })?;
        let keys: Option<Vec<Key<N, F>>> = serde_json::from_str(shown).map_err(|error| {
            Error::decode(format!(
                "a row of `{}` does not fit: `{field}`: {error}",
                M::NAME
            ))
            .with_source(error)
        })?;
        Ok(keys.unwrap_or_default())
    }

    fn body(&self, keys: &[Key<N, F>]) -> Result<Map<String, Value>> {
        let keys = to_json(&keys).map_err(|error| {
            Error::invalid_request("a key cannot be written as JSON").with_source(error)
        })?;
        Ok(Map::from_iter([(self.field.sent_path().to_owned(), keys)]))
    }

    fn writable(&self) -> Result<()> {
        let name = self.field.sent_path();
        match M::meta().is_read_only(name) {
            true => Err(Error::invalid_request(format!(
                "`{}.{name}` is read-only and cannot be saved",
                M::NAME
            ))),
            false => Ok(()),
        }
    }
}

fn keys<N: ApiModel, F: KeyForm, K: IntoKey<N, F>>(
    rows: impl IntoIterator<Item = K>,
) -> Result<Vec<Key<N, F>>> {
    rows.into_iter().map(IntoKey::into_key).collect()
}

fn values<N: ApiModel, F: KeyForm>(keys: &[Key<N, F>]) -> Vec<Value> {
    keys.iter().map(|key| key.value().clone()).collect()
}

impl<M: ApiModel, N, F> fmt::Debug for RelatedKeys<'_, M, N, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RelatedKeys")
            .field(&M::NAME)
            .field(&self.field.path())
            .finish()
    }
}
