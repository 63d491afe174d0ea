//! Rows that other rows point at, or that point at them: as few requests as there are chunks of different keys.

use std::collections::{BTreeSet, HashMap};

use django_api_orm_core::{
    Error, ErrorKind, Q, Result,
    explain::Whole,
    lookup::{Lookup, Op},
    plan::{Plan, Range},
    relation::{Index, Reference, Relation, Wanted},
    row::Row,
    strategy::{LARGEST_PART, Parts},
};
use serde_json::Value;

use super::{collection::Collection, sort};

/// Related rows, and which of them belong to each row that was asked for.
#[derive(Debug)]
pub struct Related {
    /// Each of them once.
    pub rows: Vec<Row>,
    /// For each of the rows asked for, the places of its related ones. A row that is not there has none.
    pub of: Vec<Vec<usize>>,
}

impl Collection {
    /// The rows of this collection that the sources point at, as far as the plan has them.
    ///
    /// None is asked for that a source shows whole, unless the plan asks for some rows only. One key is asked for at its own URL,
    /// several as [`rows_by`](Self::rows_by) does. A slice holds for the rows of each source by itself, once all are read.
    ///
    /// # Errors
    /// `MultipleObjectsReturned` where several rows have the value by which a source names one; `Decode` for a source that does not
    /// say what it points at; those of the requests.
    pub async fn related(
        &self,
        plan: &Plan,
        relation: &Relation,
        sources: &[Row],
        concurrency: usize,
    ) -> Result<Related> {
        let (plan, range) = for_each_source(plan)?;
        let plan = &plan;
        let mut references = Vec::with_capacity(sources.len());
        for source in sources {
            references.push(relation.of(source)?);
        }
        let key = self.model().primary_key().to_owned();
        let takes_shown = *plan == Plan::all();
        let mut wanted = Wanted::default();
        for reference in references.iter_mut().flatten() {
            match reference {
                Reference::Row(_) if takes_shown => {}
                Reference::Row(row) => {
                    let value = self.primary_key_of(row)?;
                    wanted.add(&key, &value);
                    *reference = Reference::Key {
                        by: key.clone(),
                        value,
                    };
                }
                Reference::Key { by, value } => wanted.add(by, value),
            }
        }
        let mut found = Vec::new();
        let mut left = wanted.values.clone();
        if takes_shown && self.is_read_whole(&wanted)? {
            found = self.walk(plan).collect().await?;
            // Rows that moved from one page to another while they were read may have been on neither.
            let mut whole = Index::new(found.clone());
            for (field, values) in &mut left {
                values.retain(|value| whole.find(field, value).is_empty());
            }
        }
        for (field, values) in left.iter().filter(|(_, values)| !values.is_empty()) {
            found.extend(self.rows_of(plan, field, values, concurrency).await?);
        }
        let mut index = Index::default();
        for row in self.in_order(plan, &wanted, found).await? {
            index.add(row, &key);
        }
        let mut of = Vec::with_capacity(sources.len());
        for references in references {
            let mut places = Vec::with_capacity(references.len());
            for reference in references {
                match reference {
                    Reference::Row(row) => places.push(index.add(row, &key)),
                    Reference::Key { by, value } => match index.find(&by, &value) {
                        [_, _, ..] => return Err(self.names_several(relation, &by)),
                        found => places.extend(found),
                    },
                }
            }
            if !plan.order().is_empty() {
                places.sort_unstable();
            }
            of.push(places);
        }
        let rows = index.into_rows();
        Ok(Related { rows, of }.cut_to(range))
    }

    /// The rows of this collection that point at the sources by this relation, as far as the plan has them. `filter` is the field by
    /// which the server filters them.
    ///
    /// # Errors
    /// As [`related`](Self::related).
    pub async fn pointing_at(
        &self,
        plan: &Plan,
        relation: &Relation,
        filter: &str,
        sources: &[Row],
        concurrency: usize,
    ) -> Result<Related> {
        let (plan, range) = for_each_source(plan)?;
        let plan = &plan;
        let key = relation.target().primary_key();
        let mut wanted = Wanted::default();
        for source in sources {
            let value = source.key(key).ok_or_else(|| {
                let model = relation.target().name();
                Error::decode(format!(
                    "a row of `{model}` has no `{key}`, by which others point at it"
                ))
            })?;
            wanted.add(filter, &value);
        }
        let mut rows = Vec::new();
        for (field, values) in &wanted.values {
            rows.extend(self.rows_of(plan, field, values, concurrency).await?);
        }
        let rows = self.in_order(plan, &wanted, rows).await?;
        let mut sources_by = Index::new(sources.to_vec());
        let mut of = vec![Vec::new(); sources.len()];
        for (place, row) in rows.iter().enumerate() {
            let mut is_of_one = false;
            for reference in relation.of(row)? {
                let (by, value) = match reference {
                    Reference::Key { by, value } => (by, value),
                    Reference::Row(row) => (key.to_owned(), row.key(key).unwrap_or_default()),
                };
                for source in sources_by.find(&by, &value) {
                    is_of_one = true;
                    if let Some(places) = of.get_mut(*source) {
                        places.push(place);
                    }
                }
            }
            if !is_of_one {
                return Err(Error::unsupported(format!(
                    "a row of `{}` came for the rows that `{}` names, and shows none of them: it shows related rows in another form than it \
                     is filtered by, so it is not known whose it is; have it show their keys",
                    self.model().name(),
                    relation.name()
                )));
            }
        }
        Ok(Related { rows, of }.cut_to(range))
    }

    fn names_several(&self, relation: &Relation, by: &str) -> Error {
        Error::multiple_objects_returned(format!(
            "more than one `{}` has the `{by}` by which `{}` names it, so it is not known which one is meant",
            self.model().name(),
            relation.name()
        ))
    }

    /// How many requests it takes to ask for rows by so many different short keys, each of which one row has: one for each chunk of
    /// keys and each page that they fill, as far as the size of pages is known.
    ///
    /// # Errors
    /// As [`explain`](Self::explain).
    pub fn requests_by_keys(&self, keys: u64) -> Result<u64> {
        let by_keys = self.requests_of_chunks(self.model().primary_key(), keys)?;
        Ok(self
            .whole()?
            .requests(keys, Some(by_keys))
            .unwrap_or(by_keys))
    }

    fn requests_of_chunks(&self, field: &str, keys: u64) -> Result<u64> {
        let all = Plan::all();
        let pages = |keys: u64| {
            let requests = self.requests_of_chunk(&all, field, keys)?;
            Ok::<_, Error>(requests.unwrap_or(1))
        };
        let chunk = LARGEST_PART as u64;
        Ok(keys / chunk * pages(chunk)? + pages(keys % chunk)?)
    }

    /// Whether related rows are all read in place of those with some keys: where the table is declared to be small, or is known to take
    /// fewer requests.
    ///
    /// # Errors
    /// As [`explain`](Self::explain).
    pub fn whole(&self) -> Result<Whole> {
        let rows = self.know(|known| known.rows)?;
        let requests = match rows {
            Some(rows) => self.explain(&Plan::all())?.requests(rows),
            None => None,
        };
        if self.model().is_small() {
            return Ok(Whole::Always(requests));
        }
        let (Some(rows), Some(whole)) = (rows, requests) else {
            return Ok(Whole::Never);
        };
        // Even where every row is wanted.
        let most = self.requests_of_chunks(self.model().primary_key(), rows)?;
        Ok(match whole < most {
            true => Whole::Below(whole),
            false => Whole::Never,
        })
    }

    fn is_read_whole(&self, wanted: &Wanted) -> Result<bool> {
        let whole = self.whole()?;
        let (mut keys, mut requests) = (0, 0);
        for (field, values) in &wanted.values {
            let is_one_of = Lookup::new(field, Op::In, Value::Array(values.clone()));
            let parts = Parts::new(Plan::all(), is_one_of).count() as u64;
            keys += values.len() as u64;
            requests += parts.max(self.requests_of_chunks(field, values.len() as u64)?);
        }
        Ok(whole.is_read(keys, requests))
    }

    /// How many requests it takes to ask for the rows of a plan by one chunk of values of a field, each of which one row has.
    pub(crate) fn requests_of_chunk(
        &self,
        plan: &Plan,
        field: &str,
        values: u64,
    ) -> Result<Option<u64>> {
        if values == 0 {
            return Ok(Some(0));
        }
        let among = (1..=values).map(Value::from).collect();
        let is_one_of = Lookup::new(field, Op::In, Value::Array(among));
        let plan = plan.clone().unsliced().filter(Q::Lookup(is_one_of));
        Ok(self.explain(&plan)?.requests(values))
    }

    /// The rows in the plan's order, though they have come with several requests.
    async fn in_order(&self, plan: &Plan, wanted: &Wanted, rows: Vec<Row>) -> Result<Vec<Row>> {
        if plan.order().is_empty() {
            return Ok(rows);
        }
        let mut requests = 0;
        for (field, values) in &wanted.values {
            let is_one_of = Lookup::new(field, Op::In, Value::Array(values.clone()));
            let is_ignored =
                self.know(|known| known.ignores(&is_one_of) || known.refuses_list(&is_one_of))?;
            let parts = Parts::new(plan.clone(), is_one_of).count();
            requests += if is_ignored { values.len() } else { parts };
        }
        if requests < 2 {
            return Ok(rows);
        }
        sort::together(self, plan.order(), rows)
            .await
            .map_err(|error| {
                error.with_context(
                    "related rows that come with several requests are sorted client-side",
                )
            })
    }

    async fn rows_of(
        &self,
        plan: &Plan,
        field: &str,
        values: &[Value],
        concurrency: usize,
    ) -> Result<Vec<Row>> {
        let [value] = values else {
            return self.rows_by(plan, field, values, concurrency).await;
        };
        let one = Q::Lookup(Lookup::new(field, Op::Exact, value.clone()));
        let is_unique = [self.model().primary_key(), self.model().lookup_field()].contains(&field);
        if !is_unique || *plan != Plan::all() {
            return self.walk(&plan.clone().filter(one)).collect().await;
        }
        match self.get(&Plan::all().filter(one)).await {
            Ok(row) => Ok(vec![row]),
            Err(error) if error.kind() == ErrorKind::DoesNotExist => Ok(Vec::new()),
            Err(error) => Err(error),
        }
    }
}

/// The plan of the rows of all sources together, and the slice of those of each.
fn for_each_source(plan: &Plan) -> Result<(Plan, Range)> {
    plan.check()?;
    Ok((plan.clone().unsliced(), plan.range()))
}

impl Related {
    /// Only this slice of the rows of each source.
    fn cut_to(self, range: Range) -> Self {
        if range == Range::ALL {
            return self;
        }
        let bounded = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        let limit = range.limit.map_or(usize::MAX, bounded);
        let mut of = self.of;
        for places in &mut of {
            places.drain(..places.len().min(bounded(range.offset)));
            places.truncate(limit);
        }
        let used: BTreeSet<usize> = of.iter().flatten().copied().collect();
        let now: HashMap<usize, usize> = used.iter().copied().zip(0..).collect();
        for place in of.iter_mut().flatten() {
            *place = now.get(place).copied().unwrap_or_default();
        }
        let rows = self.rows.into_iter().enumerate();
        Self {
            rows: rows
                .filter(|(place, _)| used.contains(place))
                .map(|(_, row)| row)
                .collect(),
            of,
        }
    }
}
