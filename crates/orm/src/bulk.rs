//! What is left to tell when some of many writes have failed.

use std::fmt;

use django_api_orm_core::{Error, Result};

/// Things with their index in the input.
type Indexed<T> = Vec<(usize, T)>;

/// Some rows of a [`bulk_create`](crate::Manager::bulk_create) could not be created. Nothing is lost: it holds the
/// instances (`I`) of the rows that were, and the error of each row that was not, all with their index in the input.
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

    /// The rows that were not created, with their index in the input. An error of the kind `OutcomeUnknown` means that
    /// the row may have been created all the same.
    #[must_use]
    pub fn failed(&self) -> &[(usize, Error)] {
        &self.failed
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

/// Some rows of an [`update`](crate::QuerySet::update) or a [`delete`](crate::QuerySet::delete) could not be written. It
/// holds the keys of the rows that were, and the error of each row that was not.
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

    /// The keys and errors of the rows that were not. An empty key stands for all of them: nothing was written. An error of
    /// the kind `OutcomeUnknown` means that the row may have been written all the same.
    #[must_use]
    pub fn failed(&self) -> &[(String, Error)] {
        &self.failed
    }
}

impl fmt::Display for BulkWriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.failed.first() {
            Some((key, error)) if key.is_empty() => write!(f, "nothing was written: {error}"),
            Some((key, error)) => {
                let total = self.written.len() + self.failed.len();
                write!(
                    f,
                    "{} of {total} rows could not be written; row {key}: {error}",
                    self.failed.len()
                )
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
    /// Keeps the first failure and says how many there were.
    fn from(error: BulkWriteError) -> Self {
        let context = error.to_string();
        match error.failed.into_iter().next() {
            Some((key, first)) if key.is_empty() => first,
            Some((_, first)) => first.with_context(context),
            None => Self::invalid_request(context),
        }
    }
}

impl<I> fmt::Display for BulkCreateError<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.created.len() + self.failed.len();
        write!(
            f,
            "{} of {total} rows could not be created",
            self.failed.len()
        )?;
        match self.failed.first() {
            Some((index, error)) => write!(f, "; row {index}: {error}"),
            None => Ok(()),
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
    /// Keeps the first failure and says how many there were; the created instances are dropped.
    fn from(error: BulkCreateError<I>) -> Self {
        let context = error.to_string();
        match error.failed.into_iter().next() {
            Some((_, first)) => first.with_context(context),
            None => Self::invalid_request(context),
        }
    }
}
