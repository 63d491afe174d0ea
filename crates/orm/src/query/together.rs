//! Rows that are asked for one by one at the same time, and read together: by their keys, from the list.
//!
//! What comes of it is taken only where it is what each row's own URL would have shown. So an endpoint has to prove itself first, once for
//! each client: the list, asked for rows by their keys, sends these and no others, and shows rows of them as their own URLs do, which
//! names no version of it (a version keeps two writers apart, and a list has none). A row that does not come is not missing: whoever
//! asks for it asks by itself, and is told so by its own answer.

use django_api_orm_core::{
    Error, ErrorKind, FieldMeta, Q, Result,
    lookup::{Lookup, Op},
    plan::Plan,
    row::{Row, key_text},
    strategy::{Aim, Findings, LARGEST_PART, Parts},
};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use super::{collection::Collection, detail::ByUrl, pages::Pages};

impl Collection {
    /// The key, where the plan asks for one row by nothing but that, so that it may be read together with others.
    pub fn key_to_be_got(&self, plan: &Plan) -> Option<String> {
        plan.check().ok()?;
        self.detail_key(plan)
    }

    /// Whether rows may be read together: unless the endpoint was seen not to prove itself, or is declared not to filter by keys.
    ///
    /// # Errors
    /// `Configuration` when the model is not registered with a client.
    pub fn may_read_together(&self) -> Result<bool> {
        let parameter = self.is_one_of(Vec::new()).parameter();
        let declared = self.model().filters();
        if declared.is_some_and(|filters| !filters.contains(&parameter)) {
            return Ok(false);
        }
        self.know(|known| {
            known.reads_together != Some(false)
                && known.honours(&parameter) != Some(false)
                && known.details != Some(false)
        })
    }

    /// The rows with these keys, as their own URLs would show them; nothing in the place of one that has to be asked for by itself.
    ///
    /// One request for 100 keys, or 2,000 bytes of them, `concurrency` at the same time; as proof one more for a row that has a longer
    /// value than those that were compared, or null in a field for the first time: a few, once for each client and endpoint.
    ///
    /// # Errors
    /// Those of the requests, but for refusals: the list may refuse what the URL of each row answers.
    pub async fn rows_together(
        &self,
        keys: &[String],
        concurrency: usize,
    ) -> Result<Vec<Option<Row>>> {
        let values = keys.iter().cloned().map(Value::from).collect();
        let mut parts = Parts::new(Plan::all(), self.is_one_of(values));
        let mut found = Vec::new();
        // Alone, so that what it shows is found out once.
        let first = parts.take().unwrap_or_default();
        found.extend(self.part_together(first).await?);
        let rest = std::iter::from_fn(|| parts.take());
        let mut rest = stream::iter(rest)
            .map(|part| self.part_together(part))
            .buffer_unordered(concurrency.max(1));
        while let Some(rows) = rest.try_next().await? {
            found.extend(rows);
        }
        if !self.prove(&found).await? || !self.may_read_together()? {
            return Ok(vec![None; keys.len()]);
        }
        let of = |key: &String| {
            let mut of_key = found.iter().filter(|(of, _)| of == key);
            match (of_key.next(), of_key.next()) {
                (Some((_, row)), None) => Some(row.clone()),
                _ => None,
            }
        };
        Ok(keys.iter().map(of).collect())
    }

    /// How `get` of the plan is read together with others, in words; nothing where it is not by a key.
    ///
    /// # Errors
    /// As [`may_read_together`](Self::may_read_together).
    pub fn together_explained(&self, plan: &Plan) -> Result<Option<String>> {
        if self.key_to_be_got(plan).is_none() {
            return Ok(None);
        }
        let parameter = self.is_one_of(Vec::new()).parameter();
        Ok(Some(if !self.may_read_together()? {
            format!(
                "get: by itself, because the list does not filter by `{parameter}`, or does not show rows as their own URLs do"
            )
        } else if self.is_proven()? {
            format!(
                "get: together with others of the same turn, {LARGEST_PART} keys in a request, by `{parameter}`"
            )
        } else {
            format!(
                "get: together with others of the same turn, once the list is seen to filter by `{parameter}` and to show rows as their own \
                 URLs do"
            )
        }))
    }

    fn is_one_of(&self, keys: Vec<Value>) -> Lookup {
        Lookup::new(self.model().lookup_field(), Op::In, Value::Array(keys))
    }

    fn is_proven(&self) -> Result<bool> {
        self.know(|known| known.reads_together == Some(true))
    }

    /// Those of the rows that the list sends for these keys, with their keys. Another row among them shows that it does not look at
    /// the keys.
    async fn part_together(&self, keys: Vec<Value>) -> Result<Vec<(String, Row)>> {
        let plan = Plan::all().filter(Q::Lookup(self.is_one_of(keys.clone())));
        let strategy = self.strategy(&plan, Aim::Rows, &Findings::default())?;
        if strategy.leaves_rows_out() {
            // A key that a query string would change.
            return Ok(Vec::new());
        }
        let wanted = keys.len() as u64;
        let mut pages = Pages::new(self.clone(), strategy.pairs, 0, Some(wanted)).one_by_one();
        let mut found: Vec<(String, Row)> = Vec::new();
        loop {
            let batch = match pages.next().await {
                Ok(Some(batch)) => batch,
                Ok(None) => return Ok(found),
                Err(error) => return self.unless_refused(error).map(|()| Vec::new()),
            };
            for row in batch.rows {
                let key = self.lookup_key().of(&row);
                let key = key.as_ref().and_then(key_text).unwrap_or_default();
                if !keys.iter().any(|asked| asked.as_str() == Some(&key)) {
                    self.learn(|known| known.learn_together(false))?;
                    return Ok(Vec::new());
                }
                found.push((key, row));
            }
            if batch.last || found.len() >= keys.len() {
                return Ok(found);
            }
        }
    }

    /// The error of a request that has failed. Where the server only does not answer so, it is none: then each row is asked for by
    /// itself, from now on if that is not about who asks.
    fn unless_refused(&self, error: Error) -> Result<()> {
        match error.kind() {
            ErrorKind::NotFound
            | ErrorKind::Validation
            | ErrorKind::Status
            | ErrorKind::Decode
            | ErrorKind::TooLarge => self.learn(|known| known.learn_together(false)),
            ErrorKind::Authentication
            | ErrorKind::Permission
            | ErrorKind::Redirect
            | ErrorKind::Ignored
            | ErrorKind::Drift => Ok(()),
            _ => Err(error),
        }
    }

    /// Whether the list shows rows as their own URLs do. Those with values that have not been compared yet are, the longest first: a
    /// list may cut texts off, or show less of some rows.
    async fn prove(&self, rows: &[(String, Row)]) -> Result<bool> {
        let names: Vec<&str> = (self.model().fields().iter())
            .flat_map(FieldMeta::read_names)
            .collect();
        let mut picked = Vec::with_capacity(rows.len());
        for (key, row) in rows {
            picked.push((key, row.pick(&names)?));
        }
        picked.sort_by_key(|(_, fields)| {
            let lengths = fields.values().map(|value| value.to_string().len());
            std::cmp::Reverse(lengths.sum::<usize>())
        });
        for (key, listed) in picked {
            // What a row lacks is nothing, too.
            let value = |name: &str| listed.get(name).unwrap_or(&Value::Null);
            let is_new = self.know(|known| {
                known.reads_together.is_none()
                    || names.iter().any(|name| !known.is_alike(name, value(name)))
            })?;
            if !is_new {
                continue;
            }
            let ByUrl::Row(alone) = self.by_url(key, None).await? else {
                return Ok(false);
            };
            let is_same = alone.version().is_none() && alone.pick(&names)? == listed;
            self.learn(|known| {
                for name in &names {
                    known.learn_alike(name, value(name));
                }
                known.learn_together(is_same);
            })?;
            if !is_same {
                return Ok(false);
            }
        }
        self.is_proven()
    }
}
