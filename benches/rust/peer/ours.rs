//! This crate.

use std::hint::black_box;

use django_api_orm::{Manager, prelude::*};

use crate::{
    Result,
    case::{Case, GETS, User},
};

pub(crate) struct Ours {
    users: Manager<User>,
    page: Manager<User>,
}

impl Ours {
    pub(crate) fn new(base_url: &str) -> Result<Self> {
        let users = ServiceClient::new(base_url)?.objects::<User>();
        let page = users.at("/api/v1/page/");
        Ok(Self { users, page })
    }

    pub(crate) async fn run(&self, case: Case) -> Result<usize> {
        Ok(match case {
            Case::Get => {
                for id in 1..=GETS {
                    black_box(self.users.get(User::F.id.eq(id)).await?);
                }
                GETS as usize
            }
            Case::Page => black_box(self.page.all().await?).len(),
            Case::Walk => black_box(self.users.all().await?).len(),
        })
    }
}
