//! What rows show of a field, at their top level or in a related row.

use std::collections::HashSet;

use django_api_orm_core::{
    Result,
    evaluate::{FieldPlace, Fields, may_be_equal},
    row::Row,
};
use serde_json::Value;

/// A field as rows show it.
#[derive(Debug)]
pub(crate) struct Shown {
    place: FieldPlace,
    roots: Vec<String>,
}

impl Shown {
    pub(crate) fn new(path: &str, fields: &Fields) -> Self {
        let place = FieldPlace::new(path, fields);
        let roots = place.roots();
        Self { place, roots }
    }

    /// The top-level keys of a row that are looked at.
    pub(crate) fn roots(&self) -> &[String] {
        &self.roots
    }

    /// What the row shows; null where it has no such field.
    pub(crate) fn of(&self, row: &Row) -> Result<Value> {
        let picked = row.pick(&self.roots)?;
        Ok(self.place.value(&picked).cloned().unwrap_or_default())
    }

    /// What the first row shows.
    pub(crate) fn first(&self, rows: &[Row]) -> Result<Option<Value>> {
        rows.first().map(|row| self.of(row)).transpose()
    }

    /// The different texts.
    pub(crate) fn texts(&self, rows: &[Row]) -> Result<HashSet<String>> {
        let mut texts = HashSet::new();
        for row in rows {
            if let Value::String(text) = self.of(row)? {
                texts.insert(text);
            }
        }
        Ok(texts)
    }

    /// The texts that come more than once, as the labels of a few choices do.
    pub(crate) fn repeated(&self, rows: &[Row]) -> Result<HashSet<String>> {
        let mut texts = HashSet::new();
        let mut repeated = HashSet::new();
        for row in rows {
            if let Value::String(text) = self.of(row)?
                && !texts.insert(text.clone())
            {
                repeated.insert(text);
            }
        }
        Ok(repeated)
    }

    /// The rows that show exactly this text or number.
    pub(crate) fn showing<'r>(&self, rows: &'r [Row], text: &str) -> Result<Vec<&'r Row>> {
        let mut showing = Vec::new();
        for row in rows {
            let shown = match self.of(row)? {
                Value::Number(number) => number.to_string().into(),
                shown => shown,
            };
            if shown.as_str() == Some(text) {
                showing.push(row);
            }
        }
        Ok(showing)
    }

    /// The different texts and numbers, as a query string has them.
    pub(crate) fn as_text(&self, rows: &[Row]) -> Result<HashSet<String>> {
        let mut shown = HashSet::new();
        for row in rows {
            match self.of(row)? {
                Value::String(text) => shown.insert(text),
                Value::Number(number) => shown.insert(number.to_string()),
                _ => continue,
            };
        }
        Ok(shown)
    }

    /// Whether a row shows exactly this text: in another case it may be a label, such as `Active` for `ACTIVE`.
    pub(crate) fn is_in(&self, rows: &[Row], text: &Value) -> Result<bool> {
        for row in rows {
            if self.of(row)? == *text {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The place of the first row that shows another value than this text, as any database compares them.
    pub(crate) fn position_of_other(&self, rows: &[Row], text: &Value) -> Result<Option<usize>> {
        for (position, row) in rows.iter().enumerate() {
            let shown = self.of(row)?;
            if shown != *text && !are_alike(&shown, text) {
                return Ok(Some(position));
            }
        }
        Ok(None)
    }

    /// The place of the first row that shows another value than the first one.
    pub(crate) fn position_of_another(&self, rows: &[Row]) -> Result<Option<usize>> {
        match self.first(rows)? {
            Some(text) => self.position_of_other(rows, &text),
            None => Ok(None),
        }
    }
}

/// Whether two texts are equal for some database: they differ in case, in accents, or in blanks around them, alone.
pub(crate) fn are_alike(one: &Value, other: &Value) -> bool {
    match (one.as_str(), other.as_str()) {
        (Some(one), Some(other)) => may_be_equal(one.trim(), other.trim()),
        _ => false,
    }
}
