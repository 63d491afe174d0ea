//! What is left to tell when some of many writes have failed.

use std::fmt;

use django_api_orm_core::{Error, Result};

/// Things with their index in the input.
type Indexed<T> = Vec<(usize, T)>;

/// What has become of the writes that have failed: some may have been carried out nevertheless, and some were. `done` is what
/// was to be done with the rows.
fn summary<'e>(errors: impl Iterator<Item = &'e Error>, total: usize, done: &str) -> String {
    let (mut not_done, mut unknown, mut carried_out) = (0, 0, 0);
    for error in errors {
        if error.is_outcome_unknown() {
            unknown += 1;
        } else if error.is_carried_out() {
            carried_out += 1;
        } else {
            not_done += 1;
        }
    }
    let parts = [
        (not_done, format!("could not be {done}")),
        (unknown, format!("may or may not have been {done}")),
        (carried_out, format!("failed after being {done}")),
    ];
    let mut told = String::new();
    for (rows, what) in parts.into_iter().filter(|(rows, _)| *rows > 0) {
        told += &match told.is_empty() {
            true => format!("{rows} of {total} rows {what}"),
            false => format!(", {rows} {what}"),
        };
    }
    told
}

/// Some rows of a [`bulk_create`](crate::Manager::bulk_create) have failed. Nothing is lost: it holds the instances (`I`) of
/// the rows that were created, and the error of each other row, all with their index in the input.
pub struct BulkCreateError<I> {
    created: Indexed<I>,
    failed: Indexed<Error>,
}

impl<I> BulkCreateError<I> {
    pub(crate) fn sort(results: Vec<Result<I>>) -> Result<Vec<I>, Self> {
        let mut created = Vec::new();
        let mut failed = Vec::new();
        for (index, result) in results.into_iter().enumerate() {
            match result {
                Ok(instance) => created.push((index, instance)),
                Err(error) => failed.push((index, error)),
            }
        }
        if failed.is_empty() {
            return Ok(created.into_iter().map(|(_, instance)| instance).collect());
        }
        Err(Self { created, failed })
    }

    pub(crate) fn unsent(errors: Vec<Option<Error>>) -> Self {
        let failed = errors
            .into_iter()
            .enumerate()
            .filter_map(|(index, error)| Some((index, error?)))
            .collect();
        Self {
            created: Vec::new(),
            failed,
        }
    }
}

impl<I> BulkCreateError<I> {
    /// The rows that were created, with their index in the input.
    #[must_use]
    pub fn created(&self) -> &[(usize, I)] {
        &self.created
    }

    /// The rows that have failed, with their index in the input. An error whose
    /// [outcome is unknown](Error::is_outcome_unknown) means that the row may have been created all the same; one of the kind
    /// `Unsaved`, that it was.
    #[must_use]
    pub fn failed(&self) -> &[(usize, Error)] {
        &self.failed
    }

    /// One of the rows that have failed may have been created all the same.
    #[must_use]
    pub fn is_outcome_unknown(&self) -> bool {
        self.failed
            .iter()
            .any(|(_, error)| error.is_outcome_unknown())
    }

    pub(crate) fn map<J>(self, change: impl Fn(I) -> J) -> BulkCreateError<J> {
        let created = self
            .created
            .into_iter()
            .map(|(index, instance)| (index, change(instance)))
            .collect();
        BulkCreateError {
            created,
            failed: self.failed,
        }
    }

    /// Both lists, for reuse.
    #[must_use]
    pub fn into_parts(self) -> (Indexed<I>, Indexed<Error>) {
        (self.created, self.failed)
    }
}

/// Some rows of an [`update`](crate::QuerySet::update) or a [`delete`](crate::QuerySet::delete) have failed. It holds the keys
/// of the rows that were written, and the error of each other row.
#[derive(Debug)]
pub struct BulkWriteError {
    written: Vec<String>,
    failed: Vec<(String, Error)>,
}

impl BulkWriteError {
    /// Counts the rows that were written; `false` stands for a row that was gone already.
    pub(crate) fn sort(results: Vec<(String, Result<bool>)>) -> Result<u64, Self> {
        let mut written = Vec::new();
        let mut failed = Vec::new();
        for (key, result) in results {
            match result {
                Ok(true) => written.push(key),
                Ok(false) => {}
                Err(error) => failed.push((key, error)),
            }
        }
        if failed.is_empty() {
            Ok(written.len() as u64)
        } else {
            Err(Self { written, failed })
        }
    }

    /// Nothing was written.
    pub(crate) fn unsent(error: Error) -> Self {
        Self {
            written: Vec::new(),
            failed: vec![(String::new(), error)],
        }
    }

    /// The keys of the rows that were written.
    #[must_use]
    pub fn written(&self) -> &[String] {
        &self.written
    }

    /// The keys and errors of the rows that have failed. An empty key stands for all of them: nothing was written. An error
    /// whose [outcome is unknown](Error::is_outcome_unknown) means that the row may have been written all the same; one of the
    /// kind `Unsaved`, that it was, but for a value.
    #[must_use]
    pub fn failed(&self) -> &[(String, Error)] {
        &self.failed
    }

    /// One of the rows that have failed may have been written all the same.
    #[must_use]
    pub fn is_outcome_unknown(&self) -> bool {
        self.failed
            .iter()
            .any(|(_, error)| error.is_outcome_unknown())
    }
}

impl fmt::Display for BulkWriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failed.first() {
            Some((key, error)) if key.is_empty() => write!(f, "nothing was written: {error}"),
            Some((key, error)) => {
                let errors = self.failed.iter().map(|(_, error)| error);
                let total = self.written.len() + self.failed.len();
                let told = summary(errors, total, "written");
                write!(f, "{told}; row {key}: {error}")
            }
            None => f.write_str("nothing failed"),
        }
    }
}

impl std::error::Error for BulkWriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.failed.first().map(|(_, error)| error as _)
    }
}

impl From<BulkWriteError> for Error {
    /// Keeps the first failure and says how many there were; its outcome is unknown if that of any is.
    fn from(error: BulkWriteError) -> Self {
        let context = error.to_string();
        let unknown = error.is_outcome_unknown();
        match error.failed.into_iter().next() {
            Some((key, first)) if key.is_empty() => first,
            Some((_, first)) => first.with_context(context).with_outcome_unknown(unknown),
            None => Self::invalid_request(context),
        }
    }
}

impl<I> fmt::Display for BulkCreateError<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failed.first() {
            Some((index, error)) => {
                let errors = self.failed.iter().map(|(_, error)| error);
                let total = self.created.len() + self.failed.len();
                let told = summary(errors, total, "created");
                write!(f, "{told}; row {index}: {error}")
            }
            None => f.write_str("nothing failed"),
        }
    }
}

impl<I> fmt::Debug for BulkCreateError<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let created: Vec<usize> = self.created.iter().map(|(index, _)| *index).collect();
        f.debug_struct("BulkCreateError")
            .field("created", &created)
            .field("failed", &self.failed)
            .finish()
    }
}

impl<I> std::error::Error for BulkCreateError<I> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.failed.first().map(|(_, error)| error as _)
    }
}

impl<I> From<BulkCreateError<I>> for Error {
    /// Keeps the first failure and says how many there were; the created instances are dropped. Its outcome is unknown if that
    /// of any is.
    fn from(error: BulkCreateError<I>) -> Self {
        let context = error.to_string();
        let unknown = error.is_outcome_unknown();
        match error.failed.into_iter().next() {
            Some((_, first)) => first.with_context(context).with_outcome_unknown(unknown),
            None => Self::invalid_request(context),
        }
    }
}
