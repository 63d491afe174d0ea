//! What a walk has asked and received so far: enough to notice that a server goes round in circles.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
};

use bytes::Bytes;
use django_api_orm_core::{page::Page, row};

use super::pairs::{Pairs, sorted};

/// Pages without a row that may follow one another before a walk counts as endless.
const EMPTY_PAGES: u32 = 10_000;

#[derive(Debug)]
pub(super) struct Seen {
    primary_key: String,
    queries: HashSet<Pairs>,
    hasher: RandomState,
    /// The rows of the first page and of the one before, hashed.
    first: Vec<u64>,
    previous: Vec<u64>,
    /// Whole pages, hashed.
    pages: HashSet<u64>,
    empty: u32,
}

impl Seen {
    pub(super) fn new(primary_key: &str) -> Self {
        Self {
            primary_key: primary_key.to_owned(),
            queries: HashSet::new(),
            hasher: RandomState::new(),
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
        let rows = self.hashes(page.rows());
        let begins = |known: &[u64]| {
            let same = rows.iter().zip(known).all(|(row, known)| row == known);
            !known.is_empty() && same
        };
        !rows.is_empty()
            && (begins(&self.first)
                || begins(&self.previous)
                || self.pages.contains(&self.hasher.hash_one(&rows)))
    }

    /// Keeps what came. Whether so many empty pages came in a row that there may be no end to them.
    pub(super) fn keep(&mut self, rows: &[Bytes]) -> bool {
        if rows.is_empty() {
            self.empty += 1;
            return self.empty >= EMPTY_PAGES;
        }
        self.empty = 0;
        let rows = self.hashes(rows);
        self.pages.insert(self.hasher.hash_one(&rows));
        if self.first.is_empty() {
            self.first.clone_from(&rows);
        }
        self.previous = rows;
        false
    }

    /// The rows that were not on the page before.
    pub(super) fn without_overlap(&self, rows: &[Bytes]) -> Vec<Bytes> {
        rows.iter()
            .filter(|row| !self.previous.contains(&self.hash(row)))
            .cloned()
            .collect()
    }

    fn hashes(&self, rows: &[Bytes]) -> Vec<u64> {
        rows.iter().map(|row| self.hash(row)).collect()
    }

    /// A row is known by its key: other fields, such as a signed URL, may differ each time it is read.
    fn hash(&self, row: &Bytes) -> u64 {
        match row::first(row, &self.primary_key) {
            Some(key) => self.hasher.hash_one(key.to_string()),
            None => self.hasher.hash_one(row),
        }
    }
}
