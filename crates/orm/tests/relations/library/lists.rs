//! Lists of keys that are written to Django, in every form in which it takes them. The site is another one: what is read there
//! elsewhere stays as it was made.

use std::sync::LazyLock;

use django_api_orm::prelude::*;
use serde_json::{Value, json};

use crate::drf::Drf;

fn client() -> ServiceClient {
    static SITE: LazyLock<Drf> = LazyLock::new(|| Drf::start().unwrap());
    let client = ServiceClient::builder(SITE.base_url()).auth_token("test-token");
    client.on_warning(|_| {}).build().unwrap()
}

/// The keys of the genres of a book, by the endpoint that shows keys.
async fn genres_of(client: &ServiceClient, book: i64) -> Value {
    let books = client.objects::<super::keys::Book>();
    let book = books.get(super::keys::Book::F.id.eq(book)).await.unwrap();
    json!(book.genres)
}

macro_rules! lists_are_written {
    ($form:ident, $book:literal) => {
        mod $form {
            use super::super::$form::{Book, BookRelations, Genre};
            use super::*;

            #[tokio::test]
            async fn lists_are_written() {
                let client = client();
                let genres = client.objects::<Genre>().all().await.unwrap();
                let [essay, novel, poem, ..] = genres.as_slice() else {
                    panic!("four genres, and those of other tests")
                };
                let books = client.objects::<Book>();
                let mut book = books.get(Book::F.id.eq($book)).await.unwrap();
                book.genres_mut().set([essay]).await.unwrap();
                // The list by now, not the one that this instance has seen.
                let mut elsewhere = books.get(Book::F.id.eq($book)).await.unwrap();
                elsewhere.genres_mut().set([poem]).await.unwrap();
                let cost = || client.stats().requests;

                let before = cost();
                book.genres_mut().add([novel, poem]).await.unwrap();
                assert_eq!(cost() - before, 2);
                assert_eq!(genres_of(&client, $book).await, json!([2, 3]));
                let before = cost();
                book.genres_mut().add([novel]).await.unwrap();
                book.genres_mut().remove([essay]).await.unwrap();
                assert_eq!(cost() - before, 2);
                book.genres_mut().remove([poem]).await.unwrap();
                assert_eq!(genres_of(&client, $book).await, json!([2]));
                let before = cost();
                book.genres_mut().set([poem, essay]).await.unwrap();
                assert_eq!(cost() - before, 1);
                let names: Vec<String> = (book.genres().await.unwrap().iter())
                    .map(|genre| genre.name.clone())
                    .collect();
                assert_eq!(names, [essay.name.clone(), poem.name.clone()]);
                assert!(!Instance::is_changed(&book).unwrap());
                let new = book.genres_mut().create(&json!({"name": "saga"}));
                let new = new.await.unwrap();
                assert_eq!(genres_of(&client, $book).await, json!([1, 3, new.id]));
                book.genres_mut().clear().await.unwrap();
                assert_eq!(genres_of(&client, $book).await, json!([]));
            }
        }
    };
}

lists_are_written!(keys, 1);
lists_are_written!(slugs, 2);
lists_are_written!(urls, 3);
lists_are_written!(nested, 4);
