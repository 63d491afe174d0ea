//! `#[api(..)]`: which keys there are on a struct and on a field, and how each is written.

use std::collections::HashSet;

use proc_macro2::{Ident, Span, TokenStream};
use syn::{
    Attribute, LitInt, LitStr, Meta, Path, Token, meta::ParseNestedMeta, parenthesized,
    parse::ParseStream, punctuated::Punctuated, spanned::Spanned,
};

use crate::{endpoint, errors::Errors, keys};

const ON_STRUCT: [&str; 17] = [
    "endpoint",
    "lookup_field",
    "pagination",
    "page_size",
    "page_size_parameter",
    "filters",
    "idempotency_header",
    "json_api",
    "natural_key",
    "expand_parameter",
    "prefetch_parameter",
    "repeated_values",
    "small_table",
    "allow_extra",
    "nested",
    "related",
    "crate",
];
const ON_FIELD: [&str; 6] = [
    "primary_key",
    "read_only",
    "text",
    "decimal",
    "relation",
    "filter",
];

/// `#[api(..)]` on the struct, each key where it was written.
#[derive(Default)]
pub(crate) struct Container {
    /// Whether a key was refused. What is missing may be meant by it.
    pub(crate) has_errors: bool,
    pub(crate) endpoint: Option<LitStr>,
    pub(crate) lookup_field: Option<LitStr>,
    pub(crate) pagination: Option<(Paginator, Span)>,
    pub(crate) page_size: Option<LitInt>,
    pub(crate) page_size_parameter: Option<LitStr>,
    pub(crate) filters: Option<Names>,
    pub(crate) idempotency_header: Option<LitStr>,
    pub(crate) json_api: Option<LitStr>,
    pub(crate) natural_key: Option<Names>,
    pub(crate) expand_parameter: Option<LitStr>,
    pub(crate) prefetch_parameter: Option<LitStr>,
    pub(crate) repeated_values: Option<Span>,
    pub(crate) small_table: Option<Span>,
    pub(crate) allow_extra: Option<Span>,
    pub(crate) nested: Option<Span>,
    pub(crate) related: Option<(Vec<Related>, Span)>,
    pub(crate) krate: Option<Path>,
}

/// `posts = Post::author` in `related(..)`, or `posts(Post::author, route = "posts")`: what the rows are called, their model, its field that
/// points here, and the nested route where they are read.
#[derive(Clone)]
pub(crate) struct Related {
    pub(crate) name: Ident,
    pub(crate) model: Path,
    pub(crate) field: Ident,
    pub(crate) route: Option<LitStr>,
}

/// Names in quotes: those of `filters(..)` and `natural_key(..)`.
pub(crate) struct Names {
    pub(crate) span: Span,
    pub(crate) names: Vec<LitStr>,
}

/// `#[api(..)]` on a field.
#[derive(Default)]
pub(crate) struct Field {
    pub(crate) primary_key: Option<Span>,
    pub(crate) read_only: Option<Span>,
    /// Whether the values are keys of rows of another model.
    pub(crate) relation: Option<Span>,
    /// The name of the query parameters that filter by it.
    pub(crate) filter: Option<LitStr>,
    /// What the values are, where their type does not tell, and where that was written.
    pub(crate) kind: Option<(Kind, Span)>,
    /// Whether a key was refused. What is missing may be meant by it.
    pub(crate) has_errors: bool,
}

/// What the values of a field are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Decimal,
}

/// The paginators by the names that they have in the attribute, which are those of the constructors too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paginator {
    LimitOffset,
    PageNumber,
    Cursor,
    Link,
    None,
}

impl Paginator {
    const NAMES: [&str; 5] = ["limit_offset", "page_number", "cursor", "link", "none"];

    fn parse(text: &LitStr) -> syn::Result<Self> {
        let name = text.value();
        Ok(match name.as_str() {
            "limit_offset" => Self::LimitOffset,
            "page_number" => Self::PageNumber,
            "cursor" => Self::Cursor,
            "link" => Self::Link,
            "none" => Self::None,
            _ => {
                let hint = keys::suggestion(&name, &Self::NAMES);
                return Err(syn::Error::new(
                    text.span(),
                    format!("unknown paginator `{name}`{hint}"),
                ));
            }
        })
    }
}

impl Container {
    pub(crate) fn parse(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut container = Self::default();
        let mut own = Errors::default();
        for_each_key(attrs, &mut own, |key, meta| {
            match key {
                "endpoint" => container.endpoint = Some(checked_endpoint(meta)?),
                "lookup_field" => {
                    container.lookup_field = Some(keys::text(meta, "lookup_field = \"slug\"")?);
                }
                "pagination" => {
                    let text = keys::text(meta, "pagination = \"limit_offset\"")?;
                    container.pagination = Some((Paginator::parse(&text)?, text.span()));
                }
                "page_size" => container.page_size = Some(rows(meta)?),
                "page_size_parameter" => {
                    let example = "page_size_parameter = \"page_size\"";
                    container.page_size_parameter = Some(parameter(meta, example)?);
                }
                "idempotency_header" => {
                    let example = "idempotency_header = \"Idempotency-Key\"";
                    container.idempotency_header = Some(keys::text(meta, example)?);
                }
                "expand_parameter" => {
                    let example = "expand_parameter = \"expand\"";
                    container.expand_parameter = Some(parameter(meta, example)?);
                }
                "prefetch_parameter" => {
                    let example = "prefetch_parameter = \"prefetch\"";
                    container.prefetch_parameter = Some(parameter(meta, example)?);
                }
                "json_api" => {
                    container.json_api = Some(keys::text(meta, "json_api = \"users\"")?);
                }
                "natural_key" => container.natural_key = Some(natural_key(meta)?),
                "filters" => container.filters = Some(filters(meta)?),
                "repeated_values" => {
                    keys::flag(meta)?;
                    container.repeated_values = Some(meta.path.span());
                }
                "small_table" => {
                    keys::flag(meta)?;
                    container.small_table = Some(meta.path.span());
                }
                "allow_extra" => {
                    keys::flag(meta)?;
                    container.allow_extra = Some(meta.path.span());
                }
                "nested" => {
                    keys::flag(meta)?;
                    container.nested = Some(meta.path.span());
                }
                "related" => container.related = Some((related(meta)?, meta.path.span())),
                "crate" => {
                    container.krate = Some(crate_path(meta)?);
                }
                // `filter` is more likely to be meant as `filters`.
                _ if ON_FIELD.contains(&key) && key != "filter" => {
                    return Err(meta.error(format!(
                        "`{key}` belongs on a field: put `#[api({key})]` above it"
                    )));
                }
                _ => return Err(unknown(key, meta, &ON_STRUCT)),
            }
            Ok(())
        });
        container.has_errors = !own.is_empty();
        errors.absorb(own);
        container
    }
}

impl Field {
    pub(crate) fn parse(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut field = Self::default();
        let mut own = Errors::default();
        for_each_key(attrs, &mut own, |key, meta| {
            match key {
                "primary_key" => field.primary_key = Some(meta.path.span()),
                "read_only" => field.read_only = Some(meta.path.span()),
                "relation" => field.relation = Some(meta.path.span()),
                "filter" => {
                    field.filter = Some(keys::text(meta, "filter = \"site_id\"")?);
                    return Ok(());
                }
                "text" => field.set_kind(Kind::Text, meta)?,
                "decimal" => field.set_kind(Kind::Decimal, meta)?,
                _ if ON_STRUCT.contains(&key) => {
                    return Err(
                        meta.error(format!("`{key}` belongs on the struct, not on a field"))
                    );
                }
                _ => return Err(unknown(key, meta, &ON_FIELD)),
            }
            keys::flag(meta)
        });
        field.has_errors = !own.is_empty();
        errors.absorb(own);
        field
    }

    fn set_kind(&mut self, kind: Kind, meta: &ParseNestedMeta<'_>) -> syn::Result<()> {
        match self.kind {
            Some((other, _)) if other != kind => {
                Err(meta.error("a field holds either `text` or `decimal`, not both"))
            }
            _ => {
                self.kind = Some((kind, meta.path.span()));
                Ok(())
            }
        }
    }

    /// Where the first key was written, if any was.
    pub(crate) fn span(&self) -> Option<Span> {
        self.primary_key
            .or(self.read_only)
            .or(self.relation)
            .or(self.filter.as_ref().map(Spanned::span))
            .or(self.kind.map(|(_, span)| span))
    }
}

fn unknown(key: &str, meta: &ParseNestedMeta<'_>, known: &[&str]) -> syn::Error {
    let hint = keys::suggestion(key, known);
    meta.error(format!("unknown key `{key}`{hint}"))
}

fn checked_endpoint(meta: &ParseNestedMeta<'_>) -> syn::Result<LitStr> {
    let endpoint = keys::text(meta, "endpoint = \"/api/v1/users/\"")?;
    match endpoint::refusal(&endpoint.value()) {
        None => Ok(endpoint),
        Some(why) => {
            let message = format!("the endpoint {why}; write a path such as \"/api/v1/users/\"");
            Err(syn::Error::new(endpoint.span(), message))
        }
    }
}

/// The name of a query parameter.
fn parameter(meta: &ParseNestedMeta<'_>, example: &str) -> syn::Result<LitStr> {
    let name = keys::text(meta, example)?;
    match name.value().is_empty() {
        false => Ok(name),
        true => Err(syn::Error::new(
            name.span(),
            "a query parameter must have a name",
        )),
    }
}

/// `crate = path::to::it`, or in quotes, as serde has it.
fn crate_path(meta: &ParseNestedMeta<'_>) -> syn::Result<Path> {
    let expected = "expected `crate = path::to::django_api_orm`";
    if !meta.input.peek(Token![=]) {
        return Err(meta.error(expected));
    }
    let value = meta.value()?;
    let span = value.span();
    let path = if value.peek(LitStr) {
        value
            .parse::<LitStr>()
            .and_then(|text| text.parse_with(Path::parse_mod_style))
    } else {
        value.call(Path::parse_mod_style)
    };
    path.map_err(|_| syn::Error::new(span, expected))
}

fn rows(meta: &ParseNestedMeta<'_>) -> syn::Result<LitInt> {
    let rows: LitInt = keys::value(meta, "page_size = 100")?;
    match rows.base10_parse::<u64>() {
        Ok(1..) => Ok(rows),
        _ => Err(syn::Error::new(
            rows.span(),
            "a page must have at least one row: `page_size = 100`",
        )),
    }
}

fn filters(meta: &ParseNestedMeta<'_>) -> syn::Result<Names> {
    let expected =
        "expected the server's filter parameters: `filters(\"id\", \"name__icontains\")`";
    names(meta, expected, "filter parameter", "filter")
}

/// `natural_key = "email"`, or `natural_key("tenant", "email")`.
fn natural_key(meta: &ParseNestedMeta<'_>) -> syn::Result<Names> {
    if meta.input.peek(Token![=]) {
        let name = keys::text(meta, "natural_key = \"email\"")?;
        return Ok(Names {
            span: meta.path.span(),
            names: vec![name],
        });
    }
    let expected = "expected the fields that tell a row from all others: `natural_key = \"email\"`, or `natural_key(\"tenant\", \"email\")`";
    let given = names(meta, expected, "field", "field")?;
    match given.names.is_empty() {
        true => Err(meta.error(expected)),
        false => Ok(given),
    }
}

/// Names in parentheses, each of a `thing`, which is called `short` where one is given twice.
fn names(
    meta: &ParseNestedMeta<'_>,
    expected: &str,
    thing: &str,
    short: &str,
) -> syn::Result<Names> {
    if !meta.input.peek(syn::token::Paren) {
        return Err(meta.error(expected));
    }
    let content;
    parenthesized!(content in meta.input);
    let names: Vec<LitStr> = match Punctuated::<LitStr, Token![,]>::parse_terminated(&content) {
        Ok(names) => names.into_iter().collect(),
        Err(error) => {
            // What is left unread would be a second error.
            content.parse::<TokenStream>()?;
            return Err(syn::Error::new(error.span(), expected));
        }
    };
    let mut seen = HashSet::new();
    for name in &names {
        if name.value().is_empty() {
            return Err(syn::Error::new(
                name.span(),
                format!("a {thing} must have a name"),
            ));
        }
        if !seen.insert(name.value()) {
            return Err(syn::Error::new(
                name.span(),
                format!("{short} `{}` is given twice", name.value()),
            ));
        }
    }
    Ok(Names {
        span: meta.path.span(),
        names,
    })
}

/// `related(posts = Post::author, ..)`.
fn related(meta: &ParseNestedMeta<'_>) -> syn::Result<Vec<Related>> {
    let expected = "expected what the rows are called, and the field that points here: `related(posts = Post::author)`, or \
                    `related(posts(Post::author, route = \"posts\"))`";
    if !meta.input.peek(syn::token::Paren) {
        return Err(meta.error(expected));
    }
    let content;
    parenthesized!(content in meta.input);
    let all = Punctuated::<Related, Token![,]>::parse_terminated_with(&content, one_related);
    let all: Vec<Related> = match all {
        Ok(all) => all.into_iter().collect(),
        Err(error) => {
            // What is left unread would be a second error.
            content.parse::<TokenStream>()?;
            return Err(syn::Error::new(error.span(), expected));
        }
    };
    let mut seen = HashSet::new();
    for Related { name, route, .. } in &all {
        if let Some(route) = route
            && let Some(why) = endpoint::refusal(&route.value())
        {
            let message = format!("the route {why}; write one below a row, such as \"posts\"");
            return Err(syn::Error::new(route.span(), message));
        }
        if !seen.insert(name.to_string()) {
            return Err(syn::Error::new(
                name.span(),
                format!("`{name}` is given twice"),
            ));
        }
    }
    Ok(all)
}

fn one_related(input: ParseStream<'_>) -> syn::Result<Related> {
    let name: Ident = input.parse()?;
    if !input.peek(syn::token::Paren) {
        input.parse::<Token![=]>()?;
        let (model, field) = field_of_model(input)?;
        return Ok(Related {
            name,
            model,
            field,
            route: None,
        });
    }
    let content;
    parenthesized!(content in input);
    let routed = field_and_route(&content);
    // What is left unread would be a second error.
    content.parse::<TokenStream>()?;
    let (model, field, route) = routed?;
    Ok(Related {
        name,
        model,
        field,
        route: Some(route),
    })
}

/// `Post::author, route = "posts"`.
fn field_and_route(input: ParseStream<'_>) -> syn::Result<(Path, Ident, LitStr)> {
    let (model, field) = field_of_model(input)?;
    input.parse::<Token![,]>()?;
    let key: Ident = input.parse()?;
    input.parse::<Token![=]>()?;
    let route = input.parse()?;
    input.parse::<Option<Token![,]>>()?;
    match key == "route" && input.is_empty() {
        true => Ok((model, field, route)),
        false => Err(syn::Error::new(key.span(), "no route")),
    }
}

/// `Post::author`.
fn field_of_model(input: ParseStream<'_>) -> syn::Result<(Path, Ident)> {
    let mut model = Path::parse_mod_style(input)?;
    let field = model.segments.pop().map(|last| last.ident);
    model.segments.pop_punct();
    match field {
        Some(field) if !model.segments.is_empty() => Ok((model, field)),
        _ => Err(input.error("no field")),
    }
}

fn for_each_key(
    attrs: &[Attribute],
    errors: &mut Errors,
    mut visit: impl FnMut(&str, &ParseNestedMeta<'_>) -> syn::Result<()>,
) {
    let mut seen = HashSet::new();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("api")) {
        if !matches!(attr.meta, Meta::List(_)) {
            errors.on(attr, "expected a list of keys: `#[api(..)]`");
            continue;
        }
        let parsed = attr.parse_nested_meta(|meta| {
            let key = keys::name(&meta);
            let done = visit(&key, &meta);
            if let Err(error) = done {
                errors.push(error);
            } else if !meta.input.is_empty() && !meta.input.peek(Token![,]) {
                errors.push(meta.input.error("expected `,`"));
            }
            if !seen.insert(key.clone()) {
                errors.push(meta.error(format!("`{key}` is given twice")));
            }
            keys::skip_rest(meta.input)
        });
        if let Err(error) = parsed {
            errors.push(error);
        }
    }
}
