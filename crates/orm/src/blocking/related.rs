//! Relations of the blocking half.

use std::{fmt, ops::Deref, panic::Location, sync::Arc};

use serde::Serialize;

use super::{instance::Instance, queryset::QuerySet, runtime::wait};
use crate::{
    ApiModel, Field, IntoKey, Key, KeyForm, Keyed, Result,
    related::{Follow, FollowMut, Followed, Relates, following},
};

/// A row that another one points at. It is read as the model; [`into_instance`](Self::into_instance) gives what can be saved.
pub struct Related<M>(Arc<crate::Instance<M>>);

impl<M: ApiModel + Clone> Related<M> {
    /// The row with its way back to the server.
    #[must_use]
    pub fn into_instance(self) -> Instance<M> {
        Instance(Arc::unwrap_or_clone(self.0))
    }
}

impl<M> Deref for Related<M> {
    type Target = M;

    fn deref(&self) -> &M {
        &self.0
    }
}

impl<M> Clone for Related<M> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<M: fmt::Debug> fmt::Debug for Related<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<M: PartialEq> PartialEq for Related<M> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// The rows that point at a row. See the asynchronous [`RelatedManager`](crate::RelatedManager).
#[must_use = "a queryset sends nothing until its rows are asked for"]
pub struct RelatedManager<N> {
    of: crate::RelatedManager<N>,
    rows: QuerySet<N>,
}

impl<N: ApiModel> RelatedManager<N> {
    fn new(of: crate::RelatedManager<N>) -> Self {
        let rows = QuerySet(of.all());
        Self { of, rows }
    }

    /// See [`all`](crate::RelatedManager::all).
    pub fn all(&self) -> QuerySet<N> {
        self.rows.clone()
    }

    /// See [`rows`](crate::RelatedManager::rows).
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    pub fn rows(&self) -> Result<Vec<Related<N>>> {
        let rows = wait(self.of.rows())??;
        Ok(rows.into_iter().map(Related).collect())
    }

    /// See [`create`](crate::RelatedManager::create).
    ///
    /// # Errors
    /// As there.
    pub fn create<B: Serialize + ?Sized>(&self, row: &B) -> Result<Instance<N>> {
        wait(self.of.create(row))?.map(Instance)
    }
}

impl<N> Deref for RelatedManager<N> {
    type Target = QuerySet<N>;

    fn deref(&self) -> &QuerySet<N> {
        &self.rows
    }
}

impl<N> Clone for RelatedManager<N> {
    fn clone(&self) -> Self {
        Self {
            of: self.of.clone(),
            rows: self.rows.clone(),
        }
    }
}

impl<N: ApiModel> fmt::Debug for RelatedManager<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.of.fmt(f)
    }
}

/// The list of keys of a row. See the asynchronous [`RelatedKeys`](crate::RelatedKeys) for what each method does, costs and raises.
#[must_use = "nothing is sent before one of its methods is called"]
pub struct RelatedKeys<'a, M, N, F>(crate::RelatedKeys<'a, M, N, F>);

impl<M: ApiModel, N: ApiModel, F: KeyForm> RelatedKeys<'_, M, N, F> {
    /// See [`add`](crate::RelatedKeys::add).
    ///
    /// # Errors
    /// As there.
    #[expect(clippy::should_implement_trait, reason = "Django's name")]
    pub fn add<K: IntoKey<N, F>>(self, rows: impl IntoIterator<Item = K>) -> Result<()> {
        wait(self.0.add(rows))?
    }

    /// See [`remove`](crate::RelatedKeys::remove).
    ///
    /// # Errors
    /// As there.
    pub fn remove<K: IntoKey<N, F>>(self, rows: impl IntoIterator<Item = K>) -> Result<()> {
        wait(self.0.remove(rows))?
    }

    /// See [`set`](crate::RelatedKeys::set).
    ///
    /// # Errors
    /// As there.
    pub fn set<K: IntoKey<N, F>>(self, rows: impl IntoIterator<Item = K>) -> Result<()> {
        wait(self.0.set(rows))?
    }

    /// See [`clear`](crate::RelatedKeys::clear).
    ///
    /// # Errors
    /// As there.
    pub fn clear(self) -> Result<()> {
        wait(self.0.clear())?
    }

    /// See [`create`](crate::RelatedKeys::create).
    ///
    /// # Errors
    /// As there.
    pub fn create<B: Serialize + ?Sized>(self, row: &B) -> Result<Instance<N>> {
        wait(self.0.create(row))?.map(Instance)
    }
}

impl<M: ApiModel, N, F> fmt::Debug for RelatedKeys<'_, M, N, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<M: ApiModel> FollowMut for Instance<M> {
    type Keys<'a, N: ApiModel, F: KeyForm> = RelatedKeys<'a, M, N, F>;

    fn follow_mut<N: ApiModel, F: KeyForm>(
        &mut self,
        field: Field<M, Vec<Key<N, F>>>,
    ) -> RelatedKeys<'_, M, N, F> {
        RelatedKeys(crate::RelatedKeys::new(&mut self.0, field))
    }
}

macro_rules! follow {
    ($($row:ident),+) => {$(
        impl<M: ApiModel> Follow for $row<M> {
            type Model = M;
            type Answer<T: Send + 'static> = Result<T>;
            type Row<N: ApiModel> = Related<N>;
            type Manager<N: ApiModel> = RelatedManager<N>;

            fn follow<T: Relates>(
                &self,
                field: Field<M, T>,
                held: impl FnOnce(&M) -> &T,
            ) -> Followed<Self, T> {
                let line = Location::caller();
                wait(following(&self.0, field, held(self), line, Related))?
            }

            fn back<N: ApiModel, T: Relates<Model = M>>(
                &self,
                field: Field<N, T>,
            ) -> RelatedManager<N> {
                RelatedManager::new(self.0.back(field))
            }

            fn back_at<N: ApiModel, T: Relates<Model = M>>(
                &self,
                field: Field<N, T>,
                route: &str,
            ) -> RelatedManager<N> {
                RelatedManager::new(self.0.back_at(field, route))
            }
        }

        impl<M: ApiModel> Keyed<M> for $row<M> {
            fn key_field(&self, field: &str) -> Result<serde_json::Value> {
                self.0.key_field(field)
            }

            fn url(&self) -> Result<String> {
                self.0.url()
            }
        }
    )+};
}

follow!(Instance, Related);
