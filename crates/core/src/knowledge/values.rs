//! What the server has made of single values of a filter.
//!
//! A server may drop a value that it does not know, such as one that is no choice, and filter by all others. So a value that was
//! ignored says nothing of the others, until the parameter as a whole is shown to be ignored.

use std::{collections::VecDeque, sync::Arc};

use serde_json::Value;

use super::Knowledge;
use crate::{
    evaluate::{ColumnType, asks_fraction},
    lookup::{Lookup, Op},
    model::ModelMeta,
};

/// How many values of a parameter are kept: the latest ones.
const KEPT: usize = 64;

/// What stands before the names of fields whose values were asked for by each filter that there may be. No parameter begins so.
const TOLD: &str = " ";

/// What was made of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// It left out no row.
    Ignored,
    /// It was refused.
    Refused,
}

/// The latest values of a parameter that no row was left out for. Behind a pointer, as each query takes a copy of what is known.
#[derive(Debug, Clone, Default)]
pub(super) struct Values(Arc<VecDeque<(Value, Made)>>);

impl Values {
    fn of(&self, value: &Value) -> Option<Made> {
        let mut values = self.0.iter();
        values
            .find(|(known, _)| known == value)
            .map(|(_, made)| *made)
    }

    fn keep(&mut self, value: &Value, made: Made) {
        if self.of(value) == Some(made) {
            return;
        }
        let values = Arc::make_mut(&mut self.0);
        values.retain(|(known, _)| known != value);
        values.push_back((value.clone(), made));
        if values.len() > KEPT {
            values.pop_front();
        }
    }

    /// Without those that were ignored.
    pub(super) fn trusting(&mut self) {
        Arc::make_mut(&mut self.0).retain(|(_, made)| *made != Made::Ignored);
    }
}

impl Knowledge {
    /// Whether the server ignores the filter, with this value or with every one.
    ///
    /// ```
    /// use django_api_orm_core::{knowledge::Knowledge, lookup::Lookup};
    ///
    /// let kind = |kind: &str| Lookup::parse("kind", kind.into());
    /// let mut knowledge = Knowledge::default();
    /// knowledge.learn_ignored_value(&kind("z"));
    /// assert!(knowledge.ignores(&kind("z")) && !knowledge.ignores(&kind("a")));
    /// knowledge.learn_parameter("kind", false);
    /// assert!(knowledge.ignores(&kind("a")));
    /// ```
    #[must_use]
    pub fn ignores(&self, lookup: &Lookup) -> bool {
        let parameter = lookup.parameter();
        self.honours(&parameter) == Some(false)
            || self.made_of(&parameter, &lookup.value) == Some(Made::Ignored)
    }

    /// Whether the lookup asks for a fraction of whole numbers: a server cuts it off, and finds others.
    #[must_use]
    pub fn cuts_fraction_of(&self, lookup: &Lookup) -> bool {
        self.type_of(&lookup.path) == Some(ColumnType::Whole) && asks_fraction(lookup)
    }

    /// Whether the lookup asks for a fraction of what may be whole numbers.
    #[must_use]
    pub fn may_cut_fraction_of(&self, lookup: &Lookup, model: &ModelMeta) -> bool {
        asks_fraction(lookup)
            && self.type_of(&lookup.path).is_none()
            && !model.known_fields().is_decimal(&lookup.path)
    }

    /// Keeps that the server has ignored the filter with this value. It may honour it with another one.
    pub fn learn_ignored_value(&mut self, lookup: &Lookup) {
        self.keep(lookup, Made::Ignored);
    }

    /// Keeps that the server was asked in vain for the value, by each filter that there may be: nothing more is to be found out.
    pub fn learn_told_value(&mut self, lookup: &Lookup) {
        let made = self.made_of(&lookup.parameter(), &lookup.value);
        self.keep_in(TOLD, lookup, made.unwrap_or(Made::Ignored));
    }

    /// Keeps that the server has refused the filter with this value. It may take it with another one.
    pub fn learn_refused_value(&mut self, lookup: &Lookup) {
        self.keep(lookup, Made::Refused);
    }

    /// Whether the server was asked in vain for each text of the lookup by the bare name of the field: it ignores or refuses them.
    #[must_use]
    pub fn takes_no_text_of(&self, lookup: &Lookup) -> bool {
        let told = format!("{TOLD}{}", lookup.path);
        (lookup.texts()).all(|text| self.made_of(&told, text).is_some())
    }

    /// Whether a text that the rows show was asked for in vain by this parameter: the server does not leave out the rows that show
    /// another one, or refuses it.
    #[must_use]
    pub fn ignores_what_is_shown(&self, parameter: &str) -> bool {
        self.ignores_shown.contains_key(parameter)
    }

    /// Whether such a text was refused: what is taken then is a value of the field.
    #[must_use]
    pub fn refuses_what_is_shown(&self, parameter: &str) -> bool {
        self.ignores_shown.get(parameter) == Some(&true)
    }

    /// Keeps that a text which the rows show was asked for in vain, and whether it was refused.
    pub fn learn_ignored_text(&mut self, parameter: &str, is_refused: bool) {
        self.ignores_shown.insert(parameter.to_owned(), is_refused);
    }

    fn made_of(&self, parameter: &str, value: &Value) -> Option<Made> {
        self.values.get(parameter)?.of(value)
    }

    fn keep(&mut self, lookup: &Lookup, made: Made) {
        self.keep_in("", lookup, made);
    }

    fn keep_in(&mut self, space: &str, lookup: &Lookup, made: Made) {
        let name = format!("{space}{}", lookup.parameter());
        self.values
            .entry(name)
            .or_default()
            .keep(&lookup.value, made);
    }
}

impl Lookup {
    /// Whether it asks for equality with a value, or one of several: a server may drop one that it does not know, such as one that
    /// is no choice.
    #[must_use]
    pub fn names_values(&self) -> bool {
        matches!(self.op, Op::Exact | Op::IExact | Op::In) && self.transform.is_none()
    }

    /// The texts that it asks for.
    pub fn texts(&self) -> impl Iterator<Item = &Value> {
        let values = match &self.value {
            Value::Array(values) => values.as_slice(),
            value => std::slice::from_ref(value),
        };
        values.iter().filter(|value| value.is_string())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn kind(kind: impl Into<Value>) -> Lookup {
        Lookup::parse("kind", kind.into())
    }

    #[test]
    fn a_value_says_nothing_of_another_one() {
        let mut knowledge = Knowledge::default();
        knowledge.learn_ignored_value(&kind("z"));
        knowledge.learn_refused_value(&kind("y"));
        knowledge.learn_told_value(&kind("y"));
        assert!(knowledge.ignores(&kind("z")) && !knowledge.ignores(&kind("y")));
        assert_eq!(knowledge.honours("kind"), None);
        let one_of = |values: Value| Lookup::parse("kind__in", values);
        assert!(knowledge.takes_no_text_of(&one_of(json!(["y"]))));
        assert!(!knowledge.takes_no_text_of(&one_of(json!(["y", "z"]))));
        assert!(!knowledge.ignores(&one_of(json!(["z"]))));
        knowledge.learn_parameter("kind", true);
        assert!(
            knowledge.ignores(&kind("z")),
            "though others leave rows out"
        );
        assert!(!knowledge.clone().trusting().ignores(&kind("z")));
    }

    #[test]
    fn the_latest_values_are_kept() {
        let mut knowledge = Knowledge::default();
        for number in 0..=KEPT {
            knowledge.learn_ignored_value(&kind(number.to_string()));
        }
        assert!(!knowledge.ignores(&kind("0")) && knowledge.ignores(&kind("1")));
        assert!(knowledge.ignores(&kind(KEPT.to_string())));
    }
}
