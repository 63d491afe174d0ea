//! A page that the server refuses, perhaps for what the query did not ask for: a size, an offset. Asked once more without, it
//! shows whether it was that. Where it was, the endpoint is asked for its own pages from then on; where it was not, the
//! first refusal stands.

use django_api_orm_core::{
    Error, Result,
    page::Style,
    paginator::{Ask, Why},
};

use super::Pages;

/// What was left out of a request that the server had refused.
#[derive(Debug)]
pub(super) struct Refused {
    error: Error,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Size(u64),
    Offset,
}

impl Pages {
    /// What to ask instead; the first refusal where nothing is left to leave out.
    pub(super) fn ask_less(&mut self, error: Error, ask: Ask) -> Result<Ask> {
        // Pages under way were asked for in the same way.
        self.ahead.clear();
        let error = match self.refused.take() {
            Some(refused) => refused.error,
            None if error.blames(&self.course.base) => return Err(error),
            None => error,
        };
        let size = self.paginator.parameters().asked_size(&ask.query);
        let (next, what) = match (size, ask.why) {
            (_, Why::Everything) => {
                return Err(Self::out_of_reach(ask.position).with_source(error));
            }
            // Pages as long as those that have come are not what is refused.
            (Some(size), _) if size > self.course.size => {
                self.course.largest = Some(0);
                (self.without_size(ask), Some(What::Size(size)))
            }
            (None, Why::Jump(Style::LimitOffset)) => {
                self.known.refuses_offsets = true;
                let parameters = self.paginator.parameters();
                let first = parameters.beginning(&self.course, Why::Start);
                (Some(first), Some(What::Offset))
            }
            _ => (None, None),
        };
        match (next, what) {
            (Some(next), Some(what)) => {
                self.refused = Some(Refused { error, what });
                Ok(next)
            }
            _ => Err(self.collection.with_cure(error, &self.course.base)),
        }
    }

    fn without_size(&mut self, ask: Ask) -> Option<Ask> {
        match (ask.why, self.paginator.style()) {
            (Why::Start | Why::Jump(_), _) => Some(self.paginator.first(&self.course, &self.known)),
            (why @ Why::Restart, _) => {
                Some(self.paginator.parameters().beginning(&self.course, why))
            }
            // The number of a page tells no position without its size.
            (_, Some(Style::PageNumber)) => None,
            _ => {
                let name = self.paginator.parameters().size()?;
                let mut query = ask.query;
                query.retain(|(known, _)| known != name);
                Some(Ask { query, ..ask })
            }
        }
    }

    /// A page has come for what was asked with less, so it was that.
    pub(super) fn learn_refusal(&mut self) -> Result<()> {
        let Some(refused) = self.refused.take() else {
            return Ok(());
        };
        self.collection.learn(|known| match refused.what {
            What::Size(size) => known.learn_refused_size(size),
            What::Offset => known.refuses_offsets = true,
        })
    }
}
