//! Related rows that the server shows as objects and takes no keys for: no write is told as done that was not.

use django_api_orm::{Error, ErrorKind, OnUnsaved, prelude::*};
use django_api_orm_testserver::{Field, Resource, TestServer};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/people/")]
struct Person {
    id: Option<i64>,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/parts/")]
struct Part {
    id: Option<i64>,
    #[serde(default)]
    title: String,
    #[api(relation)]
    owner: Option<Key<Person>>,
    #[api(relation)]
    tags: Vec<Key<Person>>,
}

fn person(id: i64) -> Value {
    json!({"id": id, "name": format!("n{id}")})
}

/// Parts whose related rows only the server sets, which the model does not say.
async fn server() -> TestServer {
    let tags = [person(1), person(2)];
    let rows: Vec<Value> = (1..=3)
        .map(|id| json!({"id": id, "title": "a", "owner": person(2), "tags": tags}))
        .collect();
    let parts = Resource::new("parts")
        .fields([
            Field::integer("id").primary_key(),
            Field::text("title", 50).default(""),
            Field::json("owner").null().read_only(),
            Field::json("tags").default(json!([])).read_only(),
        ])
        .filter_on_everything()
        .rows(json!(rows));
    let people: Vec<Value> = (1..=3).map(person).collect();
    TestServer::builder()
        .resource(parts)
        .resource(Resource::from_json("people", json!(people)))
        .start()
        .await
        .unwrap()
}

fn parts(server: &TestServer) -> Manager<Part> {
    ServiceClient::new(server.base_url()).unwrap().objects()
}

fn is_unsaved(error: &Error, name: &str) {
    assert_eq!(error.kind(), ErrorKind::Unsaved, "{error}");
    let named = format!("did not keep `{name}`");
    assert!(error.to_string().contains(&named), "{error}");
    assert!(!error.is_outcome_unknown() && error.row().is_some());
}

#[tokio::test]
async fn a_row_that_still_points_elsewhere_was_not_saved() {
    let server = server().await;
    let parts = parts(&server);
    let mut part = parts.get(Part::F.id.eq(1)).await.unwrap();
    part.owner = Some(Key::new(1));
    part.title = "b".to_owned();
    is_unsaved(&part.save().await.unwrap_err(), "owner");
    assert_eq!(part.title, "b", "what was kept is taken over");
    assert!(Instance::is_changed(&part).unwrap(), "to be saved yet");
    part.owner = None;
    is_unsaved(&part.save().await.unwrap_err(), "owner");

    let one = parts.filter(Part::F.id.eq(2));
    let error = one.update([Part::F.owner.set(Some(Key::new(1)))]).await;
    is_unsaved(&error.unwrap_err().failed()[0].1, "owner");
    let defaults = [Part::F.owner.set(Some(Key::new(1)))];
    let error = parts.update_or_create(Part::F.id.eq(3), defaults).await;
    is_unsaved(&error.unwrap_err(), "owner");
    // What it shows is what was sent.
    let one = parts.filter(Part::F.id.eq(2));
    one.update([Part::F.owner.set(Some(Key::new(2)))])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_list_that_stays_as_it_was_was_not_saved() {
    let server = server().await;
    let parts = parts(&server);
    let mut part = parts.get(Part::F.id.eq(1)).await.unwrap();
    for error in [
        part.tags_mut().add([Key::new(3)]).await,
        part.tags_mut().remove([Key::new(1)]).await,
        part.tags_mut().set([Key::new(3)]).await,
        part.tags_mut().set([Key::new(1)]).await,
        part.tags_mut().clear().await,
    ] {
        is_unsaved(&error.unwrap_err(), "tags");
    }
    part.refresh_from_api().await.unwrap();
    part.tags_mut().set([2, 1].map(Key::new)).await.unwrap();
    part.tags_mut().add([Key::new(1)]).await.unwrap();
    part.tags = Vec::new();
    is_unsaved(&part.save().await.unwrap_err(), "tags");
}

#[tokio::test]
async fn a_new_row_that_points_elsewhere_is_told_with_the_row() {
    let server = server().await;
    let parts = parts(&server);
    for (new, name) in [
        (json!({"title": "new", "owner": 1, "tags": []}), "owner"),
        (json!({"title": "new", "owner": null, "tags": [1]}), "tags"),
    ] {
        let error = parts.create(&new).await.unwrap_err();
        is_unsaved(&error, name);
        let shown = error.to_string();
        let made = parts.instance_in(&error).unwrap();
        let created = format!("was created (id: {})", made.id.unwrap());
        assert!(shown.contains(&created), "{shown}");
        assert_eq!((made.title.as_str(), &made.owner), ("new", &None));
    }
    let plain = json!({"title": "new", "owner": null, "tags": []});
    let lost = json!({"title": "new", "owner": 1, "tags": []});
    parts.create(&plain).await.unwrap();
    let error = parts.bulk_create([&plain, &lost]).await.unwrap_err();
    assert_eq!(error.created().len(), 1);
    is_unsaved(&error.failed()[0].1, "owner");
    let defaults = [Part::F.owner.set(Some(Key::new(1)))];
    let filter = Part::F.title.eq("other");
    let error = parts.get_or_create(filter.clone(), defaults.clone()).await;
    is_unsaved(&error.unwrap_err(), "owner");
    let (_, created) = parts.get_or_create(filter, defaults).await.unwrap();
    assert!(!created, "the row is found");

    let mut copy = parts.get(Part::F.id.eq(1)).await.unwrap();
    let before = parts.count().await.unwrap();
    copy.id = None;
    is_unsaved(&copy.save().await.unwrap_err(), "owner");
    assert_eq!(parts.count().await.unwrap(), before + 1);
    assert!(copy.id.is_some(), "it is not created again");
    copy.save().await.unwrap();
}

#[tokio::test]
async fn another_row_may_be_a_warning_or_nothing() {
    for (on_unsaved, warnings) in [(OnUnsaved::Warn, 2), (OnUnsaved::Ignore, 0)] {
        let server = server().await;
        let warned = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = warned.clone();
        let client = ServiceClient::builder(server.base_url())
            .on_unsaved(on_unsaved)
            .on_warning(move |_| {
                counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            })
            .build()
            .unwrap();
        let parts = client.objects::<Part>();
        let mut part = parts.get(Part::F.id.eq(1)).await.unwrap();
        part.owner = Some(Key::new(1));
        part.save().await.unwrap();
        assert_eq!(part.owner, Some(Key::new(2)), "the server's");
        part.tags_mut().clear().await.unwrap();
        let new = json!({"title": "new", "owner": 1, "tags": [1]});
        assert_eq!(parts.create(&new).await.unwrap().owner, None);
        assert_eq!(warned.load(std::sync::atomic::Ordering::Relaxed), warnings);
    }
}
