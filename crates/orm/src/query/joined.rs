//! Filters that cross a relation: the server's where it takes them, else a semi-join. The related rows are asked for first, then
//! the rows that point at them.

use std::sync::Arc;

use django_api_orm_core::{
    Error, ErrorKind, Q, Result,
    lookup::Lookup,
    plan::{Order, Plan},
    relation::{Reference, Relation},
    semi_join::{self, Crossing, behind, crossings, replaced, said_of_one},
};
use serde_json::Value;

use super::{collection::Collection, walk::Walk};

/// A relation that filters may cross.
#[derive(Clone, Debug)]
pub struct Join {
    /// How filters begin that cross it.
    pub head: String,
    /// The relation: that of the rows, or that of the related rows which point back.
    pub relation: Arc<Relation>,
    /// The related rows, with the relations that filters may cross from there.
    pub rows: Collection,
    /// A row may have several related ones.
    pub many: bool,
    /// The related rows point at the rows.
    pub back: bool,
}

impl Join {
    /// Where a row has what the related rows are known by.
    fn is_one_of(&self) -> String {
        match (self.back, self.many) {
            (true, _) => self.relation.target().primary_key().to_owned(),
            (false, true) => format!("{}__id", self.head),
            (false, false) => self.head.clone(),
        }
    }

    /// The values by which rows know the related rows that the lookup holds for.
    async fn values(&self, crossing: &Crossing) -> Result<Vec<Value>> {
        let plan = Plan::all().filter(Q::Lookup(crossing.rest.clone()));
        let rows = Box::pin(Walk::new(self.rows.clone(), plan).collect()).await?;
        let mut values = Vec::with_capacity(rows.len());
        for row in &rows {
            if !self.back {
                values.extend(row.key(self.relation.to_field()));
                continue;
            }
            let key = self.relation.target().primary_key();
            for reference in self.relation.of(row)? {
                match reference {
                    Reference::Row(row) => values.extend(row.key(key)),
                    Reference::Key { by, value } if by == key => values.push(value),
                    Reference::Key { .. } => {
                        return Err(self.cannot(
                            crossing,
                            "the rows point back by another field than the key",
                        ));
                    }
                }
            }
        }
        Ok(values)
    }

    /// Why the lookup cannot be answered by a semi-join.
    ///
    /// `said` is everything that the condition says of one related row.
    fn refused(&self, crossing: &Crossing, said: &Q) -> Result<()> {
        let target = self.relation.target();
        let is_by_key = self.relation.to_field() == target.primary_key()
            && target.lookup_field() == target.primary_key();
        let why = if !is_by_key {
            "rows name the related ones by another field than the key"
        } else if self.is_ambiguous(said)? {
            "several conditions cross a relation to several rows, and may be meant for the same one"
        } else if self.many && crossing.holds_without {
            "it asks for what is null, across a relation to several rows"
        } else {
            return Ok(());
        };
        Err(self.cannot(crossing, why))
    }

    /// Whether two parts of this may be meant for the same one of several rows, here or behind further relations.
    fn is_ambiguous(&self, said: &Q) -> Result<bool> {
        if self.many {
            return Ok(semi_join::is_ambiguous(said));
        }
        for join in self.rows.joins_of(&Plan::all().on(said.clone()))? {
            if join.is_ambiguous(&said_of_one(said, &join.head))? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn cannot(&self, crossing: &Crossing, why: &str) -> Error {
        Error::unsupported(format!(
            "`{}` cannot be answered by asking for the rows of `{}` first: {why}; filter these first, and then by their keys",
            crossing.lookup.parameter(),
            self.rows.model().name()
        ))
    }
}

fn is_crossed(plan: &Plan, head: &str) -> bool {
    let mut order = plan.order().iter();
    order.any(|order| behind(&order.path, head).is_some())
        || !crossings(plan.condition(), head).is_empty()
}

impl Collection {
    /// The same, whose filters may cross these relations and no others.
    #[must_use]
    pub fn with_joins(mut self, joins: Vec<Join>) -> Self {
        self.joins = Some(joins.into());
        self
    }

    /// Whether the plan may cross a relation.
    pub(super) fn crosses(&self, plan: &Plan) -> bool {
        match &self.joins {
            Some(joins) => joins.iter().any(|join| is_crossed(plan, &join.head)),
            None => (self.model().relations().iter()).any(|each| is_crossed(plan, each.head())),
        }
    }

    /// The relations that an order crosses.
    pub(super) fn joins_of_order(&self, order: &[Order]) -> Result<Vec<Join>> {
        self.joins_of(&Plan::all().order_by(order.to_vec()))
    }

    /// The relations that the plan crosses.
    fn joins_of(&self, plan: &Plan) -> Result<Vec<Join>> {
        self.joins_whose(|head| is_crossed(plan, head))
    }

    /// The relation that paths cross which begin so.
    pub(super) fn join_at(&self, head: &str) -> Result<Option<Join>> {
        Ok(self.joins_whose(|other| other == head)?.pop())
    }

    /// Whether there is such a relation.
    pub(super) fn has_join_at(&self, head: &str) -> bool {
        match &self.joins {
            Some(joins) => joins.iter().any(|join| join.head == head),
            None => (self.model().relations().iter()).any(|each| each.head() == head),
        }
    }

    /// The relations that paths cross which begin as this says.
    fn joins_whose(&self, is_meant: impl Fn(&str) -> bool) -> Result<Vec<Join>> {
        if let Some(joins) = &self.joins {
            let meant = joins.iter().filter(|join| is_meant(&join.head));
            return Ok(meant.cloned().collect());
        }
        let declared = self.model().relations().iter();
        let meant = declared.filter(|each| is_meant(each.head()));
        meant
            .map(|declared| {
                let mut rows = Self::new(self.client()?, Arc::clone(declared.related()));
                rows.policy = self.policy.clone();
                Ok(Join {
                    head: declared.head().to_owned(),
                    relation: Arc::new(declared.relation()),
                    rows,
                    many: declared.is_to_many(),
                    back: declared.is_back(),
                })
            })
            .collect()
    }

    /// The plan with the keys of related rows in place of filters that cross a relation and that the server does not take.
    pub(super) async fn joined(&self, plan: &Plan) -> Result<Plan> {
        if !self.crosses(plan) {
            return Ok(plan.clone());
        }
        let mut condition = plan.condition().clone();
        for join in self.joins_of(plan)?.iter() {
            let said = said_of_one(plan.condition(), &join.head);
            for crossing in &crossings(&condition, &join.head) {
                if crossing.must_hold && self.takes(&crossing.lookup).await? {
                    continue;
                }
                join.refused(crossing, &said)?;
                let values = join.values(crossing).await?;
                let instead = crossing.joined(&join.head, &join.is_one_of(), values);
                condition = replaced(&condition, &|lookup: &Lookup| {
                    (*lookup == crossing.lookup).then(|| instead.clone())
                });
            }
        }
        Ok(plan.clone().on(condition))
    }

    /// Whether the server is known to take the filter; it is tried once where that is not known.
    async fn takes(&self, lookup: &Lookup) -> Result<bool> {
        if self.policy.trusts_server() {
            return Ok(true);
        }
        if let Some(known) = self.is_known_to_take(lookup)? {
            return Ok(known);
        }
        let alone = Plan::all().filter(Q::Lookup(lookup.clone())).limit(1);
        let without = self.clone().with_joins(Vec::new());
        match Box::pin(Walk::new(without, alone).collect()).await {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.kind(), ErrorKind::Unsupported | ErrorKind::Ignored) => {
                self.learn(|known| known.learn_parameter(&lookup.parameter(), false))?;
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    fn is_known_to_take(&self, lookup: &Lookup) -> Result<Option<bool>> {
        let parameter = lookup.parameter();
        if let Some(declared) = self.model().filters() {
            return Ok(Some(declared.contains(&parameter)));
        }
        self.know(|known| known.honours(&parameter))
    }

    /// The plan as far as it can be told before anything is sent, and what is asked of related rows first.
    pub(super) fn joins_explained(&self, plan: &Plan) -> Result<(Plan, Vec<String>)> {
        let mut condition = plan.condition().clone();
        let mut notes = Vec::new();
        for join in self.joins_of(plan)?.iter() {
            for crossing in crossings(&condition, &join.head) {
                let known = match crossing.must_hold {
                    true => self.is_known_to_take(&crossing.lookup)?,
                    false => Some(false),
                };
                if known == Some(true) {
                    continue;
                }
                let unless = match known {
                    None => "unless the server is seen to take it, ",
                    Some(_) => "",
                };
                notes.push(format!(
                    "{}: {unless}the rows of `{}` are asked for first, at `{}`, and then `{}__in` with their keys",
                    crossing.lookup.parameter(),
                    join.rows.model().name(),
                    join.rows.model().endpoint(),
                    join.is_one_of()
                ));
                if known == Some(false) {
                    condition = replaced(&condition, &|lookup: &Lookup| {
                        (*lookup == crossing.lookup).then_some(Q::All)
                    });
                }
            }
        }
        for join in self.joins_of_order(plan.order())?.iter() {
            let across = |order: &&Order| behind(&order.path, &join.head).is_some();
            for order in plan.order().iter().filter(across) {
                let known = self.know(|known| known.orders_by(&order.path))?;
                let unless = match known {
                    Some(true) => continue,
                    Some(false) => "",
                    None => "unless the server is seen to sort by it, ",
                };
                notes.push(format!(
                    "ordering by {}: {unless}the rows of `{}` that the rows point at are asked for, at `{}`, and the rows are sorted \
                     client-side",
                    order.path,
                    join.rows.model().name(),
                    join.rows.model().endpoint(),
                ));
            }
        }
        Ok((plan.clone().on(condition), notes))
    }
}
