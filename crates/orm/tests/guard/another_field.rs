//! Bare names of fields that are filters by another field: an empty answer is no sign that there is no such row.

use django_api_orm::prelude::*;
use django_api_orm_testserver::{Field, Paginator, Resource, TestServer};
use serde_json::{Value, json};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/people/")]
struct Person {
    id: Option<i64>,
    name: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/pets/")]
struct Pet {
    id: Option<i64>,
    name: String,
    #[serde(default)]
    rank: i64,
    #[api(relation)]
    owner: Option<Key<Person>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Shown {
    Key,
    Object,
}

impl Shown {
    fn owner(self, id: i64) -> Value {
        match self {
            Self::Key => json!(id),
            Self::Object => json!({"id": id}),
        }
    }
}

/// Pets of two owners, behind so many without one.
async fn pets(shown: Shown, homeless: usize, owner: (&str, &str)) -> (TestServer, Manager<Pet>) {
    let homeless = (0..homeless).map(|_| json!({"name": "Stray", "rank": 1, "owner": null}));
    let owned = [("Rex", 1, "Ann", 7), ("Tom", 2, "Bob", 3)].map(
        |(name, owner, keeper, rank)| json!({"name": name, "rank": rank, "owner": shown.owner(owner), "keeper": keeper}),
    );
    let pets = Resource::new("pets")
        .fields([
            Field::integer("id").primary_key(),
            Field::text("name", 50),
            Field::integer("rank").default(0),
            match shown {
                Shown::Key => Field::integer("owner").null(),
                Shown::Object => Field::json("owner").null(),
            },
            Field::text("keeper", 50).default(""),
        ])
        .filter("name", ["exact"])
        .filter_as("owner", owner.0, owner.1)
        .filter_as("rank", "rank", "gt")
        .paginator(Paginator::limit_offset())
        .rows(Value::from_iter(homeless.chain(owned)));
    let server = TestServer::builder().resource(pets).start().await.unwrap();
    let pets = ServiceClient::new(server.base_url()).unwrap().objects();
    (server, pets)
}

fn posts(server: &TestServer) -> usize {
    let requests = server.requests();
    let posts = requests.iter().filter(|request| request.method() == "POST");
    posts.count()
}

#[tokio::test]
async fn a_key_that_is_asked_of_the_name_of_a_related_row_is_found() {
    for shown in [Shown::Key, Shown::Object] {
        for lookup in ["icontains", "exact"] {
            let (_server, pets) = pets(shown, 6, ("keeper", lookup)).await;
            let of_ann = pets.filter(Pet::F.owner.eq(Key::new(1)));
            for _ in 0..2 {
                let found = of_ann.fetch().await.unwrap();
                assert_eq!(found.len(), 1, "{shown:?}, {lookup}");
                assert_eq!(found[0].name, "Rex");
            }
            assert_eq!(of_ann.count().await.unwrap(), 1);
            assert!(of_ann.exists().await.unwrap());
            let others = pets.exclude(Pet::F.owner.eq(Key::new(1)));
            assert_eq!(others.count().await.unwrap(), 7, "as the others have none");
        }
    }
}

#[tokio::test]
async fn no_row_is_doubled_where_a_name_filters_by_another_field() {
    for upserts in [false, true] {
        let (server, pets) = pets(Shown::Key, 6, ("keeper", "icontains")).await;
        for _ in 0..2 {
            let by = Pet::F.owner.eq(Key::new(1)) & Pet::F.name.eq("Rex");
            let (pet, created) = match upserts {
                true => pets.update_or_create(by, []).await.unwrap(),
                false => pets.get_or_create(by, []).await.unwrap(),
            };
            assert_eq!((pet.id, created), (Some(7), false));
        }
        let by = || Pet::F.rank.eq(7);
        let name = || [Pet::F.name.set("New")];
        let (pet, created) = match upserts {
            true => pets.update_or_create(by(), name()).await.unwrap(),
            false => pets.get_or_create(by(), name()).await.unwrap(),
        };
        assert_eq!((pet.id, created), (Some(7), false), "none is greater");
        assert_eq!(posts(&server), 0);
        let (_, created) = pets
            .get_or_create(
                Pet::F.owner.eq(Key::new(3)),
                [Pet::F.name.set("New"), Pet::F.rank.set(1)],
            )
            .await
            .unwrap();
        assert!(created);
    }
}

/// What it costs where the name is the field's: two requests, once for each client, endpoint and name.
#[tokio::test]
async fn a_name_is_asked_about_once() {
    let (server, pets) = pets(Shown::Key, 0, ("owner", "exact")).await;
    let new = |owner: i64, name: &str| {
        pets.get_or_create(
            Pet::F.owner.eq(Key::new(owner)),
            [Pet::F.name.set(name), Pet::F.rank.set(1)],
        )
    };
    let mut before = 0;
    for (owner, expected) in [(8, 4), (9, 2)] {
        assert!(new(owner, "New").await.unwrap().1);
        let requests = server.requests().len();
        assert_eq!(requests - before, expected);
        before = requests;
    }
    assert!(!new(8, "New").await.unwrap().1);
    assert_eq!(posts(&server), 2);
}
