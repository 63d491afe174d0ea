//! `Instance`: a row with its way back to the server.

use std::{
    fmt,
    future::Future,
    ops::{Deref, DerefMut},
};

use bytes::Bytes;
use django_api_orm_core::{ApiModel, Error, Field, Result, row::Row};
use http::Method;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    client::ApiResponse,
    manager::Manager,
    query::{Assigned, to_object},
};

/// A row of a model: the value, and what the server last said of it.
///
/// It dereferences to the model, so fields are read and written as on the plain struct. [`save`](Self::save) sends what has
/// changed since the server last spoke. What is not done often is an associated function, so that no field or method of the
/// model is hidden: `Instance::into_inner(user)`.
pub struct Instance<M> {
    value: M,
    manager: Manager<M>,
    /// The server's JSON of the row: a slice of the page it came in.
    row: Row,
    /// The value in a URL; the row's own, whatever the fields say now.
    key: Option<String>,
    deleted: bool,
}

impl<M: ApiModel> Instance<M> {
    pub(crate) fn from_row(manager: Manager<M>, row: Row) -> Result<Self> {
        let value = row.decode(M::NAME)?;
        Ok(Self {
            value,
            manager,
            row,
            key: None,
            deleted: false,
        })
    }

    /// Sends what has changed since the server last spoke: one PATCH, or no request if nothing has.
    ///
    /// A change is a difference in JSON between the value and the server's row as the model reads it, so a server that
    /// writes dates or numbers in another way causes none. A key that is gone is sent as `null`. Read-only fields are
    /// never sent. Afterwards the value is the server's answer; if the server answers without a row, it stays as it was
    /// sent. Parts of the value that are not serialised come back as their defaults.
    ///
    /// # Errors
    /// `Validation` with the server's messages by field, `DoesNotExist` if the row is gone, `OutcomeUnknown` if the answer
    /// was lost. After an error the value is as it was, and the changes are still to be saved.
    pub async fn save(&mut self) -> Result<()> {
        let changes = self.changes()?;
        self.send(changes).await
    }

    /// Sends exactly these fields, changed or not: one PATCH. Other changes stay unsaved.
    ///
    /// ```no_run
    /// # use django_api_orm::prelude::*;
    /// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/users/")] struct User { id: Option<i64>, email: String }
    /// # async fn f(mut user: Instance<User>) -> django_api_orm::Result<()> {
    /// user.email = "new@x.io".into();
    /// user.save_fields([User::F.email]).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// `InvalidRequest` for a read-only field or one that the value does not have; else as [`save`](Self::save).
    pub async fn save_fields<F: IntoFieldName<M>>(
        &mut self,
        fields: impl IntoIterator<Item = F>,
    ) -> Result<()> {
        let mut all = to_object(&self.value)?;
        let mut changes = Map::new();
        for field in fields {
            let name = field.into_field_name();
            let root = name.split("__").next().unwrap_or(&name);
            if self.manager.collection.model().is_read_only(root) {
                return Err(Error::invalid_request(format!(
                    "`{}.{root}` is read-only and cannot be saved",
                    M::NAME
                )));
            }
            match all.remove(root) {
                Some(value) => _ = changes.insert(root.to_owned(), value),
                None if changes.contains_key(root) => {}
                // A field that is not serialised when it is empty has been emptied.
                None if M::fields().iter().any(|field| field.name() == root) => {
                    changes.insert(root.to_owned(), Value::Null);
                }
                None => {
                    return Err(Error::invalid_request(format!(
                        "`{}` has no field `{root}`",
                        M::NAME
                    )));
                }
            }
        }
        self.send(changes).await
    }

    /// Deletes the row: one DELETE. The value stays readable; saving or refreshing it is an error from then on.
    ///
    /// # Errors
    /// `DoesNotExist` if the row is gone already.
    pub async fn delete(&mut self) -> Result<()> {
        let key = self.key()?;
        self.manager.collection.delete(&key).await?;
        self.deleted = true;
        Ok(())
    }

    /// Reads the row anew: one GET. Changes that were not saved are lost.
    ///
    /// # Errors
    /// `DoesNotExist` if the row is gone.
    pub async fn refresh_from_api(&mut self) -> Result<()> {
        let key = self.key()?;
        let row = self.manager.collection.row(&key).await?;
        self.value = row.decode(M::NAME)?;
        self.row = row;
        Ok(())
    }

    /// Writes these values and sends those that differ from the server's: for `update_or_create`.
    pub(crate) async fn write(&mut self, values: &Assigned) -> Result<()> {
        let changes = self.manager.collection.differing(&self.row, values)?;
        self.send(changes).await
    }

    /// What `save` would send, by wire name.
    fn changes(&self) -> Result<Map<String, Value>> {
        let model = self.manager.collection.model();
        let now = to_object(&self.value)?;
        let before = to_object(&self.row.decode::<M>(M::NAME)?)?;
        let mut changes: Map<String, Value> = Map::new();
        for (name, value) in &now {
            if before.get(name) != Some(value) && !model.is_read_only(name) {
                changes.insert(name.clone(), value.clone());
            }
        }
        for name in before
            .keys()
            .filter(|name| !now.contains_key(*name) && !model.is_read_only(name))
        {
            changes.insert(name.clone(), Value::Null);
        }
        Ok(changes)
    }

    async fn send(&mut self, changes: Map<String, Value>) -> Result<()> {
        let key = self.key()?;
        if changes.is_empty() {
            return Ok(());
        }
        let unsaved: Map<String, Value> = self
            .changes()?
            .into_iter()
            .filter(|(name, _)| !changes.contains_key(name))
            .collect();
        let answer = self.manager.collection.patch(&key, &changes).await?;
        let answer =
            answer.filter(|row| self.is_answer(row, &changes) && row.decode::<M>(M::NAME).is_ok());
        let row = match answer {
            Some(row) => row,
            None => {
                let mut row = self.row.fields()?;
                row.extend(changes);
                Row::from_fields(&row)?
            }
        };
        let mut value = row.fields()?;
        value.extend(unsaved);
        self.value = Row::from_fields(&value)?.decode(M::NAME)?;
        self.row = row;
        self.key = None;
        Ok(())
    }

    /// Whether what a write was answered with is this row: not a status message, and not another row.
    fn is_answer(&self, answer: &Row, changes: &Map<String, Value>) -> bool {
        let model = self.manager.collection.model();
        [model.primary_key(), model.lookup_field()]
            .into_iter()
            .any(|name| {
                let answered = answer.key(name);
                answered.is_some()
                    && (answered == self.row.key(name) || answered.as_ref() == changes.get(name))
            })
    }

    /// The row's key as it stands in its URL.
    fn key(&mut self) -> Result<String> {
        if self.deleted {
            return Err(Error::invalid_request(format!(
                "this `{}` has been deleted",
                M::NAME
            )));
        }
        if let Some(key) = &self.key {
            return Ok(key.clone());
        }
        let key = self.manager.collection.key_of(&self.row)?;
        self.key = Some(key.clone());
        Ok(key)
    }

    /// The primary key, as the server said it.
    ///
    /// # Errors
    /// `Decode` when the row has no primary key.
    pub fn pk(this: &Self) -> Result<M::Key> {
        let field = this.manager.collection.model().primary_key();
        let key = this.row.field(field)?.unwrap_or_default();
        serde_json::from_value(key).map_err(|error| {
            Error::decode(format!("a row of `{}` has no usable `{field}`", M::NAME))
                .with_source(error)
        })
    }

    /// Whether [`save`](Self::save) would send something.
    ///
    /// # Errors
    /// `InvalidRequest` when the value has no JSON form.
    pub fn is_changed(this: &Self) -> Result<bool> {
        Ok(!this.changes()?.is_empty())
    }

    /// The value alone.
    pub fn into_inner(this: Self) -> M {
        this.value
    }

    /// The row in JSON as the server last sent it, with what the model does not declare.
    pub fn raw(this: &Self) -> &Bytes {
        this.row.bytes()
    }

    /// The manager that the row came from.
    pub fn manager(this: &Self) -> &Manager<M> {
        &this.manager
    }

    /// The rows of another model behind a nested route of this row: `/users/3/posts/`.
    ///
    /// # Errors
    /// `InvalidRequest` for a route that would leave the row's path.
    pub fn related<N: ApiModel>(this: &mut Self, route: &str) -> Result<Manager<N>> {
        let key = this.key()?;
        let collection = &this.manager.collection;
        let path = collection.endpoint()?.action(&key, route)?;
        Ok(collection.client()?.objects::<N>().at(path.path()))
    }

    /// Calls an extra route of the row (DRF's `@action(detail=True)`): any method, any body.
    ///
    /// The instance is not changed; [`refresh_from_api`](Self::refresh_from_api) reads what the route has done.
    ///
    /// # Errors
    /// Whatever the request meets; `InvalidRequest` for a route that would leave the row's path.
    pub fn route<B: Serialize + ?Sized>(
        this: &mut Self,
        method: Method,
        route: &str,
        body: Option<&B>,
    ) -> impl Future<Output = Result<ApiResponse>> + Send + use<M, B> {
        let call = this.key().and_then(|key| {
            let collection = &this.manager.collection;
            collection.route(method, collection.endpoint()?.action(&key, route)?, body)
        });
        let manager = this.manager.clone();
        async move { manager.collection.client()?.send(call?).await }
    }
}

impl<M> Deref for Instance<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.value
    }
}

impl<M> DerefMut for Instance<M> {
    fn deref_mut(&mut self) -> &mut M {
        &mut self.value
    }
}

impl<M: Clone> Clone for Instance<M> {
    fn clone(&self) -> Self {
        Self {
            value: self.value.clone(),
            manager: self.manager.clone(),
            row: self.row.clone(),
            key: self.key.clone(),
            deleted: self.deleted,
        }
    }
}

impl<M: fmt::Debug> fmt::Debug for Instance<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Instance").field(&self.value).finish()
    }
}

impl<M: PartialEq> PartialEq for Instance<M> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<M: Serialize> Serialize for Instance<M> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

/// What names a field in [`Instance::save_fields`]: `User::F.email`, or its wire name.
pub trait IntoFieldName<M> {
    /// The wire name.
    fn into_field_name(self) -> String;
}

impl<M, T> IntoFieldName<M> for Field<M, T> {
    fn into_field_name(self) -> String {
        self.path().to_owned()
    }
}

impl<M> IntoFieldName<M> for &str {
    fn into_field_name(self) -> String {
        self.to_owned()
    }
}
