//! A look at a row before it is written: where the program wants one, where nobody here knows the version of the row though the server
//! names versions, and where it refuses those that it names.

use django_api_orm_core::{
    Error, ErrorKind, OnConflict, Result,
    row::Row,
    version::{Form, Version},
    written::{Write, differing, show_the_same},
};

use super::{collection::Collection, conditional::Precaution};

/// Why a row is looked at before it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// The program wants it.
    Checked,
    /// The server names versions of rows that are read, but has not named that of this row when it was written.
    Unknown,
    /// The server has refused versions that were current, so they are compared client-side. That leaves a moment between the look and
    /// the write.
    Refused,
}

impl Collection {
    /// The row as it is now, where it is to be looked at before changes of it are sent.
    ///
    /// # Errors
    /// `Conflict` with both rows where somebody else has changed it; for changes of a checked row, or one whose version is not known,
    /// only where they have changed what is to be written.
    pub(super) async fn look_before_save(
        &self,
        write: &Write<'_>,
        precaution: Precaution,
        form: Form,
    ) -> Result<Option<Row>> {
        self.confirm_url(write.key.unwrap_or_default(), write.row)
            .await?;
        let Some(why) = self.why_look(write.row, precaution.check, form)? else {
            return Ok(None);
        };
        let current = self.look(write).await?;
        let fields = match why {
            Why::Checked | Why::Refused => write.changed_meanwhile(&current),
            Why::Unknown => write.shown_otherwise(&current),
        };
        let is_allowed = match why {
            Why::Checked | Why::Unknown => fields.is_empty(),
            Why::Refused => {
                is_as_read(write.row, &current)
                    || precaution.on_conflict == OnConflict::Merge && fields.is_empty()
            }
        };
        match is_allowed {
            true => Ok(Some(current)),
            false => Err(self.conflict_seen(write, current, fields)),
        }
    }

    /// The same before the row is deleted.
    ///
    /// # Errors
    /// `Conflict` with both rows where somebody else has changed what both of them show.
    pub(super) async fn look_before_delete(
        &self,
        write: &Write<'_>,
        check: bool,
        form: Form,
    ) -> Result<Option<Row>> {
        self.confirm_url(write.key.unwrap_or_default(), write.row)
            .await?;
        let Some(why) = self.why_look(write.row, check, form)? else {
            return Ok(None);
        };
        let current = self.look(write).await?;
        if is_as_read(write.row, &current) {
            return Ok(Some(current));
        }
        let differing = |row| differing(self.model(), row, &current);
        let fields = write.row.map(differing).unwrap_or_default();
        match why != Why::Refused && fields.is_empty() {
            true => Ok(Some(current)),
            false => Err(self.conflict_seen(write, current, fields)),
        }
    }

    fn why_look(&self, row: Option<&Row>, check: bool, form: Form) -> Result<Option<Why>> {
        if check {
            return Ok(Some(Why::Checked));
        }
        Ok(match row.and_then(Row::version) {
            Some(Version::Unknown { is_named_when_read }) => {
                let is_named = *is_named_when_read || self.know(|known| known.names_versions)?;
                is_named.then_some(Why::Unknown)
            }
            Some(_) if form == Form::Refused => Some(Why::Refused),
            Some(_) | None => None,
        })
    }

    async fn look(&self, write: &Write<'_>) -> Result<Row> {
        self.refresh(write.key.unwrap_or_default(), write.row).await
    }

    fn conflict_seen(&self, write: &Write<'_>, current: Row, fields: Vec<String>) -> Error {
        let error = self.changed_meanwhile(Error::new(ErrorKind::Conflict, ""), &fields);
        error.with_conflict(write.row.cloned(), current, fields)
    }
}

/// Whether the row is the version that was read, or shows the same.
fn is_as_read(read: Option<&Row>, current: &Row) -> bool {
    read.is_some_and(|read| {
        read.version()
            .is_some_and(|version| current.version() == Some(version))
            || show_the_same(read, current)
    })
}
