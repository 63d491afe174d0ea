//! The model that is asked for.

use django_api_orm::prelude::*;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/things/")]
pub(crate) struct Thing {
    pub(crate) id: Option<i64>,
    #[serde(default)]
    pub(crate) name: String,
    pub(crate) kind: Option<String>,
    pub(crate) rank: Option<i64>,
    #[serde(default)]
    pub(crate) flag: bool,
}
