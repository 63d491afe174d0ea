//! What a look at the server tells of a write whose outcome was unknown.

/// Whether a write is there, of which it was not known. `T` is an [`Instance`](crate::Instance).
///
/// A look tells what the server has now. A request may still be under way there, such as one that has met a timeout: look after the
/// server has had its time for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reconciled<T> {
    /// The write is there: the row as it is now, which shows what was sent; `None` for a row that was to be deleted, and is gone.
    Done(Option<T>),
    /// The write is not there: no such row was created, or the row, as it is now, is as it was. `None` where there is no row.
    NotDone(Option<T>),
    /// It cannot be told: these rows have what the new row is looked up by, and are several, or have other values than were sent; or the
    /// row shows neither what was sent nor what it was before, or nothing of what was sent.
    Unclear(Vec<T>),
}

impl<T> Reconciled<T> {
    pub(crate) fn map<U>(self, map: impl Fn(T) -> U) -> Reconciled<U> {
        match self {
            Self::Done(row) => Reconciled::Done(row.map(map)),
            Self::NotDone(row) => Reconciled::NotDone(row.map(map)),
            Self::Unclear(rows) => Reconciled::Unclear(rows.into_iter().map(map).collect()),
        }
    }

    /// Whether the write is there.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }

    /// Whether the write is not there.
    #[must_use]
    pub fn is_not_done(&self) -> bool {
        matches!(self, Self::NotDone(_))
    }

    pub(crate) fn try_map<U, E>(
        self,
        mut map: impl FnMut(T) -> Result<U, E>,
    ) -> Result<Reconciled<U>, E> {
        Ok(match self {
            Self::Done(row) => Reconciled::Done(row.map(map).transpose()?),
            Self::NotDone(row) => Reconciled::NotDone(row.map(map).transpose()?),
            Self::Unclear(rows) => {
                Reconciled::Unclear(rows.into_iter().map(&mut map).collect::<Result<_, _>>()?)
            }
        })
    }
}
