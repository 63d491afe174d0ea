//! How the queries of a blocking manager, or one query, behave: the same table as for the asynchronous ones.

use super::{manager::Manager, queryset::QuerySet};
use crate::{ApiModel, query_settings::with_query_settings};

macro_rules! define {
    ($(
        $(#[doc = $text:literal])+
        $name:ident($argument:ident: $given:ty) => |$manager:ident| $set:expr;
    )+) => {
        impl<M: ApiModel> Manager<M> {$(
            $(#[doc = $text])+
            #[must_use]
            pub fn $name(&self, $argument: $given) -> Self {
                Self(self.0.$name($argument))
            }
        )+}

        impl<M: ApiModel> QuerySet<M> {$(
            $(#[doc = $text])+
            pub fn $name(&self, $argument: $given) -> Self {
                Self(self.0.$name($argument))
            }
        )+}
    };
}
with_query_settings!(define);
