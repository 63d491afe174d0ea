//! Ignored filters, and the search.

use django_api_orm::{ErrorKind, Filter, OnIgnored, QuerySet, WarningKind, prelude::*};
use django_api_orm_testserver::{Field, OnDelete, Paginator, Quirk, Resource, TestServer};
use serde_json::json;

use super::site::{Thing, deaf_to, ids, q, resource, site, thing, where_, with_rows};

#[tokio::test]
async fn an_ignored_filter_is_finished_here() {
    let site = deaf_to(["kind"]).await;
    for kind in ["b", "a", "none"] {
        let found = ids(site.things().filter(q("kind", kind))).await.unwrap();
        assert_eq!(found, where_(|thing| thing.kind == kind));
    }
    assert_eq!(
        site.warnings(),
        [(WarningKind::FilterIgnored, "kind".to_owned())],
        "once"
    );
    let others = site.things().at("/api/v1/others/");
    assert_eq!(ids(others.filter(q("kind", "b"))).await.unwrap().len(), 110);
    assert_eq!(site.warnings().len(), 2, "once for each endpoint");
}

#[tokio::test]
async fn an_ignored_filter_can_be_an_error_or_trusted() {
    let site = deaf_to(["kind"]).await;
    let kind_b = |on_ignored| site.things().filter(q("kind", "b")).on_ignored(on_ignored);
    let error = ids(kind_b(OnIgnored::Error)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ignored);
    assert!(error.to_string().contains("`kind`"), "{error}");
    assert_eq!(site.warnings(), []);
    let site = deaf_to(["kind"]).await;
    let trusting = site
        .things()
        .filter(q("kind", "b"))
        .on_ignored(OnIgnored::Trust);
    assert_eq!(ids(trusting.clone()).await.unwrap().len(), 330);
    assert_eq!(trusting.count().await.unwrap(), 330);
    assert_eq!(site.warnings(), []);
}

#[tokio::test]
async fn a_filter_that_was_seen_to_be_ignored_stays_an_error() {
    let site = deaf_to(["kind"]).await;
    let strict = site
        .things()
        .filter(q("kind", "b"))
        .on_ignored(OnIgnored::Error);
    for _ in 0..3 {
        assert_eq!(
            ids(strict.clone()).await.unwrap_err().kind(),
            ErrorKind::Ignored
        );
    }
    // Another query has finished it here in between, and the client knows.
    assert_eq!(
        ids(site.things().filter(q("kind", "b")))
            .await
            .unwrap()
            .len(),
        110
    );
    assert_eq!(
        ids(strict.clone()).await.unwrap_err().kind(),
        ErrorKind::Ignored
    );
    assert_eq!(strict.count().await.unwrap_err().kind(), ErrorKind::Ignored);
}

#[tokio::test]
async fn of_two_filters_only_the_ignored_one_is_finished_here() {
    let site = deaf_to(["kind"]).await;
    let both = site.things().filter(q("kind", "c") & q("rank__gte", 8));
    let expected = where_(|thing| thing.kind == "c" && thing.rank >= 8);
    assert_eq!(ids(both.clone()).await.unwrap(), expected);
    assert_eq!(both.count().await.unwrap(), expected.len() as u64);
    assert_eq!(
        site.warnings(),
        [(WarningKind::FilterIgnored, "kind".to_owned())]
    );
    site.server.clear_requests();
    assert_eq!(ids(both).await.unwrap(), expected);
    let requests = site.server.requests();
    assert_eq!(requests.len(), 1, "66 rows have rank 8 or 9");
    assert_eq!(requests[0].parameter("rank__gte").as_deref(), Some("8"));
    assert_eq!(
        requests[0].parameter("kind"),
        None,
        "what is ignored is not sent again"
    );
}

#[tokio::test]
async fn each_ignored_filter_is_warned_of() {
    let site = deaf_to(["kind", "rank__gte"]).await;
    let both = site.things().filter(q("kind", "c") & q("rank__gte", 8));
    assert_eq!(
        ids(both).await.unwrap(),
        where_(|thing| thing.kind == "c" && thing.rank >= 8)
    );
    let mut subjects: Vec<String> = site
        .warnings()
        .into_iter()
        .map(|(_, subject)| subject)
        .collect();
    subjects.sort_unstable();
    assert_eq!(subjects, ["kind", "rank__gte"]);
}

#[tokio::test]
async fn a_first_row_that_happens_to_match_proves_nothing() {
    // The first row is of kind a, so each of these has a first answer that looks right.
    let kind_a = where_(|thing| thing.kind == "a");
    let site = deaf_to(["kind"]).await;
    assert_eq!(
        site.things().filter(q("kind", "a")).count().await.unwrap(),
        110
    );
    let site = deaf_to(["kind"]).await;
    assert_eq!(
        site.things()
            .filter(q("kind", "a"))
            .limit(50)
            .count()
            .await
            .unwrap(),
        50
    );
    let site = deaf_to(["kind"]).await;
    assert_eq!(
        ids(site.things().filter(q("kind", "a")).limit(7))
            .await
            .unwrap(),
        kind_a[..7]
    );
    let site = deaf_to(["kind"]).await;
    let last = site
        .things()
        .filter(q("kind", "a"))
        .last()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(last.id, Some(328));
    let site = deaf_to(["kind"]).await;
    let last = site
        .things()
        .filter(q("kind", "a"))
        .order_by(["id"])
        .last()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(last.id, Some(328));
    let site = deaf_to(["name"]).await;
    let one = site.things().get(q("name", "thing 001")).await.unwrap();
    assert_eq!(one.id, Some(1), "the second row does not match");
}

#[tokio::test]
async fn slices_are_those_of_the_matching_rows() {
    let kind_a = where_(|thing| thing.kind == "a");
    for (start, stop) in [
        (100, 110),
        (0, 5),
        (95, 200),
        (109, 111),
        (110, 120),
        (33, 34),
    ] {
        let site = deaf_to(["kind"]).await;
        let slice = site.things().filter(q("kind", "a")).range(start..stop);
        let expected: Vec<i64> = kind_a
            .iter()
            .copied()
            .skip(start as usize)
            .take((stop - start) as usize)
            .collect();
        assert_eq!(
            ids(slice.clone()).await.unwrap(),
            expected,
            "{start}..{stop}"
        );
        assert_eq!(slice.count().await.unwrap(), expected.len() as u64);
        assert_eq!(slice.exists().await.unwrap(), !expected.is_empty());
        let first = slice.first().await.unwrap().and_then(|thing| thing.id);
        assert_eq!(first, expected.first().copied());
        let last = slice.last().await.unwrap().and_then(|thing| thing.id);
        assert_eq!(last, expected.last().copied());
    }
}

#[tokio::test]
async fn what_is_less_than_a_list_is_right_too() {
    let site = deaf_to(["name", "kind", "id__in"]).await;
    let things = site.things();
    assert!(!things.filter(q("name", "nobody")).exists().await.unwrap());
    assert!(
        things
            .filter(q("name", "nobody"))
            .first()
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        things
            .get(q("name", "nobody"))
            .await
            .unwrap_err()
            .is_does_not_exist()
    );
    let several = things.get(q("kind", "b")).await.unwrap_err();
    assert!(several.is_multiple_objects_returned());
    let one = things.get(q("name", "thing 200")).await.unwrap();
    assert_eq!(*one, thing(200));
    let many = things
        .filter(q("kind", "b"))
        .in_bulk([1, 2, 3, 5, 999])
        .await
        .unwrap();
    let mut keys: Vec<i64> = many.into_keys().collect();
    keys.sort_unstable();
    assert_eq!(keys, [2, 5]);
}

/// Many databases ignore case, so a row that differs only by it is taken on the server's word; but only if the server looks at
/// the filter at all.
#[tokio::test]
async fn a_server_that_ignores_a_filter_is_not_believed_about_rows_before() {
    let mut rows = vec![json!({"name": "Ann"}), json!({"name": "ann"})];
    rows.resize(250, json!({"name": "ANN"}));
    for stranger in [2, 150, 249] {
        let mut rows = rows.clone();
        rows[stranger] = json!({"name": "bob"});
        let ignoring = || with_rows(&json!(rows)).quirk(Quirk::ignore_parameters(["name"]));
        let site = site(ignoring()).await;
        assert_eq!(
            ids(site.things().filter(q("name", "ann"))).await.unwrap(),
            [2],
            "row {stranger} shows it"
        );
        let site = self::site(ignoring()).await;
        let sorted = site.things().filter(q("name", "ann")).reverse();
        assert_eq!(ids(sorted).await.unwrap(), [2]);
        let site = self::site(ignoring()).await;
        let mut streamed = site.things().filter(q("name", "ann")).stream();
        let mut found = Vec::new();
        let end = loop {
            match streamed.try_next().await {
                Ok(Some(thing)) => found.push(thing.id.unwrap()),
                Ok(None) => break None,
                Err(error) => break Some(error.kind()),
            }
        };
        assert_eq!((end, found), (None, vec![2]));
    }
}

#[tokio::test]
async fn a_filter_that_no_row_shows_is_not_believed() {
    let filters = [
        ("knid", json!("b")),
        ("owner__name", json!("Ann")),
        ("owner__name__icontains", json!("a")),
        ("owner__age__gt", json!(18)),
        ("owner__age__range", json!([18, 30])),
        ("owner__in", json!([1, 2])),
        ("owner__isnull", json!(false)),
        ("has_owner", json!(true)),
        ("born__date", json!("2024-05-01")),
    ];
    for (name, value) in filters {
        // One row: a `get` would take it.
        let one_row = || with_rows(&json!([{"name": "boss"}]));
        let strict = site(one_row()).await;
        let refused = strict.things().filter(q(name, value.clone()));
        let error = ids(refused.on_ignored(OnIgnored::Error)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ignored, "{name}");
        let site = site(one_row()).await;
        let things = site.things();
        let query = || things.filter(q(name, value.clone()));
        let kinds = [
            query().await.map(|_| ()),
            query().count().await.map(|_| ()),
            query().first().await.map(|_| ()),
            query().exists().await.map(|_| ()),
            query().reverse().await.map(|_| ()),
            things.get(q(name, value.clone())).await.map(|_| ()),
            things
                .get_or_create(q(name, value.clone()), [Thing::F.name.set("new")])
                .await
                .map(|_| ()),
        ]
        .map(|answer| answer.unwrap_err().kind());
        let mut expected = [ErrorKind::Unsupported; 7];
        if ["knid", "owner__name", "has_owner"].contains(&name) {
            // A new row would get a value for what is no field.
            expected[6] = ErrorKind::InvalidRequest;
        }
        assert_eq!(kinds, expected, "{name}");
        assert_eq!(site.writes(), Vec::<String>::new());
        assert_eq!(
            site.warnings(),
            [],
            "it is an error, and nothing is finished here"
        );
        let trusting = query().on_ignored(OnIgnored::Trust);
        assert_eq!(ids(trusting).await.unwrap(), [1]);
    }
}

#[tokio::test]
async fn a_filter_that_no_row_shows_is_believed_once_the_server_is_seen_to_look_at_it() {
    #[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/v1/posts/")]
    struct Post {
        id: Option<i64>,
    }

    let server = TestServer::reference_builder().start().await.unwrap();
    let client = ServiceClient::builder(server.base_url())
        .auth_token("test-token")
        .build()
        .unwrap();
    let posts = client.objects::<Post>();
    let by_author = |name: &str| posts.filter(Filter::lookup("author__name", name));
    let cost = async |queryset: QuerySet<Post>| {
        let before = client.stats().requests;
        let rows = queryset.await.unwrap().len();
        (rows, client.stats().requests - before)
    };
    // No row, nothing to doubt.
    assert_eq!(cost(by_author("Nobody")).await, (0, 1));
    let (rows, requests) = cost(by_author("Carol Brown")).await;
    let pages = rows.div_ceil(25) as u64;
    assert!(pages > 0);
    assert_eq!(
        requests,
        pages + 1,
        "one to see that nobody's posts are not found"
    );
    assert_eq!(cost(by_author("Carol Brown")).await, (rows, pages));

    #[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/v1/posts/", filters("author__name"))]
    struct Declared {
        id: Option<i64>,
    }
    let other = ServiceClient::builder(server.base_url())
        .auth_token("test-token")
        .build()
        .unwrap();
    let declared = other
        .objects::<Declared>()
        .filter(Filter::lookup("author__name", "Carol Brown"));
    assert_eq!(declared.await.unwrap().len(), rows);
    assert_eq!(
        other.stats().requests,
        pages,
        "what is declared is believed"
    );
}

/// Things of two owners, of whom the rows show the keys alone.
fn owned(paginator: Option<Paginator>) -> [Resource; 2] {
    let rows: Vec<_> = (1..=30)
        .map(|id| json!({"name": format!("thing {id}"), "owner": 1 + id % 2}))
        .collect();
    let owners = Resource::new("owners")
        .fields([
            Field::integer("id").primary_key(),
            Field::text("name", 50),
            Field::boolean("active"),
        ])
        .rows(json!([{"name": "Ann", "active": true}, {"name": "Bob", "active": false}]));
    let things = Resource::new("things")
        .fields([
            Field::integer("id").primary_key(),
            Field::text("name", 50),
            Field::foreign_key("owner", "owners", OnDelete::Cascade),
        ])
        .filter("owner__active", ["exact"])
        .filter("owner__name", ["exact", "gt"])
        .rows(json!(rows));
    let things = match paginator {
        Some(paginator) => things.paginator(paginator),
        None => things,
    };
    [owners, things]
}

#[tokio::test]
async fn whether_a_server_looks_at_a_filter_is_seen_with_and_without_counts() {
    #[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/v1/things/")]
    struct Owned {
        id: Option<i64>,
        owner: i64,
    }

    let paginators = || {
        [
            Some(Paginator::limit_offset()),
            Some(Paginator::page_number(10)),
            Some(Paginator::cursor(10, ["id"])),
            None,
        ]
    };
    for deaf in [false, true] {
        for paginator in paginators() {
            let [owners, mut things] = owned(paginator);
            if deaf {
                things = things.quirk(Quirk::ignore_parameters([
                    "owner__active",
                    "owner__name",
                    "owner__name__gt",
                ]));
            }
            let server = TestServer::builder()
                .resource(owners)
                .resource(things)
                .start()
                .await
                .unwrap();
            let client = ServiceClient::new(server.base_url()).unwrap();
            let things = client.objects::<Owned>();
            for (name, value, owner) in [
                ("owner__active", json!(true), 1),
                ("owner__active", json!(false), 2),
                ("owner__name", json!("Bob"), 2),
                ("owner__name__gt", json!("Ann"), 2),
            ] {
                let found = things.filter(Filter::lookup(name, value)).await;
                if deaf {
                    assert_eq!(found.unwrap_err().kind(), ErrorKind::Unsupported);
                } else {
                    let found = found.unwrap();
                    assert_eq!(found.len(), 15);
                    assert!(found.iter().all(|thing| thing.owner == owner), "{name}");
                }
            }
        }
    }
}

#[tokio::test]
async fn reading_on_has_an_end() {
    let site = deaf_to(["kind"]).await;
    let few = site.things().filter(q("kind", "b")).max_scan(250);
    assert_eq!(
        ids(few.clone()).await.unwrap_err().kind(),
        ErrorKind::ScanLimit
    );
    assert_eq!(few.count().await.unwrap_err().kind(), ErrorKind::ScanLimit);
    assert_eq!(ids(few.max_scan(330)).await.unwrap().len(), 110);
    let honest = site.things().all().max_scan(10);
    assert_eq!(
        ids(honest.clone()).await.unwrap().len(),
        330,
        "nothing is evaluated client-side"
    );
    assert_eq!(
        ids(honest.filter(q("rank__gte", 5))).await.unwrap().len(),
        165
    );
    let residual = honest.exclude(q("rank", 5));
    assert_eq!(
        ids(residual).await.unwrap_err().kind(),
        ErrorKind::ScanLimit
    );
}

#[tokio::test]
async fn a_search_that_nobody_does_is_an_error() {
    let searching = site(resource()).await;
    assert_eq!(
        ids(searching.things().search("thing 123")).await.unwrap(),
        [123]
    );
    let site = deaf_to(["search"]).await;
    for on_ignored in [OnIgnored::Local, OnIgnored::Error] {
        let search = site.things().search("thing 123").on_ignored(on_ignored);
        assert_eq!(
            ids(search.clone()).await.unwrap_err().kind(),
            ErrorKind::Ignored
        );
        assert_eq!(search.count().await.unwrap_err().kind(), ErrorKind::Ignored);
    }
    let trusting = site
        .things()
        .search("thing 123")
        .on_ignored(OnIgnored::Trust);
    assert_eq!(ids(trusting).await.unwrap().len(), 330);
}

#[tokio::test]
async fn a_part_that_finds_longer_texts_is_not_taken_for_ignored() {
    let rows: Vec<_> = (1..=160)
        .map(|id| {
            let name = if id > 120 { "ann b" } else { "ann" };
            json!({"id": id, "name": name, "kind": "a", "rank": id})
        })
        .collect();
    let deaf = Quirk::ignore_parameters(["name"]);
    let site = site(with_rows(&json!(rows)).quirk(deaf)).await;
    // A query string has no OR.
    let either = q("rank", 7) | q("name__icontains", "zz");
    assert_eq!(ids(site.things().filter(either)).await.unwrap(), [7]);
    // Names that come several times may be labels: one request more, once.
    for requests in [3, 2] {
        let pushed = site.things().filter(q("name__icontains", "ann"));
        let (found, made) = site.cost(ids(pushed)).await;
        assert_eq!((found.unwrap().len(), made), (160, requests));
    }
    assert_eq!(site.warnings(), []);
}

#[tokio::test]
async fn what_the_server_finds_in_another_case_is_not_left_out_by_case() {
    let rows = json!([
        {"id": 1, "name": "Ann", "kind": "a", "rank": 1},
        {"id": 2, "name": "ann", "kind": "a", "rank": 2},
    ]);
    let site = site(with_rows(&rows)).await;
    // SQLite's LIKE knows no case.
    let found = site.things().filter(q("name__contains", "ann"));
    assert_eq!(ids(found.clone()).await.unwrap(), [1, 2]);
    let either = q("name__startswith", "ann") | q("rank", 9);
    for _ in 0..2 {
        let both = ids(found.clone().filter(either.clone())).await;
        assert_eq!(both.unwrap(), [1, 2]);
    }
}

/// What the server would make of another part, for which it has no filter, nothing shows.
#[tokio::test]
async fn what_the_server_finds_in_another_case_is_not_left_out_by_another_filter() {
    let rows = json!([
        {"id": 1, "name": "Ann", "kind": "a", "rank": 1},
        {"id": 2, "name": "ann", "kind": "a", "rank": 2},
    ]);
    let deaf = Quirk::ignore_parameters(["name__startswith"]);
    let site = site(with_rows(&rows).quirk(deaf)).await;
    let found = site.things().filter(q("name__contains", "ann"));
    let either = q("name__startswith", "ann") | q("rank", 9);
    for _ in 0..2 {
        let error = ids(found.clone().filter(either.clone())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("another case"), "{error}");
    }
}

#[tokio::test]
async fn texts_that_look_like_dates_and_numbers_are_compared_with_words() {
    let names = ["2024-01-01", "Bob", "1.0", "2024-01-01T10:00:00Z", "o"];
    let rows = names.map(|name| json!({"name": name}));
    let site = site(with_rows(&json!(rows))).await;
    let things = site.things();
    let others = ids(things.exclude(q("name", "o"))).await.unwrap();
    assert_eq!(others, [1, 2, 3, 4]);
    let either = q("name", "Bob") | q("rank", 7);
    assert_eq!(ids(things.filter(either)).await.unwrap(), [2]);
    let others = ids(things.exclude(q("name__icontains", "o")))
        .await
        .unwrap();
    assert_eq!(others, [1, 3, 4]);
    let others = ids(things.exclude(q("name__lt", "Bob"))).await.unwrap();
    assert_eq!(others, [2, 5]);
    let refused = ids(things.exclude(q("name", "today"))).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported, "{refused}");
}

/// `name` finds what has the text as a part: rows are left out by the client then.
#[tokio::test]
async fn a_filter_by_parts_is_none_by_the_whole() {
    let rows = json!(["Annika", "Bob", "Ann", "Joanna"].map(|name| json!({"name": name})));
    for (name, expected) in [("nnik", vec![]), ("Ann", vec![3]), ("Bo", vec![])] {
        let by_parts = with_rows(&rows).filter_as("name", "name", "icontains");
        let site = site(by_parts).await;
        for _ in 0..2 {
            let found = ids(site.things().filter(q("name", name))).await.unwrap();
            assert_eq!(found, expected, "{name}");
        }
        let count = site.things().filter(q("name", name)).count().await.unwrap();
        assert_eq!(count, expected.len() as u64, "{name}");
    }
}

/// `name` finds what has the text as a part, as a search does: such a row is not the one that is to be created.
#[tokio::test]
async fn a_row_that_is_found_by_a_part_is_not_taken_for_the_one_that_is_asked_for() {
    let rows = json!([
        {"id": 1, "name": "Annika", "kind": "a", "rank": 1},
        {"id": 2, "name": "Bob", "kind": "a", "rank": 2},
    ]);
    for name in ["nnik", "ann", "ka"] {
        let things = || {
            let things = Resource::new("things")
                .fields([
                    Field::integer("id").primary_key(),
                    Field::text("name", 50),
                    Field::text("kind", 5),
                    Field::integer("rank"),
                ])
                .paginator(Paginator::limit_offset())
                .filter_as("name", "name", "icontains")
                .rows(rows.clone());
            site(things)
        };
        let site = things().await;
        let new = [Thing::F.kind.set("b"), Thing::F.rank.set(3)];
        let found = site.things().get_or_create(q("name", name), new).await;
        let error = found.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert_eq!(site.writes(), Vec::<String>::new());
    }
}
