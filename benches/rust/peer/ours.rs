//! This crate.

use std::hint::black_box;

use django_api_orm::{Manager, prelude::*};
use futures_util::future::try_join_all;

use crate::{
    Result,
    case::{AT_ONCE, Case, GETS, User},
};

pub(crate) struct Ours {
    users: Manager<User>,
    page: Manager<User>,
    http2: Manager<User>,
}

impl Ours {
    pub(crate) fn new(base_url: &str) -> Result<Self> {
        let users = ServiceClient::new(base_url)?.objects::<User>();
        let page = users.at("/api/v1/page/");
        let http2 = ServiceClient::builder(base_url)
            .http2_prior_knowledge(true)
            .build()?;
        let http2 = http2.objects();
        Ok(Self { users, page, http2 })
    }

    pub(crate) async fn run(&self, case: Case) -> Result<usize> {
        Ok(match case {
            Case::Get => {
                for id in 1..=GETS {
                    black_box(self.users.get(User::F.id.eq(id)).await?);
                }
                GETS as usize
            }
            Case::Http2 => {
                let get = |id| self.http2.get(User::F.id.eq(id));
                black_box(try_join_all((1..=AT_ONCE).map(get)).await?).len()
            }
            Case::Page => black_box(self.page.all().await?).len(),
            Case::Walk => black_box(self.users.all().await?).len(),
        })
    }
}
