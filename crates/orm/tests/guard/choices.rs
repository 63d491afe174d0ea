//! Servers whose rows show the labels of choices, filter by their codes, and drop or refuse what is no choice. What became of one value
//! says nothing of another, and that a label finds rows does not show that rows are filtered by it.

use std::sync::atomic::{AtomicUsize, Ordering};

use django_api_orm::{ErrorKind, Filter, Manager, QuerySet, prelude::*};
use django_api_orm_testserver::{Reply, TestServer, View};
use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::site::served;

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/things/")]
struct Choice {
    id: Option<i64>,
    kind: String,
}

/// What becomes of a value that is no choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unknown {
    /// The parameter is dropped.
    Dropped,
    /// The value is dropped from its list.
    LeftOut,
    /// 400.
    Refused,
}

const CODES: [&str; 3] = ["a", "b", "c"];
const LABELS: [&str; 3] = ["Alpha", "Beta", "Gamma"];

struct Site {
    _server: TestServer,
    client: ServiceClient,
}

impl Site {
    fn things(&self) -> Manager<Choice> {
        self.client.objects()
    }

    async fn cost(&self, query: QuerySet<Choice>) -> (usize, u64) {
        let before = self.client.stats().requests;
        let rows = query.fetch().await.unwrap().len();
        (rows, self.client.stats().requests - before)
    }
}

/// Nine things in pages of four, three of each kind, one kind after the other. They show labels, or the codes themselves.
async fn start(unknown: Unknown, shows_labels: bool, has: Vec<&'static str>) -> Site {
    let labels = match shows_labels {
        true => LABELS,
        false => CODES,
    };
    showing(unknown, labels, has).await
}

/// The size of a page, and whether answers count.
type Paging = (usize, bool);

/// The same with labels, in other pages.
async fn paged(unknown: Unknown, has: Vec<&'static str>, paging: Paging) -> Site {
    showing_in_pages(unknown, LABELS, has, paging).await
}

async fn showing(unknown: Unknown, labels: [&'static str; 3], has: Vec<&'static str>) -> Site {
    showing_in_pages(unknown, labels, has, (4, true)).await
}

async fn showing_in_pages(
    unknown: Unknown,
    labels: [&'static str; 3],
    mut has: Vec<&'static str>,
    (size, counts): Paging,
) -> Site {
    has.extend(["limit", "offset", "id__lte"]);
    let view = View::new("/api/v1/things/", [Method::GET], move |call| {
        let sent = |name: &str| call.parameter(name).filter(|_| has.contains(&name));
        let mut rows: Vec<(usize, &str)> = (0..9).map(|row| (row + 1, CODES[row / 3])).collect();
        for name in ["kind", "kind__in"] {
            let Some(text) = sent(name) else { continue };
            let asked: Vec<&str> = match name {
                "kind" => vec![text],
                _ => text.split(',').collect(),
            };
            let choices = asked.iter().filter(|code| CODES.contains(code)).count();
            match unknown {
                Unknown::Refused if choices < asked.len() => {
                    return Ok(Reply::json(
                        StatusCode::BAD_REQUEST,
                        &json!({name: ["no choice"]}),
                    ));
                }
                Unknown::LeftOut if choices > 0 => {}
                _ if choices < asked.len() => continue,
                _ => {}
            }
            rows.retain(|(_, kind)| asked.contains(kind));
        }
        match sent("ordering") {
            Some("kind") => rows.sort_by_key(|(_, kind)| *kind),
            Some("-kind") => rows.sort_by_key(|(_, kind)| std::cmp::Reverse(*kind)),
            _ => {}
        }
        let number = |name: &str| sent(name).and_then(|text| text.parse::<usize>().ok());
        if let Some(most) = number("id__lte") {
            rows.retain(|(id, _)| *id <= most);
        }
        let offset = number("offset").unwrap_or(0);
        let end = offset + number("limit").unwrap_or(size).min(size);
        let next = (end < rows.len()).then(|| format!("/?limit={size}&offset={end}"));
        let label = |kind: &str| {
            let mut pairs = CODES.iter().zip(labels);
            pairs
                .find(|(code, _)| **code == kind)
                .map(|(_, label)| label)
        };
        let shown = rows.iter().take(end).skip(offset);
        let shown: Vec<Value> = shown
            .map(|(id, kind)| json!({"id": id, "kind": label(kind)}))
            .collect();
        let mut page = json!({"next": next, "previous": null, "results": shown});
        if counts {
            page["count"] = json!(rows.len());
        }
        Ok(Reply::ok(&page))
    });
    let (server, client) = served(view).await;
    Site {
        _server: server,
        client,
    }
}

const BOTH: [&str; 2] = ["kind", "kind__in"];

fn kind(kind: &str) -> Filter<Choice> {
    Choice::F.kind.eq(kind)
}

async fn refused(query: QuerySet<Choice>) {
    for error in [
        query.fetch().await.map(|_| ()),
        query.count().await.map(|_| ()),
        query.first().await.map(|_| ()),
        query.exists().await.map(|_| ()),
    ] {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("another form"), "{error}");
    }
}

#[tokio::test]
async fn a_value_that_is_dropped_says_nothing_of_another_one() {
    for unknown in [Unknown::Dropped, Unknown::LeftOut] {
        let site = start(unknown, true, BOTH.to_vec()).await;
        let of_kind = |code: &str| site.things().filter(kind(code));
        for none in ["z", "y", "z"] {
            assert_eq!(of_kind(none).fetch().await.unwrap().len(), 0, "{none}");
            assert_eq!(of_kind(none).count().await.unwrap(), 0, "{none}");
        }
        for code in CODES {
            assert_eq!(of_kind(code).fetch().await.unwrap().len(), 3, "{code}");
            assert_eq!(of_kind(code).count().await.unwrap(), 3, "{code}");
            assert!(of_kind(code).exists().await.unwrap(), "{code}");
        }
    }
}

#[tokio::test]
async fn what_is_dropped_does_not_show_that_labels_can_be_evaluated() {
    for unknown in [Unknown::Dropped, Unknown::LeftOut, Unknown::Refused] {
        for before in [None, Some("z"), Some("y")] {
            for excluded in [kind("a"), kind("c"), Choice::F.kind.in_(["z", "b"])] {
                let site = start(unknown, true, BOTH.to_vec()).await;
                if let Some(before) = before {
                    let rest = site.things().exclude(kind(before));
                    assert_eq!(rest.fetch().await.unwrap().len(), 9);
                }
                refused(site.things().exclude(excluded)).await;
                let either = site.things().filter(kind("a") | Choice::F.id.eq(9));
                refused(either).await;
                assert!(site.things().exclude(kind("c")).delete().await.is_err());
            }
        }
    }
}

/// A label may differ from its code in its letters' case only.
#[tokio::test]
async fn a_label_in_another_case_is_not_taken_for_another_value() {
    for unknown in [Unknown::Dropped, Unknown::LeftOut] {
        let site = showing(unknown, ["A", "B", "C"], BOTH.to_vec()).await;
        refused(site.things().exclude(kind("a"))).await;
    }
}

#[tokio::test]
async fn a_list_with_a_value_that_is_dropped_is_not_evaluated_on_labels() {
    let one_of = |codes: &[&str]| Choice::F.kind.in_(codes.iter().copied());
    let site = start(Unknown::Dropped, true, BOTH.to_vec()).await;
    refused(site.things().filter(one_of(&["a", "z"]))).await;
    assert_eq!(
        site.cost(site.things().filter(one_of(&["a", "b"]))).await.0,
        6
    );
    // Where the server has no filter by lists.
    let site = start(Unknown::Dropped, true, vec!["kind"]).await;
    refused(site.things().filter(one_of(&["y", "z", "c"]))).await;
    refused(site.things().filter(Choice::F.kind.iexact("A"))).await;
    let site = start(Unknown::LeftOut, true, BOTH.to_vec()).await;
    assert_eq!(
        site.cost(site.things().filter(one_of(&["a", "z"]))).await.0,
        3
    );
    let many: Vec<String> = (0..30).map(|number| format!("z{number}")).collect();
    let mut list: Vec<&str> = many.iter().map(String::as_str).collect();
    list.push("c");
    let site = start(Unknown::Dropped, true, BOTH.to_vec()).await;
    refused(site.things().exclude(one_of(&list))).await;
}

/// Nothing is dropped or refused but what no row shows: the values themselves tell.
#[tokio::test]
async fn values_that_the_rows_show_are_evaluated() {
    for has in [BOTH.to_vec(), vec!["kind"], Vec::new()] {
        for unknown in [Unknown::Dropped, Unknown::Refused] {
            let site = start(unknown, false, has.clone()).await;
            let count = |query: QuerySet<Choice>| async move { query.fetch().await.unwrap().len() };
            for (code, there) in [("c", 3), ("z", 0), ("a", 3)] {
                if unknown == Unknown::Dropped || !has.contains(&"kind") || there > 0 {
                    assert_eq!(count(site.things().filter(kind(code))).await, there);
                }
                assert_eq!(count(site.things().exclude(kind(code))).await, 9 - there);
                let list = Choice::F.kind.in_([code, "x"]);
                assert_eq!(count(site.things().exclude(list)).await, 9 - there);
            }
        }
    }
}

/// A server without filters costs no more than it did.
#[tokio::test]
async fn what_no_filter_costs() {
    let site = start(Unknown::Dropped, false, Vec::new()).await;
    let things = site.things();
    things.all().fetch().await.unwrap();
    let pages = 3;
    for code in ["z", "a", "c", "y"] {
        let found = if code.len() == 1 && CODES.contains(&code) {
            3
        } else {
            0
        };
        assert_eq!(
            site.cost(things.filter(kind(code))).await,
            (found, pages),
            "{code}"
        );
    }
    let site = start(Unknown::Dropped, false, Vec::new()).await;
    let things = site.things();
    for (code, requests) in [
        ("a", pages + 1),
        ("c", pages + 2),
        ("z", pages + 2),
        ("z", pages),
        ("y", pages + 2),
    ] {
        let (found, made) = site.cost(things.exclude(kind(code))).await;
        assert_eq!(
            (found, made),
            (if CODES.contains(&code) { 6 } else { 9 }, requests),
            "{code}"
        );
    }
    // One that filters by what it shows is asked once.
    let site = start(Unknown::Dropped, false, BOTH.to_vec()).await;
    let things = site.things();
    for (code, requests) in [("z", pages + 1), ("y", pages), ("z", pages)] {
        assert_eq!(
            site.cost(things.exclude(kind(code))).await,
            (9, requests),
            "{code}"
        );
    }
}

/// Labels stand in another order than their codes. That is right, or nobody can tell: then it is an error, and no order by labels.
#[tokio::test]
async fn labels_that_are_dropped_do_not_show_that_the_server_does_not_sort() {
    let has = vec!["kind", "kind__in", "ordering"];
    let ids = |rows: &[Instance<Choice>]| rows.iter().filter_map(|row| row.id).collect::<Vec<_>>();
    let mut right = 0;
    for labels in [
        ["Alpha", "Mu", "Beta"],
        ["Mu", "Alpha", "Beta"],
        ["Mu", "Beta", "Alpha"],
    ] {
        for (key, order) in [
            ("kind", [1, 2, 3, 4, 5, 6, 7, 8, 9]),
            ("-kind", [7, 8, 9, 4, 5, 6, 1, 2, 3]),
        ] {
            let site = showing(Unknown::Dropped, labels, has.clone()).await;
            let ordered = site.things().order_by([key]);
            for expected in [&order[..], &order[..2], &order[..], &order[..7]] {
                match ordered.limit(expected.len() as u64).fetch().await {
                    Ok(rows) => assert_eq!(ids(&rows), expected, "{key} {labels:?}"),
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}"),
                }
                match ordered.fetch().await {
                    Ok(rows) => {
                        assert_eq!(ids(&rows), order, "{key} {labels:?}");
                        right += 1;
                    }
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}"),
                }
            }
            let found = site
                .things()
                .filter(kind("b"))
                .order_by([key])
                .fetch()
                .await
                .unwrap();
            assert_eq!(ids(&found), [4, 5, 6]);
        }
    }
    assert!(right > 7, "{right}");
    // One that does not sort at all is told by the first rows of both directions.
    let site = start(Unknown::Dropped, false, Vec::new()).await;
    for requests in [3 + 1 + 1, 3] {
        let ordered = site.things().order_by(["-kind"]);
        assert_eq!(site.cost(ordered.clone()).await, (9, requests));
        assert_eq!(
            ids(&ordered.fetch().await.unwrap()),
            [7, 8, 9, 4, 5, 6, 1, 2, 3]
        );
    }
}

/// Rows that come in another order each time stand in a wrong one in both directions, too.
#[tokio::test]
async fn a_server_without_an_order_is_not_believed_to_sort_by_something_else() {
    let turn = AtomicUsize::new(0);
    let view = View::new("/api/v1/things/", [Method::GET], move |_| {
        let mut rows: Vec<Value> = (0..9)
            .map(|row| json!({"id": row + 1, "kind": LABELS[row % 3]}))
            .collect();
        rows.rotate_left(turn.fetch_add(1, Ordering::Relaxed) % 9);
        Ok(Reply::ok(
            &json!({"count": 9, "next": null, "previous": null, "results": rows}),
        ))
    });
    let (_server, client) = served(view).await;
    let ordered = client.objects::<Choice>().order_by(["kind"]);
    for query in [ordered.clone(), ordered.limit(4), ordered] {
        match query.fetch().await {
            Ok(rows) => assert!(rows.iter().map(|row| &row.kind).is_sorted()),
            Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}"),
        }
    }
}

/// Who asks for a label finds it shown, because it was dropped.
#[tokio::test]
async fn a_label_that_is_asked_for_settles_nothing() {
    let site = start(Unknown::Dropped, true, BOTH.to_vec()).await;
    let of_kind = |code: &str| site.things().filter(kind(code));
    of_kind("Alpha").fetch().await.unwrap();
    assert_eq!(of_kind("a").fetch().await.unwrap().len(), 3);
}

/// Where all rows at hand show one label, a code finds what no filter finds: other rows have to tell.
#[tokio::test]
async fn rows_of_one_label_show_nothing_of_its_code() {
    let few = |site: &Site| site.things().filter(Choice::F.id.lte(3)).exclude(kind("a"));
    for unknown in [Unknown::Dropped, Unknown::Refused] {
        for (paging, before) in [
            ((4, true), false),
            ((3, true), true),
            ((3, false), false),
            ((4, true), true),
        ] {
            let site = paged(unknown, BOTH.to_vec(), paging).await;
            if before {
                let rest = site.things().exclude(kind("z"));
                assert_eq!(rest.fetch().await.unwrap().len(), 9);
            }
            refused(few(&site)).await;
            assert!(few(&site).delete().await.is_err());
            refused(site.things().exclude(kind("a"))).await;
            match site.things().filter(kind("a")).fetch().await {
                Ok(found) => assert_eq!(found.len(), 3, "{unknown:?} {paging:?}"),
                // Without counts the first row tells, which is the same one.
                Err(error) => assert!(!paging.1 && error.kind() == ErrorKind::Unsupported),
            }
        }
    }
}

#[tokio::test]
async fn a_server_may_have_a_filter_by_lists_only() {
    let site = start(Unknown::Dropped, true, vec!["kind__in"]).await;
    refused(site.things().filter(Choice::F.kind.in_(["a", "z"]))).await;
    for excluded in [Choice::F.kind.in_(["a"]), kind("a")] {
        let site = start(Unknown::Dropped, true, vec!["kind__in"]).await;
        refused(site.things().exclude(excluded)).await;
    }
}

/// django-filter makes a filter by the bare name, which refuses what is no choice, and none by lists unless it is told to.
#[tokio::test]
async fn a_filter_that_refuses_says_nothing_of_one_by_lists() {
    for before in ["z", "a"] {
        let site = start(Unknown::Refused, true, vec!["kind"]).await;
        let _ = site.things().exclude(kind(before)).fetch().await;
        for (codes, right) in [(vec!["a"], 3), (vec!["a", "b"], 6), (vec!["z"], 0)] {
            let among = site.things().filter(Choice::F.kind.in_(codes.clone()));
            match among.fetch().await {
                Ok(found) => assert_eq!(found.len(), right, "{codes:?} after {before}"),
                Err(error) => assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}"),
            }
        }
        assert_eq!(
            site.things().filter(kind("a")).fetch().await.unwrap().len(),
            3
        );
    }
}

/// Labels with letters that their codes do not have, and one that differs from its code in case alone.
#[tokio::test]
async fn nothing_is_evaluated_on_labels_that_the_first_rows_seem_to_satisfy() {
    let labels = ["A", "Beta", "Gamma"];
    let both = || Filter::lookup("kind__in", json!(["a", "b"]));
    // Where labels are dropped, nothing tells of a part.
    for (unknown, filter) in [
        (Unknown::Refused, Filter::lookup("kind__icontains", "A")),
        (Unknown::Refused, Filter::lookup("kind__startswith", "A")),
        (Unknown::Refused, Filter::lookup("kind__iexact", "B")),
        (Unknown::Refused, both()),
        (Unknown::Dropped, both()),
    ] {
        for size in [4, 9] {
            let site = showing_in_pages(unknown, labels, vec!["kind"], (size, true)).await;
            let query = site.things().filter(filter.clone());
            for query in [query.clone(), query.clone().range(..5), query] {
                let context = format!("{unknown:?} {size} {filter:?}");
                let error = query.fetch().await.expect_err(&context);
                assert_eq!(error.kind(), ErrorKind::Unsupported, "{context}: {error}");
            }
        }
    }
}

/// Where the label is dropped or refused no row can be meant otherwise than it shows.
#[tokio::test]
async fn a_label_that_the_query_names_is_what_rows_show() {
    for unknown in [Unknown::Refused, Unknown::Dropped] {
        let site = start(unknown, true, BOTH.to_vec()).await;
        let either = kind("Alpha") | Choice::F.id.eq(9);
        let queries = [
            (site.things().exclude(kind("Alpha")), 6),
            (site.things().filter(either), 4),
        ];
        for (query, rows) in queries {
            assert_eq!(query.fetch().await.unwrap().len(), rows, "{unknown:?}");
        }
    }
    // Of rows that show the codes they are left out: one request more, once.
    let site = start(Unknown::Refused, false, BOTH.to_vec()).await;
    for requests in [4, 3] {
        let query = site.things().exclude(kind("a"));
        assert_eq!(site.cost(query).await, (6, requests));
    }
}
