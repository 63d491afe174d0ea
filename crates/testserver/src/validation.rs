//! A `ModelSerializer`: what a body may say, and the messages for what it may not.

use rusqlite::types::Value as Sql;
use serde_json::{Map, Value};

use crate::codec::{self, Linker};
use crate::convert;
use crate::field::{Field, FieldDefault, Kind};
use crate::moment;
use crate::python;
use crate::resource::Resource;
use crate::store::{Row, Session, Values};
use crate::table::{Table, Tables};
use crate::wire::Wire;

/// What a URL in a body points to.
pub(crate) enum UrlMatch {
    /// A row of this table, by this field; the text is not looked up yet.
    Row {
        table: String,
        field: String,
        text: String,
    },
    /// A URL of this site, but not of a row.
    Other,
    /// Nothing on this site.
    Nothing,
}

pub(crate) struct Serializer<'a> {
    pub(crate) session: &'a Session<'a>,
    pub(crate) tables: &'a Tables,
    pub(crate) table: &'a Table,
    pub(crate) resource: &'a Resource,
    pub(crate) linker: Linker<'a>,
    pub(crate) resolve_url: &'a dyn Fn(&str) -> UrlMatch,
    /// The row that is updated.
    pub(crate) instance: Option<&'a Row>,
    /// A PATCH: what is not given stays as it is.
    pub(crate) partial: bool,
    /// A field that the URL sets, not the body.
    pub(crate) fixed: Option<&'a str>,
}

impl Serializer<'_> {
    /// The changes that a body asks for, or DRF's map of messages.
    pub(crate) fn validate(&self, data: &Value) -> Result<Values, Wire> {
        let data = match data {
            Value::Object(data) => data,
            Value::Null => return Err(non_field_errors("No data provided")),
            other => return Err(not_an_object(other)),
        };
        let mut changes = Values::new();
        let mut errors = Vec::new();
        for field in &self.resource.fields {
            if field.read_only || self.fixed == Some(&field.name) {
                continue;
            }
            match self.field(field, data.get(&field.name), self.stored(field)) {
                Ok(value) => changes.extend(value.map(|value| (field.name.clone(), value))),
                Err(error) => errors.push((field.name.clone(), error)),
            }
        }
        if !errors.is_empty() {
            return Err(Wire::Map(errors));
        }
        if let Some(validator) = &self.resource.validator {
            (validator.0)(&self.as_json(&changes)).map_err(|message| non_field_errors(&message))?;
        }
        Ok(changes)
    }

    /// Adds the defaults of what a new row does not give.
    pub(crate) fn add_defaults(&self, changes: &mut Values) {
        add_defaults(&self.table.fields, changes);
    }

    fn stored(&self, field: &Field) -> Option<&Sql> {
        self.instance?.get(self.table.position(&field.name)?)
    }

    fn as_json(&self, changes: &Values) -> Map<String, Value> {
        let entries = changes.iter().filter_map(|(name, value)| {
            let wire = codec::to_wire(self.resource.field_named(name)?, value, self.linker);
            Some((name.clone(), serde_json::to_value(wire).ok()?))
        });
        entries.collect()
    }

    /// `Field.run_validation`: nothing when the field is not given and need not be.
    fn field(
        &self,
        field: &Field,
        value: Option<&Value>,
        stored: Option<&Sql>,
    ) -> Result<Option<Sql>, Wire> {
        let Some(value) = value else {
            let missing = field.is_required() && !self.partial;
            return if missing {
                Err(message("This field is required."))
            } else {
                Ok(None)
            };
        };
        let is_blank = value.as_str().is_some_and(|text| text.trim().is_empty());
        let blank_is_null = match field.kind {
            Kind::Decimal { .. } => is_blank && field.null,
            Kind::ForeignKey { .. } | Kind::Link { .. } => value.as_str() == Some(""),
            _ => false,
        };
        if value.is_null() || blank_is_null {
            return if field.null {
                Ok(Some(Sql::Null))
            } else {
                Err(message("This field may not be null."))
            };
        }
        let value = self.present(field, value, stored)?;
        let mut messages = Vec::new();
        if field.unique && self.is_taken(field, &value, stored) {
            let (model, name) = (&self.resource.model_name, field.verbose_name());
            messages.push(format!(
                "{} with this {name} already exists.",
                spaced(model)
            ));
        }
        messages.extend(convert::messages(field, &value));
        if messages.is_empty() {
            Ok(Some(value))
        } else {
            Err(Wire::messages(messages))
        }
    }

    /// `Field.to_internal_value`.
    fn present(&self, field: &Field, value: &Value, stored: Option<&Sql>) -> Result<Sql, Wire> {
        match &field.kind {
            Kind::List { child } => self.list(child, value),
            Kind::Nested { fields } => self.nested(fields, value, stored),
            Kind::ForeignKey { table, .. } => self.key(table, value),
            Kind::Link { table, .. } => self.link(table, value),
            _ => convert::scalar(field, value).map_err(|text| message(&text)),
        }
    }

    fn is_taken(&self, field: &Field, value: &Sql, stored: Option<&Sql>) -> bool {
        stored != Some(value)
            && self
                .session
                .find(self.table, &field.name, value.clone())
                .ok()
                .flatten()
                .is_some()
    }

    fn list(&self, child: &Field, value: &Value) -> Result<Sql, Wire> {
        let Value::Array(items) = value else {
            let name = python::type_name(value);
            return Err(message(&format!(
                "Expected a list of items but got type \"{name}\"."
            )));
        };
        let mut kept = Vec::new();
        let mut errors = Vec::new();
        for (index, item) in items.iter().enumerate() {
            match self.field(child, Some(item), None) {
                Ok(value) => {
                    let value = value.unwrap_or(Sql::Null);
                    let wire = codec::to_wire(child, &value, self.linker);
                    kept.push(serde_json::to_value(wire).unwrap_or_default());
                }
                Err(error) => errors.push((index.to_string(), error)),
            }
        }
        if errors.is_empty() {
            Ok(Sql::Text(Value::Array(kept).to_string()))
        } else {
            Err(Wire::Map(errors))
        }
    }

    /// A nested object; it is merged into the one that is there.
    fn nested(&self, fields: &[Field], value: &Value, stored: Option<&Sql>) -> Result<Sql, Wire> {
        let Value::Object(data) = value else {
            return Err(not_an_object(value));
        };
        let existing = match stored {
            Some(Sql::Text(text)) => serde_json::from_str::<Map<String, Value>>(text).ok(),
            _ => None,
        };
        let mut changes = Values::new();
        let mut errors = Vec::new();
        for field in fields.iter().filter(|field| !field.read_only) {
            match self.field(field, data.get(&field.name), None) {
                Ok(value) => changes.extend(value.map(|value| (field.name.clone(), value))),
                Err(error) => errors.push((field.name.clone(), error)),
            }
        }
        if errors.is_empty() && existing.is_none() {
            // A partial object is enough only where there is one to merge it into.
            let missing = |field: &&Field| field.is_required() && !data.contains_key(&field.name);
            errors.extend(
                fields
                    .iter()
                    .filter(missing)
                    .map(|field| (field.name.clone(), message("This field is required."))),
            );
        }
        if !errors.is_empty() {
            return Err(Wire::Map(errors));
        }
        if existing.is_none() {
            add_defaults(fields, &mut changes);
        }
        let mut merged = existing.unwrap_or_default();
        merged.extend(
            changes
                .into_iter()
                .map(|(name, value)| (name, codec::sql_to_json(value))),
        );
        Ok(Sql::Text(Value::Object(merged).to_string()))
    }

    fn key(&self, table: &str, value: &Value) -> Result<Sql, Wire> {
        let wrong_type = || {
            let name = python::type_name(value);
            message(&format!(
                "Incorrect type. Expected pk value, received {name}."
            ))
        };
        let target = self.tables.get(table).ok_or_else(wrong_type)?;
        let numeric = target
            .field(&target.key)
            .is_some_and(|field| matches!(field.kind, Kind::Integer { .. }));
        let key = match value {
            Value::Number(number) if numeric => convert::whole(number).map(Sql::Integer),
            Value::String(text) if numeric => match python::int(text) {
                Some(number) => i64::try_from(number).ok().map(Sql::Integer),
                None => return Err(wrong_type()),
            },
            Value::String(text) => Some(Sql::Text(text.clone())),
            _ => return Err(wrong_type()),
        };
        let exists = key.clone().is_some_and(|key| {
            self.session
                .find(target, &target.key, key)
                .ok()
                .flatten()
                .is_some()
        });
        key.filter(|_| exists).ok_or_else(|| {
            let text = python::text(value);
            message(&format!("Invalid pk \"{text}\" - object does not exist."))
        })
    }

    fn link(&self, table: &str, value: &Value) -> Result<Sql, Wire> {
        let Value::String(url) = value else {
            let name = python::type_name(value);
            let text = format!("Incorrect type. Expected URL string, received {name}.");
            return Err(message(&text));
        };
        match (self.resolve_url)(url) {
            UrlMatch::Nothing => Err(message("Invalid hyperlink - No URL match.")),
            UrlMatch::Row {
                table: found,
                field,
                text,
            } if found == table => {
                let row = self.tables.get(table).and_then(|target| {
                    let value = crate::forms::key_of(target.field(&field)?, &text)?;
                    let row = self.session.find(target, &field, value).ok().flatten()?;
                    row.get(target.position(&target.key)?).cloned()
                });
                row.ok_or_else(|| message("Invalid hyperlink - Object does not exist."))
            }
            _ => Err(message("Invalid hyperlink - Incorrect URL match.")),
        }
    }
}

fn add_defaults(fields: &[Field], changes: &mut Values) {
    for field in fields {
        if changes.iter().any(|(name, _)| *name == field.name) {
            continue;
        }
        let value = match &field.default {
            Some(FieldDefault::Value(value)) => codec::to_sql(field, value),
            Some(FieldDefault::Now) => Some(Sql::Text(moment::now())),
            Some(FieldDefault::Uuid) => Some(Sql::Text(uuid::Uuid::new_v4().to_string())),
            // The primary key counts up by itself.
            None if field.primary_key => None,
            None if field.blank && !field.null => Some(Sql::Text(String::new())),
            None => Some(Sql::Null),
        };
        changes.extend(value.map(|value| (field.name.clone(), value)));
    }
}

/// A list of one message.
fn message(text: &str) -> Wire {
    Wire::messages([text.to_owned()])
}

fn non_field_errors(text: &str) -> Wire {
    Wire::Map(vec![("non_field_errors".to_owned(), message(text))])
}

fn not_an_object(value: &Value) -> Wire {
    let name = python::type_name(value);
    non_field_errors(&format!(
        "Invalid data. Expected a dictionary, but got {name}."
    ))
}

/// Django's `verbose_name` of a model: `BlogPost` is `blog post`.
fn spaced(model: &str) -> String {
    let mut name = String::new();
    for letter in model.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push(' ');
        }
        name.extend(letter.to_lowercase());
    }
    name
}
