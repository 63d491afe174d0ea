//! What a save does about changes that others have made: `user.save_with(SaveOptions::new().check()).await?`.

use django_api_orm_core::OnConflict;

use crate::{instance::IntoFieldName, query::Precaution};

/// How [`Instance::save_with`](crate::Instance::save_with) saves.
///
/// ```no_run
/// # use django_api_orm::{OnConflict, SaveOptions, prelude::*};
/// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/users/")] struct User { id: Option<i64>, email: String }
/// # async fn f(mut user: Instance<User>) -> django_api_orm::Result<()> {
/// user.email = "new@x.io".into();
/// user.save_with(SaveOptions::new().on_conflict(OnConflict::Merge)).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct SaveOptions {
    pub(crate) precaution: Precaution,
    pub(crate) fields: Option<Vec<String>>,
}

impl SaveOptions {
    /// As [`save`](crate::Instance::save) saves.
    pub fn new() -> Self {
        Self::default()
    }

    /// What happens where somebody else has changed the row since it was read.
    pub fn on_conflict(mut self, on_conflict: OnConflict) -> Self {
        self.precaution.on_conflict = on_conflict;
        self
    }

    /// Reads the row first, and fails where somebody else has changed a field that is to be written. For rows without a version: those
    /// of lists, and all rows of servers that name none.
    pub fn check(mut self) -> Self {
        self.precaution.check = true;
        self
    }

    /// Sends exactly these fields, changed or not.
    pub fn fields<M, F: IntoFieldName<M>>(mut self, fields: impl IntoIterator<Item = F>) -> Self {
        let names = fields.into_iter().map(IntoFieldName::into_field_name);
        self.fields = Some(names.collect());
        self
    }
}
