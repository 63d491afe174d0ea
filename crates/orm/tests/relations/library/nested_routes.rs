//! Rows that Django has at a route of the row that they point at. The site is another one: some are written.

use std::sync::{Arc, LazyLock, Mutex};

use django_api_orm::{prelude::*, related::Prefetch};
use serde_json::json;

use super::{BOOKS, genres_of, writer_of};
use crate::drf::Drf;

/// A client of the site that tells which paths are asked.
fn client() -> (ServiceClient, Arc<Mutex<Vec<String>>>) {
    static SITE: LazyLock<Drf> = LazyLock::new(|| Drf::start().unwrap());
    let asked = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&asked);
    let client = ServiceClient::builder(SITE.base_url())
        .auth_token("test-token")
        .on_request(move |request| {
            let path = request.url().split('?').next().unwrap_or_default();
            let path = path.splitn(4, '/').nth(3).unwrap_or_default();
            let line = format!("{} /{path}", request.method());
            told.lock().unwrap().push(line);
            Ok(())
        })
        .build()
        .unwrap();
    (client, asked)
}

macro_rules! read_and_written {
    ($($form:ident: $writer:literal, $own_url:literal;)+) => {$(
        #[tokio::test]
        async fn $form() {
            use crate::library::$form::{Book, BookRelations, Writer, WriterRelations};

            let (client, asked) = client();
            let taken = || std::mem::take(&mut *asked.lock().unwrap());
            let writers = client.objects::<Writer>();
            let writer = writers.get(Writer::F.id.eq($writer)).await.unwrap();
            let own: Vec<i64> = BOOKS.filter(|book| writer_of(*book) == $writer).collect();
            taken();
            let route = format!("GET /api/v1/library/writers/{}/books/", $writer);
            let books = writer.own_books().order_by([Book::F.id.asc()]).await.unwrap();
            let ids: Vec<i64> = books.iter().filter_map(|book| book.id).collect();
            assert_eq!(ids, own);
            let asked_for = taken();
            assert!(!asked_for.is_empty() && asked_for.iter().all(|line| *line == route), "{asked_for:?}");

            let first = format!("Book {}", own[0]);
            let named = writer.own_books().filter(Book::F.title.eq(&*first));
            assert_eq!(named.count().await.unwrap(), 1);
            let rows = writer.own_books().rows().await.unwrap();
            assert_eq!(rows.len(), own.len());
            taken();
            assert_eq!(writer.own_books().rows().await.unwrap().len(), own.len());
            assert_eq!(taken(), [""; 0]);

            // Created there, saved and deleted at its own URL.
            let mut new = writer.own_books().create(&json!({"title": "New"})).await.unwrap();
            assert_eq!(new.writer().await.unwrap().id, Some($writer));
            let expected = format!("POST /api/v1/library/writers/{}/books/", $writer);
            assert_eq!(taken()[0], expected);
            new.title = "Newer".to_owned();
            new.save().await.unwrap();
            new.delete().await.unwrap();
            let lines = taken();
            assert!(lines.iter().all(|line| line.contains($own_url)), "{lines:?}");
            assert!(!lines.is_empty());
            let mut read = writer.own_books().get(Book::F.title.eq(&*first)).await.unwrap();
            taken();
            read.save().await.unwrap();
            read.title = first;
            read.refresh_from_api().await.unwrap();
            let lines = taken();
            assert!(!lines.is_empty() && lines.iter().all(|line| line.contains($own_url)), "{lines:?}");
            assert_eq!(writer.own_books().rows().await.unwrap().len(), own.len());
        }
    )+};
}

read_and_written! {
    keys: 3, " /api/v1/library/books/";
    nested: 5, " /api/v1/library/books-nested/";
}

#[tokio::test]
async fn prefetched_by_the_filter_and_never_read_together() {
    use super::keys::{Book, BookRelations, Writer, WriterRelations};

    let (client, asked) = client();
    // Nobody writes books of these.
    let writers = client.objects::<Writer>().filter(Writer::F.id.range(7, 10));
    let writers = writers.order_by([Writer::F.id.asc()]);
    let own = |writer: i64| BOOKS.filter(move |book| writer_of(*book) == writer);
    for writer in &writers.fetch().await.unwrap() {
        let id = writer.id.unwrap();
        let books = writer.own_books().rows().await.unwrap();
        assert_eq!(books.len(), own(id).count());
    }
    let nested = |line: &String| line.ends_with("/books/") && line.contains("/writers/");
    let routes = std::mem::take(&mut *asked.lock().unwrap());
    let routes: Vec<_> = routes.into_iter().filter(nested).collect();
    // What the filter says is not known to be what is there.
    assert_eq!(routes.len(), 4, "{routes:?}");

    let with_genres = Prefetch::back(Book::F.writer).prefetch_related(Book::F.genres);
    let found = writers.prefetch_related(with_genres).await.unwrap();
    asked.lock().unwrap().clear();
    for writer in &found {
        for book in writer.own_books().rows().await.unwrap() {
            let genres = book.genres().await.unwrap();
            assert_eq!(genres.len(), genres_of(book.id.unwrap()).len());
        }
    }
    assert_eq!(*asked.lock().unwrap(), [""; 0]);
}

/// What is at a route need not be what the filter finds, nor what is at another one.
#[tokio::test]
async fn rows_of_a_route_are_kept_for_it_alone() {
    use super::keys::{Writer, WriterRelations};

    let (client, asked) = client();
    let writers = client.objects::<Writer>();
    let writer = writers.get(Writer::F.id.eq(6)).await.unwrap();
    let expected = BOOKS.filter(|book| writer_of(*book) == 6).count();
    for _ in 0..2 {
        let books = writer.books().rows().await.unwrap();
        assert_eq!(books.len(), expected);
        asked.lock().unwrap().clear();
        let own = writer.own_books().rows().await.unwrap();
        assert_eq!(own.len(), expected);
        let lines = std::mem::take(&mut *asked.lock().unwrap());
        let route = "GET /api/v1/library/writers/6/books/";
        assert!(lines.iter().any(|line| line == route), "{lines:?}");
        let kept = writer.own_books().rows().await.unwrap();
        assert!(Arc::ptr_eq(&own[0], &kept[0]));
        assert!(!Arc::ptr_eq(&own[0], &books[0]));
        assert_eq!(*asked.lock().unwrap(), [""; 0]);
        // A new row may be among either.
        let mut new = writer
            .books()
            .create(&json!({"title": "New"}))
            .await
            .unwrap();
        assert_eq!(writer.own_books().rows().await.unwrap().len(), expected + 1);
        new.delete().await.unwrap();
        let mut new = writer
            .own_books()
            .create(&json!({"title": "New"}))
            .await
            .unwrap();
        assert_eq!(writer.books().rows().await.unwrap().len(), expected + 1);
        new.delete().await.unwrap();
        writer
            .own_books()
            .create(&json!({"title": ""}))
            .await
            .unwrap_err();
    }
}

#[test]
fn the_blocking_half_does_so_too() {
    use super::keys::{Book, Writer, WriterRelations};

    let site = Drf::start().unwrap();
    let client = django_api_orm::blocking::ServiceClient::builder(site.base_url());
    let client = client.auth_token("test-token").build().unwrap();
    let writer = client.objects::<Writer>().get(Writer::F.id.eq(3)).unwrap();
    let own = BOOKS.filter(|book| writer_of(*book) == 3).count();
    assert_eq!(writer.own_books().all().fetch().unwrap().len(), own);
    let new = writer.own_books().create(&json!({"title": "New"})).unwrap();
    assert_eq!(new.writer, Key::of(&writer).unwrap());
    let unsaved = writer.own_books().filter(Book::F.title.eq("New"));
    assert_eq!(unsaved.count().unwrap(), 1);
}
