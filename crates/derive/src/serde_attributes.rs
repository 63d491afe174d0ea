//! What serde's own attributes say about names and directions. Mistakes in them are serde's to report, not ours.

use syn::{Attribute, LitStr, Token, meta::ParseNestedMeta};

use crate::{errors::Errors, keys, rename::Rename};

/// A name or a rule that serde lets differ between writing and reading.
#[derive(Default)]
struct Both {
    serialize: Option<LitStr>,
    deserialize: Option<LitStr>,
}

/// A field's names on the wire.
pub(crate) struct Names {
    pub(crate) read_as: String,
    /// Other names that rows may have it under.
    pub(crate) also_read_as: Vec<String>,
    pub(crate) sent_as: String,
}

/// `#[serde(..)]` on the struct.
#[derive(Default)]
pub(crate) struct Container {
    rename_all: Both,
}

/// `#[serde(..)]` on a field.
#[derive(Default)]
pub(crate) struct Field {
    rename: Both,
    aliases: Vec<LitStr>,
    skip: bool,
    pub(crate) skip_serializing: bool,
    pub(crate) skip_deserializing: bool,
    pub(crate) flatten: bool,
    /// The field is written by a function, in whatever form.
    pub(crate) is_written_otherwise: bool,
}

/// Keys that give a struct another shape on the wire than its fields, and what that shape is.
const OTHER_SHAPES: [(&str, &str); 7] = [
    (
        "transparent",
        "the row would be the value of its only field",
    ),
    ("tag", "the row would have a key that is not a field"),
    ("untagged", "the row would have one of several shapes"),
    ("from", "rows would be read as another type"),
    ("try_from", "rows would be read as another type"),
    ("into", "rows would be written as another type"),
    ("remote", "serde would be implemented for another type"),
];

impl Container {
    pub(crate) fn parse(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut container = Self::default();
        for_each_key(attrs, |key, meta| {
            if key == "rename_all" {
                container.rename_all = both(meta)?;
            } else if let Some((_, shape)) = OTHER_SHAPES.iter().find(|(other, _)| *other == key) {
                errors.on(
                    &meta.path,
                    format!("`#[serde({key})]` cannot be used on a model: {shape}, and `F` would name fields that the server does not have"),
                );
            }
            Ok(())
        });
        container
    }
}

impl Field {
    pub(crate) fn parse(attrs: &[Attribute]) -> Self {
        let mut field = Self::default();
        for_each_key(attrs, |key, meta| {
            match key {
                "rename" => field.rename = both(meta)?,
                "alias" => field.aliases.push(meta.value()?.parse()?),
                "skip" => field.skip = true,
                "skip_serializing" => field.skip_serializing = true,
                "skip_deserializing" => field.skip_deserializing = true,
                "flatten" => field.flatten = true,
                "with" | "serialize_with" => field.is_written_otherwise = true,
                _ => {}
            }
            Ok(())
        });
        field
    }

    /// Whether serde neither writes nor reads the field.
    pub(crate) fn is_skipped(&self) -> bool {
        self.skip || (self.skip_serializing && self.skip_deserializing)
    }

    /// The names that the field has on the wire.
    pub(crate) fn names(&self, rust: &str, container: &Container) -> Names {
        let name = |rename: &Option<LitStr>, all: &Option<LitStr>| match (rename, all) {
            (Some(name), _) => name.value(),
            (None, Some(rule)) => Rename::parse(&rule.value()).apply(rust),
            (None, None) => rust.to_owned(),
        };
        let sent_as = name(&self.rename.serialize, &container.rename_all.serialize);
        let read_as = name(&self.rename.deserialize, &container.rename_all.deserialize);
        if self.skip_deserializing {
            return Names {
                read_as: sent_as.clone(),
                sent_as,
                also_read_as: Vec::new(),
            };
        }
        Names {
            sent_as: if self.skip_serializing {
                read_as.clone()
            } else {
                sent_as
            },
            read_as,
            also_read_as: self.aliases.iter().map(LitStr::value).collect(),
        }
    }
}

/// `= "x"`, or `(serialize = "x", deserialize = "y")`.
fn both(meta: &ParseNestedMeta<'_>) -> syn::Result<Both> {
    if meta.input.peek(Token![=]) {
        let text: LitStr = meta.value()?.parse()?;
        return Ok(Both {
            serialize: Some(text.clone()),
            deserialize: Some(text),
        });
    }
    let mut both = Both::default();
    meta.parse_nested_meta(|meta| {
        match keys::name(&meta).as_str() {
            "serialize" => both.serialize = Some(meta.value()?.parse()?),
            // serde lets `deserialize` stand several times; the first is the name, the others are aliases.
            "deserialize" if both.deserialize.is_none() => {
                both.deserialize = Some(meta.value()?.parse()?);
            }
            _ => keys::skip_rest(meta.input)?,
        }
        Ok(())
    })?;
    Ok(both)
}

fn for_each_key(
    attrs: &[Attribute],
    mut visit: impl FnMut(&str, &ParseNestedMeta<'_>) -> syn::Result<()>,
) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("serde")) {
        // A malformed attribute is reported by serde's derive; twice would not help.
        let _ = attr.parse_nested_meta(|meta| {
            visit(&keys::name(&meta), &meta)?;
            keys::skip_rest(meta.input)
        });
    }
}
