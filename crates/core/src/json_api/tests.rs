use super::*;

fn users() -> JsonApi {
    JsonApi::new("users").with_numeric_keys(true)
}

fn spelt() -> Dialect {
    Dialect::default().json_api()
}

const LIST: &str = r#"{
    "data": [
        {"type": "users", "id": "1", "attributes": {"name": "Ann", "balance": 1.50},
         "relationships": {"boss": {"data": null}, "teams": {"meta": {"count": 2}, "data": [{"type": "teams", "id": "7"}, {"type": "teams", "id": "8"}]}}},
        {"type": "users", "id": "02", "attributes": {"name": "Ben"},
         "relationships": {"boss": {"data": {"type": "users", "id": "1"}}, "posts": {"links": {"related": "/x"}}}}
    ],
    "included": [{"type": "teams", "id": "7", "attributes": {"name": "Red"}, "relationships": {"lead": {"data": {"type": "users", "id": "1"}}}}],
    "links": {"next": "/users/?page%5Bnumber%5D=2"}, "meta": {"pagination": {"count": 5}}}"#;

#[test]
fn resources_become_rows() {
    let shown = users().flatten(LIST.as_bytes(), "", &spelt()).unwrap();
    let teams = r#"[{"id":"7","type":"teams"},{"id":"8","type":"teams"}]"#;
    let boss = r#"{"id":"1","type":"users"}"#;
    assert_eq!(
        shown,
        format!(
            "{{\"results\":[{{\"id\":1,\"name\":\"Ann\",\"balance\":1.50,\"boss\":null,\"teams\":{teams}}},\
             {{\"id\":\"02\",\"name\":\"Ben\",\"boss\":{boss}}}],\
             \"links\":{{\"next\":\"/users/?page%5Bnumber%5D=2\"}},\"meta\":{{\"pagination\": {{\"count\": 5}}}}}}"
        )
    );
}

#[test]
fn what_was_asked_to_be_included_stands_in_its_place() {
    let shown = |include| -> Value {
        let text = users().flatten(LIST.as_bytes(), include, &spelt()).unwrap();
        let page: Value = serde_json::from_str(&text).unwrap();
        page.pointer("/results").unwrap().clone()
    };
    let rows = shown("teams,boss");
    let lead = json!({"type": "users", "id": "1"});
    let red = json!({"type": "teams", "id": "7", "name": "Red", "lead": lead});
    assert_eq!(
        rows.pointer("/0/teams"),
        Some(&json!([red, {"type": "teams", "id": "8"}]))
    );
    // It is among the rows themselves, so that the server does not send it again.
    assert_eq!(rows.pointer("/1/boss/name"), Some(&json!("Ann")));
    assert_eq!(
        rows.pointer("/1/boss/teams/0"),
        Some(&json!({"type": "teams", "id": "7"}))
    );
    // Only as deep as was asked.
    let rows = shown("teams.lead");
    assert_eq!(rows.pointer("/0/teams/0/lead/name"), Some(&json!("Ann")));
    assert_eq!(rows.pointer("/1/boss/name"), None);
}

#[test]
fn one_resource_is_one_row() {
    let one = r#"{"data": {"type": "users", "id": "7f", "attributes": {"name": "A"}}}"#;
    assert_eq!(
        users().flatten(one.as_bytes(), "", &spelt()).unwrap(),
        r#"{"id":"7f","name":"A"}"#
    );
    assert_eq!(
        users().flatten(br#"{"data": null}"#, "", &spelt()).unwrap(),
        "null"
    );
    let text =
        JsonApi::new("users").flatten(br#"{"data": {"type": "users", "id": "7"}}"#, "", &spelt());
    assert_eq!(text.unwrap(), r#"{"id":"7"}"#);
}

#[test]
fn what_is_no_document_is_an_error() {
    for (body, said) in [
        ("[]", "not a JSON:API document"),
        (r#"{"results": []}"#, "not a JSON:API document"),
        (r#"{"data": 3}"#, "not a JSON:API document"),
        (r#"{"data": [{"id": "1"}]}"#, "not a JSON:API document"),
        (
            r#"{"data": {"type": "users", "id": 1}}"#,
            "not a JSON:API document",
        ),
        (r#"{"data": {"type": "teams", "id": "1"}}"#, "\"teams\""),
        (
            r#"{"data": {"type": "users", "id": "1", "relationships": {"a": {"data": [{"id": "1"}]}}}}"#,
            "not a JSON:API document",
        ),
        (
            r#"{"data": {"type": "users", "id": "1", "attributes": {"id": 2}}}"#,
            "does not allow",
        ),
    ] {
        let error = users().flatten(body.as_bytes(), "", &spelt()).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::Decode);
        assert!(error.to_string().contains(said), "{body}: {error}");
    }
}

#[test]
fn writes_are_documents() {
    let model = ModelMeta::new("User", "/users/");
    let users = users().with_relationships(vec!["boss".to_owned(), "teams".to_owned()]);
    let write = |fields: Value, key: Option<&str>| {
        let Value::Object(fields) = fields else {
            unreachable!("an object")
        };
        users.document(&model, &fields, key.map(str::to_owned))
    };
    let fields =
        json!({"name": "A", "boss": {"type": "users", "id": "3", "name": "B"}, "teams": []});
    assert_eq!(
        write(fields, Some("1")).unwrap(),
        json!({"data": {"type": "users", "id": "1", "attributes": {"name": "A"}, "relationships": {
            "boss": {"data": {"type": "users", "id": "3"}}, "teams": {"data": []}}}})
    );
    assert_eq!(
        write(json!({"id": 4, "boss": null}), None).unwrap(),
        json!({"data": {"type": "users", "id": "4", "relationships": {"boss": {"data": null}}}})
    );
    for value in [json!(3), json!({"name": "B"}), json!([true])] {
        let error = write(json!({"boss": value}), None).unwrap_err();
        assert_eq!(error.kind(), crate::ErrorKind::InvalidRequest);
    }
}
