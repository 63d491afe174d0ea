//! Values of related rows, as Django gives them.

use django_api_orm::ErrorKind;
use serde_json::{Value, json};

use super::{client, editor_of, genres_of, writer_of};

const GENRES: [&str; 4] = ["essay", "novel", "poem", "play"];

macro_rules! values_are_given {
    ($form:ident, $requests:expr) => {
        mod $form {
            use super::super::$form::{Book, Genre, Writer};
            use super::*;

            #[tokio::test]
            async fn values_are_those_of_related_rows() {
                let client = client();
                let books = client.objects::<Book>().filter(Book::F.id.lte(20));
                let books = books.order_by([Book::F.id.asc()]);
                let fields = || {
                    (
                        Book::F.id,
                        Book::F.writer.to(Writer::F.name),
                        Book::F.editor.to(Writer::F.name).nullable(),
                    )
                };
                let found = books.values_list(fields()).await.unwrap();
                let name = |writer| format!("Writer {writer}");
                let expected: Vec<_> = (1..=20)
                    .map(|book| (book, name(writer_of(book)), editor_of(book).map(name)))
                    .collect();
                assert_eq!(found, expected);
                let cost = || client.stats().requests;
                let before = cost();
                books.values_list(Book::F.id).await.unwrap();
                let pages = cost() - before;
                books.values_list(fields()).await.unwrap();
                assert_eq!(cost() - before, pages + pages + $requests);

                let by_path = books.values_list(("id", "editor__name", "title"));
                let (id, editor, _): (Value, Value, Value) = by_path.await.unwrap().remove(0);
                assert_eq!([id, editor], [json!(1), json!(editor_of(1).map(name))]);
            }

            #[tokio::test]
            async fn a_row_comes_once_for_each_of_several() {
                let client = client();
                let books = client.objects::<Book>();
                let all = books.order_by([Book::F.id.asc()]);
                let genre = || Book::F.genres.to(Genre::F.name).nullable();
                let found = all.values_list((Book::F.id, genre())).await.unwrap();
                let expected: Vec<(i64, Option<String>)> = (super::super::BOOKS)
                    .flat_map(|book| {
                        let genres = genres_of(book).into_iter();
                        let names: Vec<Option<String>> = genres
                            .map(|genre| Some(GENRES[genre as usize - 1].to_owned()))
                            .collect();
                        let names = if names.is_empty() { vec![None] } else { names };
                        names.into_iter().map(move |name| (book, name))
                    })
                    .collect();
                assert_eq!(found, expected);
                let before = client.stats().requests;
                for depends in [all.limit(3), all.lookup("genres", 1)] {
                    let error = depends.values_list(genre()).await.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
                }
                assert_eq!(client.stats().requests, before);

                let writers = client.objects::<Writer>().order_by([Writer::F.id.asc()]);
                let title = Writer::F.books.to(Book::F.id).nullable();
                let found = writers.values_list((Writer::F.id, title)).await.unwrap();
                let written = super::super::WRITERS.flat_map(|writer| {
                    let books: Vec<_> = (super::super::BOOKS)
                        .filter(|book| writer_of(*book) == writer)
                        .map(Some)
                        .collect();
                    let books = if books.is_empty() { vec![None] } else { books };
                    books.into_iter().map(move |book| (writer, book))
                });
                assert_eq!(found, written.collect::<Vec<_>>());
            }
        }
    };
}

values_are_given!(keys, 2);
values_are_given!(slugs, 2);
values_are_given!(urls, 2);
// The writer is shown whole, and of the editor the name.
values_are_given!(nested, 0);

#[tokio::test]
async fn keys_cost_nothing_and_relations_lead_on() {
    use super::keys::{Book, Writer};
    let client = client();
    let books = client.objects::<Book>().all().limit(10);
    books.fetch().await.unwrap();
    let before = client.stats().requests;
    let keys = (Book::F.writer.to(Writer::F.id), Book::F.writer);
    for (id, key) in books.values_list(keys).await.unwrap() {
        assert_eq!(key.value(), &json!(id));
    }
    assert_eq!(client.stats().requests - before, 1);
    let second = client.objects::<Writer>().filter(Writer::F.id.eq(2));
    let editors = Writer::F.books.to(Book::F.editor).to(Writer::F.name);
    let mut editors = second.values_list(editors.nullable()).await.unwrap();
    let books = super::BOOKS.filter(|book| writer_of(*book) == 2);
    let mut expected: Vec<_> = books
        .map(|book| editor_of(book).map(|writer| format!("Writer {writer}")))
        .collect();
    editors.sort_unstable();
    expected.sort_unstable();
    assert_eq!(editors, expected);
}
