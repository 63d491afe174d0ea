//! The library of the reference site by JSON:API, on Django with djangorestframework-jsonapi.

use django_api_orm::{Error, ErrorKind, prelude::*};
use serde_json::json;

use crate::{
    drf::Drf,
    library::{BOOKS, client, editor_of, genres_of, writer_of},
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(
    endpoint = "/api/v1/json-api/writers/",
    json_api = "writers",
    related(books = Book::writer)
)]
struct Writer {
    id: Option<i64>,
    name: String,
    slug: String,
    country: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/json-api/genres/", json_api = "genres")]
struct Genre {
    id: Option<i64>,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(
    endpoint = "/api/v1/json-api/books/",
    json_api = "books",
    expand_parameter = "include"
)]
struct Book {
    id: Option<i64>,
    title: String,
    #[api(relation)]
    writer: Key<Writer>,
    #[api(relation)]
    editor: Option<Key<Writer>>,
    #[api(relation)]
    genres: Vec<Key<Genre>>,
}

#[tokio::test]
async fn documents_are_read_as_rows() -> Result<(), Error> {
    let books = client().objects::<Book>();
    let all = books.all().await?;
    assert_eq!(all.len(), 60);
    for (book, id) in all.iter().zip(BOOKS) {
        assert_eq!(book.id, Some(id));
        assert_eq!(book.writer, Key::new(writer_of(id)));
        assert_eq!(book.editor, editor_of(id).map(Key::new));
        assert_eq!(
            book.genres,
            genres_of(id).into_iter().map(Key::new).collect::<Vec<_>>()
        );
    }
    let book = books.get(Book::F.id.eq(7)).await?;
    assert_eq!(book.title, "Book 7");
    assert_eq!(
        book.writer().await?.name,
        format!("Writer {}", writer_of(7))
    );
    let missing = books.get(Book::F.id.eq(61)).await.unwrap_err();
    assert!(missing.is_does_not_exist());
    Ok(())
}

#[tokio::test]
async fn queries_are_spelt_as_json_api_does() -> Result<(), Error> {
    let books = client().objects::<Book>();
    let query = books
        .filter(Book::F.title.icontains("book 3"))
        .order_by([Book::F.id.desc()]);
    assert_eq!(query.explain()?.pushed()[0].0, "filter[title.icontains]");
    assert_eq!(
        query.explain()?.pushed()[1],
        ("sort".to_owned(), "-id".to_owned())
    );
    let ids: Vec<Option<i64>> = query.limit(2).await?.iter().map(|book| book.id).collect();
    assert_eq!(ids, [Some(39), Some(38)]);
    let own = books
        .filter(Book::F.writer.eq(Key::<Writer>::new(3)))
        .count()
        .await?;
    assert_eq!(
        own,
        BOOKS.filter(|book| writer_of(*book) == 3).count() as u64
    );

    let read = books
        .all()
        .prefetch_related(Book::F.writer)
        .prefetch_related(Book::F.genres)
        .await?;
    for (book, id) in read.iter().zip(BOOKS) {
        assert_eq!(book.writer().await?.id, Some(writer_of(id)));
    }
    let writers = client().objects::<Writer>();
    let writer = writers.get(Writer::F.id.eq(2)).await?;
    assert_eq!(
        writer.books().rows().await?.len(),
        BOOKS.filter(|book| writer_of(*book) == 2).count()
    );
    Ok(())
}

#[tokio::test]
async fn what_is_included_is_not_asked_for() -> Result<(), Error> {
    let client = client();
    let query = client
        .objects::<Book>()
        .all()
        .select_related(Book::F.writer)
        .select_related(Book::F.editor);
    let include = ("include".to_owned(), "writer,editor".to_owned());
    assert_eq!(query.explain()?.pushed(), [include]);
    let books = query.await?;
    assert_eq!(client.stats().requests, 3);
    for (book, id) in books.iter().zip(BOOKS) {
        let writer = book.writer().await?;
        assert_eq!(
            (writer.id, &writer.name),
            (Some(writer_of(id)), &format!("Writer {}", writer_of(id)))
        );
        let editor = book.editor().await?;
        assert_eq!(editor.and_then(|editor| editor.id), editor_of(id));
    }
    assert_eq!(client.stats().requests, 3);
    Ok(())
}

#[tokio::test]
async fn documents_are_written() -> Result<(), Error> {
    // Others count the rows of theirs.
    let site = Drf::start().unwrap();
    let client = ServiceClient::builder(site.base_url()).auth_token("test-token");
    let client = client.build()?;
    let books = client.objects::<Book>();
    let writer = client.objects::<Writer>().get(Writer::F.id.eq(3)).await?;
    let row = json!({"title": "New", "writer": Key::<Writer>::of(&writer)?, "genres": [1, 2]});
    let mut new = books.create(&row).await?;
    assert_eq!((&new.title, &new.writer), (&"New".to_owned(), &Key::new(3)));
    assert_eq!(new.genres, [Key::new(1), Key::new(2)]);
    new.title = "Newer".to_owned();
    new.writer = Key::new(4);
    new.editor = Some(Key::new(5));
    new.save().await?;
    let again = books.get(Book::F.id.eq(new.id.unwrap_or_default())).await?;
    assert_eq!(*again, *new);
    new.editor = None;
    new.genres.clear();
    new.save().await?;
    new.refresh_from_api().await?;
    assert_eq!((&new.editor, new.genres.len()), (&None, 0));
    let refused = books
        .create(&json!({"title": "", "writer": 3, "genres": []}))
        .await
        .unwrap_err();
    assert_eq!(
        refused.field_errors().get("title"),
        ["This field may not be blank."]
    );
    let mut genre = client
        .objects::<Genre>()
        .create(&json!({"name": "saga"}))
        .await?;
    assert!(genre.id.is_some());
    genre.delete().await?;
    new.delete().await?;
    Ok(())
}

/// A relation to a model that is not declared to be one of JSON:API: its type is not known.
mod undeclared {
    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/v1/json-api/writers/")]
    pub(super) struct Writer {
        pub(super) id: Option<i64>,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/v1/json-api/books/", json_api = "books")]
    pub(super) struct Book {
        pub(super) id: Option<i64>,
        pub(super) title: String,
        #[api(relation)]
        pub(super) writer: Key<Writer>,
    }
}

#[tokio::test]
async fn a_relationship_to_an_unknown_type_is_not_sent() -> Result<(), Error> {
    let client = client();
    let books = client.objects::<undeclared::Book>();
    let refused = books
        .create(&json!({"title": "x", "writer": 3}))
        .await
        .unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidRequest);
    assert_eq!(client.stats().requests, 0);
    Ok(())
}
