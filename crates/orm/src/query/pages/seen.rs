//! What a walk has asked and received so far: enough to notice that a server goes round in circles.

use std::collections::HashSet;

use django_api_orm_core::{
    page::Page,
    paginator::{Pairs, sorted},
    row::{Identities, Identity, KeyReader, Row},
};

/// Pages without a row that may follow one another before a walk counts as endless.
pub(super) const EMPTY_PAGES: u32 = 100;

#[derive(Debug)]
pub(super) struct Seen {
    primary_key: KeyReader,
    queries: HashSet<Pairs>,
    /// The rows of the first page, until a second one makes a repetition possible.
    alone: Vec<Row>,
    /// The page at hand, once it has been looked at.
    current: Option<Vec<Identity>>,
    /// The rows of the first page and of the one before.
    first: Vec<Identity>,
    previous: Vec<Identity>,
    /// Whole pages.
    pages: Identities,
    empty: u32,
}

impl Seen {
    pub(super) fn new(primary_key: &str) -> Self {
        Self {
            primary_key: KeyReader::new(primary_key),
            queries: HashSet::new(),
            alone: Vec::new(),
            current: None,
            first: Vec::new(),
            previous: Vec::new(),
            pages: Identities::default(),
            empty: 0,
        }
    }

    /// Keeps that this was asked.
    pub(super) fn ask(&mut self, query: &[(String, String)]) {
        self.current = None;
        self.queries.insert(sorted(query));
    }

    /// Whether this was asked before.
    pub(super) fn has_asked(&self, query: &[(String, String)]) -> bool {
        self.queries.contains(&sorted(query))
    }

    /// Whether the page is one that came before: all of it, or as much as was asked for of the first or the previous one.
    pub(super) fn has(&mut self, page: &Page) -> bool {
        self.settle();
        if page.rows().is_empty() || self.first.is_empty() {
            return false;
        }
        let rows = self.identities(page.rows());
        let begins = |known: &[Identity]| {
            let same = rows.iter().zip(known).all(|(row, known)| row == known);
            !known.is_empty() && same
        };
        let is_known = begins(&self.first)
            || begins(&self.previous)
            || self.pages.contains(&Identity::of_rows(&rows));
        self.current = Some(rows);
        is_known
    }

    /// Keeps what came. Whether so many empty pages came in a row that there may be no end to them.
    pub(super) fn keep(&mut self, rows: &[Row]) -> bool {
        if rows.is_empty() {
            self.empty += 1;
            return self.empty >= EMPTY_PAGES;
        }
        self.empty = 0;
        self.settle();
        if self.first.is_empty() {
            self.alone = rows.to_vec();
            return false;
        }
        let rows = match self.current.clone() {
            Some(rows) => rows,
            None => self.identities(rows),
        };
        self.keep_identities(rows);
        false
    }

    /// What tells the rows of the page at hand apart, where that is known.
    pub(super) fn current(&self) -> Option<&[Identity]> {
        self.current.as_deref()
    }

    /// How many rows the page before has.
    pub(super) fn rows_before(&self) -> u64 {
        self.previous.len().max(self.alone.len()) as u64
    }

    /// How many rows of the page were on the page before, and whether its first one was the last one there.
    pub(super) fn known_rows(&mut self, page: &Page) -> (usize, bool) {
        self.settle();
        let rows = self.identities(page.rows());
        // A list that has no pages is long, and comes again as a whole.
        let previous: Identities = self.previous.iter().copied().collect();
        let known = rows.iter().filter(|row| previous.contains(row));
        let begins_with_last = rows.first() == self.previous.last() && !rows.is_empty();
        (known.count(), begins_with_last)
    }

    /// Whether the page before ends with the rows of this one.
    pub(super) fn ends_with(&mut self, page: &Page) -> bool {
        self.settle();
        let rows = self.identities(page.rows());
        !rows.is_empty() && self.previous.ends_with(&rows)
    }

    /// Whether rows that are equal are the same one: all of the page show a key.
    pub(super) fn has_keys(&mut self, page: &Page) -> bool {
        let mut rows = self.identities(page.rows()).into_iter();
        rows.all(Identity::has_key)
    }

    /// The rows that were not on the page before.
    pub(super) fn without_overlap(&mut self, rows: &[Row]) -> Vec<Row> {
        self.settle();
        rows.iter()
            .filter(|row| !self.previous.contains(&self.primary_key.identity(row)))
            .cloned()
            .collect()
    }

    /// Looks at the first page, now that there is a second one.
    fn settle(&mut self) {
        let alone = std::mem::take(&mut self.alone);
        if !alone.is_empty() {
            let rows = self.identities(&alone);
            self.keep_identities(rows);
        }
    }

    fn keep_identities(&mut self, rows: Vec<Identity>) {
        self.pages.insert(Identity::of_rows(&rows));
        if self.first.is_empty() {
            self.first.clone_from(&rows);
        }
        self.previous = rows;
    }

    fn identities(&self, rows: &[Row]) -> Vec<Identity> {
        rows.iter()
            .map(|row| self.primary_key.identity(row))
            .collect()
    }
}
