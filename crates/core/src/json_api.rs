//! Documents of JSON:API: rows are read from them, and written into them.
//!
//! A resource object becomes a row with its `id`, attributes and relationships side by side, and `included` resources stand in the
//! place of the relationships that were asked to be included, so that nothing else has to know of the format:
//!
//! ```text
//! {"data": [{"type": "posts", "id": "1", "attributes": {"title": "A"},
//!            "relationships": {"author": {"data": {"type": "people", "id": "3"}}}}],
//!  "included": [{"type": "people", "id": "3", "attributes": {"name": "Ann"}}], "links": {"next": null}}
//!
//! {"results": [{"id": 1, "title": "A", "author": {"type": "people", "id": "3", "name": "Ann"}}], "links": {"next": null}}
//! ```

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
};

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value, json, value::RawValue};

use crate::{
    dialect::Dialect,
    error::{Error, Result},
    in_order::InOrder,
    model::{KeyType, ModelMeta},
    page::Pagination,
    row::key_text,
};

/// The media type of the documents.
pub const MEDIA_TYPE: &str = "application/vnd.api+json";

/// What has to be known of resources beside what every document says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonApi {
    resource_type: String,
    numeric_keys: bool,
    relationships: Vec<String>,
}

impl JsonApi {
    /// Resources of this type.
    #[must_use]
    pub fn new(resource_type: impl Into<String>) -> Self {
        Self {
            resource_type: resource_type.into(),
            numeric_keys: false,
            relationships: Vec::new(),
        }
    }

    /// The same, whose keys have this type. Documents show every key as a text.
    #[must_use]
    pub fn keyed_by<K: KeyType>(self) -> Self {
        let takes = |key: Value| K::deserialize(key).is_ok();
        let is_numeric = takes(json!(1)) && !takes(json!("1"));
        self.with_numeric_keys(is_numeric)
    }

    /// The same, whose keys are integers, or are not.
    #[must_use]
    pub fn with_numeric_keys(mut self, are_numeric: bool) -> Self {
        self.numeric_keys = are_numeric;
        self
    }

    /// Says which fields, by the names that are sent, are relationships, beside the relations that the model declares.
    #[must_use]
    pub fn with_relationships(mut self, names: Vec<String>) -> Self {
        self.relationships = names;
        self
    }

    /// The type of the resources.
    #[must_use]
    pub fn resource_type(&self) -> &str {
        &self.resource_type
    }

    /// How collections page where nothing else is said.
    #[must_use]
    pub fn pagination() -> Pagination {
        Pagination::page_number()
            .with_position_parameter("page[number]")
            .with_size_parameter("page[size]")
    }

    /// A key as the model has it: a number where its keys are numbers.
    pub(crate) fn key(&self, text: &str) -> Value {
        let number = text.parse::<i64>().ok();
        match number.filter(|number| self.numeric_keys && number.to_string() == text) {
            Some(number) => Value::from(number),
            None => Value::from(text),
        }
    }

    /// A document as a plain API would send it. `include` are the paths of relationships that it was asked to include; `dialect`
    /// is how the query was spelt, as links to other pages are.
    ///
    /// # Errors
    /// `Decode` for what is no document of resources of this type.
    #[doc(hidden)]
    pub fn flatten(&self, body: &[u8], include: &str, dialect: &Dialect) -> Result<String> {
        let document: Document<'_> = serde_json::from_slice(body).map_err(|error| {
            Error::decode("the answer is not a JSON:API document").with_source(error)
        })?;
        let primary = match document.data.get().as_bytes().first() {
            Some(b'[') => parsed::<Vec<Resource<'_>>>(document.data)?,
            Some(b'n') => Vec::new(),
            _ => vec![parsed(document.data)?],
        };
        for resource in &primary {
            self.check_type(resource)?;
        }
        let all = primary.iter().chain(&document.included);
        let known: Known<'_, '_> = all
            .filter_map(|each| Some(((each.kind.as_ref(), each.id.as_deref()?), each)))
            .collect();
        let asked = Asked::parse(include);
        let mut rows = Vec::with_capacity(primary.len());
        for resource in &primary {
            let id = resource.id.as_deref().map(|id| self.key(id));
            rows.push(resource.row(None, id, &asked, &known)?);
        }
        if !document.data.get().starts_with('[') {
            return Ok(rows.pop().unwrap_or_else(|| "null".to_owned()));
        }
        let mut text = format!("{{\"results\":[{}]", rows.join(","));
        let links = document
            .links
            .map(|links| links_read(&links, dialect).to_string());
        let meta = document.meta.map(|meta| meta.get().to_owned());
        for (name, part) in [("links", links), ("meta", meta)] {
            if let Some(part) = part {
                text.extend([",\"", name, "\":", &part]);
            }
        }
        text.push('}');
        Ok(text)
    }

    fn check_type(&self, resource: &Resource<'_>) -> Result<()> {
        if resource.kind == self.resource_type {
            return Ok(());
        }
        Err(Error::decode(format!(
            "the answer has resources of the type {:?}, and the model is declared to have those of the type {:?}",
            resource.kind, self.resource_type
        )))
    }

    /// The document that writes these fields, into the resource with this key where it is there already.
    ///
    /// # Errors
    /// `InvalidRequest` for a relationship to a row of which the type is not known.
    #[doc(hidden)]
    pub fn document(
        &self,
        model: &ModelMeta,
        fields: &Map<String, Value>,
        key: Option<String>,
    ) -> Result<Value> {
        let mut resource = Map::new();
        resource.insert("type".to_owned(), self.resource_type.as_str().into());
        let (mut attributes, mut relationships) = (Map::new(), Map::new());
        let mut id = key;
        for (name, value) in fields {
            if name == "id" {
                id = id.or_else(|| key_text(value));
            } else if let Some(target) = self.target(model, name) {
                let data = linkage(name, value, target.as_deref())?;
                relationships.insert(name.clone(), json!({ "data": data }));
            } else {
                attributes.insert(name.clone(), value.clone());
            }
        }
        if let Some(id) = id {
            resource.insert("id".to_owned(), id.into());
        }
        for (name, part) in [("attributes", attributes), ("relationships", relationships)] {
            if !part.is_empty() {
                resource.insert(name.to_owned(), part.into());
            }
        }
        Ok(json!({ "data": resource }))
    }

    /// The type of the resources that a field points at, as far as it is known; nothing for one that is no relationship.
    fn target(&self, model: &ModelMeta, sent: &str) -> Option<Option<String>> {
        let declared = model.relations().iter().filter(|each| !each.is_back());
        let relation = declared.map(|each| (each.relation(), each.related()));
        let mut names = relation.filter(|(relation, _)| {
            let read_as = model.sent_field(sent).map_or(sent, |field| field.read_as());
            relation.fields().iter().any(|name| name == read_as)
        });
        match names.next() {
            Some((_, target)) => Some(target.json_api().map(|it| it.resource_type.clone())),
            None => (self.relationships.iter().any(|name| name == sent)).then_some(None),
        }
    }
}

/// Which row is meant, as relationships say it.
fn linkage(name: &str, value: &Value, target: Option<&str>) -> Result<Value> {
    let (kind, id) = match value {
        Value::Null => return Ok(Value::Null),
        Value::Array(items) => {
            let items = items.iter().map(|item| linkage(name, item, target));
            return Ok(Value::Array(items.collect::<Result<_>>()?));
        }
        Value::Object(fields) => (
            fields.get("type").and_then(Value::as_str).or(target),
            fields.get("id"),
        ),
        key => (target, Some(key)),
    };
    match (kind, id.and_then(key_text)) {
        (Some(kind), Some(id)) => Ok(json!({ "type": kind, "id": id })),
        (_, None) => Err(Error::invalid_request(format!(
            "`{name}` is a relationship, and its value is no key of a row"
        ))),
        (None, _) => Err(Error::invalid_request(format!(
            "`{name}` is a relationship to rows whose type is not known: declare their model as one of JSON:API, too"
        ))),
    }
}

#[derive(Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
    #[serde(borrow, default)]
    included: Vec<Resource<'a>>,
    #[serde(default)]
    links: Option<Map<String, Value>>,
    #[serde(borrow, default)]
    meta: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    attributes: Option<InOrder<'a>>,
    #[serde(borrow, default)]
    relationships: Option<InOrder<'a>>,
}

/// A relationship. One without `data` only says where the related rows are; a null says that there is none.
#[derive(Deserialize)]
struct Relationship<'a> {
    #[serde(borrow, default, deserialize_with = "given")]
    data: Option<&'a RawValue>,
}

fn given<'de: 'a, 'a, D: Deserializer<'de>>(value: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(value).map(Some)
}

#[derive(Deserialize)]
struct Identifier<'a> {
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    id: Cow<'a, str>,
}

/// The resources of a document by type and id.
type Known<'k, 'a> = HashMap<(&'k str, &'k str), &'k Resource<'a>>;

/// The relationships that were asked to be included, and those of what they lead to.
#[derive(Default)]
struct Asked(BTreeMap<String, Self>);

impl Asked {
    fn parse(include: &str) -> Self {
        let mut asked = Self::default();
        for path in include.split(',').filter(|path| !path.is_empty()) {
            let mut at = &mut asked;
            for name in path.split('.') {
                at = at.0.entry(name.to_owned()).or_default();
            }
        }
        asked
    }
}

impl Resource<'_> {
    /// The resource as a row. `kind`: its type, if the row shows it.
    fn row(
        &self,
        kind: Option<&str>,
        id: Option<Value>,
        asked: &Asked,
        known: &Known<'_, '_>,
    ) -> Result<String> {
        let mut fields = Vec::new();
        let mut add = |name: &str, value: &str| {
            fields.push(format!("{}:{value}", Value::from(name)));
        };
        if let Some(kind) = kind {
            add("type", &Value::from(kind).to_string());
        }
        if let Some(id) = id {
            add("id", &id.to_string());
        }
        for (name, value) in self.attributes.iter().flat_map(|fields| &fields.0) {
            if ["id", "type"].contains(&name.as_str()) {
                return Err(Error::decode(format!(
                    "a resource of the type {:?} has an attribute `{name}`, which JSON:API does not allow",
                    self.kind
                )));
            }
            add(name, value.get());
        }
        for (name, value) in self.relationships.iter().flat_map(|fields| &fields.0) {
            let relationship: Relationship<'_> = parsed(value)?;
            if let Some(data) = relationship.data {
                add(name, &shown(data, asked.0.get(name), known)?);
            }
        }
        Ok(format!("{{{}}}", fields.join(",")))
    }
}

/// What a relationship shows: which rows are meant, or the rows where they were asked for and have come.
fn shown(data: &RawValue, asked: Option<&Asked>, known: &Known<'_, '_>) -> Result<String> {
    let one = |identifier: &Identifier<'_>| {
        let (kind, id) = (identifier.kind.as_ref(), identifier.id.as_ref());
        match asked.and_then(|asked| Some((asked, known.get(&(kind, id))?))) {
            Some((asked, resource)) => resource.row(Some(kind), Some(id.into()), asked, known),
            None => Ok(json!({ "type": kind, "id": id }).to_string()),
        }
    };
    match data.get().as_bytes().first() {
        Some(b'n') => Ok("null".to_owned()),
        Some(b'[') => {
            let all: Vec<Identifier<'_>> = parsed(data)?;
            let rows: Vec<String> = all.iter().map(one).collect::<Result<_>>()?;
            Ok(format!("[{}]", rows.join(",")))
        }
        _ => one(&parsed(data)?),
    }
}

/// Links to other pages, which are texts or objects with `href`.
fn links_read(links: &Map<String, Value>, dialect: &Dialect) -> Value {
    let read = links.iter().map(|(name, link)| {
        let href = link.as_str().or_else(|| link.get("href")?.as_str());
        let link = href.map(|link| Value::from(dialect.link_read(link)));
        (name.clone(), link.unwrap_or_default())
    });
    Value::Object(read.collect())
}

fn parsed<'a, T: Deserialize<'a>>(text: &'a RawValue) -> Result<T> {
    serde_json::from_str(text.get())
        .map_err(|error| Error::decode("the answer is not a JSON:API document").with_source(error))
}

#[cfg(test)]
mod tests;
