//! What `#[derive(ApiModel)]` writes: the description of a model, its wire names, its keys and its fields.

/// Public, so that lints take what is public in it for exported.
pub mod derive {
    mod example;
    mod fields;
    mod keys;
    mod meta;
    mod names;
    pub mod quiet;
}
