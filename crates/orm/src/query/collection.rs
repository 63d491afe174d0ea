//! One endpoint as the engine sees it: the client, the model's description, the policy. Untyped; rows are bytes.

use std::{
    sync::{Arc, Mutex, OnceLock, PoisonError},
    time::Duration,
};

use django_api_orm_core::{
    Error, ErrorKind, FieldMeta, ModelMeta, OnUnsaved, Pagination, Policy, Result, RowType,
    dialect::Dialect,
    error::Lost,
    evaluate::Fields,
    json_api::JsonApi,
    knowledge::Knowledge,
    page::Page,
    path::{ApiPath, Endpoint},
    plan::Plan,
    row::{KeyReader, Row, key_text},
    strategy::{Aim, Findings, Given, Strategy},
    unsaved::shows_rows,
    value,
    version::Version,
    written::{Kept, Write, Written, no_key},
};
use http::{Method, StatusCode};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{
    client::{ApiResponse, Call, Interest, ServiceClient},
    warning::{Warning, WarningKind},
};

use super::{
    conditional::{Condition, Precaution, depending},
    joined::Join,
};

/// What is said of a POST that is answered with 202.
const CREATED_LATER: &str = "the server has accepted the row and will create it later, so its key is not known yet; look for the row before \
                             you create it again";

/// The rows behind one endpoint.
#[derive(Clone, Debug)]
pub struct Collection {
    /// The client, or what the reader has to do in order to have one, in the words of the language.
    client: std::result::Result<ServiceClient, Arc<str>>,
    model: Arc<ModelMeta>,
    /// What the client knows of the endpoint, once it has been looked up.
    known: OnceLock<Arc<Mutex<Knowledge>>>,
    /// What rows are decoded to as they come, where a caller has said so.
    row_type: Option<RowType>,
    /// Reads the key that is in the URLs of rows.
    lookup_key: OnceLock<KeyReader>,
    /// The relations that filters may cross; those that the model declares, if nothing else is said.
    pub(super) joins: Option<Arc<[Join]>>,
    /// How queries behave beyond what they ask for.
    pub policy: Policy,
    /// How the server spells a query.
    pub dialect: Arc<Dialect>,
}

impl Collection {
    /// The rows of a model on a client, with the client's policy and dialect.
    pub fn new(client: &ServiceClient, model: Arc<ModelMeta>) -> Self {
        let dialect = client.query_dialect();
        let pages = client.pagination().cloned();
        let pages = pages.or_else(|| model.json_api().map(|_| JsonApi::pagination()));
        Self {
            policy: client.policy().clone(),
            dialect: match model.json_api() {
                Some(_) => Arc::new(Dialect::clone(dialect).json_api()),
                None => Arc::clone(dialect),
            },
            client: Ok(client.clone()),
            known: OnceLock::new(),
            joins: None,
            row_type: None,
            lookup_key: OnceLock::new(),
            model: match pages {
                Some(pages) if model.pagination().is_none() => {
                    Arc::new(ModelMeta::clone(&model).with_pagination(pages))
                }
                _ => model,
            },
        }
    }

    /// Gives each call this time.
    pub fn limit_time(&mut self, time: Duration) {
        if let Ok(client) = &mut self.client {
            *client = client.with_timeout(time);
        }
    }

    /// Declares how the endpoint pages.
    pub fn declare_pagination(&mut self, pagination: Pagination) {
        self.model = Arc::new(ModelMeta::clone(&self.model).with_pagination(pagination));
    }

    /// A collection of a model that no client was registered for: every request is an error that says so, and `cure`.
    pub fn unregistered(model: Arc<ModelMeta>, cure: impl Into<Arc<str>>) -> Self {
        Self {
            client: Err(cure.into()),
            known: OnceLock::new(),
            joins: None,
            row_type: None,
            lookup_key: OnceLock::new(),
            model,
            policy: Policy::default(),
            dialect: Arc::default(),
        }
    }

    /// The same model behind another collection.
    pub fn at(&self, endpoint: &str) -> Self {
        Self {
            model: Arc::new(self.model.at(endpoint)),
            known: OnceLock::new(),
            ..self.clone()
        }
    }

    /// The same, whose rows are decoded to values of a type as they come.
    #[must_use]
    pub fn of_type(&self, row_type: RowType) -> Self {
        Self {
            row_type: Some(row_type),
            ..self.clone()
        }
    }

    /// The description of the model.
    pub fn model(&self) -> &ModelMeta {
        &self.model
    }

    pub(super) fn lookup_key(&self) -> &KeyReader {
        let read = || KeyReader::new(self.model.lookup_field());
        self.lookup_key.get_or_init(read)
    }

    pub(super) fn shared_model(&self) -> &Arc<ModelMeta> {
        &self.model
    }

    /// The client.
    ///
    /// # Errors
    /// `Configuration` when the model is not registered with one.
    pub fn client(&self) -> Result<&ServiceClient> {
        self.client.as_ref().map_err(|cure| {
            let name = self.model.name();
            Error::configuration(format!(
                "model `{name}` is not registered with a client: {cure}"
            ))
        })
    }

    /// The checked path.
    ///
    /// # Errors
    /// `Configuration` for a path that cannot be one.
    pub fn endpoint(&self) -> Result<&Endpoint> {
        self.model.parsed_endpoint()
    }

    fn shared_knowledge(&self) -> Result<&Mutex<Knowledge>> {
        if let Some(known) = self.known.get() {
            return Ok(known);
        }
        let known = self.client()?.knowledge(self.endpoint()?.path());
        Ok(self.known.get_or_init(|| known))
    }

    /// Looks at what is known of the endpoint so far.
    pub(super) fn know<T>(&self, look: impl FnOnce(&Knowledge) -> T) -> Result<T> {
        Ok(look(
            &self
                .shared_knowledge()?
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        ))
    }

    /// What is known of the endpoint so far.
    pub fn knowledge(&self) -> Result<Knowledge> {
        self.know(Knowledge::clone)
    }

    /// What is known of the fields of the rows besides their values.
    pub(super) fn known_fields(&self) -> Result<Fields> {
        let known = self.shared_knowledge()?;
        let known = known.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(known.fields_of(&self.model))
    }

    /// Adds to what is known of the endpoint.
    pub fn learn<T>(&self, add: impl FnOnce(&mut Knowledge) -> T) -> Result<T> {
        Ok(add(&mut self
            .shared_knowledge()?
            .lock()
            .unwrap_or_else(PoisonError::into_inner)))
    }

    /// How a plan is carried out, with what is known of the endpoint and what the probes of the query have shown.
    ///
    /// # Errors
    /// As [`Strategy::new`].
    pub(crate) fn strategy(&self, plan: &Plan, aim: Aim, findings: &Findings) -> Result<Strategy> {
        let given = Given {
            dialect: &self.dialect,
            model: self.model(),
            known: &self.knowledge()?,
            findings,
            policy: &self.policy,
        };
        Strategy::new(plan, aim, &given)
    }

    /// Warns once per endpoint and subject.
    pub fn warn(&self, warning: Warning) -> Result<()> {
        let key = warning.key();
        if self.learn(|known| known.first_warning(&key))? {
            self.client()?
                .warn(&warning.on(self.model.name(), self.model.endpoint()));
        }
        Ok(())
    }

    /// Reads one page.
    pub async fn page(&self, pairs: &[(String, String)]) -> Result<Page> {
        self.page_while(pairs, &Interest::default()).await
    }

    /// Reads one page, which costs nothing any more as soon as nobody waits for it.
    pub(super) async fn page_while(
        &self,
        pairs: &[(String, String)],
        interest: &Interest,
    ) -> Result<Page> {
        let answer = self.answer_while(pairs, interest).await?;
        self.page_in(&answer, pairs)
    }

    /// The answer to a request for a page, unread.
    pub(super) async fn answer_while(
        &self,
        pairs: &[(String, String)],
        interest: &Interest,
    ) -> Result<ApiResponse> {
        let pairs = pairs.iter().cloned();
        let call = Call::get(self.endpoint()?.collection())
            .queries(pairs.flat_map(|pair| self.dialect.sent(pair, &self.model)))
            .counted_while(interest);
        self.send(call).await
    }

    /// The refusal of a query, with what may help; one whose messages name parameters of the query says enough.
    pub(super) fn with_cure(&self, error: Error, pairs: &[(String, String)]) -> Error {
        match self.dialect.cure_of_refusal(pairs) {
            Some(cure) if error.is_refusal() && !error.blames(pairs) => error.with_context(cure),
            _ => error,
        }
    }

    /// What the server answers to `OPTIONS`: what the endpoint is and takes, where that is described.
    pub(super) async fn description(&self) -> Result<ApiResponse> {
        let path = self.endpoint()?.collection();
        self.client()?.send(Call::new(Method::OPTIONS, path)).await
    }

    /// The page that the answer to these parameters holds.
    pub(super) fn page_in(
        &self,
        response: &ApiResponse,
        pairs: &[(String, String)],
    ) -> Result<Page> {
        let endpoint = self.endpoint()?;
        let text = response.text();
        let page = Page::parse_as(&text, response.headers(), self.row_type).map_err(|error| {
            if response.object().is_ok() {
                return error.with_request(&Method::GET, endpoint.path());
            }
            response.unexpected("a list of rows").with_source(error)
        })?;
        let is_asked = |name: &&str| pairs.iter().any(|(sent, _)| sent == name);
        Ok(match self.model.rows_beside().filter(is_asked) {
            Some(name) => page.with_rows_beside(&text, name),
            None => page,
        })
    }

    /// Creates a row.
    pub async fn create(&self, body: &Map<String, Value>) -> Result<Kept> {
        let lost = || Lost::Create {
            sent: body.clone(),
            by: Vec::new(),
        };
        let created = self.post(body).await;
        created.map_err(|error| self.keep_lost(error, lost))
    }

    async fn post(&self, body: &Map<String, Value>) -> Result<Kept> {
        let path = self.endpoint()?.collection();
        let call = self.keyed(self.with_body(Call::post(path), body, None)?.staying())?;
        let response = self.send(call).await?;
        response.confirm_write()?;
        let write = self.write(None, None, body);
        if let Some(mut kept) = Box::pin(self.read_created(&write, &response)).await {
            self.tolerate(&mut kept.unsaved)?;
            return Ok(kept);
        }
        if write.is_denied_by(&Row::new(response.text())) {
            return Err(self.something_else(&write, &response));
        }
        response.object().map_err(|error| match response.status() {
            StatusCode::ACCEPTED => error.with_context(CREATED_LATER),
            _ => error
                .with_context("the row was created, but the answer does not show it")
                .with_carried_out(),
        })?;
        let kept = write.kept(&self.written(&write, &response)?)?;
        let kept = self.versioned(kept, &response, true)?;
        let mut kept = self.with_its_key(kept, body).await?;
        self.tolerate(&mut kept.unsaved)?;
        Ok(kept)
    }

    /// A row after a write, with the version that the answer names: that of what it shows, if it shows the whole row, else of the row
    /// that was written, if it shows nothing and the row had to be as it was known (`is_as_known`): else that is the version of values
    /// that nobody here has seen. Where it names none, that is known of the row.
    fn versioned(&self, mut kept: Kept, response: &ApiResponse, is_as_known: bool) -> Result<Kept> {
        let is_of_row = match kept.written {
            Written::Row => true,
            Written::Nothing => is_as_known,
            Written::Part | Written::Other(_) => false,
        };
        let is_of_row = is_of_row && response.status() != StatusCode::ACCEPTED;
        let named = Version::of(response.headers()).filter(|_| is_of_row);
        let is_named_when_read = self.know(|known| known.names_versions)?;
        let version = named.unwrap_or(Version::Unknown { is_named_when_read });
        kept.row = kept.row.with_version(Some(version));
        Ok(kept)
    }

    /// The row in the answer to a write. A server that will carry the write out later may say whatever it likes: only what was
    /// sent makes that the row.
    fn written(&self, write: &Write<'_>, response: &ApiResponse) -> Result<Row> {
        let answer = Row::new(response.text());
        let is_later = response.status() == StatusCode::ACCEPTED;
        let row = write.row_in(&answer);
        match row.filter(|row| !is_later || write.shows_sent(row)) {
            Some(row) => Ok(row),
            None if is_later && write.key.is_some() => Ok(Row::new("")),
            None if is_later => Err(response
                .unexpected(&format!("a row of `{}`", self.model.name()))
                .with_context(CREATED_LATER)),
            None => Err(self.something_else(write, response)),
        }
    }

    fn something_else(&self, write: &Write<'_>, response: &ApiResponse) -> Error {
        response
            .unexpected(&format!("a row of `{}`", self.model.name()))
            .with_outcome_unknown(true)
            .with_context(format!(
                "the server answered with success, but with something else than the row, which may not have been {}",
                write.key.map_or("created", |_| "saved")
            ))
    }

    /// The row that an answer shows.
    pub(super) fn shown(&self, response: &ApiResponse) -> Result<Map<String, Value>> {
        let row = response.object()?;
        if self.model.may_be_row(|name| row.contains_key(name)) {
            return Ok(row);
        }
        Err(response.unexpected(&format!("a row of `{}`", self.model.name())))
    }

    /// Changes fields of a row, which the server last showed as `row`.
    pub async fn save(
        &self,
        key: &str,
        row: Option<&Row>,
        body: &Map<String, Value>,
    ) -> Result<Kept> {
        self.save_with(key, row, body, Precaution::default()).await
    }

    /// Sends changes of a row, if the condition holds.
    pub(super) async fn patch(
        &self,
        key: &str,
        row: Option<&Row>,
        body: &Map<String, Value>,
        condition: Option<&Condition>,
    ) -> Result<Kept> {
        let path = self.endpoint()?.detail(key)?;
        let template = path.template().into_owned();
        let id = row.and_then(|row| key_text(&row.key("id")?));
        let id = id.unwrap_or_else(|| key.to_owned());
        let call = self.with_body(Call::patch(path), body, Some(id))?;
        let call = self.keyed(call.staying())?;
        match self.send(depending(call, condition)?).await {
            Ok(response) => {
                response.confirm_write()?;
                let write = self.write(Some(key), row, body);
                let mut kept = write
                    .kept(&self.written(&write, &response)?)
                    .map_err(|error| error.with_request(&Method::PATCH, template))?;
                self.compare_words(&mut kept, body)?;
                Box::pin(self.leave_out_labels(&mut kept, row, body)).await?;
                Box::pin(self.add_read_only(&mut kept, response.headers())).await?;
                self.tolerate(&mut kept.unsaved)?;
                if kept.written == Written::Row {
                    self.learn(|known| known.details = Some(true))?;
                }
                self.versioned(kept, &response, condition.is_some())
            }
            Err(error) => Err(self.missing(error).await),
        }
    }

    /// Keeps which fields show other words than were sent. What such a field shows is no sign that a value was not kept; but null is
    /// shown in no other words, and no words are shown as null.
    fn compare_words(&self, kept: &mut Kept, body: &Map<String, Value>) -> Result<()> {
        if kept.reworded.is_empty() && kept.unsaved.is_empty() {
            return Ok(());
        }
        let words = |name: &str| {
            body.get(name)
                .cloned()
                .zip(kept.shown_of(&self.model, name))
        };
        kept.unsaved = self.learn(|known| {
            for name in &kept.reworded {
                if let Some((sent, shown)) = words(name) {
                    known.learn_reworded(name, &sent, &shown);
                }
            }
            let is_unsaved = |name: &String| {
                let field = self.model.sent_field(name);
                let read_as = field.map_or(name.as_str(), FieldMeta::read_as);
                let as_filtered = known.shows_as_filtered(read_as) != Some(false);
                words(name).is_none_or(|(sent, shown)| {
                    let is_reworded = known.is_reworded(name, &sent, &shown);
                    sent.is_null()
                        || shown.is_null()
                        || shows_rows(&sent, &shown)
                        || as_filtered && !is_reworded
                })
            };
            let unsaved = kept.unsaved.iter().filter(|name| is_unsaved(name));
            unsaved.cloned().collect()
        })?;
        Ok(())
    }

    /// Warns of values that were not kept, or says nothing, where they are to be no error.
    pub(super) fn tolerate(&self, unsaved: &mut Vec<String>) -> Result<()> {
        if self.policy.on_unsaved == OnUnsaved::Error {
            return Ok(());
        }
        for name in std::mem::take(unsaved) {
            if self.policy.on_unsaved == OnUnsaved::Warn {
                self.warn(Warning::new(WarningKind::Unsaved, name))?;
            }
        }
        Ok(())
    }

    pub(super) fn write<'a>(
        &'a self,
        key: Option<&'a str>,
        row: Option<&'a Row>,
        sent: &'a Map<String, Value>,
    ) -> Write<'a> {
        Write {
            model: &self.model,
            row,
            key,
            sent,
        }
    }

    /// Deletes a row, if the condition holds.
    pub(super) async fn remove(&self, key: &str, condition: Option<&Condition>) -> Result<()> {
        let path = self.endpoint()?.detail(key)?;
        let call = self.keyed(Call::delete(path).staying())?;
        match self.send(depending(call, condition)?).await {
            Ok(response) => {
                response.confirm_write()?;
                let nothing = Map::new();
                let write = self.write(Some(key), None, &nothing);
                let answer = Row::new(response.text());
                let is_denied = response.status() != StatusCode::ACCEPTED
                    && (write.is_denied_by(&answer) || write.lists_others(&answer));
                if is_denied && !Box::pin(self.is_gone(key)).await {
                    return Err(response
                        .unexpected("a deleted row")
                        .with_outcome_unknown(true)
                        .with_context("the server answered with success, but its answer says that the row may not have been deleted"));
                }
                self.learn(|known| known.learn_deleted(key))
            }
            Err(error) => {
                let may_be_done = error.follows_lost_attempt();
                match self.missing(error).await {
                    // The attempt whose answer was lost has deleted it.
                    error if may_be_done && error.kind() == ErrorKind::DoesNotExist => Ok(()),
                    error => Err(error),
                }
            }
        }
    }

    /// Whether no row is at the URL of one that was there, where rows were seen at their own URLs.
    async fn is_gone(&self, key: &str) -> bool {
        let has_details = self.know(|known| known.details);
        match self.at_url(key, None, None).await {
            Err(error) => {
                let is_missing = [StatusCode::NOT_FOUND, StatusCode::GONE]
                    .map(Some)
                    .contains(&error.status());
                is_missing && has_details.is_ok_and(|details| details == Some(true))
            }
            Ok(_) => false,
        }
    }

    /// A write that the server can tell when it comes again, if the model declares how.
    fn keyed(&self, call: Call) -> Result<Call> {
        call.idempotency_header(self.model.idempotency_header())
    }

    /// The call of an extra route, with any method.
    pub fn route<B: Serialize + ?Sized>(
        &self,
        method: Method,
        path: ApiPath,
        body: Option<&B>,
    ) -> Result<Call> {
        let call = self.keyed(Call::new(method, path))?;
        match body {
            Some(body) => call.json(body),
            None => Ok(call),
        }
    }

    /// The same as [`new_row`](Self::new_row), for a row whose names the program has given: those that are no fields are
    /// refused.
    pub fn named_row<B: Serialize + ?Sized>(&self, row: &B) -> Result<Map<String, Value>> {
        let body = self.new_row(row)?;
        self.model.check_names(&body)?;
        Ok(body)
    }

    /// The JSON body for a new row: read-only fields and an unset key are left out.
    pub fn new_row<B: Serialize + ?Sized>(&self, row: &B) -> Result<Map<String, Value>> {
        let mut body = to_object(row)?;
        body.retain(|name, value| {
            let keys = [self.model.primary_key(), self.model.lookup_field()];
            let unset_key =
                value.is_null() && keys.iter().any(|key| self.model.sent_as(key) == name);
            !self.model.is_read_only(name) && !unset_key
        });
        Ok(body)
    }

    /// Whether both are the same row, or none.
    pub(crate) fn same_row(&self, one: Option<&Row>, other: Option<&Row>) -> bool {
        match (one, other) {
            (Some(one), Some(other)) => one.is_same(other, self.model.primary_key()),
            (one, other) => one.is_none() && other.is_none(),
        }
    }

    /// The primary key of a row.
    ///
    /// # Errors
    /// `Decode` for a row without one.
    pub fn primary_key_of(&self, row: &Row) -> Result<Value> {
        let (name, field) = (self.model.name(), self.model.primary_key());
        row.key(field)
            .ok_or_else(|| Error::decode(format!("a row of `{name}` has no `{field}`")))
    }

    /// The key of a row as it is in the row's URL.
    pub fn key_of(&self, row: &Row) -> Result<String> {
        let key = row.field(self.model.lookup_field())?;
        (key.as_ref().and_then(key_text)).ok_or_else(|| no_key(&self.model))
    }
}

/// A value as a JSON object.
pub(crate) fn to_object<B: Serialize + ?Sized>(row: &B) -> Result<Map<String, Value>> {
    match value::to_json(row) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Error::invalid_request(
            "a row must serialise to a JSON object",
        )),
        Err(error) => {
            Err(Error::invalid_request("the row cannot be written as JSON").with_source(error))
        }
    }
}
