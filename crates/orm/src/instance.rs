//! `Instance`: a row with its way back to the server.

use std::{
    fmt,
    future::Future,
    ops::{Deref, DerefMut},
};

use bytes::Bytes;
use django_api_orm_core::{
    ApiModel, Error, Field, Keyed, Result,
    row::{Row, key_text},
    undeclared::with_undeclared,
    written::{self, Diff, Fields, Held, Kept, Write, Written, exact, to_fields},
};
use http::Method;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    client::ApiResponse,
    delete_options::DeleteOptions,
    manager::Manager,
    query::{Change, Collection, Precaution, to_object},
    related::{Known, Place},
    save_options::SaveOptions,
    trace::operation,
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
    /// Related rows that were read.
    related: Known,
}

/// What is known when a write has succeeded and its answer cannot be decoded.
const UNREADABLE: &str =
    "the row was written, but the server's answer does not fit the model; do not write it again";

impl<M: ApiModel> Instance<M> {
    /// The instance of a row that was written a moment ago.
    ///
    /// # Errors
    /// `Unsaved` where the server did not keep what was sent, `Decode` where its row does not fit.
    pub(crate) fn written(manager: Manager<M>, kept: Kept) -> Result<Self> {
        if let Some(error) = kept.unsaved_error(M::meta()) {
            return Err(error);
        }
        Self::from_row(manager, kept.row)
            .map_err(|error| error.with_context(UNREADABLE).with_carried_out())
    }

    pub(crate) fn from_row(manager: Manager<M>, row: Row) -> Result<Self> {
        Self::in_page(manager, row, None)
    }

    /// The instance of a row that was read with others.
    pub(crate) fn in_page(manager: Manager<M>, mut row: Row, place: Option<Place>) -> Result<Self> {
        let value = match row.take_value() {
            Some(value) => value,
            None => row.decode(M::NAME)?,
        };
        Ok(Self {
            value,
            manager,
            row,
            key: None,
            deleted: false,
            related: Known::at(place),
        })
    }

    /// Sends what has changed since the server last spoke: one PATCH, or no request if nothing has.
    ///
    /// As in Django, an instance whose primary key was set to `None` is a copy: one POST creates a new row with every other
    /// field, and the instance is that row from then on.
    ///
    /// ```no_run
    /// # use django_api_orm::prelude::*;
    /// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/users/")] struct User { id: Option<i64>, email: String }
    /// # async fn f(mut user: Instance<User>) -> django_api_orm::Result<()> {
    /// user.id = None;
    /// user.email = "copy@x.io".into();
    /// user.save().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// A nested object is sent whole, with what the server's has and the model does not declare.
    /// A change is a difference in JSON between the value and the server's row as the model reads it, so a server that
    /// writes dates or numbers in another way causes none. A key that is gone is sent as `null`. Read-only fields are
    /// never sent. Afterwards the value is the server's answer. A part of the row in the answer is put into what is known and
    /// was sent; without a row in it, the value stays as it was sent. Parts of the value that are not serialised come back as
    /// their defaults when the answer is taken over.
    ///
    /// # Errors
    /// `Validation` with the server's messages by field, `DoesNotExist` if the row is gone, `OutcomeUnknown` if the answer
    /// was lost. After an error the value is as it was, and the changes are still to be saved. `Decode` means that the write
    /// was carried out, and the answer does not fit the model; or, where
    /// [`is_outcome_unknown`](django_api_orm_core::Error::is_outcome_unknown) says so, that it may have been: the answer shows
    /// another row, something else than a row, or is a page such as a sign-in form. `Redirect` means that it was not sent on to such a page. `Unsaved` means
    /// that the server answered with success and shows a field as it was before: what it kept is taken over, and that field is
    /// still to be saved (see [`on_unsaved`](Manager::on_unsaved)).
    ///
    /// A row that was read by itself, and for which the server named a version (`ETag`, or else `Last-Modified`), is saved only if it is
    /// still that version (`If-Match`, `If-Unmodified-Since`). Otherwise the error is `PreconditionFailed`, after one more GET; it
    /// [`is_conflict`](django_api_orm_core::Error::is_conflict), and [`conflict`](django_api_orm_core::Error::conflict) has both
    /// versions. [`save_with`](Self::save_with) can merge, and can check rows that have no version. `PreconditionRequired` means
    /// that the server wants a version, and that this row has none.
    ///
    /// Where the server names versions of rows that are read, and the answer to a write names none, as with Django, the next save reads the
    /// row first: one GET more. It fails with `Conflict` where somebody else has changed the same fields meanwhile, and depends on
    /// the version of the row just read.
    pub async fn save(&mut self) -> Result<()> {
        self.save_with(SaveOptions::new()).await
    }

    /// The same, with a say in what happens where somebody else has changed the row since it was read.
    ///
    /// To merge takes one more GET and one more PATCH for each time that the row was changed meanwhile; nothing more where it was not.
    /// To check takes one GET more. It compares the fields that are to be sent with those of the row as it was read; where the
    /// server names a version, that of the row just read is sent along, so that nothing can come between. Where it names none, a change
    /// between the check and the write is not noticed.
    ///
    /// # Errors
    /// As [`save`](Self::save). After a merge that is not possible, and after a check,
    /// [`conflict`](django_api_orm_core::Error::conflict) names the fields that both sides have changed; after a check, the kind is
    /// `Conflict`.
    pub async fn save_with(&mut self, options: SaveOptions) -> Result<()> {
        let SaveOptions { precaution, fields } = options;
        let changes = match fields {
            Some(fields) => self.named(fields.iter().map(String::as_str))?,
            None => {
                let (now, before) = (self.now()?, self.before()?);
                let primary_key = Self::primary_key_now(&now, &before);
                if self.held(primary_key.as_ref()).is_copy() {
                    return operation::<M, _>("save", self.create()).await;
                }
                self.difference(&now, &before)?
            }
        };
        operation::<M, _>("save", self.send(changes, precaution)).await
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
        let changes = self.named(fields)?;
        operation::<M, _>("save_fields", self.send(changes, Precaution::default())).await
    }

    /// Deletes the row: one DELETE. The value stays readable; saving or refreshing it is an error from then on.
    ///
    /// # Errors
    /// `DoesNotExist` if the row is gone already; `PreconditionFailed` where it has changed since it was read, as for
    /// [`save`](Self::save); `Conflict` where a look at a row that was written shows that; `Decode`, with an unknown outcome, where
    /// the answer is a page.
    pub async fn delete(&mut self) -> Result<()> {
        self.delete_with(DeleteOptions::new()).await
    }

    /// The same, with a say in what happens where somebody else has changed the row since it was read.
    ///
    /// To check takes one GET more. It compares what both rows show, but for read-only fields; where the server names a version, that of
    /// the row just read is sent along, so that nothing can come between.
    ///
    /// # Errors
    /// As [`delete`](Self::delete). After a check, the kind is `Conflict`, and
    /// [`conflict`](django_api_orm_core::Error::conflict) names the fields that have changed.
    pub async fn delete_with(&mut self, options: DeleteOptions) -> Result<()> {
        let key = self.key()?;
        let rows = &self.manager.collection;
        let delete = rows.delete(&key, Some(&self.row), options.check);
        operation::<M, _>("delete", delete).await?;
        self.deleted = true;
        Ok(())
    }

    /// Reads the row anew: one GET. Changes that were not saved are lost, and related rows are asked for again.
    ///
    /// # Errors
    /// `DoesNotExist` if the row is gone; `Decode`, and the instance as it was, if the server answers with another row.
    pub async fn refresh_from_api(&mut self) -> Result<()> {
        let key = self.key()?;
        let refresh = self.manager.collection.refresh(&key, Some(&self.row));
        let row = operation::<M, _>("refresh_from_api", refresh).await?;
        self.value = row.decode(M::NAME)?;
        self.row = row;
        self.key = None;
        self.related = Known::default();
        Ok(())
    }

    /// What is to be saved, by the names that are sent.
    fn changes(&self) -> Result<Map<String, Value>> {
        self.difference(&self.now()?, &self.before()?)
    }

    fn difference(
        &self,
        now: &Map<String, Value>,
        before: &Map<String, Value>,
    ) -> Result<Map<String, Value>> {
        let (fields, before) = (to_fields(now)?, to_fields(before)?);
        let diff = Diff {
            model: M::meta(),
            now: &fields,
            before: &before,
            again: None,
        };
        let value = |name: &str| now.get(name).cloned().unwrap_or_default();
        let changed = (diff.changed().into_iter())
            .map(|name| (name.to_owned(), value(name)))
            .collect();
        whole::<M>(&self.row, changed, &before)
    }

    /// The row as it would be sent.
    fn now(&self) -> Result<Map<String, Value>> {
        to_object(&self.value)
    }

    /// The server's row, as the model reads it and would send it.
    fn before(&self) -> Result<Map<String, Value>> {
        read_and_sent::<M>(&self.row)
    }

    /// The values of these fields, changed or not, by the names that are sent.
    pub(crate) fn named<F: IntoFieldName<M>>(
        &self,
        fields: impl IntoIterator<Item = F>,
    ) -> Result<Map<String, Value>> {
        let all = self.now()?;
        let model = M::meta();
        let mut named = Map::new();
        for field in fields {
            let name = field.into_field_name();
            let root = model.sent_root(&name);
            if model.is_read_only(root) {
                return Err(Error::invalid_request(format!(
                    "`{}.{root}` is read-only and cannot be saved",
                    M::NAME
                )));
            }
            let value = match all.get(root) {
                Some(value) => value.clone(),
                // A field that is not serialised when it is empty has been emptied.
                None if model.sent_field(root).is_some() => Value::Null,
                None => {
                    return Err(Error::invalid_request(format!(
                        "`{}` has no field `{root}`",
                        M::NAME
                    )));
                }
            };
            named.insert(root.to_owned(), value);
        }
        whole::<M>(&self.row, named, &to_fields(&self.before()?)?)
    }

    /// The primary key as the fields have it now: null, if it was there and is gone.
    fn primary_key_now(now: &Map<String, Value>, before: &Map<String, Value>) -> Option<Value> {
        let model = M::meta();
        let name = model.sent_as(model.primary_key());
        match before.get(name) {
            Some(before) if !before.is_null() => Some(now.get(name).cloned().unwrap_or_default()),
            _ => now.get(name).cloned(),
        }
    }

    /// Creates the row that this is a copy of, and takes it over.
    async fn create(&mut self) -> Result<()> {
        let collection = &self.manager.collection;
        let body = collection.new_row(&self.value)?;
        let given: Vec<String> = self.changes()?.into_iter().map(|(name, _)| name).collect();
        let sent = |row: &Row| collection.new_row(&row.decode::<M>(M::NAME)?);
        let kept = match self.deleted {
            // It cannot be read any more.
            true => collection.create(&body).await?,
            false => collection.copy(&self.row, &body, &given, sent).await?,
        };
        let unsaved = kept.unsaved_error(M::meta());
        self.key = None;
        self.deleted = false;
        match kept.row.decode(M::NAME) {
            Ok(value) => {
                self.value = value;
                self.row = kept.row;
                unsaved.map_or(Ok(()), Err)
            }
            Err(error) => {
                // Its keys at least, so that it is not created again.
                let new = Write {
                    model: M::meta(),
                    row: None,
                    key: None,
                    sent: &body,
                };
                self.row = new.merged_keys(&kept.row)?;
                if let Ok(value) = self.row.decode(M::NAME) {
                    self.value = value;
                }
                Err(error.with_context(UNREADABLE).with_carried_out())
            }
        }
    }

    async fn send(&mut self, changes: Map<String, Value>, precaution: Precaution) -> Result<()> {
        match self.change(changes)? {
            None => Ok(()),
            Some((rows, change)) => {
                let (row, body) = (change.row.as_ref(), &change.body);
                let kept = rows.save_with(&change.key, row, body, precaution).await?;
                self.saved(body, kept)
            }
        }
    }

    /// The request that writes these changes; `None` where there are none.
    pub(crate) fn change(
        &mut self,
        body: Map<String, Value>,
    ) -> Result<Option<(Collection, Change)>> {
        let key = self.key()?;
        if body.is_empty() {
            return Ok(None);
        }
        let change = Change {
            key,
            row: Some(self.row.clone()),
            body,
        };
        Ok(Some((Collection::clone(&self.manager.collection), change)))
    }

    /// The request that writes what has changed of these fields.
    pub(crate) fn change_of(&mut self, fields: &[String]) -> Result<Option<(Collection, Change)>> {
        let named = self.named(fields.iter().map(String::as_str))?;
        let mut changes = self.changes()?;
        changes.retain(|name, _| named.contains_key(name));
        self.change(changes)
    }

    fn write<'a>(&'a self, sent: &'a Map<String, Value>) -> Write<'a> {
        Write {
            model: M::meta(),
            row: Some(&self.row),
            key: None,
            sent,
        }
    }

    /// Takes over what a write of `sent` has made of the row. Changes that were not sent are still to be saved.
    pub(crate) fn saved(&mut self, sent: &Map<String, Value>, kept: Kept) -> Result<()> {
        let unsaved = kept.unsaved_error(M::meta());
        let unsent = self.changes()?.into_iter();
        let unsent: Map<String, Value> = unsent
            .filter(|(name, _)| !sent.contains_key(name) || kept.unsaved.contains(name))
            .collect();
        if kept.written != Written::Nothing {
            // Otherwise the value is what was sent.
            let row = written::with(M::meta(), &kept.row, to_fields(&unsent)?)?;
            match row.decode(M::NAME) {
                Ok(value) => self.value = value,
                Err(error) => {
                    self.row = self.write(sent).merged_keys(&kept.row)?;
                    self.key = None;
                    return Err(error.with_context(UNREADABLE).with_carried_out());
                }
            }
        }
        self.row = kept.row;
        self.key = None;
        unsaved.map_or(Ok(()), Err)
    }

    /// The row's key as it is in its URL.
    pub(crate) fn key(&mut self) -> Result<String> {
        let primary_key = Self::primary_key_now(&self.now()?, &self.before()?);
        let held = self.held(primary_key.as_ref());
        match &self.key {
            Some(key) if !self.deleted && !held.is_copy() => Ok(key.clone()),
            _ => {
                let key = held.key()?;
                self.key = Some(key.clone());
                Ok(key)
            }
        }
    }

    fn held<'a>(&'a self, primary_key: Option<&'a Value>) -> Held<'a> {
        Held {
            model: M::meta(),
            row: Some(&self.row),
            key: None,
            primary_key,
            deleted: self.deleted,
        }
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

    /// The server's JSON of the row.
    pub(crate) fn row(&self) -> &Row {
        &self.row
    }

    /// The related rows that were read.
    pub(crate) fn known(&self) -> &Known {
        &self.related
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
        operation::<M, _>("route", async move {
            manager.collection.client()?.send(call?).await
        })
    }
}

impl<M: ApiModel> Keyed<M> for Instance<M> {
    fn key_field(&self, field: &str) -> Result<Value> {
        let primary_key = Self::primary_key_now(&self.now()?, &self.before()?);
        let held = self.held(primary_key.as_ref());
        if self.deleted || held.is_copy() {
            held.key()?;
        }
        let value = self.row.field(field)?.filter(|value| !value.is_null());
        value.ok_or_else(|| {
            let name = M::NAME;
            Error::decode(format!(
                "a row of `{name}` has no `{field}`, by which others point at it"
            ))
        })
    }

    fn url(&self) -> Result<String> {
        let collection = &self.manager.collection;
        let key = key_text(&self.key_field(M::meta().lookup_field())?).unwrap_or_default();
        let path = collection.endpoint()?.detail(&key)?;
        Ok(format!(
            "{}{}",
            collection.client()?.base_url(),
            path.path()
        ))
    }
}

/// A row, as the model reads it and would send it.
fn read_and_sent<M: ApiModel>(row: &Row) -> Result<Map<String, Value>> {
    to_object(&row.decode::<M>(M::NAME)?)
}

/// Values for a row as they are sent: objects with what the server's have and the model does not declare.
pub(crate) fn with_what_stays<M: ApiModel>(
    row: &Row,
    sent: Map<String, Value>,
) -> Result<Map<String, Value>> {
    if !sent.values().any(is_nested) {
        return Ok(sent);
    }
    whole::<M>(row, sent, &to_fields(&read_and_sent::<M>(row)?)?)
}

fn whole<M: ApiModel>(
    row: &Row,
    mut sent: Map<String, Value>,
    before: &Fields,
) -> Result<Map<String, Value>> {
    let nested = sent.iter().filter(|(_, value)| is_nested(value));
    for (name, value) in with_undeclared(M::meta(), row, to_fields(nested)?, before)? {
        let value = exact(&name, &value)?;
        sent.insert(name, value);
    }
    Ok(sent)
}

fn is_nested(value: &Value) -> bool {
    value.is_object() || value.is_array()
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
            related: self.related.clone(),
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
        self.sent_path().to_owned()
    }
}

impl<M> IntoFieldName<M> for &str {
    fn into_field_name(self) -> String {
        self.to_owned()
    }
}
