//! A resource: the list and detail endpoints of one table, with all that DRF would let one set.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::action::Action;
use crate::field::{Field, Kind};
use crate::infer;
use crate::lookup;
use crate::paginator::Paginator;
use crate::quirks::{Form, Quirk};
use crate::shape::Shape;

/// `ModelViewSet` and its serializer: the endpoints of one table.
///
/// ```
/// use django_api_orm_testserver::{Field, Paginator, Resource};
/// use serde_json::json;
///
/// let books = Resource::new("books")
///     .field(Field::integer("id").primary_key())
///     .field(Field::text("title", 100))
///     .filter("title", ["exact", "icontains"])
///     .ordering(["id", "title"])
///     .search(["title"])
///     .paginator(Paginator::limit_offset().default_limit(20).max_limit(50))
///     .rows(json!([{"title": "Emma"}, {"title": "Persuasion"}]));
/// # assert!(format!("{books:?}").contains("Emma"));
/// ```
#[derive(Debug, Clone)]
pub struct Resource {
    pub(crate) name: String,
    pub(crate) table: String,
    pub(crate) path: String,
    pub(crate) model_name: String,
    pub(crate) view_name: Option<String>,
    pub(crate) fields: Vec<Field>,
    pub(crate) lookup_field: Option<String>,
    pub(crate) paginator: Option<Paginator>,
    pub(crate) filters: Vec<FilterSpec>,
    pub(crate) backends: bool,
    pub(crate) ordering: Option<Vec<String>>,
    /// `ordering`, as DRF has it.
    pub(crate) ordering_parameter: String,
    pub(crate) search: Vec<String>,
    pub(crate) throttle: Option<(u32, Duration)>,
    pub(crate) validator: Option<Validator>,
    pub(crate) actions: Vec<Action>,
    pub(crate) children: Vec<Child>,
    pub(crate) quirks: Vec<Quirk>,
    pub(crate) rows: Vec<Value>,
}

/// A lookup that is allowed on a field.
#[derive(Debug, Clone)]
pub(crate) struct FilterSpec {
    pub(crate) field: String,
    pub(crate) lookup: String,
    /// The query parameter, where it is not Django's `field__lookup`.
    pub(crate) parameter: Option<String>,
}

/// A check of a whole body after its fields have passed: an `Err` is an entry of
/// `non_field_errors`.
#[derive(Clone)]
pub(crate) struct Validator(pub(crate) Arc<ValidatorFn>);

type ValidatorFn = dyn Fn(&Map<String, Value>) -> Result<(), String> + Send + Sync;

impl fmt::Debug for Validator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Validator")
    }
}

/// `GET` and `POST /parents/{pk}/name/`: the rows of another resource that point to this one.
#[derive(Debug, Clone)]
pub(crate) struct Child {
    pub(crate) name: String,
    pub(crate) resource: String,
    pub(crate) field: String,
}

impl Resource {
    /// A resource under `/api/v1/{name}/` whose table has the same name. Until told otherwise it
    /// has DRF's filter backends, no pagination, no filter and no search; and it can be ordered
    /// by every field.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            table: name.to_owned(),
            path: format!("/api/v1/{name}/"),
            model_name: infer::model_name(name),
            view_name: None,
            fields: Vec::new(),
            lookup_field: None,
            paginator: None,
            filters: Vec::new(),
            backends: true,
            ordering: None,
            ordering_parameter: "ordering".to_owned(),
            search: Vec::new(),
            throttle: None,
            validator: None,
            actions: Vec::new(),
            children: Vec::new(),
            quirks: Vec::new(),
            rows: Vec::new(),
        }
    }

    /// A resource whose fields are guessed from rows: it pages by limit and offset, filters on
    /// every field, orders by every field and searches every text. Rows without an `id` get one.
    ///
    /// ```
    /// use django_api_orm_testserver::Resource;
    ///
    /// let books = Resource::from_json("books", serde_json::json!([{"title": "Emma", "pages": 474}]));
    /// # assert!(format!("{books:?}").contains("pages"));
    /// ```
    pub fn from_json(name: &str, rows: impl Into<Value>) -> Self {
        let rows = infer::rows(rows.into());
        let mut resource = Self::new(name).paginator(Paginator::limit_offset());
        resource.fields = infer::fields(&rows);
        resource.search = infer::text_fields(&resource.fields);
        resource.rows = rows;
        resource.filter_on_everything()
    }

    /// Where the list is. Rows are below it, with a slash at the end of their URLs if this one has it.
    #[must_use]
    pub fn path(mut self, path: &str) -> Self {
        path.clone_into(&mut self.path);
        self
    }

    /// Shows the rows of another resource's table. The fields, if none are given, are that
    /// resource's too.
    #[must_use]
    pub fn table(mut self, name: &str) -> Self {
        name.clone_into(&mut self.table);
        self.model_name = infer::model_name(name);
        self
    }

    /// The name of the model in messages, such as `User` in `No User matches the given query.`
    #[must_use]
    pub fn model_name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.model_name);
        self
    }

    /// The name of the view in an answer to `OPTIONS`; otherwise that of the model.
    #[must_use]
    pub fn view_name(mut self, name: &str) -> Self {
        self.view_name = Some(name.to_owned());
        self
    }

    /// Adds a field.
    #[must_use]
    pub fn field(mut self, field: Field) -> Self {
        self.fields.push(field);
        self
    }

    /// Adds fields.
    #[must_use]
    pub fn fields(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.fields.extend(fields);
        self
    }

    /// The field whose value is in the URL of one row; otherwise the primary key.
    #[must_use]
    pub fn lookup_field(mut self, name: &str) -> Self {
        self.lookup_field = Some(name.to_owned());
        self
    }

    /// Divides the list into pages.
    #[must_use]
    pub fn paginator(mut self, paginator: Paginator) -> Self {
        self.paginator = Some(paginator);
        self
    }

    /// Allows these lookups on a field, as `filterset_fields` does. The field may be a path:
    /// `address__state` or `author__name`.
    #[must_use]
    pub fn filter<'a>(mut self, field: &str, lookups: impl IntoIterator<Item = &'a str>) -> Self {
        for lookup in lookups {
            self.filters.push(FilterSpec {
                field: field.to_owned(),
                lookup: lookup.to_owned(),
                parameter: None,
            });
        }
        self
    }

    /// Allows a lookup on a field under a name of its own: `min_age` for `age__gte`.
    #[must_use]
    pub fn filter_as(mut self, parameter: &str, field: &str, lookup: &str) -> Self {
        self.filters.push(FilterSpec {
            field: field.to_owned(),
            lookup: lookup.to_owned(),
            parameter: Some(parameter.to_owned()),
        });
        self
    }

    /// Allows lookups on several fields.
    #[must_use]
    pub fn filters<'a, L: IntoIterator<Item = &'a str>>(
        self,
        filters: impl IntoIterator<Item = (&'a str, L)>,
    ) -> Self {
        filters
            .into_iter()
            .fold(self, |resource, (field, lookups)| {
                resource.filter(field, lookups)
            })
    }

    /// Allows, on every field, every lookup that suits its type.
    #[must_use]
    pub fn filter_on_everything(mut self) -> Self {
        let mut filters = Vec::new();
        collect_filters("", &self.fields, &mut filters);
        self.filters = filters;
        self
    }

    /// The resource in the shape of another API. Its fields must be there; more may be changed afterwards.
    #[must_use]
    pub fn shape(self, shape: &Shape) -> Self {
        shape.of(self)
    }

    /// As [`filter_on_everything`](Self::filter_on_everything), with the lookups that have a name here, and under it:
    /// `min_{field}`.
    pub(crate) fn filters_named(mut self, names: &BTreeMap<String, String>) -> Self {
        self = self.filter_on_everything();
        self.filters.retain_mut(|filter| {
            let name = names.get(&filter.lookup);
            filter.parameter = name.map(|name| name.replace("{field}", &filter.field));
            name.is_some()
        });
        self
    }

    /// Takes all filter backends away: no filter, no ordering, no search.
    #[must_use]
    pub fn no_filter_backends(mut self) -> Self {
        self.backends = false;
        self
    }

    /// The fields that `ordering=` may name; any other one is silently dropped from it.
    #[must_use]
    pub fn ordering<'a>(mut self, fields: impl IntoIterator<Item = &'a str>) -> Self {
        self.ordering = Some(fields.into_iter().map(str::to_owned).collect());
        self
    }

    /// The name of the parameter that says the order, in place of `ordering`.
    #[must_use]
    pub fn ordering_parameter(mut self, name: &str) -> Self {
        name.clone_into(&mut self.ordering_parameter);
        self
    }

    /// The fields that `search=` looks at; with DRF's prefixes `^`, `=` and `$`.
    #[must_use]
    pub fn search<'a>(mut self, fields: impl IntoIterator<Item = &'a str>) -> Self {
        self.search = fields.into_iter().map(str::to_owned).collect();
        self
    }

    /// At most so many requests in any period, for each token; more are answered 429.
    #[must_use]
    pub fn throttle(mut self, requests: u32, period: Duration) -> Self {
        self.throttle = Some((requests, period));
        self
    }

    /// Checks a whole body after its fields (`Serializer.validate`): an `Err` is a 400 with
    /// `non_field_errors`. The map has the fields that the body gives.
    #[must_use]
    pub fn validate(
        mut self,
        check: impl Fn(&Map<String, Value>) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.validator = Some(Validator(Arc::new(check)));
        self
    }

    /// Adds an extra route (DRF's `@action`).
    #[must_use]
    pub fn action(mut self, action: Action) -> Self {
        self.actions.push(action);
        self
    }

    /// Adds `{path}{pk}/{name}/`: the rows of `resource` whose `field` points to this row.
    /// Paged, filtered and validated as that resource is; a POST sets `field` itself.
    #[must_use]
    pub fn child(mut self, name: &str, resource: &str, field: &str) -> Self {
        self.children.push(Child {
            name: name.to_owned(),
            resource: resource.to_owned(),
            field: field.to_owned(),
        });
        self
    }

    /// Departs from DRF in one way.
    #[must_use]
    pub fn quirk(mut self, quirk: Quirk) -> Self {
        self.quirks.push(quirk);
        self
    }

    /// The rows to begin with: a JSON array of objects in wire format.
    #[must_use]
    pub fn rows(mut self, rows: impl Into<Value>) -> Self {
        self.rows = infer::rows(rows.into());
        self
    }

    /// The form in which a field is shown, if it is another one.
    pub(crate) fn shown_as(&self, field: &str) -> Option<&Form> {
        self.quirks.iter().find_map(|quirk| match quirk {
            Quirk::Show(name, form) if name == field => Some(form),
            _ => None,
        })
    }

    pub(crate) fn has_no_details(&self) -> bool {
        let mut quirks = self.quirks.iter();
        quirks.any(|quirk| matches!(quirk, Quirk::NoDetails))
    }

    pub(crate) fn is_read_only(&self) -> bool {
        let mut quirks = self.quirks.iter();
        quirks.any(|quirk| matches!(quirk, Quirk::ReadOnly))
    }

    pub(crate) fn field_named(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

fn collect_filters(prefix: &str, fields: &[Field], filters: &mut Vec<FilterSpec>) {
    for field in fields {
        let path = format!("{prefix}{}", field.name);
        let lookups = match &field.kind {
            Kind::Nested { fields } => {
                collect_filters(&format!("{path}__"), fields, filters);
                continue;
            }
            Kind::List { .. } | Kind::Object | Kind::Json => continue,
            Kind::Integer { .. } | Kind::Float | Kind::Decimal { .. } => lookup::ORDERED,
            Kind::Boolean => lookup::BOOLEAN,
            Kind::Date => lookup::DATE,
            Kind::DateTime => lookup::DATETIME,
            Kind::ForeignKey { .. } | Kind::Link { .. } | Kind::Uuid => lookup::REFERENCE,
            Kind::Text { .. } | Kind::Email { .. } | Kind::Slug { .. } | Kind::Choice { .. } => {
                lookup::TEXT
            }
        };
        filters.extend(lookups.iter().map(|lookup| FilterSpec {
            field: path.clone(),
            lookup: (*lookup).to_owned(),
            parameter: None,
        }));
    }
}
