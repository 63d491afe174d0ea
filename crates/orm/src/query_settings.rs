//! How the queries of a manager, or one query, behave: one table of setters for `Manager` and `QuerySet`, asynchronous and
//! blocking. Each borrows and gives a new one, as every method of both does.

use std::sync::Arc;

use django_api_orm_core::ApiModel;

use crate::{manager::Manager, queryset::QuerySet};

/// Calls a macro with every row of the table: the text; name(argument) => what it does to a manager.
macro_rules! with_query_settings {
    ($callback:ident) => {
        $callback! {
            /// What happens when the server ignores a filter, an ordering, a limit or an offset.
            on_ignored(on_ignored: crate::OnIgnored) => |manager| collection(manager).policy.on_ignored = on_ignored;
            /// What happens when the data moves during a walk over pages.
            on_drift(on_drift: crate::OnDrift) => |manager| collection(manager).policy.on_drift = on_drift;
            /// What happens when the answer to a write shows that the server did not keep a value that it was sent.
            on_unsaved(on_unsaved: crate::OnUnsaved) => |manager| collection(manager).policy.on_unsaved = on_unsaved;
            /// What happens when a relation is asked for row by row: see [`related`](crate::related#a-loop-over-rows).
            on_n_plus_one(on_n_plus_one: crate::OnNPlusOne) => |manager| collection(manager).policy.on_n_plus_one = on_n_plus_one;
            /// The most rows that one query reads when a part of it is evaluated client-side.
            max_scan(rows: u64) => |manager| collection(manager).policy.max_scan = rows;
            /// Rows asked for in a page, where the paginator allows it.
            page_size(rows: u64) => |manager| collection(manager).policy.page_size = Some(rows.max(1));
            /// Pages read ahead at the same time, where the server counts its rows; 1 reads one page after the other.
            read_ahead(pages: usize) => |manager| collection(manager).policy.read_ahead = pages.max(1);
            /// Where nulls stand when rows are sorted client-side.
            nulls(nulls: crate::NullOrder) => |manager| collection(manager).policy.nulls = nulls;
            /// The time for each call, its retries and waits included, in place of the client's. It also holds for the instances
            /// that the query gives.
            timeout(time: std::time::Duration) => |manager| collection(manager).limit_time(time);
            /// Requests in flight at the same time in `bulk_create`, `in_bulk` and writes on a queryset. The default is 8.
            concurrency(requests: usize) => |manager| manager.concurrency = requests.max(1);
            /// Replaces every setting of how queries behave.
            with_policy(policy: crate::Policy) => |manager| collection(manager).policy = policy;
            /// Replaces the names that the server has for ordering and search.
            with_dialect(dialect: crate::dialect::Dialect) => |manager| collection(manager).dialect = Arc::new(dialect);
            /// Declares how the endpoint pages, instead of recognising it from its first answers. For parameters with other
            /// names than DRF's, and for servers that give neither a link nor a count.
            with_pagination(pagination: crate::Pagination) => |manager| collection(manager).declare_pagination(pagination);
        }
    };
}
pub(crate) use with_query_settings;

fn collection<M>(manager: &mut Manager<M>) -> &mut crate::query::Collection {
    Arc::make_mut(&mut manager.collection)
}

macro_rules! define {
    ($(
        $(#[doc = $text:literal])+
        $name:ident($argument:ident: $given:ty) => |$manager:ident| $set:expr;
    )+) => {
        impl<M: ApiModel> Manager<M> {$(
            $(#[doc = $text])+
            #[must_use]
            pub fn $name(&self, $argument: $given) -> Self {
                let mut changed = self.clone();
                let $manager = &mut changed;
                $set;
                changed
            }
        )+}

        impl<M: ApiModel> QuerySet<M> {$(
            $(#[doc = $text])+
            pub fn $name(&self, $argument: $given) -> Self {
                self.on_manager(|manager| manager.$name($argument))
            }
        )+}
    };
}
with_query_settings!(define);
