//! An answer cut into its rows and the fields around them, in one pass over the text: containers are walked here, and their
//! values are left to `serde_json`.

use std::{any::Any, collections::HashMap, sync::Arc};

use bytes::Bytes;
use serde::{Deserialize, de::Error as _};
use serde_json::{Error, Result, value::RawValue};

use super::{
    Fields,
    names::{LISTS, ROWS},
};
use crate::{
    decoded::{Decoded, Decoder, RowType},
    row::Row,
};

/// An envelope: the lists under names that rows have, and the other fields.
pub(super) struct Envelope<'a> {
    pub(super) fields: Fields<'a>,
    pub(super) lists: HashMap<String, List<'a>>,
    /// Something else than a list stands under a name that rows have.
    pub(super) is_odd: bool,
}

impl<'a> Envelope<'a> {
    pub(super) fn parse(body: &'a [u8], row_type: Option<RowType>) -> Result<Self> {
        let mut text = Text::new(body)?;
        let envelope = text.envelope(row_type)?;
        text.ends()?;
        Ok(envelope)
    }
}

/// The rows of an answer, and what they were decoded to.
pub(super) struct List<'a> {
    rows: Vec<&'a str>,
    decoder: Option<Box<dyn Decoder>>,
}

impl<'a> List<'a> {
    pub(super) fn parse(body: &'a [u8], row_type: Option<RowType>) -> Result<Self> {
        let mut text = Text::new(body)?;
        let list = text.list(row_type)?;
        text.ends()?;
        Ok(list)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn are_objects(&self) -> bool {
        self.rows.iter().all(|row| row.starts_with('{'))
    }

    /// The rows: slices of the body that they were cut from.
    pub(super) fn slices(self, body: &Bytes) -> Vec<Row> {
        let values: Option<Arc<dyn Any + Send + Sync>> = self.decoder.map(Decoder::finish);
        let rows = self.rows.into_iter().enumerate();
        rows.map(|(place, row)| {
            let value = values.as_ref().map(|values| Decoded::new(values, place));
            Row::decoded(body.slice_ref(row.as_bytes()), value)
        })
        .collect()
    }
}

/// JSON text from here on.
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    fn new(body: &'a [u8]) -> Result<Self> {
        std::str::from_utf8(body).map(Self).map_err(Error::custom)
    }

    /// The next byte that is no space.
    fn peek(&mut self) -> Option<u8> {
        let space = [' ', '\n', '\r', '\t'];
        if self.0.starts_with(space) {
            self.0 = self.0.trim_start_matches(space);
        }
        self.0.as_bytes().first().copied()
    }

    /// Goes on behind the next byte, if it is this one.
    fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        if is_next {
            self.skip(1);
        }
        is_next
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        match self.eat(byte) {
            true => Ok(()),
            false => Err(Error::custom(format!("expected `{}`", char::from(byte)))),
        }
    }

    fn skip(&mut self, bytes: usize) -> &'a str {
        let (before, after) = self.0.split_at_checked(bytes).unwrap_or((self.0, ""));
        self.0 = after;
        before
    }

    fn ends(&mut self) -> Result<()> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(Error::custom("trailing characters")),
        }
    }

    fn value<T: Deserialize<'a>>(&mut self) -> Result<T> {
        let mut values = serde_json::Deserializer::from_str(self.0).into_iter::<T>();
        let value = values
            .next()
            .unwrap_or_else(|| Err(Error::custom("the text ends where a value was expected")))?;
        let length = values.byte_offset();
        self.skip(length);
        Ok(value)
    }

    fn envelope(&mut self, row_type: Option<RowType>) -> Result<Envelope<'a>> {
        let (mut fields, mut lists) = (Fields::new(), HashMap::new());
        let mut is_odd = false;
        self.expect(b'{')?;
        let mut more = !self.eat(b'}');
        while more {
            let name: String = self.value()?;
            self.expect(b':')?;
            let is_list = self.peek() == Some(b'[');
            let of_rows = ROWS.contains(&name.as_str());
            if is_list && (of_rows || LISTS.contains(&name.as_str())) {
                lists.insert(name, self.list(row_type)?);
            } else if of_rows {
                self.value::<&RawValue>()?;
                lists.remove(&name);
                is_odd = true;
            } else {
                fields.insert(name, self.value()?);
            }
            more = self.eat(b',');
            if !more {
                self.expect(b'}')?;
            }
        }
        Ok(Envelope {
            fields,
            lists,
            is_odd,
        })
    }

    fn list(&mut self, row_type: Option<RowType>) -> Result<List<'a>> {
        let (mut rows, mut decoder) = (Vec::new(), row_type.map(RowType::decoder));
        self.expect(b'[')?;
        let whole = self.0.len();
        let mut more = !self.eat(b']');
        while more {
            self.peek();
            if rows.len() == rows.capacity() {
                let read = whole.saturating_sub(self.0.len());
                let more = rows_to_come(rows.len(), read, self.0.len());
                rows.reserve(more);
                if let Some(decoder) = &mut decoder {
                    decoder.reserve(more);
                }
            }
            let length = decoder.as_mut().and_then(|decoder| decoder.decode(self.0));
            rows.push(match length {
                Some(length) => self.skip(length),
                None => self.value::<&RawValue>()?.get(),
            });
            more = self.eat(b',');
            if !more {
                self.expect(b']')?;
            }
        }
        Ok(List { rows, decoder })
    }
}

/// For how many more rows there should be room, after so many in so many bytes: as many as the rest of the text holds of that
/// length, within bounds, so that a text of a few short rows takes no room that it does not need.
fn rows_to_come(rows: usize, read: usize, rest: usize) -> usize {
    let expected = rest
        .saturating_mul(rows)
        .checked_div(read)
        .unwrap_or_default();
    expected.clamp(rows / 2 + 4, rows.saturating_mul(7) + 4)
}

#[cfg(test)]
mod tests {
    use super::rows_to_come;

    #[test]
    fn there_is_room_for_as_many_rows_as_the_rest_holds_within_bounds() {
        for (rows, read, rest, room) in [
            (0, 0, 1000, 4),
            (10, 100, 300, 30),
            (10, 100, 0, 9),
            (10, 100, 50, 9),
            (10, 100, 9000, 74),
        ] {
            assert_eq!(rows_to_come(rows, read, rest), room, "{rows} in {read}");
        }
    }
}
