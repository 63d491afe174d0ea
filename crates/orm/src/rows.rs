//! `Rows`: a stream over every page of a query.

use std::{
    collections::VecDeque,
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use django_api_orm_core::{ApiModel, Result, row::Row};
use futures_core::Stream;
use futures_util::{StreamExt, TryStreamExt, stream};
use tracing::Span;

use crate::{
    instance::Instance,
    manager::Manager,
    query::{KeysetWalk, Walk},
    queryset::QuerySet,
    related::{Place, places},
    trace,
};

/// The rows of a query, page by page. Owns everything it needs: it is `Send + 'static`, and dropping it stops the requests.
///
/// [`next`](Self::next) and [`try_next`](Self::try_next) need no import; as a [`Stream`] it takes all of `futures`'
/// combinators.
pub struct Rows<M> {
    batches: Pin<Box<dyn Stream<Item = Result<Batch<M>>> + Send>>,
    batch: Batch<M>,
    manager: Manager<M>,
    span: Span,
}

/// Instances at hand are moved, never pinned.
impl<M> Unpin for Rows<M> {}

/// The rows at hand.
enum Batch<M> {
    Rows(VecDeque<Row>, VecDeque<Place>),
    /// With their related rows.
    Instances(VecDeque<Result<Instance<M>>>),
}

impl<M: ApiModel> Rows<M> {
    pub(crate) fn new(queryset: &QuerySet<M>, walk: Walk) -> Self {
        let batches = stream::try_unfold(walk, |mut walk| async move {
            Ok(walk.next().await?.map(|rows| (rows, walk)))
        });
        Self::of(queryset, batches, "stream")
    }

    pub(crate) fn by_key(queryset: &QuerySet<M>, walk: KeysetWalk) -> Self {
        let batches = stream::try_unfold(walk, |mut walk| async move {
            Ok(walk.next().await?.map(|rows| (rows, walk)))
        });
        Self::of(queryset, batches, "keyset")
    }

    fn of(
        queryset: &QuerySet<M>,
        batches: impl Stream<Item = Result<Vec<Row>>> + Send + 'static,
        name: &'static str,
    ) -> Self {
        let manager = queryset.manager_of_rows().clone();
        let span = trace::span(M::NAME, name);
        let batches: Pin<Box<dyn Stream<Item = Result<Batch<M>>> + Send>> =
            match queryset.related.is_empty() {
                true => Box::pin(batches.map_ok(|rows| {
                    let places = places::<M>(&rows);
                    Batch::Rows(rows.into(), places)
                })),
                false => {
                    let queryset = queryset.clone();
                    let with_related = move |rows| with_related(queryset.clone(), rows);
                    // The next page is on its way while related rows are read.
                    Box::pin(batches.map_ok(with_related).try_buffered(2))
                }
            };
        Self {
            batches,
            batch: Batch::Rows(VecDeque::new(), VecDeque::new()),
            manager,
            span,
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

/// A row that does not fit the model is an error in its place, and the others have their related rows.
async fn with_related<M: ApiModel>(queryset: QuerySet<M>, rows: Vec<Row>) -> Result<Batch<M>> {
    let mut fit = Vec::with_capacity(rows.len());
    let mut unfit = Vec::new();
    let mut places = places::<M>(&rows);
    for (at, row) in rows.into_iter().enumerate() {
        match Instance::in_page(queryset.manager_of_rows().clone(), row, places.pop_front()) {
            Ok(instance) => fit.push(instance),
            Err(error) => unfit.push((at, error)),
        }
    }
    if !fit.is_empty() {
        queryset.read_related(&fit).await?;
    }
    let mut instances: Vec<Result<Instance<M>>> = fit.into_iter().map(Ok).collect();
    for (at, error) in unfit {
        instances.insert(at, Err(error));
    }
    Ok(Batch::Instances(instances.into()))
}

impl<M: ApiModel> Stream for Rows<M> {
    type Item = Result<Instance<M>>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let manager = self.manager.clone();
            let next = match &mut self.batch {
                Batch::Rows(rows, places) => {
                    let (row, place) = (rows.pop_front(), places.pop_front());
                    row.map(|row| Instance::in_page(manager, row, place))
                }
                Batch::Instances(instances) => instances.pop_front(),
            };
            if next.is_some() {
                return Poll::Ready(next);
            }
            let span = self.span.clone();
            let _entered = span.enter();
            match self.batches.as_mut().poll_next(cx) {
                Poll::Ready(Some(Ok(batch))) => self.batch = batch,
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
            .field(
                "at_hand",
                &match &self.batch {
                    Batch::Rows(rows, _) => rows.len(),
                    Batch::Instances(instances) => instances.len(),
                },
            )
            .finish_non_exhaustive()
    }
}
