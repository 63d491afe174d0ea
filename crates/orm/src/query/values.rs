//! Values of related rows: rows with the related ones beside what points at them, as far as some paths go.

use std::collections::HashMap;

use django_api_orm_core::{
    Error, Result,
    plan::Plan,
    relation::Reference,
    row::Row,
    semi_join::check_repeated,
    written::{Fields, fields},
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, try_join_all},
};
use serde_json::value::{RawValue, to_raw_value};

use super::{collection::Collection, joined::Join};

/// The name under which a row has the related ones behind `head`. No field has such a name, as `__` separates the parts of a path.
pub(crate) fn behind(head: &str) -> String {
    format!("{head}__")
}

/// A relation that paths lead across, and where they go on behind it.
struct Across {
    join: Join,
    rests: Vec<String>,
}

impl Collection {
    /// Whether a path leads across a relation.
    pub fn leads_across(&self, paths: &[String]) -> bool {
        paths.iter().any(|path| self.head_of(path).is_some())
    }

    /// The relation at the beginning of a path, and where the path goes on behind it.
    fn head_of<'p>(&self, path: &'p str) -> Option<(&'p str, &'p str)> {
        path.split_once("__")
            .filter(|(head, _)| self.has_join_at(head))
    }

    /// Refuses paths that would give rows several times, where it depends on the query how often.
    ///
    /// # Errors
    /// `Unsupported`.
    pub fn check_values(&self, plan: &Plan, paths: &[String]) -> Result<()> {
        self.check_values_behind(plan, paths, "")
    }

    fn check_values_behind(&self, plan: &Plan, paths: &[String], before: &str) -> Result<()> {
        for across in self.across(paths)? {
            let head = format!("{before}{}", across.join.head);
            if across.join.many {
                check_repeated(plan, &head)?;
            }
            let rows = &across.join.rows;
            rows.check_values_behind(plan, &across.rests, &format!("{head}__"))?;
        }
        Ok(())
    }

    /// The rows with the related ones, as objects, beside what points at them: a row once for each of several, and once with null
    /// where there is none.
    ///
    /// What the rows show of the related ones costs nothing. Else these are asked for, for each relation with one request for 100
    /// different keys, and for each page that they fill; the relations of one level at the same time.
    ///
    /// # Errors
    /// `DoesNotExist` for a row that is pointed at, and is not there; those of the requests.
    pub async fn with_values(
        &self,
        rows: Vec<Row>,
        paths: &[String],
        at_once: usize,
    ) -> Result<Vec<Row>> {
        let each = self.widened(rows, paths.to_vec(), at_once).await?;
        Ok(each.into_iter().flatten().collect())
    }

    /// Of each row what takes its place.
    fn widened(
        &self,
        rows: Vec<Row>,
        paths: Vec<String>,
        at_once: usize,
    ) -> BoxFuture<'_, Result<Vec<Vec<Row>>>> {
        async move {
            let across = self.across(&paths)?;
            if across.is_empty() {
                return Ok(rows.into_iter().map(|row| vec![row]).collect());
            }
            let found = across.iter().map(|across| across.of(&rows, at_once));
            let found = try_join_all(found).await?;
            let mut wide = Vec::with_capacity(rows.len());
            for (at, row) in rows.iter().enumerate() {
                let own = fields(row.bytes())
                    .ok_or_else(|| Error::decode("a row is not a JSON object"))?;
                let mut each = vec![own];
                for (across, found) in across.iter().zip(&found) {
                    each = multiplied(&each, &across.join.head, found.get(at))?;
                }
                wide.push(each.iter().map(encoded).collect::<Result<_>>()?);
            }
            Ok(wide)
        }
        .boxed()
    }

    /// The relations that the paths lead across, in the order in which they are named.
    fn across(&self, paths: &[String]) -> Result<Vec<Across>> {
        let mut found: Vec<Across> = Vec::new();
        for path in paths {
            let Some((head, rest)) = self.head_of(path) else {
                continue;
            };
            match found.iter_mut().find(|across| across.join.head == head) {
                Some(across) => across.rests.push(rest.to_owned()),
                None => found.extend(self.join_at(head)?.map(|join| Across {
                    join,
                    rests: vec![rest.to_owned()],
                })),
            }
        }
        Ok(found)
    }
}

impl Across {
    /// Of each row the related ones, as wide as the paths go.
    async fn of(&self, rows: &[Row], at_once: usize) -> Result<Vec<Vec<Row>>> {
        let Join {
            relation,
            rows: related,
            many,
            back,
            ..
        } = &self.join;
        if let Some(shown) = self.shown(rows)? {
            return Ok(shown);
        }
        let all = Plan::all();
        let found = match back {
            true => {
                let filter = relation.name();
                (related.pointing_at(&all, relation, filter, rows, at_once)).await?
            }
            false => related.related(&all, relation, rows, at_once).await?,
        };
        if !many {
            for (row, places) in rows.iter().zip(&found.of) {
                if places.is_empty() && !relation.of(row)?.is_empty() {
                    return Err(Error::does_not_exist(format!(
                        "`{}` points at a `{}` that is not there",
                        self.join.head,
                        related.model().name()
                    )));
                }
            }
        }
        let wide = related
            .widened(found.rows, self.rests.clone(), at_once)
            .await?;
        let at = |place: &usize| wide.get(*place).cloned().unwrap_or_default();
        let of = found.of.iter();
        Ok(of
            .map(|places| places.iter().flat_map(at).collect())
            .collect())
    }

    /// The same where every row shows what is asked of the row that it points at, be that its key alone.
    fn shown(&self, rows: &[Row]) -> Result<Option<Vec<Vec<Row>>>> {
        let Join {
            relation,
            rows: related,
            many,
            back,
            ..
        } = &self.join;
        if *many || *back || related.leads_across(&self.rests) {
            return Ok(None);
        }
        let roots: Vec<&str> = (self.rests.iter())
            .map(|rest| rest.split("__").next().unwrap_or_default())
            .collect();
        let key = related.model().primary_key();
        let mut shown = Vec::with_capacity(rows.len());
        for row in rows {
            let object = relation.shown_in(row)?.map_or("null", RawValue::get);
            let object = Row::new(object.to_owned());
            let shows = |fields: &Fields| roots.iter().all(|root| fields.contains_key(*root));
            if fields(object.bytes()).is_some_and(|fields| shows(&fields)) {
                shown.push(vec![object]);
                continue;
            }
            match relation.of(row)?.pop() {
                None => shown.push(Vec::new()),
                Some(Reference::Key { by, value }) if by == key && roots == [key] => {
                    let row = HashMap::from([(key, value)]);
                    shown.push(vec![encoded(&row)?]);
                }
                Some(_) => return Ok(None),
            }
        }
        Ok(Some(shown))
    }
}

/// Each of the rows once for each of the related ones; once with null where there is none.
fn multiplied(rows: &[Fields], head: &str, related: Option<&Vec<Row>>) -> Result<Vec<Fields>> {
    let related = related.map_or(&[][..], Vec::as_slice);
    let null = [Row::new("null")];
    let related = if related.is_empty() { &null } else { related };
    let mut each = Vec::with_capacity(rows.len() * related.len());
    for row in rows {
        for related in related {
            let mut row = row.clone();
            let text = String::from_utf8_lossy(related.bytes()).into_owned();
            let object = RawValue::from_string(text)
                .map_err(|error| Error::decode("a row is not a JSON object").with_source(error))?;
            row.insert(behind(head), object);
            each.push(row);
        }
    }
    Ok(each)
}

fn encoded<T: serde::Serialize>(row: &T) -> Result<Row> {
    let row = to_raw_value(row).map_err(|error| {
        Error::decode("a row cannot be written as JSON again").with_source(error)
    })?;
    Ok(Row::new(row.get().to_owned()))
}
