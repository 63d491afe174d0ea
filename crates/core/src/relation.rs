//! How rows point at each other: what a row says of another one, read from the form that the server shows, and which of the
//! rows that were read is meant.
//!
//! A row shows a related one as its key, another unique value such as a slug, its URL, or as an object. The form is read from
//! each value; none has to be declared.

mod list;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde_json::{
    Map, Value,
    value::{RawValue, to_raw_value},
};

use crate::{
    dialect::Dialect,
    error::{Error, Result},
    evaluate::Link,
    in_order::InOrder,
    model::ModelMeta,
    row::{Row, key_text},
    strategy::LARGEST_PART,
};

/// A field of a model whose values are rows of another one.
#[derive(Debug, Clone)]
pub struct Relation {
    name: String,
    fields: Vec<String>,
    target: Arc<ModelMeta>,
    to_field: String,
}

/// What a row says of a related one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// The value of one of its fields.
    Key {
        /// The field.
        by: String,
        /// Its value.
        value: Value,
    },
    /// All of it.
    Row(Row),
}

impl Relation {
    /// The relation with this name, which messages show, in the field that rows have under one of these names. A value that is
    /// neither an object nor a URL is that of `to_field` of the target: its primary key, if nothing else is said.
    #[must_use]
    pub fn new(
        name: impl Into<String>,
        fields: Vec<String>,
        target: Arc<ModelMeta>,
        to_field: Option<String>,
    ) -> Self {
        Self {
            name: name.into(),
            fields,
            to_field: to_field.unwrap_or_else(|| target.primary_key().to_owned()),
            target,
        }
    }

    /// The names that the field may have in rows.
    pub(crate) fn fields(&self) -> &[String] {
        &self.fields
    }

    /// The model of the related rows.
    #[must_use]
    pub fn target(&self) -> &Arc<ModelMeta> {
        &self.target
    }

    /// The name, as the program knows it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The field of the target that a plain value is the value of.
    #[must_use]
    pub fn to_field(&self) -> &str {
        &self.to_field
    }

    /// What a row shows of the related ones, as it stands.
    ///
    /// # Errors
    /// `Decode` for a row that is no object.
    pub fn shown_in<'r>(&self, row: &'r Row) -> Result<Option<&'r RawValue>> {
        Ok(self.shown(&fields_of(row)?))
    }

    fn shown<'r>(&self, fields: &HashMap<String, &'r RawValue>) -> Option<&'r RawValue> {
        self.fields
            .iter()
            .find_map(|name| fields.get(name).copied())
    }

    /// The rows that a row points at, in its order; none for null.
    ///
    /// # Errors
    /// `Decode` for a row that does not show the field, and for a value that names no row of the target.
    pub fn of(&self, row: &Row) -> Result<Vec<Reference>> {
        let shown = fields_of(row)?;
        let value = self.shown(&shown);
        let value = value.ok_or_else(|| {
            Error::decode(format!(
                "a row does not show `{}`, by which its `{}` is found",
                self.fields.first().map_or("", String::as_str),
                self.name
            ))
        })?;
        if !value.get().starts_with('[') {
            return Ok(self.reference(value)?.into_iter().collect());
        }
        let values: Vec<&RawValue> = parsed(value.get().as_bytes()).unwrap_or_default();
        let references = values.into_iter().map(|value| self.reference(value));
        Ok(references
            .collect::<Result<Vec<_>>>()?
            .into_iter()
            .flatten()
            .collect())
    }

    /// How related rows are asked for, in words: the rows of `model` that are pointed at, or those that point back, where `filter`
    /// is the field by which the server filters them.
    #[must_use]
    pub fn explained(&self, model: &ModelMeta, filter: Option<&str>) -> String {
        let by = filter.unwrap_or(&self.to_field);
        let none = match filter {
            None => ", none for rows that are shown whole",
            Some(_) => "",
        };
        let dialect = match model.json_api() {
            Some(_) => Dialect::default().json_api(),
            None => Dialect::default(),
        };
        let sent = dialect.sent((format!("{by}__in"), "..".to_owned()), model);
        let sent: Vec<String> = (sent.iter())
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let sent = sent.join("&");
        format!(
            "GET {}?{sent}: one request for each {LARGEST_PART} different keys (2,000 bytes of them) and each page of rows{none}",
            model.endpoint()
        )
    }

    /// The URL of the related row with this key in its URL, as the server has written that of another one, or as a path.
    ///
    /// # Errors
    /// `InvalidRequest` for a key that cannot be in a URL.
    pub fn url(&self, key: &str, shown: Option<&str>) -> Result<String> {
        let path = self.target.parsed_endpoint()?.detail(key)?;
        let path = path.path();
        let Some(shown) = shown else {
            return Ok(path.to_owned());
        };
        let segment = path
            .trim_end_matches('/')
            .rsplit('/')
            .next()
            .unwrap_or_default();
        let (start, end) = match shown.strip_suffix('/') {
            Some(start) => (start, "/"),
            None => (shown, ""),
        };
        let collection = start
            .rsplit_once('/')
            .map_or("", |(collection, _)| collection);
        Ok(format!("{collection}/{segment}{end}"))
    }

    /// What a value says that is in memory already.
    fn referred(&self, value: &Value) -> Result<Option<Reference>> {
        let value = to_raw_value(value);
        self.reference(&value.map_err(|error| {
            Error::invalid_request("a key cannot be written as JSON").with_source(error)
        })?)
    }

    fn reference(&self, value: &RawValue) -> Result<Option<Reference>> {
        let shown = parsed(value.get().as_bytes()).unwrap_or_default();
        match shown {
            Value::Null => Ok(None),
            Value::Object(fields) => {
                let target = &self.target;
                let has = |name: &str| fields.contains_key(name);
                let is_whole = target
                    .fields()
                    .iter()
                    .all(|field| field.is_write_only() || field.read_names().any(has));
                let has_key = fields
                    .get(target.primary_key())
                    .and_then(key_text)
                    .is_some();
                self.check_type(&fields)?;
                if is_whole && has_key {
                    return Ok(Some(Reference::Row(self.row_of(value, &fields))));
                }
                let keys = [&self.to_field, target.primary_key(), target.lookup_field()];
                let key = keys
                    .into_iter()
                    .find_map(|name| Some((name, fields.get(name)?)));
                match key.filter(|(_, value)| key_text(value).is_some()) {
                    Some((by, value)) => Ok(Some(key_of(by, value.clone()))),
                    None => Err(self.names_no_row("an object without its key")),
                }
            }
            Value::String(text) => self.by_text(text).map(Some),
            Value::Number(number) => Ok(Some(key_of(&self.to_field, Value::Number(number)))),
            Value::Bool(_) | Value::Array(_) => {
                Err(self.names_no_row("neither a key nor an object"))
            }
        }
    }

    /// Refuses a resource of another type than the target's.
    fn check_type(&self, shown: &Map<String, Value>) -> Result<()> {
        let json_api = self.target.json_api();
        let kinds = json_api.zip(shown.get("type").and_then(Value::as_str));
        match kinds {
            Some((json_api, kind)) if kind != json_api.resource_type() => {
                Err(self.names_no_row(&format!(
                    "a resource of the type {kind:?}, and not {:?}",
                    json_api.resource_type()
                )))
            }
            _ => Ok(()),
        }
    }

    /// The related row that a row shows whole. One of JSON:API has its key as a text, and its type beside it.
    fn row_of(&self, value: &RawValue, shown: &Map<String, Value>) -> Row {
        let resource = self
            .target
            .json_api()
            .zip(parsed::<InOrder<'_>>(value.get().as_bytes()));
        let Some((json_api, InOrder(fields))) = resource else {
            return Row::new(value.get().to_owned());
        };
        let id = shown
            .get("id")
            .and_then(Value::as_str)
            .map(|id| json_api.key(id).to_string());
        let fields = fields.iter().filter(|(name, _)| name != "type");
        let fields = fields.map(|(name, value)| {
            let id = id.as_deref().filter(|_| name == "id");
            format!(
                "{}:{}",
                Value::from(name.as_str()),
                id.unwrap_or(value.get())
            )
        });
        Row::new(format!("{{{}}}", fields.collect::<Vec<_>>().join(",")))
    }

    /// A text is a key, unless it is a URL; of rows that are keyed by URL it is both.
    fn by_text(&self, text: String) -> Result<Reference> {
        let is_url = |name: &str| ["url", "href"].iter().any(|end| name.ends_with(end));
        let link = Link::parse(&text).filter(|_| !is_url(&self.to_field));
        let Some(link) = link else {
            return match text.is_empty() {
                true => Err(self.names_no_row("an empty text")),
                false => Ok(key_of(&self.to_field, Value::String(text))),
            };
        };
        // Behind a proxy the server may know a prefix that the program does not. The other way round it may mean another
        // collection: `/users/3/` is no row of `/staff/users/`.
        let (endpoint, (_, path)) = (self.target.endpoint().trim_matches('/'), link.collection());
        match link.key() {
            Some(key) if ends_with_segments(path, endpoint) => {
                let key = Value::String(key.into_owned());
                Ok(key_of(self.target.lookup_field(), key))
            }
            _ => Err(self.names_no_row(&format!(
                "a URL that is not one of the rows at `{}`",
                self.target.endpoint()
            ))),
        }
    }

    fn names_no_row(&self, what: &str) -> Error {
        Error::decode(format!(
            "`{}` names no row of `{}`: it is {what}",
            self.name,
            self.target.name()
        ))
    }
}

fn fields_of(row: &Row) -> Result<HashMap<String, &RawValue>> {
    parsed(row.bytes()).ok_or_else(|| Error::decode("a row is not a JSON object"))
}

fn key_of(by: &str, value: Value) -> Reference {
    Reference::Key {
        by: by.to_owned(),
        value,
    }
}

fn ends_with_segments(path: &str, end: &str) -> bool {
    path.strip_suffix(end)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('/'))
}

fn parsed<'a, T: serde::Deserialize<'a>>(text: &'a [u8]) -> Option<T> {
    serde_json::from_slice(text).ok()
}

/// What two spellings of one key have in common: `3` and `"3"`, and a URL with another host.
fn same_for_all(value: &Value) -> Option<String> {
    let text = key_text(value)?;
    let path = Link::parse(&text).map(|link| {
        let (_, collection) = link.collection();
        format!("{collection}/{}", link.key().unwrap_or_default())
    });
    Some(path.unwrap_or(text))
}

/// Rows by the values of their fields.
#[derive(Debug, Default)]
pub struct Index {
    rows: Vec<Row>,
    by: HashMap<String, HashMap<String, Vec<usize>>>,
}

impl Index {
    /// An index of these rows, which are the first ones.
    #[must_use]
    pub fn new(rows: Vec<Row>) -> Self {
        Self {
            rows,
            by: HashMap::new(),
        }
    }

    /// The rows whose field has this value.
    pub fn find(&mut self, field: &str, value: &Value) -> &[usize] {
        if !self.by.contains_key(field) {
            let mut places: HashMap<String, Vec<usize>> = HashMap::new();
            for (place, row) in self.rows.iter().enumerate() {
                if let Some(key) = row.key(field).as_ref().and_then(same_for_all) {
                    places.entry(key).or_default().push(place);
                }
            }
            self.by.insert(field.to_owned(), places);
        }
        let places = same_for_all(value).and_then(|key| self.by.get(field)?.get(&key));
        places.map_or(&[], Vec::as_slice)
    }

    /// Adds a row, unless there is one with its key; its place.
    pub fn add(&mut self, row: Row, primary_key: &str) -> usize {
        let key = row.key(primary_key);
        if let Some(place) = key
            .as_ref()
            .and_then(|key| self.find(primary_key, key).first())
        {
            return *place;
        }
        let place = self.rows.len();
        for (field, places) in &mut self.by {
            if let Some(key) = row.key(field).as_ref().and_then(same_for_all) {
                places.entry(key).or_default().push(place);
            }
        }
        self.rows.push(row);
        place
    }

    /// The rows.
    #[must_use]
    pub fn into_rows(self) -> Vec<Row> {
        self.rows
    }
}

/// The different values of each field that is named, in their order.
#[derive(Debug, Default)]
pub struct Wanted {
    seen: std::collections::HashSet<(String, String)>,
    /// The fields and their values.
    pub values: BTreeMap<String, Vec<Value>>,
}

impl Wanted {
    /// Adds a value, unless it is there.
    pub fn add(&mut self, field: &str, value: &Value) {
        if let Some(text) = same_for_all(value)
            && self.seen.insert((field.to_owned(), text))
        {
            self.values
                .entry(field.to_owned())
                .or_default()
                .push(value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::FieldMeta;

    fn users() -> Relation {
        let fields = ["id", "name"].map(FieldMeta::new).to_vec();
        let model = ModelMeta::new("User", "/api/v1/users/").with_fields(fields);
        Relation::new("author", vec!["author".to_owned()], Arc::new(model), None)
    }

    fn of(value: &Value) -> Result<Vec<Reference>> {
        users().of(&Row::new(json!({"author": value}).to_string()))
    }

    #[test]
    fn every_form_names_the_row() {
        let by_id = |value: Value| vec![key_of("id", value)];
        for (shown, references) in [
            (json!(null), vec![]),
            (json!(3), by_id(json!(3))),
            (json!("3"), by_id(json!("3"))),
            (json!("http://inner/api/v1/users/3/"), by_id(json!("3"))),
            (json!("/v2/api/v1/users/3"), by_id(json!("3"))),
            (
                json!("https://h/api/v1/users/a%20b/?format=json"),
                by_id(json!("a b")),
            ),
            (json!({"id": 3}), by_id(json!(3))),
            (
                json!([3, null, {"id": 4, "age": 1}]),
                vec![key_of("id", json!(3)), key_of("id", json!(4))],
            ),
        ] {
            assert_eq!(of(&shown).unwrap(), references, "{shown}");
        }
        let whole = r#"{"name": 1.10, "id": 3}"#;
        let row = Row::new(format!(r#"{{"author": {whole}}}"#));
        assert_eq!(users().of(&row).unwrap(), [Reference::Row(Row::new(whole))]);
    }

    #[test]
    fn it_says_how_related_rows_are_asked_for() {
        let relation = users();
        assert_eq!(
            relation.explained(relation.target(), None),
            "GET /api/v1/users/?id__in=..: one request for each 100 different keys (2,000 bytes of them) and each page of rows, none for \
             rows that are shown whole"
        );
        let posts = ModelMeta::new("Post", "/posts/");
        assert!(
            relation
                .explained(&posts, Some("author"))
                .starts_with("GET /posts/?author__in=..")
        );
    }

    #[test]
    fn a_url_is_written_as_the_server_writes_it() {
        let url = |shown| users().url("a b", shown).unwrap();
        assert_eq!(url(None), "/api/v1/users/a%20b/");
        assert_eq!(url(Some("http://h/x/users/3/")), "http://h/x/users/a%20b/");
        assert_eq!(url(Some("/users/3")), "/users/a%20b");
        assert!(users().url("..", None).is_err());
    }

    #[test]
    fn what_names_no_row_is_an_error() {
        for shown in [
            json!(true),
            json!({"name": "Ann"}),
            json!({"id": null, "name": "Ann"}),
            json!("http://h/teams/3/"),
            json!("http://h/users/3/"),
            json!("http://h/api/v1/staff-users/3/"),
            json!("http://h/3/"),
            json!(""),
            json!([[3]]),
        ] {
            assert!(of(&shown).is_err(), "{shown}");
        }
        assert!(users().of(&Row::new(r#"{"id": 3}"#)).is_err());
    }

    #[test]
    fn rows_are_found_by_any_spelling_of_the_key() {
        let rows = [
            r#"{"id": 3, "url": "http://h/users/3/"}"#,
            r#"{"id": 4, "url": "/users/4/"}"#,
        ];
        let mut index = Index::new(rows.map(Row::new).to_vec());
        assert_eq!(index.find("id", &json!("3")), [0]);
        assert_eq!(index.find("url", &json!("https://other/users/4")), [1]);
        assert_eq!(index.add(Row::new(r#"{"id": 4}"#), "id"), 1);
        assert_eq!(index.add(Row::new(r#"{"id": 5}"#), "id"), 2);
        assert_eq!(index.find("id", &json!(5)), [2]);
    }
}
