//! What only the blocking API has: `for` over a queryset, and the refusal to stall an async runtime.

use django_api_orm::{Error, ErrorKind};

use super::prelude::*;
use crate::{Outcome, models::*};

fn a_queryset_can_be_iterated(site: Site) -> Outcome {
    let mut count = 0;
    for user in site.users().filter(User::F.active.eq(true)) {
        assert!(user?.active);
        count += 1;
    }
    assert_eq!(count, 150);
    let names: Result<Vec<String>, _> = site
        .users()
        .all()
        .limit(2)
        .iter()
        .map(|user| Ok::<_, Error>(user?.name.clone()))
        .collect();
    assert_eq!(names?, ["Alice Smith", "Bob Jones"]);
    Ok(())
}

fn inside_a_runtime_every_call_is_an_error(site: Site) -> Outcome {
    let mut user = site.users().get(User::F.id.eq(1))?;
    let runtime = tokio::runtime::Runtime::new()?;
    site.cost();
    runtime.block_on(async {
        let users = site.users();
        user.name = "Somebody".to_owned();
        let errors = [
            users.count().unwrap_err(),
            users.first().unwrap_err(),
            users.get(User::F.id.eq(1)).unwrap_err(),
            users.all().fetch().unwrap_err(),
            users.create(&serde_json::json!({})).unwrap_err(),
            users
                .bulk_create([serde_json::json!({})])
                .unwrap_err()
                .into_parts()
                .1
                .remove(0)
                .1,
            user.save().unwrap_err(),
            user.refresh_from_api().unwrap_err(),
            user.delete().unwrap_err(),
            site.client().get("/info/").unwrap_err(),
            users.all().iter().next().expect("an item").unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::Runtime, "{error}");
            assert!(error.to_string().contains("async"), "{error}");
        }
        assert_eq!(
            users.all().iter().count(),
            1,
            "the iterator ends after its error"
        );
    });
    assert_eq!(site.cost(), 0);
    let count = site.users().count()?;
    assert_eq!(count, 250, "outside of it, all is well again");
    Ok(())
}

cases! {
    reads: [a_queryset_can_be_iterated, inside_a_runtime_every_call_is_an_error],
    writes: [],
}
