//! What a query will do, told before anything is sent: what the server is asked, what is evaluated here, what it costs.

use std::fmt;

use crate::{
    dialect::Compiled,
    filter::Q,
    knowledge::Knowledge,
    lookup::Lookup,
    model::ModelMeta,
    page::{Pagination, Style},
    plan::{Plan, Range},
    policy::{OnIgnored, Policy},
};

/// The account of a query, from `QuerySet::explain()`. Its `Display` is for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explain {
    endpoint: String,
    query: Vec<(String, String)>,
    local: Vec<String>,
    checked: Vec<String>,
    unseen: Vec<String>,
    trusted: bool,
    sorting: Sorting,
    range: Range,
    empty: bool,
    proofs: u64,
    may_lose_nulls: bool,
    style: Option<Style>,
    page_size: Option<u64>,
    everything: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sorting {
    AsTheyCome,
    Server,
    Here,
}

impl Explain {
    /// Explains a compiled plan, with what is known of the endpoint so far.
    #[must_use]
    pub fn new(
        plan: &Plan,
        compiled: &Compiled,
        model: &ModelMeta,
        known: &Knowledge,
        policy: &Policy,
    ) -> Self {
        let range = plan.range();
        let trusted = policy.on_ignored == OnIgnored::Trust;
        let sorting = match (plan.order().is_empty(), compiled.order_pushed) {
            (true, _) if plan.is_reversed() => Sorting::Here,
            (true, _) => Sorting::AsTheyCome,
            (false, true) => Sorting::Server,
            (false, false) => Sorting::Here,
        };
        let declared = model.pagination();
        let style = declared.map(Pagination::style).or(known.style);
        let local = compiled.residual != Q::All || sorting == Sorting::Here;
        let mut proofs = 0;
        if sorting == Sorting::Server && range != Range::ALL && !trusted {
            proofs += 2 * compiled
                .order
                .iter()
                .filter(|order| known.orders_by(&order.path).is_none())
                .count() as u64;
        }
        // Where there is no count, nothing is proven by one.
        let counts = known.counts.unwrap_or(!matches!(
            style,
            Some(Style::Cursor | Style::Link | Style::None)
        ));
        if range.offset > 0 && counts && !local && !trusted {
            let unproven = compiled
                .guards
                .iter()
                .filter(|guard| known.honours(&guard.parameter()) != Some(true))
                .count();
            proofs += if unproven == 0 {
                0
            } else {
                1 + unproven as u64
            };
        }
        if plan.search_words().is_some() && known.searches.is_none() && !trusted {
            proofs += 2;
        }
        let is_unseen = |guard: &&Lookup| {
            !model.fields().is_empty()
                && !model
                    .fields()
                    .iter()
                    .any(|field| field.read_as() == guard.root())
        };
        let (unseen, checked): (Vec<&Lookup>, Vec<&Lookup>) =
            compiled.guards.iter().partition(is_unseen);
        let names = |lookups: Vec<&Lookup>| lookups.iter().map(ToString::to_string).collect();
        let unseen = unseen
            .into_iter()
            .filter(|guard| {
                model.filters().is_none() && known.honours(&guard.parameter()) != Some(true)
            })
            .collect();
        let asked = declared
            .and_then(Pagination::page_size)
            .or(policy.page_size);
        let page_size = match style {
            Some(Style::None) => None,
            Some(Style::LimitOffset) => {
                let wanted = if local { None } else { range.limit };
                let asked = match (asked, wanted) {
                    (Some(asked), Some(wanted)) => Some(asked.min(wanted)),
                    (asked, wanted) => asked.or(wanted),
                };
                match (asked, known.size_cap) {
                    (Some(asked), Some(cap)) => Some(asked.min(cap)),
                    // What is more than the server's own size it may cut down.
                    (Some(asked), None) => {
                        known.page_size.filter(|own| asked <= *own).and(Some(asked))
                    }
                    (None, _) => known.page_size,
                }
            }
            _ => known.page_size,
        };
        Self {
            endpoint: model.endpoint().to_owned(),
            query: compiled.pairs.clone(),
            local: compiled.notes.clone(),
            checked: names(checked),
            unseen: names(unseen),
            trusted,
            sorting,
            range,
            empty: compiled.empty || range.limit == Some(0),
            proofs,
            may_lose_nulls: style == Some(Style::Cursor)
                && sorting == Sorting::Server
                && !trusted
                && compiled
                    .order
                    .first()
                    .is_some_and(|order| order.path != model.primary_key()),
            style,
            page_size: page_size.filter(|size| *size > 0),
            everything: local,
        }
    }

    /// The query parameters that the server is sent, pagination left out.
    #[must_use]
    pub fn pushed(&self) -> &[(String, String)] {
        &self.query
    }

    /// What is evaluated here, and why; a sentence each. Empty when the server is asked for everything.
    #[must_use]
    pub fn local(&self) -> &[String] {
        &self.local
    }

    /// The lookups that the server is sent and that every row is checked against.
    #[must_use]
    pub fn checked(&self) -> &[String] {
        if self.trusted { &[] } else { &self.checked }
    }

    /// How many requests it takes to read the whole answer, if the server has `rows` rows for what it is sent and does as
    /// asked. `None` while the size of its pages is not known, which the first answer shows; where reading stops as soon as
    /// enough rows have been found here; where a cursor has to be kept from losing the nulls of an order; and where it has to
    /// be seen first whether the server looks at a filter on what is no field of the model.
    #[must_use]
    pub fn requests(&self, rows: u64) -> Option<u64> {
        if self.empty {
            return Some(0);
        }
        let (first, last) = match self.range {
            _ if self.everything => (0, rows),
            Range { offset, limit } => (
                offset.min(rows),
                limit.map_or(rows, |limit| (offset + limit).min(rows)),
            ),
        };
        let wanted = last - first;
        let pages = match self.style {
            Some(Style::None) => 1,
            Some(Style::LimitOffset) if first > 0 && !self.everything => {
                wanted.div_ceil(self.page_size?).max(1)
            }
            Some(Style::PageNumber) if first > 0 && !self.everything => {
                let size = self.page_size?;
                if wanted == 0 {
                    // A page that is not there is asked for in vain.
                    let last_page = rows.saturating_sub(1) / size;
                    1 + u64::from(self.range.offset / size > last_page)
                } else {
                    (last - 1) / size - first / size + 1
                }
            }
            _ if rows <= 1 => 1,
            _ => last.div_ceil(self.page_size?).max(1),
        };
        let stops_early =
            self.everything && self.range.limit.is_some() && self.sorting != Sorting::Here;
        if pages > 1 && (stops_early || self.may_lose_nulls) {
            return None;
        }
        if rows > 0 && !self.unseen.is_empty() && !self.trusted {
            return None;
        }
        Some(self.proofs + pages)
    }
}

impl fmt::Display for Explain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.empty {
            return write!(f, "nothing is sent: no row can satisfy the query");
        }
        write!(f, "GET {}", self.endpoint)?;
        for (index, (name, value)) in self.query.iter().enumerate() {
            write!(f, "{}{name}={value}", if index == 0 { '?' } else { '&' })?;
        }
        for checked in self.checked() {
            write!(f, "\n  checked on every row: {checked}")?;
        }
        if !self.trusted {
            for unseen in &self.unseen {
                write!(
                    f,
                    "\n  no field of the model, so believed only once the server is seen to look at it: {unseen}"
                )?;
            }
        }
        if self.trusted {
            f.write_str("\n  nothing that the server is sent is checked")?;
        }
        for local in &self.local {
            write!(f, "\n  {local}")?;
        }
        match self.sorting {
            Sorting::AsTheyCome => {}
            Sorting::Server if self.may_lose_nulls => f.write_str(
                "\n  sorted by the server, or here if there are nulls, which its cursor would lose",
            )?,
            Sorting::Server => f.write_str("\n  sorted by the server")?,
            Sorting::Here => f.write_str("\n  put in order here, after every page was read")?,
        }
        if self.range != Range::ALL {
            let Range { offset, limit } = self.range;
            let end = limit
                .map(|limit| (offset + limit).to_string())
                .unwrap_or_default();
            let by = if self.everything {
                "counted here"
            } else {
                "asked of the server"
            };
            write!(f, "\n  rows [{offset}:{end}], {by}")?;
        }
        f.write_str("\n  requests: ")?;
        if self.proofs > 0 {
            write!(f, "{} to see what the server honours, then ", self.proofs)?;
        }
        match (self.style, self.range.limit, self.page_size) {
            (Some(Style::None), ..) => f.write_str("1"),
            (_, Some(limit), Some(size)) if !self.everything && limit <= size => f.write_str("1"),
            (_, _, Some(size)) => write!(f, "1 for every {size} rows"),
            _ => f.write_str("1 for every page"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{dialect::Dialect, lookup::Lookup, plan::Order};

    fn explain(plan: &Plan, known: &Knowledge) -> Explain {
        let model = ModelMeta::new("User", "/users/");
        let compiled = Dialect::default().compile(plan, &model, known).unwrap();
        Explain::new(plan, &compiled, &model, known, &Policy::default())
    }

    fn known(style: Style, page_size: u64) -> Knowledge {
        let mut known = Knowledge::default();
        known.style = Some(style);
        known.page_size = Some(page_size);
        known
    }

    fn limit_offset() -> Knowledge {
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
             NOT role=\"admin\": evaluated here, the query string has no OR and no NOT\n  \
             sorted by the server\n  \
             rows [0:10], counted here\n  \
             requests: 2 to see what the server honours, then 1 for every 100 rows"
        );
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
        assert_eq!(requests(Style::None), Some(1));
        assert_eq!(requests(Style::Cursor), Some(1));
        assert_eq!(requests(Style::LimitOffset), Some(3));
    }
}
