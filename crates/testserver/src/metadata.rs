//! `SimpleMetadata`: DRF's answer to `OPTIONS`.

use http::Method;

use crate::field::{Field, Kind};
use crate::quirks::Form;
use crate::reply::Reply;

use crate::resource::Resource;
use crate::routes::Target;
use crate::site::Site;
use crate::wire::Wire;

pub(crate) fn describe(target: Target<'_>, site: &Site) -> Reply {
    let (name, serializer) = match target {
        Target::List(endpoint) => {
            let resource = &endpoint.resource;
            (
                format!("{} List", view_name(resource)),
                Some((Method::POST, resource, None)),
            )
        }
        Target::Detail(endpoint, text) => {
            let resource = &endpoint.resource;
            let found = site
                .find(&site.store.session(&site.tables), endpoint, text)
                .is_ok();
            let serializer = found.then_some((Method::PUT, resource, None));
            (format!("{} Instance", view_name(resource)), serializer)
        }
        Target::Child(_, child, _) => {
            let endpoint = site.endpoint(&child.resource);
            let serializer = endpoint
                .map(|endpoint| (Method::POST, &endpoint.resource, Some(child.field.as_str())));
            (title(&child.name), serializer)
        }
        Target::Action(_, name, _) => (title(name), None),
        Target::View(view) => (view.name.clone(), None),
    };
    let json = || Wire::messages(["application/json".to_owned()]);
    let mut body = vec![
        ("name".to_owned(), Wire::from(name)),
        ("description".to_owned(), Wire::from("")),
        ("renders".to_owned(), json()),
        ("parses".to_owned(), json()),
    ];
    if let Some((method, resource, fixed)) = serializer {
        let fields = resource.fields.iter().map(|field| {
            let read_only = field.read_only || fixed == Some(&field.name);
            let info = match resource.shown_as(&field.name) {
                Some(form) => other_form_info(form, read_only),
                None => field_info(field, read_only),
            };
            (field.name.clone(), info)
        });
        let actions = vec![(method.to_string(), Wire::Map(fields.collect()))];
        body.push(("actions".to_owned(), Wire::Map(actions)));
    }
    Reply::ok(&Wire::Map(body))
}

fn view_name(resource: &Resource) -> String {
    resource.view_name.clone().unwrap_or_else(|| {
        let mut name = String::new();
        for letter in resource.model_name.chars() {
            if letter.is_uppercase() && !name.is_empty() {
                name.push(' ');
            }
            name.push(letter);
        }
        name
    })
}

/// `create_post` is `Create Post`.
fn title(name: &str) -> String {
    let words = name.split(['_', '-']).map(capitalized);
    words.collect::<Vec<_>>().join(" ")
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| {
        format!("{}{}", first.to_uppercase(), letters.as_str())
    })
}

fn field_info(field: &Field, read_only: bool) -> Wire {
    let mut info = vec![
        ("type", Wire::from(type_name(&field.kind))),
        ("required", Wire::from(field.is_required() && !read_only)),
        ("read_only", Wire::from(read_only)),
    ];
    if !field.name.is_empty() {
        info.push(("label", Wire::from(capitalized(&field.verbose_name()))));
    }
    match &field.kind {
        Kind::Text { max: Some(max) } | Kind::Email { max } | Kind::Slug { max } => {
            info.push(("max_length", Wire::from(*max)));
        }
        Kind::Integer { min, max } if !field.primary_key => {
            info.push(("min_value", Wire::from(*min)));
            info.push(("max_value", Wire::from(*max)));
        }
        Kind::Decimal { digits, places } => {
            info.push(("max_digits", Wire::from(*digits)));
            info.push(("decimal_places", Wire::from(*places)));
        }
        Kind::List { child } => info.push(("child", field_info(child, false))),
        Kind::Object => {
            let child = vec![
                ("type", "field".into()),
                ("required", true.into()),
                ("read_only", false.into()),
            ];
            info.push(("child", named(child)));
        }
        Kind::Nested { fields } => {
            let children = fields
                .iter()
                .map(|field| (field.name.clone(), field_info(field, field.read_only)));
            info.push(("children", Wire::Map(children.collect())));
        }
        Kind::Choice { values } if !read_only => {
            let choices = values.iter().map(|value| {
                let shown = capitalized(value);
                named(vec![
                    ("value", Wire::from(value.as_str())),
                    ("display_name", Wire::from(shown)),
                ])
            });
            info.push(("choices", Wire::List(choices.collect())));
        }
        _ => {}
    }
    named(info)
}

/// A field whose values are shown in another form.
fn other_form_info(form: &Form, read_only: bool) -> Wire {
    let kind = match form {
        Form::Label(_) | Form::ValueAndLabel(_) => "choice",
        Form::Shortened(_) | Form::Rounded(_) => "field",
    };
    named(vec![
        ("type", kind.into()),
        ("required", false.into()),
        ("read_only", read_only.into()),
    ])
}

fn named(entries: Vec<(&str, Wire)>) -> Wire {
    Wire::Map(
        entries
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

fn type_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::Integer { .. } => "integer",
        Kind::Float => "float",
        Kind::Decimal { .. } => "decimal",
        Kind::Boolean => "boolean",
        Kind::Text { .. } | Kind::Uuid => "string",
        Kind::Email { .. } => "email",
        Kind::Slug { .. } => "slug",
        Kind::Choice { .. } => "choice",
        Kind::Date => "date",
        Kind::DateTime => "datetime",
        Kind::List { .. } => "list",
        Kind::Object | Kind::Nested { .. } => "nested object",
        Kind::Json | Kind::ForeignKey { .. } | Kind::Link { .. } => "field",
    }
}
