//! Rows that were written on servers that name versions of rows which are read, and none in answers to writes, as Django does; and looks at
//! rows before they are deleted.

#![allow(clippy::unwrap_used, clippy::panic)]

use django_api_orm::{DeleteOptions, ErrorKind, OnConflict, SaveOptions, prelude::*};
use django_api_orm_testserver::{Quirk, Resource, Tags, TestServer, WriteAnswer};
use serde_json::json;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/notes/")]
struct Note {
    id: Option<i64>,
    name: String,
    #[serde(default)]
    count: i64,
}

async fn server(quirks: impl IntoIterator<Item = Quirk>) -> TestServer {
    let rows = json!([{"id": 1, "name": "one", "count": 0}]);
    let notes = Resource::from_json("notes", rows);
    let notes = quirks.into_iter().fold(notes, Resource::quirk);
    TestServer::builder().resource(notes).start().await.unwrap()
}

async fn tagged(tags: Tags) -> TestServer {
    server([Quirk::Tags(tags)]).await
}

fn notes(server: &TestServer) -> Manager<Note> {
    let client = ServiceClient::builder(server.base_url()).build();
    client.unwrap().objects()
}

async fn read(notes: &Manager<Note>) -> Instance<Note> {
    notes.get(Note::F.id.eq(1)).await.unwrap()
}

async fn saved(notes: &Manager<Note>, count: i64) -> Instance<Note> {
    let mut note = read(notes).await;
    note.count = count;
    note.save().await.unwrap();
    note
}

/// The methods of the requests since the last call; a `!` behind those that depend on a version.
fn cost(server: &TestServer) -> Vec<String> {
    let requests = server.requests();
    server.clear_requests();
    let told = requests.iter().map(|request| {
        let depends = request.headers().contains_key("if-match");
        format!("{}{}", request.method(), if depends { "!" } else { "" })
    });
    told.collect()
}

#[tokio::test]
async fn a_row_that_was_saved_is_not_saved_over_the_change_of_another() {
    let server = tagged(Tags::strong()).await;
    let notes = notes(&server);
    let mut ours = saved(&notes, 1).await;
    saved(&notes, 5).await;
    ours.count += 1;
    cost(&server);
    let error = ours.save().await.unwrap_err();
    assert_eq!(cost(&server), ["GET"]);
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    let conflict = error.conflict().unwrap();
    assert_eq!(conflict.fields(), ["count"]);
    assert_eq!(conflict.current().decode::<Note>("Note").unwrap().count, 5);
    assert_eq!(read(&notes).await.count, 5);
}

#[tokio::test]
async fn what_another_has_changed_beside_it_is_taken_over() {
    let server = tagged(Tags::strong()).await;
    let notes = notes(&server);
    let mut ours = saved(&notes, 1).await;
    saved(&notes, 5).await;
    ours.name = "ours".to_owned();
    cost(&server);
    ours.save().await.unwrap();
    assert_eq!(cost(&server), ["GET", "PATCH!"]);
    assert_eq!((ours.name.as_str(), ours.count), ("ours", 5));
}

#[tokio::test]
async fn nothing_comes_between_the_look_and_the_write() {
    let server = tagged(Tags::strong()).await;
    let notes = notes(&server);
    let mut ours = saved(&notes, 1).await;
    let mut theirs = read(&notes).await;
    ours.count += 1;
    let [look, write] = [server.hold_next(), server.hold_next()];
    let (saved, ()) = tokio::join!(ours.save(), async {
        look.arrived().await;
        look.open();
        write.arrived().await;
        theirs.count = 7;
        theirs.save().await.unwrap();
        write.open();
    });
    assert_eq!(saved.unwrap_err().kind(), ErrorKind::PreconditionFailed);
    assert_eq!(read(&notes).await.count, 7);
}

/// Rows that are kept and saved again and again, and read anew only after a conflict.
#[tokio::test]
async fn racing_saves_of_rows_that_are_kept_lose_nothing() {
    let server = tagged(Tags::strong()).await;
    let notes = notes(&server);
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let notes = notes.clone();
        writers.spawn(async move {
            let mut note = read(&notes).await;
            let mut counted = 0;
            while counted < 25 {
                note.count += 1;
                match note.save().await {
                    Ok(()) => counted += 1,
                    Err(error) => {
                        assert!(error.is_conflict(), "{error}");
                        note.refresh_from_api().await.unwrap();
                    }
                }
            }
        });
    }
    while let Some(done) = writers.join_next().await {
        done.unwrap();
    }
    assert_eq!(read(&notes).await.count, 200);
}

#[tokio::test]
async fn a_new_row_is_looked_at_once_versions_were_seen() {
    let server = tagged(Tags::strong()).await;
    let notes = notes(&server);
    let new = json!({"name": "two", "count": 0});
    let mut created = notes.create(&new).await.unwrap();
    created.count = 1;
    cost(&server);
    created.save().await.unwrap();
    assert_eq!(cost(&server), ["PATCH"], "nothing has shown a version");
    read(&notes).await;
    created.count = 2;
    cost(&server);
    created.save().await.unwrap();
    assert_eq!(cost(&server), ["GET", "PATCH!"]);
}

#[tokio::test]
async fn servers_that_name_no_versions_are_asked_for_none() {
    let server = server([]).await;
    let notes = notes(&server);
    let mut note = saved(&notes, 1).await;
    cost(&server);
    note.count = 2;
    note.save().await.unwrap();
    note.delete().await.unwrap();
    assert_eq!(cost(&server), ["PATCH", "DELETE"]);
}

#[tokio::test]
async fn a_field_that_the_answer_did_not_show_was_not_changed_by_another() {
    let part = WriteAnswer::Part(vec!["id".to_owned(), "name".to_owned()]);
    // The count may be left out, and is null then.
    let rows =
        json!([{"id": 1, "name": "one", "count": 0}, {"id": 2, "name": "null", "count": null}]);
    let notes_of_server = Resource::from_json("notes", rows)
        .quirk(Quirk::Tags(Tags::strong()))
        .quirk(Quirk::WriteAnswer(part));
    let server = TestServer::builder().resource(notes_of_server);
    let server = server.start().await.unwrap();
    let notes = notes(&server);
    read(&notes).await;
    let mut created = notes.create(&json!({"name": "two"})).await.unwrap();
    created.count = 3;
    cost(&server);
    created.save().await.unwrap();
    assert_eq!(cost(&server), ["GET", "PATCH!"]);
    created.count = 4;
    created.save().await.unwrap();
}

#[tokio::test]
async fn a_row_that_was_saved_is_not_deleted_where_another_has_changed_it() {
    let server = tagged(Tags::strong()).await;
    let notes = notes(&server);
    let mut ours = saved(&notes, 1).await;
    saved(&notes, 5).await;
    cost(&server);
    let error = ours.delete().await.unwrap_err();
    assert_eq!(cost(&server), ["GET"]);
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert_eq!(error.conflict().unwrap().fields(), ["count"]);
    let mut ours = saved(&notes, 6).await;
    cost(&server);
    ours.delete().await.unwrap();
    assert_eq!(cost(&server), ["GET", "DELETE!"]);
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/notes/")]
struct Counted {
    id: Option<i64>,
    name: String,
    #[api(read_only)]
    count: i64,
}

#[tokio::test]
async fn a_delete_can_look_at_the_row_first() {
    let server = server([]).await;
    let notes = notes(&server);
    let check = DeleteOptions::new().check();
    let mut listed = notes.all().fetch().await.unwrap().remove(0);
    let client = ServiceClient::builder(server.base_url()).build().unwrap();
    let counted = client.objects::<Counted>().all().fetch().await;
    let mut counted = counted.unwrap().remove(0);
    saved(&notes, 5).await;
    cost(&server);
    let error = listed.delete_with(check).await.unwrap_err();
    assert_eq!(cost(&server), ["GET"]);
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("nothing was written"), "{error}");
    counted.delete_with(check).await.unwrap();
    assert_eq!(cost(&server), ["GET", "DELETE"], "a count is the server's");
    let error = listed.delete_with(check).await.unwrap_err();
    assert!(error.is_does_not_exist(), "{error}");
}

/// A weak tag that matches nothing: the row is compared client-side.
#[tokio::test]
async fn changes_are_merged_where_the_server_refuses_its_own_tags() {
    let server = tagged(Tags::weak()).await;
    let notes = notes(&server);
    saved(&notes, 1).await;
    let [mut ours, mut theirs] = [read(&notes).await, read(&notes).await];
    theirs.count = 5;
    theirs.save().await.unwrap();
    ours.name = "ours".to_owned();
    let error = ours.save().await.unwrap_err();
    assert!(error.is_conflict(), "{error}");
    cost(&server);
    let merge = SaveOptions::new().on_conflict(OnConflict::Merge);
    ours.save_with(merge.clone()).await.unwrap();
    assert_eq!(cost(&server), ["GET", "PATCH"]);
    assert_eq!((ours.name.as_str(), ours.count), ("ours", 5));
    let [mut ours, mut theirs] = [read(&notes).await, read(&notes).await];
    theirs.count = 6;
    theirs.save().await.unwrap();
    ours.count = 7;
    let error = ours.save_with(merge).await.unwrap_err();
    assert_eq!(error.conflict().unwrap().fields(), ["count"]);
}
