//! What an answer says of the pages after it, under the names that products have for it.

use django_api_orm::{ErrorKind, Filter, Pagination};
use django_api_orm_testserver::Reply;
use http::{StatusCode, header::HeaderName};
use serde_json::{Value, json};

use crate::{
    scripted::{number, rows, server},
    site::{all, ids},
};

/// Twenty rows in an envelope, and what it says of the next page, which begins at `next`.
fn told(how: &str, start: u64) -> Value {
    let mut envelope = json!({"items": rows(start, start + 20)});
    let next = (start + 20 < 130).then(|| format!("c{}", start + 20));
    let link = next
        .as_ref()
        .map(|next| format!("/api/v1/rows/?after={next}"));
    let says = match how {
        "paging" => json!({"paging": {"next": {"after": next, "link": link}}}),
        "pageInfo" => {
            let cursor = format!("c{}", start + 20);
            json!({"pageInfo": {"hasNextPage": next.is_some(), "endCursor": cursor}})
        }
        // Left out on the last page.
        "offset" | "nextPageToken" => next.map_or(json!({}), |next| json!({how: next})),
        "nextLink" | "@odata.nextLink" | "nextUrl" => json!({how: link}),
        _ => json!({how: next}),
    };
    envelope
        .as_object_mut()
        .unwrap()
        .extend(says.as_object().unwrap().clone());
    envelope
}

fn start(cursor: Option<&str>) -> u64 {
    cursor.map_or(0, |cursor| cursor.trim_start_matches('c').parse().unwrap())
}

#[tokio::test]
async fn a_link_leads_on_whatever_it_is_called() {
    for how in ["paging", "nextLink", "@odata.nextLink", "nextUrl"] {
        let site = server(move |call| Reply::ok(&told(how, start(call.parameter("after"))))).await;
        assert_eq!(ids(site.rows().all()).await.unwrap(), all(), "{how}");
        assert_eq!(site.rows().count().await.unwrap(), 130, "{how}");
        assert!(site.warnings().is_empty(), "{how}: {:?}", site.warnings());
    }
}

/// Nothing tells how the token is sent: an error, not the first page alone.
#[tokio::test]
async fn a_token_leads_on_where_its_parameter_is_declared() {
    for how in [
        "next_cursor",
        "nextPageToken",
        "continuationToken",
        "next_token",
        "pageInfo",
        "offset",
    ] {
        let site = server(move |call| Reply::ok(&told(how, start(call.parameter("token"))))).await;
        let declared = || site.declared(Pagination::cursor().with_position_parameter("token"));
        assert_eq!(ids(declared().all()).await.unwrap(), all(), "{how}");
        assert_eq!(declared().count().await.unwrap(), 130, "{how}");
        let some = ids(declared().all().range(60..63)).await.unwrap();
        assert_eq!(some, [61, 62, 63], "{how}");
        for error in [
            ids(site.rows().all()).await.unwrap_err(),
            site.rows().count().await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{how}: {error}");
            assert!(
                error.to_string().contains("declare the pagination"),
                "{how}: {error}"
            );
        }
    }
}

#[tokio::test]
async fn a_count_of_any_usual_name_shows_that_rows_are_missing() {
    for name in [
        "totalElements",
        "totalItems",
        "totalResults",
        "recordsFiltered",
        "@odata.count",
    ] {
        let site = server(move |_| Reply::ok(&json!({"items": rows(0, 50), name: 130}))).await;
        let error = ids(site.rows().all()).await.unwrap_err();
        assert!(
            error.to_string().contains("counts 130 rows, sent 50"),
            "{name}: {error}"
        );
        assert_eq!(site.rows().count().await.unwrap(), 130, "{name}");
    }
}

#[tokio::test]
async fn headers_say_it_too() {
    let site = server(|call| {
        let page = number(call, "page").unwrap_or(1);
        let around = json!({"TotalCount": 130, "HasNext": page < 7});
        Reply::ok(&rows(page * 20 - 20, page * 20))
            .header(HeaderName::from_static("x-pagination"), &around.to_string())
    })
    .await;
    assert_eq!(ids(site.rows().all()).await.unwrap(), all());
    assert_eq!(site.rows().count().await.unwrap(), 130);
    let site = server(|call| {
        let page = number(call, "page").unwrap_or(1);
        let next = if page < 7 {
            (page + 1).to_string()
        } else {
            String::new()
        };
        Reply::ok(&rows(page * 20 - 20, page * 20))
            .header(HeaderName::from_static("x-next-page"), &next)
    })
    .await;
    assert_eq!(ids(site.rows().all()).await.unwrap(), all());
}

/// As in the tutorial of `FastAPI`: a plain list of a hundred rows, and no word of the others.
#[tokio::test]
async fn rows_may_be_skipped_under_another_name() {
    let site = server(|call| {
        let skip = number(call, "skip").unwrap_or(0);
        let limit = number(call, "limit").unwrap_or(100);
        Reply::ok(&rows(skip, skip + limit))
    })
    .await;
    for _ in 0..2 {
        for error in [
            ids(site.rows().all()).await.unwrap_err(),
            site.rows().count().await.unwrap_err(),
            site.rows().last().await.map(|_| ()).unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
            assert!(error.to_string().contains("`skip`"), "{error}");
        }
        let some = ids(site.rows().all().range(60..63)).await.unwrap();
        assert_eq!(some, [61, 62, 63], "the limit is honoured");
    }
    let declared = || site.declared(Pagination::limit_offset().with_position_parameter("skip"));
    assert_eq!(ids(declared().all()).await.unwrap(), all());
    assert_eq!(declared().count().await.unwrap(), 130);
}

/// What is refused as a way to jump is not tried again as a way on: the slice would be empty.
#[tokio::test]
async fn a_slice_begins_where_a_page_does_on_a_server_that_refuses_offsets() {
    for (from, to) in [(50, 53), (49, 52), (51, 53), (100, 103)] {
        let site = server(|call| {
            if call.parameter("offset").is_some() || call.parameter("limit").is_some() {
                return Reply::detail(StatusCode::UNPROCESSABLE_ENTITY, "unknown parameter");
            }
            let page = number(call, "page").unwrap_or(1);
            Reply::ok(&json!({"items": rows(page * 50 - 50, page * 50), "total": 130}))
        })
        .await;
        let some = ids(site.rows().all().range(from..to)).await.unwrap();
        assert_eq!(some, &all()[from as usize..to as usize], "{from}..{to}");
    }
}

/// A refusal is no end: it may be a limit of the server's own.
#[tokio::test]
async fn a_page_that_is_refused_may_be_there() {
    for most in [60, 100] {
        let site = server(move |call| {
            let offset = number(call, "offset").unwrap_or(0);
            match offset >= most {
                true => Reply::detail(StatusCode::BAD_REQUEST, "the result window is too large"),
                false => Reply::ok(&rows(
                    offset,
                    offset + number(call, "limit").unwrap_or(20).min(20),
                )),
            }
        })
        .await;
        let error = ids(site.rows().all()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(
            error.to_string().contains("refuses the page after"),
            "{error}"
        );
        // Where offsets are declared there are pages, of which this may be the last. No row is created on that.
        let declared = || site.declared(Pagination::limit_offset());
        assert_eq!(ids(declared().all()).await.unwrap().len() as u64, most);
        let missing = Filter::lookup("id", 9_999);
        let error = declared().get_or_create(missing, []).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Drift, "{error}");
    }
}

/// `json-server` without the number of a page: everything, and `_page=2` has rows of that.
#[tokio::test]
async fn a_first_page_without_its_number_may_be_everything() {
    let site = server(|call| match number(call, "_page") {
        Some(page) => Reply::ok(&rows(page * 10 - 10, page * 10)),
        None => Reply::ok(&rows(0, 130)),
    })
    .await;
    let numbered = Pagination::page_number().with_position_parameter("_page");
    let declared = site.declared(numbered.with_page_size(10));
    assert_eq!(ids(declared.all()).await.unwrap(), all());
    assert_eq!(declared.count().await.unwrap(), 130);
}
