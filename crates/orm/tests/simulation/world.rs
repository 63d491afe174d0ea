//! What one seed decides: every random number, what time it is, and what is told of it afterwards.

use std::fmt::Display;
use std::ops::Range;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// How bad things are, from fair to foul.
pub(crate) struct Weather {
    /// How likely each fault is where it could happen.
    pub(crate) foul: f64,
    /// Whether the server knows idempotency keys, and the client sends them.
    pub(crate) keys: bool,
    /// Whether the server names versions of rows, and checks them.
    pub(crate) tags: bool,
    /// Whether both sides speak HTTP/2.
    pub(crate) http2: bool,
    /// When nothing comes through, in milliseconds since the beginning.
    partition: Range<u64>,
}

pub(crate) struct World {
    pub(crate) weather: Weather,
    random: Mutex<fastrand::Rng>,
    log: Mutex<Vec<String>>,
    start: Instant,
}

impl World {
    /// The world of a seed. The client's own random numbers (waits, keys) are of the same seed: they come from the generator of
    /// the thread.
    pub(crate) fn new(seed: u64) -> Self {
        fastrand::seed(seed);
        let mut random = fastrand::Rng::with_seed(seed ^ 0x5eed);
        let from = random.u64(0..20_000);
        let weather = Weather {
            foul: [0.0, 0.02, 0.1, 0.3][random.usize(..4)],
            keys: random.bool(),
            tags: random.bool(),
            partition: if random.bool() {
                from..from + random.u64(1..30_000)
            } else {
                0..0
            },
            http2: random.usize(..3) == 0,
        };
        Self::of(weather, random)
    }

    /// A world in which nothing goes wrong by chance.
    pub(crate) fn fair() -> Self {
        fastrand::seed(0);
        let weather = Weather {
            foul: 0.0,
            keys: false,
            tags: false,
            http2: false,
            partition: 0..0,
        };
        Self::of(weather, fastrand::Rng::with_seed(0))
    }

    fn of(weather: Weather, random: fastrand::Rng) -> Self {
        Self {
            weather,
            random: Mutex::new(random),
            log: Mutex::default(),
            start: Instant::now(),
        }
    }

    /// A number of the range.
    pub(crate) fn random(&self, range: Range<u64>) -> u64 {
        self.random.lock().unwrap().u64(range)
    }

    /// Whether a fault happens here, of which `share` in the weather's faults is this one.
    pub(crate) fn strikes(&self, share: f64) -> bool {
        let drawn = self.random.lock().unwrap().f64();
        drawn < self.weather.foul * share
    }

    pub(crate) fn pick<T: Clone>(&self, among: &[T]) -> T {
        let index = self.random.lock().unwrap().usize(..among.len());
        among[index].clone()
    }

    pub(crate) fn millis(&self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.random(range))
    }

    /// Waits until the network lets something through.
    pub(crate) async fn passable(&self) {
        let now = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX);
        if self.weather.partition.contains(&now) {
            tokio::time::sleep(Duration::from_millis(self.weather.partition.end - now)).await;
        }
    }

    pub(crate) fn note(&self, event: impl Display) {
        let at = self.start.elapsed().as_micros();
        self.log.lock().unwrap().push(format!("{at:>12} {event}"));
    }

    pub(crate) fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }
}
