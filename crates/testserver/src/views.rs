//! What a `ModelViewSet` does: list, create, retrieve, update, destroy.

use http::StatusCode;
use rusqlite::types::Value as Sql;
use serde_json::Value;

use crate::bodies;
use crate::codec;
use crate::field::Field;
use crate::filters;
use crate::forms::key_of;
use crate::pagination::{Listing, Page};
use crate::python;
use crate::quirks::{Form, Quirk, Unknown};
use crate::reply::{Answer, Reply};
use crate::request::Request;
use crate::resource::Resource;
use crate::search;
use crate::site::{Endpoint, Site};
use crate::store::{Condition, Row, Session, Values};
use crate::table::Table;
use crate::tags;
use crate::validation::Serializer;
use crate::wire::Wire;

/// The field that points to the parent, and the parent's key, under a nested route.
pub(crate) type Parent<'a> = Option<(&'a str, Sql)>;

impl Site {
    pub(crate) fn list(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        parent: Parent<'_>,
    ) -> Answer {
        let resource = &endpoint.resource;
        let table = self.table(resource)?;
        let mut parameters = request.parameters.clone();
        for quirk in &resource.quirks {
            if let Quirk::IgnoreParameters(names) = quirk {
                parameters.retain(|name| !names.iter().any(|ignored| ignored == name));
            }
        }
        let unknown = self.unknown(endpoint, request)?;
        let page = {
            let session = self.store.session(&self.tables);
            let mut conditions = unknown;
            if let Some((field, key)) = parent {
                conditions.push(Condition::equals(field, key));
            }
            let mut ordering = Vec::new();
            if resource.backends {
                let any = resource
                    .quirks
                    .iter()
                    .any(|quirk| matches!(quirk, Quirk::RepeatedIsAny));
                let filters =
                    filters::apply(&endpoint.filters, &parameters, any, &session, &self.tables);
                let filters = filters.map_err(|errors| bad_request(&errors))?;
                conditions.extend(filters);
                if let Some(text) = parameters.get(&resource.ordering_parameter) {
                    ordering = search::ordering(text, &endpoint.ordering);
                }
                for quirk in &resource.quirks {
                    if matches!(quirk, Quirk::NoDescending) {
                        ordering.retain(|term| !term.starts_with('-'));
                    }
                }
                let text = parameters.get("search").unwrap_or_default();
                if text.contains('\0') {
                    let message = "Null characters are not allowed.".to_owned();
                    return Err(bad_request(&Wire::messages([message])));
                }
                conditions.extend(search::conditions(
                    &self.tables,
                    table,
                    &resource.search,
                    text,
                ));
            }
            let ordered_by_request = !ordering.is_empty();
            if !ordered_by_request {
                ordering.push(table.key.clone());
            }
            let listing = Listing {
                session: &session,
                tables: &self.tables,
                table,
                parameters: &parameters,
                url: &request.absolute_url(),
                conditions,
                ordering,
                ordered_by_request,
                quirks: &resource.quirks,
            };
            listing.page(resource.paginator.as_ref())?
        };
        Ok(self.envelope(resource, table, page, request))
    }

    /// What becomes of parameters that the resource does not know: a condition, or a refusal.
    fn unknown(&self, endpoint: &Endpoint, request: &Request) -> Result<Vec<Condition>, Reply> {
        let resource = &endpoint.resource;
        let Some(unknown) = resource.quirks.iter().find_map(|quirk| match quirk {
            Quirk::Unknown(unknown) => Some(*unknown),
            _ => None,
        }) else {
            return Ok(Vec::new());
        };
        let mut known = vec!["format"];
        if let Some(paginator) = &resource.paginator {
            known.push(&paginator.position_parameter);
            known.extend(paginator.size_parameter.as_deref());
        }
        if resource.backends {
            known.extend(endpoint.filters.iter().map(filters::Filter::name));
            if !endpoint.ordering.is_empty() {
                known.push(&resource.ordering_parameter);
            }
            if !resource.search.is_empty() {
                known.push("search");
            }
        }
        let mut names = request.parameters.names();
        let unknown_name = names.find(|name| !known.contains(name));
        // A strict server knows the fields that it sorts by, too.
        let order = request.parameters.get(&resource.ordering_parameter);
        let mut terms = order.unwrap_or_default().split(',');
        let is_sortable = |term: &str| {
            let descends = !resource
                .quirks
                .iter()
                .any(|quirk| matches!(quirk, Quirk::NoDescending));
            let field = if descends {
                term.strip_prefix('-').unwrap_or(term)
            } else {
                term
            };
            term.is_empty() || endpoint.ordering.iter().any(|known| known == field)
        };
        let unsortable = terms.find(|term| !is_sortable(term));
        let refuses = matches!(unknown, Unknown::Refused(_));
        let Some(name) = unknown_name.or(unsortable.filter(|_| refuses)) else {
            return Ok(Vec::new());
        };
        match unknown {
            Unknown::Refused(status) => {
                let message = format!("Unknown parameter: {name}");
                Err(Reply::detail(status, &message))
            }
            Unknown::Equality => Ok(vec![Condition::new("0", [])]),
        }
    }

    fn envelope(&self, resource: &Resource, table: &Table, page: Page, request: &Request) -> Reply {
        let rows = page
            .rows
            .iter()
            .map(|row| self.wire(resource, table, row, request));
        let rows = Wire::List(rows.collect());
        let envelope = resource.quirks.iter().find_map(|quirk| match quirk {
            Quirk::Envelope(envelope) => Some(envelope),
            _ => None,
        });
        if let Some(envelope) = envelope {
            return envelope.reply(rows, &page);
        }
        if resource.paginator.is_none() || page.is_whole {
            return Reply::ok(&rows);
        }
        let mut body = Vec::new();
        body.extend(
            page.count
                .map(|count| ("count".to_owned(), Wire::from(count))),
        );
        body.push(("next".to_owned(), Wire::from(page.next.as_deref())));
        body.push(("previous".to_owned(), Wire::from(page.previous.as_deref())));
        body.push(("results".to_owned(), rows));
        Reply::ok(&Wire::Map(body))
    }

    pub(crate) fn create(
        &self,
        endpoint: &Endpoint,
        request: &Request,
        parent: Parent<'_>,
    ) -> Answer {
        let resource = &endpoint.resource;
        let table = self.table(resource)?;
        let data = bodies::given(resource, request)?;
        let fixed = parent.as_ref().map(|(field, _)| *field);
        let created = self.with_serializer(resource, |session, serializer| {
            let serializer = Serializer {
                fixed,
                ..serializer
            };
            let mut changes = serializer
                .validate(&data)
                .map_err(|errors| bad_request(&errors))?;
            if let Some((field, key)) = &parent {
                changes.push(((*field).to_owned(), key.clone()));
            }
            serializer.add_defaults(&mut changes);
            let key = session
                .insert(table, changes)
                .map_err(|_| Reply::broken())?;
            row_of(session, table, key)
        })?;
        let row = self.wire(resource, table, &created, request);
        let reply = bodies::written(resource, StatusCode::CREATED, row);
        Ok(tags::tagged_after_write(resource, &created, reply))
    }

    pub(crate) fn retrieve(&self, endpoint: &Endpoint, text: &str, request: &Request) -> Answer {
        let resource = &endpoint.resource;
        let table = self.table(resource)?;
        let (row, _) = self.find(&self.store.session(&self.tables), endpoint, text)?;
        let shown = self.wire(resource, table, &row, request);
        let reply = bodies::shown(resource, StatusCode::OK, shown);
        Ok(tags::tagged(resource, &row, reply))
    }

    pub(crate) fn update(
        &self,
        endpoint: &Endpoint,
        text: &str,
        request: &Request,
        partial: bool,
    ) -> Answer {
        let resource = &endpoint.resource;
        let table = self.table(resource)?;
        let updated = self.with_serializer(resource, |session, serializer| {
            let (row, key) = self.find(session, endpoint, text)?;
            tags::check(resource, &row, request)?;
            let data = bodies::given(resource, request)?;
            let serializer = Serializer {
                instance: Some(&row),
                partial,
                ..serializer
            };
            let changes = serializer
                .validate(&data)
                .map_err(|errors| bad_request(&errors))?;
            write(session, table, &key, changes)
        })?;
        if resource
            .quirks
            .iter()
            .any(|quirk| matches!(quirk, Quirk::SilentUpdates))
        {
            let reply = Reply::empty(StatusCode::NO_CONTENT);
            return Ok(tags::tagged_after_write(resource, &updated, reply));
        }
        let row = self.wire(resource, table, &updated, request);
        let reply = bodies::written(resource, StatusCode::OK, row);
        Ok(tags::tagged_after_write(resource, &updated, reply))
    }

    /// Values a row without a serializer, and answers it.
    pub(crate) fn update_unchecked(
        &self,
        resource: &Resource,
        key: &Sql,
        change: &Value,
        request: &Request,
    ) -> Answer {
        let table = self.table(resource)?;
        let entries = change.as_object().into_iter().flatten();
        let changes = entries
            .map(|(name, value)| Some((name.clone(), codec::to_sql(table.field(name)?, value)?)))
            .collect::<Option<Values>>()
            .ok_or_else(Reply::broken)?;
        let row = write(&self.store.session(&self.tables), table, key, changes)?;
        Ok(Reply::ok(&self.wire(resource, table, &row, request)))
    }

    pub(crate) fn destroy(&self, endpoint: &Endpoint, text: &str, request: &Request) -> Answer {
        let table = self.table(&endpoint.resource)?;
        let session = self.store.session(&self.tables);
        let (row, key) = self.find(&session, endpoint, text)?;
        tags::check(&endpoint.resource, &row, request)?;
        bodies::signed_in(&endpoint.resource)?;
        session.delete(table, &key).map_err(|_| Reply::broken())?;
        Ok(Reply::empty(StatusCode::NO_CONTENT))
    }

    /// `get_object`: the row that the URL names, and its primary key.
    pub(crate) fn find(
        &self,
        session: &Session<'_>,
        endpoint: &Endpoint,
        text: &str,
    ) -> Result<(Row, Sql), Reply> {
        let table = self.table(&endpoint.resource)?;
        let field = table
            .field(&endpoint.lookup_field)
            .ok_or_else(Reply::broken)?;
        let row = match key_of(field, text) {
            Some(value) => session
                .find(table, &field.name, value)
                .map_err(|_| Reply::broken())?,
            // A number beyond all keys is a valid key that no row has; a word is not a key.
            None if python::int(text).is_some() => None,
            None => return Err(Reply::not_found()),
        };
        let message = || {
            format!(
                "No {} matches the given query.",
                endpoint.resource.model_name
            )
        };
        let row = row.ok_or_else(|| Reply::detail(StatusCode::NOT_FOUND, &message()))?;
        let key = table
            .position(&table.key)
            .and_then(|position| row.get(position))
            .cloned();
        Ok((row, key.ok_or_else(Reply::broken)?))
    }

    fn table(&self, resource: &Resource) -> Result<&Table, Reply> {
        self.tables.get(&resource.table).ok_or_else(Reply::broken)
    }

    /// Does the work with the rows locked, so that what was validated still holds at the write.
    fn with_serializer<T>(
        &self,
        resource: &Resource,
        work: impl FnOnce(&Session<'_>, Serializer<'_>) -> Result<T, Reply>,
    ) -> Result<T, Reply> {
        let table = self.table(resource)?;
        let session = self.store.session(&self.tables);
        // Only for a validator's eyes; the answer has the true link. It must not look a row up
        // here, because the rows are locked.
        let linker = |_: &str, key: &Sql| Wire::from(codec::text_of(key));
        let resolve_url = |url: &str| self.resolve_url(url);
        let serializer = Serializer {
            session: &session,
            tables: &self.tables,
            table,
            resource,
            linker: &linker,
            resolve_url: &resolve_url,
            instance: None,
            partial: false,
            fixed: None,
        };
        work(&session, serializer)
    }

    fn wire(&self, resource: &Resource, table: &Table, row: &Row, request: &Request) -> Wire {
        let omitted = |field: &Field| {
            resource.quirks.iter().any(|quirk| match quirk {
                Quirk::OmitFields(names) => names.contains(&field.name),
                _ => false,
            })
        };
        let fields = resource.fields.iter().filter(|field| !omitted(field));
        let fields = fields.map(|field| (field, table.position(&field.name)));
        let linker = |table: &str, key: &Sql| self.link(&request.origin, table, key);
        let mut shown = codec::row_to_wire(fields, row, &linker);
        for quirk in &resource.quirks {
            if let Quirk::Show(path, form) = quirk {
                show(&mut shown, path, form);
            }
        }
        shown
    }
}

/// Shows what stands at the path (`address__city`) in this form.
fn show(row: &mut Wire, path: &str, form: &Form) {
    let Wire::Map(entries) = row else {
        return;
    };
    for (field, value) in entries {
        match path.strip_prefix(field.as_str()) {
            Some("") => *value = form.of(std::mem::replace(value, Wire::NULL)),
            Some(rest) => {
                if let Some(below) = rest.strip_prefix("__") {
                    show(value, below, form);
                }
            }
            None => {}
        }
    }
}

fn write(session: &Session<'_>, table: &Table, key: &Sql, changes: Values) -> Result<Row, Reply> {
    session
        .update(table, key, changes)
        .map_err(|_| Reply::broken())?;
    row_of(session, table, key.clone())
}

fn row_of(session: &Session<'_>, table: &Table, key: Sql) -> Result<Row, Reply> {
    session
        .find(table, &table.key, key)
        .ok()
        .flatten()
        .ok_or_else(Reply::broken)
}

fn bad_request(errors: &Wire) -> Reply {
    Reply::json(StatusCode::BAD_REQUEST, errors)
}
