//! The engine under managers and querysets: plans in, rows as bytes out. Knows no model type.

mod answers;
mod check;
mod collection;
mod keyset;
mod pages;
mod proof;
mod sort;
mod walk;
mod writes;

pub(crate) use collection::{Collection, key_text, to_object};
pub(crate) use keyset::KeysetWalk;
pub(crate) use walk::Walk;
