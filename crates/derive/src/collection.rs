//! From the attributes of a model to its [`Collection`]: endpoint, keys, paginator, filters.

use proc_macro2::{Ident, Span, TokenStream};
use syn::{LitInt, LitStr, spanned::Spanned};

use crate::{
    api_attributes::{self, Paginator},
    errors::Errors,
    keys,
    parse::{Access, Field},
};

/// Where the rows live.
pub(crate) struct Collection {
    pub(crate) endpoint: LitStr,
    pub(crate) primary_key: PrimaryKey,
    /// The wire name of the field in the URL of a row, where one is declared.
    pub(crate) lookup_field: Option<String>,
    pub(crate) pagination: Option<Pagination>,
    pub(crate) idempotency_header: Option<LitStr>,
    pub(crate) json_api: Option<LitStr>,
    pub(crate) repeated_values: bool,
    pub(crate) small_table: bool,
    /// The wire names of the fields that together tell a row from all others, where that is declared.
    pub(crate) natural_key: Vec<String>,
    pub(crate) filters: Option<Vec<LitStr>>,
    /// The query parameters by which related rows are asked for with the rows: in the place of their keys, and beside the rows.
    pub(crate) expand_parameter: Option<LitStr>,
    pub(crate) prefetch_parameter: Option<LitStr>,
}

/// The primary key's names, and the type as which the struct holds it.
pub(crate) struct PrimaryKey {
    pub(crate) name: String,
    pub(crate) wire: String,
    pub(crate) ty: TokenStream,
}

/// A declared paginator.
pub(crate) struct Pagination {
    pub(crate) paginator: Paginator,
    pub(crate) page_size: Option<LitInt>,
    pub(crate) size_parameter: Option<String>,
}

/// What the fields say about the primary key.
#[derive(Default)]
pub(crate) struct Marked {
    /// The name and the place of the field that carries `#[api(primary_key)]`.
    pub(crate) field: Option<(String, Span)>,
    /// The place of the first `#[api(relation)]`.
    pub(crate) relation: Option<Span>,
    /// Whether a key of a field was refused, which may be meant as `primary_key`.
    pub(crate) has_errors: bool,
    /// Whether a field is flattened, whose names are not known.
    pub(crate) has_flattened: bool,
}

/// Reports what only a model with an endpoint can have.
pub(crate) fn refuse_in_nested(
    api: &api_attributes::Container,
    marked: &Marked,
    nested: Span,
    errors: &mut Errors,
) {
    if let Some(endpoint) = &api.endpoint {
        errors.at(
            nested,
            format!("a `nested` model has no endpoint of its own, but this one has {:?}; a model with an endpoint can be nested in others without `nested`", endpoint.value()),
        );
    }
    let collection_keys = [
        ("lookup_field", api.lookup_field.as_ref().map(Spanned::span)),
        ("pagination", api.pagination.as_ref().map(|(_, span)| *span)),
        ("page_size", api.page_size.as_ref().map(Spanned::span)),
        (
            "page_size_parameter",
            api.page_size_parameter.as_ref().map(Spanned::span),
        ),
        ("filters", api.filters.as_ref().map(|filters| filters.span)),
        ("related", api.related.as_ref().map(|(_, span)| *span)),
        ("relation", marked.relation),
        (
            "idempotency_header",
            api.idempotency_header.as_ref().map(Spanned::span),
        ),
        ("json_api", api.json_api.as_ref().map(Spanned::span)),
        ("repeated_values", api.repeated_values),
        ("small_table", api.small_table),
        (
            "natural_key",
            api.natural_key.as_ref().map(|names| names.span),
        ),
        (
            "expand_parameter",
            api.expand_parameter.as_ref().map(Spanned::span),
        ),
        (
            "prefetch_parameter",
            api.prefetch_parameter.as_ref().map(Spanned::span),
        ),
        ("primary_key", marked.field.as_ref().map(|(_, span)| *span)),
    ];
    for (key, span) in collection_keys {
        if let Some(span) = span {
            errors.at(
                span,
                format!("`{key}` is for models with an endpoint; this one is `nested`"),
            );
        }
    }
}

/// What is declared so far, to find fields by name.
pub(crate) struct Declared<'a> {
    pub(crate) ident: &'a Ident,
    pub(crate) fields: &'a [Field],
    pub(crate) marked: Marked,
}

impl Declared<'_> {
    /// What the attributes say about the endpoint; `None` after an error.
    pub(crate) fn collection(
        &self,
        api: &api_attributes::Container,
        errors: &mut Errors,
    ) -> Option<Collection> {
        if api.endpoint.is_none() && !api.has_errors {
            errors.at(
                self.ident.span(),
                format!(
                    "`{}` has no endpoint: add `#[api(endpoint = \"/api/v1/users/\")]`, or `#[api(nested)]` if it is an object inside \
                     other models",
                    self.ident
                ),
            );
        }
        let primary_key = self.primary_key(errors);
        let lookup_field = api
            .lookup_field
            .as_ref()
            .and_then(|name| self.lookup_field(name, errors));
        let natural_key = (api.natural_key.iter().flat_map(|key| &key.names))
            .filter_map(|name| self.part_of_natural_key(name, errors))
            .collect();
        let pagination = pagination(api, errors);
        Some(Collection {
            endpoint: api.endpoint.clone()?,
            primary_key: primary_key?,
            lookup_field,
            pagination,
            idempotency_header: api.idempotency_header.clone(),
            json_api: api.json_api.clone(),
            repeated_values: api.repeated_values.is_some(),
            small_table: api.small_table.is_some(),
            natural_key,
            filters: api.filters.as_ref().map(|filters| filters.names.clone()),
            expand_parameter: api.expand_parameter.clone(),
            prefetch_parameter: api.prefetch_parameter.clone(),
        })
    }

    fn primary_key(&self, errors: &mut Errors) -> Option<PrimaryKey> {
        let name = self.marked.field.as_ref().map_or("id", |(name, _)| name);
        let found = self.fields.iter().find(|field| field.name == name);
        match (found, &self.marked.field) {
            (Some(Field { access: Access::WriteOnly, .. }), None) => errors.at(
                self.ident.span(),
                format!("the primary key `{name}` of `{}` has `#[serde(skip_deserializing)]`, but a row needs its key", self.ident),
            ),
            (Some(key), _) => return Some(PrimaryKey { name: key.name.clone(), wire: key.wire.read_as.clone(), ty: key.ty.clone() }),
            // A marked field that is not there was reported where it is marked.
            (None, Some(_)) => {}
            (None, None) if self.marked.has_errors => {}
            (None, None) => errors.at(
                self.ident.span(),
                format!("`{}` has no primary key among the fields that serde reads: name one `id`, or put `#[api(primary_key)]` on the field that is the key", self.ident),
            ),
        }
        None
    }

    fn lookup_field(&self, name: &LitStr, errors: &mut Errors) -> Option<String> {
        let field = self.named(name, errors)?;
        if field.access == Access::WriteOnly {
            errors.at(
                name.span(),
                format!(
                    "`{}` is never received, so no URL can be made from it",
                    name.value()
                ),
            );
            return None;
        }
        Some(field.wire.read_as.clone())
    }

    fn part_of_natural_key(&self, name: &LitStr, errors: &mut Errors) -> Option<String> {
        let field = self.named(name, errors)?;
        let never = match field.access {
            Access::Both => return Some(field.wire.read_as.clone()),
            Access::ReadOnly => "sent, so a new row cannot be looked up by it",
            Access::WriteOnly => "received, so no row shows it",
        };
        errors.at(name.span(), format!("`{}` is never {never}", name.value()));
        None
    }

    /// A field by its name in Rust, else by its name on the wire.
    fn named(&self, name: &LitStr, errors: &mut Errors) -> Option<&Field> {
        let wanted = name.value();
        let by_name = self.fields.iter().find(|field| field.name == wanted);
        let found = by_name.or_else(|| {
            self.fields
                .iter()
                .find(|field| field.wire.read_as == wanted)
        });
        if found.is_none() {
            let known: Vec<&str> = self
                .fields
                .iter()
                .map(|field| field.name.as_str())
                .collect();
            let hint = keys::suggestion(&wanted, &known);
            errors.at(
                name.span(),
                format!("`{}` has no field `{wanted}`{hint}", self.ident),
            );
        }
        found
    }
}

fn pagination(api: &api_attributes::Container, errors: &mut Errors) -> Option<Pagination> {
    let Some((paginator, _)) = api.pagination else {
        let size = api
            .page_size
            .as_ref()
            .map(|size| ("page_size", size.span()));
        let parameter = api
            .page_size_parameter
            .as_ref()
            .map(|text| ("page_size_parameter", text.span()));
        for (key, span) in size.into_iter().chain(parameter) {
            errors.at(
                span,
                format!("`{key}` needs `pagination`, which says how pages are asked for"),
            );
        }
        return None;
    };
    let asks = |key: &str| {
        format!("`{key}` is for endpoints that page; this one has `pagination = \"none\"`")
    };
    if paginator == Paginator::None {
        if let Some(size) = &api.page_size {
            errors.at(size.span(), asks("page_size"));
        }
        if let Some(parameter) = &api.page_size_parameter {
            errors.at(parameter.span(), asks("page_size_parameter"));
        }
    }
    let size_parameter = match (&api.page_size_parameter, &api.page_size, paginator) {
        (Some(parameter), _, _) => Some(parameter.value()),
        (None, Some(_), Paginator::PageNumber | Paginator::Cursor | Paginator::Link) => {
            Some("page_size".to_owned())
        }
        (None, _, _) => None,
    };
    Some(Pagination {
        paginator,
        page_size: api.page_size.clone(),
        size_parameter,
    })
}
