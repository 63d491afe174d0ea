//! Rows that are created, and the way from a filter to the row that must exist.

use django_api_orm_core::{
    Error, ErrorKind, FieldMeta, OnConflict, OnUnsaved, Q, Result,
    assigned::Assigned,
    evaluate::Evaluator,
    lookup::{Lookup, Op},
    plan::Plan,
    row::{Row, key_text},
    unsaved::{Doubt, contradicted, doubts, sent_for},
    written::Kept,
};
use futures_util::{StreamExt, stream};
use http::StatusCode;
use serde_json::{Map, Value};

use super::{answers::Purpose, collection::Collection, conditional::Precaution};

/// The row that a filter has led to.
#[derive(Debug)]
pub enum Upsert {
    /// It was there, and is as it was.
    Found(Row),
    /// It was there, and was changed.
    Changed(Kept),
    /// It is new.
    Created(Kept),
}

impl Upsert {
    /// The row, and whether it is new.
    #[must_use]
    pub fn into_row(self) -> (Kept, bool) {
        match self {
            Self::Found(row) => (Kept::shown(row), false),
            Self::Changed(kept) => (kept, false),
            Self::Created(kept) => (kept, true),
        }
    }
}

impl Collection {
    /// The one row that satisfies the filter, or a new one with the filter's equalities and the values of `new`; without
    /// `new` a missing row is an error. `for_write`: a row that is found must be seen to satisfy the whole filter.
    ///
    /// When another client creates the row in between, and the server refuses a second one, the other client's row is
    /// read.
    pub async fn find_or_create(
        &self,
        q: &Q,
        new: Option<&Map<String, Value>>,
        for_write: bool,
    ) -> Result<Upsert> {
        if new.is_some() {
            self.model().check_lookups(q)?;
        }
        let plan = Plan::all().filter(q.clone());
        let purpose = match for_write {
            true => Purpose::Upsert,
            false => Purpose::Create,
        };
        let find = || self.get_for(&plan, purpose, None);
        let missing = match find().await {
            Ok(found) => return Ok(Upsert::Found(found)),
            Err(error) => error,
        };
        let new = match new {
            Some(new) if missing.is_does_not_exist() => new,
            _ => return Err(missing),
        };
        let body = Assigned::equalities(q, self.model())?.completed_by(new);
        self.refuse_read_only(q)?;
        self.refuse_contradicted(q, &body)?;
        self.refuse_unsaved(q, &body)?;
        if let Some(hidden) = self.created_before(q).await? {
            return Ok(Upsert::Found(hidden));
        }
        match self.create(&self.new_row(&body)?).await {
            Ok(mut created) => {
                let key = self.key_of(&created.row).ok();
                let account = self.client()?.account();
                self.learn(|known| known.learn_created_for(account, q, key))?;
                if self.check_created(&plan, &created, &body).await? {
                    // The server finds the row by them, whatever it shows.
                    let by: Vec<&str> = (q.equalities().into_iter())
                        .map(|lookup| self.model().sent_as(lookup.root()))
                        .collect();
                    created.unsaved.retain(|name| !by.contains(&name.as_str()));
                }
                Ok(Upsert::Created(created))
            }
            Err(error) => {
                let error = error.with_natural_key(|| natural_key(q));
                match is_duplicate(&error) {
                    true => find().await.map(Upsert::Found).map_err(|_| error),
                    false => Err(error),
                }
            }
        }
    }

    /// The row that satisfies the filter, with `changes` of it written; or a new one, as
    /// [`find_or_create`](Self::find_or_create) makes it.
    pub async fn update_or_create(
        &self,
        q: &Q,
        new: Option<&Map<String, Value>>,
        changes: impl FnOnce(&Row) -> Result<Map<String, Value>>,
    ) -> Result<Upsert> {
        let row = match self.find_or_create(q, new, true).await? {
            Upsert::Found(row) => row,
            created => return Ok(created),
        };
        let changes = changes(&row)?;
        if changes.is_empty() {
            return Ok(Upsert::Found(row));
        }
        let key = self.key_of(&row)?;
        let precaution = Precaution {
            on_conflict: OnConflict::Merge,
            check: false,
        };
        let kept = self
            .save_with(&key, Some(&row), &changes, precaution)
            .await?;
        match kept.unsaved_error(self.model()) {
            Some(error) => Err(error),
            None => Ok(Upsert::Changed(kept)),
        }
    }

    /// The row that was created for the same lookups, if it is there and still what was asked for, though the list does not have it: it may
    /// hide such rows, or filter by something else. Costs a request where one was created.
    async fn created_before(&self, q: &Q) -> Result<Option<Row>> {
        let account = self.client()?.account();
        let key = self.know(|known| known.created_for(account, q).map(str::to_owned))?;
        let Some(key) = key else {
            return Ok(None);
        };
        let row = match self.at_url(&key, None, None).await {
            Ok(row) => row,
            // Nobody can know: as if none had been created.
            Err(error) if error.status().is_some() || error.kind() == ErrorKind::Decode => {
                self.learn(|known| known.learn_created_for(account, q, None))?;
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let evaluator = Evaluator::compile_for(q, &self.known_fields()?)?;
        let holds = evaluator.evaluate(&row.pick(evaluator.roots())?);
        Ok(holds.is_true().then_some(row))
    }

    /// Creates no row that is looked up by what is not sent: it would not be found again.
    fn refuse_read_only(&self, q: &Q) -> Result<()> {
        let model = self.model();
        let is_read_only = |lookup: &&Lookup| {
            let field = match lookup.root() {
                "pk" => model.primary_key(),
                root => root,
            };
            model.is_read_only(model.sent_as(field))
        };
        match q.equalities().into_iter().find(is_read_only) {
            None => Ok(()),
            Some(lookup) => Err(Error::invalid_request(format!(
                "no `{}` matches, and none was created: `{}` is read-only, so a new row would not have the value that it is looked up \
                 by; look the row up by what can be set, or create it",
                model.name(),
                lookup.parameter()
            ))),
        }
    }

    /// Creates no row whose values contradict what it is looked up by: each call would create another one.
    fn refuse_contradicted(&self, q: &Q, body: &Map<String, Value>) -> Result<()> {
        match contradicted(q, self.model(), body) {
            None => Ok(()),
            Some(lookup) => Err(Error::invalid_request(format!(
                "no `{}` matches, and none was created: the values of the new row contradict `{}`, so it would not be found again and \
                 each call would create another one; give it a value that satisfies the lookup, look it up by another one, or \
                 create it",
                self.model().name(),
                lookup.parameter()
            ))),
        }
    }

    /// Creates no row that was seen not to keep what it is looked up by, or not to satisfy it: each call would create another one.
    fn refuse_unsaved(&self, q: &Q, body: &Map<String, Value>) -> Result<()> {
        if self.policy.on_unsaved != OnUnsaved::Error {
            return Ok(());
        }
        let known = self.knowledge()?;
        let is_unsaved = |part: &&Q| match part.equality() {
            Some(lookup) => known.is_unsaved(lookup),
            None => known.is_unmet(part, &sent_for(part, self.model(), body)),
        };
        let Some(part) = q.parts().into_iter().find(is_unsaved) else {
            return Ok(());
        };
        let listed = listed(&part.parameters());
        let seen = match part.equality() {
            Some(_) => format!("the server was not seen to keep {listed} in a new row"),
            None => format!("a new row was seen not to satisfy {listed}"),
        };
        Err(Error::new(
            ErrorKind::Unsaved,
            format!(
                "no `{}` matches, and none was created: {seen}, so \
                 the row may not be found again and each call would create another one; look the row up by what the server \
                 keeps, or create it",
                self.model().name(),
            ),
        ))
    }

    /// Whether a new row is the one that was asked for. Where it does not show that, the server is asked for it once more:
    /// the row may show a value in another form than filters take. The value is whether it was found so.
    async fn check_created(
        &self,
        plan: &Plan,
        created: &Kept,
        sent: &Map<String, Value>,
    ) -> Result<bool> {
        if self.policy.on_unsaved == OnUnsaved::Ignore {
            return Ok(false);
        }
        // A part of a row that shows nothing of it is no evidence.
        let assumed: &[String] = match created.shows_rest {
            true => &created.assumed,
            false => &[],
        };
        let row = created.row.fields()?;
        let mut doubts = doubts(plan.condition(), self.model(), &row, assumed);
        // What the program has set to another value is not to be found by the lookup.
        doubts.retain(|doubt| {
            let bare = doubt.part.equality().filter(|lookup| lookup.is_bare());
            bare.is_none_or(|lookup| {
                let value = sent.get(self.model().sent_as(&lookup.path));
                value.is_none_or(|value| *value == lookup.value)
            })
        });
        if doubts.is_empty() {
            return Ok(false);
        }
        let found = match doubts.iter().any(|doubt| doubt.is_certain) {
            true => Ok(false),
            false => self.is_found(plan, created).await,
        };
        if matches!(found, Ok(true)) {
            return Ok(true);
        }
        let unasked = found.err();
        // What a row does not show at all, it lacks; what it shows otherwise may be another form.
        let is_unknown = unasked.is_some() && doubts.iter().any(|doubt| !doubt.is_dropped);
        // A failure that passes says nothing of later calls.
        if unasked.as_ref().is_none_or(|error| !error.is_retryable()) {
            self.learn_doubts(&doubts, sent)?;
        }
        let mut names: Vec<String> = (doubts.iter())
            .flat_map(|doubt| doubt.part.parameters())
            .collect();
        let listed = listed(&names);
        let are_values = doubts.iter().all(|doubt| doubt.part.equality().is_some());
        self.tolerate(&mut names)?;
        if names.is_empty() {
            return Ok(false);
        }
        let key = self.model().primary_key();
        let shown = created.row.key(key).as_ref().and_then(key_text);
        let lacks = match are_values {
            true => "the server did not keep",
            false => "it does not satisfy",
        };
        let why = match is_unknown {
            false => format!(
                "it is not the one that was asked for: {lacks} {listed}, so the row is not found by that, and the \
                 next call would create another one"
            ),
            true if !are_values => format!(
                "whether it is the one that was asked for is not known: it does not seem to satisfy {listed}, and it could not \
                 be looked up by that; another one is not created for the same values"
            ),
            true => format!(
                "whether it is the one that was asked for is not known: its answer does not show {listed} as sent, and it could not \
                 be looked up by that; another one is not created for the same values"
            ),
        };
        let error = Error::new(
            ErrorKind::Unsaved,
            format!(
                "a `{}` was created ({key}: {}), but {why}; look the row up by what the server keeps, or create it",
                self.model().name(),
                shown.as_deref().unwrap_or("not known"),
            ),
        )
        .with_row(created.row.clone());
        Err(match unasked {
            Some(cause) => error.with_source(cause),
            None => error,
        })
    }

    /// Keeps what a new row was seen not to keep, or not to satisfy.
    fn learn_doubts(&self, doubts: &[Doubt<'_>], sent: &Map<String, Value>) -> Result<()> {
        self.learn(|known| {
            for doubt in doubts {
                match doubt.part.equality() {
                    Some(lookup) => {
                        let any = doubt.is_dropped && !self.model().is_across_relation(lookup);
                        known.learn_unsaved(lookup, any);
                    }
                    None => {
                        known.learn_unmet(doubt.part, sent_for(doubt.part, self.model(), sent));
                    }
                }
            }
        })
    }

    /// Whether a new row is found by what it was created for. Nothing was found by that before, so that without a key any row will do.
    async fn is_found(&self, plan: &Plan, created: &Kept) -> Result<bool> {
        let Ok(key) = self.primary_key_of(&created.row) else {
            return self.exists_row(plan).await;
        };
        match self.contains(plan, &key).await {
            // It may refuse a filter by the key.
            Err(error) if error.is_refusal() => {
                let row = self.first(plan).await?;
                Ok(row.is_some() && self.same_row(row.as_ref(), Some(&created.row)))
            }
            found => found,
        }
    }

    /// Creates a copy of a row, which the server last showed as `row`. A list may show fewer fields than the row's own URL:
    /// those that it left out, and that were not `given`, are read there; `sent` says how that row would be sent. One request more
    /// where it did.
    pub async fn copy(
        &self,
        row: &Row,
        body: &Map<String, Value>,
        given: &[String],
        sent: impl FnOnce(&Row) -> Result<Map<String, Value>>,
    ) -> Result<Kept> {
        let shown = row.fields()?;
        let model = self.model();
        let is_unseen = |field: &&FieldMeta| {
            let sent = field.sent_as();
            !field.is_write_only()
                && !model.is_read_only(sent)
                && !given.iter().any(|given| given == sent)
                && !field.read_names().any(|name| shown.contains_key(name))
        };
        let unseen: Vec<&FieldMeta> = model.fields().iter().filter(is_unseen).collect();
        let key = self.key_of(row).ok().filter(|_| !unseen.is_empty());
        let Some(key) = key else {
            return self.create(body).await;
        };
        let whole = match self.refresh(&key, Some(row)).await {
            Ok(whole) => whole,
            // Rows have no URLs: the list shows all that there is.
            Err(error)
                if is_unreadable(&error) && self.know(|known| known.details)? != Some(true) =>
            {
                return self.create(body).await;
            }
            Err(error) => return Err(error),
        };
        let mut whole = sent(&whole)?;
        let mut body = body.clone();
        for field in unseen {
            if let Some((name, value)) = whole.remove_entry(field.sent_as()) {
                body.insert(name, value);
            }
        }
        self.create(&body).await
    }

    /// A new row with a key that it has. One that was sent, and that the answer does not show, is asked for: the server may
    /// have given the row another one, and later writes would go to a stranger's.
    pub(super) async fn with_its_key(&self, kept: Kept, sent: &Map<String, Value>) -> Result<Kept> {
        let model = self.model();
        let (primary, lookup) = (model.primary_key(), model.lookup_field());
        let unseen = [lookup, primary].into_iter().find_map(|name| {
            let sent = sent.get(model.sent_as(name)).filter(|key| !key.is_null())?;
            let is_assumed = kept.assumed.iter().any(|sent| sent == model.sent_as(name));
            is_assumed.then(|| Lookup::new(name, Op::Exact, sent.clone()))
        });
        let Some(unseen) = unseen else {
            return Ok(kept);
        };
        let plan = Plan::all().filter(Q::Lookup(unseen.clone()));
        let unasked = match self.get(&plan).await {
            Ok(row) if kept.may_be(model, &row)? => {
                return Ok(Kept {
                    unsaved: self.write(None, None, sent).unsaved_in(&row),
                    is_new: true,
                    ..Kept::shown(row)
                });
            }
            Ok(_) => None,
            Err(error) if error.is_does_not_exist() => {
                self.learn(|known| known.learn_unsaved(&unseen, true))?;
                None
            }
            Err(error) => Some(error),
        };
        let error = Error::new(
            ErrorKind::Unsaved,
            format!(
                "a `{}` was created, but its `{}` is not known: the answer does not show it, and no such row is found by the one \
                 that was sent, so the server may have given it another; do not create it again",
                model.name(),
                unseen.path,
            ),
        );
        Err(match unasked {
            Some(cause) => error.with_source(cause),
            None => error,
        })
    }

    /// Creates many rows, a few at a time; the results come in the order of the bodies.
    pub async fn create_rows(
        &self,
        bodies: Vec<Map<String, Value>>,
        concurrency: usize,
    ) -> Vec<Result<Kept>> {
        stream::iter(bodies)
            .map(|body| async move { self.create(&body).await })
            .buffered(concurrency.max(1))
            .collect()
            .await
    }
}

/// What a row is looked up by that is created if it is not found.
fn natural_key(q: &Q) -> Vec<(String, Value)> {
    let equalities = q.equalities().into_iter();
    equalities
        .map(|lookup| (lookup.path.clone(), lookup.value.clone()))
        .collect()
}

/// Whether nothing is read at a URL.
fn is_unreadable(error: &Error) -> bool {
    let unread = [
        StatusCode::NOT_FOUND,
        StatusCode::METHOD_NOT_ALLOWED,
        StatusCode::NOT_IMPLEMENTED,
    ];
    unread.map(Some).contains(&error.status())
}

/// Names as a message lists them.
fn listed(names: &[String]) -> String {
    format!("`{}`", names.join("`, `"))
}

/// Whether a new row was refused because of one that is there.
fn is_duplicate(error: &Error) -> bool {
    error.is_validation() || error.status() == Some(StatusCode::CONFLICT)
}
