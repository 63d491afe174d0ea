//! Evaluates filters and orders rows client-side, with the semantics of Django's ORM.
//!
//! What a server cannot be asked, and what it was asked and may have ignored, is decided on the rows that came back.
//! Every answer is one of three: a condition holds, does not, or cannot be decided on this row ([`Verdict::Unknown`]),
//! never a guess. This module does no I/O.
//!
//! # The rules
//!
//! Null and absence:
//!
//! | row | lookup | verdict |
//! | --- | --- | --- |
//! | `null` | any but `isnull` | false, so its negation holds, as with `exclude()` |
//! | `null` | `exact` or `iexact` with `null` | `isnull` |
//! | any | `in` | `null`s in the list do not count; with an empty list false on any row |
//! | key absent | any | unknown: only the server can know |
//! | `address: null` | `address__state` | as `null` |
//! | related row given as `3` | `author__name` | unknown |
//!
//! Equality (`exact`, `in`) and order (`gt gte lt lte range`) of a row's value and an operand:
//!
//! | row | operand | rule |
//! | --- | --- | --- |
//! | number | number, or text that spells one | by value, no digit lost: `1` is `1.0`, `0.25` is `"0.250"` |
//! | number | other text | unknown |
//! | text, a number without surplus zeros (`"12.50"`, `"7"`) | number | by value |
//! | text, a number in another spelling (`"007"`, `"1e5"`) | number | not equal if the values differ, else unknown |
//! | other text | number | unknown |
//! | boolean | boolean, `1 0 "true" "false" "True" "False" "t" "f" "1" "0"` | by value; other operands: unknown |
//! | number | boolean | as `1` or `0` |
//! | text, one of those | boolean | by value; other text: unknown |
//! | text | the same text | equal |
//! | text with a decimal point (`"12.50"`) | text that no server reads as a number | as text |
//! | text with a decimal point (`"12.50"`) | text, a number | order by value; `"12.5"` is equal in a [`Kind::Decimal`], not in a [`Kind::Text`], else unknown |
//! | text of digits (`"7"`) | text of digits | equality by text (`"07"` is not `"7"`); order where value and text agree, else unknown |
//! | datetime with offset | datetime with offset | as instants |
//! | datetime with offset | datetime without, or date (its midnight) | by the clock of the row's offset: servers read and write in one time zone |
//! | datetime without offset | datetime with offset | unknown |
//! | date | datetime without offset | by the date, as Django converts it; with offset: unknown |
//! | date or time | text that no server reads as one (`Bob`; not `today`, `1 Jan`) | as text |
//! | date or time | other text that is neither | unknown |
//! | duration (`1 02:00:00`, `P1DT2H`), or a time of day | duration | by length |
//! | UUID | UUID in any spelling | by value |
//! | object | object; list, list | JSON equality: `1` is `1.0`, the order of keys does not count |
//! | object | other operand | its `id` or `pk`; without one unknown |
//! | URL | number, slug or UUID | by the last segment of the URL's path; of a path alone, a match is unknown for text |
//! | number, slug or UUID | URL or path | the same |
//! | URL | path | by path |
//! | URL | URL | by text; the same path under another host or with another slash: unknown |
//! | text that may be a date as people write it (`03.01.2024`, `Jan 3, 2024`, `20240103`) | date or time | equality unknown, unless the server's work is checked; no order |
//! | number with a unit or a decimal comma (`1.50 EUR`, `1,50`) | text, a number | equality unknown for its value; order where value and text agree, else unknown |
//! | such a date or number | another one of another row, to sort them | where what they mean and their texts agree, else unknown |
//! | other text | other text | equality by text, order by code point |
//!
//! To check what a server has done ([`Fields::unknown_collation`]), a value that lies within its last shown place of the operand (a second, a
//! tenth) and does not satisfy the lookup is unknown: the server may have decided by digits that the row does not show. On a field that is
//! shown in another form than filters take ([`Fields::shown_otherwise`]) everything is unknown.
//!
//! An operand of more than microseconds is cut to them where the row has no more, as Django stores it.
//!
//! Text lookups (`contains startswith endswith regex` and, ignoring case, `i…` and `iexact`):
//!
//! | row | rule |
//! | --- | --- |
//! | text | as it stands |
//! | number | its digits; a float without a fraction: unknown, databases differ |
//! | datetime | false for an operand with a letter that no date or time is written with, else unknown: the database's text is not the JSON text |
//! | duration, boolean, object | unknown for the same reason |
//! | ignoring case | full Unicode lower-casing, `ς` as `σ`; where upper-casing would answer otherwise (`ß`/`SS`/`ẞ`, `ı`/`I`, `ſ`/`S`) unknown. `İ` is `i` with a dot above, so `İstanbul` does not start with `is` |
//! | `regex` | found anywhere, by the [`regex`] crate; a pattern that it does not know (look-around, back-references) is refused |
//!
//! Paths:
//!
//! | path | rule |
//! | --- | --- |
//! | `address__state` | walks objects; `tags__0` an element of a list |
//! | `created_at__year` | what the transform takes, in the offset in which the row was written; transforms chain: `created_at__date__year` |
//! | `event__date` | the key `date` of the object, where there is an object |
//! | `author__id`, `author__pk`, `author_id` | also where the row holds `author` as a number, a URL or an object |
//! | `pk` | the primary key |
//! | a list on the way or at the end | holds where it holds for an element; `exclude` where it holds for none |
//! | an empty list on the way | one null, as of an outer join |
//! | an empty list at the end | `isnull`: unknown (nothing related, or an empty list stored) |
//! | list, `contains` with text | true for an element that is the text, unknown for one that has it as a part (JSON fields and relations differ) |
//! | list or object, `contains` with a list or an object | JSON containment |
//! | a list in an object without a key of its own (`extra__a` of a JSON field, or related rows of a row that is shown without its key) | it equals nothing that differs from all its elements; unknown for one of them, which JSON as a whole differs from; a path through it is unknown |
//! | two lookups of one list inside an OR | hold where one element satisfies both, as Django asks for; unknown where lists lie inside of its elements |
//!
//! A field's type is not on the wire, so whether the text `"1.10"` is `"1.1"` cannot be told: a decimal is, a version is
//! not. Say it with [`Fields::decimal`] or [`Fields::text`]. Databases compare text each in its own way; to check what an unknown one has answered, use
//! [`Fields::unknown_collation`].

mod collation;
mod column;
mod condition;
mod disproof;
mod duration;
mod link;
mod localized;
mod measure;
mod moment;
mod number;
mod order;
mod place;
mod plain;
mod precision;
mod scalar;
mod text;
mod verdict;
mod walk;

use serde_json::{Map, Value};

pub use self::{
    collation::{Collation, Needed, Overlooks, may_be_equal},
    column::{Column, ColumnType, asks_fraction},
    condition::{lacks_digits, needed},
    disproof::{disproves, settles},
    measure::{asks_digits, asks_integers},
    order::{RowKey, RowOrder, compare_rows, order_roots},
    place::FieldPlace,
    scalar::is_no_label,
    text::respelt,
    verdict::{Reason, Verdict},
};
use self::{condition::Condition, verdict::Why};
pub(crate) use self::{
    measure::{Measure, roots_of, taken},
    precision::{is_written_finer, leaves_zone_open},
};
use crate::{
    error::{Error, Result},
    filter::{Q, shared},
    lookup::{Lookup, Op},
};
pub(crate) use link::Link;

/// What a field holds, where the rows alone do not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// Text, even where it looks like a number, a date or a URL.
    Text,
    /// A number that the server writes as text, such as Django's `DecimalField`.
    Decimal,
}

/// What is known of the fields of a model besides their values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fields {
    primary_key: String,
    kinds: Vec<(String, Kind)>,
    /// Fields that rows have shown to hold texts.
    texts: Vec<String>,
    shown_otherwise: Vec<String>,
    collations: Vec<(String, Collation)>,
    is_a_check: bool,
}

impl Fields {
    /// A model with this primary key, and nothing more known.
    #[must_use]
    pub fn new(primary_key: impl Into<String>) -> Self {
        Self {
            primary_key: primary_key.into(),
            kinds: Vec::new(),
            texts: Vec::new(),
            shown_otherwise: Vec::new(),
            collations: Vec::new(),
            is_a_check: false,
        }
    }

    /// The field at this path (`address__zip`) is text.
    #[must_use]
    pub fn text(self, path: impl Into<String>) -> Self {
        self.with(path, Kind::Text)
    }

    /// Rows show that the field at this path holds texts, of which some look like numbers.
    #[must_use]
    pub fn seen_as_text(mut self, path: impl Into<String>) -> Self {
        self.texts.push(path.into());
        self
    }

    /// The field at this path is a number that the server writes as text.
    #[must_use]
    pub fn decimal(self, path: impl Into<String>) -> Self {
        self.with(path, Kind::Decimal)
    }

    /// The field at this path is of that kind.
    #[must_use]
    pub fn with(mut self, path: impl Into<String>, kind: Kind) -> Self {
        self.kinds.push((path.into(), kind));
        self
    }

    /// The rows show the field at this path in another form than filters take, such as a label for a value: nothing can be
    /// decided on it.
    #[must_use]
    pub fn shown_otherwise(mut self, path: impl Into<String>) -> Self {
        self.shown_otherwise.push(path.into());
        self
    }

    /// The server compares the texts of the filter by this parameter (`name__contains`) so.
    #[must_use]
    pub fn collated(mut self, parameter: impl Into<String>, collation: Collation) -> Self {
        self.collations.push((parameter.into(), collation));
        self
    }

    /// The same, where the texts of the lookup are not taken to be compared as Django documents it, unless something was seen of that.
    #[must_use]
    pub fn with_open_collation(self, lookup: &Lookup) -> Self {
        match self.collation(lookup).is_assumed() {
            true => self.collated(lookup.parameter(), Collation::open(lookup.op)),
            false => self,
        }
    }

    /// How the texts of the lookup are taken to be compared.
    #[must_use]
    pub fn collation(&self, lookup: &Lookup) -> Collation {
        let parameter = lookup.parameter();
        let mut known = self.collations.iter().rev();
        let known = known.find(|(known, _)| *known == parameter);
        known.map_or_else(|| Collation::documented(lookup.op), |(_, known)| *known)
    }

    /// The rows were sorted out or ordered by a database whose collation is not known.
    ///
    /// Databases differ in how they compare text: `SQLite` ignores the case of ASCII letters in `contains`, `startswith`
    /// and `endswith`, `MySQL` ignores case and accents everywhere, `PostgreSQL` orders as a dictionary does. What they would answer
    /// differently is then unknown, instead of decided as Django documents it and by code point. So is a comparison that is
    /// decided by digits which the row does not show, such as the seconds of a time. This is for checking what
    /// a server has done; what the client leaves out or sorts needs a decision.
    #[must_use]
    pub fn unknown_collation(mut self) -> Self {
        self.is_a_check = true;
        self
    }

    /// The same fields, of which nobody has said what they hold.
    #[must_use]
    pub fn without_kinds(mut self) -> Self {
        self.kinds.clear();
        self
    }

    /// The same, and what is known of the fields of the rows that are related by `head`.
    #[must_use]
    pub fn with_related(mut self, head: &str, related: &Self) -> Self {
        let behind = |path: &String| format!("{head}__{path}");
        let kinds = related.kinds.iter();
        self.kinds
            .extend(kinds.map(|(path, kind)| (behind(path), *kind)));
        self.texts.extend(related.texts.iter().map(behind));
        let shown_otherwise = related.shown_otherwise.iter();
        self.shown_otherwise.extend(shown_otherwise.map(behind));
        self
    }

    /// Whether rows show this value of a field as filters take it, and all that it has inside.
    pub(crate) fn shows(&self, name: &str, value: &Value) -> bool {
        !self.shown_otherwise.iter().any(|path| {
            let mut names = path.split("__");
            names.next() == Some(name)
                && names
                    .try_fold(value, |value, name| value.get(name))
                    .is_some()
        })
    }

    /// Whether the field at this path is known to be a decimal.
    pub(crate) fn is_decimal(&self, path: &str) -> bool {
        self.kind(path) == Some(Kind::Decimal)
    }

    /// The field that the path names.
    fn named<'p>(&'p self, path: &'p str) -> &'p str {
        match path {
            "pk" => &self.primary_key,
            path => path,
        }
    }

    fn kind(&self, path: &str) -> Option<Kind> {
        let path = self.named(path);
        let mut kinds = self.kinds.iter().rev();
        let declared = kinds.find(|(known, _)| known == path);
        let is_text = self.texts.iter().any(|known| known == path);
        declared
            .map(|(_, kind)| *kind)
            .or_else(|| is_text.then_some(Kind::Text))
    }

    fn is_shown_otherwise(&self, path: &str) -> bool {
        let path = self.named(path);
        self.shown_otherwise.iter().any(|known| known == path)
    }

    /// How what a lookup is about is read.
    fn reading(&self, lookup: &Lookup) -> Reading {
        Reading {
            kind: match lookup.transform {
                None => self.kind(&lookup.path),
                Some(_) => None,
            },
            shown_otherwise: self.is_shown_otherwise(&lookup.path),
            collation: match self.is_a_check {
                true => Collation::at_least_documented(lookup.op),
                false => self.collation(lookup),
            },
            is_a_check: self.is_a_check,
        }
    }

    /// How the values of a field are read to put them in order.
    fn reading_in_order(&self, path: &str) -> Reading {
        Reading {
            kind: self.kind(path),
            shown_otherwise: self.is_shown_otherwise(path),
            collation: match self.is_a_check {
                true => Collation::open(Op::Exact),
                false => Collation::documented(Op::Exact),
            },
            is_a_check: self.is_a_check,
        }
    }
}

/// How the text of a field is read.
#[derive(Debug, Clone, Copy)]
struct Reading {
    kind: Option<Kind>,
    shown_otherwise: bool,
    collation: Collation,
    /// What a server has done is to be checked.
    is_a_check: bool,
}

impl Reading {
    /// The same, with texts compared as Django documents it.
    fn documented(self) -> Self {
        Self {
            collation: Collation::exactly(Overlooks::Nothing),
            ..self
        }
    }
}

impl Default for Fields {
    fn default() -> Self {
        Self::new("id")
    }
}

/// A filter, made ready to be tested on many rows: operands are parsed and patterns compiled once.
///
/// ```
/// use django_api_orm_core::{evaluate::{Evaluator, Verdict}, filter::Q, lookup::Lookup};
/// use serde_json::json;
///
/// let adult = Q::Lookup(Lookup::parse("age__gte", json!(18)));
/// let evaluator = Evaluator::compile(&adult.negate())?;
/// assert_eq!(evaluator.roots(), ["age"]);
/// let verdict = |row: serde_json::Value| evaluator.evaluate(row.as_object().unwrap());
/// assert_eq!(verdict(json!({"age": 30})), Verdict::False);
/// assert_eq!(verdict(json!({"age": null})), Verdict::True);
/// assert!(verdict(json!({"name": "Ann"})).is_unknown());
/// # Ok::<_, django_api_orm_core::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Evaluator {
    node: Node,
    roots: Vec<String>,
}

#[derive(Debug, Clone)]
enum Node {
    All,
    Condition(Box<Condition>),
    And {
        parts: Vec<Node>,
        /// Fields that several parts are about, and which parts: they must hold for the same element where that is a list.
        same_element: Vec<(String, Vec<usize>)>,
    },
    Or(Vec<Node>),
    Not(Box<Node>),
}

impl Evaluator {
    /// Prepares a filter on a model with the primary key `id`.
    ///
    /// # Errors
    /// See [`compile_for`](Self::compile_for).
    pub fn compile(q: &Q) -> Result<Self> {
        Self::compile_for(q, &Fields::default())
    }

    /// Prepares a filter on a model with this primary key.
    ///
    /// # Errors
    /// See [`compile_for`](Self::compile_for).
    pub fn compile_with(q: &Q, primary_key: &str) -> Result<Self> {
        Self::compile_for(q, &Fields::new(primary_key))
    }

    /// Prepares a filter on a model of which more is known.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidRequest`](crate::error::ErrorKind::InvalidRequest) where a lookup has an operand that it cannot
    /// have (`range` without two values, `in` without a list, `isnull` without a boolean, a null for an order, a
    /// `year` that is not an integer), or a pattern that cannot be evaluated client-side.
    pub fn compile_for(q: &Q, fields: &Fields) -> Result<Self> {
        let node = Node::compile(q, fields, Place::Top)?;
        let mut roots = Vec::new();
        node.roots(&mut roots);
        roots.sort_unstable();
        roots.dedup();
        Ok(Self { node, roots })
    }

    /// The top-level keys of a row that the filter looks at, sorted.
    #[must_use]
    pub fn roots(&self) -> &[String] {
        &self.roots
    }

    /// Whether the filter holds for the row.
    #[must_use]
    pub fn evaluate(&self, row: &Map<String, Value>) -> Verdict {
        self.node.evaluate(row)
    }
}

/// Where in the tree a part stands. It decides what two lookups of one to-many relation mean.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Each lookup is a query parameter of its own, which the server applies one after the other.
    Top,
    /// Within one OR: both lookups speak of the same related row.
    Within,
    /// Within a negation: Django splits them into a subquery each.
    Negated,
}

impl Node {
    fn compile(q: &Q, fields: &Fields, place: Place) -> Result<Self> {
        let within = if place == Place::Top {
            Place::Within
        } else {
            place
        };
        let compile = |parts: &[Q], place| -> Result<Vec<Self>> {
            parts
                .iter()
                .map(|part| Self::compile(part, fields, place))
                .collect()
        };
        Ok(match q {
            Q::All => Self::All,
            Q::Lookup(lookup) => Self::Condition(Box::new(Condition::compile(lookup, fields)?)),
            Q::And(parts) => {
                let parts = compile(parts, place)?;
                let same_element = if place == Place::Within {
                    sharing(&parts)
                } else {
                    Vec::new()
                };
                Self::And {
                    parts,
                    same_element,
                }
            }
            Q::Or(parts) => Self::Or(compile(parts, within)?),
            Q::Not(part) => Self::Not(Box::new(Self::compile(part, fields, Place::Negated)?)),
            Q::Invalid(reason) => return Err(Error::invalid_request(reason.clone())),
        })
    }

    fn roots(&self, roots: &mut Vec<String>) {
        match self {
            Self::All => {}
            Self::Condition(condition) => roots.extend(condition.roots().map(ToOwned::to_owned)),
            Self::And { parts, .. } | Self::Or(parts) => {
                parts.iter().for_each(|part| part.roots(roots));
            }
            Self::Not(part) => part.roots(roots),
        }
    }

    fn evaluate(&self, row: &Map<String, Value>) -> Verdict {
        match self {
            Self::All => Verdict::True,
            Self::Condition(condition) => condition.evaluate(row),
            Self::And {
                parts,
                same_element,
            } => {
                let mut verdict = Self::all(parts, row);
                for (field, shared) in same_element {
                    if verdict.is_false() {
                        break;
                    }
                    let shared = || shared.iter().filter_map(|index| parts.get(*index));
                    verdict = match row.get(field) {
                        Some(Value::Array(items)) if items.len() > 1 => {
                            let mut of_one = Verdict::False;
                            let mut row = row.clone();
                            for item in items {
                                let alone = Value::Array(vec![item.clone()]);
                                row.insert(field.clone(), alone);
                                of_one = of_one.or(Self::of_one_element(shared(), &row));
                            }
                            verdict.and(of_one)
                        }
                        _ => verdict.and(Self::of_one_element(shared(), row)),
                    };
                }
                verdict
            }
            Self::Or(parts) => {
                let mut verdict = Verdict::False;
                for part in parts {
                    verdict = verdict.or(part.evaluate(row));
                    if verdict.is_true() {
                        break;
                    }
                }
                verdict
            }
            Self::Not(part) => part.evaluate(row).negate(),
        }
    }

    /// The fields that the parts start at, beside negations, where they can be meant of one of the rows that a field is a list of.
    fn lists(&self, roots: &mut Vec<String>) {
        match self {
            Self::Condition(condition) => roots.extend(condition.list().map(ToOwned::to_owned)),
            Self::And { parts, .. } | Self::Or(parts) => {
                parts.iter().for_each(|part| part.lists(roots));
            }
            Self::All | Self::Not(_) => {}
        }
    }

    fn all<'n>(parts: impl IntoIterator<Item = &'n Self>, row: &Map<String, Value>) -> Verdict {
        let mut verdict = Verdict::True;
        for part in parts {
            verdict = verdict.and(part.evaluate(row));
            if verdict.is_false() {
                break;
            }
        }
        verdict
    }

    /// Whether all hold of one element: unknown where a list further down the way has several.
    fn of_one_element<'n>(
        parts: impl Iterator<Item = &'n Self> + Clone,
        row: &Map<String, Value>,
    ) -> Verdict {
        let verdict = Self::all(parts.clone(), row);
        match parts.into_iter().find_map(|part| part.several(row)) {
            Some(reason) => verdict.and(Verdict::Unknown(reason)),
            None => verdict,
        }
    }

    /// The reason why one element cannot be told from another, where the condition meets several.
    fn several(&self, row: &Map<String, Value>) -> Option<Reason> {
        match self {
            Self::Condition(condition) if condition.meets_several(row) => {
                Some(condition.reason(Why::Incomparable))
            }
            _ => None,
        }
    }
}

/// The fields that several of the parts start at, beside negations, and which parts these are.
fn sharing(parts: &[Node]) -> Vec<(String, Vec<usize>)> {
    shared(parts.iter().map(|part| {
        let mut roots = Vec::new();
        part.lists(&mut roots);
        roots
    }))
}
