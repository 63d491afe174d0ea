//! DRF's `CursorPagination`: pages that begin after a position in the order, not at a number.

use base64::Engine as _;
use base64::engine::general_purpose::{GeneralPurpose, STANDARD};
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use rusqlite::types::Value as Sql;

use crate::codec;
use crate::field::{Field, Kind};
use crate::moment;
use crate::pagination::{Listing, Page};
use crate::python;
use crate::query::{Parameters, quote, replace_parameter};
use crate::reply::Reply;
use crate::store::{Condition, Row};

/// The largest offset that a cursor may have; more is lowered to it.
const OFFSET_CUTOFF: i128 = 1000;

/// As lenient as Python's `b64decode`.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(true),
);

#[derive(Debug, Clone, Default)]
struct Cursor {
    offset: u64,
    reverse: bool,
    position: Option<String>,
}

/// The page at the cursor of the request, and the cursors of its neighbours.
pub(crate) fn page(
    listing: &Listing<'_>,
    ordering: &[String],
    size: u64,
    parameter: &str,
) -> Result<Page, Reply> {
    let size = listing.capped(size);
    let given = listing
        .parameters
        .get(parameter)
        .map(Cursor::decode)
        .transpose()?;
    let cursor = given.clone().unwrap_or_default();
    let first = ordering.first().map_or("id", String::as_str);
    let (descending, path) = (first.starts_with('-'), first.trim_start_matches('-'));
    let (column, field) = listing
        .tables
        .resolve(listing.table, path)
        .ok_or_else(Reply::broken)?;
    let index = listing.table.position(path).ok_or_else(Reply::broken)?;
    let position_of = |row: &Row| position(field, row.get(index).unwrap_or(&Sql::Null));

    let mut conditions = listing.conditions.clone();
    if let Some(position) = &cursor.position {
        let operator = if cursor.reverse == descending {
            ">"
        } else {
            "<"
        };
        let value = position_value(field, position).ok_or_else(Reply::broken)?;
        let mark = if matches!(field.kind, Kind::Decimal { .. }) {
            "CAST(? AS NUMERIC)"
        } else {
            "?"
        };
        conditions.push(Condition::new(
            format!("{column} {operator} {mark}"),
            [value],
        ));
    }
    let terms = if cursor.reverse {
        reversed(ordering)
    } else {
        ordering.to_vec()
    };
    let shown = usize::try_from(size).unwrap_or(usize::MAX);
    let limit = Some(size.saturating_add(1));
    let mut rows = listing.select_where(conditions, &terms, limit, cursor.offset)?;

    let following = (rows.len() > shown)
        .then(|| rows.last().map(position_of))
        .flatten();
    rows.truncate(shown);
    let came_from_somewhere = cursor.position.is_some() || cursor.offset > 0;
    let forward = Edge {
        exists: following.is_some(),
        position: following,
    };
    let backward = Edge {
        exists: came_from_somewhere,
        position: cursor.position.clone(),
    };
    let (next, previous) = if cursor.reverse {
        rows.reverse();
        (backward, forward)
    } else {
        (forward, backward)
    };

    let positions = rows.iter().map(position_of).collect::<Vec<_>>();
    let link = |cursor: Cursor| replace_parameter(listing.url, parameter, &cursor.encode());
    let seek = |towards_next: bool| {
        let (ahead, behind) = if towards_next {
            (&next, &previous)
        } else {
            (&previous, &next)
        };
        ahead.exists.then(|| {
            let way = Way {
                towards_next,
                size,
                positions: &positions,
                came_by: given.as_ref(),
            };
            link(way.neighbour(ahead, behind))
        })
    };
    Ok(Page {
        next: seek(true),
        previous: seek(false),
        rows,
        size,
        ..Page::default()
    })
}

/// One end of a page: whether there are rows beyond, and the position of the first of them.
struct Edge {
    exists: bool,
    position: Option<String>,
}

/// The search for the cursor of a neighbour, forwards or backwards.
struct Way<'a> {
    towards_next: bool,
    size: u64,
    positions: &'a [String],
    came_by: Option<&'a Cursor>,
}

impl Way<'_> {
    /// `get_next_link` and `get_previous_link`, which mirror each other. A position that several
    /// rows share cannot mark a place, so such rows are counted in `offset`.
    fn neighbour(&self, ahead: &Edge, behind: &Edge) -> Cursor {
        let reverse = !self.towards_next;
        let edge = if self.towards_next {
            self.positions.last()
        } else {
            self.positions.first()
        };
        let turned = self
            .came_by
            .is_some_and(|cursor| cursor.reverse == self.towards_next && cursor.offset != 0);
        let Some(edge) = edge else {
            return Cursor {
                offset: 0,
                reverse,
                position: ahead.position.clone(),
            };
        };
        let mut compare = if turned {
            Some(edge)
        } else {
            ahead.position.as_ref()
        };
        let mut offset = 0;
        let mut backwards = self.positions.iter().rev();
        let mut forwards = self.positions.iter();
        let mut step = || {
            if self.towards_next {
                backwards.next()
            } else {
                forwards.next()
            }
        };
        while let Some(position) = step() {
            if Some(position) != compare {
                return Cursor {
                    offset,
                    reverse,
                    position: Some(position.clone()),
                };
            }
            compare = Some(position);
            offset += 1;
        }
        match self.came_by {
            // The first page on this way: nothing to mark a place by, so count the whole page.
            _ if !behind.exists => Cursor {
                offset: self.size,
                reverse,
                position: None,
            },
            Some(cursor) if cursor.reverse == reverse => Cursor {
                offset: cursor.offset + self.size,
                reverse,
                position: behind.position.clone(),
            },
            _ => Cursor {
                offset: 0,
                reverse,
                position: behind.position.clone(),
            },
        }
    }
}

impl Cursor {
    fn encode(&self) -> String {
        let mut tokens = Vec::new();
        if self.offset != 0 {
            tokens.push(format!("o={}", self.offset));
        }
        if self.reverse {
            tokens.push("r=1".to_owned());
        }
        if let Some(position) = &self.position {
            tokens.push(format!("p={}", quote(position)));
        }
        STANDARD.encode(tokens.join("&"))
    }

    fn decode(text: &str) -> Result<Self, Reply> {
        let invalid = || Reply::detail(http::StatusCode::NOT_FOUND, "Invalid cursor");
        let alphabet = |letter: &char| letter.is_ascii_alphanumeric() || "+/=".contains(*letter);
        if !text.is_ascii() {
            return Err(invalid());
        }
        let text = text.chars().filter(alphabet).collect::<String>();
        let decoded = LENIENT.decode(text).map_err(|_| invalid())?;
        let query = String::from_utf8(decoded)
            .ok()
            .filter(|text| text.is_ascii());
        let tokens = Parameters::parse(&query.ok_or_else(invalid)?);
        let offset = tokens
            .get("o")
            .map_or(Some(0), python::int)
            .filter(|offset| *offset >= 0);
        let reverse = tokens
            .get("r")
            .map_or(Some(0), python::int)
            .ok_or_else(invalid)?;
        Ok(Self {
            offset: u64::try_from(offset.ok_or_else(invalid)?.min(OFFSET_CUTOFF))
                .map_err(|_| invalid())?,
            reverse: reverse != 0,
            position: tokens.get("p").map(str::to_owned),
        })
    }
}

fn reversed(ordering: &[String]) -> Vec<String> {
    let invert = |term: &String| match term.strip_prefix('-') {
        Some(path) => path.to_owned(),
        None => format!("-{term}"),
    };
    ordering.iter().map(invert).collect()
}

/// The value of a row as text, as `str()` of the Python value.
fn position(field: &Field, value: &Sql) -> String {
    match (&field.kind, value) {
        (Kind::DateTime, Sql::Text(text)) => format!("{text}+00:00"),
        (Kind::Decimal { places, .. }, value) if *value != Sql::Null => {
            codec::decimal_text(value, *places)
        }
        (_, value) => codec::text_of(value),
    }
}

fn position_value(field: &Field, text: &str) -> Option<Sql> {
    match field.kind {
        Kind::Integer { .. } => python::int(text)
            .and_then(|number| i64::try_from(number).ok())
            .map(Sql::Integer),
        Kind::DateTime => moment::parse_datetime(text).map(|at| Sql::Text(moment::stored(at))),
        Kind::Float => text.parse().ok().map(Sql::Real),
        _ => Some(Sql::Text(text.to_owned())),
    }
}
