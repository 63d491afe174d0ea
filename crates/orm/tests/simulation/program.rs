//! What the programs do, and what they must have been told.

use std::sync::Arc;
use std::time::Duration;

use django_api_orm::client::{Error, ServiceClientBuilder};
use django_api_orm::prelude::*;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::collection::{Collection, deletion};
use crate::world::World;

/// The time that a call may take.
pub(crate) const LIMIT: Duration = Duration::from_secs(20);

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/things/")]
pub(crate) struct Thing {
    id: Option<u64>,
    name: String,
    /// The write that made the row what it is.
    mark: String,
    /// The mark of the row that this write was made of.
    base: String,
    #[api(read_only)]
    version: u64,
}

/// What a program was told of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Done,
    /// It was not carried out.
    Not,
    Unknown,
}

impl Told {
    fn of(error: &Error) -> Self {
        match error.is_outcome_unknown() {
            true => Self::Unknown,
            false => Self::Not,
        }
    }
}

/// One program: it works on a client that it shares with others, and remembers what it was told.
pub(crate) struct Program {
    number: u64,
    world: Arc<World>,
    server: Arc<Collection>,
    things: Manager<Thing>,
    told: Vec<(String, Told)>,
    wrong: Vec<String>,
    /// The rows that nobody else deletes.
    own: Vec<u64>,
    operations: u64,
}

pub(crate) fn settings(builder: ServiceClientBuilder, keys: bool) -> ServiceClientBuilder {
    let builder = builder
        .platform_roots(false)
        .timeout(LIMIT)
        .attempt_timeout(LIMIT / 2);
    match keys {
        true => builder.idempotency_header("Idempotency-Key"),
        false => builder,
    }
}

impl Program {
    pub(crate) fn new(
        number: u64,
        world: &Arc<World>,
        server: &Arc<Collection>,
        things: Manager<Thing>,
    ) -> Self {
        Self {
            number,
            world: Arc::clone(world),
            server: Arc::clone(server),
            things,
            told: Vec::new(),
            wrong: Vec::new(),
            own: vec![number + 1],
            operations: 0,
        }
    }

    /// Carries out so many random operations, some of which are given up on the way.
    pub(crate) async fn run(mut self, operations: u64) -> Self {
        for _ in 0..operations {
            self.operations += 1;
            let mark = format!("{}-{}", self.number, self.operations);
            let patience = match self.world.random(0..10) {
                0 => self.world.millis(0..200),
                1 => self.world.millis(0..20_000),
                _ => Duration::MAX,
            };
            let told = self.told.len();
            let choice = self.world.random(0..10);
            let start = Instant::now();
            let end = start.checked_add(patience);
            let operation = self.operation(choice, &mark);
            let is_over = match end {
                Some(end) => tokio::time::timeout_at(end, operation).await.is_ok(),
                None => {
                    operation.await;
                    true
                }
            };
            let what = match is_over {
                true => format!("{:?}", &self.told[told..]),
                false => "given up".to_owned(),
            };
            self.world.note(format!(
                "program {} did {choice}: {mark} {what}",
                self.number
            ));
            tokio::time::sleep(self.world.millis(0..1500)).await;
        }
        self
    }

    async fn operation(&mut self, choice: u64, mark: &str) {
        match choice {
            0 | 1 => self.create(mark).await,
            2 | 3 => self.save(mark).await,
            4 => self.delete().await,
            5 => self.create_many(mark).await,
            6 => self.get_or_create(mark).await,
            7 => self.list().await,
            8 => self.count().await,
            _ => {
                let id = self.any();
                self.get(id).await;
            }
        }
    }

    fn any(&self) -> u64 {
        let known = self.world.random(1..8);
        self.own
            .last()
            .copied()
            .filter(|id| id % 2 == 0)
            .unwrap_or(known)
    }

    fn expect(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            let what = what();
            self.world.note(format!("WRONG: {what}"));
            self.wrong.push(what);
        }
    }

    /// Each call must be over in its time.
    fn in_time(&mut self, start: Instant, calls: u32, what: &str) {
        let taken = start.elapsed();
        self.expect(taken <= LIMIT * calls + Duration::from_millis(2), || {
            format!("{what} took {taken:?}")
        });
    }

    async fn create(&mut self, mark: &str) {
        let start = Instant::now();
        let created = self.things.create(&row(mark)).await;
        self.in_time(start, 1, "a create");
        self.created(mark, start, created);
    }

    fn created(&mut self, mark: &str, start: Instant, created: Result<Instance<Thing>, Error>) {
        match created {
            Ok(thing) => {
                self.told.push((mark.to_owned(), Told::Done));
                self.own.extend(thing.id);
                self.expect(thing.name == mark, || format!("{mark} gave {thing:?}"));
                self.held(&thing, start);
            }
            Err(error) => self.failed(mark, &error),
        }
    }

    fn failed(&mut self, mark: &str, error: &Error) {
        self.world
            .note(format!("{mark}: {:?} {error}", error.kind()));
        self.told.push((mark.to_owned(), Told::of(error)));
    }

    /// The row must be as it was at some time since `start`.
    fn held(&mut self, thing: &Thing, start: Instant) {
        let shown = serde_json::to_value(thing).unwrap();
        let id = thing.id.unwrap_or_default();
        let was = self.server.was(id, Some(&shown), start);
        self.expect(was, || format!("the server never held {shown}"));
    }

    async fn create_many(&mut self, mark: &str) {
        let marks: Vec<String> = (0..3).map(|part| format!("{mark}-{part}")).collect();
        let start = Instant::now();
        let rows: Vec<Value> = marks.iter().map(|mark| row(mark)).collect();
        match self.things.bulk_create(rows).await {
            Ok(created) => {
                for (mark, thing) in marks.iter().zip(created) {
                    self.created(mark, start, Ok(thing));
                }
            }
            Err(error) => {
                let (created, failed) = error.into_parts();
                let count = created.len() + failed.len();
                self.expect(count == marks.len(), || {
                    format!("{mark}: {count} of 3 are told")
                });
                for (index, thing) in created {
                    self.created(&marks[index], start, Ok(thing));
                }
                for (index, error) in failed {
                    self.failed(&marks[index], &error);
                }
            }
        }
    }

    async fn get_or_create(&mut self, mark: &str) {
        let start = Instant::now();
        let lookup = Thing::F.name.eq(mark);
        let defaults = [Thing::F.mark.set(mark), Thing::F.base.set("")];
        match self.things.get_or_create(lookup, defaults).await {
            Ok((thing, true)) => self.created(mark, start, Ok(thing)),
            // Its own attempt: the answer was lost, and the server went on saying that it was at work on it.
            Ok((thing, false)) => self.created(mark, start, Ok(thing)),
            Err(error) => self.failed(mark, &error),
        }
    }

    async fn get(&mut self, id: u64) -> Option<Instance<Thing>> {
        let start = Instant::now();
        let result = self.things.get(Thing::F.id.eq(id)).await;
        // A 404 is believed only once a row was seen at its own URL. Where the one that the list shows is gone by then, too, the list
        // decides, and it is read without the filter where that finds nothing.
        self.in_time(start, 5, "a get");
        match result {
            Ok(thing) => {
                self.expect(thing.id == Some(id), || format!("{id} gave {thing:?}"));
                self.held(&thing, start);
                Some(thing)
            }
            Err(error) if error.is_does_not_exist() => {
                let was = self.server.was(id, None, start);
                self.expect(was, || format!("{id} was there all the time"));
                None
            }
            Err(_) => None,
        }
    }

    async fn save(&mut self, mark: &str) {
        let id = self.any();
        let Some(mut thing) = self.get(id).await else {
            return;
        };
        // In the time that this takes another one may save.
        tokio::time::sleep(self.world.millis(0..300)).await;
        thing.base = std::mem::replace(&mut thing.mark, mark.to_owned());
        let start = Instant::now();
        match thing.save().await {
            Ok(()) => {
                self.told.push((mark.to_owned(), Told::Done));
                self.held(&thing, start);
            }
            Err(error) => self.failed(mark, &error),
        }
    }

    async fn delete(&mut self) {
        let Some(id) = self.own.pop() else { return };
        let Some(mut thing) = self.get(id).await else {
            return;
        };
        let mark = deletion(id);
        match thing.delete().await {
            Ok(()) => self.told.push((mark, Told::Done)),
            Err(error) => self.failed(&mark, &error),
        }
    }

    async fn list(&mut self) {
        let start = Instant::now();
        let Ok(things) = self.things.order_by([Thing::F.id.asc()]).await else {
            return;
        };
        for thing in &things {
            self.held(thing, start);
        }
        if self.server.is_quiet_since(start) {
            let shown: Vec<Value> = things
                .iter()
                .map(|thing| serde_json::to_value(&**thing).unwrap())
                .collect();
            let held = self.server.rows();
            self.expect(shown == held, || {
                format!("a list gave {shown:?}, not {held:?}")
            });
        }
    }

    async fn count(&mut self) {
        let start = Instant::now();
        let Ok(count) = self.things.count().await else {
            return;
        };
        if self.server.is_quiet_since(start) {
            let held = self.server.rows().len();
            self.expect(count == held as u64, || {
                format!("counted {count} of {held}")
            });
        }
    }

    /// What is wrong, once all is over.
    pub(crate) fn judge(&self) -> Vec<String> {
        let mut wrong = self.wrong.clone();
        for (mark, told) in &self.told {
            let times = self.server.carried_out(mark);
            let holds = match told {
                Told::Done => times == 1,
                Told::Not => times == 0,
                Told::Unknown => times <= 1,
            };
            if !holds {
                wrong.push(format!(
                    "{mark} was told {told:?} and carried out {times} times"
                ));
            }
        }
        // Of those that were given up nothing was told.
        for operation in 1..=self.operations {
            let mark = format!("{}-{operation}", self.number);
            let parts = (0..3).map(|part| format!("{mark}-{part}"));
            for mark in std::iter::once(mark.clone()).chain(parts) {
                let times = self.server.carried_out(&mark);
                if times > 1 {
                    wrong.push(format!("{mark} was carried out {times} times"));
                }
            }
        }
        wrong
    }
}

fn row(mark: &str) -> Value {
    json!({"name": mark, "mark": mark, "base": ""})
}
