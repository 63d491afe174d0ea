//! The cases, one file for each part of the API. How to write one:
//!
//! * an `async fn` with `#[case]` that takes a [`Site`](super::site::Site) and gives an `Outcome`, listed under `cases!` at the
//!   end of its file: under `writes` if it changes rows, which are put back after it;
//! * `.await` stands outside of macros such as `assert_eq!`, where `#[case]` cannot see it;
//! * `querysets.fetch().await`, not `queryset.await`, and `stream()` with `try_next()`: both halves have these;
//! * what is expected comes from [`fixture`](crate::fixture); what it costs from `site.cost()`.

mod bulk;
mod clients;
mod conditions;
mod conflicts;
mod creating;
mod deleting;
mod errors;
mod failures;
mod first_and_last;
mod getting;
mod http2;
mod in_bulk;
mod listing;
mod lookups;
mod matrix;
mod ordering;
mod picking;
mod relations;
mod routes;
mod saving;
mod slicing;
mod text_lookups;
mod unfiltered;
mod upserting;
mod values;

pub(crate) fn all() -> Vec<crate::Case> {
    [
        listing::all(),
        getting::all(),
        first_and_last::all(),
        slicing::all(),
        ordering::all(),
        lookups::all(),
        text_lookups::all(),
        conditions::all(),
        unfiltered::all(),
        values::all(),
        in_bulk::all(),
        picking::all(),
        creating::all(),
        upserting::all(),
        bulk::all(),
        saving::all(),
        deleting::all(),
        conflicts::all(),
        relations::all(),
        routes::all(),
        errors::all(),
        failures::all(),
        clients::all(),
        http2::all(),
        matrix::all(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
