//! First pages of which nothing tells whether others follow: probed once, then known.

use django_api_orm::{ErrorKind, Pagination, WarningKind};
use django_api_orm_testserver::{Call, Reply};
use http::{StatusCode, header::LINK};
use serde_json::{Value, json};

use crate::{
    scripted::{number, rows, server},
    site::{Row, Site, all, ids},
};

/// What the answers look like.
#[derive(Debug, Clone, Copy)]
enum Form {
    List,
    Results,
    /// With the number of rows of this page.
    Counted,
}

const FORMS: [Form; 3] = [Form::List, Form::Results, Form::Counted];

fn answer(form: Form, page: Vec<Value>) -> Reply {
    Reply::ok(&match form {
        Form::List => json!(page),
        Form::Results => json!({ "results": page }),
        Form::Counted => json!({"count": page.len(), "results": page}),
    })
}

/// What the server does with parameters that it does not know.
#[derive(Debug, Clone, Copy)]
enum Unknown {
    Ignored,
    Refused,
    Equality,
}

const UNKNOWN: [Unknown; 3] = [Unknown::Ignored, Unknown::Refused, Unknown::Equality];

/// The first row of the page, in a server that knows these parameters.
fn start(call: &Call<'_>, known: &[&str], first_page: u64) -> Option<u64> {
    let page = number(call, "page").filter(|_| known.contains(&"page"));
    match number(call, "offset").filter(|_| known.contains(&"offset")) {
        Some(offset) => Some(offset),
        None => page
            .unwrap_or(first_page)
            .checked_sub(first_page)
            .map(|page| page * 20),
    }
}

/// Pages of 20 of so many rows, found by these parameters.
async fn site(
    form: Form,
    total: u64,
    known: &'static [&'static str],
    unknown: Unknown,
    first_page: u64,
) -> Site {
    server(move |call| {
        let names = ["limit", "offset", "page"].iter();
        if names
            .clone()
            .any(|name| !known.contains(name) && call.parameter(name).is_some())
        {
            match unknown {
                Unknown::Ignored => {}
                Unknown::Refused => {
                    return Reply::detail(StatusCode::BAD_REQUEST, "unknown parameter");
                }
                Unknown::Equality => return answer(form, Vec::new()),
            }
        }
        let Some(start) = start(call, known, first_page) else {
            return Reply::detail(StatusCode::NOT_FOUND, "no such page");
        };
        let size = number(call, "limit")
            .filter(|_| known.contains(&"limit"))
            .unwrap_or(20);
        let end = if known.contains(&"offset") || known.contains(&"page") {
            start + size
        } else {
            total
        };
        answer(form, rows(start, end.min(total)))
    })
    .await
}

async fn everything_holds(site: &Site, total: usize, may_warn: &[WarningKind], context: &str) {
    let expected = &all()[..total];
    let rows = site.rows();
    let some = |range: std::ops::Range<u64>| {
        let end = total.min(usize::try_from(range.end).unwrap());
        let start = end.min(usize::try_from(range.start).unwrap());
        expected[start..end].to_vec()
    };
    assert_eq!(rows.count().await.unwrap(), total as u64, "{context}");
    for range in [0..5, 15..25, 42..44, 0..130] {
        let slice = ids(rows.all().range(range.clone())).await.unwrap();
        assert_eq!(slice, some(range), "{context}");
    }
    assert_eq!(ids(rows.all()).await.unwrap(), expected, "{context}");
    assert_eq!(rows.all().exists().await.unwrap(), total > 0, "{context}");
    let last = rows.all().last().await.unwrap().and_then(|row| row.id);
    assert_eq!(last, expected.last().copied(), "{context}");
    let mut stream = rows.all().stream();
    let mut streamed = Vec::new();
    while let Some(row) = stream.try_next().await.unwrap() {
        streamed.extend(row.id);
    }
    assert_eq!(streamed, expected, "{context}");
    let mut warnings = site.warnings();
    warnings.retain(|warning| !may_warn.contains(warning));
    assert_eq!(warnings, [], "{context}");
}

#[tokio::test]
async fn every_row_is_found_whatever_the_server_knows() {
    for form in FORMS {
        for unknown in UNKNOWN {
            for known in [&["offset"][..], &["limit", "offset"], &["page"], &[]] {
                for total in [0, 1, 2, 20, 21, 45] {
                    let context = format!("{form:?} {unknown:?} {known:?} {total}");
                    let site = site(form, total, known, unknown, 1).await;
                    // Offsets without a limit: there the warning is true.
                    let may_warn: &[_] = match known {
                        ["offset"] => &[WarningKind::LimitIgnored],
                        _ => &[],
                    };
                    let total = usize::try_from(total).unwrap();
                    everything_holds(&site, total, may_warn, &context).await;
                }
            }
        }
        for total in [1, 20, 21, 45] {
            let context = format!("{form:?} from page 0, {total}");
            let site = site(form, total, &["page"], Unknown::Ignored, 0).await;
            let total = usize::try_from(total).unwrap();
            everything_holds(&site, total, &[], &context).await;
        }
    }
}

#[tokio::test]
async fn one_probe_shows_an_endpoint_without_pages() {
    for form in FORMS {
        let site = site(form, 50, &[], Unknown::Ignored, 1).await;
        assert_eq!(ids(site.rows().all()).await.unwrap(), all()[..50]);
        assert_eq!(
            site.targets(),
            ["/api/v1/rows/", "/api/v1/rows/?offset=49&skip=49&page=2"]
        );
        for _ in 0..2 {
            assert_eq!(ids(site.rows().all()).await.unwrap(), all()[..50]);
            assert_eq!(site.requests(), 1, "{form:?}: remembered");
        }
        let declared = site.declared(Pagination::none());
        assert_eq!(ids(declared.all()).await.unwrap(), all()[..50]);
        assert_eq!(site.requests(), 1);
    }
    // A declaration makes the probe unnecessary, and so does a page that has all that is wanted.
    let site = site(Form::List, 50, &[], Unknown::Ignored, 1).await;
    assert_eq!(
        ids(site.declared(Pagination::none()).all()).await.unwrap(),
        all()[..50]
    );
    assert_eq!(site.requests(), 1);
    assert!(site.rows().all().exists().await.unwrap());
    assert_eq!(ids(site.rows().all().limit(10)).await.unwrap(), all()[..10]);
    assert_eq!(site.requests(), 2);
}

#[tokio::test]
async fn an_empty_list_is_not_probed() {
    let site = site(Form::List, 0, &[], Unknown::Ignored, 1).await;
    assert!(ids(site.rows().all()).await.unwrap().is_empty());
    assert_eq!(site.requests(), 1);
}

#[tokio::test]
async fn a_page_that_is_shorter_than_others_is_the_last() {
    let site = site(Form::List, 130, &["offset"], Unknown::Ignored, 1).await;
    assert_eq!(ids(site.rows().all()).await.unwrap(), all());
    assert_eq!(
        site.targets()[..4],
        [
            "/api/v1/rows/",
            "/api/v1/rows/?offset=19&skip=19&page=2",
            "/api/v1/rows/?offset=19",
            "/api/v1/rows/?offset=39"
        ],
        "what the second probe brings is a page of the walk"
    );
    let filtered = site.rows().lookup("kind", "row").parameter("x", "1");
    assert_eq!(ids(filtered).await.unwrap(), all());
    assert_eq!(site.requests(), 7, "no probe, and none behind the end");
}

#[tokio::test]
async fn an_explanation_tells_of_the_probe() {
    let site = site(Form::List, 50, &[], Unknown::Ignored, 1).await;
    let before = site.rows().all().explain().unwrap();
    assert_eq!((before.requests(50), before.requests(0)), (None, Some(1)));
    assert!(
        before.to_string().contains("up to 5 more, once"),
        "{before}"
    );
    ids(site.rows().all()).await.unwrap();
    let after = site.rows().all().explain().unwrap();
    assert_eq!(after.requests(50), Some(1));
    assert_eq!(
        after.requests(51),
        None,
        "a list of 50 may have been a page"
    );
    let told = "requests: 1, and up to 5 more, once, if more than 50 rows come";
    assert!(after.to_string().ends_with(told), "{after}");
}

#[tokio::test]
async fn a_probe_without_an_answer_shows_nothing() {
    let site = server(|call| match call.parameter("offset") {
        Some(_) => Reply::detail(StatusCode::INTERNAL_SERVER_ERROR, "no"),
        None => Reply::ok(&rows(0, 20)),
    })
    .await;
    let error = ids(site.rows().all()).await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::INTERNAL_SERVER_ERROR));
    // Rows that come in no order at all: nobody can tell which page they are.
    let site = server(|call| {
        let start = number(call, "offset").map_or(0, |offset| offset + 7);
        Reply::ok(&rows(start % 100, start % 100 + 20))
    })
    .await;
    let error = ids(site.rows().all()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(
        error.to_string().contains("declare the pagination"),
        "{error}"
    );
}

/// The rows 3 to 5 of five, in pages from which the first two rows are taken off after they were cut. A link follows where rows do, and
/// the count is that of the rows that are shown: of all, where as many come.
fn without_the_first_two(call: &Call<'_>) -> Reply {
    let kinds = call.parameter("kind");
    let kept: Vec<u64> = (1..=5)
        .filter(|id| kinds.is_none_or(|kind| kind == format!("kind {id}")))
        .collect();
    let is_shown = |id: &&u64| **id > 2;
    let count = kept.iter().filter(is_shown).count();
    let offset = number(call, "offset").unwrap_or(0) as usize;
    let size = number(call, "limit").unwrap_or(2) as usize;
    let page = kept.iter().skip(offset).take(size).filter(is_shown);
    let page: Vec<_> = page
        .map(|id| json!({"id": id, "kind": format!("kind {id}")}))
        .collect();
    let reply = Reply::ok(&json!({"count": count, "results": page}));
    let next = offset + size;
    if next < kept.len() {
        let link = format!("</api/v1/rows/?limit={size}&offset={next}>; rel=\"next\"");
        return reply.header(LINK, &link);
    }
    reply
}

/// Pages of two, of rows that are turned each time: what a guess brings in another order is no sign of the end.
#[tokio::test]
async fn a_guess_that_brings_moved_rows_is_not_the_end() {
    let site = server(|call| {
        let offset = number(call, "offset").unwrap_or(0);
        let mut page = rows(if offset == 2 { 0 } else { offset }, (offset + 2).min(4));
        page.truncate(2);
        if offset == 2 {
            page.reverse();
        }
        answer(Form::List, page)
    })
    .await;
    let walk = site.declared(Pagination::limit_offset()).all().page_size(2);
    let seen = ids(walk).await;
    let is_told = !site.warnings().is_empty();
    assert!(is_told || seen.is_err(), "{seen:?}");
}

#[tokio::test]
async fn a_guess_that_leads_back_brings_no_row_twice() {
    let site = server(without_the_first_two).await;
    // A single row shows that the server has offsets, and nothing of its pages.
    let one = site.rows().filter(Row::F.kind.eq("kind 5"));
    assert_eq!(ids(one).await.unwrap(), [5]);
    let all = site.rows().all().page_size(5);
    for _ in 0..2 {
        assert_eq!(ids(all.clone()).await.unwrap(), [3, 4, 5]);
        assert_eq!(all.count().await.unwrap(), 3);
    }
    assert_eq!(site.warnings(), []);
}
