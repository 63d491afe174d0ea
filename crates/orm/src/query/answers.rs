//! The answers that are less than a list of rows: count, exists, first, last, the one row, many rows by key.

use django_api_orm_core::{
    Error, Explain, Q, Result, RowType,
    lookup::{Lookup, Op},
    plan::{Order, Plan, Range},
    row::{Row, key_text},
    strategy::{Aim, Findings},
};
use std::pin::pin;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use super::{
    collection::Collection, detail::ByUrl, parts::PartsWalk, probing::Probing,
    refused_lists::LeftOut, walk::Walk,
};

/// What is to be done with the one row of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It is read.
    Read,
    /// It is read; if it is missing, it is created.
    Create,
    /// It is changed, so it must be seen to satisfy the whole filter; if it is missing, it is created.
    Upsert,
}

impl Purpose {
    /// Whether a missing row is created. Then the list has the last word, even where a 404 would do for a read.
    fn creates(self) -> bool {
        self != Self::Read
    }
}

impl Collection {
    /// A walk over the rows of the plan.
    pub fn walk(&self, plan: &Plan) -> Walk {
        Walk::new(self.clone(), plan.clone())
    }

    /// What the plan will do.
    pub fn explain(&self, plan: &Plan) -> Result<Explain> {
        let (plan, notes) = self.joins_explained(plan)?;
        let strategy = self.strategy(&plan, Aim::Rows, &Findings::default())?;
        let explain = Explain::new(self.model().endpoint(), strategy).after(notes);
        Ok(explain.spelt_by(&self.dialect, self.model()))
    }

    /// How many rows the plan has.
    ///
    /// One request where the server counts and every filter is known to be honoured; else what it takes to be right.
    pub async fn count(&self, plan: &Plan) -> Result<u64> {
        let asked = plan;
        let plan = &self.joined(plan).await?;
        let mut probing = Probing::new(self.clone());
        if let Some(count) = self.counted(&mut probing, asked, plan).await? {
            return Ok(count);
        }
        let whole = plan.clone().unsliced().unordered();
        let mut walk = Walk::after(probing, whole.slice_to(plan.range())).asked_as(asked);
        if plan.range() != Range::ALL {
            return Ok(walk.collect().await?.len() as u64);
        }
        let mut count = 0;
        while let Some(rows) = walk.next().await? {
            count += rows.len() as u64;
        }
        Ok(count)
    }

    /// How many rows the plan has, where the server's count tells it; `asked` is the plan as it was asked for.
    async fn counted(
        &self,
        probing: &mut Probing,
        asked: &Plan,
        plan: &Plan,
    ) -> Result<Option<u64>> {
        let mut left_out = LeftOut::default();
        loop {
            match self.counted_by_server(probing, plan).await {
                Ok(count) => {
                    left_out.learn(self)?;
                    return Ok(count);
                }
                Err(error) => {
                    probing.leave_out(&mut left_out, error, (asked, plan, Aim::Count))?;
                }
            }
        }
    }

    async fn counted_by_server(&self, probing: &mut Probing, plan: &Plan) -> Result<Option<u64>> {
        let strategy = probing.settle(plan, Aim::Count).await?;
        if strategy.is_empty {
            return Ok(Some(0));
        }
        if !strategy.takes_count {
            return Ok(None);
        }
        let answer = probing.ask(&strategy.pairs).await?;
        let is_plausible = match answer.count() {
            Some(0) => probing.believes_emptiness(&strategy).await?,
            _ => probing.is_plausible(&strategy, &answer).await?,
        };
        Ok(answer
            .count()
            .filter(|_| is_plausible)
            .map(|count| plan.range().of(count)))
    }

    /// Whether the plan has a row.
    pub async fn exists_row(&self, plan: &Plan) -> Result<bool> {
        Ok(self
            .first(&plan.clone().unordered_if_unsliced())
            .await?
            .is_some())
    }

    /// The first row of the plan.
    pub async fn first(&self, plan: &Plan) -> Result<Option<Row>> {
        Ok(self
            .walk(&plan.clone().limit(1))
            .collect()
            .await?
            .into_iter()
            .next())
    }

    /// The last row of the plan.
    ///
    /// With an order and no slice: the first row of the opposite order. Else the last of the rows from the end of the count on, or of
    /// a walk where the server's count does not tell.
    pub async fn last(&self, plan: &Plan) -> Result<Option<Row>> {
        plan.check()?;
        if !plan.order().is_empty() && plan.range() == Range::ALL {
            return self.first(&plan.clone().reverse()).await;
        }
        let asked = plan;
        let plan = &self.joined(plan).await?;
        let mut probing = Probing::new(self.clone());
        let count = match plan.is_reversed() {
            true => None,
            false => self.counted(&mut probing, asked, plan).await?,
        };
        if count == Some(0) {
            return Ok(None);
        }
        if let Some(count) = count {
            // To the end, as rows may follow the one that the count says to be the last.
            let mut rest = self.walk(&plan.clone().offset(count - 1)).collect().await?;
            if let Some(row) = rest.pop() {
                return Ok(Some(row));
            }
            // Rows were removed between both requests.
        }
        // The end of the server's own order, which parts of the plan do not have.
        probing.forbid_parts();
        let walk = Walk::after(probing, plan.clone()).asked_as(asked);
        Ok(walk.collect().await?.pop())
    }

    /// The first row of the plan in this order, whatever order it has.
    ///
    /// # Errors
    /// `DoesNotExist` when there is none; `InvalidRequest` for a plan with a slice, and for no order.
    pub async fn earliest(&self, plan: &Plan, by: Vec<Order>) -> Result<Row> {
        if by.is_empty() {
            return Err(Error::invalid_request(
                "the earliest or the latest row by what? Name at least one field",
            ));
        }
        let plan = plan.clone().order_by(by);
        self.first(&plan).await?.ok_or_else(|| self.no_match(&plan))
    }

    /// The last row of the plan in this order, whatever order it has.
    ///
    /// # Errors
    /// As [`earliest`](Self::earliest).
    pub async fn latest(&self, plan: &Plan, by: Vec<Order>) -> Result<Row> {
        let by = by.iter().map(Order::opposite).collect();
        self.earliest(plan, by).await
    }

    /// Whether the plan has the row with this primary key.
    ///
    /// One request: of the row's own URL where the plan has no filters, because that is right whatever the server filters
    /// by; else of one row of the list.
    ///
    /// # Errors
    /// `InvalidRequest` for a plan with a slice; `NotFound` when the URL itself is wrong.
    pub async fn contains(&self, plan: &Plan, key: &Value) -> Result<bool> {
        let is_it = Lookup::new(self.model().primary_key(), Op::Exact, key.clone());
        let plan = plan.clone().filter(Q::Lookup(is_it));
        plan.check()?;
        if let Some(key) = self.detail_key(&plan) {
            match self.by_url(&key, None).await? {
                ByUrl::Row(_) => return Ok(true),
                ByUrl::Missing(_) => return Ok(false),
                ByUrl::Unknown => {}
            }
        }
        self.exists_row(&plan).await
    }

    fn no_match(&self, plan: &Plan) -> Error {
        let name = self.model().name();
        Error::does_not_exist(format!("no `{name}` matches the filter by {}", names(plan)))
    }

    /// The one row of the plan.
    ///
    /// # Errors
    /// `DoesNotExist`, `MultipleObjectsReturned`; `NotFound` when the URL itself is wrong.
    pub async fn get(&self, plan: &Plan) -> Result<Row> {
        self.get_as(plan, None).await
    }

    /// The same, decoded to the type where it comes from its own URL.
    pub(crate) fn get_as(
        &self,
        plan: &Plan,
        row_type: Option<RowType>,
    ) -> impl Future<Output = Result<Row>> {
        self.get_for(plan, Purpose::Read, row_type)
    }

    /// The same, for what is to be done then.
    pub(super) async fn get_for(
        &self,
        plan: &Plan,
        purpose: Purpose,
        row_type: Option<RowType>,
    ) -> Result<Row> {
        plan.check()?;
        if let Some(key) = self.detail_key(plan) {
            match self.by_url(&key, row_type).await? {
                ByUrl::Row(row) => return Ok(row),
                ByUrl::Missing(error) if !purpose.creates() => return Err(error),
                ByUrl::Missing(_) | ByUrl::Unknown => {}
            }
        }
        let walk = self.walk(&plan.clone().unordered_if_unsliced().limit(2));
        let walk = match purpose {
            Purpose::Read => walk,
            Purpose::Create => walk.before_creating(),
            Purpose::Upsert => walk.for_writes().before_creating(),
        };
        let mut rows = Box::pin(walk.collect()).await?.into_iter();
        let name = self.model().name();
        match (rows.next(), rows.next()) {
            (Some(row), None) => Ok(row),
            (None, _) => Err(self.no_match(plan)),
            (Some(_), Some(_)) => Err(Error::multiple_objects_returned(format!(
                "more than one `{name}` matches the filter by {}",
                names(plan)
            ))),
        }
    }

    /// The key, where the plan asks for one row by nothing but its key.
    pub(super) fn detail_key(&self, plan: &Plan) -> Option<String> {
        if plan.range() != Range::ALL
            || plan.search_words().is_some()
            || !plan.parameters().is_empty()
        {
            return None;
        }
        let Q::Lookup(lookup) = plan.condition() else {
            return None;
        };
        let field = self.model().lookup_field();
        let names_key =
            lookup.path == field || lookup.path == "pk" && field == self.model().primary_key();
        (names_key && lookup.op == Op::Exact && lookup.transform.is_none())
            .then(|| key_text(&lookup.value))
            .flatten()
    }

    /// The rows with these primary keys. See [`rows_by`](Self::rows_by).
    pub async fn rows_by_key(
        &self,
        plan: &Plan,
        keys: &[Value],
        concurrency: usize,
    ) -> Result<Vec<Row>> {
        let field = self.model().primary_key();
        self.rows_by(plan, field, keys, concurrency).await
    }

    /// The rows that have one of these values in the field, each once; values without a row are left out.
    ///
    /// One request for 100 values, or 2,000 bytes of them, and for each page that they fill. Where the server ignores `in`,
    /// one for each key, if the field is the key in the URLs of rows; else every row is read. Where it refuses `in`, one for each
    /// value.
    pub async fn rows_by(
        &self,
        plan: &Plan,
        field: &str,
        values: &[Value],
        concurrency: usize,
    ) -> Result<Vec<Row>> {
        let is_one_of = Lookup::new(field, Op::In, Value::Array(values.to_vec()));
        let parameter = is_one_of.parameter();
        let has_urls = plan.condition() == &Q::All && field == self.model().lookup_field();
        if self.know(|known| known.refuses_list(&is_one_of))? {
            return self.rows_by_each(plan, is_one_of, concurrency, None).await;
        }
        let mut parts = PartsWalk::among(self, plan, is_one_of.clone(), concurrency);
        let mut found = Vec::new();
        loop {
            let is_ignored = self.know(|known| known.honours(&parameter))? == Some(false)
                || parts.is_latest_ignored()?;
            if has_urls && is_ignored {
                let (rest, values) = parts.take_rest();
                let rows = match self.rows_one_by_one(&values, concurrency).await? {
                    Some(rows) => rows,
                    None => self.walk(&rest).collect().await?,
                };
                found.extend(parts.unseen(rows));
                return Ok(found);
            }
            match parts.next().await {
                Ok(Some(rows)) => found.extend(rows),
                Ok(None) => return Ok(found),
                Err(error) if error.is_refusal() => {
                    let refusal = Some(error);
                    return self
                        .rows_by_each(plan, is_one_of, concurrency, refusal)
                        .await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// The rows from their own URLs; `None` where they have none.
    pub(super) async fn rows_one_by_one(
        &self,
        keys: &[Value],
        concurrency: usize,
    ) -> Result<Option<Vec<Row>>> {
        let mut keys = keys.iter().filter_map(key_text);
        let Some(first) = keys.next() else {
            return Ok(Some(Vec::new()));
        };
        // Alone, so that what a 404 means is found out once.
        let first = stream::iter([self.by_url(&first, None).await]);
        let others = stream::iter(keys)
            .map(|key| async move { self.by_url(&key, None).await })
            .buffered(concurrency.max(1));
        let mut answers = pin!(first.chain(others));
        let mut rows = Vec::new();
        while let Some(answer) = answers.try_next().await? {
            match answer {
                ByUrl::Row(row) => rows.push(row),
                ByUrl::Missing(_) => {}
                ByUrl::Unknown => return Ok(None),
            }
        }
        Ok(Some(rows))
    }
}

/// What a plan filters by, without the values: they may be personal, and errors end in logs.
fn names(plan: &Plan) -> String {
    let mut names = Vec::new();
    plan.condition()
        .for_each_lookup(&mut |lookup| names.push(lookup.parameter()));
    if names.is_empty() {
        "nothing".to_owned()
    } else {
        names.join(", ")
    }
}
