//! What the type of a field says of its values, for derived code: it holds objects of a schema, or a set.
//!
//! Derived code knows the type of a field by its name only, and asks the compiler. A method of `Typed` itself goes before one of a
//! trait; so [`Typed::describe`] is meant where the type is [`Described`], and [`Plain::describe`] otherwise.

use std::{
    collections::{BTreeSet, HashSet},
    marker::PhantomData,
};

use crate::{
    key::Key,
    model::{FieldMeta, Schema},
};

/// The type of a field.
#[derive(Debug)]
pub struct Typed<T>(PhantomData<T>);

impl<T> Typed<T> {
    /// The type.
    pub const TYPE: Self = Self(PhantomData);
}

/// A type that says more of its values.
pub trait Described {
    /// Adds what it says.
    fn describe(field: FieldMeta) -> FieldMeta;
}

impl<T: Described> Typed<T> {
    /// Adds what the type says.
    #[must_use]
    pub fn describe(&self, field: FieldMeta) -> FieldMeta {
        T::describe(field)
    }
}

/// Any other type.
pub trait Plain {
    /// The field as it is.
    #[must_use]
    fn describe(&self, field: FieldMeta) -> FieldMeta {
        field
    }
}

impl<T> Plain for Typed<T> {}

macro_rules! describe {
    ($($parameter:ident $(: $bound:path)?, $ty:ty => $method:ident $(::<$argument:ident>)?;)+) => {$(
        impl<$parameter $(: $bound)?> Described for $ty {
            fn describe(field: FieldMeta) -> FieldMeta {
                field.$method $(::<$argument>)? ()
            }
        }
    )+};
}

describe! {
    N: Schema, N => holding::<N>;
    N: Schema, Option<N> => holding::<N>;
    N: Schema, Vec<N> => holding::<N>;
    N: Schema, Option<Vec<N>> => holding::<N>;
    T, BTreeSet<T> => unordered;
    T, Option<BTreeSet<T>> => unordered;
}

impl<T, S> Described for HashSet<T, S> {
    fn describe(field: FieldMeta) -> FieldMeta {
        field.unordered()
    }
}

impl<T, S> Described for Option<HashSet<T, S>> {
    fn describe(field: FieldMeta) -> FieldMeta {
        field.unordered()
    }
}

impl<M, F> Described for Key<M, F> {
    fn describe(field: FieldMeta) -> FieldMeta {
        field.by_value()
    }
}

impl<M, F> Described for Option<Key<M, F>> {
    fn describe(field: FieldMeta) -> FieldMeta {
        field.by_value()
    }
}

impl<M, F> Described for Vec<Key<M, F>> {
    fn describe(field: FieldMeta) -> FieldMeta {
        field.unordered()
    }
}
