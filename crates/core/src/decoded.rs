//! Rows as values of a type, decoded in the same pass that cuts their page into rows.
//!
//! What a page is and where its rows are knows no types, and what a query does with rows knows none either. So the values lie
//! beside their page, and a row knows its place there; whoever wants the value takes it.

use std::{
    any::Any,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use serde::de::DeserializeOwned;

/// A type that rows are decoded to.
#[derive(Clone, Copy)]
pub struct RowType {
    page: fn() -> Box<dyn Decoder>,
    alone: fn(&[u8]) -> Option<Decoded>,
}

impl RowType {
    /// The rows as values of `T`. A row that does not fit is an error only for whoever wants its value.
    #[must_use]
    pub fn of<T: DeserializeOwned + Send + 'static>() -> Self {
        Self {
            page: || Box::new(Values::<T>(Vec::new())),
            alone: |text| Some(Decoded::alone::<T>(serde_json::from_slice(text).ok()?)),
        }
    }

    pub(crate) fn decoder(self) -> Box<dyn Decoder> {
        (self.page)()
    }

    /// What the whole text decodes to; `None` for a row that does not fit, and for text with something after it.
    pub(crate) fn decode(self, text: &[u8]) -> Option<Decoded> {
        (self.alone)(text)
    }
}

impl fmt::Debug for RowType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RowType")
    }
}

/// Decodes the rows of one page.
pub(crate) trait Decoder {
    /// Decodes the row at the beginning of the text, which has no space before it, and gives its length; `None` for a row that
    /// does not fit, or is none.
    fn decode(&mut self, text: &str) -> Option<usize>;

    /// Makes room for so many more rows.
    fn reserve(&mut self, rows: usize);

    /// What was decoded.
    fn finish(self: Box<Self>) -> Arc<dyn Any + Send + Sync>;
}

/// The values of a page; `None` for a row that does not fit, and for a value that was taken.
struct Values<T>(Vec<Option<T>>);

impl<T: DeserializeOwned + Send + 'static> Decoder for Values<T> {
    fn decode(&mut self, text: &str) -> Option<usize> {
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<T>();
        let value = values.next().and_then(Result::ok);
        let fits = value.is_some();
        self.0.push(value);
        fits.then(|| values.byte_offset())
    }

    fn reserve(&mut self, rows: usize) {
        self.0.reserve(rows);
    }

    fn finish(self: Box<Self>) -> Arc<dyn Any + Send + Sync> {
        Arc::new(Mutex::new(self.0))
    }
}

/// The place of a row's value beside its page.
#[derive(Clone)]
pub(crate) struct Decoded {
    values: Arc<dyn Any + Send + Sync>,
    place: usize,
}

impl Decoded {
    /// The value of a row that came alone.
    fn alone<T: Send + 'static>(value: T) -> Self {
        Self {
            values: Arc::new(Mutex::new(vec![Some(value)])),
            place: 0,
        }
    }

    pub(crate) fn new(values: &Arc<dyn Any + Send + Sync>, place: usize) -> Self {
        Self {
            values: Arc::clone(values),
            place,
        }
    }

    pub(crate) fn take<T: Send + 'static>(self) -> Option<T> {
        let values: &Mutex<Vec<Option<T>>> = self.values.downcast_ref()?;
        let mut values = values.lock().unwrap_or_else(PoisonError::into_inner);
        values.get_mut(self.place)?.take()
    }
}

impl fmt::Debug for Decoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Decoded").field(&self.place).finish()
    }
}
