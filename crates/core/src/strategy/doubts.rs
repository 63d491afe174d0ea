//! What a strategy takes on no word: an empty answer, a text that is evaluated client-side, a guard that no row shows.

use super::{Given, Probe, Strategy};
use crate::{
    evaluate::{Measure, asks_digits, asks_integers},
    lookup::{Lookup, Op},
    plan::Order,
};

impl Strategy {
    /// An empty answer is believed of a parameter to which rows have come, which is declared, or which is the bare name of a field that
    /// is asked for a text or an integer, and not for a flag: a server that takes it for equality means the same. The name of a related row may be a filter
    /// by one of its fields; so may any other name be, which counts where a row is created if none comes.
    pub(super) fn doubt_emptiness(&mut self, given: &Given<'_>) {
        if self.trusts {
            return;
        }
        let believes = given.findings.believes_emptiness(given.known);
        let is_spelt = |guard: &Lookup| guard.has_spellings(given.model);
        let is_in_question = |guard: &&Lookup| {
            if given.model.is_of_related_key(guard) {
                return true;
            }
            let has_operator = guard.op != Op::Exact || guard.transform.is_some();
            let is_of_another = given.findings.creates() && may_be_of_another_field(guard, given);
            // A flag may be spelt otherwise there.
            let is_flag = guard.value.is_boolean() && !given.known.is_drf;
            !believes
                && (has_operator
                    || is_flag
                    || guard.path.contains("__")
                    || is_spelt(guard)
                    || is_of_another)
        };
        // That rows have come to a parameter in one spelling says nothing of another one.
        let may_be_unknown = |guard: &&Lookup| {
            let parameter = guard.parameter();
            match guard.op == Op::Exact && guard.transform.is_none() && is_spelt(guard) {
                true => !given.known.compares_values(&parameter),
                false => given.known.may_be_unknown(&parameter),
            }
        };
        let is_declared = given.model.filters().is_some();
        let doubted = (self.guards.iter())
            .filter(|guard| !is_declared && is_in_question(guard))
            .filter(may_be_unknown)
            .map(|guard| Probe::knows(guard, &self.extra));
        let ordering = given.dialect.ordering_parameter();
        let by_order = (self.order_is_asked && !believes && given.known.may_be_unknown(ordering))
            .then(|| Probe::knows_ordering(&self.order, &self.extra, given));
        self.probes_if_empty = doubted
            .chain(by_order)
            .filter(|probe| given.findings.of(&probe.question) != Some(true))
            .collect();
    }

    /// What is evaluated client-side on a text means what the server would have done only if the rows show the text itself.
    pub(super) fn doubt_forms(&mut self, given: &Given<'_>) {
        if self.trusts {
            return;
        }
        let mut doubted: Vec<Lookup> = Vec::new();
        let mut digits: Vec<Lookup> = Vec::new();
        let mut integers: Vec<Lookup> = Vec::new();
        let mut collations: Vec<Lookup> = Vec::new();
        self.residual.for_each_lookup(&mut |lookup| {
            let is_decimal = || given.model.known_fields().is_decimal(&lookup.path);
            if (asks_digits(lookup) || is_decimal()) && self.may_ask_for_form(&lookup.path, given) {
                digits.push(lookup.clone());
            } else if asks_integers(lookup) && self.may_ask_for_form(&lookup.path, given) {
                integers.push(lookup.clone());
            }
            if self.is_doubted(lookup, given) && !doubted.contains(lookup) {
                doubted.push(lookup.clone());
            }
            if self.may_compare_otherwise(lookup, given) {
                collations.push(lookup.clone());
            }
        });
        self.doubted_collations = collations;
        self.doubted_forms = doubted;
        let guards = self.guards.iter();
        self.doubted_if_ignored = guards
            .filter(|guard| self.is_doubted(guard, given) && !is_believed(guard, given))
            .cloned()
            .collect();
        self.doubted_parts = (self.guards.iter())
            .filter(|guard| !guard.names_values() && is_on_text(guard))
            .filter(|guard| {
                given.model.filters().is_none()
                    && given.known.shows_as_filtered(&guard.path).is_none()
                    && !given.known.honours_every_value(&guard.parameter())
            })
            .cloned()
            .collect();
        self.doubted_digits = digits;
        self.doubted_integers = integers;
        // Where the server ignores some keys, and is asked for none, the others are still what it sorts by.
        let sorts = |order: &Order| given.known.orders_by(&order.path) == Some(true);
        let keys = self.order.iter();
        self.doubted_keys = keys
            .filter(|order| self.order_is_asked || sorts(order))
            .filter(|order| self.may_ask_for_form(&order.path, given))
            .map(|order| Probe::sorts(order, &self.extra, given))
            .collect();
    }

    /// Whether it is about a text, and not known whether the rows show that as the server filters by it, though the server can be
    /// asked.
    fn is_doubted(&self, lookup: &Lookup, given: &Given<'_>) -> bool {
        let is_told = match lookup.names_values() {
            true if is_believed(lookup, given) && given.known.ignores(lookup) => true,
            true => given.known.takes_no_text_of(lookup),
            false => given.known.ignores_what_is_shown(&lookup.parameter()),
        };
        is_on_text(lookup) && !is_told && self.may_ask_for_form(&lookup.path, given)
    }

    /// Whether it is about a text, and the server may have a filter for it and compare texts otherwise than Django documents it.
    fn may_compare_otherwise(&self, lookup: &Lookup, given: &Given<'_>) -> bool {
        let parameter = lookup.parameter();
        let known = given.known.collation_of(&parameter);
        is_on_text(lookup)
            && !matches!(lookup.op, Op::Regex | Op::IRegex)
            && known.is_none_or(|known| known.is_open_for(lookup.op))
            && given.known.shows_as_filtered(&lookup.path) != Some(false)
            && !given.known.ignores(lookup)
            && given.dialect.takes(&parameter, &self.extra, given.model)
    }

    /// Whether the server can be asked for a value of the field, to see whether the rows show it as filters take it.
    fn may_ask_for_form(&self, path: &str, given: &Given<'_>) -> bool {
        given.known.shows_as_filtered(path).is_none()
            && given.known.honours(path) != Some(false)
            && given.dialect.takes(path, &self.extra, given.model)
    }

    /// What is probed only when there are rows: a misspelt name is silently ignored, and no row shows it.
    pub(super) fn unseen_guards(&self, given: &Given<'_>) -> Vec<Lookup> {
        let fields = given.model.fields();
        let is_field = |guard: &Lookup| {
            fields.is_empty() || fields.iter().any(|field| field.read_as() == guard.root())
        };
        let is_unseen = |guard: &&Lookup| {
            (!is_field(guard) || given.known.shows_as_filtered(&guard.path) == Some(false))
                && given.model.filters().is_none()
                && !given.known.honours_every_value(&guard.parameter())
        };
        self.guards.iter().filter(is_unseen).cloned().collect()
    }

    pub(super) fn guards_shown_otherwise(&self, given: &Given<'_>) -> Vec<Lookup> {
        let is_hidden = |guard: &&Lookup| {
            given.known.shows_as_filtered(&guard.path) == Some(false)
                && !self.unseen.contains(guard)
        };
        self.guards.iter().filter(is_hidden).cloned().collect()
    }
}

/// Whether the parameter may be a filter by another field than the one that it names: of texts parts are found by a bare name, and the
/// whole with them.
fn may_be_of_another_field(guard: &Lookup, given: &Given<'_>) -> bool {
    guard.is_bare() && guard.path != given.model.primary_key() && !guard.asks_for_text()
}

/// Whether it asks for a text, which is not a date or the like.
fn is_on_text(lookup: &Lookup) -> bool {
    let mut texts = lookup.texts();
    lookup.transform.is_none() && texts.any(|text| Measure::of(text) == Some(Measure::Text))
}

/// Whether a value that the server ignores by the bare name of the field is believed to be ignored as a filter that it does not know,
/// and not as what is no choice: Django REST Framework refuses the latter.
fn is_believed(lookup: &Lookup, given: &Given<'_>) -> bool {
    lookup.parameter() == lookup.path && given.findings.believes_emptiness(given.known)
}
