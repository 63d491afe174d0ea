//! From the struct and its attributes to a plain [`Model`], or to every error that they hold.

use std::collections::HashMap;

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{
    Attribute, Data, DeriveInput, Fields, LitInt, LitStr, Visibility, ext::IdentExt,
    spanned::Spanned,
};

use crate::{
    api_attributes::{self, Paginator},
    errors::Errors,
    keys, serde_attributes,
};

/// A struct that can be written out: everything in it is known to be right.
pub(crate) struct Model {
    pub(crate) vis: Visibility,
    pub(crate) ident: Ident,
    /// The path under which the generated code finds `django_api_orm`.
    pub(crate) krate: TokenStream,
    /// The fields that have a name on the wire, in the order of their declaration.
    pub(crate) fields: Vec<Field>,
    /// `None` for an object nested in others.
    pub(crate) collection: Option<Collection>,
}

/// A field with a name on the wire.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    pub(crate) docs: Vec<Attribute>,
    /// The type, with `Self` spelled out.
    pub(crate) ty: TokenStream,
    /// The name in Rust, without `r#`.
    pub(crate) name: String,
    pub(crate) wire: String,
    pub(crate) access: Access,
}

/// In which directions a field travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Both,
    /// Never sent.
    ReadOnly,
    /// Never received.
    WriteOnly,
}

impl Field {
    /// Whether the field stands in `F`: only what is received can be compared, and `__` separates the parts of a lookup.
    pub(crate) fn can_be_named(&self) -> bool {
        self.access != Access::WriteOnly && !self.wire.contains("__")
    }
}

/// Where the rows live.
pub(crate) struct Collection {
    pub(crate) endpoint: LitStr,
    pub(crate) primary_key: PrimaryKey,
    /// The wire name of the field in the URL of a row, where one is declared.
    pub(crate) lookup_field: Option<String>,
    pub(crate) pagination: Option<Pagination>,
    pub(crate) filters: Option<Vec<LitStr>>,
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

/// Reads a struct.
///
/// # Errors
/// All mistakes in it, combined.
pub(crate) fn model(input: &DeriveInput) -> syn::Result<Model> {
    let named = named_fields(input)?;
    let mut errors = Errors::default();
    if !input.generics.params.is_empty() {
        errors.on(
            &input.generics,
            "a model cannot be generic: its endpoint has rows of one type. Write one struct per type of row; a field can \
             have any type, generic ones too",
        );
    }
    let api = api_attributes::Container::parse(&input.attrs, &mut errors);
    let serde = serde_attributes::Container::parse(&input.attrs, &mut errors);
    let (fields, marked) = fields(input, named, &serde, &mut errors);
    report_same_names(&fields, &mut errors);

    let collection = if let Some(span) = api.nested {
        refuse_in_nested(&api, marked.as_ref(), span, &mut errors);
        None
    } else {
        let declared = Declared {
            ident: &input.ident,
            fields: &fields,
            marked,
        };
        declared.collection(&api, &mut errors)
    };
    let krate = api
        .krate
        .map_or_else(|| quote!(::django_api_orm), ToTokens::into_token_stream);
    errors.finish(Model {
        vis: input.vis.clone(),
        ident: input.ident.clone(),
        krate,
        fields,
        collection,
    })
}

fn named_fields(input: &DeriveInput) -> syn::Result<&syn::FieldsNamed> {
    let found = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) => return Ok(named),
            Fields::Unnamed(_) => "a tuple struct, whose fields have no names",
            Fields::Unit => "a unit struct, which has no fields",
        },
        Data::Enum(_) => "an enum; as the type of a field it needs only serde's derives",
        Data::Union(_) => "a union",
    };
    let message = format!(
        "`ApiModel` is derived for structs with named fields; `{}` is {found}",
        input.ident
    );
    Err(syn::Error::new(input.ident.span(), message))
}

/// The field that carries `#[api(primary_key)]`.
struct Marked {
    name: String,
    span: Span,
}

fn fields(
    input: &DeriveInput,
    named: &syn::FieldsNamed,
    container: &serde_attributes::Container,
    errors: &mut Errors,
) -> (Vec<Field>, Option<Marked>) {
    let mut fields = Vec::new();
    let mut marked: Option<Marked> = None;
    for field in &named.named {
        let Some(ident) = &field.ident else { continue };
        let name = ident.unraw().to_string();
        let serde = serde_attributes::Field::parse(&field.attrs);
        let api = api_attributes::Field::parse(&field.attrs, errors);
        if let Some(span) = api.primary_key {
            if let Some(first) = &marked {
                let first = &first.name;
                errors.at(
                    span,
                    format!("`{name}` is a second primary key beside `{first}`; a model has one"),
                );
            } else {
                marked = Some(Marked {
                    name: name.clone(),
                    span,
                });
            }
        }
        if serde.is_skipped() || serde.flatten {
            if let Some(span) = api.span() {
                let why = if serde.flatten {
                    "flattened, so it has no name of its own"
                } else {
                    "skipped"
                };
                errors.at(
                    span,
                    format!("this has no effect: serde sees `{name}` as {why} in the row"),
                );
            }
            continue;
        }
        let wire = serde.wire_name(&name, container).unwrap_or_else(|error| {
            errors.push(error);
            name.clone()
        });
        let access = if serde.skip_deserializing {
            if let Some(span) = api.span() {
                errors.at(span, format!("`{name}` has `#[serde(skip_deserializing)]`, so it is never received and can only be sent"));
            }
            Access::WriteOnly
        } else if serde.skip_serializing || api.read_only.is_some() {
            Access::ReadOnly
        } else {
            Access::Both
        };
        let docs = field
            .attrs
            .iter()
            .filter(|attr| attr.path().is_ident("doc"))
            .cloned()
            .collect();
        let ty = spell_out_self(field.ty.to_token_stream(), &input.ident);
        fields.push(Field {
            ident: ident.clone(),
            docs,
            ty,
            name,
            wire,
            access,
        });
    }
    (fields, marked)
}

/// A type that is repeated outside the struct cannot say `Self`.
fn spell_out_self(tokens: TokenStream, ident: &Ident) -> TokenStream {
    tokens
        .into_iter()
        .map(|token| match token {
            TokenTree::Ident(word) if word == "Self" => {
                let mut ident = ident.clone();
                ident.set_span(word.span());
                TokenTree::Ident(ident)
            }
            TokenTree::Group(group) => {
                let mut spelled =
                    Group::new(group.delimiter(), spell_out_self(group.stream(), ident));
                spelled.set_span(group.span());
                TokenTree::Group(spelled)
            }
            other => other,
        })
        .collect()
}

fn report_same_names(fields: &[Field], errors: &mut Errors) {
    let mut seen: HashMap<&str, &Field> = HashMap::new();
    for field in fields {
        if let Some(first) = seen.insert(&field.wire, field) {
            let message = format!(
                "`{}` and `{}` are both `{}` on the wire",
                first.name, field.name, field.wire
            );
            errors.at(field.ident.span(), message);
        }
    }
}

fn refuse_in_nested(
    api: &api_attributes::Container,
    marked: Option<&Marked>,
    nested: Span,
    errors: &mut Errors,
) {
    if let Some(endpoint) = &api.endpoint {
        errors.at(
            nested,
            format!("`nested` means: no endpoint of its own, but this has {:?}. A model with an endpoint can be nested in others without `nested`", endpoint.value()),
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
        ("primary_key", marked.map(|marked| marked.span)),
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
struct Declared<'a> {
    ident: &'a Ident,
    fields: &'a [Field],
    marked: Option<Marked>,
}

impl Declared<'_> {
    fn collection(
        &self,
        api: &api_attributes::Container,
        errors: &mut Errors,
    ) -> Option<Collection> {
        if !api.has_endpoint {
            errors.at(
                self.ident.span(),
                format!(
                    "`{}` has no endpoint: add `#[api(endpoint = \"/api/v1/..../\")]`, or `#[api(nested)]` if it is an object inside \
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
        let pagination = pagination(api, errors);
        Some(Collection {
            endpoint: api.endpoint.clone()?,
            primary_key: primary_key?,
            lookup_field,
            pagination,
            filters: api.filters.as_ref().map(|filters| filters.names.clone()),
        })
    }

    fn primary_key(&self, errors: &mut Errors) -> Option<PrimaryKey> {
        let name = self.marked.as_ref().map_or("id", |marked| &marked.name);
        let found = self.fields.iter().find(|field| field.name == name);
        match (found, &self.marked) {
            (Some(Field { access: Access::WriteOnly, .. }), None) => errors.at(
                self.ident.span(),
                format!("the primary key `{name}` of `{}` has `#[serde(skip_deserializing)]`, but a row needs its key", self.ident),
            ),
            (Some(key), _) => return Some(PrimaryKey { name: key.name.clone(), wire: key.wire.clone(), ty: key.ty.clone() }),
            // A marked field that is not there was reported where it is marked.
            (None, Some(_)) => {}
            (None, None) => errors.at(
                self.ident.span(),
                format!("`{}` has no primary key among the fields that serde reads: name one `id`, or put `#[api(primary_key)]` on the field that is the key", self.ident),
            ),
        }
        None
    }

    /// A field by its name in Rust, else by its name on the wire.
    fn lookup_field(&self, name: &LitStr, errors: &mut Errors) -> Option<String> {
        let wanted = name.value();
        let by_name = self.fields.iter().find(|field| field.name == wanted);
        let found = by_name.or_else(|| self.fields.iter().find(|field| field.wire == wanted));
        match found {
            Some(field) if field.access == Access::WriteOnly => {
                errors.at(
                    name.span(),
                    format!("`{wanted}` is never received, so no URL can be made from it"),
                );
            }
            Some(field) => return Some(field.wire.clone()),
            None => {
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
        }
        None
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
