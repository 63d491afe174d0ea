//! The judge: an operation on a described server gives what is right for the rows that the server keeps, or an error.

use django_api_orm::{Error, ErrorKind, Instance, Manager, Warning, WarningKind};
use serde_json::{Value, json};

use super::{
    description::{Answers, Count, Next, Paging, Row, Server, Sorts, Unknown},
    operations::{Operation, Question, Values},
    queries::{Condition, Database, LOOKUPS, Query},
    site::{ENDLESS, Site},
    thing::Thing,
    writing::filter,
};

/// How an operation ended, where it ended well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Right,
    /// An error, with its text.
    Refused(String),
}

pub(crate) type Verdict = Result<Outcome, String>;

/// What a judgement rests on.
pub(crate) struct Trial<'a> {
    pub(crate) server: &'a Server,
    pub(crate) site: &'a Site,
    pub(crate) things: Manager<Thing>,
    /// Rows asked for in a page.
    pub(crate) page_size: Option<u64>,
    /// What the server ignores is to be an error.
    pub(crate) is_strict: bool,
}

/// Refuses what is not right.
pub(crate) fn demand(holds: bool, message: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(message()) }
}

/// The first verdict that is none of wrong, if there is one.
pub(crate) fn either(verdicts: impl Iterator<Item = Verdict>) -> Verdict {
    let mut first = None;
    for verdict in verdicts {
        if verdict.is_ok() {
            return verdict;
        }
        first.get_or_insert(verdict);
    }
    first.unwrap_or_else(|| Err("nothing to compare with".to_owned()))
}

impl Trial<'_> {
    /// An error is accepted, but not one that is an answer, and a wrong one.
    pub(crate) fn refused(&self, error: &Error, matching: usize) -> Verdict {
        demand(matching == 0 || !error.is_does_not_exist(), || {
            format!("{matching} rows match, but: {error}")
        })?;
        demand(
            matching > 1 || !error.is_multiple_objects_returned(),
            || format!("{matching} rows match, but: {error}"),
        )?;
        if error.kind() == ErrorKind::Ignored {
            let text = error.to_string();
            let subject = text.split('`').nth(1).unwrap_or_default();
            let kind = match subject {
                "offset" => WarningKind::OffsetIgnored,
                "limit" | "page_size" => WarningKind::LimitIgnored,
                _ if text.contains("ordering") => WarningKind::OrderingIgnored,
                _ => WarningKind::FilterIgnored,
            };
            demand(self.is_strict, || format!("nobody asked for {error}"))?;
            demand(ignores(self.server, kind, subject), || {
                format!("not true: {error}")
            })?;
        }
        if error.is_does_not_exist() || error.is_multiple_objects_returned() {
            return Ok(Outcome::Right);
        }
        Ok(Outcome::Refused(format!("{:?}: {error}", error.kind())))
    }

    pub(crate) async fn judge(&self, operation: &Operation) -> Verdict {
        let before = self.site.rows();
        let seen = self.site.requests().len();
        let verdict = match operation {
            Operation::Ask(query, question) => self.asked(query, *question, &before).await,
            Operation::Get(id) => self.got(*id, operation, &before).await,
            Operation::Create(values) => self.created(values, &before).await,
            Operation::GetOrCreate(by, values) => {
                let found = (self.things).get_or_create(filter(operation), values.assignments());
                let verdict = self.upserted(&found.await, operation, by, None, &before)?;
                // What the server changes without showing it nobody can know.
                let is_seen = |condition: &Condition| {
                    self.is_kept(condition) || self.is_answered(&condition.lookup)
                };
                if self.site.rows() != before && by.iter().all(is_seen) {
                    self.again(operation, values).await?;
                }
                Ok(verdict)
            }
            Operation::UpdateOrCreate(by, values) => {
                let found = (self.things).update_or_create(filter(operation), values.assignments());
                let found = found.await;
                self.upserted(&found, operation, by, Some(values), &before)
            }
            Operation::Save(id, values) => self.saved(*id, values, &before).await,
            Operation::DeleteOne(id) => self.deleted(*id, &before).await,
            Operation::Update(_, values) => self.updated_many(operation, values, &before).await,
            Operation::Delete(_) => self.deleted_many(operation, &before).await,
        };
        let requests = self.site.requests().split_off(seen);
        let posts = requests
            .iter()
            .filter(|request| request.starts_with("POST"))
            .count();
        demand(posts < 2, || format!("{posts} POST: {requests:#?}"))?;
        let bound = self.bound(operation, &before);
        let made = requests.len();
        demand(made <= bound && made < ENDLESS, || {
            let some: Vec<_> = requests.iter().take(40).collect();
            format!("{made} requests, and at most {bound} were due: {some:#?}")
        })?;
        match verdict {
            Ok(outcome) if self.is_due(&outcome, &before) => Ok(Outcome::Right),
            verdict => verdict.map_err(|message| format!("{message}\nrequests: {requests:#?}")),
        }
    }

    /// Whether it was refused because nobody can know what is right, as the error says.
    fn is_due(&self, outcome: &Outcome, rows: &[Row]) -> bool {
        let Outcome::Refused(why) = outcome else {
            return false;
        };
        why.contains("may be a label of the value") && self.server.is_inscrutable(rows)
            || why.contains("so they may be labels") && self.server.lacks_a_text()
    }

    /// The most requests that an operation may make.
    ///
    /// A walk reads every page, with the rows that are hidden and the one that may have been created, and, at most, one behind the end;
    /// one more where rows are hidden, as the next page is looked for behind those that came. It may begin anew, or be preceded by probes, for each
    /// lookup, for the order, and for what is to be learnt of the paginator. Of a lookup there may be two probes to see whether
    /// it is honoured, two where a row violates it, three where nothing comes, and five for the form of its field. A write makes one request for a row.
    /// Where the URL of a row is not there, each of the writes that are made at the same time looks for the first row of the list, behind
    /// those that the server hides, twice if it refuses a size, and at its URL.
    fn bound(&self, operation: &Operation, rows: &[Row]) -> usize {
        let size = self.page_size.map_or(self.server.size, |size| {
            usize::try_from(size).unwrap_or(usize::MAX)
        });
        let size = size
            .min(self.server.size)
            .min(self.server.cap.unwrap_or(usize::MAX));
        let created = usize::from(!matches!(operation, Operation::Ask(..)));
        let hidden = self.server.hides.len();
        let of_all = (rows.len() + hidden + created).div_ceil(size.max(1));
        let pages = of_all + 1 + usize::from(hidden > 0);
        let query = operation.query();
        let parts = query.lookups() + query.order.len();
        let written = match operation {
            Operation::Update(..) | Operation::Delete(_) => rows.len(),
            _ => 1,
        };
        let endless = match self.server.next {
            // A walk gives up after so many empty pages, one after the other.
            Next::Always(_) => 100 * (1 + parts),
            _ => 0,
        };
        let of_a_write = 4 + hidden;
        6 + 12 * parts + (2 + parts) * pages + of_a_write * written + endless
    }

    async fn asked(&self, query: &Query, question: Question, before: &[Row]) -> Verdict {
        let queryset = query.queryset(self.things.all());
        let answer = match question {
            Question::List => queryset.fetch().await.map(|rows| keys(&rows)),
            Question::Stream => {
                let mut rows = queryset.stream();
                let mut found = Vec::new();
                loop {
                    match rows.try_next().await {
                        Ok(Some(row)) => found.push(row),
                        Ok(None) => break Ok(keys(&found)),
                        Err(error) => break Err(error),
                    }
                }
            }
            Question::Values => {
                let pairs = queryset.values_list((Thing::F.id, Thing::F.name)).await;
                pairs.map(|pairs: Vec<(i64, String)>| json!(pairs))
            }
            Question::Count => queryset.count().await.map(Value::from),
            Question::Exists => queryset.exists().await.map(Value::from),
            Question::First => queryset
                .first()
                .await
                .map(|row| json!(row.and_then(|row| row.id))),
            Question::Last => queryset
                .last()
                .await
                .map(|row| json!(row.and_then(|row| row.id))),
        };
        self.unchanged(before)?;
        let verdicts = self.server.databases().into_iter();
        either(verdicts.map(|database| self.answered(query, question, &answer, before, database)))
    }

    /// Whether an answer is right, where values are compared as this database does.
    fn answered(
        &self,
        query: &Query,
        question: Question,
        answer: &Result<Value, Error>,
        before: &[Row],
        database: Database,
    ) -> Verdict {
        let natural = self.server.natural;
        let expected = query.rows(before, natural, database);
        match answer {
            // The server's positions are also those of rows that it hides, so nobody can know which rows a slice has.
            Ok(answer)
                if !self.server.hides.is_empty()
                    && (query.slice.is_some() || question == Question::Last) =>
            {
                let whole = Query {
                    slice: None,
                    ..query.clone()
                };
                let rows = whole.rows(before, natural, database);
                let every = |question: Question| question.answer(&rows, self.site);
                let is_among = |came: &[Value], all: &Value| {
                    let all = all.as_array().into_iter().flatten();
                    let all: Vec<&Value> = all.collect();
                    came.iter().all(|row| all.contains(&row))
                };
                let came = answer.as_array().map_or(&[][..], Vec::as_slice);
                let is_possible = match question {
                    Question::List | Question::Stream | Question::Values => {
                        is_among(came, &every(question))
                    }
                    Question::Count => answer.as_u64() <= Some(rows.len() as u64),
                    Question::Exists => *answer == json!(false) || !rows.is_empty(),
                    Question::First | Question::Last => {
                        answer.is_null()
                            || is_among(std::slice::from_ref(answer), &every(Question::List))
                    }
                };
                demand(is_possible, || {
                    format!("{answer} came, of {}", every(Question::List))
                })?;
                Ok(Outcome::Right)
            }
            Ok(answer) => {
                let right = question.answer(&expected, self.site);
                // A whole list whose order the server was left to make is taken as it came. Of a server that has nulls
                // last a part is taken from that end, too.
                let of_another_database = || {
                    let is_list = query.slice.is_none() && question.is_list();
                    let nulls_last = query.rows(before, natural, database.nulls_last());
                    (is_list || self.server.nulls_last)
                        && *answer == question.answer(&nulls_last, self.site)
                };
                // Nothing shows that a count is false which is all that was asked for.
                let as_counted = || {
                    self.server.count.is_false()
                        && self.is_as_counted(query, question, answer, before, database)
                };
                let is_right = *answer == right || of_another_database() || as_counted();
                demand(is_right, || format!("{answer} came, {right} is right"))?;
                Ok(Outcome::Right)
            }
            // Rows that were handed out cannot be taken back: an honest error.
            Err(error)
                if question == Question::Stream
                    && error.kind() == ErrorKind::Unsupported
                    && self.server.sorts != Sorts::All =>
            {
                Ok(Outcome::Right)
            }
            Err(error) => {
                demand(!error.is_does_not_exist(), || error.to_string())?;
                self.refused(error, expected.len())
            }
        }
    }

    /// Whether an answer is what a false count makes of it: that count, or nothing for a slice that begins behind it.
    fn is_as_counted(
        &self,
        query: &Query,
        question: Question,
        answer: &Value,
        before: &[Row],
        database: Database,
    ) -> bool {
        let whole = Query {
            slice: None,
            ..query.clone()
        };
        let all = whole.rows(before, self.server.natural, database).len();
        let told = self.server.count.told(all);
        let (start, stop) = query.slice.unwrap_or((0, None));
        let bounded = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        let end = stop.map_or(told, |stop| told.min(bounded(stop)));
        match question {
            Question::Count => *answer == json!(end.saturating_sub(bounded(start))),
            _ => bounded(start) >= told && *answer == question.answer(&[], self.site),
        }
    }

    async fn got(&self, id: i64, operation: &Operation, before: &[Row]) -> Verdict {
        let got = self.things.get(Thing::F.id.eq(id)).await;
        self.unchanged(before)?;
        let matching = operation.matching(before, Database::default());
        match got {
            Ok(row) => {
                let names = matching
                    .iter()
                    .map(|row| (Some(row.id), self.site.shown_name(row)));
                let right: Vec<_> = names.collect();
                demand(right == [(row.id, row.name.clone())], || {
                    format!("{:?} came, {right:?} is right", *row)
                })?;
                Ok(Outcome::Right)
            }
            Err(error) => self.refused(&error, matching.len()),
        }
    }

    /// Puts the values into the rows with these keys. One that the server drops is due all the same, where its answer shows
    /// the field: then it must not have been called a success, unless what is shown may be its form on that server, or the
    /// field is shown in another form than it is sent in.
    pub(crate) fn applied(
        &self,
        values: &Values,
        rows: &mut [Row],
        keys: &[i64],
    ) -> Result<(), String> {
        for row in rows.iter_mut().filter(|row| keys.contains(&row.id)) {
            let mut whole = json!(row);
            for (field, value) in &values.0 {
                let may_be_form = is_form(value, &whole[field])
                    || self.server.shown_otherwise() == Some(field.as_str());
                let is_seen = self.is_answered(field) && !may_be_form;
                if !self.server.drops.contains(field) || is_seen {
                    whole[field] = value.clone();
                }
            }
            *row = serde_json::from_value(whole).map_err(|error| error.to_string())?;
            if values.0.contains_key("name") {
                row.name = self.server.kept_name(&row.name);
            }
        }
        Ok(())
    }

    /// Whether the answer to a write shows the field.
    pub(crate) fn is_answered(&self, field: &str) -> bool {
        match self.server.answers {
            Answers::Row => true,
            Answers::Part => ["id", "name"].contains(&field),
            Answers::Name => field == "name",
            Answers::Nothing | Answers::Wrapped | Answers::Page => false,
        }
    }

    pub(crate) fn unchanged(&self, expected: &[Row]) -> Result<(), String> {
        let rows = self.site.rows();
        demand(rows == expected, || {
            format!("the server's rows are {rows:?}\nbut should be {expected:?}")
        })
    }

    pub(crate) fn unchanged_but_for(&self, before: &[Row], keys: &[i64]) -> Result<(), String> {
        let others = |rows: &[Row]| -> Vec<Row> {
            let others = rows.iter().filter(|row| !keys.contains(&row.id));
            others.cloned().collect()
        };
        let rows = self.site.rows();
        demand(others(&rows) == others(before), || {
            format!("other rows than {keys:?} have changed: {rows:?}\nfrom {before:?}")
        })
    }

    /// The rows that were not there before; the others must stand as they were.
    pub(crate) fn new_rows(&self, before: &[Row]) -> Result<Vec<Row>, String> {
        let mut rows = self.site.rows();
        let new = rows.split_off(before.len().min(rows.len()));
        demand(rows == before && new.len() < 2, || {
            format!("{} new rows; {rows:?}\nwere {before:?}", new.len())
        })?;
        Ok(new)
    }
}

fn keys(rows: &[Instance<Thing>]) -> Value {
    rows.iter().map(|row| json!(row.id)).collect()
}

/// Whether two texts differ in case, or in blanks around them, alone.
fn is_form(one: &Value, other: &Value) -> bool {
    let fold = |value: &Value| value.as_str().map(|text| text.trim().to_lowercase());
    fold(one).is_some_and(|one| fold(other) == Some(one))
}

/// A warning that says what the server does not do is a lie.
pub(crate) fn is_true(warning: &Warning, server: &Server) -> bool {
    ignores(server, warning.kind(), warning.subject())
}

fn ignores(server: &Server, kind: WarningKind, subject: &str) -> bool {
    match kind {
        WarningKind::FilterIgnored => {
            let is_known = LOOKUPS.contains(&subject);
            let lacks = server.lacks.iter().any(|lookup| lookup == subject);
            server.may_drop(subject) || server.unknown != Unknown::Refused && (!is_known || lacks)
        }
        WarningKind::OrderingIgnored => {
            server.sorts != Sorts::All && (subject != "id" || server.sorts != Sorts::Key)
        }
        WarningKind::OffsetIgnored => server.paging != Paging::Offset,
        WarningKind::LimitIgnored => match server.paging {
            Paging::Offset => false,
            Paging::SizedNumber => subject != "page_size",
            _ => true,
        },
        WarningKind::Drift => {
            matches!(server.count, Count::OfPage(_) | Count::OfPageAndTotal(_))
                || server.count.is_false()
                || !server.hides.is_empty()
        }
        _ => true,
    }
}
