//! Servers that ignore an offset or a limit, and parameters that would turn the pages.

use django_api_orm::{ErrorKind, OnIgnored, Pagination, WarningKind};
use django_api_orm_testserver::{Quirk, Reply};
use serde_json::json;

use crate::{
    scripted::{number, rows, server},
    site::{Site, all, cursor, ids, limit_offset, page_number},
};

#[tokio::test]
async fn an_ignored_offset_gives_the_right_rows() {
    let paginator = limit_offset().max_limit(1000);
    let site = Site::new(paginator, [Quirk::ignore_parameters(["offset"])]).await;
    assert_eq!(
        ids(site.rows().all()).await.unwrap(),
        all(),
        "a large limit has it all"
    );
    assert_eq!(site.warnings(), [WarningKind::OffsetIgnored]);
    for range in [0..5, 15..25, 40..60, 125..200, 130..140] {
        let expected = &all()[range.start as usize..130.min(range.end as usize)];
        assert_eq!(ids(site.rows().all().range(range)).await.unwrap(), expected);
    }
    let error = ids(site.rows().all().on_ignored(OnIgnored::Error))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ignored, "{error}");
}

#[tokio::test]
async fn an_ignored_offset_is_noticed_in_the_first_query_too() {
    let paginator = limit_offset().max_limit(1000);
    let site = Site::new(paginator, [Quirk::ignore_parameters(["offset"])]).await;
    assert_eq!(
        ids(site.rows().all().range(40..60)).await.unwrap(),
        all()[40..60]
    );
    assert_eq!(
        ids(site
            .declared(Pagination::limit_offset())
            .all()
            .range(40..60))
        .await
        .unwrap(),
        all()[40..60]
    );
}

#[tokio::test]
async fn an_ignored_offset_with_a_cap_is_an_error() {
    let site = Site::new(limit_offset(), [Quirk::ignore_parameters(["offset"])]).await;
    for query in [site.rows().all(), site.rows().all().range(60..70)] {
        let error = ids(query).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    assert_eq!(
        ids(site.rows().all().range(30..40)).await.unwrap(),
        all()[30..40],
        "within reach"
    );
    assert!(site.requests() < 15);
}

#[tokio::test]
async fn an_ignored_page_number_is_an_error() {
    let site = Site::new(page_number(), [Quirk::ignore_parameters(["page"])]).await;
    let error = ids(site.rows().all()).await.unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Drift | ErrorKind::Unsupported),
        "{error}"
    );
    assert!(site.requests() < 7);
    let site = Site::new(cursor(), [Quirk::ignore_parameters(["cursor"])]).await;
    assert_eq!(
        ids(site.rows().all()).await.unwrap_err().kind(),
        ErrorKind::Drift
    );
}

#[tokio::test]
async fn an_ignored_limit_is_reported() {
    let site = Site::new(limit_offset(), [Quirk::ignore_parameters(["limit"])]).await;
    assert_eq!(ids(site.rows().all().limit(5)).await.unwrap(), all()[..5]);
    assert_eq!(site.warnings(), [WarningKind::LimitIgnored]);
    assert_eq!(
        ids(site.rows().all().range(35..75)).await.unwrap(),
        all()[35..75]
    );
    assert_eq!(ids(site.rows().all().page_size(7)).await.unwrap(), all());
    let error = ids(site.rows().all().limit(5).on_ignored(OnIgnored::Error))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Ignored, "{error}");
    assert_eq!(
        ids(site.rows().all().limit(5).on_ignored(OnIgnored::Trust))
            .await
            .unwrap(),
        all()[..5]
    );
}

#[tokio::test]
async fn an_offset_is_honoured_without_a_link_to_prove_it() {
    for enveloped in [true, false] {
        let site = server(move |call| {
            let offset = number(call, "offset").unwrap_or(0);
            let limit = number(call, "limit").unwrap_or(20);
            let rows = rows(offset, offset + limit);
            if enveloped {
                Reply::ok(&json!({"count": 130, "results": rows}))
            } else {
                Reply::ok(&rows)
            }
        })
        .await;
        for rows in [site.rows(), site.declared(Pagination::limit_offset())] {
            for range in [40..60, 125..200, 130..140, 0..7, 19..41] {
                let expected = &all()[range.start as usize..130.min(range.end as usize)];
                assert_eq!(ids(rows.all().range(range)).await.unwrap(), expected);
            }
        }
        assert_eq!(site.warnings(), []);
    }
    // `previous` is there, and always null.
    let site = server(|call| {
        let offset = number(call, "offset").unwrap_or(0);
        let limit = number(call, "limit").unwrap_or(20);
        let next = (offset + limit < 130).then(|| format!("?limit={limit}&offset={}", offset + limit));
        Reply::ok(&json!({"count": 130, "next": next, "previous": null, "results": rows(offset, offset + limit)}))
    })
    .await;
    assert_eq!(
        ids(site.rows().all().range(40..60)).await.unwrap(),
        all()[40..60]
    );
    assert_eq!(site.requests(), 2, "one to see that the offset is honoured");
    assert_eq!(
        ids(site.rows().all().range(50..60)).await.unwrap(),
        all()[50..60]
    );
    assert_eq!(site.requests(), 1, "and it is remembered");
    assert_eq!(site.warnings(), []);
}

#[tokio::test]
async fn parameters_that_turn_pages_are_refused() {
    let site = Site::new(limit_offset(), []).await;
    for name in ["limit", "offset", "page", "cursor"] {
        let error = ids(site.rows().all().parameter(name, "3"))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(error.message().contains("slice the query"), "{error}");
    }
    let declared = site.declared(Pagination::page_number().with_position_parameter("p"));
    assert!(ids(declared.all().parameter("p", "3")).await.is_err());
    assert_eq!(site.requests(), 0);
}
