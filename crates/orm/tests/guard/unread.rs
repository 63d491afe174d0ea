//! Values that a server takes otherwise than they are sent: a flag that it spells in another way, one whose value it does not read,
//! numbers that it sorts as texts; and keys that its URLs do not take.

use django_api_orm::prelude::*;
use django_api_orm_testserver::{Call, Reply, TestServer, View};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::site::{listening, served};

const ROWS: i64 = 40;

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/cases/")]
struct Case {
    id: Option<i64>,
    open: bool,
    note: Option<String>,
    views: i64,
}

fn case(id: i64) -> Value {
    let note = (id % 4 != 0).then_some("x");
    json!({"id": id, "open": id % 2 == 0, "note": note, "views": id * 10})
}

/// The rows that `keeps` leaves, in the order that `key` makes of them.
fn page<K: Ord>(
    call: &Call<'_>,
    keeps: impl Fn(&Value) -> bool,
    key: impl Fn(&Value) -> K,
) -> Reply {
    let mut rows: Vec<Value> = (1..=ROWS).map(case).filter(keeps).collect();
    if let Some(order) = call.parameter("ordering") {
        rows.sort_by_key(&key);
        if order.starts_with('-') {
            rows.reverse();
        }
    }
    let number = |name| {
        call.parameter(name)
            .and_then(|text| text.parse::<usize>().ok())
    };
    let (start, limit) = (number("offset").unwrap_or(0), number("limit").unwrap_or(20));
    let count = rows.len();
    let results: Vec<Value> = rows.into_iter().skip(start).take(limit).collect();
    let end = start + results.len();
    let next = (end < count).then(|| format!("/api/v1/cases/?limit={limit}&offset={end}"));
    Reply::ok(&json!({"count": count, "next": next, "previous": null, "results": results}))
}

async fn start(
    answer: impl Fn(&Call<'_>) -> Reply + Send + Sync + 'static,
) -> (TestServer, ServiceClient) {
    served(View::new(
        "/api/v1/cases/",
        [Method::GET, Method::POST],
        move |call| Ok(answer(call)),
    ))
    .await
}

fn keys(rows: &[Instance<Case>]) -> Vec<i64> {
    rows.iter().filter_map(|row| row.id).collect()
}

/// `str(True)` is `True`: nothing comes for `true`, though a row shows it.
#[tokio::test]
async fn a_flag_that_is_spelt_otherwise_is_evaluated_client_side() {
    let (_server, client) = start(|call| {
        let open = call.parameter("open").map(str::to_owned);
        let spelt = |row: &Value| {
            if row["open"] == json!(true) {
                "True"
            } else {
                "False"
            }
        };
        page(
            call,
            |row| open.as_ref().is_none_or(|open| spelt(row) == open),
            |row| row["id"].as_i64(),
        )
    })
    .await;
    let even: Vec<i64> = (1..=ROWS).filter(|id| id % 2 == 0).collect();
    for _ in 0..2 {
        let open = || client.objects::<Case>().filter(Case::F.open.eq(true));
        assert_eq!(keys(&open().await.unwrap()), even);
        assert_eq!(open().count().await.unwrap(), 20);
        assert!(open().exists().await.unwrap());
    }
}

/// `bool("false")` is true: the same rows come for both values.
#[tokio::test]
async fn a_flag_whose_value_is_not_read_is_evaluated_client_side() {
    let (_server, client) = start(|call| {
        let asked = call.parameter("note__isnull").is_some();
        page(
            call,
            |row| !asked || row["note"].is_null(),
            |row| row["id"].as_i64(),
        )
    })
    .await;
    let with_note: Vec<i64> = (1..=ROWS).filter(|id| id % 4 != 0).collect();
    let cases = || client.objects::<Case>();
    let noted = || cases().filter(Case::F.note.isnull(false));
    assert_eq!(keys(&noted().await.unwrap()), with_note);
    assert_eq!(noted().count().await.unwrap(), 30);
    assert_eq!(
        keys(&cases().exclude(Case::F.note.isnull(true)).await.unwrap()),
        with_note
    );
}

/// 100 comes before 20 as a text: what stands at one end of the order contradicts the other.
#[tokio::test]
async fn the_two_ends_of_an_order_contradict_each_other() {
    let (_server, client) =
        start(|call| page(call, |_| true, |row| row["views"].to_string())).await;
    let by_views = || client.objects::<Case>().order_by([Case::F.views.desc()]);
    assert_eq!(keys(&by_views().range(..3).await.unwrap()), [40, 39, 38]);
    assert_eq!(
        by_views().first().await.unwrap().and_then(|case| case.id),
        Some(40)
    );
    let latest = client
        .objects::<Case>()
        .latest([Case::F.views.desc()])
        .await
        .unwrap();
    assert_eq!(latest.id, Some(1));
}

/// A URL that is not read, or takes another kind of key: the list has the row.
#[tokio::test]
async fn a_refused_url_of_a_row_is_no_failure() {
    for status in [405, 422, 501] {
        let status = StatusCode::from_u16(status).unwrap();
        let list = View::new("/api/v1/cases/", [Method::GET, Method::POST], |call| {
            let id = call.parameter("id").and_then(|id| id.parse::<i64>().ok());
            Ok(page(
                call,
                |row| id.is_none_or(|id| row["id"] == json!(id)),
                |row| row["id"].as_i64(),
            ))
        });
        let detail = View::new("/api/v1/cases/3/", [Method::GET], move |_| {
            Ok(Reply::detail(status, "not so"))
        });
        let server = TestServer::builder()
            .view(list.public())
            .view(detail.public())
            .start()
            .await
            .unwrap();
        let (client, _) = listening(&server);
        let cases = client.objects::<Case>();
        let got = cases.get(Case::F.id.eq(3)).await.unwrap();
        assert_eq!(got.views, 30, "{status}");
        let (found, created) = cases
            .get_or_create(Case::F.id.eq(3), [Case::F.views.set(1)])
            .await
            .unwrap();
        assert_eq!((found.id, created), (Some(3), false), "{status}");
        assert!(
            server
                .requests()
                .iter()
                .all(|request| request.method() == Method::GET)
        );
    }
}
