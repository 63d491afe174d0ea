//! What a delete does about changes that others have made: `user.delete_with(DeleteOptions::new().check()).await?`.

/// How [`Instance::delete_with`](crate::Instance::delete_with) deletes.
///
/// ```no_run
/// # use django_api_orm::{DeleteOptions, prelude::*};
/// # #[derive(Serialize, Deserialize, ApiModel)] #[api(endpoint = "/users/")] struct User { id: Option<i64>, email: String }
/// # async fn f(mut user: Instance<User>) -> django_api_orm::Result<()> {
/// user.delete_with(DeleteOptions::new().check()).await?;
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, Default)]
#[must_use]
pub struct DeleteOptions {
    pub(crate) check: bool,
}

impl DeleteOptions {
    /// As [`delete`](crate::Instance::delete) deletes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the row first, and fails where somebody else has changed it. For rows without a version: those of lists, and all rows of
    /// servers that name none.
    pub fn check(mut self) -> Self {
        self.check = true;
        self
    }
}
