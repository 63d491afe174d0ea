//! The judge of writes: what is called a success has happened, to the rows that it is about and to no other.

use django_api_orm::{Error, ErrorKind, Instance, prelude::*};
use serde_json::Value;

use super::{
    description::Row,
    judge::{Outcome, Trial, Verdict, demand, either},
    operations::{Operation, Values},
    queries::{Condition, Database, Step},
    thing::Thing,
};

impl Trial<'_> {
    pub(crate) async fn created(&self, values: &Values, before: &[Row]) -> Verdict {
        let created = self.things.create(&values.0).await;
        let new = self.new_rows(before)?;
        match created {
            Ok(_) => {
                demand(new.len() == 1, || format!("{} rows are new", new.len()))?;
                Ok(Outcome::Right)
            }
            Err(error) => self.refused(&error, 0),
        }
    }

    /// A row that was there, or one new row that satisfies the equalities. `changes` are due to a row that was there.
    pub(crate) fn upserted(
        &self,
        found: &Result<(Instance<Thing>, bool), Error>,
        operation: &Operation,
        by: &[Condition],
        changes: Option<&Values>,
        before: &[Row],
    ) -> Verdict {
        either(self.server.databases().into_iter().map(|database| {
            let matching = operation.matching(before, database);
            self.upserted_one_of(&matching, found, by, changes, before, database)
        }))
    }

    fn upserted_one_of(
        &self,
        matching: &[&Row],
        found: &Result<(Instance<Thing>, bool), Error>,
        by: &[Condition],
        changes: Option<&Values>,
        before: &[Row],
        database: Database,
    ) -> Verdict {
        if matching.is_empty() {
            let new = self.new_rows(before)?;
            return match (found, new.as_slice()) {
                (Ok((row, true)), [new]) => {
                    let contradicted = by.iter().find(|condition| {
                        condition.holds(new, database) != Some(true)
                            && self.is_answered(&condition.lookup)
                    });
                    demand(contradicted.is_none(), || {
                        format!("the new row {new:?} contradicts {contradicted:?}")
                    })?;
                    let is_its_key =
                        row.id == Some(new.id) || row.id.is_none() && !self.is_answered("id");
                    demand(is_its_key, || format!("{:?} is not {new:?}", row.id))?;
                    Ok(Outcome::Right)
                }
                (Ok((row, created)), new) => Err(format!(
                    "no row matched; {:?} came, created: {created}; new: {new:?}",
                    *row
                )),
                // What the server does not keep is never found again: the error says so.
                (Err(error), _) if error.kind() == ErrorKind::Unsaved => {
                    let is_unknown = error.to_string().contains("could not be looked up");
                    let is_dropped = by
                        .iter()
                        .any(|condition| !self.is_kept(condition) || self.keeps_few(condition));
                    demand(is_unknown || is_dropped, || format!("not true: {error}"))?;
                    Ok(Outcome::Right)
                }
                (Err(error), _) => self
                    .refused(error, 1)
                    .map(|_| Outcome::Refused(error.to_string())),
            };
        }
        let mut expected = before.to_vec();
        match (found, matching) {
            (Ok((row, false)), [one]) if row.id == Some(one.id) => {
                if let Some(values) = changes {
                    self.applied(values, &mut expected, &[one.id])?;
                }
                self.unchanged(&expected)?;
                Ok(Outcome::Right)
            }
            (Ok((row, created)), matching) => Err(format!(
                "{} rows matched; {:?} came, created: {created}",
                matching.len(),
                *row
            )),
            (Err(error), matching) => {
                let keys: Vec<i64> = match (changes, matching) {
                    (Some(_), [one]) => vec![one.id],
                    _ => Vec::new(),
                };
                self.unchanged_but_for(before, &keys)?;
                self.refused(error, matching.len())
            }
        }
    }

    /// Whether a new row can have the value that it is looked up by.
    pub(crate) fn is_kept(&self, condition: &Condition) -> bool {
        let Condition { lookup, value } = condition;
        let changes = value
            .as_str()
            .is_some_and(|text| text != self.server.kept_name(text));
        let is_dropped = self.server.drops.contains(lookup);
        lookup != "id" && !is_dropped && !(lookup == "name" && changes)
    }

    /// Whether two values have come back otherwise than they were sent, after which no other one is believed to be kept.
    fn keeps_few(&self, condition: &Condition) -> bool {
        let requests = self.site.requests();
        let sent = requests.iter().filter(|sent| sent.starts_with("POST"));
        let is_changed = |sent: &&String| {
            let body = sent
                .split_once(' ')
                .and_then(|(_, rest)| rest.split_once(' '));
            let body: Value =
                serde_json::from_str(body.map_or("", |(_, body)| body)).unwrap_or_default();
            let name = body["name"].as_str();
            let is_cut = |name: &str| self.server.shows.text("name", name) != name;
            name.is_some_and(|name| is_cut(name) || name != self.server.kept_name(name))
        };
        condition.lookup == "name" && sent.filter(is_changed).count() > 1
    }

    /// What was created is not created once more.
    pub(crate) async fn again(&self, operation: &Operation, values: &Values) -> Result<(), String> {
        let rows = self.site.rows();
        // Whatever it says now: it may not write.
        let _ = (self.things)
            .get_or_create(filter(operation), values.assignments())
            .await;
        self.unchanged(&rows)
            .map_err(|message| format!("a second time: {message}"))
    }

    pub(crate) async fn saved(&self, id: i64, values: &Values, before: &[Row]) -> Verdict {
        let matching = before.iter().filter(|row| row.id == id).count();
        let mut row = match self.things.get(Thing::F.id.eq(id)).await {
            Ok(row) => row,
            Err(error) => return self.refused(&error, matching),
        };
        values.put_into(&mut row);
        match row.save().await {
            Ok(()) => {
                let mut expected = before.to_vec();
                self.applied(values, &mut expected, &[id])?;
                self.unchanged(&expected)?;
                Ok(Outcome::Right)
            }
            Err(error) => {
                self.unchanged_but_for(before, &[id])?;
                self.refused(&error, matching)
            }
        }
    }

    pub(crate) async fn deleted(&self, id: i64, before: &[Row]) -> Verdict {
        let matching = before.iter().filter(|row| row.id == id).count();
        let mut row = match self.things.get(Thing::F.id.eq(id)).await {
            Ok(row) => row,
            Err(error) => return self.refused(&error, matching),
        };
        let without: Vec<Row> = before.iter().filter(|row| row.id != id).cloned().collect();
        match row.delete().await {
            Ok(()) => {
                self.unchanged(&without)?;
                Ok(Outcome::Right)
            }
            Err(error) => {
                self.unchanged_but_for(before, &[id])?;
                self.refused(&error, matching)
            }
        }
    }

    pub(crate) async fn updated_many(
        &self,
        operation: &Operation,
        values: &Values,
        before: &[Row],
    ) -> Verdict {
        let queryset = operation.query().queryset(self.things.all());
        let updated = queryset.update(values.assignments()).await;
        let updated = updated.map_err(Error::from);
        let of = |keys: &[i64]| match &updated {
            Ok(count) => {
                demand(*count == keys.len() as u64, || {
                    format!("{count} updated, {} is right", keys.len())
                })?;
                let mut expected = before.to_vec();
                self.applied(values, &mut expected, keys)?;
                self.unchanged(&expected)?;
                Ok(Outcome::Right)
            }
            Err(error) => {
                self.unchanged_but_for(before, keys)?;
                self.refused(error, keys.len())
            }
        };
        either(self.keys_of(operation, before).map(|keys| of(&keys)))
    }

    pub(crate) async fn deleted_many(&self, operation: &Operation, before: &[Row]) -> Verdict {
        let queryset = operation.query().queryset(self.things.all());
        let deleted = queryset.delete().await.map_err(Error::from);
        let of = |keys: &[i64]| match &deleted {
            Ok(count) => {
                demand(*count == keys.len() as u64, || {
                    format!("{count} deleted, {} is right", keys.len())
                })?;
                let mut expected = before.to_vec();
                expected.retain(|row| !keys.contains(&row.id));
                self.unchanged(&expected)?;
                Ok(Outcome::Right)
            }
            Err(error) => {
                self.unchanged_but_for(before, keys)?;
                self.refused(error, keys.len())
            }
        };
        either(self.keys_of(operation, before).map(|keys| of(&keys)))
    }

    /// The keys of the rows that a write of several is about, by each way in which the server may compare.
    fn keys_of(&self, operation: &Operation, before: &[Row]) -> impl Iterator<Item = Vec<i64>> {
        let keys = |database: Database| {
            let rows = operation.matching(before, database);
            rows.iter().map(|row| row.id).collect()
        };
        self.server.databases().into_iter().map(keys)
    }
}

pub(crate) fn filter(operation: &Operation) -> Filter<Thing> {
    let by = operation.query();
    let filters = by.steps.iter().map(|step| match step {
        Step::Filter(tree) | Step::Exclude(tree) => tree.filter(),
    });
    filters
        .reduce(|all, filter| all & filter)
        .unwrap_or_else(|| Filter::from_q(django_api_orm::Q::All))
}
