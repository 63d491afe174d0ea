//! Ignored orderings, whole and key by key.

use django_api_orm::{ErrorKind, OnIgnored, WarningKind};
use django_api_orm_testserver::Resource;

use super::site::{Thing, deaf_to, ids, q, resource, site, thing, where_};

/// The keys in this order.
fn sorted_by<K: Ord>(key: impl Fn(&Thing) -> K) -> Vec<i64> {
    let mut keys = where_(|_| true);
    keys.sort_by_key(|id| key(&thing(*id)));
    keys
}

#[tokio::test]
async fn an_ignored_ordering_is_sorted_here() {
    let site = deaf_to(["ordering"]).await;
    let by_rank = site.things().order_by(["rank", "-id"]);
    let expected = sorted_by(|thing| (thing.rank, -thing.id.unwrap()));
    assert_eq!(ids(by_rank.clone()).await.unwrap(), expected);
    assert_eq!(ids(by_rank.clone()).await.unwrap(), expected);
    let subjects: Vec<_> = site.warnings();
    assert_eq!(
        subjects,
        [(WarningKind::OrderingIgnored, "rank".to_owned())],
        "once"
    );
    assert_eq!(
        ids(by_rank.range(100..110)).await.unwrap(),
        expected[100..110]
    );
}

#[tokio::test]
async fn an_ignored_ordering_is_noticed_in_a_slice_and_at_both_ends() {
    let expected = sorted_by(|thing| (thing.rank, -thing.id.unwrap()));
    let by_rank = async || deaf_to(["ordering"]).await;
    let site = by_rank().await;
    let slice = site.things().order_by(["rank", "-id"]).range(200..205);
    assert_eq!(ids(slice).await.unwrap(), expected[200..205]);
    let site = by_rank().await;
    let first = site
        .things()
        .order_by(["rank", "-id"])
        .first()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(first.id, expected.first().copied());
    let site = by_rank().await;
    let last = site
        .things()
        .order_by(["rank", "-id"])
        .last()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(last.id, expected.last().copied());
    let site = by_rank().await;
    let last = site
        .things()
        .filter(q("kind", "b"))
        .order_by(["-id"])
        .last()
        .await
        .unwrap()
        .unwrap();
    assert_eq!(last.id, Some(2));
}

#[tokio::test]
async fn an_ignored_ordering_can_be_an_error_or_trusted() {
    for slice in [false, true] {
        let site = deaf_to(["ordering"]).await;
        let by_rank = site.things().order_by(["rank", "-id"]);
        let by_rank = if slice { by_rank.limit(10) } else { by_rank };
        let error = ids(by_rank.on_ignored(OnIgnored::Error)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Ignored, "{error}");
        let trusted = ids(by_rank.on_ignored(OnIgnored::Trust)).await.unwrap();
        assert_eq!(
            trusted[..10],
            where_(|_| true)[..10],
            "the server's own order"
        );
        assert_eq!(site.warnings(), []);
    }
}

fn ordering_by(fields: &[&str]) -> Resource {
    resource().ordering(fields.iter().copied())
}

#[tokio::test]
async fn one_dropped_key_of_two_is_noticed() {
    let by_kind_and_rank = sorted_by(|thing| (thing.kind.clone(), -thing.rank, thing.id));
    let order = ["kind", "-rank", "id"];
    for known in [["kind", "id"], ["rank", "id"], ["kind", "rank"]] {
        let dropped = order
            .map(|key| key.trim_start_matches('-'))
            .into_iter()
            .find(|key| !known.contains(key));
        let site = site(ordering_by(&known)).await;
        let found = ids(site.things().order_by(order)).await.unwrap();
        assert_eq!(found, by_kind_and_rank, "{dropped:?} is dropped");
        let site = self::site(ordering_by(&known)).await;
        let slice = ids(site.things().order_by(order).range(150..155))
            .await
            .unwrap();
        assert_eq!(slice, by_kind_and_rank[150..155], "{dropped:?} is dropped");
    }
}

#[tokio::test]
async fn the_dropped_key_is_the_one_warned_of() {
    let site = site(ordering_by(&["kind", "id"])).await;
    ids(site.things().order_by(["kind", "-rank", "id"]))
        .await
        .unwrap();
    assert_eq!(
        site.warnings(),
        [(WarningKind::OrderingIgnored, "rank".to_owned())]
    );
}
