//! Rows that are asked for one by one in one turn of an event loop, and read together (`coalesce`).
//!
//! Only what would be the same request but for the key is read together: the same client, with its credential, its time and its
//! policies, and the same endpoint. The engine says whether the endpoint lets itself be asked so. Whoever gets no row of what
//! was read together is left to ask by itself, as if there were no others: a missing row is its own answer to its own request.

use std::sync::Arc;

use django_api_orm::{Error, Row, ServiceClient, plan::Plan};

use crate::{
    endpoint::Endpoint,
    notice::{self, Notice},
};

/// A row that is asked for by its key.
pub(crate) struct Single {
    endpoint: Endpoint,
    plan: Plan,
}

impl Single {
    pub(crate) fn new(endpoint: Endpoint, plan: Plan) -> Self {
        Self { endpoint, plan }
    }

    /// Whether both may be asked for in one request.
    fn is_like(&self, other: &Self) -> bool {
        self.endpoint.is_same(&other.endpoint)
    }

    /// The key, where the endpoint may be asked for several at once.
    fn key(&self, client: &ServiceClient) -> Option<String> {
        let rows = (self.endpoint.on())(client);
        let key = rows.key_to_be_got(&self.plan)?;
        rows.may_read_together().ok()?.then_some(key)
    }
}

/// Something that has been begun, and the row that it asks for where that may be read together with others.
pub(crate) trait AsksForRow {
    fn single(&self) -> Option<(&Arc<Single>, &ServiceClient)>;
}

/// Those that may be read together, and their keys; alone where it has nobody to be read with.
pub(crate) fn grouped<T: AsksForRow>(begun: Vec<T>) -> Vec<Group<T>> {
    let mut groups: Vec<Group<T>> = Vec::new();
    for one in begun {
        let key = one.single().and_then(|(single, client)| single.key(client));
        let Some(key) = key else {
            groups.push(Group {
                keys: Vec::new(),
                of: vec![one],
            });
            continue;
        };
        let like = groups.iter_mut().find(|group| group.takes(&one));
        match like {
            Some(group) => {
                group.keys.push(key);
                group.of.push(one);
            }
            None => groups.push(Group {
                keys: vec![key],
                of: vec![one],
            }),
        }
    }
    groups
}

/// What is read together.
pub(crate) struct Group<T> {
    /// The key of each; none for what is not such a read.
    pub(crate) keys: Vec<String>,
    pub(crate) of: Vec<T>,
}

impl<T: AsksForRow> Group<T> {
    fn takes(&self, other: &T) -> bool {
        let first = self.of.first().and_then(T::single);
        let other = other.single();
        !self.keys.is_empty()
            && first
                .zip(other)
                .is_some_and(|((first, _), (other, _))| first.is_like(other))
    }
}

/// The rows with these keys, as far as they have come together, and the warnings of their requests.
pub(crate) async fn read(
    single: &Single,
    client: &ServiceClient,
    keys: &[String],
) -> (Result<Vec<Option<Row>>, Error>, Vec<Notice>) {
    let rows = (single.endpoint.on())(client);
    let mut each = keys.to_vec();
    each.sort_unstable();
    each.dedup();
    let at_once = single.endpoint.concurrency();
    let (found, notices) = notice::listening(rows.rows_together(&each, at_once)).await;
    let of_each = found.map(|found| {
        let of = |key| {
            let place = each.binary_search(key).ok()?;
            found.get(place).cloned().flatten()
        };
        keys.iter().map(of).collect()
    });
    (of_each, notices)
}
