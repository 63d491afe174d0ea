//! Related rows that Django is asked to send with the rows: in the place of their keys, or beside the rows.

use django_api_orm::{
    prelude::*,
    related::{Prefetch, Select},
};
use django_api_orm_testserver::{Field, Resource, TestServer};
use serde_json::json;

use super::{BOOKS, client, editor_of, genres_of, keys, writer_of};
use crate::drf::Drf;

mod in_place {
    use super::*;

    macro_rules! shown_in_every_form {
    ($($form:ident)+) => {$(
        mod $form {
            use crate::library::$form::{Book, BookRelations, Writer, WriterRelations};
            use super::*;

            #[tokio::test]
            async fn the_server_shows_what_is_selected() {
                let client = client();
                let books = client.objects::<Book>().order_by([Book::F.id.asc()]);
                let selected = books.select_related(Book::F.writer).select_related(Book::F.editor);
                let cost = || client.stats().requests;
                books.fetch().await.unwrap();
                let plain = cost();
                let found = selected.fetch().await.unwrap();
                let pages = cost() - plain;
                let explained = selected.explain().unwrap();
                assert!(explained.pushed().contains(&("expand".to_owned(), "writer,editor".to_owned())));
                assert!(explained.related()[0].how().starts_with("in the place of their keys, as `expand` asks"));
                assert_eq!(explained.requests_with(60, &[("writer", 0), ("editor", 0)]), Some(pages));
                let before = cost();
                assert_eq!(found.len() as u64, BOOKS.count() as u64);
                for book in &found {
                    let id = book.id.unwrap();
                    assert_eq!(book.writer().await.unwrap().id, Some(writer_of(id)));
                    let editor = book.editor().await.unwrap();
                    assert_eq!(editor.and_then(|editor| editor.id), editor_of(id));
                    assert!(!Instance::is_changed(book).unwrap());
                }
                assert_eq!(cost(), before);

                let book = selected.get(Book::F.id.eq(4)).await.unwrap();
                let before = cost();
                assert_eq!(book.writer().await.unwrap().name, format!("Writer {}", writer_of(4)));
                assert_eq!(cost(), before);

                // Books as they point at an editor.
                let italian = client.objects::<Writer>().filter(Writer::F.country.eq("IT"));
                let edited = italian.prefetch_related(Prefetch::back(Book::F.editor).of(selected));
                let writers = edited.await.unwrap();
                let before = cost();
                for writer in &writers {
                    for book in writer.edited().rows().await.unwrap() {
                        assert_eq!(book.writer().await.unwrap().id, book.id.map(writer_of));
                    }
                }
                assert_eq!(cost(), before);
            }
        }
    )+};
}

    shown_in_every_form!(keys slugs urls nested);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(
    endpoint = "/api/v1/library/books-beside/",
    prefetch_parameter = "prefetch"
)]
struct Book {
    id: Option<i64>,
    title: String,
    #[api(relation)]
    writer: Key<keys::Writer>,
    #[api(relation)]
    editor: Option<Key<keys::Writer>>,
    #[api(relation)]
    genres: Vec<Key<keys::Genre>>,
}

#[tokio::test]
async fn rows_beside_the_rows_cost_nothing() {
    let client = client();
    let books = client.objects::<Book>().order_by([Book::F.id.asc()]);
    let cost = || client.stats().requests;
    books.fetch().await.unwrap();
    let plain = cost();
    let query = (books.prefetch_related(Book::F.writer))
        .select_related(Book::F.editor)
        .prefetch_related(Book::F.genres);
    let found = query.fetch().await.unwrap();
    let pages = cost() - plain;
    let explained = query.explain().unwrap();
    let sent = ("prefetch".to_owned(), "writer,editor,genres".to_owned());
    assert!(explained.pushed().contains(&sent));
    let how = explained.related()[2].how();
    assert!(
        how.starts_with("beside the rows, as `prefetch` asks"),
        "{how}"
    );
    let none = [("writer", 0), ("editor", 0), ("genres", 0)];
    assert_eq!(explained.requests_with(60, &none), Some(pages));
    let before = cost();
    for book in &found {
        let id = book.id.unwrap();
        assert_eq!(book.writer().await.unwrap().id, Some(writer_of(id)));
        let editor = book.editor().await.unwrap();
        assert_eq!(editor.and_then(|editor| editor.id), editor_of(id));
        let genres = book.genres().await.unwrap();
        let genres: Vec<i64> = genres.iter().filter_map(|genre| genre.id).collect();
        assert_eq!(genres, genres_of(id));
        // What is sent is what was sent before.
        assert!(!Instance::is_changed(book).unwrap());
        assert_eq!(json!(**book)["genres"], json!(genres));
    }
    assert_eq!(cost(), before);
}

#[tokio::test]
async fn what_has_a_queryset_is_asked_for() {
    let client = client();
    let novels = client
        .objects::<keys::Genre>()
        .filter(keys::Genre::F.name.eq("novel"));
    let books = client.objects::<Book>().all();
    let query = books
        .prefetch_related(Prefetch::to(Book::F.genres).of(novels))
        .prefetch_related(Book::F.writer);
    let explained = query.explain().unwrap();
    let sent = ("prefetch".to_owned(), "writer".to_owned());
    assert_eq!(explained.pushed(), [sent]);
    assert!(
        explained.related()[0]
            .how()
            .starts_with("GET /api/v1/library/genres/")
    );
    for book in &query.await.unwrap() {
        let genres = book.genres().await.unwrap();
        let expected = genres_of(book.id.unwrap()).contains(&2);
        assert_eq!(genres.len(), usize::from(expected));
    }
}

/// A book whose server is said to know a parameter that it does not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/library/books/", expand_parameter = "include")]
struct Unexpanded {
    id: Option<i64>,
    #[api(relation)]
    writer: Key<keys::Writer>,
}

#[tokio::test]
async fn what_the_server_does_not_show_is_asked_for_by_its_keys() {
    let client = client();
    let books = client.objects::<Unexpanded>().all();
    let query = books.select_related(Unexpanded::F.writer);
    let cost = || client.stats().requests;
    query.fetch().await.unwrap();
    let before = cost();
    books.fetch().await.unwrap();
    let pages = cost() - before;
    let before = cost();
    let found = query.fetch().await.unwrap();
    assert_eq!(cost() - before, pages + 1);
    let before = client.stats().requests;
    for book in &found {
        let writer = book.writer().await.unwrap();
        assert_eq!(writer.id, book.id.map(writer_of));
    }
    assert_eq!(client.stats().requests, before);
}

#[test]
fn the_blocking_half_does_so_too() {
    use super::keys::{Book, BookRelations};

    let site = Drf::start().unwrap();
    let client = django_api_orm::blocking::ServiceClient::builder(site.base_url());
    let client = client.auth_token("test-token").build().unwrap();
    let books = client.objects::<Book>();
    let found = books.all().select_related(Book::F.writer).fetch().unwrap();
    let before = client.stats().requests;
    for book in &found {
        assert_eq!(book.writer().unwrap().id, book.id.map(writer_of));
    }
    assert_eq!(client.stats().requests, before);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/teams/")]
struct Team {
    id: Option<i64>,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/users/")]
struct User {
    id: Option<i64>,
    #[api(relation)]
    team: Option<Key<Team>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/posts/", expand_parameter = "expand")]
struct Post {
    id: Option<i64>,
    #[api(relation)]
    author: Key<User>,
}

/// As a server with an `expand` parameter answers it.
#[tokio::test]
async fn rows_that_related_rows_show_are_taken_from_there() {
    let author = json!({"id": 3, "team": {"id": 5, "name": "Blue"}});
    let posts = [
        json!({"id": 1, "author": author}),
        json!({"id": 2, "author": {"id": 4, "team": null}}),
    ];
    let server = TestServer::builder()
        .resource(
            Resource::new("posts")
                .fields([Field::integer("id").primary_key(), Field::json("author")])
                .filter_on_everything()
                .rows(posts),
        )
        .start()
        .await
        .unwrap();
    let client = ServiceClient::new(server.base_url()).unwrap();
    let posts = client.objects::<Post>();
    let with_team = || Select::to(Post::F.author).select_related(User::F.team);
    let query = posts.all().select_related(with_team());
    let explained = query.explain().unwrap();
    let sent = ("expand".to_owned(), "author.team".to_owned());
    assert_eq!(explained.pushed(), [sent]);
    for related in explained.related() {
        assert!(
            related
                .how()
                .starts_with("in the place of their keys, as `expand`"),
            "{related:?}"
        );
    }
    let found = query.fetch().await.unwrap();
    let before = client.stats().requests;
    let team = found[0].author().await.unwrap().team().await.unwrap();
    assert_eq!(team.unwrap().name, "Blue");
    let none = found[1].author().await.unwrap().team().await.unwrap();
    assert_eq!(none, None);
    assert_eq!(client.stats().requests, before);

    // The row of one relation may be selected, and what it points at be asked for.
    let apart = Prefetch::to(Post::F.author).prefetch_related(User::F.team);
    let query = posts
        .all()
        .select_related(Post::F.author)
        .prefetch_related(apart);
    let explained = query.explain().unwrap();
    assert_eq!(
        explained.pushed(),
        [("expand".to_owned(), "author".to_owned())]
    );
    assert!(
        explained.related()[1]
            .how()
            .starts_with("GET /api/v1/teams/")
    );

    let through = posts
        .all()
        .prefetch_related(Post::F.author.to(User::F.team));
    let before = client.stats().requests;
    let error = through.fetch().await.unwrap_err();
    assert!(error.to_string().contains("several relations"), "{error}");
    assert_eq!(client.stats().requests, before);
}
