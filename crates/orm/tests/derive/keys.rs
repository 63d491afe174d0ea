//! Types of primary keys.

use django_api_orm::{ApiModel, Field, KeyField};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A key of the user's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct UserId(i64);

impl KeyField for UserId {
    type Key = Self;
}

macro_rules! keyed {
    ($($model:ident $held:ty, $key:ty)*) => {$(
        #[derive(Serialize, Deserialize, ApiModel)]
        #[api(endpoint = "/api/rows/")]
        struct $model {
            id: $held,
        }

        // Both say that the types are these.
        let field: Field<$model, $key> = $model::F.id;
        let same: Option<<$model as ApiModel>::Key> = None::<$key>;
        assert_eq!((field.path(), same), ("id", None));
    )*};
}

#[test]
fn the_key_of_an_option_is_what_is_in_it() {
    keyed! {
        Number i64, i64
        OptionalNumber Option<i64>, i64
        Text String, String
        OptionalText Option<String>, String
        Unique Uuid, Uuid
        OptionalUnique Option<Uuid>, Uuid
        Own UserId, UserId
        OptionalOwn Option<UserId>, UserId
        Small Option<u8>, u8
    }
    assert_eq!(OptionalNumber::F.id.in_([1, 2]).to_string(), "id__in=[1,2]");
    assert_eq!(OptionalText::F.id.eq("a").to_string(), r#"id="a""#);
    assert_eq!(OptionalOwn::F.id.eq(UserId(3)).to_string(), "id=3");
}

#[test]
fn a_field_of_another_name_can_be_the_key() {
    #[derive(Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/rows/")]
    struct Row {
        id: String,
        #[api(primary_key)]
        #[serde(rename = "row-number")]
        number: Option<u32>,
    }

    let key: Field<Row, u32> = Row::F.number;
    assert_eq!(key.path(), "row-number");
    assert_eq!(Row::meta().primary_key(), "row-number");
    assert_eq!(Row::F.id.contains("a").to_string(), r#"id__contains="a""#);
}

#[test]
fn the_key_of_a_nested_model_is_a_key_too() {
    #[derive(Serialize, Deserialize, ApiModel)]
    #[api(endpoint = "/api/categories/")]
    struct Category {
        id: Option<i64>,
        parent: Option<Box<Self>>,
        children: Vec<Self>,
    }

    let parent: Field<Category, i64> = Category::F.parent.to(Category::F.id);
    assert_eq!(parent.eq(1).to_string(), "parent__id=1");
    assert_eq!(
        Category::F.children.to(Category::F.id).eq(1).to_string(),
        "children__id=1"
    );
}
