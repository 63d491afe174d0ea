//! Rows with an `ETag` are written only as the version that was read. `items/tagged` has Django's `condition` around it, and
//! `items/tagged-weakly` the same with weak tags, which match no condition.

use django_api_orm::{DeleteOptions, ErrorKind, OnConflict, SaveOptions};

use super::super::prelude::*;
use crate::{Outcome, models::*};

#[case]
async fn a_change_by_another_is_not_overwritten(site: Site) -> Outcome {
    let items = site.items("tagged");
    let mut ours = items.get(Item::F.id.eq(1)).await?;
    let mut theirs = items.get(Item::F.id.eq(1)).await?;
    let before = ours.name.clone();
    theirs.name = "theirs".to_owned();
    theirs.save().await?;
    ours.name = "ours".to_owned();
    ours.kind = "k".to_owned();
    site.cost();
    let error = ours.save().await.unwrap_err();
    assert_eq!(site.cost(), 2, "a PATCH and a look");
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed, "{error}");
    assert!(error.is_conflict() && !error.is_outcome_unknown() && !error.is_retryable());
    let conflict = error.conflict().expect("both versions");
    let [read, current] = [conflict.read().expect("it was read"), conflict.current()];
    assert_eq!(read.decode::<Item>("Item")?.name, before);
    assert_eq!(current.decode::<Item>("Item")?.name, "theirs");
    assert_eq!(conflict.fields(), ["name"]);
    assert_eq!(
        (ours.name.as_str(), ours.kind.as_str()),
        ("ours", "k"),
        "still to be saved"
    );
    let now = items.get(Item::F.id.eq(1)).await?;
    assert_eq!(now.name, "theirs");
    Ok(())
}

#[case]
async fn a_row_that_nobody_else_has_changed_costs_no_more(site: Site) -> Outcome {
    let items = site.items("tagged");
    let mut item = items.get(Item::F.id.eq(1)).await?;
    site.cost();
    item.name = "once".to_owned();
    item.save().await?;
    assert_eq!(site.cost(), 1);
    item.name = "twice".to_owned();
    item.save().await?;
    assert_eq!(site.cost(), 2, "the answer to the write named no version");
    item.refresh_from_api().await?;
    item.delete().await?;
    assert_eq!(site.cost(), 2);
    let error = items.get(Item::F.id.eq(1)).await.unwrap_err();
    assert!(error.is_does_not_exist(), "{error}");
    Ok(())
}

#[case]
async fn a_row_that_was_saved_is_not_written_over_another_s_change(site: Site) -> Outcome {
    let items = site.items("tagged");
    let mut ours = items.get(Item::F.id.eq(6)).await?;
    ours.name = "ours".to_owned();
    ours.save().await?;
    let mut theirs = items.get(Item::F.id.eq(6)).await?;
    theirs.name = "theirs".to_owned();
    theirs.save().await?;
    ours.name = "ours again".to_owned();
    site.cost();
    let error = ours.save().await.unwrap_err();
    assert_eq!(site.cost(), 1, "a look");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(error.conflict().expect("both versions").fields(), ["name"]);
    let error = ours.delete().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    ours.refresh_from_api().await?;
    assert_eq!(ours.name, "theirs");
    ours.kind = "ours".to_owned();
    ours.save().await?;
    theirs.name = "theirs again".to_owned();
    let error = theirs.save().await;
    assert!(error.is_ok(), "nobody else has changed the name");
    assert_eq!(theirs.kind, "ours");
    Ok(())
}

#[case]
async fn a_delete_can_look_first(site: Site) -> Outcome {
    let items = site.items("plain-on");
    let check = DeleteOptions::new().check();
    let mut ours = items.filter(Item::F.id.eq(7)).fetch().await?.remove(0);
    let mut theirs = items.get(Item::F.id.eq(7)).await?;
    theirs.name = "theirs".to_owned();
    theirs.save().await?;
    let error = ours.delete_with(check).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(error.conflict().expect("both versions").fields(), ["name"]);
    ours.refresh_from_api().await?;
    site.cost();
    ours.delete_with(check).await?;
    assert_eq!(site.cost(), 2, "a look and a DELETE");
    Ok(())
}

#[case]
async fn a_row_that_was_read_again_is_saved(site: Site) -> Outcome {
    let items = site.items("tagged");
    let mut ours = items.get(Item::F.id.eq(1)).await?;
    let mut theirs = items.get(Item::F.id.eq(1)).await?;
    theirs.name = "theirs".to_owned();
    theirs.save().await?;
    ours.name = "ours".to_owned();
    let error = ours.save().await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    ours.refresh_from_api().await?;
    ours.name.push_str(" and ours");
    ours.save().await?;
    let now = items.get(Item::F.id.eq(1)).await?;
    assert_eq!(now.name, "theirs and ours");
    Ok(())
}

#[case]
async fn a_row_that_another_has_changed_is_not_deleted(site: Site) -> Outcome {
    let items = site.items("tagged");
    let mut ours = items.get(Item::F.id.eq(2)).await?;
    let mut theirs = items.get(Item::F.id.eq(2)).await?;
    theirs.name = "theirs".to_owned();
    theirs.save().await?;
    let error = ours.delete().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PreconditionFailed, "{error}");
    ours.refresh_from_api().await?;
    ours.delete().await?;
    Ok(())
}

#[case]
async fn a_row_that_is_gone_is_no_conflict(site: Site) -> Outcome {
    let items = site.items("tagged");
    let mut ours = items.get(Item::F.id.eq(3)).await?;
    let mut also_ours = ours.clone();
    items.get(Item::F.id.eq(3)).await?.delete().await?;
    ours.name = "ours".to_owned();
    let error = ours.save().await.unwrap_err();
    assert!(error.is_does_not_exist(), "{error}");
    let error = also_ours.delete().await.unwrap_err();
    assert!(error.is_does_not_exist(), "{error}");
    Ok(())
}

#[case]
async fn changes_of_other_fields_are_merged(site: Site) -> Outcome {
    let items = site.items("tagged");
    let mut ours = items.get(Item::F.id.eq(1)).await?;
    let mut theirs = items.get(Item::F.id.eq(1)).await?;
    theirs.name = "theirs".to_owned();
    theirs.save().await?;
    ours.kind = "ours".to_owned();
    site.cost();
    let merge = SaveOptions::new().on_conflict(OnConflict::Merge);
    ours.save_with(merge.clone()).await?;
    assert_eq!(site.cost(), 3, "PATCH, GET, PATCH");
    assert_eq!((ours.name.as_str(), ours.kind.as_str()), ("theirs", "ours"));
    let mut now = items.get(Item::F.id.eq(1)).await?;
    assert_eq!(*now, *ours);
    now.kind = "theirs".to_owned();
    now.save().await?;
    ours.refresh_from_api().await?;
    now.kind = "again".to_owned();
    now.save().await?;
    ours.kind = "ours again".to_owned();
    let error = ours.save_with(merge).await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(error.conflict().expect("both versions").fields(), ["kind"]);
    Ok(())
}

#[case]
async fn a_check_sees_what_others_have_changed(site: Site) -> Outcome {
    for endpoint in ["tagged", "plain-on"] {
        let items = site.items(endpoint);
        let mut ours = items.filter(Item::F.id.eq(4)).fetch().await?.remove(0);
        let mut theirs = items.get(Item::F.id.eq(4)).await?;
        theirs.kind = "theirs".to_owned();
        theirs.save().await?;
        ours.name = format!("ours {endpoint}");
        site.cost();
        ours.save_with(SaveOptions::new().check()).await?;
        assert_eq!(site.cost(), 2, "a look and a PATCH");
        assert_eq!(ours.kind, "theirs");
        let mut theirs = items.get(Item::F.id.eq(4)).await?;
        theirs.kind = "more".to_owned();
        theirs.save().await?;
        ours.kind = "ours".to_owned();
        site.cost();
        let error = ours
            .save_with(SaveOptions::new().check())
            .await
            .unwrap_err();
        assert_eq!(site.cost(), 1);
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert_eq!(error.conflict().expect("both versions").fields(), ["kind"]);
        theirs.kind.clear();
        theirs.save().await?;
    }
    Ok(())
}

#[case]
async fn a_server_that_refuses_its_own_tags_is_written_to(site: Site) -> Outcome {
    let items = site.items("tagged-weakly");
    let mut ours = items.get(Item::F.id.eq(5)).await?;
    ours.name = "once".to_owned();
    site.cost();
    ours.save().await?;
    assert_eq!(
        site.cost(),
        5,
        "two refused, each with a look, and one without a condition"
    );
    let mut ours = items.get(Item::F.id.eq(5)).await?;
    let mut theirs = ours.clone();
    ours.name = "twice".to_owned();
    site.cost();
    ours.save().await?;
    assert_eq!(site.cost(), 2, "from then on a look and a write");
    theirs.name = "theirs".to_owned();
    let error = theirs.save().await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    let now = items.get(Item::F.id.eq(5)).await?;
    assert_eq!(now.name, "twice");
    Ok(())
}

cases! {
    reads: [],
    writes: [
        a_change_by_another_is_not_overwritten,
        a_row_that_nobody_else_has_changed_costs_no_more,
        a_row_that_was_saved_is_not_written_over_another_s_change,
        a_delete_can_look_first,
        a_row_that_was_read_again_is_saved,
        a_row_that_another_has_changed_is_not_deleted,
        a_row_that_is_gone_is_no_conflict,
        changes_of_other_fields_are_merged,
        a_check_sees_what_others_have_changed,
        a_server_that_refuses_its_own_tags_is_written_to,
    ],
}
