//! Filters that cross a relation: the server's where it takes them, else by the keys of the related rows.

use django_api_orm::{ErrorKind, prelude::*};

use super::{
    BOOKS, WRITERS, client, editor_of, genres_of,
    keys::{Book, Genre, Writer},
    slugs, writer_of,
};

/// Each filter, and what it says of a book, as Django has it: a negation holds where nothing is related.
macro_rules! django_gives {
    ($form:ident) => {
        mod $form {
            use super::*;
            use crate::library::$form::{Book, Genre, Writer};

            #[tokio::test]
            async fn the_rows_that_django_gives() {
                type Case = (&'static str, Filter<Book>, fn(i64) -> bool);
                let writer = || Book::F.writer.to(Writer::F.name);
                let editor = || Book::F.editor.to(Writer::F.name);
                let genre = || Book::F.genres.to(Genre::F.name);
                let cases: Vec<Case> = vec![
                    ("one", writer().eq("Writer 3"), |book| writer_of(book) == 3),
                    (
                        "in Django's spelling",
                        Filter::lookup("writer__name", "Writer 3"),
                        |book| writer_of(book) == 3,
                    ),
                    (
                        "taken",
                        Book::F.writer.to(Writer::F.country).eq("IT"),
                        |book| writer_of(book) % 3 == 0,
                    ),
                    ("null", editor().eq("Writer 3"), |book| {
                        editor_of(book) == Some(3)
                    }),
                    ("not", !editor().eq("Writer 3"), |book| {
                        editor_of(book) != Some(3)
                    }),
                    ("not equal", editor().ne("Writer 3"), |book| {
                        editor_of(book) != Some(3)
                    }),
                    (
                        "not taken",
                        !Book::F.writer.to(Writer::F.country).eq("IT"),
                        |book| writer_of(book) % 3 != 0,
                    ),
                    ("or", writer().eq("Writer 3") | Book::F.id.eq(1), |book| {
                        writer_of(book) == 3 || book == 1
                    }),
                    (
                        "and",
                        writer().in_(["Writer 2", "Writer 3"])
                            & Book::F.editor.to(Writer::F.country).eq("IT"),
                        |book| {
                            [2, 3].contains(&writer_of(book))
                                && editor_of(book).is_some_and(|key| key % 3 == 0)
                        },
                    ),
                    ("starts", writer().startswith("Writer 1"), |book| {
                        [1, 10, 11].contains(&writer_of(book))
                    }),
                    ("is null", editor().isnull(true), |book| {
                        editor_of(book).is_none()
                    }),
                    ("is not null", editor().isnull(false), |book| {
                        editor_of(book).is_some()
                    }),
                    ("not null", !editor().isnull(true), |book| {
                        editor_of(book).is_some()
                    }),
                    ("none", writer().eq("Nobody"), |_| false),
                    ("all", !writer().eq("Nobody"), |_| true),
                    ("list", genre().eq("novel"), |book| {
                        genres_of(book).contains(&2)
                    }),
                    ("not in the list", !genre().eq("novel"), |book| {
                        !genres_of(book).contains(&2)
                    }),
                    ("key", Book::F.writer.to(Writer::F.id).eq(3), |book| {
                        writer_of(book) == 3
                    }),
                    (
                        "further",
                        Book::F
                            .writer
                            .to(Writer::F.edited.to(Book::F.title))
                            .eq("Book 4"),
                        |book| Some(writer_of(book)) == editor_of(4),
                    ),
                ];
                let client = client();
                let books = client.objects::<Book>();
                for (name, filter, holds) in cases {
                    let expected: Vec<i64> = BOOKS.filter(|book| holds(*book)).collect();
                    let query = books.filter(filter.clone());
                    let ordered = query.order_by([Book::F.id.asc()]);
                    assert_eq!(ids(&ordered.fetch().await.expect(name)), expected, "{name}");
                    assert_eq!(
                        query.count().await.unwrap(),
                        expected.len() as u64,
                        "{name}"
                    );
                    let first = ordered.first().await.unwrap();
                    assert_eq!(
                        first.and_then(|book| book.id),
                        expected.first().copied(),
                        "{name}"
                    );
                    let last = ordered.last().await.unwrap();
                    assert_eq!(
                        last.and_then(|book| book.id),
                        expected.last().copied(),
                        "{name}"
                    );
                    let left = ids(&books
                        .exclude(filter)
                        .order_by([Book::F.id.asc()])
                        .await
                        .expect(name));
                    let expected: Vec<i64> = BOOKS.filter(|book| !holds(*book)).collect();
                    assert_eq!(left, expected, "without {name}");
                }
            }

            fn ids(books: &[Instance<Book>]) -> Vec<i64> {
                books.iter().filter_map(|book| book.id).collect()
            }

            #[tokio::test]
            async fn an_order_by_what_is_pointed_at() {
                let client = client();
                let books = client.objects::<Book>().filter(Book::F.id.lte(30));
                let by_name = Book::F.writer.to(Writer::F.name);
                let found = books
                    .order_by([by_name.desc(), Book::F.id.asc()])
                    .await
                    .unwrap();
                let mut expected: Vec<i64> = (1..=30).collect();
                expected.sort_by_key(|book| {
                    (
                        std::cmp::Reverse(format!("Writer {}", writer_of(*book))),
                        *book,
                    )
                });
                assert_eq!(ids(&found), expected);
                let by_editor = [Book::F.editor.to(Writer::F.name).asc(), Book::F.id.desc()];
                let edited = books
                    .filter(Book::F.editor.isnull(false))
                    .order_by(by_editor);
                let first = edited.first().await.unwrap().and_then(|book| book.id);
                let edited = (1..=30).filter(|book| editor_of(*book).is_some());
                let expected = edited
                    .min_by_key(|book| (format!("Writer {}", editor_of(*book).unwrap()), -book));
                assert_eq!(first, expected);
            }

            #[tokio::test]
            async fn the_other_way_round() {
                let client = client();
                let writers = client.objects::<Writer>().order_by([Writer::F.id.asc()]);
                let ids = |rows: Vec<Instance<Writer>>| {
                    rows.iter().filter_map(|row| row.id).collect::<Vec<_>>()
                };
                let found = writers.filter(Writer::F.books.to(Book::F.title).eq("Book 5"));
                assert_eq!(ids(found.await.unwrap()), [writer_of(5)]);
                let without =
                    writers.exclude(Writer::F.edited.to(Book::F.title).in_(["Book 4", "Book 5"]));
                let edited = [editor_of(4), editor_of(5)];
                let expected: Vec<i64> = WRITERS
                    .filter(|key| !edited.contains(&Some(*key)))
                    .collect();
                assert_eq!(ids(without.await.unwrap()), expected);
                let genres = client.objects::<Genre>();
                let of_first = genres.filter(Genre::F.books.to(Book::F.title).eq("Book 1"));
                assert_eq!(of_first.count().await.unwrap(), 1);
            }
        }
    };
}

django_gives!(keys);
django_gives!(urls);
django_gives!(nested);

#[tokio::test]
async fn what_it_costs_and_explain_says() {
    let client = client();
    let books = client.objects::<Book>();
    let query = books.filter(Book::F.writer.to(Writer::F.name).eq("Writer 3"));
    let local = |query: &QuerySet<Book>| query.explain().unwrap().local().last().cloned().unwrap();
    assert!(local(&query).contains("unless the server is seen to take it"));
    query.fetch().await.unwrap();
    let before = client.stats().requests;
    assert_eq!(query.fetch().await.unwrap().len(), 6);
    // The writer by its name, which the server ignores, so a page of writers; and the books.
    assert_eq!(client.stats().requests - before, 2);
    let says = local(&query);
    assert!(
        says.starts_with("writer__name: the rows of `Writer` are asked for first"),
        "{says}"
    );
    assert_eq!(query.explain().unwrap().requests(60), None);
    // What the server takes is sent, and costs what another filter costs.
    let taken = books.filter(Book::F.writer.to(Writer::F.country).eq("IT"));
    taken.fetch().await.unwrap();
    let before = client.stats().requests;
    taken.fetch().await.unwrap();
    assert_eq!(client.stats().requests - before, 1);
    assert_eq!(taken.explain().unwrap().local(), [""; 0]);
}

/// The requests of a query, for the first time and again.
async fn cost<Asked: Future>(ask: impl Fn(ServiceClient) -> Asked) -> (u64, u64) {
    let client = client();
    ask(client.clone()).await;
    let first = client.stats().requests;
    ask(client.clone()).await;
    (first, client.stats().requests - first)
}

/// The numbers are those of Python's test of this name.
#[tokio::test]
async fn what_a_first_filter_costs() {
    let by_name = |client: ServiceClient, name: &str| {
        let name = Book::F.writer.to(Writer::F.name).eq(name);
        client.objects::<Book>().filter(name)
    };
    // Three to see that it is ignored, the writers, one more as they are not filtered, and their books.
    let named = cost(async |client| by_name(client, "Writer 3").fetch().await.unwrap()).await;
    assert_eq!(named, (6, 2));
    let counted = cost(async |client| by_name(client, "Writer 3").count().await.unwrap()).await;
    assert_eq!(counted, (7, 2));
    let first = cost(async |client| by_name(client, "Writer 3").first().await.unwrap()).await;
    assert_eq!(first, (6, 2));
    let none = cost(async |client| by_name(client, "Nobody").fetch().await.unwrap()).await;
    assert_eq!(none, (5, 1));
    // Two to see that it is honoured.
    let taken = cost(async |client| {
        let country = Book::F.writer.to(Writer::F.country).eq("IT");
        let books = client.objects::<Book>().filter(country);
        books.fetch().await.unwrap()
    });
    assert_eq!(taken.await, (3, 1));
    let back = cost(async |client| {
        let title = Writer::F.books.to(Book::F.title).eq("Book 5");
        let writers = client.objects::<Writer>().filter(title);
        writers.fetch().await.unwrap()
    });
    assert_eq!(back.await, (5, 2));
}

#[tokio::test]
async fn both_queries_are_bounded() {
    let client = client();
    let query = client.objects::<Writer>().max_scan(5);
    let query = query.filter(Writer::F.books.to(Book::F.title).startswith("Book 5"));
    let error = query.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ScanLimit, "{error}");
}

#[tokio::test]
async fn what_cannot_be_told_is_an_error() {
    let client = client();
    let by_slug = client.objects::<slugs::Book>();
    let writer = slugs::Book::F.writer.to(slugs::Writer::F.name);
    let error = by_slug.filter(writer.eq("Writer 3")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(
        error.to_string().contains("by another field than the key"),
        "{error}"
    );
    let books = client.objects::<Book>();
    let genre = || Book::F.genres.to(Genre::F.name);
    for (query, why) in [
        (
            books
                .filter(genre().eq("novel"))
                .exclude(genre().eq("play")),
            "may be meant for the same one",
        ),
        (
            books
                .filter(genre().eq("novel"))
                .filter(Book::F.genres.to(Genre::F.id).eq(3)),
            "may be meant for the same one",
        ),
        (
            books.filter(genre().isnull(true)),
            "across a relation to several rows",
        ),
    ] {
        let error = query.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains(why), "{error}");
    }
}
