//! A first page of which nothing tells whether others follow: no link, no count, no size that pages are known to have.
//!
//! A probe shows it, once for an endpoint, and again for a list with more rows than were shown to be whole. Twenty rows of a
//! server that has pages of 20 and says nothing of them:
//!
//! ```text
//! ask    (nothing)
//! answer [rows 0 to 20]
//! ask    ?offset=19&skip=19&page=2    why: all at once, as most servers ignore what they do not know
//! answer [rows 0 to 20]           the same page: it knows none of them, and that was all
//! answer [rows 19 to 39]          or the last row once more: by which of both names tells the next one
//! ask    ?offset=19
//! answer [rows 19 to 39]          offsets, and here is the page after
//! ```
//!
//! Any other answer is not clear: the server may refuse one of both, take it for a filter, or have no page 2. Then each is
//! tried by itself. The offset goes one row back, so that a server that honours it has a row to show at the end, too. The
//! first page is number 1 or number 0: number 2 is tried only where number 1 is this page.

use crate::page::Style;

use super::{
    ask::{Ask, Turn, Why},
    pairs::{Pairs, find, remove, set},
};

/// What is asked to see whether rows follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beyond {
    /// By offset, under both names that it has, and by the number of the page, in one request.
    Either,
    /// By the offset of the last row under that name alone, after both have led there.
    Offset,
    /// The same, after they have brought that row and no other.
    OffsetOfEnd,
    /// By the offset of the last row.
    LastRow,
    /// By the offset after the last row, where that one is the first row, too.
    NextRow,
    /// The page with this number, 0 to 2.
    Number(u64),
    /// The page as the server cuts it, where the size that was asked for may have cut it.
    Unsized,
}

/// What came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Came {
    /// The rows of the first page.
    Same,
    /// The last row of the first page, and rows that were not on it.
    LastRow,
    /// The last row of the first page alone: none follows.
    LastAlone,
    /// Other rows.
    Others,
    /// Rows of the first page among others: they moved, or stand in no order.
    Mixed,
    /// No row, or a page that is not there (404).
    Nothing,
    /// A refusal.
    Refusal,
}

/// What that shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// Nothing yet: this has to be asked, too.
    Ask(Beyond),
    /// The paginator; what came goes on where the first page ends.
    Follows(Style),
    /// The paginator; no page follows.
    End(Style),
    /// Rows follow by an offset that is called `skip`, which has to be declared.
    Skipped,
    /// No row follows, by that offset; more rows may be cut into pages.
    NoneYet,
    /// Neither an offset nor the number of a page brings other rows.
    Whole,
}

impl Beyond {
    /// The request; `rows` came on the first page.
    #[must_use]
    pub fn ask(self, mut query: Pairs, rows: u64) -> Ask {
        let last = rows.saturating_sub(1);
        match self {
            Self::Either => {
                // Offset 0 would show nothing.
                set(&mut query, "offset", last.max(1));
                set(&mut query, "skip", last.max(1));
                set(&mut query, "page", 2);
            }
            Self::Offset | Self::OffsetOfEnd | Self::LastRow | Self::NextRow => {
                remove(&mut query, "page");
                remove(&mut query, "skip");
                let offset = if self == Self::NextRow {
                    rows
                } else {
                    last.max(u64::from(self == Self::Offset))
                };
                set(&mut query, "offset", offset);
            }
            Self::Number(number) => {
                remove(&mut query, "offset");
                set(&mut query, "page", number);
            }
            Self::Unsized => {}
        }
        Ask {
            query,
            position: rows,
            why: Why::Beyond(self),
            overlaps: matches!(self, Self::Either | Self::Offset | Self::LastRow) && rows > 1,
        }
    }

    /// What an answer shows; `rows` came on the first page.
    #[must_use]
    pub fn shown(self, came: Came, rows: u64) -> Shown {
        match (self, came) {
            (Self::Either, Came::LastAlone) => Shown::Ask(Self::OffsetOfEnd),
            (Self::Either, Came::LastRow) => Shown::Ask(Self::Offset),
            (Self::Offset | Self::LastRow, Came::LastRow | Came::LastAlone) => {
                Shown::Follows(Style::LimitOffset)
            }
            (Self::OffsetOfEnd, Came::LastRow | Came::LastAlone) => Shown::End(Style::LimitOffset),
            (Self::Offset, _) => Shown::Skipped,
            (Self::OffsetOfEnd, _) => Shown::NoneYet,
            (Self::Either, Came::Same) => Shown::Whole,
            (Self::Either, _) => Shown::Ask(Self::LastRow),
            (Self::LastRow, Came::Same) if rows == 1 => Shown::Ask(Self::NextRow),
            (Self::NextRow, Came::Others) => Shown::Follows(Style::LimitOffset),
            (Self::NextRow, Came::Nothing) => Shown::End(Style::LimitOffset),
            (Self::LastRow | Self::NextRow, _) => Shown::Ask(Self::Number(1)),
            (Self::Number(1), Came::Same) => Shown::Ask(Self::Number(2)),
            (Self::Number(1), Came::Nothing) => Shown::Ask(Self::Number(0)),
            (Self::Number(1 | 2), Came::Others) => Shown::Follows(Style::PageNumber),
            (Self::Number(2), Came::Nothing | Came::Refusal) | (Self::Number(0), Came::Same) => {
                Shown::End(Style::PageNumber)
            }
            (Self::Number(_) | Self::Unsized, _) => Shown::Whole,
        }
    }

    /// The number of the first page, where the number of this one shows it.
    #[must_use]
    pub fn first_page(self) -> Option<u64> {
        match self {
            Self::Number(number) => Some(number.saturating_sub(1)),
            _ => None,
        }
    }
}

/// The page after one of which nothing tells whether it is the last, unless that is known of the endpoint, or the program
/// pages by itself.
pub(super) fn after_silence(own: Pairs, turn: &Turn<'_>) -> Option<Ask> {
    let base = &turn.course.base;
    let pages_itself = ["limit", "offset", "page"]
        .iter()
        .any(|name| find(base, name).is_some());
    let is_first = turn.ask.position == 0;
    (is_first && !pages_itself && turn.reached > turn.course.whole)
        .then(|| Beyond::Either.ask(own, turn.reached))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is asked, one after the other, and what is concluded in the end.
    fn asked(rows: u64, answers: &[Came]) -> (Vec<String>, Shown) {
        let (mut probe, mut asked) = (Beyond::Either, Vec::new());
        let mut query = Pairs::new();
        for came in answers {
            let ask = probe.ask(query, rows);
            let pairs = ask
                .query
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            asked.push(pairs.collect::<Vec<_>>().join("&"));
            query = ask.query;
            match probe.shown(*came, rows) {
                Shown::Ask(next) => probe = next,
                shown => return (asked, shown),
            }
        }
        (asked, Shown::Ask(probe))
    }

    #[test]
    fn a_probe_overlaps_where_it_asks_for_a_row_that_has_come() {
        for (probe, rows, overlaps) in [
            (Beyond::Either, 0, false),
            (Beyond::Either, 1, false),
            (Beyond::Either, 2, true),
            (Beyond::Offset, 2, true),
            (Beyond::LastRow, 2, true),
            (Beyond::NextRow, 2, false),
            (Beyond::Number(2), 2, false),
            (Beyond::Unsized, 2, false),
        ] {
            let ask = probe.ask(Pairs::new(), rows);
            assert_eq!(ask.overlaps, overlaps, "{probe:?} after {rows}");
        }
    }

    #[test]
    fn one_request_shows_most_servers() {
        use Came::{LastRow, Same};
        let (requests, shown) = asked(20, &[Same]);
        assert_eq!(
            (requests.join(" "), shown),
            ("offset=19&skip=19&page=2".to_owned(), Shown::Whole)
        );
        let (requests, shown) = asked(20, &[LastRow, LastRow]);
        assert_eq!(requests.last().map(String::as_str), Some("offset=19"));
        assert_eq!(shown, Shown::Follows(Style::LimitOffset));
        assert_eq!(asked(20, &[LastRow, Same]).1, Shown::Skipped);
        let alone = Came::LastAlone;
        assert_eq!(asked(20, &[alone, alone]).1, Shown::End(Style::LimitOffset));
        assert_eq!(asked(20, &[alone, Same]).1, Shown::NoneYet);
    }

    #[test]
    fn what_is_not_clear_is_asked_one_by_one() {
        use Came::{LastRow, Nothing, Others, Refusal, Same};
        let offsets = Style::LimitOffset;
        let numbers = Style::PageNumber;
        for (rows, answers, requests, shown) in [
            // A number is refused or taken for a filter, an offset is honoured.
            (
                9,
                vec![Refusal, LastRow],
                "offset=8",
                Shown::Follows(offsets),
            ),
            (
                9,
                vec![Others, Same, Same, Others],
                "offset=8 page=1 page=2",
                Shown::Follows(numbers),
            ),
            // The page after the only one.
            (
                9,
                vec![Nothing, Same, Same, Nothing],
                "offset=8 page=1 page=2",
                Shown::End(numbers),
            ),
            // Pages are counted from 0.
            (
                9,
                vec![Others, Same, Others],
                "offset=8 page=1",
                Shown::Follows(numbers),
            ),
            (
                9,
                vec![Nothing, Same, Nothing, Same],
                "offset=8 page=1 page=0",
                Shown::End(numbers),
            ),
            // Neither is known: refused, or taken for a filter.
            (
                9,
                vec![Refusal, Refusal, Refusal],
                "offset=8 page=1",
                Shown::Whole,
            ),
            (
                9,
                vec![Nothing, Nothing, Nothing, Nothing],
                "offset=8 page=1 page=0",
                Shown::Whole,
            ),
            // With one row, only the offset after it brings others.
            (
                1,
                vec![Nothing, Same, Nothing],
                "offset=0 offset=1",
                Shown::End(offsets),
            ),
            (
                1,
                vec![Others, Same, Others],
                "offset=0 offset=1",
                Shown::Follows(offsets),
            ),
            (
                1,
                vec![Nothing, Nothing, Nothing, Nothing],
                "offset=0 page=1 page=0",
                Shown::Whole,
            ),
        ] {
            let (asked, concluded) = asked(rows, &answers);
            assert_eq!(
                (asked[1..].join(" ").as_str(), concluded),
                (requests, shown),
                "{answers:?}"
            );
        }
        assert_eq!(Beyond::Number(1).first_page(), Some(0));
        assert_eq!(Beyond::Number(2).first_page(), Some(1));
    }
}
