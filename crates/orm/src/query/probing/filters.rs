//! Whether the server honours a filter: what the rows prove, and what a probe has to show.

use django_api_orm_core::{
    OnIgnored, Result,
    lookup::Lookup,
    row::Row,
    strategy::{Probe, Strategy},
};

use super::{
    super::{
        check::{Checked, Picked, RowCheck},
        ignored,
    },
    Answer, Probing,
};

const WRONG_ROW: &str = "it sent a row that does not satisfy it";

impl Probing {
    pub(super) async fn filters(
        &mut self,
        probe: &Probe,
        strategy: &Strategy,
        guard: &Lookup,
    ) -> Result<bool> {
        let with = self.ask(&probe.with).await?;
        let Some(count) = with.count else {
            return Ok(false);
        };
        let Some(row) = with.first() else {
            return Ok(count == 0);
        };
        let mut check = RowCheck::new(strategy, &self.collection)?;
        let row = check.pick(row)?;
        if !self
            .satisfies(strategy, &mut check, &row, &with.rows)
            .await?
        {
            return Ok(false);
        }
        // What no row shows only the server can judge.
        if !check.can_evaluate(&guard.parameter(), &row) {
            return Ok(true);
        }
        let filters = self
            .ask(&probe.without)
            .await?
            .count
            .is_some_and(|without| without > count);
        if filters {
            self.collection
                .learn(|known| known.learn_parameter(&guard.parameter(), true))?;
        }
        Ok(filters)
    }

    /// Whether the first row of an answer speaks against none of the guards, so that its count can be that of the plan.
    pub(crate) async fn is_plausible(
        &mut self,
        strategy: &Strategy,
        answer: &Answer,
    ) -> Result<bool> {
        let Some(row) = answer.first() else {
            return Ok(answer.count == Some(0));
        };
        let mut check = RowCheck::new(strategy, &self.collection)?;
        let row = check.pick(row)?;
        self.satisfies(strategy, &mut check, &row, &answer.rows)
            .await
    }

    /// Whether a row speaks against none of the guards. Keeps it where it proves that one is ignored; a suspicion is left to
    /// the walk, which sees more rows.
    async fn satisfies(
        &mut self,
        strategy: &Strategy,
        check: &mut RowCheck,
        row: &Picked,
        rows: &[Row],
    ) -> Result<bool> {
        match check.check(row)? {
            Checked::Violates(parameters) => {
                for parameter in parameters {
                    if check.is_disproved(&parameter, rows)? {
                        self.is_ignored(&parameter)?;
                    }
                }
                Ok(false)
            }
            Checked::Unproven(parameters) => self.unseen(strategy, check, row, &parameters).await,
            _ => Ok(true),
        }
    }

    /// Whether the row, one of those of a page, belongs to the answer. Filters that the server turns out to ignore are evaluated
    /// by `check` from then on; those that it honours on what the rows show in another form are not evaluated any more.
    pub(crate) async fn check(
        &mut self,
        strategy: &Strategy,
        check: &mut RowCheck,
        row: &Picked,
        rows: &[Row],
    ) -> Result<Checked> {
        loop {
            match check.check(row)? {
                Checked::Violates(parameters) => {
                    let mut excluded = false;
                    for parameter in &parameters {
                        excluded |= self.is_violated(strategy, check, parameter, rows).await?;
                    }
                    if excluded {
                        return Ok(Checked::Excluded);
                    }
                }
                Checked::Unproven(parameters) => {
                    let mut disproved = false;
                    for parameter in &parameters {
                        if check.is_disproved(parameter, rows)? {
                            self.is_ignored(parameter)?;
                            check.ignore(parameter);
                            disproved = true;
                        }
                    }
                    if !disproved {
                        self.unseen(strategy, check, row, &parameters).await?;
                    }
                }
                checked => return Ok(checked),
            }
        }
    }

    /// A row does not satisfy a filter that the server was asked for: either it ignores the filter, which the rows or a probe
    /// prove, or the rows show the field in another form than the filter takes. Gives whether it ignores it.
    async fn is_violated(
        &mut self,
        strategy: &Strategy,
        check: &mut RowCheck,
        parameter: &str,
        rows: &[Row],
    ) -> Result<bool> {
        let known = self.collection.knowledge()?.honours(parameter);
        let mut guards = strategy.guards.iter();
        let guard = guards.find(|guard| guard.parameter() == *parameter);
        let honours = match (known, guard) {
            (Some(false), _) | (_, None) => false,
            _ if check.is_disproved(parameter, rows)? => false,
            // Honoured for other values it may be, and dropped for one that is no choice.
            (_, Some(guard)) => self.is_looked_at(strategy, guard).await?,
        };
        if let Some(guard) = guard.filter(|_| honours) {
            self.collection
                .learn(|known| known.learn_form(&guard.path, false))?;
            check.leave_to_server(&guard.path)?;
            return Ok(false);
        }
        self.is_ignored(parameter)?;
        check.ignore(parameter);
        Ok(true)
    }

    /// Keeps that the server ignores a filter, and with it what it does not know.
    fn is_ignored(&self, parameter: &str) -> Result<()> {
        self.collection
            .learn(|known| known.empties_unknown = Some(false))?;
        ignored::filter(&self.collection, parameter, WRONG_ROW)
    }

    /// Finds out whether the server looks at filters that the rows at hand do not show; `check` then believes it, or leaves
    /// rows out. Gives whether it looks at all of them.
    ///
    /// A filter that the model declares is believed.
    async fn unseen(
        &mut self,
        strategy: &Strategy,
        check: &mut RowCheck,
        row: &Picked,
        parameters: &[String],
    ) -> Result<bool> {
        let mut all = true;
        for parameter in parameters {
            let mut guards = strategy.guards.iter();
            let Some(guard) = guards.find(|guard| guard.parameter() == *parameter) else {
                continue;
            };
            let collection = &self.collection;
            if collection.model().filters().is_some()
                || collection.knowledge()?.honours(parameter) == Some(true)
                || self.is_looked_at(strategy, guard).await?
            {
                check.believe(parameter);
                continue;
            }
            check.ignore(parameter);
            if self.collection.policy.on_ignored != OnIgnored::Error {
                // What the client cannot finish either is an error, and nothing to warn of.
                check.check(row)?;
            }
            ignored::filter(&self.collection, parameter, WRONG_ROW)?;
            all = false;
        }
        Ok(all)
    }

    async fn is_looked_at(&mut self, strategy: &Strategy, guard: &Lookup) -> Result<bool> {
        let parameter = guard.parameter();
        let mut sent = strategy.pairs.iter();
        let Some((_, text)) = sent.find(|(name, _)| *name == parameter) else {
            return Ok(false);
        };
        let probe = Probe::looks_at(guard, text, &strategy.extra, &self.findings);
        // One probe needs another at most: boxed, as the compiler cannot see that.
        Box::pin(self.run(strategy, &probe)).await
    }

    /// Costs one request; up to three where the first does not tell.
    pub(super) async fn looks_at(
        &mut self,
        probe: &Probe,
        strategy: &Strategy,
        guard: &Lookup,
    ) -> Result<bool> {
        let looks = match self.ask(&probe.with).await {
            Ok(others) if others.rows.is_empty() => true,
            Ok(others) => self.tells_apart(probe, strategy, &others).await?,
            Err(error) if error.is_refusal() => true,
            Err(error) => return Err(error),
        };
        if looks {
            self.collection
                .learn(|known| known.learn_parameter(&guard.parameter(), true))?;
        }
        Ok(looks)
    }

    /// Whether the server finds other rows for another value, or leaves any out.
    async fn tells_apart(
        &mut self,
        probe: &Probe,
        strategy: &Strategy,
        others: &Answer,
    ) -> Result<bool> {
        let found = self.ask(&probe.without).await?;
        if let (Some(others), Some(found)) = (others.count, found.count) {
            if others != found {
                return Ok(true);
            }
            let whole = self.ask(&strategy.extra).await?.count;
            return Ok(whole.is_some_and(|whole| found < whole));
        }
        // Without counts, other rows come first.
        Ok(!self.collection.same_row(others.first(), found.first()))
    }
}
