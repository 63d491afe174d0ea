//! Rows at URLs that are not made of their key: no stranger's row is written to.

use django_api_orm::ErrorKind;
use serde_json::json;

use super::site::{Thing, q, site, with_rows};

/// Rows at `/things/{kind}/`, whose kinds are the keys of others.
async fn by_kind() -> super::site::Site {
    let rows = json!([
        {"name": "a", "kind": "2"}, {"name": "b", "kind": "3"}, {"name": "c", "kind": "1"},
    ]);
    site(with_rows(&rows).lookup_field("kind")).await
}

#[tokio::test]
async fn no_row_is_written_to_at_the_url_of_another() {
    for reads_first in [false, true] {
        let site = by_kind().await;
        let things = site.things();
        if reads_first {
            let error = things.get(q("id", 1)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
        }
        let b = things.filter(q("name", "b"));
        let mut errors = vec![
            b.delete().await.unwrap_err().failed()[0].1.kind(),
            b.update([Thing::F.rank.set(7)]).await.unwrap_err().failed()[0]
                .1
                .kind(),
        ];
        let rows = things.all().await.unwrap();
        for mut row in rows {
            row.rank = 9;
            errors.push(row.save().await.unwrap_err().kind());
            errors.push(row.delete().await.unwrap_err().kind());
        }
        assert!(
            errors.iter().all(|kind| *kind == ErrorKind::Unsupported),
            "{errors:?}"
        );
        assert_eq!(site.writes(), Vec::<String>::new());
    }
}

/// One request, once for a client and an endpoint; none where nothing in the rows looks like a key.
#[tokio::test]
async fn a_row_that_shows_what_may_be_a_key_is_looked_at_once() {
    for (kind, expected) in [("7", 3), ("x", 2)] {
        let rows = json!([{"name": "a", "kind": kind}, {"name": "b", "kind": kind}]);
        let site = site(with_rows(&rows)).await;
        let things = site.things();
        let (deleted, requests) = site.cost(things.filter(q("name", "a")).delete()).await;
        assert_eq!((deleted.unwrap(), requests), (1, expected));
        let (deleted, requests) = site.cost(things.filter(q("name", "b")).delete()).await;
        assert_eq!((deleted.unwrap(), requests), (1, 2));
    }
}
