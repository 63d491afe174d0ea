//! Every paginator and every envelope: all rows, in the fewest requests.

use django_api_orm::{ErrorKind, Pagination};
use django_api_orm_testserver::{Envelope, Paginator, Quirk, Reply};
use http::header::LINK;
use serde_json::json;

use crate::{
    scripted::{number, rows, server},
    site::{Site, all, cursor, ids, limit_offset, page_number, resource},
};

#[tokio::test]
async fn drf_paginators_are_recognised() {
    for paginator in [limit_offset(), page_number(), cursor()] {
        let site = Site::new(paginator, []).await;
        assert_eq!(ids(site.rows().all()).await.unwrap(), all());
        assert_eq!(site.requests(), 7);
        // Remembered, and still right.
        assert_eq!(ids(site.rows().all()).await.unwrap(), all());
        assert_eq!(site.requests(), 7);
        assert_eq!(site.warnings(), []);
    }
}

#[tokio::test]
async fn a_plain_list_is_one_request_once_it_was_probed() {
    let site = server(|_| Reply::ok(&rows(0, 130))).await;
    assert_eq!(ids(site.rows().all()).await.unwrap(), all());
    assert_eq!(
        site.targets(),
        ["/api/v1/rows/", "/api/v1/rows/?offset=129&skip=129&page=2"]
    );
    assert_eq!(ids(site.rows().all()).await.unwrap(), all());
    assert_eq!(ids(site.rows().all().limit(10)).await.unwrap(), all()[..10]);
    assert_eq!(
        ids(site.rows().all().range(40..60)).await.unwrap(),
        all()[40..60]
    );
    assert_eq!(site.requests(), 3);
}

#[tokio::test]
async fn every_envelope_with_every_paginator() {
    let envelopes = [
        Envelope::rows_in("data")
            .count_in("meta.total")
            .links_in("links.next", "links.prev"),
        Envelope::rows_in("items")
            .count_in("total")
            .links_in("next", "prev"),
        Envelope::rows_in("objects")
            .count_in("meta.total_count")
            .links_in("meta.next", "meta.previous"),
        Envelope::rows_in("results")
            .count_in("pagination.count")
            .links_in("pagination.next", "pagination.previous"),
        Envelope::rows_in("data")
            .count_in("meta.pagination.total")
            .links_in(
                "meta.pagination.links.next",
                "meta.pagination.links.previous",
            ),
        Envelope::rows_in("results").links_in("_links.next.href", "_links.prev.href"),
        Envelope::link_header(),
        Envelope::link_header().count_header("X-Total-Count"),
    ];
    for envelope in envelopes {
        for paginator in [limit_offset(), page_number(), cursor()] {
            let what = format!("{envelope:?} {paginator:?}");
            let site = Site::new(paginator, [Quirk::Envelope(envelope.clone())]).await;
            assert_eq!(ids(site.rows().all()).await.unwrap(), all(), "{what}");
            assert_eq!(site.requests(), 7, "{what}");
            for range in [0..5, 18..22, 40..60, 125..200, 130..140, 500..510] {
                let expected = all()
                    [all().len().min(range.start as usize)..all().len().min(range.end as usize)]
                    .to_vec();
                assert_eq!(
                    ids(site.rows().all().range(range)).await.unwrap(),
                    expected,
                    "{what}"
                );
            }
            assert_eq!(site.warnings(), [], "{what}");
        }
    }
}

#[tokio::test]
async fn parameters_have_the_names_that_are_declared() {
    let paginator = Paginator::page_number(20)
        .position_parameter("page[number]")
        .page_size_parameter("page[size]")
        .max_page_size(50);
    let site = Site::new(paginator, []).await;
    let declared = site.declared(
        Pagination::page_number()
            .with_position_parameter("page[number]")
            .with_size_parameter("page[size]")
            .with_page_size(1000),
    );
    assert_eq!(ids(declared.all()).await.unwrap(), all());
    let targets = site.targets();
    assert_eq!(targets.len(), 3, "{targets:?}");
    assert!(
        targets
            .iter()
            .all(|target| target.contains("page%5Bsize%5D=1000")),
        "{targets:?}"
    );
    assert_eq!(
        ids(declared.all().range(60..70)).await.unwrap(),
        all()[60..70]
    );
    assert_eq!(site.requests(), 1, "the cap is known, so the page is");
    // Nobody has declared anything: the links are followed as they are.
    assert_eq!(ids(site.rows().all()).await.unwrap(), all());

    let paginator = Paginator::limit_offset()
        .default_limit(20)
        .position_parameter("skip");
    let site = Site::new(paginator, []).await;
    let declared = site.declared(Pagination::limit_offset().with_position_parameter("skip"));
    assert_eq!(ids(declared.all()).await.unwrap(), all());
    assert_eq!(
        ids(declared.all().range(25..60)).await.unwrap(),
        all()[25..60]
    );
    assert_eq!(
        ids(site.rows().all().range(25..60)).await.unwrap(),
        all()[25..60]
    );
    assert_eq!(site.warnings(), []);

    let site = Site::new(cursor().position_parameter("after"), []).await;
    assert_eq!(
        ids(site
            .declared(Pagination::cursor().with_position_parameter("after"))
            .all())
        .await
        .unwrap(),
        all()
    );
    assert_eq!(ids(site.rows().all()).await.unwrap(), all());
}

#[tokio::test]
async fn a_client_declares_for_all_its_models() {
    let site = Site::new(Paginator::page_number(20).position_parameter("p"), []).await;
    let client = django_api_orm::ServiceClient::builder(site.server.base_url())
        .pagination(Pagination::page_number().with_position_parameter("p"))
        .build()
        .unwrap();
    let rows = client.objects::<crate::site::Row>();
    assert_eq!(ids(rows.all()).await.unwrap(), all());
    assert_eq!(ids(rows.all().range(50..51)).await.unwrap(), [51]);
    assert_eq!(site.targets()[7], "/api/v1/rows/?p=3");
}

#[tokio::test]
async fn pages_may_be_counted_from_zero() {
    let site = server(|call| {
        let page = number(call, "page").unwrap_or(0);
        let next = (page < 6).then(|| format!("/rows?page={}", page + 1));
        Reply::ok(&json!({"count": 130, "next": next, "results": rows(page * 20, page * 20 + 20)}))
    })
    .await;
    for rows in [
        site.rows(),
        site.declared(Pagination::page_number().with_first_page(0)),
    ] {
        assert_eq!(ids(rows.all()).await.unwrap(), all());
        assert_eq!(ids(rows.all().range(50..90)).await.unwrap(), all()[50..90]);
    }
    assert_eq!(site.warnings(), []);
}

#[tokio::test]
async fn a_server_without_links_or_count_is_read_to_its_end() {
    // A plain list by limit and offset.
    let site = server(|call| {
        let offset = number(call, "offset").unwrap_or(0);
        let limit = number(call, "limit").unwrap_or(20).min(50);
        Reply::ok(&rows(offset, offset + limit))
    })
    .await;
    let declared = site.declared(Pagination::limit_offset().with_page_size(50));
    assert_eq!(ids(declared.all()).await.unwrap(), all());
    assert_eq!(site.requests(), 3, "the last page is short");
    assert_eq!(
        ids(declared.all().range(30..95)).await.unwrap(),
        all()[30..95]
    );
    assert_eq!(
        ids(declared.all().range(200..)).await.unwrap(),
        Vec::<i64>::new()
    );
    let capped = site.declared(Pagination::limit_offset().with_page_size(1000));
    assert_eq!(ids(capped.all()).await.unwrap(), all());
    // Not declared: a page as long as was asked for is no proof that it is the last one.
    assert_eq!(ids(site.rows().all().page_size(50)).await.unwrap(), all());
    assert_eq!(site.warnings(), []);

    // An envelope by page number.
    let site = server(|call| {
        let page = number(call, "page").unwrap_or(1);
        Reply::ok(&json!({"data": rows(page * 10 - 10, page * 10)}))
    })
    .await;
    let declared = site.declared(Pagination::page_number());
    assert_eq!(ids(declared.all()).await.unwrap(), all());
    assert_eq!(
        site.requests(),
        14,
        "thirteen full pages, and an empty one that shows the end"
    );
}

#[tokio::test]
async fn a_bare_token_is_the_next_cursor() {
    // The first one may be an offset, and is tried as one.
    for first in [0, 7_000] {
        let site = server(move |call| {
            let start = number(call, "cursor").unwrap_or(first) - first;
            let next = (start + 20 < 130).then(|| (first + start + 20).to_string());
            Reply::ok(&json!({"next": next, "results": rows(start, start + 20)}))
        })
        .await;
        let declared = site.declared(Pagination::cursor());
        assert_eq!(ids(declared.all()).await.unwrap(), all());
        let error = ids(site.rows().all()).await.unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Unsupported,
            "not declared, it cannot be followed: {error}"
        );
    }
}

#[tokio::test]
async fn a_bare_number_is_a_page_or_an_offset() {
    for by_offset in [true, false] {
        let site = server(move |call| {
            let start = match by_offset {
                true => number(call, "offset").unwrap_or(0),
                false => number(call, "page").unwrap_or(1) * 20 - 20,
            };
            let next = if by_offset {
                start + 20
            } else {
                start / 20 + 2
            };
            let next = (start + 20 < 130).then_some(next);
            Reply::ok(&json!({"next": next, "results": rows(start, start + 20)}))
        })
        .await;
        assert_eq!(ids(site.rows().all()).await.unwrap(), all());
        assert_eq!(site.requests(), 7);
        assert_eq!(
            ids(site.rows().all().range(45..)).await.unwrap(),
            all().split_off(45)
        );
        assert_eq!(site.warnings(), []);
    }
}

#[tokio::test]
async fn a_link_may_leave_out_the_size_of_pages() {
    let site = server(|call| {
        let page = number(call, "page").unwrap_or(1);
        let size = number(call, "size").unwrap_or(10);
        let next = (page * size < 130).then(|| format!("?page={}", page + 1));
        Reply::ok(
            &json!({"count": 130, "next": next, "results": rows((page - 1) * size, page * size)}),
        )
    })
    .await;
    let declared = site.declared(
        Pagination::page_number()
            .with_size_parameter("size")
            .with_page_size(40),
    );
    assert_eq!(ids(declared.all()).await.unwrap(), all());
    assert_eq!(site.requests(), 4);
}

#[tokio::test]
async fn a_link_header_may_come_in_parts() {
    let site = server(|call| {
        let page = number(call, "page").unwrap_or(1);
        let reply = Reply::ok(&rows(page * 50 - 50, page * 50));
        let links = format!("</rows?page=1>; rel=\"first\", <http://internal:1/rows?page={}>; title=\"a, b\"; rel=\"next\"", page + 1);
        reply.header(LINK, if page < 3 { &links } else { "</rows?page=1>; rel=first" })
    })
    .await;
    assert_eq!(ids(site.rows().all()).await.unwrap(), all());
    assert_eq!(site.requests(), 3);
}

#[tokio::test]
async fn an_empty_collection_is_one_request() {
    for paginator in [limit_offset(), page_number(), cursor()] {
        let site = Site::of(resource(0).paginator(paginator)).await;
        assert_eq!(ids(site.rows().all()).await.unwrap(), Vec::<i64>::new());
        assert_eq!(site.requests(), 1);
        assert_eq!(
            ids(site.rows().all().range(10..20)).await.unwrap(),
            Vec::<i64>::new()
        );
        assert_eq!(site.warnings(), []);
    }
}
