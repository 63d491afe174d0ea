//! What a query will do, told before anything is sent: its strategy, in words and in requests.

mod related;

use std::fmt;

pub use related::{ExplainRelated, Whole};

use crate::{
    dialect::Dialect,
    lookup::Lookup,
    model::ModelMeta,
    plan::Range,
    strategy::{Sorting, Strategy},
};

/// The account of a query, from `QuerySet::explain()`. Its `Display` is for people.
///
/// It prints the [`Strategy`] that the query carries out, and derives nothing of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explain {
    endpoint: String,
    strategy: Strategy,
    checked: Vec<String>,
    asks_first: bool,
    related: Vec<ExplainRelated>,
}

impl Explain {
    /// Explains how the rows behind an endpoint will be read.
    #[must_use]
    pub fn new(endpoint: &str, strategy: Strategy) -> Self {
        let is_checked = |guard: &&Lookup| {
            !strategy.unseen.contains(guard) && !strategy.shown_otherwise.contains(guard)
        };
        let checked = strategy.guards.iter().filter(is_checked);
        Self {
            endpoint: endpoint.to_owned(),
            checked: checked.map(ToString::to_string).collect(),
            strategy,
            asks_first: false,
            related: Vec::new(),
        }
    }

    /// The same, with the parameters as this dialect sends them.
    #[must_use]
    pub fn spelt_by(mut self, dialect: &Dialect, model: &ModelMeta) -> Self {
        let pairs = std::mem::take(&mut self.strategy.pairs).into_iter();
        self.strategy.pairs = pairs.flat_map(|pair| dialect.sent(pair, model)).collect();
        self
    }

    /// Says what is asked first, for what comes then. How many requests that takes depends on the answers.
    #[must_use]
    pub fn after(mut self, first: Vec<String>) -> Self {
        self.asks_first = !first.is_empty();
        self.strategy.notes.extend(first);
        self
    }

    /// The query parameters that the server is sent, pagination left out.
    #[must_use]
    pub fn pushed(&self) -> &[(String, String)] {
        &self.strategy.pairs
    }

    /// What is evaluated client-side, and why; a sentence each. Empty when the server is asked for everything.
    #[must_use]
    pub fn local(&self) -> &[String] {
        &self.strategy.notes
    }

    /// The lookups that the server is sent and that every row is checked against.
    #[must_use]
    pub fn checked(&self) -> &[String] {
        &self.checked
    }

    /// How many requests it takes to read the whole answer, if the server has `rows` rows for what it is sent (and some without
    /// it), does as asked, ignores what it does not know, and the probes show that it does. An order that it is sent and turns out to
    /// ignore costs nothing more where every row is wanted. Where a filter that is probed leaves out so few rows that they may have
    /// been added between two requests, one request more is made.
    ///
    /// Related rows that are read with the rows are counted by [`requests_with`](Self::requests_with).
    ///
    /// `None` where the number depends on something that is not known yet:
    ///
    /// * the size of its pages, and whether its paginator can jump: the first answer shows that;
    /// * whether an answer is empty because the server takes the size of a page for a filter;
    /// * whether a page of which nothing tells it is the last one, until a probe has shown that;
    /// * how many rows have to be read until enough of them satisfy what is evaluated client-side;
    /// * whether an order has nulls, which a cursor would lose;
    /// * how many related rows a filter holds for, where these are asked for first;
    /// * whether the server looks at a filter on what is not a field of the model, or is shown in another form;
    /// * whether rows show a text, or a number or time with digits, which is evaluated client-side, as the server filters by it;
    /// * where nothing comes, whether a server knows a filter or an order that has no row for what it does not know.
    #[must_use]
    pub fn requests(&self, rows: u64) -> Option<u64> {
        if self.asks_first {
            return None;
        }
        self.strategy.requests(rows)
    }

    /// How many of these requests come first, to see what the server honours. They are made once for each endpoint, as long as
    /// the answers show it.
    #[must_use]
    pub fn probes(&self) -> u64 {
        self.strategy.requests_of_all_probes()
    }
}

impl fmt::Display for Explain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let strategy = &self.strategy;
        if strategy.is_empty {
            return write!(f, "nothing is sent: no row can satisfy the query");
        }
        write!(f, "GET {}", self.endpoint)?;
        for (index, (name, value)) in strategy.pairs.iter().enumerate() {
            write!(f, "{}{name}={value}", if index == 0 { '?' } else { '&' })?;
        }
        for checked in &self.checked {
            write!(f, "\n  checked on every row: {checked}")?;
        }
        if !self.checked.is_empty() {
            f.write_str("\n  where a row does not satisfy it, or does not tell, a probe shows whether the server uses it")?;
        }
        for unseen in &strategy.unseen {
            write!(
                f,
                "\n  not shown by the rows, so trusted only once a probe shows that the server uses it: {unseen}"
            )?;
        }
        for guard in &strategy.shown_otherwise {
            write!(
                f,
                "\n  shown by the rows in another form, so left to the server, which was seen to use it: {guard}"
            )?;
        }
        if strategy.trusts {
            f.write_str("\n  nothing that the server does is checked on the rows")?;
        }
        for note in &strategy.notes {
            write!(f, "\n  {note}")?;
        }
        let doubts = [
            (
                [
                    &strategy.doubted_forms,
                    &strategy.doubted_digits,
                    &strategy.doubted_integers,
                ]
                .iter()
                .all(|doubts| doubts.is_empty()),
                "whether they show values as the server filters by them",
            ),
            (
                strategy.doubted_collations.is_empty(),
                "how it compares texts that differ in case, in accents or in their order alone",
            ),
        ];
        let doubts: Vec<&str> = (doubts.iter())
            .filter_map(|(is_none, doubt)| (!is_none).then_some(*doubt))
            .collect();
        if !doubts.is_empty() {
            let doubts = doubts.join(", and ");
            write!(
                f,
                "\n  where rows raise the doubt, a probe shows first {doubts}"
            )?;
        }
        self.fmt_sorting(f)?;
        if !(strategy.probes_on_doubt.is_empty() && strategy.doubted_keys.is_empty()) {
            f.write_str("\n  where rows raise a doubt about the order, probes settle it")?;
        }
        if strategy.range != Range::ALL {
            let Range { offset, limit } = strategy.range;
            let end = limit
                .map(|limit| (offset + limit).to_string())
                .unwrap_or_default();
            let by = if offset > 0 && !strategy.jumps || strategy.reads_on() {
                "counted client-side"
            } else {
                "asked of the server"
            };
            write!(f, "\n  rows [{offset}:{end}], {by}")?;
        }
        self.fmt_requests(f)?;
        for related in &self.related {
            write!(f, "\n  {}: {}", related.name(), related.how())?;
        }
        Ok(())
    }
}

impl Explain {
    fn fmt_sorting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.strategy.sorting {
            Sorting::AsTheyCome => "",
            Sorting::Client => "\n  sorted client-side, once every page has been read",
            Sorting::Backwards => "\n  reversed client-side, once every page has been read",
            Sorting::Server { .. } if self.strategy.may_lose_nulls() => {
                "\n  sorted by the server, or client-side if there are nulls, which its cursor would lose"
            }
            Sorting::Server { watched: true } if self.strategy.range == Range::ALL => {
                "\n  sorted by the server; if its rows show that it does not, client-side, without reading a page twice"
            }
            Sorting::Server { .. } => "\n  sorted by the server",
        })
    }

    fn fmt_requests(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let strategy = &self.strategy;
        f.write_str("\n  requests: ")?;
        let probes = self.probes();
        if probes > 0 {
            write!(f, "{probes} to see what the server honours, then ")?;
        }
        if let Some(parts) = &strategy.parts {
            return write!(f, "1 for every page of each of {} parts", parts.count());
        }
        match (strategy.range.limit, strategy.page_size()) {
            _ if strategy.is_one_page() => f.write_str("1"),
            (Some(limit), Some(size)) if !strategy.reads_on() && limit <= size => f.write_str("1"),
            (_, Some(size)) => write!(f, "1 for every {size} rows"),
            _ => f.write_str("1 for every page"),
        }?;
        if strategy.doubts_sizes() {
            f.write_str(", and 1 more where a first page of a size that was asked for is empty")?;
        }
        match strategy.doubts_end() {
            Some(0) => f.write_str(
                ", and up to 5 more, once, if nothing tells whether the first page is the last one",
            )?,
            Some(whole) => write!(
                f,
                ", and up to 5 more, once, if more than {whole} rows come"
            )?,
            None => {}
        }
        if !strategy.probes_if_empty.is_empty() {
            f.write_str("; if nothing comes, probes show whether the server knows the parameters")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{
        dialect::Dialect,
        filter::Q,
        knowledge::Knowledge,
        lookup::Lookup,
        model::ModelMeta,
        page::Style,
        plan::{Order, Plan},
        policy::Policy,
        strategy::{Aim, Findings, Given},
    };

    pub(super) fn explain(plan: &Plan, known: &Knowledge) -> Explain {
        let given = Given {
            dialect: &Dialect::default(),
            model: &ModelMeta::new("User", "/users/"),
            known,
            findings: &Findings::default(),
            policy: &Policy::default(),
        };
        Explain::new("/users/", Strategy::new(plan, Aim::Rows, &given).unwrap())
    }

    fn known(style: Style, page_size: u64) -> Knowledge {
        let mut known = Knowledge::default();
        known.style = Some(style);
        known.page_size = Some(page_size);
        known
    }

    pub(super) fn limit_offset() -> Knowledge {
        known(Style::LimitOffset, 100)
    }

    #[test]
    fn reads_well() {
        let q = |name: &str, value| Q::Lookup(Lookup::parse(name, value));
        let plan = Plan::all()
            .filter(q("age__gte", json!(18)))
            .exclude(q("role", json!("admin")))
            .order_by(vec![Order::parse("-name")])
            .limit(10);
        assert_eq!(
            explain(&plan, &limit_offset()).to_string(),
            "GET /users/?age__gte=18&ordering=-name\n  \
             checked on every row: age__gte=18\n  \
             where a row does not satisfy it, or does not tell, a probe shows whether the server uses it\n  \
             NOT role=\"admin\": evaluated client-side, the query string has no OR and no NOT\n  \
             where rows raise the doubt, a probe shows first whether they show values as the server filters by them, and how it compares texts that differ in case, in accents or in their order alone\n  \
             sorted by the server\n  \
             where rows raise a doubt about the order, probes settle it\n  \
             rows [0:10], counted client-side\n  \
             requests: 2 to see what the server honours, then 1 for every 100 rows; if nothing comes, probes show whether the server \
             knows the parameters"
        );
    }

    #[test]
    fn names_the_probes_that_may_be_made() {
        let told = |plan: &Plan, known: &Knowledge| explain(plan, known).to_string();
        let q = |name: &str, value| Q::Lookup(Lookup::parse(name, value));
        let status = Plan::all().filter(q("status", json!("A")));
        let by_name = Plan::all().order_by(vec![Order::parse("name")]);
        let mut known = limit_offset();
        for (plan, says) in [
            (&status, "a probe shows whether the server uses it"),
            (&by_name, "a doubt about the order, probes settle it"),
        ] {
            assert!(told(plan, &known).contains(says), "{plan:?}");
            assert!(!told(&Plan::all(), &known).contains("probe"));
        }
        known.learn_form("status", false);
        assert!(!told(&status, &known).contains("whether the server uses it"));
    }

    #[test]
    fn counts_requests() {
        let offset = limit_offset();
        assert_eq!(explain(&Plan::all(), &offset).requests(250), Some(3));
        assert_eq!(explain(&Plan::all(), &offset).requests(0), Some(1));
        assert_eq!(
            explain(&Plan::all().limit(10), &offset).requests(250),
            Some(1)
        );
        assert_eq!(
            explain(&Plan::all().slice(40, Some(60)), &offset).requests(250),
            Some(1)
        );
        assert_eq!(
            explain(&Plan::all().slice(300, Some(310)), &offset).requests(250),
            Some(1)
        );
        assert_eq!(
            explain(&Plan::all().limit(0), &offset).requests(250),
            Some(0)
        );
        assert_eq!(
            explain(&Plan::all(), &Knowledge::default()).requests(250),
            None
        );
        let numbered = known(Style::PageNumber, 25);
        assert_eq!(
            explain(&Plan::all().slice(20, Some(30)), &numbered).requests(120),
            Some(2)
        );
        assert_eq!(
            explain(&Plan::all().slice(30, None), &numbered).requests(120),
            Some(4)
        );
        assert_eq!(
            explain(&Plan::all().slice(130, None), &numbered).requests(120),
            Some(2),
            "there is no sixth page"
        );
    }

    #[test]
    fn gives_no_number_where_the_rows_decide() {
        let requests = |plan: &Plan, known: &Knowledge| explain(plan, known).requests(250);
        let offset = limit_offset();
        assert_eq!(requests(&Plan::all().limit(150), &offset), None, "the cap");
        let mut capped = limit_offset();
        capped.size_cap = Some(100);
        assert_eq!(requests(&Plan::all().limit(150), &capped), Some(2));
        let not_seven = Plan::all().exclude(Q::Lookup(Lookup::parse("rank", json!(7))));
        assert_eq!(requests(&not_seven, &offset), Some(3));
        assert_eq!(requests(&not_seven.limit(10), &offset), None);
        let cursor = known(Style::Cursor, 100);
        let by = |key| Plan::all().order_by(vec![Order::parse(key)]);
        assert_eq!(requests(&by("-id"), &cursor), Some(3));
        assert_eq!(requests(&by("rank"), &cursor), None);
        assert_eq!(requests(&by("rank").limit(10), &cursor), Some(3));
    }

    #[test]
    fn filters_are_not_proven_where_nothing_counts() {
        let plan = Plan::all()
            .filter(Q::Lookup(Lookup::parse("rank", json!(7))))
            .offset(20);
        let requests = |style| explain(&plan, &known(style, 100)).requests(100);
        assert_eq!(requests(Style::None), None, "perhaps there are others");
        let mut whole = known(Style::None, 100);
        whole.whole = 100;
        assert_eq!(explain(&plan, &whole).requests(100), Some(1));
        assert_eq!(requests(Style::Cursor), Some(1));
        assert_eq!(requests(Style::LimitOffset), Some(3));
    }
}
