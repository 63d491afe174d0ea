//! From Rust values to JSON values, with nothing lost on the way.

use serde::{
    Serialize,
    ser::{self, Error as _},
};
use serde_json::Value;

/// The JSON form of a value.
///
/// Unlike [`serde_json::to_value`] it refuses a NaN or an infinity, which would become a silent `null`.
///
/// # Errors
/// The value holds a float that is not finite, or cannot be serialised.
pub fn to_json<T: Serialize + ?Sized>(value: &T) -> Result<Value, serde_json::Error> {
    let json = serde_json::to_value(value)?;
    if has_null(&json) {
        value.serialize(FiniteOnly)?;
    }
    Ok(json)
}

/// An integer in JSON text that 64 bits cannot hold: it would be rounded as a [`Value`].
#[must_use]
pub fn wide_integer(text: &[u8]) -> Option<&str> {
    let mut in_string = false;
    let mut escaped = false;
    let outside = |byte: &u8| {
        let quote = *byte == b'"' && !escaped;
        escaped = in_string && *byte == b'\\' && !escaped;
        in_string ^= quote;
        in_string || !matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')
    };
    text.split(outside)
        .filter_map(|token| std::str::from_utf8(token).ok())
        .filter(|token| token.len() >= 19 && !token.contains(['.', 'e', 'E']))
        .find(|token| token.parse::<i64>().is_err() && token.parse::<u64>().is_err())
}

/// JSON text without the byte order mark that some servers put in front of it.
#[must_use]
pub fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

fn has_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(has_null),
        Value::Object(fields) => fields.values().any(has_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

/// A serializer without output: it only looks for floats that JSON cannot hold.
struct FiniteOnly;

fn finite(value: f64) -> Result<(), serde_json::Error> {
    if value.is_finite() {
        Ok(())
    } else {
        Err(serde_json::Error::custom(format!(
            "{value} cannot be written as JSON"
        )))
    }
}

macro_rules! ignore {
    ($($method:ident($($arg:ty),*)),* $(,)?) => {
        $(fn $method(self, $(_: $arg),*) -> Result<(), Self::Error> { Ok(()) })*
    };
}

impl ser::Serializer for FiniteOnly {
    type Ok = ();
    type Error = serde_json::Error;
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    ignore!(
        serialize_bool(bool),
        serialize_i8(i8),
        serialize_i16(i16),
        serialize_i32(i32),
        serialize_i64(i64),
        serialize_i128(i128),
        serialize_u8(u8),
        serialize_u16(u16),
        serialize_u32(u32),
        serialize_u64(u64),
        serialize_u128(u128),
        serialize_char(char),
        serialize_str(&str),
        serialize_bytes(&[u8]),
        serialize_none(),
        serialize_unit(),
        serialize_unit_struct(&'static str),
        serialize_unit_variant(&'static str, u32, &'static str),
    );

    fn serialize_f32(self, value: f32) -> Result<(), Self::Error> {
        finite(value.into())
    }

    fn serialize_f64(self, value: f64) -> Result<(), Self::Error> {
        finite(value)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Self::Error> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Self::Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        value: &T,
    ) -> Result<(), Self::Error> {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self, Self::Error> {
        Ok(self)
    }

    fn serialize_tuple(self, _: usize) -> Result<Self, Self::Error> {
        Ok(self)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self, Self::Error> {
        Ok(self)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Self::Error> {
        Ok(self)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self, Self::Error> {
        Ok(self)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Self::Error> {
        Ok(self)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self, Self::Error> {
        Ok(self)
    }
}

macro_rules! visit_each {
    ($($compound:ident::$method:ident($($skip:ty),*)),* $(,)?) => {
        $(impl ser::$compound for FiniteOnly {
            type Ok = ();
            type Error = serde_json::Error;

            fn $method<T: Serialize + ?Sized>(&mut self, $(_: $skip,)* value: &T) -> Result<(), Self::Error> {
                value.serialize(FiniteOnly)
            }

            fn end(self) -> Result<(), Self::Error> {
                Ok(())
            }
        })*
    };
}

visit_each!(
    SerializeSeq::serialize_element(),
    SerializeTuple::serialize_element(),
    SerializeTupleStruct::serialize_field(),
    SerializeTupleVariant::serialize_field(),
    SerializeStruct::serialize_field(&'static str),
    SerializeStructVariant::serialize_field(&'static str),
);

impl ser::SerializeMap for FiniteOnly {
    type Ok = ();
    type Error = serde_json::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, _: &T) -> Result<(), Self::Error> {
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Self::Error> {
        value.serialize(FiniteOnly)
    }

    fn end(self) -> Result<(), Self::Error> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn floats_that_json_cannot_hold_are_refused_wherever_they_hide() {
        #[derive(Serialize)]
        struct Row {
            name: Option<String>,
            scores: Vec<Option<f64>>,
        }
        let row = |score| Row {
            name: None,
            scores: vec![None, Some(score)],
        };
        assert_eq!(
            to_json(&row(0.5)).unwrap(),
            json!({"name": null, "scores": [null, 0.5]})
        );
        assert!(
            to_json(&row(f64::INFINITY))
                .unwrap_err()
                .to_string()
                .contains("inf")
        );
        assert!(to_json(&f32::NAN).is_err());
        assert!(to_json(&(1, f64::NAN)).is_err());
    }
}
