//! What the code behind an extra route may look at and do.

use http::{Method, Version};
use rusqlite::types::Value as Sql;
use serde::Serialize;
use serde_json::Value;

use crate::codec;
use crate::reply::{Answer, Reply};
use crate::request::Request;
use crate::resource::Resource;
use crate::site::Site;
use crate::store::Condition;

/// One call of an [`Action`](crate::Action) or a [`View`](crate::View).
pub struct Call<'a> {
    pub(crate) site: &'a Site,
    pub(crate) request: &'a Request,
    /// The resource of an action, and the row of a detail action.
    pub(crate) resource: Option<&'a Resource>,
    pub(crate) key: Option<Sql>,
    pub(crate) owner: Option<&'a str>,
}

impl Call<'_> {
    /// The method of the request.
    pub fn method(&self) -> &Method {
        &self.request.method
    }

    /// The value of a query parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.request.parameters.get(name)
    }

    /// The parsed body.
    ///
    /// # Errors
    /// DRF's answers for a body that is not JSON.
    pub fn data(&self) -> Result<Value, Reply> {
        self.request.data()
    }

    /// The name that the token of the request belongs to.
    pub fn owner(&self) -> Option<&str> {
        self.owner
    }

    /// `1.1` or `2`.
    pub fn http_version(&self) -> &'static str {
        match self.request.version {
            Version::HTTP_2 => "2",
            Version::HTTP_10 => "1.0",
            _ => "1.1",
        }
    }

    /// The port at the other end of the connection.
    pub fn client_port(&self) -> u16 {
        self.request.connection.client_port
    }

    /// The primary key of the row, in a detail action, as it is in a URL.
    pub fn key(&self) -> Option<String> {
        self.key.as_ref().map(codec::text_of)
    }

    /// How many rows of the resource have these values.
    ///
    /// # Errors
    /// Django's error page, when there is no such field or no resource.
    pub fn count(&self, values: &[(&str, Value)]) -> Result<u64, Reply> {
        let table = self
            .resource
            .and_then(|resource| self.site.tables.get(&resource.table));
        let table = table.ok_or_else(Reply::broken)?;
        let condition = |(name, value): &(&str, Value)| {
            let stored = codec::to_sql(table.field(name)?, value)?;
            Some(Condition::equals(name, stored))
        };
        let conditions = values.iter().map(condition).collect::<Option<Vec<_>>>();
        let session = self.site.store.session(&self.site.tables);
        session
            .count(table, &conditions.ok_or_else(Reply::broken)?)
            .map_err(|_| Reply::broken())
    }

    /// Changes the row without validation, and answers it as a detail request would.
    ///
    /// # Errors
    /// Django's error page, when there is no such field or no row.
    pub fn update_row(&self, change: &impl Serialize) -> Answer {
        let (Some(resource), Some(key)) = (self.resource, &self.key) else {
            return Err(Reply::broken());
        };
        let change = serde_json::to_value(change).map_err(|_| Reply::broken())?;
        self.site
            .update_unchecked(resource, key, &change, self.request)
    }

    /// Puts back the rows that the server began with, and forgets who was throttled.
    ///
    /// # Errors
    /// Django's error page, when SQLite refuses.
    pub fn reset(&self) -> Result<(), Reply> {
        self.site.reset().map_err(|_| Reply::broken())
    }
}
