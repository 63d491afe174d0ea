//! From a [`Model`] to code. Every path is absolute, so that the code means the same whatever is in scope where it lands.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{ext::IdentExt, spanned::Spanned};

use crate::{
    api_attributes::{Kind, Paginator, Related},
    collection::{Collection, Pagination},
    parse::{Access, Field, Model},
    serde_attributes::Names,
};

/// Everything that the derive writes for a model.
pub(crate) fn model(model: &Model) -> TokenStream {
    let schema = schema(model);
    let api_model = model
        .collection
        .as_ref()
        .map(|collection| api_model(model, collection));
    let fields = fields_struct(model);
    let relations = relations(model);
    quote! {
        #schema
        #api_model
        #fields
        #relations
    }
}

/// Lints about the user's own choices (a private type in a field, a name in another case) must not fire again in generated
/// code.
fn silence() -> TokenStream {
    quote! {
        #[allow(
            dead_code,
            deprecated,
            non_camel_case_types,
            non_snake_case,
            private_bounds,
            private_interfaces,
            unreachable_pub,
            unused_qualifications,
            clippy::all,
            clippy::nursery,
            clippy::pedantic
        )]
    }
}

fn schema(model: &Model) -> TokenStream {
    let Model { ident, krate, .. } = model;
    let name = ident.unraw().to_string();
    let silence = silence();
    let takes_only_fields = model.takes_only_fields;
    let fields = model.fields.iter().map(|field| {
        let Names {
            read_as,
            also_read_as,
            sent_as,
        } = &field.wire;
        let sent_as = (sent_as != read_as).then(|| quote!(.with_sent_as(#sent_as)));
        let also = (!also_read_as.is_empty()).then(
            || quote!(.with_also_read_as::<&'static ::core::primitive::str>([#(#also_read_as),*])),
        );
        let access = match field.access {
            Access::Both => None,
            Access::ReadOnly => Some(quote!(.read_only())),
            Access::WriteOnly => Some(quote!(.write_only())),
        };
        let kind = field.kind.map(|kind| match kind {
            Kind::Text => quote!(.with_kind(#krate::Kind::Text)),
            Kind::Decimal => quote!(.with_kind(#krate::Kind::Decimal)),
        });
        let filter = field
            .filter
            .as_ref()
            .map(|name| quote!(.with_filtered_as(#name)));
        let ty = &field.ty;
        let meta =
            quote!(#krate::FieldMeta::typed::<#ty>(#read_as) #sent_as #also #access #kind #filter);
        match field.has_own_form {
            true => quote!(#krate::described::Typed::<#ty>::TYPE.describe(#meta)),
            false => meta,
        }
    });
    quote! {
        #[automatically_derived]
        #silence
        impl #krate::Schema for #ident {
            const NAME: &'static ::core::primitive::str = #name;

            fn fields() -> ::std::vec::Vec<#krate::FieldMeta> {
                #[allow(unused_imports)]
                use #krate::described::Plain as _;
                ::std::vec![#(#fields),*]
            }

            fn takes_only_fields() -> ::core::primitive::bool {
                #takes_only_fields
            }
        }
    }
}

fn api_model(model: &Model, collection: &Collection) -> TokenStream {
    let Model { ident, krate, .. } = model;
    let name = ident.unraw().to_string();
    let silence = silence();
    let Collection {
        endpoint,
        primary_key,
        lookup_field,
        pagination,
        idempotency_header,
        json_api,
        repeated_values,
        small_table,
        natural_key,
        filters,
        expand_parameter,
        prefetch_parameter,
    } = collection;
    let relations = declared_relations(model);
    let only_fields = (model.takes_only_fields).then(|| quote!(.with_only_fields()));
    let key = key_type(&primary_key.ty, krate);
    let primary_key = &primary_key.wire;
    let lookup_field = lookup_field
        .as_ref()
        .map(|name| quote!(.with_lookup_field(#name)));
    let pagination = pagination.as_ref().map(|pagination| {
        let pagination = self::pagination(model, pagination);
        quote!(.with_pagination(#pagination))
    });
    let idempotency_header = idempotency_header
        .as_ref()
        .map(|name| quote!(.with_idempotency_header(#name)));
    let json_api = json_api.as_ref().map(|resource_type| {
        quote!(.with_json_api(
            #krate::JsonApi::new(#resource_type).keyed_by::<<#ident as #krate::ApiModel>::Key>()
        ))
    });
    let repeated_values = repeated_values.then(|| quote!(.with_repeated_values()));
    let small_table = small_table.then(|| quote!(.with_small_table()));
    let natural_key = (!natural_key.is_empty())
        .then(|| quote!(.with_natural_key::<&'static ::core::primitive::str>([#(#natural_key),*])));
    let filters = filters
        .as_ref()
        .map(|names| quote!(.with_filters::<&'static ::core::primitive::str>([#(#names),*])));
    let expand_parameter = expand_parameter
        .as_ref()
        .map(|name| quote!(.with_expand_parameter(#name)));
    let prefetch_parameter = prefetch_parameter
        .as_ref()
        .map(|name| quote!(.with_rows_beside(#name)));
    quote! {
        #[automatically_derived]
        #silence
        impl #krate::ApiModel for #ident {
            type Key = #key;

            fn meta() -> &'static ::std::sync::Arc<#krate::ModelMeta> {
                static META: ::std::sync::LazyLock<::std::sync::Arc<#krate::ModelMeta>> = ::std::sync::LazyLock::new(|| {
                    ::std::sync::Arc::new(
                        #krate::ModelMeta::new(#name, #endpoint)
                            .with_primary_key(#primary_key)
                            .with_fields(<#ident as #krate::Schema>::fields())
                            #lookup_field
                            #pagination
                            #idempotency_header
                            #json_api
                            #repeated_values
                            #small_table
                            #natural_key
                            #filters
                            #expand_parameter
                            #prefetch_parameter
                            #only_fields
                            #relations
                    )
                });
                &META
            }
        }
    }
}

/// The relations in the description of the model. A field that rows have under the name of a relation back hides it.
fn declared_relations(model: &Model) -> Option<TokenStream> {
    let Model { ident, krate, .. } = model;
    let forward = (model.fields.iter())
        .filter(|field| field.is_relation && field.can_be_named())
        .map(|field| {
            let (name, ty) = (&field.ident, &field.ty);
            quote_spanned!(ty.span()=> #krate::related::declared(#ident::F.#name))
        });
    let back = model.filtered_back().map(|related| {
        let Related {
            name, model, field, ..
        } = related;
        let head = name.unraw().to_string();
        quote!(#krate::related::declared_back(#head, #model::F.#field))
    });
    let relations: Vec<TokenStream> = forward.chain(back).collect();
    (!relations.is_empty()).then(|| quote!(.with_relations(::std::vec![#(#relations),*])))
}

/// The type of a key as which the struct holds `ty`. The span makes a type that cannot be a key be underlined where it
/// stands in the struct.
fn key_type(ty: &TokenStream, krate: &TokenStream) -> TokenStream {
    quote_spanned!(ty.span()=> <#ty as #krate::KeyField>::Key)
}

fn pagination(model: &Model, pagination: &Pagination) -> TokenStream {
    let krate = &model.krate;
    let constructor = match pagination.paginator {
        Paginator::LimitOffset => quote!(limit_offset),
        Paginator::PageNumber => quote!(page_number),
        Paginator::Cursor => quote!(cursor),
        Paginator::Link => quote!(link),
        Paginator::None => quote!(none),
    };
    let size_parameter = pagination
        .size_parameter
        .as_ref()
        .map(|name| quote!(.with_size_parameter(#name)));
    let page_size = pagination.page_size.as_ref().map(|rows| {
        let rows = rows.base10_digits().parse::<u64>().unwrap_or(u64::MAX);
        quote!(.with_page_size(#rows))
    });
    quote!(#krate::Pagination::#constructor() #size_parameter #page_size)
}

/// `UserFields`, and `User::F`, the only value of it.
fn fields_struct(model: &Model) -> TokenStream {
    let Model {
        vis, ident, krate, ..
    } = model;
    let silence = silence();
    let fields_ident = format_ident!("{}Fields", ident);
    let named: Vec<&Field> = model
        .fields
        .iter()
        .filter(|field| field.can_be_named())
        .collect();
    let primary_key = model
        .collection
        .as_ref()
        .map(|collection| collection.primary_key.name.as_str());
    let declarations = named.iter().map(|field| {
        let Field {
            ident: field_ident,
            docs,
            ty,
            ..
        } = field;
        let ty = if primary_key == Some(field.name.as_str()) {
            key_type(ty, krate)
        } else {
            quote!(#ty)
        };
        let Names {
            read_as, sent_as, ..
        } = &field.wire;
        let on_the_wire = if read_as == sent_as {
            format!("`{read_as}` on the wire.")
        } else {
            format!("`{read_as}` in rows and filters, `{sent_as}` when it is sent.")
        };
        let gap = (!docs.is_empty()).then(|| quote!(#[doc = ""]));
        quote! {
            #(#docs)*
            #gap
            #[doc = #on_the_wire]
            pub #field_ident: #krate::Field<#ident, #ty>
        }
    });
    let back = model.filtered_back().map(|related| {
        let Related { name, model, .. } = related;
        let doc = format!(
            "The rows of another model that point at one of these, for filters: `{}__..` on the wire.",
            name.unraw()
        );
        quote! {
            #[doc = #doc]
            pub #name: #krate::Field<#ident, #krate::Back<#model>>
        }
    });
    let declarations = declarations.chain(back);
    let values = named.iter().map(|field| {
        let Field { ident, wire, .. } = field;
        let Names {
            read_as, sent_as, ..
        } = wire;
        if read_as == sent_as {
            quote!(#ident: #krate::Field::new(#read_as))
        } else {
            quote!(#ident: #krate::Field::renamed(#read_as, #sent_as))
        }
    });
    let back = model.filtered_back().map(|Related { name, .. }| {
        let head = name.unraw().to_string();
        quote!(#name: #krate::Field::new(#head))
    });
    let values = values.chain(back);
    let struct_doc =
        format!("The fields of [`{ident}`], as filters, orders and assignments name them.");
    let const_doc = match named.first() {
        Some(first) => format!(
            "The fields, as filters, orders and assignments name them: `{ident}::F.{}`.",
            first.ident
        ),
        None => "The fields, as filters, orders and assignments name them.".to_owned(),
    };
    quote! {
        #[doc = #struct_doc]
        #[derive(::core::clone::Clone, ::core::fmt::Debug)]
        #[non_exhaustive]
        #silence
        #vis struct #fields_ident {
            #(#declarations,)*
        }

        #silence
        impl #ident {
            #[doc = #const_doc]
            #vis const F: #fields_ident = #fields_ident { #(#values,)* };
        }
    }
}

/// `PostRelations`, whose methods lead from an instance to related rows: a trait, because instances are not the model's own.
fn relations(model: &Model) -> Option<TokenStream> {
    let Model {
        vis, ident, krate, ..
    } = model;
    let silence = silence();
    let forward = (model.fields.iter()).filter(|field| field.is_relation);
    let forward = forward.map(|field| {
        let (name, ty) = (&field.ident, &field.ty);
        let first = format!("What `{}` points at.", field.name);
        let changed = field.is_list.then(|| {
            let (changed, first) = (
                format_ident!("{}_mut", name.unraw()),
                format!("The list of keys in `{}`, to be changed on the server.", field.name),
            );
            quote_spanned! {ty.span()=>
                #[doc = #first]
                fn #changed(
                    &mut self,
                ) -> <Self as #krate::related::FollowMut>::Keys<
                    '_,
                    <#ty as #krate::related::Relates>::Model,
                    <#ty as #krate::related::Relates>::Form,
                >
                where
                    Self: #krate::related::FollowMut,
                {
                    #krate::related::FollowMut::follow_mut(self, #ident::F.#name)
                }
            }
        });
        // A type that points at nothing is underlined where it stands in the struct.
        quote_spanned! {ty.span()=>
            #[doc = #first]
            #[doc = ""]
            #[doc = "One request; none for rows that were read before, or that the server has shown whole."]
            #[track_caller]
            fn #name(&self) -> #krate::related::Followed<Self, #ty> {
                #krate::related::Follow::follow(self, #ident::F.#name, |row| &row.#name)
            }

            #changed
        }
    });
    let back = model.related.iter().map(|related| {
        let Related {
            name,
            model,
            field,
            route,
        } = related;
        let by = field.unraw();
        let first = match route {
            Some(route) => format!(
                "The rows that point at this one by their `{by}`, at the nested route `{}`.",
                route.value()
            ),
            None => format!("The rows that point at this one by their `{by}`."),
        };
        let found = match route {
            Some(route) => quote!(back_at(self, #model::F.#field, #route)),
            None => quote!(back(self, #model::F.#field)),
        };
        quote! {
            #[doc = #first]
            fn #name(&self) -> <Self as #krate::related::Follow>::Manager<#model> {
                #krate::related::Follow::#found
            }
        }
    });
    let methods: Vec<TokenStream> = forward.chain(back).collect();
    if methods.is_empty() {
        return None;
    }
    let name = format_ident!("{}Relations", ident);
    let doc = format!("The relations of [`{ident}`], as methods of its instances.");
    Some(quote! {
        #[doc = #doc]
        #silence
        #vis trait #name: #krate::related::Follow<Model = #ident> {
            #(#methods)*
        }

        #[automatically_derived]
        #silence
        impl<Row: #krate::related::Follow<Model = #ident>> #name for Row {}
    })
}
