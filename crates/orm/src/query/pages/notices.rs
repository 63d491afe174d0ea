//! What a walk tells the caller, as the policy says: that the server ignores a parameter, or that the data moved.

use django_api_orm_core::{Error, OnDrift, OnIgnored, Result, page::Page, paginator::Ask};

use super::Pages;
use crate::{
    query::Collection,
    warning::{Warning, WarningKind},
};

impl Pages {
    /// Reports a count that differs from the one before. A first one below the rows that have come already is none.
    pub(super) fn notice_count(&mut self, page: &Page, ask: &Ask) -> Result<()> {
        let before = self.course.count;
        let now = page.count();
        self.most_counted = self.most_counted.max(now.unwrap_or(0));
        let now = now.filter(|count| before.is_some() || *count >= ask.position);
        self.course.count = now.or(before);
        match (before, now) {
            (Some(before), Some(now)) if before != now && !self.count_changed => {
                self.count_changed = true;
                // Rows that are added are on the pages behind, or come twice.
                self.misses_rows |= now < before;
                report_drift(
                    &self.collection,
                    format!(
                        "the server's count went from {before} to {now} while the pages were read: rows may be missing or \
                     come twice"
                    ),
                )
            }
            _ => Ok(()),
        }
    }

    /// A page with more rows than were asked for: right all the same, but larger than it need be.
    pub(super) fn notice_ignored_limit(&self, page: &Page, ask: &Ask) -> Result<()> {
        match self.paginator.promised_size(ask) {
            Some((name, asked)) if (page.rows().len() as u64) > asked => {
                self.ignored(WarningKind::LimitIgnored, name)
            }
            _ => Ok(()),
        }
    }

    /// Keeps and reports that the server ignores offsets.
    pub(super) fn offsets_are_ignored(&self) -> Result<()> {
        self.collection.learn(|known| known.learn_offsets(false))?;
        let name = self.paginator.parameters().position().unwrap_or("offset");
        self.ignored(WarningKind::OffsetIgnored, name)
    }

    /// Raises or warns, as the policy says.
    fn ignored(&self, kind: WarningKind, parameter: &str) -> Result<()> {
        match self.collection.policy.on_ignored {
            OnIgnored::Trust => Ok(()),
            OnIgnored::Error => Err(Error::ignored(format!(
                "the server ignores `{parameter}` of `{}`",
                self.collection.model().name()
            ))),
            _ => self.collection.warn(Warning::new(kind, parameter)),
        }
    }

    /// At the end of a walk: as many rows as the server counted?
    pub(super) fn compare_with_count(&mut self, end: u64) -> Result<()> {
        match self.course.count {
            // A start behind the end says nothing.
            Some(count) if count != end && (end != self.course.start || end == 0) => {
                self.misses_rows |= end < count;
                report_drift(
                    &self.collection,
                    format!(
                        "the server counts {count} rows, but the walk over its pages ended after {end}"
                    ),
                )
            }
            _ => Ok(()),
        }
    }
}

/// Tells the caller, as the policy says, that the data moved during a walk.
pub(crate) fn report_drift(collection: &Collection, what: String) -> Result<()> {
    match collection.policy.on_drift {
        OnDrift::Ignore => Ok(()),
        OnDrift::Error => Err(Error::drift(what)),
        _ => collection.warn(Warning::new(WarningKind::Drift, what)),
    }
}
