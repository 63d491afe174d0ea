//! What a query costs by a client that has asked it before: what it costs where the server is taken at its word.

use django_api_orm::OnIgnored;

use super::super::super::prelude::*;
use super::{Asked, ENDPOINTS, WAYS, ask, column, honours, none_of, plans};
use crate::{Outcome, fixture, models::*};

/// No probe is made twice. The third time a query takes the requests that `explain()` tells, and where the server honours what it is
/// asked, those of a client that trusts it; the first time as many more as `explain()` has told of. (What the first time shows to be
/// ignored is evaluated client-side the second time, which may need a probe of its own.)
#[case]
pub(super) async fn warm(site: Site, endpoint: &'static str) -> Outcome {
    let items = fixture::items();
    let mut wrong = Vec::new();
    let (mut compared, mut told) = (0, 0);
    for (number, plan) in plans::all().iter().enumerate() {
        // What a call costs is the client's doing. Django is asked each query behind one of the endpoints.
        if site.is_django() && number % ENDPOINTS.len() != column(endpoint) {
            continue;
        }
        // Another way behind each endpoint. A slice takes no further filter.
        let way = WAYS[(number + column(endpoint)) % WAYS.len()];
        let way = match way {
            Asked::Get | Asked::InBulk if plan.is_sliced() => Asked::Fetch,
            way => way,
        };
        let expected = plan.expected(&items, honours(endpoint));
        let clients = [
            site.builder().platform_roots(false).build()?,
            site.builder().platform_roots(false).build()?,
        ];
        let path = format!("/api/v1/items/{endpoint}/");
        let [proving, trusting] =
            (clients.each_ref()).map(|client| client.objects::<Item>().at(&path));
        let trusting = trusting.on_ignored(OnIgnored::Trust);
        let [query, trusted] = [&proving, &trusting].map(|manager| (plan.query)(manager));
        let before = query.explain()?;
        let (mut made, mut plain) = ([0; 3], 0);
        for made in &mut made {
            let before = clients.each_ref().map(|client| client.stats().requests);
            ask(&query, plan, way, &expected).await?;
            // Where the server does not do as asked, trust gives a wrong answer.
            let _ = ask(&trusted, plan, way, &expected).await;
            *made = clients[0].stats().requests - before[0];
            plain = clients[1].stats().requests - before[1];
        }
        let [cold, _, warm] = made;
        let explained = query.explain()?;
        // Whether an order has nulls, which a cursor would lose, is asked each time: they may have come since.
        let is_ordered = (explained.pushed().iter())
            .any(|(name, by)| name == "ordering" && by.trim_start_matches('-') != "id");
        let may_lose_nulls = endpoint.starts_with("cursor") && is_ordered;
        let is_honoured = honours(endpoint) && explained.pushed() == trusted.explain()?.pushed();
        if is_honoured && !may_lose_nulls {
            compared += 1;
            if warm != plain {
                wrong.push(format!(
                    "{} as {way:?}: {warm} requests, {plain} on trust\n{explained}",
                    plan.name
                ));
            }
        }
        let filtered = (explained.pushed().iter()).any(|(name, _)| name != "ordering");
        let rows = match filtered {
            true => plan.rows_on_the_server(&items),
            false => items.len(),
        };
        let is_list = matches!(way, Asked::Fetch | Asked::Stream | Asked::ValuesList);
        let doubts = before.to_string().matches(" more, ").count() as u64;
        if is_list && is_honoured && !may_lose_nulls && cold > warm + before.probes() + 5 * doubts {
            wrong.push(format!(
                "{} as {way:?}: {cold} requests at first, {warm} later\n{before}",
                plan.name
            ));
        }
        if is_list {
            if explained.probes() > 0 {
                wrong.push(format!(
                    "{} as {way:?}: probes again\n{explained}",
                    plan.name
                ));
            }
            if let Some(expected) = explained.requests(rows as u64) {
                told += 1;
                if expected != warm {
                    wrong.push(format!(
                        "{} as {way:?}: {warm} requests, {expected} told\n{explained}",
                        plan.name
                    ));
                }
            }
        }
    }
    assert!(
        told > 0 && (compared > 0 || !honours(endpoint)),
        "{compared} compared, {told} told"
    );
    none_of(&wrong)
}
