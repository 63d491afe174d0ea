//! The engine under managers and querysets: plans in, rows as bytes out. Knows no model type.

mod answers;
mod check;
mod collection;
mod conditional;
mod create;
mod detail;
mod documents;
mod ignored;
mod joined;
mod keyset;
mod look;
mod order_watch;
mod pages;
mod parts;
mod probing;
mod reading;
mod reconcile;
mod related;
mod repetition;
mod shown;
mod sort;
mod sort_keys;
mod together;
mod values;
mod walk;
mod writes;

pub use collection::Collection;
pub(crate) use collection::to_object;
pub use conditional::Precaution;
pub use create::Upsert;
pub use joined::Join;
pub use keyset::KeysetWalk;
pub use related::Related;
pub(crate) use values::behind;
pub use walk::Walk;
pub use writes::Change;
