//! The blocking [`Instance`].

use std::{
    fmt,
    ops::{Deref, DerefMut},
};

use bytes::Bytes;
use http::Method;
use serde::Serialize;

use super::{manager::Manager, runtime::wait};
use crate::{ApiModel, ApiResponse, DeleteOptions, IntoFieldName, Result, SaveOptions};

/// A row with its way back to the server. See the asynchronous [`Instance`](crate::Instance) for what each method does, costs
/// and raises.
pub struct Instance<M>(pub(super) crate::Instance<M>);

impl<M: ApiModel> Instance<M> {
    /// See [`save`](crate::Instance::save).
    ///
    /// # Errors
    /// As there.
    pub fn save(&mut self) -> Result<()> {
        wait(self.0.save())?
    }

    /// See [`save_with`](crate::Instance::save_with).
    ///
    /// # Errors
    /// As there.
    pub fn save_with(&mut self, options: SaveOptions) -> Result<()> {
        wait(self.0.save_with(options))?
    }

    /// See [`save_fields`](crate::Instance::save_fields).
    ///
    /// # Errors
    /// As there.
    pub fn save_fields<F: IntoFieldName<M>>(
        &mut self,
        fields: impl IntoIterator<Item = F>,
    ) -> Result<()> {
        wait(self.0.save_fields(fields))?
    }

    /// See [`delete`](crate::Instance::delete).
    ///
    /// # Errors
    /// As there.
    pub fn delete(&mut self) -> Result<()> {
        wait(self.0.delete())?
    }

    /// See [`delete_with`](crate::Instance::delete_with).
    ///
    /// # Errors
    /// As there.
    pub fn delete_with(&mut self, options: DeleteOptions) -> Result<()> {
        wait(self.0.delete_with(options))?
    }

    /// See [`refresh_from_api`](crate::Instance::refresh_from_api).
    ///
    /// # Errors
    /// As there.
    pub fn refresh_from_api(&mut self) -> Result<()> {
        wait(self.0.refresh_from_api())?
    }

    /// See [`pk`](crate::Instance::pk).
    ///
    /// # Errors
    /// As there.
    pub fn pk(this: &Self) -> Result<M::Key> {
        crate::Instance::pk(&this.0)
    }

    /// See [`is_changed`](crate::Instance::is_changed).
    ///
    /// # Errors
    /// As there.
    pub fn is_changed(this: &Self) -> Result<bool> {
        crate::Instance::is_changed(&this.0)
    }

    /// See [`into_inner`](crate::Instance::into_inner).
    pub fn into_inner(this: Self) -> M {
        crate::Instance::into_inner(this.0)
    }

    /// See [`raw`](crate::Instance::raw).
    pub fn raw(this: &Self) -> &Bytes {
        crate::Instance::raw(&this.0)
    }

    /// See [`manager`](crate::Instance::manager).
    pub fn manager(this: &Self) -> Manager<M> {
        Manager(crate::Instance::manager(&this.0).clone())
    }

    /// See [`related`](crate::Instance::related).
    ///
    /// # Errors
    /// As there.
    pub fn related<N: ApiModel>(this: &mut Self, route: &str) -> Result<Manager<N>> {
        crate::Instance::related(&mut this.0, route).map(Manager)
    }

    /// See [`route`](crate::Instance::route).
    ///
    /// # Errors
    /// As there.
    pub fn route<B: Serialize + ?Sized>(
        this: &mut Self,
        method: Method,
        route: &str,
        body: Option<&B>,
    ) -> Result<ApiResponse> {
        wait(crate::Instance::route(&mut this.0, method, route, body))?
    }
}

impl<M> Deref for Instance<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.0
    }
}

impl<M> DerefMut for Instance<M> {
    fn deref_mut(&mut self) -> &mut M {
        &mut self.0
    }
}

impl<M: Clone> Clone for Instance<M> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<M: fmt::Debug> fmt::Debug for Instance<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<M: PartialEq> PartialEq for Instance<M> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<M: Serialize> Serialize for Instance<M> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}
