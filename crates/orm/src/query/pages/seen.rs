//! What a walk has asked and received so far: enough to notice that a server goes round in circles.

use std::collections::HashSet;

use django_api_orm_core::{
    page::Page,
    paginator::{Pairs, sorted},
    row::{Identity, Row},
};

/// Pages without a row that may follow one another before a walk counts as endless.
pub(super) const EMPTY_PAGES: u32 = 100;

#[derive(Debug)]
pub(super) struct Seen {
    primary_key: String,
    queries: HashSet<Pairs>,
    /// The rows of the first page and of the one before.
    first: Vec<Identity>,
    previous: Vec<Identity>,
    /// Whole pages.
    pages: HashSet<Identity>,
    empty: u32,
}

impl Seen {
    pub(super) fn new(primary_key: &str) -> Self {
        Self {
            primary_key: primary_key.to_owned(),
            queries: HashSet::new(),
            first: Vec::new(),
            previous: Vec::new(),
            pages: HashSet::new(),
            empty: 0,
        }
    }

    /// Keeps that this was asked.
    pub(super) fn ask(&mut self, query: &[(String, String)]) {
        self.queries.insert(sorted(query));
    }

    /// Whether this was asked before.
    pub(super) fn has_asked(&self, query: &[(String, String)]) -> bool {
        self.queries.contains(&sorted(query))
    }

    /// Whether the page is one that came before: all of it, or as much as was asked for of the first or the previous one.
    pub(super) fn has(&self, page: &Page) -> bool {
        let rows = self.identities(page.rows());
        let begins = |known: &[Identity]| {
            let same = rows.iter().zip(known).all(|(row, known)| row == known);
            !known.is_empty() && same
        };
        !rows.is_empty()
            && (begins(&self.first)
                || begins(&self.previous)
                || self.pages.contains(&Identity::of_rows(&rows)))
    }

    /// Keeps what came. Whether so many empty pages came in a row that there may be no end to them.
    pub(super) fn keep(&mut self, rows: &[Row]) -> bool {
        if rows.is_empty() {
            self.empty += 1;
            return self.empty >= EMPTY_PAGES;
        }
        self.empty = 0;
        let rows = self.identities(rows);
        self.pages.insert(Identity::of_rows(&rows));
        if self.first.is_empty() {
            self.first.clone_from(&rows);
        }
        self.previous = rows;
        false
    }

    /// The rows that were not on the page before.
    pub(super) fn without_overlap(&self, rows: &[Row]) -> Vec<Row> {
        rows.iter()
            .filter(|row| !self.previous.contains(&row.identity(&self.primary_key)))
            .cloned()
            .collect()
    }

    fn identities(&self, rows: &[Row]) -> Vec<Identity> {
        rows.iter()
            .map(|row| row.identity(&self.primary_key))
            .collect()
    }
}
