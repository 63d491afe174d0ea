//! Servers that answer a write with success and do not keep a value: no silent loss, and no second row.

use django_api_orm::{ErrorKind, Filter, Instance, OnUnsaved, WarningKind, prelude::*};
use django_api_orm_testserver::{Field, Form, Quirk, Resource};
use http::StatusCode;
use serde_json::{Value, json};

use super::site::{Loose, Site, Thing, q, site, thing, with_rows};

/// Things whose `kind` and `rank` only the server writes, which the model does not say.
async fn start() -> Site {
    let rows: Vec<Value> = (1..=5).map(|id| json!(thing(id))).collect();
    let resource = Resource::new("things")
        .fields([
            Field::integer("id").primary_key(),
            Field::text("name", 50),
            Field::text("kind", 5).default("a").read_only(),
            Field::integer("rank").default(0).read_only(),
        ])
        .filter_on_everything()
        .rows(json!(rows));
    site(resource).await
}

fn is_unsaved(error: &django_api_orm::Error, says: &[&str]) {
    assert_eq!(error.kind(), ErrorKind::Unsaved, "{error}");
    let shown = error.to_string();
    for part in says {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    assert!(error.is_unsaved() && !error.is_retryable() && !error.is_outcome_unknown());
}

#[tokio::test]
async fn a_field_that_is_not_kept_is_an_error_of_every_write() {
    let site = start().await;
    let things = site.things();
    let mut one = things.get(q("id", 1)).await.unwrap();
    one.name = "new".to_owned();
    one.rank = 77;
    is_unsaved(&one.save().await.unwrap_err(), &["did not keep `rank`"]);
    assert_eq!((one.name.as_str(), one.rank), ("new", 77));
    let again = one.save().await.unwrap_err();
    is_unsaved(&again, &["`rank`"]);
    let sent = site.server.requests().pop().unwrap();
    assert_eq!(
        sent.body().as_ref(),
        br#"{"rank":77}"#,
        "what was kept is saved"
    );
    let row = things.instance_in(&again).unwrap();
    assert_eq!((row.name.as_str(), row.rank), ("new", thing(1).rank));

    let error = things
        .filter(q("id", 2))
        .update([Thing::F.rank.set(77)])
        .await
        .unwrap_err();
    assert!(error.written().is_empty());
    is_unsaved(&error.failed()[0].1, &["`rank`"]);
    let error = things
        .update_or_create(q("id", 3), [Thing::F.rank.set(77)])
        .await
        .unwrap_err();
    is_unsaved(&error, &["`rank`"]);
    assert_eq!(things.instance_in(&error).unwrap().id, Some(3));
    let mut rows = things.all().await.unwrap();
    rows[3].rank = 77;
    let error = things
        .bulk_update(&mut rows, [Thing::F.rank])
        .await
        .unwrap_err();
    is_unsaved(&error.failed()[0].1, &["`rank`"]);
    assert!(Instance::is_changed(&rows[3]).unwrap());
}

#[tokio::test]
async fn it_may_be_a_warning_or_nothing() {
    for (on_unsaved, warnings) in [(OnUnsaved::Warn, 2), (OnUnsaved::Ignore, 0)] {
        let site = start().await;
        let things = site.things().on_unsaved(on_unsaved);
        for _ in 0..2 {
            let mut one = things.get(q("id", 1)).await.unwrap();
            one.rank = 77;
            one.save().await.unwrap();
            assert_eq!(one.rank, thing(1).rank, "the server's");
        }
        let filter = q("kind", "zzz");
        let create = || {
            things.get_or_create(
                filter.clone(),
                [Thing::F.name.set("n"), Thing::F.rank.set(1)],
            )
        };
        assert!(create().await.unwrap().1 && create().await.unwrap().1);
        let warned = site.warnings();
        assert_eq!(warned.len(), warnings, "{warned:?}");
        assert!(warned.iter().all(|(kind, _)| *kind == WarningKind::Unsaved));
    }
}

#[tokio::test]
async fn another_form_of_a_value_is_no_loss() {
    let site = site(with_rows(&json!([{"name": "a@x.io", "rank": 1}]))).await;
    let mut one = site.things().get(q("id", 1)).await.unwrap();
    let json = [("content-type", "application/json")];
    for (name, shown) in [
        (
            "A@x.io",
            json!({"id": 1, "name": "a@x.io", "kind": "a", "rank": 1}),
        ),
        (
            " a@x.io ",
            json!({"id": 1, "name": "a@x.io", "kind": "a", "rank": 1}),
        ),
        ("b", json!({"id": 1, "name": "B", "kind": "a", "rank": 1})),
        ("c", json!({"id": 1, "kind": "a", "rank": 1})),
        ("d", json!({"id": 1})),
    ] {
        one.name = name.to_owned();
        site.server
            .fail_next(StatusCode::OK, &json, shown.to_string());
        one.save().await.unwrap();
        assert!(!Instance::is_changed(&one).unwrap(), "{name}");
    }
}

/// What is asked for, what the answer to the POST shows of it, and whether any other value is refused from then on.
fn rewritten() -> [(&'static str, Value, Value, bool); 3] {
    [
        ("name", json!("A@x.io"), json!({"name": "a@x.io"}), false),
        ("name", json!("a"), json!({"name": null}), true),
        ("id", json!(9), json!({}), true),
    ]
}

#[tokio::test]
async fn a_created_row_that_contradicts_the_question_is_told_and_not_created_again() {
    for (field, value, shown, any) in rewritten() {
        let site = site(with_rows(&json!([{"name": "one", "rank": 1}]))).await;
        let mut row = json!({"id": 77, "name": "new", "kind": "a", "rank": 1});
        row.as_object_mut()
            .unwrap()
            .extend(shown.as_object().unwrap().clone());
        let answer = || {
            let json = [("content-type", "application/json")];
            let fault = django_api_orm_testserver::Fault::Answer(
                StatusCode::CREATED,
                http::HeaderMap::from_iter(json.map(|(name, value)| {
                    (
                        http::HeaderName::from_static(name),
                        http::HeaderValue::from_static(value),
                    )
                })),
                row.to_string().into(),
            );
            site.server
                .inject_on(http::Method::POST, "/api/v1/things/", fault);
        };
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
        #[api(endpoint = "/api/v1/things/")]
        struct Loose {
            id: Option<i64>,
            name: Option<String>,
            rank: i64,
        }
        let things = site.client.objects::<Loose>();
        let filter = |value: &Value| Filter::<Loose>::lookup(field, value.clone());
        let values = || [Loose::F.rank.set(1)];
        answer();
        let error = things
            .get_or_create(filter(&value), values())
            .await
            .unwrap_err();
        let named = format!("did not keep `{field}`");
        is_unsaved(&error, &["was created (id: 77)", &named]);
        let instance = things.instance_in(&error).unwrap();
        assert_eq!(instance.id, Some(77));
        let other = match &value {
            Value::Number(_) => json!(10),
            _ => json!("other"),
        };
        for (value, is_refused) in [(&value, true), (&other, any)] {
            if !is_refused {
                continue;
            }
            let calls = [
                things.get_or_create(filter(value), values()).await,
                things.update_or_create(filter(value), values()).await,
            ];
            for call in calls {
                is_unsaved(&call.unwrap_err(), &["none was created", field]);
            }
        }
        assert_eq!(site.writes(), ["POST /api/v1/things/"], "{field}");
        if !any {
            let (made, created) = things
                .get_or_create(filter(&other), values())
                .await
                .unwrap();
            assert_eq!((made.name.as_deref(), created), (Some("other"), true));
        }
    }
}

#[tokio::test]
async fn a_row_that_the_server_finds_again_is_the_one_that_was_asked_for() {
    // The rows show the kind in words, and the filter takes its letter.
    let site = site(with_rows(&json!([{"name": "one", "kind": "a"}]))).await;
    let json = [("content-type", "application/json")];
    let page = |rows: Value| json!({"count": rows.as_array().map(Vec::len), "next": null, "previous": null, "results": rows});
    let things = site.things().on_ignored(django_api_orm::OnIgnored::Trust);
    let row = json!({"id": 77, "name": "new", "kind": "Letter B", "rank": 1});
    site.server
        .fail_next(StatusCode::OK, &json, page(json!([])).to_string());
    site.server
        .fail_next(StatusCode::CREATED, &json, row.to_string());
    site.server
        .fail_next(StatusCode::OK, &json, page(json!([row])).to_string());
    let (made, created) = things
        .get_or_create(
            q("kind", "b"),
            [Thing::F.name.set("new"), Thing::F.rank.set(1)],
        )
        .await
        .unwrap();
    assert_eq!((made.id, created), (Some(77), true));
}

#[tokio::test]
async fn a_name_that_the_server_drops_creates_one_row_and_no_second_one() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/v1/things/", allow_extra)]
    struct Open {
        id: Option<i64>,
        name: String,
    }
    let site = site(with_rows(&json!([]))).await;
    let things = site.client.objects::<Open>();
    let create = || {
        let by = Filter::<Open>::lookup("owner_id", 2);
        things.get_or_create(by, [Open::F.name.set("n")])
    };
    let error = create().await.unwrap_err();
    is_unsaved(&error, &["was created (id: 1)", "did not keep `owner_id`"]);
    assert_eq!(things.instance_in(&error).unwrap().id, Some(1));
    assert!(create().await.is_err());
    assert_eq!(site.writes(), ["POST /api/v1/things/"]);
}

#[tokio::test]
async fn a_refusal_to_be_asked_again_is_no_proof_that_the_row_is_found() {
    let site = site(with_rows(&json!([]))).await;
    let json = [("content-type", "application/json")];
    let page = json!({"count": 0, "next": null, "previous": null, "results": []});
    let row = json!({"id": 77, "name": "ann", "kind": "a", "rank": 1});
    let things = site.things().on_ignored(django_api_orm::OnIgnored::Trust);
    site.server
        .fail_next(StatusCode::OK, &json, page.to_string());
    site.server
        .fail_next(StatusCode::CREATED, &json, row.to_string());
    site.server.fail_next(StatusCode::BAD_REQUEST, &json, "{}");
    let error = things
        .get_or_create(q("name", "ANN"), [Thing::F.rank.set(1)])
        .await
        .unwrap_err();
    is_unsaved(&error, &["did not keep `name`"]);
    assert_eq!(things.instance_in(&error).unwrap().id, Some(77));
}

/// What the row showed, what is sent, what the answer shows; whether that is an error, and whether it still is after an answer
/// that shows other words than were sent.
fn unchanged() -> [(Value, Value, Value, bool, bool); 8] {
    [
        (
            json!({"b": 2}),
            json!({"a": 1}),
            json!({"b": 2}),
            true,
            false,
        ),
        (
            json!({"b": 2}),
            json!({"a": 1}),
            json!({"a": 1}),
            false,
            false,
        ),
        (
            json!({"id": 5, "name": "x"}),
            json!({"pk": 5}),
            json!({"id": 5, "name": "x"}),
            false,
            false,
        ),
        (
            json!({"a": 1, "b": 2}),
            json!({}),
            json!({"a": 1, "b": 2}),
            false,
            false,
        ),
        (json!("Active"), json!("A"), json!("Active"), false, false),
        (json!("Active"), json!("P"), json!("Active"), false, false),
        (json!("Draft"), json!("pub"), json!("Draft"), true, false),
        (json!(1), json!(2), json!(1), true, false),
    ]
}

#[tokio::test]
async fn an_unchanged_value_is_an_error_unless_it_may_be_what_was_sent() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/v1/things/")]
    struct Loose {
        id: Option<i64>,
        kind: Value,
    }
    for (was, sent, shown, at_first, later) in unchanged() {
        let site = site(with_rows(&json!([{"name": "one"}]))).await;
        let json = [("content-type", "application/json")];
        let answer = |kind: &Value| {
            let row = json!({"id": 1, "kind": kind}).to_string();
            site.server.fail_next(StatusCode::OK, &json, row);
        };
        let things = site.client.objects::<Loose>();
        // A change to other words, and another one; after the first one, somebody else may have changed the field.
        let changes = [
            ("act", "In force"),
            ("rev", "Under review"),
            ("act", "In force"),
        ];
        for (expected, (code, words)) in [at_first, at_first, later].into_iter().zip(changes) {
            answer(&was);
            let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
            one.kind = sent.clone();
            answer(&shown);
            let saved = one.save().await;
            assert_eq!(saved.is_err(), expected, "{was} {sent} {shown}");
            if let Err(error) = saved {
                is_unsaved(&error, &["`kind`"]);
            }
            answer(&json!("Draft"));
            let mut one = things.get(Loose::F.id.eq(1)).await.unwrap();
            one.kind = json!(code);
            answer(&json!(words));
            one.save().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_row_without_its_key_is_looked_up_by_what_it_was_created_for() {
    let json = [("content-type", "application/json")];
    let answer = json!({"name": "an"});
    for is_there in [true, false] {
        let site = site(with_rows(&json!([]))).await;
        let page =
            |rows: Value| json!({"count": 1, "next": null, "previous": null, "results": rows});
        let succeed = |status: StatusCode, body: String| site.server.fail_next(status, &json, body);
        succeed(StatusCode::OK, json!({"results": []}).to_string());
        succeed(StatusCode::CREATED, answer.to_string());
        match is_there {
            true => succeed(
                StatusCode::OK,
                page(json!([{"id": 7, "name": "an"}])).to_string(),
            ),
            false => succeed(StatusCode::FORBIDDEN, "{}".to_owned()),
        }
        let things = site
            .client
            .objects::<Loose>()
            .on_ignored(django_api_orm::OnIgnored::Trust);
        let things = things.get_or_create(Loose::F.name.eq("anna"), [Loose::F.rank.set(1)]);
        match things.await {
            Ok((_, created)) => assert!(is_there && created),
            Err(error) => {
                assert!(!is_there, "{error}");
                is_unsaved(&error, &["whether it is the one", "`name`"]);
            }
        }
    }
}

/// What a field shows in other words tells nothing of what was kept; but null has no other words, and no value is shown as null.
#[tokio::test]
async fn null_is_no_label() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/v1/things/")]
    struct Labelled {
        id: Option<i64>,
        kind: Option<String>,
    }
    let labels = ["a", "b"].map(|kind| (kind.to_owned(), format!("Kind {kind}")));
    let resource = Resource::new("things")
        .fields([
            Field::integer("id").primary_key(),
            Field::text("kind", 5).null(),
        ])
        .filter_on_everything()
        .rows(json!([{"id": 1, "kind": "a"}, {"id": 2, "kind": null}, {"id": 3, "kind": "b"}]))
        .quirk(Quirk::Show(
            "kind".to_owned(),
            Form::Label(labels.into_iter().collect()),
        ))
        .quirk(Quirk::DropFields(vec!["kind".to_owned()]));
    let site = site(resource).await;
    let things = site.client.objects::<Labelled>();
    let kind = |kind: &str| Labelled::F.kind.eq(Some(kind.to_owned()));
    assert_eq!(things.filter(kind("a")).count().await.unwrap(), 1);
    for (id, kind) in [(1, None), (2, Some("a"))] {
        let mut thing = things.get(Labelled::F.id.eq(id)).await.unwrap();
        thing.kind = kind.map(str::to_owned);
        is_unsaved(&thing.save().await.unwrap_err(), &["did not keep `kind`"]);
    }
    // Its label may be that of the code which the row has.
    let mut thing = things.get(Labelled::F.id.eq(1)).await.unwrap();
    thing.kind = Some("a".to_owned());
    thing.save().await.unwrap();
}

/// Things with filters that are declared.
#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/things/", filters("id", "kind"))]
struct Filtered {
    id: Option<i64>,
    kind: String,
}

/// Texts, of which the filters know more than the rows show: what each write makes of one that the row has already.
async fn labelled(quirks: impl IntoIterator<Item = Quirk>, looks: &'static str) -> Site {
    let labels = [("pub", "Published"), ("dra", "Not yet public")];
    let labels = labels.map(|(kind, label)| (kind.to_owned(), label.to_owned()));
    let resource = Resource::new("things")
        .fields([
            Field::integer("id").primary_key(),
            Field::text("name", 50),
            Field::text("kind", 5),
            Field::integer("rank").default(0),
        ])
        .filter_on_everything()
        .rows(
            json!([{"id": 1, "name": "n", "kind": looks}, {"id": 2, "name": "n", "kind": "dra"}]),
        );
    let resource = resource.quirk(Quirk::Show(
        "kind".to_owned(),
        Form::Label(labels.into_iter().collect()),
    ));
    site(quirks.into_iter().fold(resource, Resource::quirk)).await
}

#[tokio::test]
async fn a_label_of_what_was_sent_is_no_loss() {
    let new = || [Filtered::F.kind.set("pub")];
    let site = labelled([], "pub").await;
    let things = site.client.objects::<Filtered>();
    let one = || things.filter(Filtered::F.id.eq(1));
    assert_eq!(one().await.unwrap().len(), 1);
    let (updated, requests) = site.cost(one().update(new())).await;
    assert_eq!((updated.unwrap(), requests), (1, 4));
    // From then on it is known, and each value is sent.
    let (updated, requests) = site.cost(one().update(new())).await;
    assert_eq!((updated.unwrap(), requests), (1, 2));
    assert!(site.warnings().is_empty());

    let site = labelled([], "pub").await;
    let things = site.client.objects::<Filtered>();
    things
        .update_or_create(Filtered::F.id.eq(1), new())
        .await
        .unwrap();
    let site = labelled([], "pub").await;
    let mut row = site
        .client
        .objects::<Filtered>()
        .get(Filtered::F.id.eq(1))
        .await
        .unwrap();
    row.kind = "pub".to_owned();
    row.save().await.unwrap();
    assert_eq!(row.kind, "Published");
    let site = labelled([], "pub").await;
    let things = site.client.objects::<Filtered>();
    let mut rows = things.all().await.unwrap();
    rows[0].kind = "pub".to_owned();
    things
        .bulk_update(&mut rows, [Filtered::F.kind])
        .await
        .unwrap();
}

#[tokio::test]
async fn a_label_of_another_value_is_a_loss() {
    let drops = || Quirk::DropFields(vec!["kind".to_owned()]);
    for (quirks, looks, requests) in [
        // It has another value, is not filtered by, or not by what is no choice.
        (vec![drops()], "dra", 3),
        (vec![drops(), Quirk::ignore_parameters(["kind"])], "dra", 4),
        (vec![Quirk::ignore_parameters(["kind"])], "pub", 4),
        (vec![Quirk::ignore_parameters(["kind", "id"])], "pub", 4),
    ] {
        let site = labelled(quirks, looks).await;
        let things = site
            .client
            .objects::<Filtered>()
            .on_ignored(django_api_orm::OnIgnored::Trust);
        let one = things.filter(Filtered::F.id.eq(1)).limit(1);
        let (updated, made) = site.cost(one.update([Filtered::F.kind.set("pub")])).await;
        is_unsaved(&updated.unwrap_err().failed()[0].1, &["`kind`"]);
        assert_eq!(made, requests);
    }
    // One that is found by its part shows what it has.
    let site = labelled([drops()], "Publi").await;
    let json = [("content-type", "application/json")];
    let row = json!({"id": 1, "name": "n", "kind": "Publi", "rank": 0});
    let page = json!({"count": 1, "next": null, "previous": null, "results": [row]});
    let mut one = site
        .client
        .objects::<Filtered>()
        .get(Filtered::F.id.eq(1))
        .await
        .unwrap();
    one.kind = "pub".to_owned();
    for (status, body) in [(200, &row), (200, &page), (200, &page)] {
        let status = StatusCode::from_u16(status).unwrap();
        site.server.fail_next(status, &json, body.to_string());
    }
    is_unsaved(&one.save().await.unwrap_err(), &["`kind`"]);
}

/// It may be a secret, of which the row shows a word.
#[tokio::test]
async fn what_is_no_choice_is_not_asked_for() {
    let labels = [("secret".to_owned(), "is set".to_owned())];
    let resource = with_rows(&json!([{"id": 1, "name": "secret", "kind": "a", "rank": 1}]))
        .quirk(Quirk::Show("name".to_owned(), Form::Label(labels.into())));
    let site = site(resource).await;
    let mut one = site.things().get(q("id", 1)).await.unwrap();
    one.name = "secret".to_owned();
    is_unsaved(&one.save().await.unwrap_err(), &["`name`"]);
    let asked = site.server.requests();
    assert!(
        !asked
            .iter()
            .any(|request| request.query().contains("secret"))
    );
}

/// A choice that Django REST Framework describes is none.
#[tokio::test]
async fn a_described_choice_is_asked_for() {
    let site = labelled([], "pub").await;
    let mut one = site.things().get(q("id", 1)).await.unwrap();
    one.kind = "pub".to_owned();
    let row = json!({"id": 1, "name": "n", "kind": "Published", "rank": 0});
    let described = json!({"actions": {"POST": {"kind": {"choices": [{"value": "pub"}]}}}});
    for body in [row, described] {
        let json = [("content-type", "application/json")];
        site.server
            .fail_next(StatusCode::OK, &json, body.to_string());
    }
    one.save().await.unwrap();
}

/// A new row is held to each part of the filter, also to one that says nothing of a value.
#[tokio::test]
async fn a_new_row_that_does_not_satisfy_a_lookup_is_told_and_not_created_again() {
    for (filter, named) in [
        (q("rank__isnull", true), "`rank__isnull`"),
        (q("rank__in", json!([7, 8])), "`rank__in`"),
        (q("kind", "b") | q("kind", "c"), "`kind`"),
        (!q("kind", "a"), "`kind`"),
    ] {
        let site = site(with_rows(&json!([]))).await;
        let things = site.things();
        let create = |name| {
            things.get_or_create(filter.clone() & q("name", name), [Thing::F.name.set(name)])
        };
        let error = create("y").await.unwrap_err();
        is_unsaved(&error, &["was created (id: 1)", "does not satisfy", named]);
        assert_eq!(things.instance_in(&error).unwrap().id, Some(1));
        for name in ["y", "z"] {
            is_unsaved(
                &create(name).await.unwrap_err(),
                &["none was created", named],
            );
        }
        let update = things.update_or_create(filter.clone(), [Thing::F.name.set("y")]);
        is_unsaved(&update.await.unwrap_err(), &["none was created", named]);
        assert_eq!(site.writes(), ["POST /api/v1/things/"]);
    }
}

#[tokio::test]
async fn a_new_row_that_satisfies_every_lookup_costs_no_request_more() {
    for filter in [q("name", "Bob"), q("name__iexact", "bob")] {
        let site = site(with_rows(&json!([]))).await;
        let values = [Thing::F.name.set("Bob")];
        let made = site.things().get_or_create(filter, values).await;
        assert!(made.unwrap().1);
        let last = site.server.requests().pop().unwrap();
        assert_eq!(last.method(), http::Method::POST);
    }
}

#[tokio::test]
async fn values_that_contradict_a_lookup_are_not_sent() {
    let site = site(with_rows(&json!([]))).await;
    let filter = q("name", "y") & q("rank__gte", 5);
    let create = |rank| {
        let values = [Thing::F.rank.set(rank)];
        site.things().get_or_create(filter.clone(), values)
    };
    let error = create(3).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
    assert!(error.to_string().contains("contradict `rank__gte`"));
    assert!(site.writes().is_empty());
    assert!(create(5).await.unwrap().1 && !create(5).await.unwrap().1);
}

/// The values of lookups become those of the new row, whose names are held to the fields as those of `create` are.
#[tokio::test]
async fn no_row_is_created_by_a_name_that_is_no_field() {
    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/v1/things/", filters("name", "id", "site"))]
    struct Named {
        id: Option<i64>,
        name: String,
    }
    let site = site(with_rows(&json!([]))).await;
    let things = site.things();
    for error in [
        things
            .get_or_create(q("nmae", "ann"), [])
            .await
            .unwrap_err(),
        (things
            .update_or_create(q("id", 1) & q("nmae", "ann"), [Thing::F.rank.set(1)])
            .await)
            .unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{error}");
        assert!(
            error
                .to_string()
                .contains("no field `nmae`: did you mean `name`?"),
            "{error}"
        );
    }
    assert!(site.server.requests().is_empty());
    // A declared filter is no mistake, nor is the key by its other name.
    let named = site.client.objects::<Named>();
    let by_site = Filter::<Named>::lookup("site", 3);
    let (_, created) = named
        .get_or_create(by_site, [Named::F.name.set("n")])
        .await
        .unwrap();
    assert!(created);
    let by_key = things.get_or_create(q("pk", 7) & q("name", "n"), []);
    is_unsaved(&by_key.await.unwrap_err(), &["did not keep `pk`"]);
}

/// The row is there, and is not the one that was asked for: what is written to the given key would go to a stranger's.
#[tokio::test]
async fn a_given_key_that_is_replaced_is_an_error_of_every_creation() {
    let site = start().await;
    let things = site.things();
    let new = |id: i64| Thing {
        id: Some(id),
        ..thing(1)
    };
    let error = things.create(&new(9999)).await.unwrap_err();
    is_unsaved(&error, &["was created (id: 6)", "did not keep `id`"]);
    assert_eq!(things.instance_in(&error).unwrap().id, Some(6));
    let error = things.bulk_create([new(9999)]).await.unwrap_err();
    is_unsaved(&error.failed()[0].1, &["was created (id: 7)", "`id`"]);
    things.create(&new(8)).await.unwrap();
    let warned = things.on_unsaved(OnUnsaved::Warn);
    assert_eq!(warned.create(&new(9999)).await.unwrap().id, Some(9));
    assert_eq!(site.warnings(), [(WarningKind::Unsaved, "id".to_owned())]);
}

/// The words for a code may be those of another one: what Django REST Framework describes as read-only was not kept.
#[tokio::test]
async fn a_code_for_a_field_that_is_described_as_read_only_is_a_loss() {
    let resource = |kind: Field| {
        let labels = [("A", "Active"), ("B", "Blocked")];
        let labels = labels.map(|(kind, label)| (kind.to_owned(), label.to_owned()));
        Resource::new("things")
            .fields([
                Field::integer("id").primary_key(),
                Field::text("name", 50),
                kind,
                Field::integer("rank").default(0),
            ])
            .filter_on_everything()
            .rows(json!([{"name": "n", "kind": "A"}, {"name": "m", "kind": "A"}]))
            .quirk(Quirk::Show(
                "kind".to_owned(),
                Form::Label(labels.into_iter().collect()),
            ))
    };
    let options = |site: &Site| {
        let requests = site.server.requests();
        let is_options = |method: &http::Method| method == http::Method::OPTIONS;
        requests
            .iter()
            .filter(|request| is_options(request.method()))
            .count()
    };
    let read_only = site(resource(Field::text("kind", 5).default("A").read_only())).await;
    let mut one = read_only.things().get(q("id", 1)).await.unwrap();
    for _ in 0..2 {
        one.kind = "B".to_owned();
        is_unsaved(&one.save().await.unwrap_err(), &["did not keep `kind`"]);
    }
    let things = read_only.things();
    let updated = things.filter(q("id", 2)).update([Thing::F.kind.set("B")]);
    is_unsaved(&updated.await.unwrap_err().failed()[0].1, &["`kind`"]);
    assert_eq!(options(&read_only), 1);
    let ignored = things.on_unsaved(OnUnsaved::Ignore);
    ignored
        .filter(q("id", 2))
        .update([Thing::F.kind.set("B")])
        .await
        .unwrap();

    let written = site(resource(Field::text("kind", 5))).await;
    let mut one = written.things().get(q("id", 1)).await.unwrap();
    one.kind = "B".to_owned();
    one.save().await.unwrap();
    assert_eq!((one.kind.as_str(), options(&written)), ("Blocked", 0));
    one.kind = "B".to_owned();
    one.save().await.unwrap();
    assert_eq!((one.kind.as_str(), options(&written)), ("Blocked", 1));
}
