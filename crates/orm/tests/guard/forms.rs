//! Servers whose rows show a field in another form than filters take: labels, shortened texts, rounded numbers, times without
//! seconds. They are believed, and nothing is evaluated on such a field.

use django_api_orm::{ErrorKind, Manager, OnIgnored, QuerySet, prelude::*};
use django_api_orm_testserver::{Reply, Resource, Shape, TestServer, View};
use http::Method;
use serde_json::{Value, json};

use super::site::served;

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/tasks/")]
struct Task {
    id: Option<i64>,
    title: String,
    status: String,
    #[serde(default)]
    rank: i64,
}

struct Site {
    server: TestServer,
    client: ServiceClient,
}

/// 30 tasks, of which every third is done; titles are long.
async fn start(differences: Value) -> Site {
    let rows: Vec<Value> = (1..=30)
        .map(|id| {
            json!({
                "id": id,
                "title": format!("A title of number {id:02}"),
                "status": if id % 3 == 0 { "D" } else { "A" },
                "rank": id % 5,
            })
        })
        .collect();
    let server = TestServer::builder()
        .resource(Resource::from_json("tasks", rows))
        .shape(Shape::from_json(differences).unwrap());
    let server = server.start().await.unwrap();
    let client = ServiceClient::builder(server.base_url())
        .on_warning(|warning| panic!("{warning}"))
        .build()
        .unwrap();
    Site { server, client }
}

async fn labelled() -> Site {
    start(json!({"size": 8, "shows": {"status": {"label": {"A": "Active", "D": "Done"}}}})).await
}

impl Site {
    fn tasks(&self) -> Manager<Task> {
        self.client.objects()
    }

    fn status(&self, status: &str) -> QuerySet<Task> {
        self.tasks().filter(Task::F.status.eq(status))
    }

    async fn cost<T>(&self, of: impl Future<Output = T>) -> (T, u64) {
        let before = self.client.stats().requests;
        (of.await, self.client.stats().requests - before)
    }

    fn writes(&self) -> usize {
        let requests = self.server.requests();
        requests
            .iter()
            .filter(|request| request.method() != "GET")
            .count()
    }
}

async fn ids(tasks: QuerySet<Task>) -> Vec<i64> {
    tasks
        .await
        .unwrap()
        .iter()
        .filter_map(|task| task.id)
        .collect()
}

fn done() -> Vec<i64> {
    (1..=30).filter(|id| id % 3 == 0).collect()
}

#[tokio::test]
async fn a_label_is_no_proof_that_the_filter_is_ignored() {
    let site = labelled().await;
    let (found, requests) = site.cost(ids(site.status("D"))).await;
    assert_eq!(
        (found, requests),
        (done(), 2 + 2),
        "one to see that the server honours it, and one that it finds no parts"
    );
    let (found, requests) = site.cost(ids(site.status("A"))).await;
    assert_eq!((found.len(), requests), (20, 3), "once");
    assert_eq!(site.cost(site.status("D").count()).await.1, 1);
    for on_ignored in [OnIgnored::Local, OnIgnored::Error, OnIgnored::Trust] {
        let site = labelled().await;
        let done = || site.status("D").on_ignored(on_ignored);
        assert_eq!(done().count().await.unwrap(), 10);
        assert!(done().exists().await.unwrap());
        assert_eq!(done().first().await.unwrap().unwrap().id, Some(3));
        assert_eq!(done().last().await.unwrap().unwrap().id, Some(30));
        assert_eq!(ids(done().range(4..7)).await, [15, 18, 21]);
        assert_eq!(ids(done().order_by(["-id"]).limit(2)).await, [30, 27]);
        let not = site.status("X").on_ignored(on_ignored);
        assert!(!not.exists().await.unwrap());
    }
}

#[tokio::test]
async fn each_first_question_is_right() {
    let last = |site: &Site| site.status("D").last();
    assert_eq!(last(&labelled().await).await.unwrap().unwrap().id, Some(30));
    assert_eq!(labelled().await.status("D").count().await.unwrap(), 10);
    assert!(labelled().await.status("D").exists().await.unwrap());
    assert_eq!(
        ids(labelled().await.status("D").range(4..7)).await,
        [15, 18, 21]
    );
    let site = labelled().await;
    let of_done = Task::F.status.eq("D");
    let one = site.tasks().get(of_done.clone() & Task::F.id.eq(9)).await;
    assert_eq!(one.unwrap().id, Some(9));
    let error = site.tasks().get(of_done).await.unwrap_err();
    assert!(error.is_multiple_objects_returned(), "{error}");
    let in_bulk = site.status("D").in_bulk([1, 3, 6, 99_i64]).await.unwrap();
    assert_eq!(in_bulk.len(), 2);
}

#[tokio::test]
async fn nothing_is_evaluated_on_a_field_that_is_shown_in_another_form() {
    let site = labelled().await;
    ids(site.status("D")).await;
    let active = Task::F.status.eq("A");
    let refused = [
        site.tasks().exclude(active.clone()),
        site.tasks().filter(active.clone() | Task::F.id.gt(25)),
        site.tasks().exclude(Task::F.status.startswith("A")),
    ];
    for query in refused {
        let error = query.fetch().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("another form"), "{error}");
        assert!(query.first().await.is_err() && query.count().await.is_err());
    }
    // What the server can be asked is.
    let either = site.tasks().filter(active | Task::F.status.eq("D"));
    assert_eq!(either.count().await.unwrap(), 30);
    let told = site.status("D").explain().unwrap().to_string();
    assert!(told.contains("in another form"), "{told}");
    assert_eq!(site.status("D").explain().unwrap().checked(), [""; 0]);
}

/// Where nothing is pushed that a label could violate, what holds for no row raises the doubt.
#[tokio::test]
async fn a_part_that_only_the_client_evaluates_is_doubted_before_it_is_used() {
    let queries: [fn(Manager<Task>) -> QuerySet<Task>; 5] = [
        |tasks| tasks.exclude(Task::F.status.eq("A")),
        |tasks| tasks.exclude(Task::F.status.in_(["A", "X"])),
        |tasks| tasks.exclude(Task::F.status.startswith("D")),
        |tasks| tasks.filter(Task::F.status.eq("A") | Task::F.id.gt(25)),
        |tasks| tasks.exclude(Task::F.title.eq("A title of number 07")),
    ];
    let both = json!({"shows": {
        "status": {"label": {"A": "Active", "D": "Closed"}}, "title": {"shortened": 9},
    }});
    for query in queries {
        let site = start(both.clone()).await;
        let error = query(site.tasks()).fetch().await.unwrap_err();
        assert!(error.to_string().contains("another form"), "{error}");
        let site = start(both.clone()).await;
        assert!(query(site.tasks()).first().await.is_err());
        let site = start(both.clone()).await;
        assert!(query(site.tasks()).count().await.is_err());
    }
    // On a server that shows what it filters by that is asked once, as rows show one text several times.
    let site = start(json!({})).await;
    for (status, title, expected) in [("A", 10, 2), ("X", 30, 1), ("Y", 30, 1)] {
        let query = site.tasks().exclude(Task::F.status.eq(status));
        let (found, requests) = site.cost(ids(query)).await;
        assert_eq!((found.len(), requests), (title, expected), "{status}");
    }
}

/// Shortened, two titles are one text, and the keys behind them seem to stand in a wrong order.
#[tokio::test]
async fn an_order_that_shortened_texts_seem_to_contradict_is_believed() {
    let rows = json!([
        {"id": 1, "title": "Anna", "status": "A", "rank": 1},
        {"id": 2, "title": "Ann", "status": "B", "rank": 1},
        {"id": 3, "title": "Bob", "status": "C", "rank": 1},
    ]);
    let shape = json!({"shows": {"title": {"shortened": 2}}});
    let server = TestServer::builder()
        .resource(Resource::from_json("tasks", rows))
        .shape(Shape::from_json(shape).unwrap())
        .start()
        .await
        .unwrap();
    for on_ignored in [OnIgnored::Local, OnIgnored::Error] {
        for (order, expected) in [(["title", "id"], [2, 1, 3]), (["-title", "id"], [3, 1, 2])] {
            let tasks = || {
                let client = ServiceClient::builder(server.base_url());
                let client = client.on_warning(|warning| panic!("{warning}"));
                let tasks = client.build().unwrap().objects::<Task>();
                tasks.order_by(order).on_ignored(on_ignored)
            };
            assert_eq!(ids(tasks()).await, expected, "{order:?}");
            assert_eq!(ids(tasks().limit(2)).await, expected[..2], "{order:?}");
            let last = tasks().last().await.unwrap().unwrap();
            assert_eq!(last.id, Some(expected[2]), "{order:?}");
        }
    }
}

/// In one query with what shows the form only later.
#[tokio::test]
async fn what_was_evaluated_before_the_form_showed_is_done_anew() {
    let site = labelled().await;
    let both = site.status("D").exclude(Task::F.status.eq("A"));
    let error = both.fetch().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[tokio::test]
async fn a_write_is_refused_where_the_rows_do_not_show_the_filter() {
    let site = labelled().await;
    let rank = |rank: i64| [Task::F.rank.set(rank)];
    let error = site.status("D").update(rank(9)).await.unwrap_err();
    assert!(error.to_string().contains("another form"), "{error}");
    assert!(site.status("D").delete().await.is_err());
    let by_status = Task::F.status.eq("D") & Task::F.id.eq(9);
    let upsert = site.tasks().update_or_create(by_status.clone(), rank(9));
    assert_eq!(upsert.await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(site.writes(), 0);
    let (found, created) = site
        .tasks()
        .get_or_create(by_status, rank(9))
        .await
        .unwrap();
    assert_eq!((found.id, created, site.writes()), (Some(9), false, 0));
    let new = Task::F.status.eq("D") & Task::F.title.eq("new");
    for created in [true, false] {
        let (task, new) = site
            .tasks()
            .get_or_create(new.clone(), rank(9))
            .await
            .unwrap();
        assert_eq!((task.id, new), (Some(31), created));
    }
    assert_eq!(site.writes(), 1);
}

#[tokio::test]
async fn a_shortened_text_is_no_proof_either() {
    let site = start(json!({"shows": {"title": {"shortened": 9}}})).await;
    let title = "A title of number 07";
    let by_title = || Task::F.title.eq(title);
    let (created_of, tasks) = (site.tasks(), site.tasks());
    let found = created_of
        .get_or_create(by_title(), [Task::F.rank.set(1)])
        .await
        .unwrap();
    assert_eq!((found.0.id, found.1), (Some(7), false));
    assert_eq!(tasks.filter(by_title()).count().await.unwrap(), 1);
    assert_eq!(tasks.get(by_title()).await.unwrap().id, Some(7));
    let words = tasks.filter(Task::F.title.icontains("NUMBER 1"));
    assert_eq!(words.count().await.unwrap(), 10);
    assert!(
        tasks
            .update_or_create(by_title(), [Task::F.rank.set(9)])
            .await
            .is_err()
    );
    assert_eq!(site.writes(), 0);
}

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/readings/")]
struct Reading {
    id: Option<i64>,
    taken: String,
}

/// Times with seconds, of which the rows show the minutes.
#[tokio::test]
async fn digits_that_are_not_shown_decide_nothing() {
    let rows: Vec<Value> = (0..10)
        .map(|id| json!({"id": id + 1, "taken": format!("2024-05-01T10:0{id}:30Z")}))
        .collect();
    let server = TestServer::builder()
        .resource(Resource::from_json("readings", rows))
        .shape(Shape::from_json(json!({"shows": {"taken": {"shortened": 16}}})).unwrap());
    let server = server.start().await.unwrap();
    let client = ServiceClient::builder(server.base_url())
        .on_warning(|warning| panic!("{warning}"))
        .build()
        .unwrap();
    let readings = client.objects::<Reading>();
    for (name, value, expected) in [
        ("taken__gt", "2024-05-01T10:04:00", 6),
        ("taken__gte", "2024-05-01T10:04:30", 6),
        ("taken__lte", "2024-05-01T10:04:30", 5),
        ("taken__lt", "2024-05-01T10:04:30", 4),
        ("taken", "2024-05-01T10:04:30", 1),
    ] {
        let query = readings.filter(Filter::lookup(name, value));
        assert_eq!(query.count().await.unwrap(), expected, "{name}");
        assert_eq!(query.await.unwrap().len() as u64, expected, "{name}");
    }
}

/// A server that filters by the codes `a` and `b`, shows their labels, and drops a code that it does not know: pages of three rows,
/// of which the first three are of kind `a`.
async fn of_choices() -> (TestServer, ServiceClient) {
    let view = View::new("/api/v1/things/", [Method::GET], |call| {
        let number = |name: &str| {
            call.parameter(name)
                .and_then(|text| text.parse::<usize>().ok())
        };
        let choice = call
            .parameter("kind")
            .filter(|kind| ["a", "b"].contains(kind));
        let kinds = (1..=6).map(|id| (id, if id <= 3 { "a" } else { "b" }));
        let rows: Vec<Value> = kinds
            .filter(|(_, kind)| choice.is_none_or(|choice| choice == *kind))
            .map(|(id, kind)| json!({"id": id, "kind": if kind == "a" { "Alpha" } else { "Beta" }}))
            .collect();
        let (offset, size) = (
            number("offset").unwrap_or(0),
            number("limit").unwrap_or(3).min(3),
        );
        let end = offset + size;
        let next = (end < rows.len()).then(|| format!("/?limit={size}&offset={end}"));
        let shown: Vec<&Value> = rows.iter().skip(offset).take(size).collect();
        Ok(Reply::ok(
            &json!({"count": rows.len(), "next": next, "previous": null, "results": shown}),
        ))
    });
    served(view).await
}

#[tokio::test]
async fn a_label_is_no_proof_that_the_server_knows_another_code() {
    #[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/v1/things/")]
    struct Choice {
        id: Option<i64>,
        kind: String,
    }
    let (_server, client) = of_choices().await;
    let things = client.objects::<Choice>();
    let of_kind = |kind: &str| things.filter(Choice::F.kind.eq(kind));
    assert_eq!(of_kind("a").fetch().await.unwrap().len(), 3);
    let wrong = of_kind("z");
    for error in [
        wrong.first().await.map(|_| ()).unwrap_err(),
        wrong.fetch().await.map(|_| ()).unwrap_err(),
        wrong.exists().await.map(|_| ()).unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    let (_server, client) = of_choices().await;
    let things = client.objects::<Choice>();
    for kind in ["a", "b", "a"] {
        let found = things
            .filter(Choice::F.kind.eq(kind))
            .fetch()
            .await
            .unwrap();
        assert_eq!(found.len(), 3, "{kind}");
    }
}

#[tokio::test]
async fn a_shortened_text_is_no_sign_that_the_text_was_not_kept() {
    let site = start(json!({"shows": {"title": {"shortened": 7}}})).await;
    let title = "A title of number 07";
    let found = site
        .tasks()
        .filter(Task::F.title.eq(title))
        .fetch()
        .await
        .unwrap();
    let [mut one] = <[_; 1]>::try_from(found).unwrap();
    assert_eq!(one.title, "A title");
    // The row shows what it showed before.
    one.title = title.to_owned();
    one.save().await.unwrap();
}

#[tokio::test]
async fn a_rounded_number_decides_nothing_that_its_digits_would() {
    #[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/v1/goods/")]
    struct Good {
        id: Option<i64>,
        price: String,
    }
    let prices = ["6.6667", "6.2000", "7.1000"].into_iter().zip(1..);
    let rows: Vec<Value> = prices
        .map(|(price, id)| json!({"id": id, "price": price}))
        .collect();
    for (shown, is_right) in [(4, false), (6, true)] {
        let shape =
            json!({"shows": {"price": {"shortened": shown}}, "filters": {"exact": "{field}"}});
        let server = TestServer::builder()
            .resource(Resource::from_json("goods", rows.clone()))
            .shape(Shape::from_json(shape).unwrap());
        let server = server.start().await.unwrap();
        for above in [6.661, 6.66671] {
            let client = ServiceClient::builder(server.base_url())
                .on_warning(|_| {})
                .build()
                .unwrap();
            let goods = client.objects::<Good>();
            let asked = goods.filter(Filter::lookup("price__gt", above));
            for _ in 0..2 {
                match asked.fetch().await {
                    Ok(found) => {
                        assert!(is_right, "{above}");
                        assert_eq!(found.len(), if above < 6.6667 { 2 } else { 1 });
                    }
                    Err(error) => {
                        assert!(
                            !is_right && error.kind() == ErrorKind::Unsupported,
                            "{error}"
                        );
                    }
                }
                assert_eq!(asked.count().await.is_ok(), is_right);
            }
        }
    }
}

#[tokio::test]
async fn labels_may_stand_in_another_order_than_what_they_are_for() {
    let shape =
        || json!({"size": 8, "shows": {"status": {"label": {"A": "Working", "D": "Done"}}}});
    let by_code: Vec<i64> = (1..=30)
        .filter(|id| id % 3 != 0)
        .chain((1..=10).map(|id| 3 * id))
        .collect();
    let keys = |tasks: Vec<Instance<Task>>| -> Vec<i64> {
        tasks.iter().filter_map(|task| task.id).collect()
    };
    let site = start(shape()).await;
    let ordered = site.tasks().order_by(["status", "id"]);
    assert_eq!(keys(ordered.fetch().await.unwrap()), by_code);
    let site = start(shape()).await;
    let ordered = site.tasks().order_by(["status", "id"]);
    assert_eq!(
        keys(ordered.range(18..23).fetch().await.unwrap()),
        by_code[18..23]
    );
    assert_eq!(ordered.last().await.unwrap().unwrap().id, Some(30));
}
