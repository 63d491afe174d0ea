//! Random rows: nulls, ties, Unicode, mixed case, decimals as text, instants, nested objects, integers at extremes.

use std::sync::{Arc, LazyLock};

use chrono::{DateTime, FixedOffset, NaiveDate, SecondsFormat};
use django_api_orm::{ApiModel, FieldMeta, ModelMeta, Schema};
use django_api_orm_core::evaluate::Kind;
use proptest::{prelude::*, sample::select};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// A row before it is written as JSON or into a table.
#[derive(Debug, Clone)]
pub(crate) struct Thing {
    pub(crate) id: i64,
    pub(crate) name: String,
    pub(crate) nick: Option<String>,
    pub(crate) rank: Option<i64>,
    /// In hundredths.
    pub(crate) price: Option<i64>,
    pub(crate) score: Option<f64>,
    pub(crate) flag: Option<bool>,
    /// Microseconds since 1970.
    pub(crate) seen_at: Option<i64>,
    pub(crate) day: Option<NaiveDate>,
    pub(crate) address: Option<Address>,
}

#[derive(Debug, Clone)]
pub(crate) struct Address {
    pub(crate) city: Option<String>,
    pub(crate) zip: Option<i64>,
}

/// What text may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Letters {
    /// Letters of many alphabets in both cases.
    All,
    /// Those on which databases agree: beyond ASCII no letter has a case, and no two words differ only by it.
    SameEverywhere,
}

/// Each name holds a letter: what is only digits could be a number.
const NAMES: [&str; 10] = [
    "Ann", "Annika", "bob", "o'Hara", "100% Al", "a_b", "A\\B", "日本 x", "x,y", " Lee ",
];
const NAMES_BEYOND: [&str; 9] = [
    "ann",
    "ANN",
    "Émile",
    "émile",
    "ÉMILE",
    "Жук",
    "жук",
    "Σοφία",
    "σοφία",
];
/// Nicks are in lower case.
const NICKS: [&str; 10] = [
    "ann",
    "an",
    "nn",
    "émile",
    "жук",
    "日本",
    "b_b",
    "50% off",
    "",
    "naïve 🦀",
];

const DAYS: [&str; 6] = [
    "1969-12-31",
    "2000-02-29",
    "2023-12-31",
    "2024-01-01",
    "2024-02-29",
    "2024-03-01",
];

pub(crate) fn name(letters: Letters) -> BoxedStrategy<String> {
    let mut pool = NAMES.to_vec();
    if letters == Letters::All {
        pool.extend(NAMES_BEYOND);
    }
    let word = select(pool);
    prop_oneof![
        4 => word.clone().prop_map(str::to_owned),
        1 => (word.clone(), word).prop_map(|(left, right)| format!("{left}{right}")),
    ]
    .boxed()
}

pub(crate) fn nick() -> BoxedStrategy<String> {
    select(NICKS.to_vec()).prop_map(str::to_owned).boxed()
}

pub(crate) fn rank() -> BoxedStrategy<i64> {
    const EXTREMES: [i64; 6] = [
        i64::MIN,
        i64::MIN + 1,
        i64::MAX,
        i64::MAX - 1,
        (1 << 53) + 1,
        1 << 53,
    ];
    prop_oneof![6 => -2_i64..4, 1 => select(EXTREMES.to_vec())].boxed()
}

/// Hundredths, of up to ten digits.
pub(crate) fn price() -> BoxedStrategy<i64> {
    prop_oneof![4 => select(vec![-25_i64, 0, 25, 1000, 1200, 1250, 9_999_999_999]), 1 => -300_i64..300].boxed()
}

/// Quarters, which every float holds exactly.
pub(crate) fn score() -> BoxedStrategy<f64> {
    (-6_i32..7)
        .prop_map(|quarters| f64::from(quarters) / 4.0)
        .boxed()
}

pub(crate) fn day() -> BoxedStrategy<NaiveDate> {
    select(DAYS.to_vec())
        .prop_map(|day| day.parse().unwrap())
        .boxed()
}

/// Instants around the turns of days and years, some with microseconds.
pub(crate) fn instant() -> BoxedStrategy<i64> {
    let second = prop_oneof![Just(0_i64), Just(86_399), Just(43_200), 0_i64..86_400];
    let micros = prop_oneof![3 => Just(0_i64), 1 => Just(1_i64), 1 => Just(500_000_i64)];
    (day(), second, micros)
        .prop_map(|(day, second, micros)| {
            let midnight = day.and_hms_opt(0, 0, 0).unwrap().and_utc().timestamp();
            (midnight + second) * 1_000_000 + micros
        })
        .boxed()
}

fn or_null<T: std::fmt::Debug + Clone + 'static>(
    strategy: BoxedStrategy<T>,
) -> BoxedStrategy<Option<T>> {
    prop::option::weighted(0.75, strategy).boxed()
}

fn address() -> impl Strategy<Value = Address> {
    let city = or_null(nick());
    let zip = or_null((1_i64..4).boxed());
    (city, zip).prop_map(|(city, zip)| Address { city, zip })
}

/// Up to `most` rows; their keys grow and have gaps.
pub(crate) fn things(letters: Letters, most: usize) -> impl Strategy<Value = Vec<Thing>> {
    let texts = (name(letters), or_null(nick()));
    let numbers = (
        or_null(rank()),
        or_null(price()),
        or_null(score()),
        or_null(any::<bool>().boxed()),
    );
    let dates = (or_null(instant()), or_null(day()));
    let thing = (1_i64..3, texts, numbers, dates, or_null(address().boxed())).prop_map(
        |(step, (name, nick), (rank, price, score, flag), (seen_at, day), address)| Thing {
            id: step,
            name,
            nick,
            rank,
            price,
            score,
            flag,
            seen_at,
            day,
            address,
        },
    );
    prop::collection::vec(thing, 0..=most).prop_map(|mut things| {
        let mut last = 0;
        for thing in &mut things {
            last += thing.id;
            thing.id = last;
        }
        things
    })
}

/// A decimal with two places, as DRF writes it.
pub(crate) fn decimal(hundredths: i64) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    format!(
        "{sign}{}.{:02}",
        hundredths.abs() / 100,
        hundredths.abs() % 100
    )
}

/// An instant on the clock of the zone, as DRF writes it.
pub(crate) fn written(micros: i64, zone: FixedOffset) -> String {
    let at = DateTime::from_timestamp_micros(micros)
        .unwrap()
        .with_timezone(&zone);
    let precision = match micros.rem_euclid(1_000_000) {
        0 => SecondsFormat::Secs,
        _ => SecondsFormat::Micros,
    };
    at.to_rfc3339_opts(precision, true)
}

impl Thing {
    /// The row as a server in that time zone would send it.
    pub(crate) fn wire(&self, zone: FixedOffset) -> Map<String, Value> {
        let row = json!({
            "id": self.id,
            "name": self.name,
            "nick": self.nick,
            "rank": self.rank,
            "price": self.price.map(decimal),
            "score": self.score,
            "flag": self.flag,
            "seen_at": self.seen_at.map(|at| written(at, zone)),
            "day": self.day,
            "address": self.address.as_ref().map(|at| json!({"city": at.city, "zip": at.zip})),
        });
        row.as_object().unwrap().clone()
    }
}

/// The model by which rows are read through the client: only the key matters here.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) id: i64,
}

impl Schema for Row {
    const NAME: &'static str = "Row";

    fn fields() -> Vec<FieldMeta> {
        let text = |name| FieldMeta::new(name).with_kind(Kind::Text);
        let price = FieldMeta::new("price").with_kind(Kind::Decimal);
        let others =
            ["id", "rank", "score", "flag", "seen_at", "day", "address"].map(FieldMeta::new);
        others
            .into_iter()
            .chain([text("name"), text("nick"), price])
            .collect()
    }
}

impl ApiModel for Row {
    type Key = i64;

    fn meta() -> &'static Arc<ModelMeta> {
        static META: LazyLock<Arc<ModelMeta>> =
            LazyLock::new(|| Arc::new(ModelMeta::new("Row", "/rows/").with_fields(Row::fields())));
        &META
    }
}
