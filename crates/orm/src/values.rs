//! Some fields of a row, typed: what `values_list` gives.

use django_api_orm_core::{ApiModel, Error, Field, Result, row::Row};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::query::behind;

/// A field, or a tuple of up to eight fields, of the model `M`: each a [`Field`], or its path in Django's spelling, `"author__name"`, which
/// gives a [`Value`].
pub trait FieldList<M>: Send + Sync {
    /// The value of the field, or the tuple of the values.
    type Output;

    /// The paths of the fields.
    fn paths(&self) -> Vec<String>;

    /// Reads the fields of one row.
    ///
    /// # Errors
    /// `Decode` when the row lacks a field or has another type there.
    fn read(&self, row: &Row) -> Result<Self::Output>;
}

/// What names one field: a [`Field`], or a path.
pub trait FieldPath<M>: Send + Sync {
    /// Its value.
    type Value: DeserializeOwned;

    /// Its path.
    fn path(&self) -> &str;
}

impl<M, T: DeserializeOwned> FieldPath<M> for Field<M, T> {
    type Value = T;

    fn path(&self) -> &str {
        Self::path(self)
    }
}

impl<M> FieldPath<M> for &str {
    type Value = Value;

    fn path(&self) -> &str {
        self
    }
}

impl<M> FieldPath<M> for String {
    type Value = Value;

    fn path(&self) -> &str {
        self
    }
}

macro_rules! one_field {
    ($($field:ty [$($generic:ident)?]),+) => {$(
        impl<M: ApiModel $(, $generic: DeserializeOwned)?> FieldList<M> for $field {
            type Output = <Self as FieldPath<M>>::Value;

            fn paths(&self) -> Vec<String> {
                vec![FieldPath::<M>::path(self).to_owned()]
            }

            fn read(&self, row: &Row) -> Result<Self::Output> {
                value::<M, Self>(self, &picked(row, &[FieldPath::<M>::path(self)])?)
            }
        }
    )+};
}

one_field!(Field<M, T> [T], &str [], String []);

macro_rules! field_tuples {
    ($(($($name:ident $index:tt),+))*) => {$(
        impl<M: ApiModel, $($name: FieldPath<M>),+> FieldList<M> for ($($name,)+) {
            type Output = ($($name::Value,)+);

            fn paths(&self) -> Vec<String> {
                vec![$(self.$index.path().to_owned()),+]
            }

            fn read(&self, row: &Row) -> Result<Self::Output> {
                let fields = picked(row, &[$(self.$index.path()),+])?;
                Ok(($(value(&self.$index, &fields)?,)+))
            }
        }
    )*};
}

field_tuples! {
    (A 0)
    (A 0, B 1)
    (A 0, B 1, C 2)
    (A 0, B 1, C 2, D 3)
    (A 0, B 1, C 2, D 3, E 4)
    (A 0, B 1, C 2, D 3, E 4, F 5)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6)
    (A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7)
}

/// The fields in which the paths begin, and what stands behind those that lead to other rows.
fn picked(row: &Row, paths: &[&str]) -> Result<Map<String, Value>> {
    if !paths.iter().any(|path| path.contains("__")) {
        return row.pick(paths);
    }
    let parts = paths.iter().map(|path| path.split_once("__"));
    let heads: Vec<String> = (parts.flatten()).map(|(head, _)| behind(head)).collect();
    let roots = paths.iter().filter_map(|path| path.split("__").next());
    let names: Vec<&str> = roots.chain(heads.iter().map(String::as_str)).collect();
    row.pick(&names)
}

fn value<M: ApiModel, F: FieldPath<M>>(field: &F, fields: &Map<String, Value>) -> Result<F::Value> {
    let path = field.path();
    let found = at(fields, path);
    let found =
        found.ok_or_else(|| Error::decode(format!("a row of `{}` has no `{path}`", M::NAME)))?;
    serde::Deserialize::deserialize(found).map_err(|error: serde_json::Error| {
        Error::decode(format!(
            "a row of `{}` does not fit: `{path}`: {error}",
            M::NAME
        ))
        .with_source(error)
    })
}

fn at<'v>(fields: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    let Some((head, rest)) = path.split_once("__") else {
        return fields.get(path);
    };
    match fields.get(&behind(head)).or_else(|| fields.get(head))? {
        Value::Object(inner) => at(inner, rest),
        // What is null has only nulls, be it a nested object or a related row.
        Value::Null => Some(&Value::Null),
        _ => None,
    }
}
