//! Names on the wire: what serde calls a field is what a filter calls it.

use std::collections::BTreeSet;

use django_api_orm::{ApiModel, Schema};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, json};

/// The names that serde writes for a value, and those of the schema.
fn written_and_declared<M: Schema + Serialize>(value: &M) -> [BTreeSet<String>; 2] {
    let row = serde_json::to_value(value).unwrap_or_default();
    let written = row.as_object().into_iter().flat_map(Map::keys).cloned();
    let declared = M::fields()
        .into_iter()
        .map(|field| field.read_as().to_owned());
    [written.collect(), declared.collect()]
}

fn agrees<M: Schema + Serialize + Default>() {
    let [written, declared] = written_and_declared(&M::default());
    assert_eq!(written, declared, "{}", M::NAME);
}

macro_rules! renamed {
    ($($model:ident $rule:literal $path:literal)*) => {$(
        #[derive(Default, Serialize, Deserialize, ApiModel)]
        #[serde(rename_all = $rule)]
        #[api(endpoint = "/api/rows/")]
        struct $model {
            id: i64,
            is_active_2nd: bool,
            r#type: String,
            #[serde(rename = "Given Name")]
            name: String,
        }

        agrees::<$model>();
        assert_eq!($model::F.is_active_2nd.path(), $path);
        assert_eq!($model::F.name.path(), "Given Name");
    )*};
}

#[test]
fn every_rule_of_rename_all_is_as_serde_has_it() {
    renamed! {
        Lower "lowercase" "is_active_2nd"
        Upper "UPPERCASE" "IS_ACTIVE_2ND"
        Pascal "PascalCase" "IsActive2nd"
        Camel "camelCase" "isActive2nd"
        Snake "snake_case" "is_active_2nd"
        ScreamingSnake "SCREAMING_SNAKE_CASE" "IS_ACTIVE_2ND"
        Kebab "kebab-case" "is-active-2nd"
        ScreamingKebab "SCREAMING-KEBAB-CASE" "IS-ACTIVE-2ND"
    }
    assert_eq!(Pascal::meta().primary_key(), "Id");
    assert_eq!(Camel::F.r#type.path(), "type");
}

#[derive(Serialize, Deserialize, ApiModel)]
#[serde(rename_all(serialize = "camelCase", deserialize = "camelCase"))]
#[serde(default, deny_unknown_fields, bound = "")]
#[api(endpoint = "/api/rows/")]
struct Row {
    id: Option<i64>,
    #[serde(
        default = "some_text",
        alias = "title",
        rename(serialize = "heading", deserialize = "heading")
    )]
    head_line: String,
    #[serde(with = "as_text", skip_serializing_if = "is_zero")]
    rank_of_row: i64,
    // The names may differ where only one of them is used.
    #[serde(skip_serializing, rename(deserialize = "made"))]
    made_at: String,
    #[serde(skip_deserializing, rename(serialize = "secret"))]
    new_secret: String,
}

impl Default for Row {
    fn default() -> Self {
        Self {
            id: None,
            head_line: some_text(),
            rank_of_row: 1,
            made_at: String::new(),
            new_secret: String::new(),
        }
    }
}

fn some_text() -> String {
    "-".to_owned()
}

#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    #[allow(clippy::trivially_copy_pass_by_ref)]
    pub(super) fn serialize<S: Serializer>(number: &i64, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&number.to_string())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
        String::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

#[test]
fn other_attributes_of_serde_are_honoured() {
    let names: Vec<String> = Row::fields()
        .iter()
        .map(|f| f.read_as().to_owned())
        .collect();
    assert_eq!(names, ["id", "heading", "rankOfRow", "made", "secret"]);
    let read: Row = serde_json::from_str(r#"{"id": 1, "title": "a", "rankOfRow": "2"}"#).unwrap();
    assert_eq!((read.head_line.as_str(), read.rank_of_row), ("a", 2));

    assert!(Row::meta().is_read_only("made"));
    assert!(!Row::meta().is_read_only("secret"));
    assert_eq!(Row::F.made_at.eq("x").to_string(), r#"made="x""#);
    assert_eq!(Row::F.new_secret.path(), "secret");
    let [written, _] = written_and_declared(&Row::default());
    assert_eq!(
        written,
        ["heading", "id", "rankOfRow", "secret"]
            .map(str::to_owned)
            .into()
    );
}

#[test]
fn what_has_no_name_of_its_own_is_not_named() {
    #[derive(Default, Serialize, Deserialize)]
    struct Stamps {
        made_at: Option<String>,
    }

    #[derive(Default, Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/rows/")]
    struct Row {
        id: i64,
        #[serde(flatten)]
        stamps: Stamps,
        #[serde(rename = "author__name")]
        author: String,
    }

    // Exhaustive but for `non_exhaustive`: another field in `F` would be named by no pattern here.
    let RowFields { id, .. } = Row::F;
    assert_eq!(id.path(), "id");
    assert!(!format!("{:?}", Row::F).contains("author"));
    assert_eq!(Row::fields().len(), 2);
    assert_eq!(Row::default().stamps.made_at, None);
}

#[test]
fn a_field_may_be_read_and_sent_by_different_names() {
    #[derive(Default, Serialize, Deserialize, ApiModel)]
    #[serde(rename_all(deserialize = "camelCase"))]
    #[api(endpoint = "/api/rows/")]
    struct Row {
        id: i64,
        #[serde(alias = "oldName", rename(serialize = "author_id"))]
        written_by: i64,
        #[serde(skip_serializing)]
        made_at: String,
    }

    let names: Vec<(String, String)> = Row::fields()
        .iter()
        .map(|field| (field.read_as().to_owned(), field.sent_as().to_owned()))
        .collect();
    let both = |read: &str, sent: &str| (read.to_owned(), sent.to_owned());
    assert_eq!(
        names,
        [
            both("id", "id"),
            both("writtenBy", "author_id"),
            both("madeAt", "madeAt")
        ]
    );
    assert_eq!(Row::F.written_by.eq(1).to_string(), "writtenBy=1");
    let (sent, _) = Row::F.written_by.set(1).into_pair().unwrap();
    assert_eq!(sent, "author_id");
    let row = json!({"id": 1, "oldName": 2, "madeAt": ""});
    let row = row.as_object().unwrap();
    assert_eq!(Row::default().made_at, "");
    assert_eq!(
        Row::meta()
            .sent_field("author_id")
            .unwrap()
            .name_in(|name| row.contains_key(name)),
        "oldName"
    );
    assert_eq!(Row::meta().sent_as("writtenBy"), "author_id");
}

fn is_model<M: ApiModel + DeserializeOwned>() {}

#[test]
fn models_are_models() {
    is_model::<Row>();
}
