//! Lists of keys that are changed on the server: what is sent, and what the instance is afterwards. On Django, in every form, it is in
//! `library/lists.rs`.

use django_api_orm::{ErrorKind, Slug, Url, blocking, prelude::*, related::Prefetch};
use django_api_orm_testserver::{Fault, Field, Quirk, Resource, TestServer, Unknown};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/tags/", lookup_field = "slug")]
struct Tag {
    id: Option<i64>,
    slug: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/posts/")]
struct Post {
    id: Option<i64>,
    title: String,
    #[api(relation)]
    tags: Vec<Key<Tag>>,
    #[api(relation)]
    slugs: Vec<Key<Tag, Slug>>,
    #[api(relation)]
    urls: Vec<Key<Tag, Url>>,
}

async fn server(quirks: Vec<Quirk>) -> TestServer {
    let tags: Vec<Value> = (1..=4)
        .map(|id| json!({"id": id, "slug": format!("t-{id}")}))
        .collect();
    let post = json!({
        "id": 1, "title": "a", "tags": [1, 2], "slugs": ["t-1"], "urls": ["https://api.example.com/api/v1/tags/t-1/"],
    });
    let fields = [
        Field::integer("id").primary_key(),
        Field::text("title", 50),
        Field::json("tags"),
        Field::json("slugs"),
        Field::json("urls"),
    ];
    let posts = Resource::new("posts").fields(fields).rows([post]);
    let posts = quirks.into_iter().fold(posts, Resource::quirk);
    TestServer::builder()
        .resource(Resource::from_json("tags", json!(tags)).lookup_field("slug"))
        .resource(posts)
        .start()
        .await
        .unwrap()
}

fn client(server: &TestServer) -> ServiceClient {
    ServiceClient::new(server.base_url()).unwrap()
}

async fn post(client: &ServiceClient) -> Instance<Post> {
    client
        .objects::<Post>()
        .get(Post::F.id.eq(1))
        .await
        .unwrap()
}

fn json_type() -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static("application/json"))])
}

/// The bodies of the writes.
fn written(server: &TestServer) -> Vec<Value> {
    let requests = server.requests().into_iter();
    let writes = requests.filter(|request| request.method() == Method::PATCH);
    writes.map(|request| request.json()).collect()
}

#[tokio::test]
async fn a_list_is_read_again_and_written_if_it_changes() {
    let server = server(vec![]).await;
    let client = client(&server);
    let mut post = post(&client).await;
    let tags = client.objects::<Tag>();
    let third = tags.get(Tag::F.id.eq(3)).await.unwrap();
    let cost = || client.stats().requests;

    let before = cost();
    post.tags_mut().add([&third]).await.unwrap();
    assert_eq!(cost() - before, 2);
    assert_eq!(post.tags, [1, 2, 3].map(Key::new));
    post.tags_mut().add([&third]).await.unwrap();
    assert_eq!(cost() - before, 3, "it is there already");
    post.tags_mut()
        .remove([Key::new(1), Key::new(4)])
        .await
        .unwrap();
    post.tags_mut().remove([&Key::new(1)]).await.unwrap();
    assert_eq!(cost() - before, 6);
    post.tags_mut()
        .set([Key::new(4), Key::of(&third).unwrap(), Key::new(4)])
        .await
        .unwrap();
    assert_eq!(cost() - before, 7);
    assert_eq!(post.tags, [4, 3].map(Key::new));
    post.tags_mut().clear().await.unwrap();
    assert_eq!(cost() - before, 8);
    assert_eq!(post.tags, []);
    assert!(!Instance::is_changed(&post).unwrap());
    let new = post
        .tags_mut()
        .create(&json!({"slug": "t-5"}))
        .await
        .unwrap();
    assert_eq!(cost() - before, 11);
    assert_eq!(post.tags, [Key::of(&new).unwrap()]);
    let lists = [
        json!([1, 2, 3]),
        json!([2, 3]),
        json!([4, 3]),
        json!([]),
        json!([5]),
    ];
    assert_eq!(written(&server), lists.map(|list| json!({"tags": list})));
    assert_eq!(post.tags().await.unwrap()[0].slug, "t-5");
}

#[tokio::test]
async fn keys_are_written_in_their_form() {
    let server = server(vec![]).await;
    let client = client(&server);
    let mut post = post(&client).await;
    let tags = client.objects::<Tag>();
    let (first, second) = (
        tags.get(Tag::F.id.eq(1)).await.unwrap(),
        tags.get(Tag::F.id.eq(2)).await.unwrap(),
    );
    post.slugs_mut().add([&first, &second]).await.unwrap();
    post.slugs_mut().remove([&first]).await.unwrap();
    // The host is a name that the server gives itself.
    post.urls_mut().add([&first, &second]).await.unwrap();
    post.urls_mut().remove([&first]).await.unwrap();
    let url = format!("{}/api/v1/tags/t-2/", server.base_url());
    assert_eq!(
        written(&server),
        [
            json!({"slugs": ["t-1", "t-2"]}),
            json!({"slugs": ["t-2"]}),
            json!({"urls": ["https://api.example.com/api/v1/tags/t-1/", url]}),
            json!({"urls": [url]}),
        ]
    );
}

#[tokio::test]
async fn the_list_is_the_one_that_the_server_has_by_now() {
    for quirks in [vec![], vec![Quirk::SilentUpdates]] {
        let server = server(quirks).await;
        let client = client(&server);
        let mut ours = post(&client).await;
        let mut theirs = post(&client).await;
        theirs.title = "b".to_owned();
        theirs.tags = vec![Key::new(4)];
        theirs.save().await.unwrap();
        ours.slugs.clear();
        ours.tags.push(Key::new(9));
        ours.tags_mut().add([Key::new(4)]).await.unwrap();
        assert_eq!((ours.title.as_str(), &ours.tags), ("b", &vec![Key::new(4)]));
        ours.tags_mut().add([Key::new(3)]).await.unwrap();
        assert_eq!(ours.tags, [4, 3].map(Key::new));
        assert!(ours.slugs.is_empty(), "what was not saved still is to be");
        ours.save().await.unwrap();
        let ours: Vec<_> = written(&server).into_iter().skip(1).collect();
        assert_eq!(ours, [json!({"tags": [4, 3]}), json!({"slugs": []})]);
    }
}

#[tokio::test]
async fn nothing_is_sent_for_a_row_without_a_key() {
    let server = server(vec![]).await;
    let client = client(&server);
    let mut post = post(&client).await;
    let unsaved = Tag {
        id: None,
        slug: "new".to_owned(),
    };
    let before = client.stats().requests;
    for refused in [
        post.tags_mut().add([&unsaved]).await,
        post.tags_mut().remove([&unsaved]).await,
        post.tags_mut().set([&unsaved]).await,
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.to_string().contains("save it first"), "{error}");
    }
    post.id = None;
    let error = post.tags_mut().clear().await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::InvalidRequest,
        "a copy has no row yet: {error}"
    );
    let misspelt = post
        .tags_mut()
        .create(&json!({"slugg": "x"}))
        .await
        .unwrap_err();
    assert_eq!(misspelt.kind(), ErrorKind::InvalidRequest);
    assert_eq!(client.stats().requests, before);
}

#[tokio::test]
async fn after_an_error_the_instance_is_as_it_was() {
    let server = server(vec![]).await;
    let client = client(&server);
    let mut post = post(&client).await;
    let refused = Fault::Answer(
        StatusCode::BAD_REQUEST,
        json_type(),
        r#"{"tags": ["no"]}"#.into(),
    );
    server.inject_on(Method::PATCH, "/api/v1/posts/1/", refused);
    let error = post.tags_mut().add([Key::new(3)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Validation, "{error}");
    assert_eq!(post.tags, [1, 2].map(Key::new));
    assert!(!Instance::is_changed(&post).unwrap());
    let refused = Fault::Answer(StatusCode::BAD_REQUEST, json_type(), "{}".into());
    server.inject_on(Method::PATCH, "/api/v1/posts/1/", refused);
    let error = post.tags_mut().create(&json!({"slug": "t-5"})).await;
    let error = error.unwrap_err();
    assert!(
        error.to_string().contains("was created, and was not added"),
        "{error}"
    );
    let created = client.objects::<Tag>().instance_in(&error).unwrap();
    assert_eq!((created.id, created.slug.as_str()), (Some(5), "t-5"));
    client.objects::<Post>().all().delete().await.unwrap();
    let error = post.tags_mut().add([Key::new(3)]).await.unwrap_err();
    assert!(error.is_does_not_exist(), "{error}");
}

#[tokio::test]
async fn a_list_that_the_server_does_not_keep_is_an_error() {
    let server = server(vec![Quirk::DropFields(vec!["tags".to_owned()])]).await;
    let client = client(&server);
    let mut post = post(&client).await;
    let error = post.tags_mut().add([Key::new(3)]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsaved, "{error}");
}

#[tokio::test]
async fn a_list_that_is_not_shown_is_not_taken_for_an_empty_one() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/v1/posts/")]
    struct Hidden {
        id: Option<i64>,
        #[serde(default)]
        #[api(relation)]
        tags: Vec<Key<Tag>>,
    }
    let server = server(vec![Quirk::OmitFields(vec!["tags".to_owned()])]).await;
    let client = client(&server);
    let posts = client.objects::<Hidden>();
    let mut post = posts.get(Hidden::F.id.eq(1)).await.unwrap();
    for refused in [
        post.tags_mut().add([Key::new(3)]).await,
        post.tags_mut().remove([Key::new(1)]).await,
    ] {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert!(
            error.to_string().contains("does not show `tags`"),
            "{error}"
        );
    }
    assert!(written(&server).is_empty());
    post.tags_mut().set([Key::new(3)]).await.unwrap();
    assert_eq!(written(&server), [json!({"tags": [3]})]);
}

#[test]
fn the_blocking_half_does_the_same() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let server = runtime.block_on(server(vec![]));
    let client = blocking::ServiceClient::new(server.base_url()).unwrap();
    let mut post = client.objects::<Post>().get(Post::F.id.eq(1)).unwrap();
    let tag = client.objects::<Tag>().get(Tag::F.id.eq(3)).unwrap();
    post.tags_mut().add([&tag]).unwrap();
    let found = post.tags().unwrap();
    post.tags_mut().remove([&found[0]]).unwrap();
    assert_eq!(post.tags, [2, 3].map(Key::new));
    post.tags_mut().set([&tag]).unwrap();
    post.tags_mut().clear().unwrap();
    post.tags_mut().create(&json!({"slug": "t-5"})).unwrap();
    let lists = [
        json!([1, 2, 3]),
        json!([2, 3]),
        json!([3]),
        json!([]),
        json!([5]),
    ];
    assert_eq!(written(&server), lists.map(|list| json!({"tags": list})));
}

/// The keys of several rows are a list of the client's own making.
#[tokio::test]
async fn rows_that_point_at_several_are_asked_for_one_by_one_where_a_list_is_refused() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/v1/labels/", related(items = Item::label))]
    struct Label {
        id: Option<i64>,
    }
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/v1/items/")]
    struct Item {
        id: Option<i64>,
        #[api(relation)]
        label: Key<Label>,
    }
    let rows: Vec<Value> = (1..=9)
        .map(|id| json!({"id": id, "label": id % 3 + 1}))
        .collect();
    let fields = [Field::integer("id").primary_key(), Field::integer("label")];
    let items = Resource::new("items")
        .fields(fields)
        .filters([("label", ["exact"])])
        .quirk(Quirk::Unknown(Unknown::Refused(StatusCode::BAD_REQUEST)))
        .rows(json!(rows));
    let labels = Resource::from_json("labels", json!([{"id": 1}, {"id": 2}, {"id": 3}]));
    let server = TestServer::builder().resource(labels).resource(items);
    let server = server.start().await.unwrap();
    let client = client(&server);
    let labels = client.objects::<Label>().all().await.unwrap();
    for label in &labels {
        let items = label.items().rows().await.unwrap();
        let keys: Vec<i64> = items.iter().filter_map(|item| item.id).collect();
        let id = label.id.unwrap();
        let right = (1..=9).filter(|item| item % 3 + 1 == id);
        assert_eq!(keys, right.collect::<Vec<_>>());
    }
    let again = client
        .objects::<Label>()
        .all()
        .prefetch_related(Prefetch::back(Item::F.label));
    let lists = |server: &TestServer| {
        let requests = server.requests().into_iter();
        requests
            .filter(|request| request.query().contains("__in"))
            .count()
    };
    let before = lists(&server);
    assert_eq!(again.await.unwrap().len(), 3);
    assert!(lists(&server) <= before + 1);
    let before = lists(&server);
    let query = client.objects::<Label>().all();
    for label in &query.await.unwrap() {
        label.items().rows().await.unwrap();
    }
    assert_eq!(lists(&server), before, "it is remembered");
}
