//! What is told of related rows that are read with the rows of a query.

use super::Explain;
use crate::strategy::LARGEST_PART;

/// Related rows that are read with the rows of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainRelated {
    name: String,
    how: String,
    reading: Reading,
    whole: Whole,
    /// Whose rows they are related to, where these are not the query's own.
    of: Option<String>,
}

/// Whether all rows of the table are read in place of those with some keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Whole {
    /// How many requests that takes is not known.
    #[default]
    Never,
    /// Where it takes fewer requests than these do; so many.
    Below(u64),
    /// For two keys and more, because the table is declared to be small; so many, if that is known.
    Always(Option<u64>),
}

impl Whole {
    /// Whether they are read whole in place of so many different keys, which take so many requests.
    #[must_use]
    pub fn is_read(self, keys: u64, requests: u64) -> bool {
        match self {
            Self::Never => false,
            Self::Below(whole) => whole < requests,
            Self::Always(_) => keys > 1,
        }
    }

    /// How many requests so many different keys take.
    #[must_use]
    pub fn requests(self, keys: u64, requests: Option<u64>) -> Option<u64> {
        match self {
            Self::Below(whole) => requests.map(|requests| requests.min(whole)),
            Self::Always(whole) if keys > 1 => whole,
            Self::Never | Self::Always(_) => requests,
        }
    }

    /// The same in words, to be added to how rows are asked for by their keys; nothing where they always are.
    #[must_use]
    pub fn explained(self) -> String {
        match self {
            Self::Never => String::new(),
            Self::Below(requests) => {
                format!("; or the whole table, with {requests} requests, where that is fewer")
            }
            Self::Always(_) => {
                "; for two keys and more the whole table, which is declared to be small".to_owned()
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Reading {
    /// By their keys; how many requests so many of them take, up to a whole chunk.
    ByKeys(Vec<Option<u64>>),
    /// By the keys of the rows that they point at.
    Back(Box<Explain>),
}

impl ExplainRelated {
    /// Rows that are pointed at, which are asked for by their keys. `requests` tells how many requests so many of them take, from none to a
    /// whole chunk.
    #[must_use]
    pub fn by_keys(name: String, how: String, requests: Vec<Option<u64>>) -> Self {
        Self {
            name,
            how,
            reading: Reading::ByKeys(requests),
            whole: Whole::Never,
            of: None,
        }
    }

    /// The same, where the whole table may be read in their place.
    #[must_use]
    pub fn or_whole(mut self, whole: Whole) -> Self {
        self.how.push_str(&whole.explained());
        self.whole = whole;
        self
    }

    /// Rows that point back, which are read as `each` says for each chunk of the rows that they point at.
    #[must_use]
    pub fn pointing_back(name: String, how: String, each: Explain) -> Self {
        Self {
            name,
            how,
            reading: Reading::Back(Box::new(each)),
            whole: Whole::Never,
            of: None,
        }
    }

    /// The same of rows that the server is asked to send with the rows, by a query parameter.
    #[must_use]
    pub fn sent_with(self, place: &str, parameter: &str) -> Self {
        Self {
            how: format!(
                "{place}, as `{parameter}` asks the server; what it does not send so: {}",
                self.how
            ),
            ..self
        }
    }

    /// The same of rows that are related to those of another relation.
    #[must_use]
    pub fn of(self, other: &str) -> Self {
        Self {
            name: format!("{other}__{}", self.name),
            of: Some(other.to_owned()),
            ..self
        }
    }

    /// The relation: `author`, or `author__team` of the rows that it leads to.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How they are asked for, in words.
    #[must_use]
    pub fn how(&self) -> &str {
        &self.how
    }

    /// How many requests so many of them take, for so many rows.
    fn requests(&self, rows: u64, of: u64) -> Option<u64> {
        let chunk = LARGEST_PART as u64;
        match &self.reading {
            Reading::ByKeys(requests) => {
                let at = |keys: u64| *requests.get(usize::try_from(keys).ok()?)?;
                let whole = match rows / chunk {
                    0 => 0,
                    chunks => chunks * at(chunk)?,
                };
                let by_keys = at(rows % chunk).map(|rest| whole + rest);
                self.whole.requests(rows, by_keys)
            }
            Reading::Back(each) => match of.div_ceil(chunk) {
                0 => Some(0),
                1 => each.requests(rows),
                // Nobody knows how many of them come with each chunk, unless all of them fit into a page.
                chunks => (each.requests(rows)? == 1).then_some(chunks),
            },
        }
    }
}

impl Explain {
    /// The same of a query with whose rows these are read.
    #[must_use]
    pub fn with_related(mut self, related: Vec<ExplainRelated>) -> Self {
        self.related = related;
        self
    }

    /// The related rows that are read with the rows, in the order in which the query names them: those of one level at the same time.
    #[must_use]
    pub fn related(&self) -> &[ExplainRelated] {
        &self.related
    }

    /// How many requests it takes with the related rows. `related` says of each relation how many different rows are read for it: of rows
    /// that are pointed at, how many different keys there are, but for rows that are shown whole; of rows that point back, how many come.
    ///
    /// ```no_run
    /// # use django_api_orm_core::Explain;
    /// # fn f(explained: Explain) {
    /// // 250 posts of 40 authors, who are in 5 teams.
    /// let requests = explained.requests_with(250, &[("author", 40), ("author__team", 5)]);
    /// # }
    /// ```
    ///
    /// Keys that are long fill requests sooner: 2,000 bytes of them. `None` as for [`requests`](Self::requests), where a relation is not
    /// named, and where rows that point back come in several chunks of which some may be larger than a page.
    #[must_use]
    pub fn requests_with(&self, rows: u64, related: &[(&str, u64)]) -> Option<u64> {
        let said = |name: &str| {
            let found = related.iter().find(|(other, _)| *other == name);
            found.map(|(_, rows)| *rows)
        };
        let mut requests = self.requests(rows)?;
        if rows == 0 {
            return Some(requests);
        }
        for each in &self.related {
            let of = match &each.of {
                None => rows,
                Some(other) => said(other)?,
            };
            requests += each.requests(said(&each.name)?, of)?;
        }
        Some(requests)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        explain::tests::{explain, limit_offset},
        plan::Plan,
    };

    fn related(name: &str) -> ExplainRelated {
        // Pages of 60.
        let requests = (0..=100u64).map(|keys| Some(keys.div_ceil(60))).collect();
        ExplainRelated::by_keys(name.to_owned(), "asked for".to_owned(), requests)
    }

    #[test]
    fn each_chunk_and_each_page_is_a_request() {
        let posts = explain(&Plan::all(), &limit_offset());
        let team = related("team").of("author");
        let posts = posts.with_related(vec![related("author"), team]);
        let requests = |rows, authors, teams| {
            posts.requests_with(rows, &[("author", authors), ("author__team", teams)])
        };
        assert_eq!(requests(250, 40, 5), Some(3 + 1 + 1));
        assert_eq!(requests(250, 201, 1), Some(3 + 2 + 2 + 1 + 1));
        assert_eq!(requests(250, 61, 60), Some(3 + 2 + 1));
        assert_eq!(requests(250, 0, 0), Some(3));
        assert_eq!(requests(0, 0, 0), Some(1));
        assert_eq!(posts.requests_with(250, &[("author", 40)]), None);
        assert!(
            posts
                .to_string()
                .ends_with("\n  author: asked for\n  author__team: asked for")
        );
        let requests = [Some(0), Some(1), None].to_vec();
        let author = ExplainRelated::by_keys("author".to_owned(), String::new(), requests);
        let posts = explain(&Plan::all(), &limit_offset()).with_related(vec![author]);
        assert_eq!(posts.requests_with(1, &[("author", 1)]), Some(2));
        assert_eq!(posts.requests_with(9, &[("author", 2)]), None);
    }

    #[test]
    fn rows_that_point_back_come_in_pages() {
        let users = explain(&Plan::all(), &limit_offset());
        let each = explain(&Plan::all(), &limit_offset());
        let posts = ExplainRelated::pointing_back("posts".to_owned(), String::new(), each);
        let users = users.with_related(vec![posts]);
        let requests = |users_, posts| users.requests_with(users_, &[("posts", posts)]);
        assert_eq!(requests(50, 0), Some(1 + 1));
        assert_eq!(requests(50, 250), Some(1 + 3));
        assert_eq!(requests(150, 80), Some(2 + 2));
        assert_eq!(requests(150, 101), None);
    }
}
