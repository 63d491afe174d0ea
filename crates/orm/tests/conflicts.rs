//! Rows with a version, where answers get lost, where many write at once, and on servers that take versions in their own ways. What
//! holds on Django too is in `tests/contract/cases/conflicts.rs`.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use django_api_orm::{ErrorKind, OnConflict, SaveOptions, prelude::*};
use django_api_orm_testserver::{
    Fault, Quirk, RecordedRequest, Reply, Resource, Tags, TestServer, View,
};
use http::{
    HeaderMap, Method, StatusCode,
    header::{IF_UNMODIFIED_SINCE, LAST_MODIFIED},
};
use serde_json::json;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/notes/")]
struct Note {
    id: Option<i64>,
    name: String,
    count: i64,
}

const URL: &str = "/api/v1/notes/1/";

async fn server(tags: Tags) -> TestServer {
    let rows = json!([{"id": 1, "name": "one", "count": 0}]);
    TestServer::builder()
        .resource(Resource::from_json("notes", rows).quirk(Quirk::Tags(tags)))
        .start()
        .await
        .unwrap()
}

fn notes(server: &TestServer) -> Manager<Note> {
    let client = ServiceClient::builder(server.base_url())
        .retry_delay(Duration::from_millis(1))
        .build();
    client.unwrap().objects()
}

async fn read(notes: &Manager<Note>) -> Instance<Note> {
    notes.get(Note::F.id.eq(1)).await.unwrap()
}

/// Lets the client see that conditions are checked.
async fn see_a_conflict(notes: &Manager<Note>) {
    let [mut ours, mut theirs] = [read(notes).await, read(notes).await];
    theirs.count += 1;
    theirs.save().await.unwrap();
    ours.count += 2;
    assert!(ours.save().await.unwrap_err().is_conflict());
}

/// The requests, each with its condition.
fn requests(server: &TestServer) -> Vec<(String, Option<String>)> {
    let condition = |request: &RecordedRequest| {
        let value = request.headers().get("if-match")?.to_str().ok()?;
        Some(value.to_owned())
    };
    let requests = server.requests();
    let requests = requests.iter();
    requests
        .map(|request| (request.method().to_string(), condition(request)))
        .collect()
}

#[tokio::test]
async fn a_thousand_racing_saves_lose_nothing() {
    let server = Arc::new(server(Tags::strong()).await);
    let notes = notes(&server);
    let increment = |notes: Manager<Note>| async move {
        let mut note = read(&notes).await;
        note.count += 1;
        match note.save().await {
            Ok(()) => true,
            Err(error) => {
                assert!(error.is_conflict(), "{error}");
                false
            }
        }
    };
    let mut saves = tokio::task::JoinSet::new();
    let mut saved = 0;
    let mut refused = 0;
    for _ in 0..1000 {
        if saves.len() == 32 {
            match saves.join_next().await.unwrap().unwrap() {
                true => saved += 1,
                false => refused += 1,
            }
        }
        saves.spawn(increment(notes.clone()));
    }
    while let Some(done) = saves.join_next().await {
        match done.unwrap() {
            true => saved += 1,
            false => refused += 1,
        }
    }
    assert_eq!(read(&notes).await.count, saved, "what was saved is there");
    assert_eq!(saved + refused, 1000);
    assert!(refused > 0 && saved > 0, "{saved} saved, {refused} refused");
}

#[tokio::test]
async fn racing_merges_lose_nothing() {
    let server = server(Tags::strong()).await;
    let notes = notes(&server);
    let mut writers = tokio::task::JoinSet::new();
    for (index, merges) in [(0, true), (1, true), (2, false)] {
        let notes = notes.clone();
        writers.spawn(async move {
            for turn in 0..20 {
                let mut note = read(&notes).await;
                let options = SaveOptions::new();
                if merges {
                    note.name = format!("{index} {turn}");
                    let merge = options.on_conflict(OnConflict::Merge);
                    if let Err(error) = note.save_with(merge).await {
                        assert!(error.is_conflict(), "{error}");
                    }
                } else {
                    note.count += 1;
                    let merge = options.on_conflict(OnConflict::Merge);
                    // The others may be in the way each time that it tries; then nothing was written.
                    while let Err(error) = note.save_with(merge.clone()).await {
                        assert!(error.is_conflict(), "{error}");
                        note = read(&notes).await;
                        note.count += 1;
                    }
                }
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    assert_eq!(
        read(&notes).await.count,
        20,
        "only one counts, so nothing is in its way"
    );
}

#[tokio::test]
async fn a_write_is_sent_again_only_where_conditions_are_checked() {
    for (tags, checks) in [(Tags::strong(), true), (Tags::strong().unchecked(), false)] {
        let server = server(tags).await;
        let notes = notes(&server);
        let lose = || server.inject_on(Method::PATCH, URL, Fault::CloseAfterReading);
        let mut note = read(&notes).await;
        note.count = 1;
        lose();
        let error = note.save().await.unwrap_err();
        assert!(
            error.is_outcome_unknown(),
            "nothing has shown that conditions are checked"
        );
        // Now something has, where they are.
        let mut theirs = read(&notes).await;
        theirs.count = 2;
        theirs.save().await.unwrap();
        assert_eq!(note.save().await.is_err(), checks);
        let mut note = read(&notes).await;
        note.name = "sent again".to_owned();
        lose();
        assert_eq!(note.save().await.is_ok(), checks);
    }
}

#[tokio::test]
async fn a_conflict_with_its_own_lost_attempt_is_an_unknown_outcome() {
    for (by_another, shown) in [
        (None, "the row shows what was to be written"),
        (Some(8), "the row does not show what was to be written"),
    ] {
        let server = server(Tags::strong()).await;
        let notes = notes(&server);
        see_a_conflict(&notes).await;
        let mut note = read(&notes).await;
        let mut theirs = note.clone();
        note.count = 7;
        server.inject_on(Method::PATCH, URL, Fault::CloseAfterHandling);
        let repetition = server.hold_next();
        let (saved, ()) = tokio::join!(note.save(), async {
            repetition.arrived().await;
            if let Some(count) = by_another {
                theirs.refresh_from_api().await.unwrap();
                theirs.count = count;
                theirs.save().await.unwrap();
            }
            repetition.open();
        });
        let error = saved.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
        assert!(!error.is_conflict() && error.is_outcome_unknown());
        assert_eq!(error.attempts(), 2);
        assert!(error.to_string().contains(shown), "{error}");
        let row = error.row().unwrap().decode::<Note>("Note").unwrap();
        assert_eq!(row.count, by_another.unwrap_or(7), "the row as it is now");
    }
}

#[tokio::test]
async fn a_row_that_is_gone_may_have_been_changed_before() {
    let server = server(Tags::strong()).await;
    let notes = notes(&server);
    see_a_conflict(&notes).await;
    let mut note = read(&notes).await;
    let mut theirs = note.clone();
    note.count = 7;
    server.inject_on(Method::PATCH, URL, Fault::CloseAfterHandling);
    let repetition = server.hold_next();
    let (saved, ()) = tokio::join!(note.save(), async {
        repetition.arrived().await;
        theirs.refresh_from_api().await.unwrap();
        theirs.delete().await.unwrap();
        repetition.open();
    });
    let error = saved.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DoesNotExist, "{error}");
    assert!(error.is_outcome_unknown(), "{error}");
}

#[tokio::test]
async fn a_lost_delete_has_deleted() {
    let server = server(Tags::strong()).await;
    let notes = notes(&server);
    let mut note = read(&notes).await;
    server.inject_on(Method::DELETE, URL, Fault::CloseAfterHandling);
    note.delete().await.unwrap();
    assert_eq!(notes.count().await.unwrap(), 0);
}

#[tokio::test]
async fn a_stale_answer_does_not_write_over_a_newer_row() {
    let server = server(Tags::strong()).await;
    let notes = notes(&server);
    let mut ours = read(&notes).await;
    let client = ServiceClient::builder(server.base_url()).build().unwrap();
    let first = client.get(URL).await.unwrap();
    let mut theirs = read(&notes).await;
    theirs.count = 7;
    theirs.save().await.unwrap();
    ours.count = 1;
    for _ in 0..3 {
        let stale = Fault::Answer(
            StatusCode::OK,
            first.headers().clone(),
            first.bytes().clone(),
        );
        server.inject_on(Method::GET, URL, stale);
    }
    let error = ours.save().await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    assert_eq!(notes.all().fetch().await.unwrap()[0].count, 7);
}

#[tokio::test]
async fn a_delete_that_may_be_done_is_unknown_where_the_row_cannot_be_read() {
    let server = server(Tags::strong()).await;
    let notes = notes(&server);
    let mut note = read(&notes).await;
    server.inject_on(Method::DELETE, URL, Fault::CloseAfterHandling);
    let refused = |status| Fault::Answer(status, HeaderMap::new(), Bytes::new());
    server.inject_on(
        Method::DELETE,
        URL,
        refused(StatusCode::PRECONDITION_FAILED),
    );
    server.inject_on(Method::GET, URL, refused(StatusCode::FORBIDDEN));
    let error = note.delete().await.unwrap_err();
    assert!(error.is_outcome_unknown(), "{error}");
}

#[tokio::test]
async fn an_answer_without_a_row_names_no_version_of_what_was_not_seen() {
    let rows = json!([{"id": 1, "name": "one", "count": 0}]);
    let notes = Resource::from_json("notes", rows)
        .quirk(Quirk::Tags(Tags::strong().after_writes()))
        .quirk(Quirk::SilentUpdates);
    let server = TestServer::builder().resource(notes).start().await.unwrap();
    let client = ServiceClient::builder(server.base_url()).build().unwrap();
    let notes = client.objects::<Note>();
    let mut listed = notes.all().fetch().await.unwrap().remove(0);
    client.patch(URL, &json!({"count": 5})).await.unwrap();
    listed.name = "ours".to_owned();
    listed.save().await.unwrap();
    listed.count += 1;
    listed.save().await.unwrap();
    assert_eq!(
        requests(&server).last().unwrap().1,
        None,
        "the count had not been seen"
    );
}

#[tokio::test]
async fn the_tag_of_an_answer_takes_the_place_of_the_old_one() {
    let server = server(Tags::strong().after_writes()).await;
    let notes = notes(&server);
    let mut note = read(&notes).await;
    server.clear_requests();
    for count in 1..4 {
        note.count = count;
        note.save().await.unwrap();
    }
    let conditions: Vec<_> = requests(&server);
    assert_eq!(conditions.len(), 3);
    assert!(conditions.iter().all(|(_, condition)| condition.is_some()));
    let mut created = notes
        .create(&json!({"name": "two", "count": 0}))
        .await
        .unwrap();
    created.count = 1;
    created.save().await.unwrap();
    assert!(requests(&server).last().unwrap().1.is_some());
}

#[tokio::test]
async fn weak_tags_are_taken_by_servers_that_compare_the_text() {
    let server = server(Tags::weak().compared_as_text()).await;
    let notes = notes(&server);
    let mut note = read(&notes).await;
    note.count = 1;
    note.save().await.unwrap();
    let sent = requests(&server);
    let conditions: Vec<_> = sent.iter().filter_map(|(_, sent)| sent.clone()).collect();
    let [both, weak] = conditions.as_slice() else {
        panic!("{sent:?}");
    };
    assert_eq!(both, &format!("{weak}, {}", weak.trim_start_matches("W/")));
    let mut note = read(&notes).await;
    server.clear_requests();
    note.count = 2;
    note.save().await.unwrap();
    assert_eq!(requests(&server).len(), 1, "it is known from then on");
    note.count = 3;
    note.save().await.unwrap();
    let mut stale = read(&notes).await;
    stale.count = 4;
    let mut theirs = read(&notes).await;
    theirs.count = 5;
    theirs.save().await.unwrap();
    assert_eq!(
        stale.save().await.unwrap_err().kind(),
        ErrorKind::PreconditionFailed
    );
}

#[tokio::test]
async fn a_server_that_requires_a_version_says_so() {
    let server = server(Tags::strong().required()).await;
    let notes = notes(&server);
    let mut listed = notes.all().await.unwrap().remove(0);
    listed.count = 1;
    let error = listed.save().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PreconditionRequired);
    assert!(
        error.to_string().contains("save it with a check"),
        "{error}"
    );
    listed.save_with(SaveOptions::new().check()).await.unwrap();
    let mut note = read(&notes).await;
    note.count = 2;
    note.save().await.unwrap();
}

#[tokio::test]
async fn update_or_create_puts_its_values_into_the_row_as_it_is() {
    for (their_name, is_conflict) in [("one", false), ("theirs", true)] {
        let server = server(Tags::strong()).await;
        let notes = notes(&server);
        let mut theirs = read(&notes).await;
        let [read_by_it, written_by_it] = [server.hold_next(), server.hold_next()];
        let name = Note::F.name.set("ours".to_owned());
        let (updated, ()) = tokio::join!(notes.update_or_create(Note::F.id.eq(1), [name]), async {
            read_by_it.arrived().await;
            read_by_it.open();
            written_by_it.arrived().await;
            theirs.count = 3;
            theirs.name = their_name.to_owned();
            theirs.save().await.unwrap();
            written_by_it.open();
        });
        match updated {
            Ok((note, created)) => {
                assert_eq!(
                    (note.count, note.name.as_str(), created),
                    (3, "ours", false)
                );
            }
            Err(error) => assert!(is_conflict && error.is_conflict(), "{error}"),
        }
        let now = read(&notes).await;
        assert_eq!((now.count, now.name == "theirs"), (3, is_conflict));
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/notes/")]
struct Named {
    id: Option<i64>,
    name: String,
}

#[tokio::test]
async fn a_row_that_shows_the_same_under_another_version_is_written_as_that() {
    let rows = json!([{"id": 1, "name": "one", "count": 0}]);
    let notes = Resource::from_json("notes", rows)
        .quirk(Quirk::Tags(Tags::strong()))
        .quirk(Quirk::omit_fields(["count"]));
    let server = TestServer::builder().resource(notes).start().await.unwrap();
    let client = ServiceClient::builder(server.base_url()).build().unwrap();
    let named = client.objects::<Named>();
    let mut note = named.get(Named::F.id.eq(1)).await.unwrap();
    client.patch(URL, &json!({"count": 5})).await.unwrap();
    server.clear_requests();
    note.name = "ours".to_owned();
    note.save().await.unwrap();
    let sent = requests(&server);
    let [(_, refused), _, (_, taken)] = sent.as_slice() else {
        panic!("{sent:?}");
    };
    assert!(taken.is_some() && taken != refused, "{sent:?}");
}

#[tokio::test]
async fn a_date_is_the_version_where_there_is_no_tag() {
    let date = "Tue, 15 Nov 1994 08:12:31 GMT";
    let view = View::new(URL, [Method::GET, Method::PATCH], move |call| {
        let row = json!({"id": 1, "name": "one", "count": 0});
        Ok(match *call.method() == Method::GET {
            true => Reply::ok(&row).header(LAST_MODIFIED, date),
            false => Reply::text(StatusCode::PRECONDITION_FAILED, "text/plain", ""),
        })
    });
    let server = TestServer::builder()
        .view(view.public())
        .start()
        .await
        .unwrap();
    let notes = notes(&server);
    let mut note = read(&notes).await;
    note.count = 1;
    let error = note.save().await.unwrap_err();
    assert_eq!(error.status(), Some(StatusCode::PRECONDITION_FAILED));
    let conditions: Vec<Option<String>> = (server.requests().iter())
        .filter(|request| request.method() == Method::PATCH)
        .map(|request| {
            let condition = request.headers().get(IF_UNMODIFIED_SINCE);
            condition.map(|date| date.to_str().unwrap().to_owned())
        })
        .collect();
    let dated = Some(date.to_owned());
    assert_eq!(conditions, [dated], "a stale row would be written over");
    assert!(error.to_string().contains("cache"), "{error}");
    server.clear_requests();
    note.save().await.unwrap_err();
    let first = server.requests().remove(0);
    assert!(
        first.headers().contains_key(IF_UNMODIFIED_SINCE),
        "a 412 that means something else teaches nothing"
    );
}
