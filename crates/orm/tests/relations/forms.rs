//! A nested object, whole or in part, a slug, a unique name, and a list.

use django_api_orm::{Key, KeyForm, ModelMeta, Slug, prelude::*};
use django_api_orm_testserver::{Field, Resource, TestServer};
use serde_json::json;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/users/", related(posts = Post::author))]
struct User {
    id: Option<i64>,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/tags/", lookup_field = "slug")]
struct Tag {
    id: Option<i64>,
    slug: String,
    title: String,
}

/// The unique name of a user.
enum Name {}

impl KeyForm for Name {
    fn field(_: &ModelMeta) -> &str {
        "name"
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/posts/")]
struct Post {
    id: Option<i64>,
    /// Shown as an object, sent as a key of another name.
    #[serde(rename(serialize = "author_id", deserialize = "author"))]
    #[api(relation)]
    author: Key<User>,
    /// Shown as a part of the row.
    #[api(relation)]
    editor: Option<Key<User>>,
    #[api(relation)]
    reviewer: Key<User, Name>,
    #[api(relation)]
    topic: Key<Tag, Slug>,
    #[api(relation)]
    tags: Vec<Key<Tag>>,
}

async fn server() -> TestServer {
    let users = json!([{"id": 1, "name": "Ann"}, {"id": 2, "name": "Bob"}]);
    let tags: Vec<_> = (1..=3)
        .map(|id| json!({"id": id, "slug": format!("t-{id}"), "title": format!("Tag {id}")}))
        .collect();
    let post = |id: i64, editor: serde_json::Value, tags: serde_json::Value| {
        json!({
            "id": id, "author": {"id": 1, "name": "Ann"}, "editor": editor, "reviewer": "Bob", "topic": "t-2", "tags": tags,
        })
    };
    let posts = json!([
        post(1, json!({"id": 2}), json!([3, 1])),
        post(2, json!(null), json!([]))
    ]);
    let fields = [
        Field::integer("id").primary_key(),
        Field::json("author"),
        Field::json("editor").null(),
        Field::text("reviewer", 50),
        Field::slug("topic"),
        Field::json("tags"),
    ];
    TestServer::builder()
        .resource(Resource::from_json("users", users))
        .resource(Resource::from_json("tags", json!(tags)).lookup_field("slug"))
        .resource(
            Resource::new("posts")
                .fields(fields)
                .paginator(django_api_orm_testserver::Paginator::limit_offset())
                .filter_on_everything()
                .rows(posts),
        )
        .start()
        .await
        .unwrap()
}

#[tokio::test]
async fn every_form_is_followed() {
    let server = server().await;
    let client = ServiceClient::new(server.base_url()).unwrap();
    let posts = client
        .objects::<Post>()
        .all()
        .order_by([Post::F.id.asc()])
        .await
        .unwrap();
    let [first, second] = posts.as_slice() else {
        panic!("two posts")
    };
    let cost = || client.stats().requests;

    let before = cost();
    assert_eq!(first.author().await.unwrap().name, "Ann");
    assert_eq!(cost(), before, "the row shows it whole");
    assert_eq!(first.editor().await.unwrap().unwrap().name, "Bob");
    assert_eq!(first.reviewer().await.unwrap().name, "Bob");
    assert_eq!(first.topic().await.unwrap().title, "Tag 2");
    let before = cost();
    let tags = first.tags().await.unwrap();
    assert_eq!(
        tags.iter().map(|tag| tag.id).collect::<Vec<_>>(),
        [Some(3), Some(1)]
    );
    assert_eq!(first.tags().await.unwrap(), tags);
    assert_eq!(cost() - before, 1);

    let before = cost();
    assert_eq!(second.editor().await.unwrap(), None);
    assert!(second.tags().await.unwrap().is_empty());
    assert_eq!(cost(), before, "nothing to ask for");
}

#[test]
fn a_key_is_written_in_the_form_that_the_server_takes() {
    let user = User {
        id: Some(2),
        name: "Bob".to_owned(),
    };
    let tag = Tag {
        id: Some(3),
        slug: "t-3".to_owned(),
        title: "Tag 3".to_owned(),
    };
    let post = Post {
        id: None,
        author: Key::of(&user).unwrap(),
        editor: None,
        reviewer: Key::of(&user).unwrap(),
        topic: Key::of(&tag).unwrap(),
        tags: vec![Key::of(&tag).unwrap()],
    };
    assert_eq!(
        serde_json::to_value(&post).unwrap(),
        json!({"id": null, "author_id": 2, "editor": null, "reviewer": "Bob", "topic": "t-3", "tags": [3]})
    );
}

#[tokio::test]
async fn another_key_means_another_row() {
    let server = server().await;
    let client = ServiceClient::new(server.base_url()).unwrap();
    let mut post = client
        .objects::<Post>()
        .get(Post::F.id.eq(1))
        .await
        .unwrap();
    assert!(!Instance::is_changed(&post).unwrap());
    let bob = client
        .objects::<User>()
        .get(User::F.name.eq("Bob"))
        .await
        .unwrap();
    post.author = Key::of(&bob).unwrap();
    assert!(Instance::is_changed(&post).unwrap());
    assert_eq!(post.author().await.unwrap().name, "Bob");
    post.author = Key::new(1);
    assert!(!Instance::is_changed(&post).unwrap());
    assert_eq!(post.author().await.unwrap().name, "Ann");
    post.author = Key::new(9);
    let missing = post.author().await.unwrap_err();
    assert!(missing.is_does_not_exist(), "{missing}");
}

#[tokio::test]
async fn a_list_of_keys_is_saved_as_a_whole_and_has_no_order() {
    let server = server().await;
    let client = ServiceClient::new(server.base_url()).unwrap();
    let posts = client.objects::<Post>();
    let mut post = posts.get(Post::F.id.eq(1)).await.unwrap();
    assert_eq!(post.tags().await.unwrap().len(), 2);
    post.tags.reverse();
    assert!(!Instance::is_changed(&post).unwrap());
    let tag = client
        .objects::<Tag>()
        .get(Tag::F.slug.eq("t-2"))
        .await
        .unwrap();
    post.tags.push(Key::of(&tag).unwrap());
    post.save().await.unwrap();
    let sent = server
        .requests()
        .into_iter()
        .filter(|request| request.method() == "PATCH");
    let bodies: Vec<_> = sent.map(|request| request.json()).collect();
    assert_eq!(bodies, [json!({"tags": [1, 3, 2]})]);
    let titles = post.tags().await.unwrap();
    let titles: Vec<_> = titles.iter().map(|tag| tag.title.as_str()).collect();
    assert_eq!(titles, ["Tag 1", "Tag 3", "Tag 2"]);
}

#[test]
fn a_form_that_is_not_declared_is_an_error() {
    let decoded = |author: serde_json::Value| {
        let row = json!({"id": 1, "author": author, "reviewer": "Bob", "topic": "t", "tags": []});
        serde_json::from_value::<Post>(row).map_err(|error| error.to_string())
    };
    assert!(decoded(json!(1)).is_ok());
    let url = decoded(json!("http://h/api/v1/users/1/")).unwrap_err();
    assert!(url.contains("declare a `Key<User, Url>`"), "{url}");
    for wrong in [
        json!({"name": "Ann"}),
        json!(true),
        json!([1]),
        json!(null),
        json!("Ann"),
    ] {
        assert!(decoded(wrong.clone()).is_err(), "{wrong}");
    }
}
