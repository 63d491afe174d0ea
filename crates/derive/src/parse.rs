//! From the struct and its attributes to a plain [`Model`], or to every error that they hold.

use std::collections::HashMap;

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{Attribute, Data, DeriveInput, Fields, Generics, Visibility, ext::IdentExt};

use crate::{
    api_attributes::{self, Kind, Related},
    collection::{Collection, Declared, Marked, refuse_in_nested},
    errors::Errors,
    serde_attributes::{self, Names},
};

/// A struct that can be written out: everything in it is known to be right.
pub(crate) struct Model {
    pub(crate) vis: Visibility,
    pub(crate) ident: Ident,
    /// The path under which the generated code finds `django_api_orm`.
    pub(crate) krate: TokenStream,
    /// The fields that have a name on the wire, in the order of their declaration.
    pub(crate) fields: Vec<Field>,
    /// Names that are no fields are mistakes.
    pub(crate) takes_only_fields: bool,
    /// The rows that point at one of the model.
    pub(crate) related: Vec<Related>,
    /// `None` for an object nested in others.
    pub(crate) collection: Option<Collection>,
}

impl Model {
    /// The relations back that filters can name: those whose name is no field's.
    pub(crate) fn filtered_back(&self) -> impl Iterator<Item = &Related> {
        self.related.iter().filter(|related| {
            let name = related.name.unraw().to_string();
            let is_named = |field: &Field| field.name == name || field.wire.read_as == name;
            !name.contains("__") && !self.fields.iter().any(is_named)
        })
    }
}

/// A field with a name on the wire.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    pub(crate) docs: Vec<Attribute>,
    /// The type, with `Self` spelled out.
    pub(crate) ty: TokenStream,
    /// The name in Rust, without `r#`.
    pub(crate) name: String,
    pub(crate) wire: Names,
    pub(crate) access: Access,
    pub(crate) kind: Option<Kind>,
    pub(crate) is_relation: bool,
    pub(crate) filter: Option<syn::LitStr>,
    /// A relation that can be sent, and whose type is spelt `Vec<..>`.
    pub(crate) is_list: bool,
    /// What is sent has the form of the type.
    pub(crate) has_own_form: bool,
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
    /// Whether `F` has the field: `__` separates the parts of a lookup, so no lookup can name a field that holds it.
    pub(crate) fn can_be_named(&self) -> bool {
        !self.wire.read_as.contains("__")
    }
}

/// Reads a struct.
///
/// # Errors
/// All mistakes in it, combined.
pub(crate) fn model(input: &DeriveInput) -> syn::Result<Model> {
    let named = named_fields(input)?;
    let mut errors = Errors::default();
    refuse_generics(&input.generics, &mut errors);
    let api = api_attributes::Container::parse(&input.attrs, &mut errors);
    let serde = serde_attributes::Container::parse(&input.attrs, &mut errors);
    let (fields, marked) = fields(input, named, &serde, &mut errors);
    report_same_names(&fields, &mut errors);

    let takes_only_fields = !marked.has_flattened && api.allow_extra.is_none();
    let collection = if let Some(span) = api.nested {
        refuse_in_nested(&api, &marked, span, &mut errors);
        None
    } else {
        let declared = Declared {
            ident: &input.ident,
            fields: &fields,
            marked,
        };
        declared.collection(&api, &mut errors)
    };
    let related = related(&api, &fields, &mut errors);
    let krate = api
        .krate
        .map_or_else(|| quote!(::django_api_orm), ToTokens::into_token_stream);
    errors.finish(Model {
        vis: input.vis.clone(),
        ident: input.ident.clone(),
        krate,
        fields,
        takes_only_fields,
        related,
        collection,
    })
}

/// The relations back, whose methods must not be those of other relations.
fn related(api: &api_attributes::Container, fields: &[Field], errors: &mut Errors) -> Vec<Related> {
    let related = api.related.iter().flat_map(|(related, _)| related);
    for Related { name, .. } in related.clone() {
        let is_same = |field: &Field| field.is_relation && field.ident == *name;
        if fields.iter().any(is_same) {
            let message =
                format!("`{name}` is a relation of its own already: call these rows otherwise");
            errors.at(name.span(), message);
        }
    }
    related.cloned().collect()
}

fn refuse_generics(generics: &Generics, errors: &mut Errors) {
    if generics.params.is_empty() {
        return;
    }
    let only_lifetimes = generics.params.len() == generics.lifetimes().count();
    let message = if only_lifetimes {
        "a model cannot borrow: its rows outlive the answer that they are read from. Use owned types, such as `String` for `&str`"
    } else {
        "a model cannot be generic: its endpoint has rows of one type. Write one struct per type of row; a field can have any \
         type, generic ones too"
    };
    errors.on(generics, message);
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

fn fields(
    input: &DeriveInput,
    named: &syn::FieldsNamed,
    container: &serde_attributes::Container,
    errors: &mut Errors,
) -> (Vec<Field>, Marked) {
    let mut fields = Vec::new();
    let mut marked = Marked::default();
    for field in &named.named {
        let Some(ident) = &field.ident else { continue };
        let name = ident.unraw().to_string();
        let serde = serde_attributes::Field::parse(&field.attrs);
        let api = api_attributes::Field::parse(&field.attrs, errors);
        marked.has_errors |= api.has_errors;
        if let Some(span) = api.primary_key {
            if let Some((first, _)) = &marked.field {
                errors.at(
                    span,
                    format!("`{name}` is a second primary key beside `{first}`; a model has one"),
                );
            } else {
                marked.field = Some((name.clone(), span));
            }
        }
        marked.has_flattened |= serde.flatten && !serde.is_skipped();
        if serde.is_skipped() || serde.flatten {
            if let Some(span) = api.span() {
                let why = if serde.flatten {
                    format!("serde flattens `{name}`, so it has no name of its own")
                } else {
                    format!("serde skips `{name}`")
                };
                errors.at(span, format!("this has no effect: {why}"));
            }
            continue;
        }
        let wire = serde.names(&name, container);
        let access = if serde.skip_deserializing {
            if let Some(span) = api.primary_key.or(api.read_only).or(api.relation) {
                errors.at(span, format!("`{name}` has `#[serde(skip_deserializing)]`, so it is never received and can only be sent"));
            }
            Access::WriteOnly
        } else if serde.skip_serializing || api.read_only.is_some() {
            Access::ReadOnly
        } else {
            Access::Both
        };
        if let Some(span) = api.relation {
            marked.relation.get_or_insert(span);
            if wire.read_as.contains("__") {
                errors.at(span, format!("`{}` holds `__`, which separates the parts of a lookup, so no relation can be named by it", wire.read_as));
            }
        }
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
            kind: api.kind.map(|(kind, _)| kind),
            is_relation: api.relation.is_some(),
            filter: api.filter.clone(),
            is_list: api.relation.is_some() && access != Access::ReadOnly && is_vec(&field.ty),
            has_own_form: !serde.is_written_otherwise,
        });
    }
    (fields, marked)
}

fn is_vec(ty: &syn::Type) -> bool {
    let syn::Type::Path(ty) = ty else {
        return false;
    };
    let last = ty.path.segments.last();
    last.is_some_and(|segment| segment.ident == "Vec")
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
    let mut read: HashMap<&str, &Field> = HashMap::new();
    let mut sent: HashMap<&str, &Field> = HashMap::new();
    for field in fields {
        let Names {
            read_as, sent_as, ..
        } = &field.wire;
        let first = read
            .insert(read_as, field)
            .map(|first| (first, read_as))
            .or(sent.insert(sent_as, field).map(|first| (first, sent_as)));
        if let Some((first, wire)) = first {
            let message = format!(
                "`{}` and `{}` are both `{wire}` on the wire",
                first.name, field.name
            );
            errors.at(field.ident.span(), message);
        }
    }
}
