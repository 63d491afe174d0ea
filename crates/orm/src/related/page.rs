//! Rows that were read together: what one of them is asked for is read for all of them at once.

use std::{
    any::Any,
    collections::{BTreeSet, HashMap, VecDeque},
    panic::Location,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use django_api_orm_core::{ApiModel, Error, OnNPlusOne, Result, row::Row, strategy::LARGEST_PART};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared, WeakShared},
};
use serde_json::Value;

use crate::{
    instance::Instance,
    query::Collection,
    warning::{Warning, WarningKind},
};

/// Up to so many rows that came one after the other, as many as keys are asked for at once.
///
/// A page lives as long as one of its instances. It holds the rows as the server sent them, which are slices of one body, and what was
/// read for them.
struct Page {
    members: Box<[Member]>,
    touched: Mutex<HashMap<String, Touched>>,
}

/// A row of a page.
struct Member {
    row: Row,
    /// How many instances of it there are, or are still to be made. Nothing is read for a row without one.
    instances: AtomicUsize,
}

/// A relation that was asked for on a row of the page.
struct Touched {
    /// The row.
    first: usize,
    state: State,
    /// The rows of which the program has changed since what is read.
    changed: BTreeSet<usize>,
}

enum State {
    /// Read for that row alone.
    Alone,
    /// Being read for all rows. Nobody holds a lock meanwhile: who waits shares the future.
    Reading(WeakShared<Reading>),
    Read(Read),
}

type Read = Arc<dyn Any + Send + Sync>;
/// The error is for the first one who asks; the others try again.
type Reading = BoxFuture<'static, Result<Read, Arc<Mutex<Option<Error>>>>>;

/// What was read for the rows of a page.
pub(crate) struct Batch<N> {
    /// Each related row once.
    pub(crate) rows: Vec<Arc<Instance<N>>>,
    /// For each place in the page what pointed at them, and which of them they are.
    pub(crate) of: HashMap<usize, (Value, Vec<usize>)>,
}

impl<N> Batch<N> {
    /// The rows for what points at them from that place.
    pub(crate) fn at(&self, place: usize, keys: &Value) -> Option<Vec<Arc<Instance<N>>>> {
        let (_, places) = self
            .of
            .get(&place)
            .filter(|(for_keys, _)| for_keys == keys)?;
        let rows = places.iter().filter_map(|place| self.rows.get(*place));
        Some(rows.map(Arc::clone).collect())
    }
}

/// A relation of a row that is asked for.
pub(crate) struct Touch<'a> {
    /// What its rows are kept as.
    pub(crate) name: &'a str,
    /// What points at them.
    pub(crate) keys: &'a Value,
    /// Whether they are read for all rows at the first touch; else at the first one of another row.
    pub(crate) at_once: bool,
    /// The rows of the page.
    pub(crate) asked: &'a Collection,
    /// Where in the program.
    pub(crate) line: &'static Location<'static>,
}

/// The place of an instance in the page that its row came in.
pub(crate) struct Place {
    page: Arc<Page>,
    at: usize,
}

/// The places of rows that were read together, in their order. None, where nothing can be asked of them, or of one alone.
pub(crate) fn places<M: ApiModel>(rows: &[Row]) -> VecDeque<Place> {
    if rows.len() < 2 || M::meta().relations().is_empty() {
        return VecDeque::new();
    }
    let mut places = VecDeque::with_capacity(rows.len());
    for rows in rows.chunks(LARGEST_PART) {
        let member = |row: &Row| Member {
            row: Row::new(row.bytes().clone()),
            instances: AtomicUsize::new(1),
        };
        let page = Arc::new(Page {
            members: rows.iter().map(member).collect(),
            touched: Mutex::default(),
        });
        places.extend((0..rows.len()).map(|at| Place {
            page: Arc::clone(&page),
            at,
        }));
    }
    places
}

impl Place {
    /// What the relation of this row has, read for the other rows of its page as well; `None`, where it is to be read alone.
    ///
    /// `others` says which of the rows have something to be read, and how it is: the row at this place is no part of them.
    ///
    /// # Errors
    /// `InvalidRequest` where the policy refuses to read row by row; those of reading.
    pub(crate) async fn together<N: Send + Sync + 'static, F>(
        &self,
        touch: Touch<'_>,
        others: F,
    ) -> Result<Option<Vec<Arc<Instance<N>>>>>
    where
        F: Fn(Vec<(usize, Row)>) -> Option<BoxFuture<'static, Result<Batch<N>>>>,
        Instance<N>: Send + Sync,
    {
        loop {
            let Some(reading) = self.reading(&touch, &others)? else {
                return Ok(None);
            };
            let read = match reading.await {
                Ok(read) => read,
                Err(error) => {
                    let first = error.lock().unwrap_or_else(PoisonError::into_inner).take();
                    match first {
                        Some(error) => return Err(error),
                        None => continue,
                    }
                }
            };
            let batch = read.downcast_ref::<Batch<N>>();
            return Ok(batch.and_then(|batch| batch.at(self.at, touch.keys)));
        }
    }

    /// What gives the rows: that which is under way or done, or a new one.
    fn reading<N: Send + Sync + 'static, F>(
        &self,
        touch: &Touch<'_>,
        others: &F,
    ) -> Result<Option<Shared<Reading>>>
    where
        F: Fn(Vec<(usize, Row)>) -> Option<BoxFuture<'static, Result<Batch<N>>>>,
        Instance<N>: Send + Sync,
    {
        let mut touched = self.page.touched();
        let known = touched.get(touch.name);
        match known.map(|known| &known.state) {
            Some(State::Read(_) | State::Reading(_))
                if known.is_some_and(|known| known.changed.contains(&self.at)) =>
            {
                return Ok(None);
            }
            Some(State::Read(read)) => {
                let read: Reading = futures_util::future::ready(Ok(Arc::clone(read))).boxed();
                return Ok(Some(read.shared()));
            }
            Some(State::Reading(reading)) => {
                // Where nobody waits for it any more, it is begun anew.
                if let Some(reading) = reading.upgrade() {
                    return Ok(Some(reading));
                }
            }
            Some(State::Alone) | None => {}
        }
        let first = known.map_or(self.at, |known| known.first);
        if first == self.at && !touch.at_once {
            touched.insert(touch.name.to_owned(), Touched::new(first, State::Alone));
            return Ok(None);
        }
        let Some(batch) = others(self.page.others(self.at)) else {
            return Ok(None);
        };
        let noticed = noticed(touch)?;
        let (page, name) = (Arc::downgrade(&self.page), touch.name.to_owned());
        let reading: Reading = async move {
            let read = batch.await.map(|batch| -> Read { Arc::new(batch) });
            let state = match &read {
                Ok(read) => State::Read(Arc::clone(read)),
                // Who asks from now on begins anew.
                Err(_) => State::Alone,
            };
            if let Some(page) = page.upgrade()
                && let Some(touched) = page.touched().get_mut(&name)
            {
                touched.state = state;
            }
            read.map_err(|error| Arc::new(Mutex::new(Some(error))))
        }
        .boxed();
        let reading = reading.shared();
        if let Some(weak) = reading.downgrade() {
            let begun = Touched::new(first, State::Reading(weak));
            touched.insert(touch.name.to_owned(), begun);
        }
        drop(touched);
        // What the program does with a warning may be anything.
        if let Some(warning) = noticed {
            touch.asked.warn(warning)?;
        }
        Ok(Some(reading))
    }

    /// Lets the relation of this row be asked for again.
    pub(crate) fn forget(&self, name: &str) {
        if let Some(touched) = self.page.touched().get_mut(name) {
            touched.changed.insert(self.at);
        }
    }

    /// The place in the page.
    pub(crate) fn at(&self) -> usize {
        self.at
    }
}

/// What is said of a relation that is read row by row.
fn noticed(touch: &Touch<'_>) -> Result<Option<Warning>> {
    let on_n_plus_one = touch.asked.policy.on_n_plus_one;
    if on_n_plus_one == OnNPlusOne::Batch {
        return Ok(None);
    }
    let noticed = format!(
        "`{}` is asked for at {} on one of several rows that were read together, and was not read with them: prefetch it",
        touch.name, touch.line
    );
    match on_n_plus_one {
        OnNPlusOne::Error => Err(Error::invalid_request(noticed)),
        _ => Ok(Some(Warning::new(WarningKind::NPlusOne, noticed))),
    }
}

impl Touched {
    fn new(first: usize, state: State) -> Self {
        Self {
            first,
            state,
            changed: BTreeSet::new(),
        }
    }
}

impl Page {
    fn touched(&self) -> MutexGuard<'_, HashMap<String, Touched>> {
        self.touched.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The rows of which there are instances, but for that at one place.
    fn others(&self, but: usize) -> Vec<(usize, Row)> {
        let members = self.members.iter().enumerate();
        members
            .filter(|(at, member)| *at != but && member.instances.load(Ordering::Relaxed) > 0)
            .map(|(at, member)| (at, member.row.clone()))
            .collect()
    }

    fn count(&self, at: usize) -> Option<&AtomicUsize> {
        self.members.get(at).map(|member| &member.instances)
    }
}

impl Clone for Place {
    fn clone(&self) -> Self {
        if let Some(count) = self.page.count(self.at) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        Self {
            page: Arc::clone(&self.page),
            at: self.at,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(count) = self.page.count(self.at) {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
