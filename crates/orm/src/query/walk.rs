//! The rows of a plan, batch after batch: pages, checked, sorted out, sorted and sliced as the plan says.

use std::collections::{HashSet, VecDeque};

use django_api_orm_core::{
    Error, OnIgnored, Result,
    dialect::Compiled,
    evaluate::RowOrder,
    plan::{Plan, Range},
    row::{Identity, Row},
};
use serde_json::{Map, Value};

use super::{
    check::{Checked, RowCheck},
    collection::Collection,
    pages::{Batch, Pages, report_drift},
    proof::{self, OrderDoubt},
    sort::try_sort,
};

/// A walk over the rows of a plan.
#[derive(Debug)]
pub struct Walk {
    collection: Collection,
    plan: Plan,
    state: State,
    /// Rows have been handed out; from here on the answer cannot be started anew.
    begun: bool,
    /// Rows are kept until the last one is there, so the answer can be started anew after all.
    collecting: bool,
    /// The answer has been started anew: the rows so far are void.
    anew: bool,
    scanned: u64,
    strict: bool,
    /// The server would leave rows out if it were asked for the order.
    order_loses_rows: bool,
}

#[derive(Debug)]
enum State {
    Start,
    Streaming(Box<Streaming>),
    /// Every row is at hand, in the right order.
    Ready(VecDeque<Row>),
    Done,
}

/// Rows in the server's order, handed out as pages come.
#[derive(Debug)]
struct Streaming {
    compiled: Compiled,
    check: RowCheck,
    doubt: OrderDoubt,
    order_proven: bool,
    pages: Pages,
    /// The server was asked to leave rows out by their position.
    jumped: bool,
    skip: u64,
    remaining: Option<u64>,
    /// A row was taken on the server's word.
    believed: bool,
    /// No page has come yet.
    first: bool,
    keys: HashSet<Identity>,
    last_row: Option<Map<String, Value>>,
}

/// What made a streaming walk impossible.
enum Hindrance {
    /// The server turned out to ignore a filter, after it was asked for a slice by it or was believed about a row.
    Misplaced,
    /// The server does not sort; everything has to be read and sorted here.
    Unsorted,
}

impl Walk {
    /// A walk over the rows of the plan.
    pub fn new(collection: Collection, plan: Plan) -> Self {
        Self {
            collection,
            plan,
            state: State::Start,
            begun: false,
            collecting: false,
            anew: false,
            scanned: 0,
            strict: false,
            order_loses_rows: false,
        }
    }

    /// A walk for writes: every part of the filter is evaluated on every row, and nothing is left to the server's word.
    pub fn strictly(mut self) -> Self {
        self.strict = true;
        self
    }

    /// Whether every row has been handed out, so far as that is known without another request.
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// The next rows, never an empty batch; `None` at the end.
    pub async fn next(&mut self) -> Result<Option<Vec<Row>>> {
        loop {
            match std::mem::replace(&mut self.state, State::Done) {
                State::Done => return Ok(None),
                State::Start => self.state = self.start().await?,
                State::Ready(rows) => {
                    self.begun = true;
                    return Ok((!rows.is_empty()).then(|| rows.into()));
                }
                State::Streaming(mut streaming) => {
                    if streaming.remaining == Some(0) {
                        return Ok(None);
                    }
                    let Some(batch) = streaming.pages.next().await? else {
                        return Ok(None);
                    };
                    let last = batch.last;
                    match self.take(&mut streaming, batch).await? {
                        Ok(rows) => {
                            if !last {
                                self.state = State::Streaming(streaming);
                            }
                            if !rows.is_empty() {
                                self.begun = true;
                                return Ok(Some(rows));
                            }
                        }
                        Err(Hindrance::Misplaced) if self.begun && !self.collecting => {
                            return Err(Error::unsupported(
                                "the server turned out to ignore a filter after rows had been handed out on its word; run the \
                                 query again",
                            ));
                        }
                        Err(Hindrance::Misplaced) => {
                            self.start_anew();
                            self.state = State::Start;
                        }
                        Err(Hindrance::Unsorted) if self.begun && !self.collecting => {
                            return Err(Error::unsupported(
                                "the server turned out not to sort as asked after rows had been handed out; collect \
                                 the whole query instead of streaming it",
                            ));
                        }
                        Err(Hindrance::Unsorted) => {
                            self.start_anew();
                            self.state = State::Ready(self.sorted().await?);
                        }
                    }
                }
            }
        }
    }

    fn start_anew(&mut self) {
        self.scanned = 0;
        self.begun = false;
        self.anew = true;
    }

    /// Every row from here on.
    pub async fn collect(mut self) -> Result<Vec<Row>> {
        self.collecting = true;
        let mut rows = Vec::new();
        loop {
            let batch = self.next().await?;
            if std::mem::take(&mut self.anew) {
                rows.clear();
            }
            match batch {
                Some(batch) => rows.extend(batch),
                None => return Ok(rows),
            }
        }
    }

    async fn start(&mut self) -> Result<State> {
        let compiled = self.collection.compile(&self.plan)?;
        if compiled.empty || self.plan.range().limit == Some(0) {
            return Ok(State::Done);
        }
        if self.plan.search_words().is_some() {
            proof::search(&self.collection, &self.plan).await?;
        }
        if self.plan.is_reversed() {
            return self.reversed().await.map(State::Ready);
        }
        if !compiled.order.is_empty() && !self.order_is_the_servers(&compiled).await? {
            return self.sorted().await.map(State::Ready);
        }
        let range = self.plan.range();
        let check = self.row_check(&compiled)?;
        // Without a count nothing can be proven, and where there is none there mostly is no position to jump to either.
        let jump = range.offset > 0
            && !check.sorts_out()
            && (compiled.guards.is_empty() || self.collection.may_count()?)
            && self.filters_are_proven(&compiled).await?;
        // A proof may have shown that the server ignores a filter: what is pushed has to be decided anew then.
        let compiled = self.collection.compile(&self.plan)?;
        let check = self.row_check(&compiled)?;
        let (start, skipped) = if jump {
            (range.offset, 0)
        } else {
            (0, range.offset)
        };
        let wanted = range
            .limit
            .filter(|_| !check.sorts_out())
            .map(|limit| limit.saturating_add(skipped));
        let pages = Pages::new(
            self.collection.clone(),
            compiled.pairs.clone(),
            start,
            wanted,
        );
        Ok(State::Streaming(Box::new(Streaming {
            pages: if range.limit.is_some() && wanted.is_none() {
                pages.one_by_one()
            } else {
                pages
            },
            doubt: OrderDoubt::new(&compiled.order, &self.collection.model().known_fields()),
            order_proven: false,
            compiled,
            check,
            jumped: jump && range.offset > 0,
            skip: range.offset,
            remaining: range.limit,
            believed: false,
            first: true,
            keys: HashSet::new(),
            last_row: None,
        })))
    }

    fn row_check(&self, compiled: &Compiled) -> Result<RowCheck> {
        let check = RowCheck::new(compiled, self.collection.model())?;
        Ok(if self.strict { check.strictly() } else { check })
    }

    /// Whether positions that the server counts are those of the query: it honours every filter that it was sent.
    async fn filters_are_proven(&self, compiled: &Compiled) -> Result<bool> {
        let known = self.collection.knowledge()?;
        if self.collection.policy.on_ignored == OnIgnored::Trust
            || compiled
                .guards
                .iter()
                .all(|guard| known.honours(&guard.parameter()) == Some(true))
        {
            return Ok(true);
        }
        Ok(matches!(
            proof::filters(&self.collection, compiled).await?,
            proof::Filters::Honoured { .. }
        ))
    }

    /// Whether the server can be left to sort. A slice shows too few rows to see it, so there it has to be proven.
    async fn order_is_the_servers(&self, compiled: &Compiled) -> Result<bool> {
        if !compiled.order_pushed {
            return Ok(false);
        }
        if self.collection.policy.on_ignored == OnIgnored::Trust || self.plan.range() == Range::ALL
        {
            return Ok(true);
        }
        proof::ordering(&self.collection, compiled).await
    }

    /// Checks a page; gives the rows to hand out.
    async fn take(
        &mut self,
        streaming: &mut Streaming,
        batch: Batch,
    ) -> Result<std::result::Result<Vec<Row>, Hindrance>> {
        let Batch {
            position,
            rows,
            last,
        } = batch;
        let first = std::mem::take(&mut streaming.first);
        if first {
            // Rows before the start were jumped over by the server.
            streaming.skip -= position.min(streaming.skip);
        }
        let first_page_is_all = last && first;
        if first && !last && Self::has_to_turn_pages(streaming, rows.len()) {
            self.order_loses_rows =
                proof::cursor_loses_nulls(&self.collection, &streaming.compiled, rows.first())
                    .await?;
            if self.order_loses_rows {
                return Ok(Err(Hindrance::Unsorted));
            }
        }
        self.scan(rows.len(), streaming.check.sorts_out())?;
        let has_to_be_checked = streaming.check.is_needed() || !streaming.compiled.order.is_empty();
        let mut kept = Vec::with_capacity(rows.len());
        for row in rows {
            if !first_page_is_all {
                self.notice_repetition(streaming, &row)?;
            }
            if !has_to_be_checked {
                kept.push(row);
                continue;
            }
            let picked = streaming.check.pick(&row)?;
            let sorted_out = streaming.check.sorts_out();
            let ignored = streaming.check.ignored();
            let checked = self
                .check(&streaming.compiled, &mut streaming.check, &picked)
                .await?;
            if streaming.believed && streaming.check.ignored() > ignored {
                return Ok(Err(Hindrance::Misplaced));
            }
            if !sorted_out && streaming.check.sorts_out() {
                // What was asked of the server does not fit any more: no position, and no small page.
                if streaming.jumped || !self.begun && streaming.remaining.is_some() {
                    return Ok(Err(Hindrance::Misplaced));
                }
                streaming.pages.widen();
            }
            streaming.believed |= checked == Checked::Believed;
            if checked == Checked::Excluded {
                continue;
            }
            if !self.follows(streaming, &picked).await? {
                return Ok(Err(Hindrance::Unsorted));
            }
            kept.push(row);
        }
        Ok(Ok(slice(
            kept,
            &mut streaming.skip,
            &mut streaming.remaining,
        )))
    }

    /// Whether more rows are needed than the first page has.
    fn has_to_turn_pages(streaming: &Streaming, rows: usize) -> bool {
        streaming.check.sorts_out()
            || streaming
                .remaining
                .is_none_or(|remaining| streaming.skip.saturating_add(remaining) > rows as u64)
    }

    fn scan(&mut self, rows: usize, sorts_out: bool) -> Result<()> {
        self.scanned = self.scanned.saturating_add(rows as u64);
        let max = self.collection.policy.max_scan;
        if sorts_out && self.scanned > max {
            return Err(Error::scan_limit(format!(
                "more than {max} rows would have to be read, because a part of the query is evaluated here; narrow the \
                 query with filters that the server supports, or raise `max_scan`"
            )));
        }
        Ok(())
    }

    fn notice_repetition(&self, streaming: &mut Streaming, row: &Row) -> Result<()> {
        let Some(key) = row.key(self.collection.model().primary_key()) else {
            return Ok(());
        };
        if streaming.keys.insert(Identity::of_key(&key)) {
            return Ok(());
        }
        report_drift(
            &self.collection,
            format!(
                "the row {key} came twice in one walk: rows were added or removed meanwhile, or the order is not total"
            ),
        )
    }

    /// Whether the row belongs to the answer; notices filters that the server ignores.
    async fn check(
        &self,
        compiled: &Compiled,
        check: &mut RowCheck,
        row: &Map<String, Value>,
    ) -> Result<Checked> {
        if self.collection.policy.on_ignored == OnIgnored::Trust {
            return check.check_residual(row);
        }
        loop {
            match check.check(row)? {
                Checked::Violates(parameters) => {
                    proof::ignored(&self.collection, &parameters)?;
                    for parameter in &parameters {
                        check.ignore(parameter);
                    }
                    return Ok(Checked::Excluded);
                }
                Checked::Unproven(parameters) => {
                    proof::unseen(&self.collection, compiled, check, row, &parameters).await?;
                }
                checked => return Ok(checked),
            }
        }
    }

    /// Whether the row may stand after the one before it. A doubt is settled by asking the server for both directions.
    async fn follows(&self, streaming: &mut Streaming, row: &Map<String, Value>) -> Result<bool> {
        if streaming.compiled.order.is_empty()
            || streaming.order_proven
            || self.collection.policy.on_ignored == OnIgnored::Trust
        {
            return Ok(true);
        }
        let last = streaming.last_row.replace(row.clone());
        let doubtful = last.is_some_and(|last| {
            streaming.doubt.falls_on(&last, row) || streaming.doubt.is_blind(&last, row)
        });
        if doubtful {
            streaming.order_proven = proof::ordering(&self.collection, &streaming.compiled).await?;
        }
        Ok(!doubtful || streaming.order_proven)
    }

    /// Reads every row that satisfies the filter, in the server's order.
    async fn everything(
        &mut self,
        plan: &Plan,
    ) -> Result<(Compiled, Vec<(Map<String, Value>, Row)>)> {
        let mut compiled = self.collection.compile(plan)?;
        let mut check = self.row_check(&compiled)?;
        if self.order_loses_rows
            || proof::cursor_loses_nulls(&self.collection, &compiled, None).await?
        {
            let ordering = self.collection.dialect.ordering_parameter();
            compiled.pairs.retain(|(name, _)| name != ordering);
            compiled.order_pushed = false;
        }
        let mut pages = Pages::new(self.collection.clone(), compiled.pairs.clone(), 0, None);
        let mut rows = Vec::new();
        self.scanned = 0;
        let mut keys = HashSet::new();
        while let Some(batch) = pages.next().await? {
            self.scan(batch.rows.len(), true)?;
            for row in batch.rows {
                let picked = check.pick(&row)?;
                let key = picked.get(self.collection.model().primary_key());
                if let Some(key) = key.filter(|key| !key.is_null())
                    && !keys.insert(Identity::of_key(key))
                {
                    report_drift(
                        &self.collection,
                        format!("the row {key} came twice in one walk"),
                    )?;
                }
                match self.check(&compiled, &mut check, &picked).await? {
                    Checked::Excluded => {}
                    checked => rows.push((checked, picked, row)),
                }
            }
        }
        let mut belonging = Vec::with_capacity(rows.len());
        for (checked, picked, row) in rows {
            // Since it was believed, the server may have been seen to ignore a filter.
            let excluded = checked == Checked::Believed
                && self.check(&compiled, &mut check, &picked).await? == Checked::Excluded;
            if !excluded {
                belonging.push((picked, row));
            }
        }
        Ok((compiled, belonging))
    }

    async fn sorted(&mut self) -> Result<VecDeque<Row>> {
        let plan = self.plan.clone();
        let nulls = self.collection.policy.nulls;
        let (compiled, rows) = self.everything(&plan).await?;
        let fields = self.collection.model().known_fields();
        if compiled.order_pushed {
            let as_they_came = rows.iter().map(|(row, _)| row);
            proof::ordering_ignored(&self.collection, &compiled.order, as_they_came)?;
        }
        let order = RowOrder::new(&compiled.order, nulls, &fields);
        let rows = try_sort(rows, &|(left, _), (right, _)| order.compare(left, right)).ok_or_else(|| {
            let order: Vec<String> = compiled.order.iter().map(ToString::to_string).collect();
            Error::unsupported(format!(
                "the server does not sort by {}, and the rows do not hold comparable values of it to sort them here",
                order.join(", ")
            ))
        })?;
        Ok(self.sliced(rows))
    }

    async fn reversed(&mut self) -> Result<VecDeque<Row>> {
        let plan = self.plan.clone();
        let (_, mut rows) = self.everything(&plan).await?;
        rows.reverse();
        Ok(self.sliced(rows))
    }

    fn sliced(&self, rows: Vec<(Map<String, Value>, Row)>) -> VecDeque<Row> {
        let Range { offset, limit } = self.plan.range();
        let skip = usize::try_from(offset).unwrap_or(usize::MAX);
        let take = limit.map_or(usize::MAX, |limit| {
            usize::try_from(limit).unwrap_or(usize::MAX)
        });
        rows.into_iter()
            .skip(skip)
            .take(take)
            .map(|(_, row)| row)
            .collect()
    }
}

/// The part of the rows that lies in what remains of the slice.
fn slice(rows: Vec<Row>, skip: &mut u64, remaining: &mut Option<u64>) -> Vec<Row> {
    let skipped = rows.len().min(usize::try_from(*skip).unwrap_or(usize::MAX));
    *skip -= skipped as u64;
    let take = remaining.map_or(usize::MAX, |rows| {
        usize::try_from(rows).unwrap_or(usize::MAX)
    });
    let rows: Vec<Row> = rows.into_iter().skip(skipped).take(take).collect();
    if let Some(remaining) = remaining {
        *remaining -= rows.len() as u64;
    }
    rows
}
