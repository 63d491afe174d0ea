//! Data that moves while it is read.

use django_api_orm::{ErrorKind, OnDrift, WarningKind};
use django_api_orm_testserver::{Paginator, Quirk};
use serde_json::json;

use crate::site::{ROWS, Site, all, cursor, ids, limit_offset, page_number};

/// Reads the first page, lets `change` happen, and reads the rest.
async fn with_change(
    paginator: Paginator,
    on_drift: OnDrift,
    change: &Change,
) -> (Site, Result<Vec<i64>, django_api_orm::Error>) {
    let site = Site::new(paginator, []).await;
    let mut rows = site.rows().all().on_drift(on_drift).read_ahead(1).stream();
    let mut read = Vec::new();
    loop {
        match rows.try_next().await {
            Ok(Some(row)) => read.push(row.id.unwrap()),
            Ok(None) => return (site, Ok(read)),
            Err(error) => return (site, Err(error)),
        }
        if read.len() == 20 {
            change.happen(&site).await;
        }
    }
}

enum Change {
    Delete(std::ops::RangeInclusive<i64>),
    Insert,
}

impl Change {
    async fn happen(&self, site: &Site) {
        match self {
            Self::Delete(ids) => {
                for id in ids.clone() {
                    site.client
                        .delete(&format!("/api/v1/rows/{id}/"))
                        .await
                        .unwrap();
                }
            }
            Self::Insert => {
                site.client
                    .post("/api/v1/rows/", &json!({"kind": "new"}))
                    .await
                    .unwrap();
            }
        }
    }
}

#[tokio::test]
async fn rows_deleted_before_the_walk_are_reported() {
    for paginator in [limit_offset(), page_number()] {
        let change = Change::Delete(1..=5);
        let (site, read) = with_change(paginator.clone(), OnDrift::Warn, &change).await;
        assert_eq!(
            read.unwrap().len(),
            125,
            "five rows have moved to a page already read"
        );
        assert_eq!(site.warnings()[0], WarningKind::Drift);
        let (_, read) = with_change(paginator.clone(), OnDrift::Error, &change).await;
        assert_eq!(read.unwrap_err().kind(), ErrorKind::Drift);
        let (site, read) = with_change(paginator, OnDrift::Ignore, &change).await;
        assert_eq!((read.unwrap().len(), site.warnings().len()), (125, 0));
    }
    let (site, read) = with_change(cursor(), OnDrift::Error, &Change::Delete(1..=5)).await;
    assert_eq!(
        (read.unwrap(), site.warnings().len()),
        (all(), 0),
        "a cursor does not mind"
    );
}

#[tokio::test]
async fn a_row_added_is_reported() {
    let (site, read) = with_change(limit_offset(), OnDrift::Warn, &Change::Insert).await;
    assert_eq!(read.unwrap(), (1..=ROWS + 1).collect::<Vec<_>>());
    assert_eq!(
        site.warnings(),
        [WarningKind::Drift],
        "the count has changed"
    );
}

#[tokio::test]
async fn pages_that_vanish_end_the_walk_with_a_report() {
    // 130 rows become 20: DRF answers 404 for page 2.
    for paginator in [limit_offset(), page_number()] {
        let change = Change::Delete(21..=130);
        let (site, read) = with_change(paginator.clone(), OnDrift::Warn, &change).await;
        assert_eq!(read.unwrap(), (1..=20).collect::<Vec<_>>());
        assert!(site.warnings().contains(&WarningKind::Drift));
        let (_, read) = with_change(paginator, OnDrift::Error, &change).await;
        assert_eq!(read.unwrap_err().kind(), ErrorKind::Drift);
    }
}

#[tokio::test]
async fn pages_that_vanish_while_they_are_read_ahead() {
    let site = Site::new(page_number(), []).await;
    let mut rows = site.rows().all().on_drift(OnDrift::Error).stream();
    let gates: Vec<_> = (0..5).map(|_| site.server.hold_next()).collect();
    gates[0].open();
    for _ in 0..20 {
        rows.try_next().await.unwrap().unwrap();
    }
    for gate in &gates[1..] {
        gate.arrived().await;
    }
    Change::Delete(41..=130).happen(&site).await;
    gates[1..]
        .iter()
        .for_each(django_api_orm_testserver::Gate::open);
    let error = loop {
        if let Err(error) = rows.try_next().await {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::Drift, "{error}");
    assert!(rows.try_next().await.unwrap().is_none());
}

#[tokio::test]
async fn a_key_that_comes_twice_is_reported() {
    for paginator in [limit_offset(), page_number()] {
        let site = Site::new(paginator, [Quirk::Overlap]).await;
        let error = ids(site.rows().all().on_drift(OnDrift::Error))
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Drift);
        assert!(error.message().contains("twice"), "{error}");
        let read = ids(site.rows().all()).await.unwrap();
        assert!(site.warnings().contains(&WarningKind::Drift));
        assert!(
            all().iter().all(|id| read.contains(id)),
            "and no row is lost"
        );
        ids(site.rows().all().on_drift(OnDrift::Ignore))
            .await
            .unwrap();
        assert_eq!(site.warnings(), []);
    }
}
