//! The library of the reference site, on Django: books that point at writers and genres, in every form in which Django REST
//! Framework shows relations. What is expected is computed from how the site makes its rows.

mod crossing;
mod lists;
mod nested_routes;
mod other_keys;
mod selected;
mod values;

use std::sync::LazyLock;

use django_api_orm::{KeyForm, ModelMeta, prelude::*};

use crate::drf::Drf;

pub(crate) const BOOKS: std::ops::RangeInclusive<i64> = 1..=60;
pub(crate) const WRITERS: std::ops::RangeInclusive<i64> = 1..=12;

pub(crate) fn writer_of(book: i64) -> i64 {
    book % 11 + 1
}

pub(crate) fn editor_of(book: i64) -> Option<i64> {
    (book % 3 != 0).then_some(book * 7 % 12 + 1)
}

pub(crate) fn genres_of(book: i64) -> Vec<i64> {
    (1..=4)
        .filter(|genre| book >> (genre - 1) & 1 == 1)
        .collect()
}

/// The unique slug of a writer.
pub(crate) enum BySlug {}

impl KeyForm for BySlug {
    fn field(_: &ModelMeta) -> &str {
        "slug"
    }
}

/// A client of the site, which knows nothing yet. The site ends with the process.
pub(crate) fn client() -> ServiceClient {
    static SITE: LazyLock<Drf> = LazyLock::new(|| Drf::start().unwrap());
    let client = ServiceClient::builder(SITE.base_url()).auth_token("test-token");
    client.on_warning(|_| {}).build().unwrap()
}

/// The models, whose books show relations in one form. The attributes of a field say how its key is sent.
macro_rules! library {
    ($form:ident: $endpoint:literal, $writer:ty, $genre:ty; [$($of_writer:meta)?] [$($of_editor:meta)?] [$($of_genres:meta)?]) => {
        pub(crate) mod $form {
            use django_api_orm::prelude::*;

            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
            #[api(
                endpoint = "/api/v1/library/writers/",
                related(
                    books = Book::writer,
                    edited = Book::editor,
                    own_books(Book::writer, route = "books"),
                )
            )]
            pub(crate) struct Writer {
                pub(crate) id: Option<i64>,
                pub(crate) name: String,
                pub(crate) slug: String,
                pub(crate) country: String,
            }

            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
            #[api(
                endpoint = "/api/v1/library/genres/",
                pagination = "none",
                related(books = Book::genres)
            )]
            pub(crate) struct Genre {
                pub(crate) id: Option<i64>,
                pub(crate) name: String,
            }

            #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
            #[api(endpoint = $endpoint, expand_parameter = "expand")]
            pub(crate) struct Book {
                pub(crate) id: Option<i64>,
                pub(crate) title: String,
                $(#[$of_writer])?
                #[api(relation)]
                pub(crate) writer: Key<Writer, $writer>,
                $(#[$of_editor])?
                #[api(relation)]
                pub(crate) editor: Option<Key<Writer, $writer>>,
                $(#[$of_genres])?
                #[api(relation)]
                pub(crate) genres: Vec<Key<Genre, $genre>>,
            }
        }
    };
}

library!(keys: "/api/v1/library/books/", django_api_orm::Id, django_api_orm::Id; [] [] []);
library!(slugs: "/api/v1/library/books-slug/", super::BySlug, django_api_orm::Id; [] [] []);
library!(urls: "/api/v1/library/books-url/", django_api_orm::Url, django_api_orm::Url; [] [] []);
library!(
    nested: "/api/v1/library/books-nested/", django_api_orm::Id, django_api_orm::Id;
    [serde(rename(serialize = "writer_id", deserialize = "writer"))]
    [serde(rename(serialize = "editor_id", deserialize = "editor"))]
    [serde(rename(serialize = "genre_ids", deserialize = "genres"))]
);
