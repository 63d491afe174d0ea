//! Some fields of a row, typed: what `values_list` gives.

use django_api_orm_core::{ApiModel, Error, Field, Result, row::Row};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A field, or a tuple of up to eight fields, of the model `M`.
pub trait FieldList<M>: Send + Sync {
    /// The value of the field, or the tuple of the values.
    type Output;

    /// Reads the fields of one row.
    ///
    /// # Errors
    /// `Decode` when the row lacks a field or has another type there.
    fn read(&self, row: &Row) -> Result<Self::Output>;
}

impl<M: ApiModel, T: DeserializeOwned> FieldList<M> for Field<M, T> {
    type Output = T;

    fn read(&self, row: &Row) -> Result<T> {
        value(self, &row.pick(&[root(self)])?)
    }
}

macro_rules! field_tuples {
    ($(($($name:ident $index:tt),+))*) => {$(
        impl<M: ApiModel, $($name: DeserializeOwned),+> FieldList<M> for ($(Field<M, $name>,)+) {
            type Output = ($($name,)+);

            fn read(&self, row: &Row) -> Result<Self::Output> {
                let fields = row.pick(&[$(root(&self.$index)),+])?;
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

fn root<M, T>(field: &Field<M, T>) -> &str {
    field.path().split("__").next().unwrap_or_default()
}

fn value<M: ApiModel, T: DeserializeOwned>(
    field: &Field<M, T>,
    fields: &Map<String, Value>,
) -> Result<T> {
    let path = field.path();
    let mut parts = path.split("__");
    let mut found = fields.get(parts.next().unwrap_or_default());
    for part in parts {
        found = match found {
            Some(Value::Object(inner)) => inner.get(part),
            // A nested object that is null has only nulls.
            Some(Value::Null) => Some(&Value::Null),
            _ => None,
        };
    }
    let found =
        found.ok_or_else(|| Error::decode(format!("a row of `{}` has no `{path}`", M::NAME)))?;
    T::deserialize(found).map_err(|error| {
        Error::decode(format!(
            "a row of `{}` does not fit: `{path}`: {error}",
            M::NAME
        ))
        .with_source(error)
    })
}
