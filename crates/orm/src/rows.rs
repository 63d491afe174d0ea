//! `Rows`: a stream over every page of a query.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use django_api_orm_core::{ApiModel, Result, row::Row};
use futures_core::Stream;
use futures_util::{StreamExt, stream};
use tracing::Span;

use crate::{
    instance::Instance,
    manager::Manager,
    query::{KeysetWalk, Walk},
    trace,
};

/// The rows of a query, page by page. Owns everything it needs: it is `Send + 'static`, and dropping it stops the requests.
///
/// [`next`](Self::next) and [`try_next`](Self::try_next) need no import; as a [`Stream`] it takes all of `futures`'
/// combinators.
pub struct Rows<M> {
    batches: Pin<Box<dyn Stream<Item = Result<Vec<Row>>> + Send>>,
    batch: VecDeque<Row>,
    manager: Manager<M>,
    span: Span,
}

impl<M: ApiModel> Rows<M> {
    pub(crate) fn new(manager: Manager<M>, walk: Walk) -> Self {
        let batches = stream::try_unfold(walk, |mut walk| async move {
            Ok(walk.next().await?.map(|rows| (rows, walk)))
        });
        Self {
            batches: Box::pin(batches),
            batch: VecDeque::new(),
            manager,
            span: trace::span(M::NAME, "stream"),
        }
    }

    pub(crate) fn by_key(manager: Manager<M>, walk: KeysetWalk) -> Self {
        let batches = stream::try_unfold(walk, |mut walk| async move {
            Ok(walk.next().await?.map(|rows| (rows, walk)))
        });
        Self {
            batches: Box::pin(batches),
            batch: VecDeque::new(),
            manager,
            span: trace::span(M::NAME, "keyset"),
        }
    }

    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// `Decode` for a row that does not fit the model; the stream goes on after it. An error of a request ends the stream.
    pub async fn try_next(&mut self) -> Result<Option<Instance<M>>> {
        self.next().await.transpose()
    }

    /// The next row or error; `None` at the end.
    pub async fn next(&mut self) -> Option<Result<Instance<M>>> {
        StreamExt::next(self).await
    }
}

impl<M: ApiModel> Stream for Rows<M> {
    type Item = Result<Instance<M>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(row) = self.batch.pop_front() {
                return Poll::Ready(Some(Instance::from_row(self.manager.clone(), row)));
            }
            let span = self.span.clone();
            let _entered = span.enter();
            match self.batches.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(batch))) => self.batch = batch.into(),
                Poll::Ready(Some(Err(error))) => {
                    trace::fail(&span, &error);
                    return Poll::Ready(Some(Err(error)));
                }
                Poll::Ready(None) => return Poll::Ready(None),
                Poll::Pending => return Poll::Pending,
            }
        }
    }
}

impl<M: ApiModel> fmt::Debug for Rows<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows")
            .field("model", &M::NAME)
            .field("at_hand", &self.batch.len())
            .finish_non_exhaustive()
    }
}
