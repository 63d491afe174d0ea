//! The engine under managers and querysets: plans in, rows as bytes out. Knows no model type.

mod answers;
mod assigned;
mod check;
mod collection;
mod create;
mod keyset;
mod pages;
mod proof;
mod sort;
mod walk;
mod writes;

pub use assigned::Assigned;
pub use collection::Collection;
pub(crate) use collection::to_object;
pub use keyset::KeysetWalk;
pub use walk::Walk;
