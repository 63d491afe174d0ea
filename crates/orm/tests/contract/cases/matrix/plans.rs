//! The queries of the matrix, each with its answer said once more as plain conditions on the rows of the fixture.

use std::{cmp::Ordering, ops::Range};

use super::super::super::prelude::*;
use crate::models::*;

type Condition = fn(&Item) -> bool;

/// A query and what it should find.
pub(super) struct Plan {
    pub(super) name: &'static str,
    pub(super) query: fn(&Manager<Item>) -> QuerySet<Item>,
    condition: Condition,
    /// Where the server's text lookups know less of letters than those here.
    on_the_server: Option<Condition>,
    /// The part of the condition that the server is asked for, where that is not all of it.
    asked: Option<Condition>,
    order: fn(&Item, &Item) -> Ordering,
    slice: Option<Range<usize>>,
}

fn plan(
    name: &'static str,
    condition: Condition,
    query: fn(&Manager<Item>) -> QuerySet<Item>,
) -> Plan {
    Plan {
        name,
        query,
        condition,
        on_the_server: None,
        asked: None,
        order: |a, b| a.id.cmp(&b.id),
        slice: None,
    }
}

impl Plan {
    fn on_the_server(mut self, condition: Condition) -> Self {
        self.on_the_server = Some(condition);
        self
    }

    fn asked(mut self, condition: Condition) -> Self {
        self.asked = Some(condition);
        self
    }

    fn order(mut self, order: fn(&Item, &Item) -> Ordering) -> Self {
        self.order = order;
        self
    }

    fn slice(mut self, slice: Range<usize>) -> Self {
        self.slice = Some(slice);
        self
    }

    pub(super) fn is_sliced(&self) -> bool {
        self.slice.is_some()
    }

    /// The condition, where the server honours its filters or not.
    fn condition(&self, honoured: bool) -> Condition {
        self.on_the_server
            .filter(|_| honoured)
            .unwrap_or(self.condition)
    }

    /// The ids that the query should find.
    pub(super) fn expected(&self, items: &[Item], honoured: bool) -> Vec<i64> {
        let condition = self.condition(honoured);
        let mut rows: Vec<&Item> = items.iter().filter(|item| condition(item)).collect();
        rows.sort_by(|a, b| (self.order)(a, b));
        let all = 0..usize::MAX;
        let slice = self.slice.as_ref().unwrap_or(&all);
        rows.into_iter()
            .map(Row::id)
            .skip(slice.start)
            .take(slice.end - slice.start)
            .collect()
    }

    /// How many rows a server that honours its filters has for what it is asked.
    pub(super) fn rows_on_the_server(&self, items: &[Item]) -> usize {
        let condition = self.asked.unwrap_or(self.condition(true));
        items.iter().filter(|item| condition(item)).count()
    }
}

fn folded(item: &Item) -> String {
    item.name.to_lowercase()
}

/// As SQLite folds: ASCII only.
fn folded_in_sql(item: &Item) -> String {
    item.name.to_ascii_lowercase()
}

fn year(item: &Item) -> Option<String> {
    let seen_at = item.seen_at?;
    Some(seen_at.format("%Y").to_string())
}

pub(super) fn all() -> Vec<Plan> {
    let mut all = lookups();
    all.extend(texts());
    all.extend(trees());
    all.extend(orders());
    all.extend(slices());
    all
}

fn lookups() -> Vec<Plan> {
    vec![
        plan("everything", |_| true, Manager::all),
        plan(
            "key",
            |item| item.id() == 77,
            |items| items.filter(Item::F.id.eq(77)),
        ),
        plan(
            "keys, one of them nobody's",
            |item| [1, 5, 130].contains(&item.id()),
            |items| items.filter(Item::F.id.in_([5, 130, 5000, 1])),
        ),
        plan(
            "no key",
            |_| false,
            |items| items.filter(Item::F.id.in_([0_i64; 0])),
        ),
        plan(
            "a bound that only later pages violate",
            |item| item.id() < 65,
            |items| items.filter(Item::F.id.lt(65)),
        ),
        plan(
            "two bounds",
            |item| (21..45).contains(&item.id()),
            |items| items.filter(Item::F.id.gt(20) & Item::F.id.lt(45)),
        ),
        plan(
            "no row",
            |_| false,
            |items| items.filter(Item::F.id.gt(1000)),
        ),
        plan(
            "number",
            |item| item.rank == Some(8),
            |items| items.filter(Item::F.rank.eq(8)),
        ),
        plan(
            "numbers",
            |item| matches!(item.rank, Some(-3 | 0 | 16)),
            |items| items.filter(Item::F.rank.in_([-3, 0, 16])),
        ),
        plan(
            "less, and no null",
            |item| item.rank.is_some_and(|rank| rank < 3),
            |items| items.filter(Item::F.rank.lt(3)),
        ),
        plan(
            "between",
            |item| item.rank.is_some_and(|rank| (3..=5).contains(&rank)),
            |items| items.filter(Item::F.rank.gte(3) & Item::F.rank.lte(5)),
        ),
        plan(
            "between, which is no filter of the server",
            |item| item.rank.is_some_and(|rank| (0..=3).contains(&rank)),
            |items| items.filter(Item::F.rank.range(0, 3)),
        ),
        plan(
            "null",
            |item| item.rank.is_none(),
            |items| items.filter(Item::F.rank.isnull(true)),
        ),
        plan(
            "not null",
            |item| item.rank.is_some(),
            |items| items.filter(Item::F.rank.isnull(false)),
        ),
        plan(
            "decimal",
            |item| item.price == decimal("97"),
            |items| items.filter(Item::F.price.eq(decimal("97.0"))),
        ),
        plan(
            "greater than a decimal",
            |item| item.price > decimal("900.5"),
            |items| items.filter(Item::F.price.gt(decimal("900.5"))),
        ),
        plan(
            "flag",
            |item| item.flag,
            |items| items.filter(Item::F.flag.eq(true)),
        ),
        plan(
            "before a time",
            |item| {
                item.seen_at
                    .is_some_and(|at| at < datetime("2023-08-12T11:00:00.000001Z"))
            },
            |items| items.filter(Item::F.seen_at.lt(datetime("2023-08-12T11:00:00.000001Z"))),
        ),
        plan(
            "year",
            |item| year(item).as_deref() == Some("2024"),
            |items| items.filter(Item::F.seen_at.year(2024)),
        ),
        plan(
            "no time, which is no filter of the server",
            |item| item.seen_at.is_none(),
            |items| items.filter(Item::F.seen_at.isnull(true)),
        ),
    ]
}

fn texts() -> Vec<Plan> {
    vec![
        plan(
            "text",
            |item| item.name == "zebra",
            |items| items.filter(Item::F.name.eq("zebra")),
        ),
        plan(
            "text that is not ASCII",
            |item| item.name == "日本酒",
            |items| items.filter(Item::F.name.eq("日本酒")),
        ),
        plan(
            "text in any case",
            |item| folded(item) == "zebra",
            |items| items.filter(Item::F.name.iexact("zEBRA")),
        ),
        plan(
            "umlauts in any case",
            |item| folded(item) == "äpfel",
            |items| items.filter(Item::F.name.iexact("äPFEL")),
        )
        .on_the_server(|item| folded_in_sql(item) == "äpfel"),
        plan(
            "part of a text in any case",
            |item| folded(item).contains("apfel 1"),
            |items| items.filter(Item::F.name.icontains("APFEL 1")),
        ),
        plan(
            "part of a text with umlauts in any case",
            |item| folded(item).contains("naïve"),
            |items| items.filter(Item::F.name.icontains("NAÏVE")),
        )
        .on_the_server(|item| folded_in_sql(item).contains("naÏve")),
        plan(
            "beginning, which is no filter of the server",
            |item| item.name.starts_with("Äp"),
            |items| items.filter(Item::F.name.startswith("Äp")),
        ),
        plan(
            "end in any case, which is no filter of the server",
            |item| folded(item).ends_with("ökonom"),
            |items| items.filter(Item::F.name.iendswith("öKONOM")),
        ),
        plan(
            "expression, which is no filter of the server",
            |item| item.name.starts_with("Zebra 1") || item.name.starts_with("zebra 1"),
            |items| items.filter(Item::F.name.regex("^[Zz]ebra 1")),
        ),
        plan(
            "texts",
            |item| matches!(&*item.kind, "toy" | "Tool"),
            |items| items.filter(Item::F.kind.in_(["toy", "Tool"])),
        ),
        plan(
            "texts with a comma",
            |item| matches!(&*item.kind, "toy" | "book,map"),
            |items| items.filter(Item::F.kind.in_(["toy", "book,map"])),
        ),
        plan(
            "a text with a comma",
            |item| item.kind == "book,map",
            |items| items.filter(Item::F.kind.eq("book,map")),
        ),
        plan(
            "empty text",
            |item| item.kind.is_empty(),
            |items| items.filter(Item::F.kind.eq("")),
        ),
    ]
}

fn trees() -> Vec<Plan> {
    vec![
        plan(
            "not equal keeps nulls",
            |item| item.rank != Some(8),
            |items| items.filter(Item::F.rank.ne(8)),
        ),
        plan(
            "exclude keeps nulls",
            |item| item.rank.is_none_or(|rank| rank <= 3),
            |items| items.exclude(Item::F.rank.gt(3)),
        ),
        plan(
            "exclude of two conditions",
            |item| !(item.flag && item.rank == Some(8)),
            |items| items.exclude(Item::F.flag.eq(true) & Item::F.rank.eq(8)),
        ),
        plan(
            "exclude of null",
            |item| item.rank.is_some() && item.kind != "toy",
            |items| items.exclude(Item::F.rank.isnull(true) | Item::F.kind.eq("toy")),
        )
        .asked(|item| item.rank.is_some()),
        plan(
            "equalities joined by or",
            |item| matches!(item.rank, Some(8 | -1 | 12)),
            |items| items.filter(Item::F.rank.eq(8) | Item::F.rank.eq(-1) | Item::F.rank.eq(12)),
        ),
        plan(
            "or of two fields",
            |item| item.rank.is_none() || folded(item) == "äpfel",
            |items| items.filter(Item::F.rank.isnull(true) | Item::F.name.iexact("ÄPFEL")),
        ),
        plan(
            "two values of one parameter",
            |_| false,
            |items| {
                items
                    .filter(Item::F.kind.eq("toy"))
                    .filter(Item::F.kind.eq("tool"))
            },
        )
        .asked(|item| item.kind == "toy"),
        plan(
            "a filter of the server and one that it lacks",
            |item| item.flag && item.kind.to_lowercase().contains("too"),
            |items| items.filter(Item::F.flag.eq(true) & Item::F.kind.icontains("TOO")),
        )
        .asked(|item| item.flag),
        plan(
            "a tree",
            |item| {
                (item.kind == "toy" || item.rank.is_none_or(|rank| rank <= 3))
                    && item.price < decimal("500")
            },
            |items| {
                items.filter(
                    (Item::F.kind.eq("toy") | !Item::F.rank.gt(3))
                        & Item::F.price.lt(decimal("500")),
                )
            },
        )
        .asked(|item| item.price < decimal("500")),
        plan(
            "a deeper tree",
            |item| !((item.flag || item.rank.is_none()) && item.kind != "tool"),
            |items| {
                items.filter(
                    !((Item::F.flag.eq(true) | Item::F.rank.isnull(true))
                        & !Item::F.kind.eq("tool")),
                )
            },
        ),
    ]
}

fn orders() -> Vec<Plan> {
    vec![
        plan(
            "down",
            |_| true,
            |items| items.order_by([Item::F.id.desc()]),
        )
        .order(|a, b| b.id.cmp(&a.id)),
        plan(
            "decimals up",
            |_| true,
            |items| items.order_by([Item::F.price.asc()]),
        )
        .order(|a, b| a.price.cmp(&b.price)),
        plan(
            "nulls and ties up",
            |_| true,
            |items| items.order_by([Item::F.rank.asc(), Item::F.id.asc()]),
        )
        .order(|a, b| (a.rank, a.id).cmp(&(b.rank, b.id))),
        plan(
            "nulls and ties down",
            |item| !item.flag,
            |items| {
                items
                    .filter(Item::F.flag.eq(false))
                    .order_by([Item::F.rank.desc(), Item::F.id.asc()])
            },
        )
        .order(|a, b| b.rank.cmp(&a.rank).then(a.id.cmp(&b.id))),
        plan(
            "names down, ties up",
            |item| item.id() < 60,
            |items| {
                items
                    .filter(Item::F.id.lt(60))
                    .order_by([Item::F.name.desc(), Item::F.id.asc()])
            },
        )
        .order(|a, b| b.name.cmp(&a.name).then(a.id.cmp(&b.id))),
        plan(
            "a key that the server drops, and one that it knows",
            |item| item.rank != Some(8),
            |items| {
                items
                    .exclude(Item::F.rank.eq(8))
                    .order_by([Item::F.kind.asc(), Item::F.id.desc()])
            },
        )
        .order(|a, b| a.kind.cmp(&b.kind).then(b.id.cmp(&a.id))),
        plan(
            "times, which are no order of the server",
            |_| true,
            |items| items.order_by([Item::F.seen_at.desc(), Item::F.id.desc()]),
        )
        .order(|a, b| (b.seen_at, b.id).cmp(&(a.seen_at, a.id))),
        plan(
            "an order turned",
            |item| item.flag,
            |items| {
                items
                    .filter(Item::F.flag.eq(true))
                    .order_by([Item::F.rank.asc(), Item::F.id.desc()])
                    .reverse()
            },
        )
        .order(|a, b| b.rank.cmp(&a.rank).then(a.id.cmp(&b.id))),
        plan(
            "no order turned",
            |item| item.kind == "tool",
            |items| items.filter(Item::F.kind.eq("tool")).reverse(),
        )
        .order(|a, b| b.id.cmp(&a.id)),
    ]
}

fn slices() -> Vec<Plan> {
    vec![
        plan("the first rows", |_| true, |items| items.all().limit(7)).slice(0..7),
        plan("across pages", |_| true, |items| items.all().range(15..55)).slice(15..55),
        plan("to the end", |_| true, |items| items.all().offset(119)).slice(119..130),
        plan("beyond the end", |_| true, |items| items.all().offset(200)).slice(200..300),
        plan(
            "a slice of a slice",
            |_| true,
            |items| items.all().range(10..90).range(15..100).limit(30),
        )
        .slice(25..55),
        plan(
            "a slice of a filter",
            |item| !item.flag,
            |items| items.filter(Item::F.flag.eq(false)).range(30..50),
        )
        .slice(30..50),
        plan(
            "a slice of what the first page does not show",
            |item| item.id() < 65,
            |items| items.filter(Item::F.id.lt(65)).offset(50),
        )
        .slice(50..130),
        plan(
            "a slice of a condition that no query string can say",
            |item| item.rank != Some(8),
            |items| items.exclude(Item::F.rank.eq(8)).range(35..45),
        )
        .slice(35..45),
        plan(
            "a slice of an order",
            |item| item.rank.is_some_and(|rank| rank >= 3),
            |items| {
                items
                    .filter(Item::F.rank.gte(3))
                    .order_by([Item::F.rank.desc(), Item::F.id.asc()])
                    .range(15..40)
            },
        )
        .order(|a, b| b.rank.cmp(&a.rank).then(a.id.cmp(&b.id)))
        .slice(15..40),
        plan(
            "the first rows of an order that the server drops",
            |_| true,
            |items| {
                items
                    .order_by([Item::F.kind.desc(), Item::F.id.asc()])
                    .limit(30)
            },
        )
        .order(|a, b| b.kind.cmp(&a.kind).then(a.id.cmp(&b.id)))
        .slice(0..30),
        plan(
            "a slice of no order turned",
            |_| true,
            |items| items.all().reverse().range(10..25),
        )
        .order(|a, b| b.id.cmp(&a.id))
        .slice(10..25),
    ]
}
