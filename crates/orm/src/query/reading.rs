//! Carries a strategy out, page after page: checks rows, leaves out, cuts to the slice; sorts once every row is there.

use django_api_orm_core::{
    Error, Result,
    evaluate::{Column, ColumnType, Fields},
    knowledge::Knowledge,
    lookup::Lookup,
    page::Style,
    plan::Range,
    row::{Identities, Identity, KeyReader, Row},
    strategy::{Question, Sorting, Strategy},
};

use super::{
    check::{Checked, Picked, RowCheck},
    order_watch::{OrderWatch, Seen, WrongByTexts},
    pages::{Batch, Pages, report_drift},
    probing::Probing,
    repetition::SeenKeys,
    sort,
};

/// The pages of a strategy that has no probes left.
#[derive(Debug)]
pub(super) struct Reading {
    strategy: Strategy,
    check: RowCheck,
    /// Whether the server sorts, as far as its rows show; nothing where that is settled.
    watch: Option<OrderWatch>,
    pages: Pages,
    key: KeyReader,
    keys: SeenKeys,
    skip: u64,
    remaining: Option<u64>,
    scanned: u64,
    is_first_page: bool,
    /// The first page was that of the collection, and not jumped to.
    begins: bool,
    /// The rows of that page, where the server was asked to leave some out, and whether they were all.
    first: Vec<Row>,
    is_whole: bool,
    /// A row was taken on the server's word about a filter.
    believed: bool,
    /// Rows of an earlier page were handed out or held.
    begun: bool,
    /// Parts of the residual on texts, of which no page has shown one.
    doubted: Vec<Lookup>,
    /// Fields whose type decides how they are compared, and is not known.
    columns: Vec<Column>,
    /// A row that satisfies what the server ignores has come.
    has_settled: bool,
    /// A row has come twice, so that another may not have come at all.
    repeats_rows: bool,
    /// The order was watched by a field that turned out to be shown in another form.
    is_void: bool,
    /// The rows so far, where they are handed out after the last page only. As long as they are held, the strategy may still
    /// be changed: nobody has seen them.
    held: Option<Vec<Held>>,
}

/// A row that belongs to the answer, as far as is known.
#[derive(Debug)]
struct Held {
    row: Row,
    believed: bool,
}

/// What a page has brought.
pub(super) enum Step {
    /// Rows to hand out, possibly none; more may follow.
    Rows(Vec<Row>),
    /// Rows to hand out; none follow.
    Last(Vec<Row>),
    /// The strategy was made on wrong assumptions, and has to be made anew with what is known now.
    StartAnew,
}

impl Reading {
    /// `collects`: the caller wants the rows all at once.
    pub(super) fn new(strategy: Strategy, probing: &Probing, collects: bool) -> Result<Self> {
        let collection = &probing.collection;
        let check = RowCheck::new(&strategy, collection)?.creating(probing.creates());
        let Range { offset, limit } = strategy.range;
        let (start, skip) = if strategy.jumps {
            (offset, 0)
        } else {
            (0, offset)
        };
        let needs_every_row = strategy.sorting.needs_every_row();
        let counts_rows = check.leaves_rows_out();
        let wanted = limit
            .filter(|_| !counts_rows && !needs_every_row)
            .map(|limit| limit.saturating_add(skip))
            .or(strategy.at_most);
        let mut pages = Pages::new(collection.clone(), strategy.pairs.clone(), start, wanted);
        if !strategy.may_ask_sizes {
            pages = pages.of_own_size();
        }
        let is_held = collects || needs_every_row;
        if is_held {
            pages = pages.collected();
        }
        let is_watched = strategy.sorting == Sorting::Server { watched: true };
        let fields = collection.known_fields()?;
        Ok(Self {
            // Any page may be the one with enough rows.
            pages: if limit.is_some() && counts_rows && !needs_every_row {
                pages.one_by_one()
            } else {
                pages
            },
            watch: is_watched.then(|| OrderWatch::new(&strategy.order, &fields)),
            check,
            key: KeyReader::new(collection.model().primary_key()),
            keys: if is_held {
                SeenKeys::default()
            } else {
                SeenKeys::latest()
            },
            skip: offset,
            remaining: limit,
            scanned: 0,
            is_first_page: true,
            begins: false,
            first: Vec::new(),
            is_whole: false,
            believed: false,
            begun: false,
            doubted: strategy.doubted_forms.clone(),
            columns: columns(&strategy, &collection.knowledge()?, &fields),
            has_settled: false,
            repeats_rows: false,
            is_void: false,
            held: is_held.then(Vec::new),
            strategy,
        })
    }

    /// Whether rows were handed out, so that the answer cannot be started anew.
    pub(super) fn has_handed_out(&self) -> bool {
        self.begun && self.held.is_none()
    }

    /// Whether pages are under way that nobody waits for yet.
    pub(super) fn reads_ahead(&self) -> bool {
        self.pages.are_under_way()
    }

    /// Reads the next page.
    pub(super) async fn step(&mut self, probing: &mut Probing) -> Result<Step> {
        if !self.needs_every_row() && self.remaining == Some(0) {
            return self.end(probing, Vec::new()).await;
        }
        let Some(batch) = self.pages.next().await? else {
            return self.end(probing, Vec::new()).await;
        };
        let is_all = self.has_every_key(&batch.rows);
        let last = batch.last;
        let is_empty = last && self.scanned == 0 && batch.rows.is_empty();
        if is_empty && !probing.believes_emptiness(&self.strategy).await? {
            return Ok(Step::StartAnew);
        }
        let counted = self.pages.most_counted();
        if is_empty && probing.creates() && counted > 0 {
            return Err(Error::unsupported(format!(
                "the server counts {counted} rows for these lookups and sends none, so none is created; look the row up by another field"
            )));
        }
        let Some(mut rows) = self.take(probing, batch).await? else {
            return Ok(Step::StartAnew);
        };
        if !self.needs_every_row() {
            rows = self.cut(rows);
        }
        self.begun |= !rows.is_empty();
        if last || is_all && !self.check.leaves_rows_out() {
            if !self.is_sorted_with_nulls(probing).await? && !self.sort_client_side(probing)? {
                return Ok(Step::StartAnew);
            }
            return self.end(probing, rows).await;
        }
        Ok(Step::Rows(match &mut self.held {
            Some(held) => {
                held.extend(rows);
                Vec::new()
            }
            None => rows.into_iter().map(|held| held.row).collect(),
        }))
    }

    /// Whether the page has a row for each key that was asked for, so that no page after it has another.
    fn has_every_key(&self, page: &[Row]) -> bool {
        self.strategy.at_most.is_some_and(|most| {
            let mut seen = Identities::default();
            let keys = page.iter().map(|row| self.key.identity(row));
            let rows = keys.filter(|key| key.has_key() && seen.insert(*key));
            page.len() as u64 >= most && rows.count() as u64 >= most
        })
    }

    fn needs_every_row(&self) -> bool {
        self.strategy.sorting.needs_every_row()
    }

    /// Checks a page; gives the rows that belong, or nothing where the reading has to start anew.
    async fn take(&mut self, probing: &mut Probing, batch: Batch) -> Result<Option<Vec<Held>>> {
        let Batch {
            position,
            rows,
            identities,
            last,
        } = batch;
        let is_first_page = std::mem::take(&mut self.is_first_page);
        if is_first_page {
            // Rows before the start were jumped over by the server.
            self.skip -= position.min(self.skip);
            self.begins = position == 0;
        }
        if is_first_page
            && !last
            && self.needs_more_than(rows.len())
            && !self.keeps_nulls(probing, rows.first()).await?
        {
            return Ok(None);
        }
        self.scan(probing, rows.len())?;
        let is_looked_at = self.check.is_needed() || self.watch.is_some();
        let is_whole = is_first_page && last;
        if is_first_page && !rows.is_empty() {
            probing.has_answered(&self.strategy.pairs)?;
        }
        if is_first_page && self.begins && !self.strategy.guards.is_empty() {
            self.first.clone_from(&rows);
            self.is_whole = is_whole;
        }
        if !self.doubted.is_empty() && !rows.is_empty() {
            let doubted = &mut self.doubted;
            let is_first = is_first_page && self.begins;
            let shows = probing.shows_residual(&self.strategy, doubted, &rows, is_first);
            if !shows.await? {
                return Ok(None);
            }
        }
        let mut picked = Vec::new();
        if is_looked_at || !self.columns.is_empty() {
            picked.reserve(rows.len());
            for row in &rows {
                picked.push(self.check.pick(row)?);
            }
        }
        if !self.learn_types(probing, &picked)? {
            return Ok(None);
        }
        let mut picked = picked.into_iter();
        // Of each row whether it was taken on the server's word; nothing of one that is left out.
        let mut belongs = Vec::with_capacity(if is_looked_at { rows.len() } else { 0 });
        let mut identities = identities.into_iter();
        for row in &rows {
            if !is_whole {
                let identity = identities.next();
                let identity = identity.unwrap_or_else(|| self.key.identity(row));
                self.notice_repetition(probing, identity, row)?;
            }
            let Some(picked) = picked.next().filter(|_| is_looked_at) else {
                continue;
            };
            let Some(checked) = self.checked(probing, &picked, &rows).await? else {
                return Ok(None);
            };
            if checked == Checked::Excluded {
                belongs.push(None);
                continue;
            }
            if !self.is_in_order(probing, &picked, &rows).await?
                && (self.is_void || !self.sort_client_side(probing)?)
            {
                return Ok(None);
            }
            belongs.push(Some(checked == Checked::Believed));
        }
        if !is_looked_at {
            let held = |row| Held {
                row,
                believed: false,
            };
            return Ok(Some(rows.into_iter().map(held).collect()));
        }
        let ignored = self.check.ignored_digits();
        if !probing
            .shows_digits(&self.strategy, &ignored, &rows)
            .await?
        {
            return Ok(None);
        }
        let held = rows.into_iter().zip(belongs);
        Ok(Some(
            held.filter_map(|(row, believed)| believed.map(|believed| Held { row, believed }))
                .collect(),
        ))
    }

    /// Keeps of what type rows show fields to be, where that decides how they are compared. Gives whether reading can go on: the server is
    /// asked for the same, and the rows of earlier pages were judged rightly.
    fn learn_types(&mut self, probing: &Probing, page: &[Picked]) -> Result<bool> {
        let (mut goes_on, mut has_learned) = (true, false);
        for column in &mut self.columns {
            let was_judged_otherwise = column.differs();
            let Some(of) = page.iter().find_map(|row| column.take(row)) else {
                continue;
            };
            has_learned = true;
            let path = column.path();
            probing
                .collection
                .learn(|known| known.learn_type(path, of))?;
            goes_on &= of == ColumnType::Text && !was_judged_otherwise;
            self.check.read_as_text(&self.strategy, path)?;
            if self.watch.is_some() {
                let fields = probing.collection.known_fields()?;
                self.watch = Some(OrderWatch::new(&self.strategy.order, &fields));
            }
        }
        if has_learned {
            let known = probing.collection.knowledge()?;
            self.columns.retain(|column| is_open(column, &known));
        }
        Ok(goes_on)
    }

    /// Whether the pages after this one will have every row: a cursor may lose those with nulls.
    async fn keeps_nulls(&mut self, probing: &mut Probing, first: Option<&Row>) -> Result<bool> {
        let collection = &probing.collection;
        let style = collection.know(|known| known.style_of(collection.model()))?;
        match self.strategy.probe_before_second_page.take() {
            Some(probe) if style == Some(Style::Cursor) => {
                probing.has_seen(&probe.with, first);
                probing.run(&self.strategy, &probe).await
            }
            _ => Ok(true),
        }
    }

    /// Whether more rows are needed than the first page has.
    fn needs_more_than(&self, rows: usize) -> bool {
        self.check.leaves_rows_out()
            || self.needs_every_row()
            || self
                .remaining
                .is_none_or(|remaining| self.skip.saturating_add(remaining) > rows as u64)
    }

    fn scan(&mut self, probing: &Probing, rows: usize) -> Result<()> {
        self.scanned = self.scanned.saturating_add(rows as u64);
        let max = probing.collection.policy.max_scan;
        if self.scanned > max && (self.check.leaves_rows_out() || self.needs_every_row()) {
            return Err(Error::scan_limit(format!(
                "more than {max} rows would have to be read, because a part of the query is evaluated client-side; narrow the \
                 query with filters that the server supports, or raise `max_scan`"
            )));
        }
        Ok(())
    }

    fn notice_repetition(
        &mut self,
        probing: &Probing,
        identity: Identity,
        row: &Row,
    ) -> Result<()> {
        if !identity.has_key() || self.keys.insert(identity) {
            return Ok(());
        }
        let key = self.key.of(row).unwrap_or_default();
        self.repeats_rows = true;
        report_drift(
            &probing.collection,
            format!(
                "the row {key} came twice in one walk: rows were added or removed meanwhile, or the order is not total"
            ),
        )
    }

    /// Whether the row belongs to the answer. Nothing where it shows that the server ignores a filter, and what was asked of
    /// the server because it seemed to honour it does not fit any more: a position, a small page, a row that was believed.
    async fn checked(
        &mut self,
        probing: &mut Probing,
        picked: &Picked,
        page: &[Row],
    ) -> Result<Option<Checked>> {
        let ignored = self.check.ignored();
        let left_rows_out = self.check.leaves_rows_out();
        let checked = probing
            .check(&self.strategy, &mut self.check, picked, page)
            .await?;
        if self.check.is_void() {
            return Ok(None);
        }
        if self.check.ignored() > ignored {
            let suspected = self.check.take_suspected();
            let (count, is_whole) = (self.pages.counted(), self.is_whole);
            let comes =
                probing.comes_without(&self.strategy, &suspected, &self.first, count, is_whole);
            if !comes.await? {
                return Ok(None);
            }
            let can_check_again = self.held.is_some() && self.strategy.range == Range::ALL;
            let misjudged = self.believed && !can_check_again;
            let misplaced =
                !left_rows_out && (self.strategy.jumps || !self.begun && self.remaining.is_some());
            if !self.needs_every_row() && (misjudged || misplaced) {
                return Ok(None);
            }
            self.pages.widen();
            let unseen = probing.unseen_texts(&self.strategy, &self.check, page)?;
            self.doubted.extend(unseen);
        }
        self.believed |= checked == Checked::Believed;
        if checked != Checked::Excluded && self.check.ignored() > 0 {
            self.settle_ignored(probing, page)?;
        }
        Ok(Some(checked))
    }

    /// A row that satisfies a filter which the server ignores has come: that may settle that it ignores it for every value.
    fn settle_ignored(&mut self, probing: &Probing, page: &[Row]) -> Result<()> {
        if std::mem::replace(&mut self.has_settled, true) {
            return Ok(());
        }
        for parameter in self.check.ignored_parameters() {
            if self.check.settles(parameter, page)? {
                probing
                    .collection
                    .learn(|known| known.learn_parameter(parameter, false))?;
            }
        }
        Ok(())
    }

    /// Whether the row may stand after the one before it. A doubt is settled by probes, once.
    async fn is_in_order(
        &mut self,
        probing: &mut Probing,
        picked: &Picked,
        page: &[Row],
    ) -> Result<bool> {
        let Some(watch) = &mut self.watch else {
            return Ok(true);
        };
        match watch.take(picked) {
            Seen::InOrder => return Ok(true),
            Seen::Contradicted => return Ok(false),
            Seen::DoubtfulByTexts => {
                let is_first = self.begins && self.scanned == page.len() as u64;
                let key = watch.wrong_key().unwrap_or_default();
                let wrong = probing.wrong_by_texts(&self.strategy, key, page, is_first);
                match wrong.await? {
                    WrongByTexts::Sorted => {
                        // What the rows show of the keys before that one still counts.
                        let before = self.strategy.order.get(..key).unwrap_or_default();
                        let fields = probing.collection.known_fields()?;
                        let mut watch = OrderWatch::new(before, &fields);
                        watch.take(picked);
                        self.watch = (key > 0).then_some(watch);
                        return self.sorts_behind(probing, key).await;
                    }
                    wrong => self.is_void = wrong == WrongByTexts::Otherwise,
                }
                return Ok(false);
            }
            Seen::Blind | Seen::Doubtful | Seen::Alike => {}
        }
        for probe in std::mem::take(&mut self.strategy.probes_on_doubt) {
            if !probing.run(&self.strategy, &probe).await? {
                return Ok(false);
            }
        }
        self.watch = None;
        Ok(true)
    }

    /// Whether rows that stand in order with nulls at another end than the client would put them do so because the server sorts.
    async fn is_sorted_with_nulls(&mut self, probing: &mut Probing) -> Result<bool> {
        let nulls = probing.collection.policy.nulls;
        let mut watch = self.watch.iter();
        if !watch.any(|watch| watch.has_nulls_elsewhere(nulls)) {
            return Ok(true);
        }
        for probe in std::mem::take(&mut self.strategy.probes_on_doubt) {
            if !probing.run(&self.strategy, &probe).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the server sorts by the keys behind one of which the rows show another form: they tell nothing of these.
    async fn sorts_behind(&mut self, probing: &mut Probing, key: usize) -> Result<bool> {
        let probes = std::mem::take(&mut self.strategy.probes_on_doubt);
        for order in self.strategy.order.iter().skip(key + 1) {
            let mut probes = probes.iter();
            let Some(probe) = probes.find(|probe| probe.is_of(order)) else {
                continue;
            };
            if !probing.run(&self.strategy, probe).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The server does not sort: the rows at hand are right all the same, so reading goes on, and the client sorts at the end.
    /// `false` where only a part of the rows was asked for: that part is the wrong one.
    fn sort_client_side(&mut self, probing: &mut Probing) -> Result<bool> {
        if self.has_handed_out() {
            return Err(Error::unsupported(
                "the server turned out not to sort as asked after rows had been handed out; collect the whole query instead \
                 of streaming it",
            ));
        }
        if self.strategy.range != Range::ALL {
            if let Some(order) = self.strategy.order.first() {
                probing.contradict(Question::Sorts(order.clone()));
            }
            return Ok(false);
        }
        self.watch = None;
        self.strategy.sorting = Sorting::Client;
        self.held.get_or_insert_default();
        Ok(true)
    }

    /// The part of the rows that lies in what remains of the slice.
    fn cut(&mut self, rows: Vec<Held>) -> Vec<Held> {
        if self.skip == 0 && self.remaining.is_none() {
            return rows;
        }
        let bounded = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        let skipped = rows.len().min(bounded(self.skip));
        self.skip -= skipped as u64;
        let take = self.remaining.map_or(usize::MAX, bounded);
        let rows: Vec<Held> = rows.into_iter().skip(skipped).take(take).collect();
        if let Some(remaining) = &mut self.remaining {
            *remaining -= rows.len() as u64;
        }
        rows
    }

    /// What is left to hand out after the last page.
    async fn end(&mut self, probing: &mut Probing, last: Vec<Held>) -> Result<Step> {
        let mut held = match self.held.take() {
            Some(mut held) if !held.is_empty() => {
                held.extend(last);
                held
            }
            _ => last,
        };
        if self.check.ignored() > 0 {
            held = self.check_again(probing, held).await?;
        }
        if probing.creates()
            && held.is_empty()
            && !self.begun
            && (self.pages.miss_rows() || self.repeats_rows)
        {
            return Err(Error::drift(
                "rows were removed while this one was looked for, or the server counts others than it sends: nothing shows \
                 that it is not there, so none is created; look it up by what the server filters by, or try again",
            ));
        }
        let mut rows: Vec<Row> = held.into_iter().map(|held| held.row).collect();
        match self.strategy.sorting {
            Sorting::AsTheyCome | Sorting::Server { .. } => return Ok(Step::Last(rows)),
            Sorting::Backwards => rows.reverse(),
            Sorting::Client => {
                probing.may_sort(&self.strategy, &rows).await?;
                let suspected = probing.same_ends();
                rows = sort::rows(&probing.collection, &self.strategy, rows, suspected).await?;
            }
        }
        self.skip = self.strategy.range.offset;
        self.remaining = self.strategy.range.limit;
        let rows = rows.into_iter().map(|row| Held {
            row,
            believed: false,
        });
        let rows = self.cut(rows.collect());
        Ok(Step::Last(rows.into_iter().map(|held| held.row).collect()))
    }

    /// Leaves out rows that were taken on the server's word about a filter that it turned out to ignore.
    async fn check_again(&mut self, probing: &mut Probing, held: Vec<Held>) -> Result<Vec<Held>> {
        let mut belonging = Vec::with_capacity(held.len());
        for held in held {
            let excluded = held.believed && {
                let picked = self.check.pick(&held.row)?;
                let alone = std::slice::from_ref(&held.row);
                let checked = probing.check(&self.strategy, &mut self.check, &picked, alone);
                checked.await? == Checked::Excluded
            };
            if !excluded {
                belonging.push(held);
            }
        }
        Ok(belonging)
    }
}

/// The fields whose type decides how the rows of a strategy are compared, as far as it is not known.
fn columns(strategy: &Strategy, known: &Knowledge, fields: &Fields) -> Vec<Column> {
    let mut columns: Vec<Column> = strategy
        .guards
        .iter()
        .filter_map(|guard| Column::of_lookup(guard, fields))
        .collect();
    strategy.residual.for_each_lookup(&mut |lookup| {
        columns.extend(Column::of_lookup(lookup, fields));
    });
    let is_compared = match strategy.sorting {
        Sorting::Server { watched } => watched,
        Sorting::Client => true,
        Sorting::AsTheyCome | Sorting::Backwards => false,
    };
    let keys = strategy.order.iter().filter(|_| is_compared);
    columns.extend(keys.filter_map(|order| Column::of_key(&order.path, fields)));
    columns.retain(|column| is_open(column, known));
    columns
}

/// Whether the type of a field is still to be seen.
fn is_open(column: &Column, known: &Knowledge) -> bool {
    let of = known.type_of(column.path());
    of.is_none_or(|of| of == ColumnType::Other)
}
