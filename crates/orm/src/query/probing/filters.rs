//! Whether the server honours a filter: what the rows prove, and what a probe has to show.

use django_api_orm_core::{
    Error, OnIgnored, Result,
    lookup::Lookup,
    paginator::Pairs,
    row::Row,
    strategy::{Probe, Question, Strategy},
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
        let filters = match self.filters_by_value(probe, guard).await? {
            Some(filters) => filters,
            None => match self.ask(&probe.without).await?.count {
                Some(without) => self.leaves_out(probe, strategy, count, without).await?,
                None => false,
            },
        };
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
        if self.cuts_fractions(strategy, rows)? {
            return Ok(false);
        }
        match check.check(row)? {
            Checked::Violates(parameters) => {
                for parameter in parameters {
                    if check.is_disproved(&parameter, rows)? {
                        self.is_ignored(strategy, check, &parameter, rows)?;
                    }
                }
                Ok(false)
            }
            Checked::Unproven(parameters) => {
                self.unseen(strategy, check, row, rows, &parameters).await
            }
            Checked::ShowsList(field) => {
                self.collection.learn(|known| known.learn_list(&field))?;
                Ok(false)
            }
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
                            self.ignore(strategy, check, parameter, rows).await?;
                            disproved = true;
                        }
                    }
                    if !disproved {
                        self.unseen(strategy, check, row, rows, &parameters).await?;
                    }
                }
                Checked::ShowsList(field) => {
                    self.collection.learn(|known| known.learn_list(&field))?;
                    check.makes_void();
                    return Ok(Checked::Excluded);
                }
                Checked::Undecided(lookup) => {
                    self.compares(strategy, check, &lookup, row, rows).await?;
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
        let mut guards = strategy.guards.iter();
        let Some(guard) = guards.find(|guard| guard.parameter() == *parameter) else {
            return Ok(false);
        };
        let is_proven = self.collection.know(|known| known.ignores(guard))?
            || check.is_disproved(parameter, rows)?;
        // Honoured for other values it may be, and dropped for one that is no choice.
        let is_ignored = is_proven || !self.is_looked_at(strategy, guard).await?;
        // Of a field by its bare name the value itself was asked for in vain, if rows prove that.
        let is_told = is_proven && guard.parameter() == guard.path;
        if is_ignored && (is_told || self.shows_ignored(strategy, guard, rows).await?) {
            self.is_ignored(strategy, check, parameter, rows)?;
            match is_proven {
                true => check.suspect(parameter),
                false => check.ignore(parameter),
            }
            return Ok(true);
        }
        if !is_ignored && self.reads_no_value(strategy, guard).await? {
            self.is_ignored(strategy, check, parameter, rows)?;
            check.suspect(parameter);
            return Ok(true);
        }
        if !is_ignored && self.finds_parts(strategy, guard, rows).await? {
            if !self.creates() {
                ignored::filter(&self.collection, parameter, "it finds parts of texts by it")?;
                check.ignore(parameter);
                return Ok(true);
            }
            // What was found is taken for the row that is asked for, in place of a new one.
            return Err(Error::unsupported(format!(
                "nothing shows whether the server filters by `{parameter}` as a whole: it sends rows that show a longer text, and finds \
                 them by another part of that, too; look the row up by another field"
            )));
        }
        if !is_ignored {
            match self.takes_what_is_shown(strategy, guard, rows).await? {
                Some(true) => {
                    self.is_ignored(strategy, check, parameter, rows)?;
                    check.suspect(parameter);
                    return Ok(true);
                }
                // Of the key of a related row there is no other form, and a new row would be made for it.
                Some(false)
                    if self.creates() || self.collection.model().is_of_related_key(guard) =>
                {
                    return Err(self.shows_another(guard));
                }
                Some(false) | None => {}
            }
        }
        self.is_shown_otherwise(check, &guard.path)?;
        Ok(false)
    }

    /// Has the client evaluate a filter that the server ignores, as rows prove, though one of them may satisfy it; nothing is evaluated
    /// where they show the field in another form.
    async fn ignore(
        &mut self,
        strategy: &Strategy,
        check: &mut RowCheck,
        parameter: &str,
        rows: &[Row],
    ) -> Result<()> {
        let mut guards = strategy.guards.iter();
        if let Some(guard) = guards.find(|guard| guard.parameter() == *parameter)
            && guard.path != parameter
            && !self.shows_ignored(strategy, guard, rows).await?
        {
            self.is_shown_otherwise(check, &guard.path)?;
        }
        check.suspect(parameter);
        self.is_ignored(strategy, check, parameter, rows)
    }

    /// Whether the rows that came for filters which the server ignores, as they show, come without these, too: it may filter by something
    /// else. `first` is the first page, if there is one that nothing was jumped over for, `is_whole` whether it has all rows, and `count`
    /// what it says. Costs a request, for two values of a parameter at most for each client and endpoint, unless the whole collection is known to
    /// have as many.
    pub(crate) async fn comes_without(
        &mut self,
        strategy: &Strategy,
        suspected: &[String],
        first: &[Row],
        count: Option<u64>,
        is_whole: bool,
    ) -> Result<bool> {
        let sent = |name: &String| strategy.pairs.iter().find(|(sent, _)| sent == name);
        let suspected: Vec<&(String, String)> = suspected.iter().filter_map(sent).collect();
        let known = self.collection.knowledge()?;
        if (suspected.iter()).all(|(name, text)| known.leaves_none_out(name, text)) {
            return Ok(true);
        }
        let pairs = strategy.pairs.iter();
        let without: Pairs = pairs
            .filter(|pair| !suspected.contains(pair))
            .cloned()
            .collect();
        let is_known = without.is_empty() && count.is_some() && known.rows == count;
        let comes = is_known || {
            let rows = first.len() as u64 + u64::from(is_whole);
            let answer = self.ask_for_all_of(&without, rows).await?;
            match (count, answer.count) {
                (Some(with), Some(without)) if with < without => false,
                (Some(_), Some(_)) => self.are_alike(first, &answer, is_whole),
                _ => !first.is_empty() && self.are_alike(first, &answer, is_whole),
            }
        };
        if comes {
            self.collection.learn(|known| {
                for (name, text) in suspected {
                    known.learn_leaves_none_out(name, text);
                }
            })?;
        }
        Ok(comes)
    }

    /// Whether an answer begins with the rows of the first page, and has no other one where these are all.
    fn are_alike(&self, first: &[Row], answer: &Answer, is_whole: bool) -> bool {
        let pairs = first.iter().zip(&answer.rows);
        let is_same = |(one, other)| self.collection.same_row(Some(one), Some(other));
        pairs.into_iter().all(is_same)
            && (!is_whole || answer.ends && answer.rows.len() <= first.len())
    }

    /// Keeps that the rows show a field in another form than filters take: the server is believed about it.
    fn is_shown_otherwise(&self, check: &mut RowCheck, path: &str) -> Result<()> {
        self.collection
            .learn(|known| known.learn_form(path, false))?;
        check.leave_to_server(path)
    }

    /// Keeps that a filter is ignored, as rows that came for it show: for its value, or for every one. Raises or warns as the policy
    /// says.
    fn is_ignored(
        &self,
        strategy: &Strategy,
        check: &RowCheck,
        parameter: &str,
        rows: &[Row],
    ) -> Result<()> {
        let mut guards = strategy.guards.iter();
        match guards.find(|guard| guard.parameter() == *parameter) {
            Some(guard) if !check.settles(parameter, rows)? => {
                let believes = |known: &_| self.findings.believes_emptiness(known);
                let is_proven =
                    check.is_disproved(parameter, rows)? || !self.collection.know(believes)?;
                ignored::value(&self.collection, guard, is_proven, WRONG_ROW)
            }
            _ => ignored::filter(&self.collection, parameter, WRONG_ROW),
        }
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
        rows: &[Row],
        parameters: &[String],
    ) -> Result<bool> {
        let mut all = true;
        for parameter in parameters {
            let mut guards = strategy.guards.iter();
            let Some(guard) = guards.find(|guard| guard.parameter() == *parameter) else {
                continue;
            };
            let collection = &self.collection;
            // Where all rows seem to satisfy it, a label that misleads would be in each of them.
            if check.seems_to_satisfy(parameter, row)
                && collection.know(|known| known.is_drf)?
                && self.shown(&guard.path)?.repeated(rows)?.is_empty()
            {
                check.accept_labels(parameter);
                continue;
            }
            if collection.model().filters().is_some()
                || collection.know(|known| known.honours_every_value(parameter))?
                || self.is_looked_at(strategy, guard).await?
            {
                check.believe(parameter);
                continue;
            }
            if !self.shows_ignored(strategy, guard, rows).await? {
                self.is_shown_otherwise(check, &guard.path)?;
            }
            check.ignore(parameter);
            if self.collection.policy.on_ignored != OnIgnored::Error {
                // What the client cannot finish either is an error, and nothing to warn of.
                check.check(row)?;
            }
            self.is_ignored(strategy, check, parameter, rows)?;
            all = false;
        }
        Ok(all)
    }

    async fn is_looked_at(&mut self, strategy: &Strategy, guard: &Lookup) -> Result<bool> {
        let Some(probe) = self.look_at(strategy, guard) else {
            return Ok(false);
        };
        // One probe needs another at most: boxed, as the compiler cannot see that.
        Box::pin(self.run(strategy, &probe)).await
    }

    /// Whether a filter that the server does not ignore is the same for both of its values, true and false: the same row comes for them,
    /// which can satisfy only one. Costs nothing once both were asked for.
    async fn reads_no_value(&mut self, strategy: &Strategy, guard: &Lookup) -> Result<bool> {
        let Some(probe) = self
            .look_at(strategy, guard)
            .filter(|_| guard.has_opposite())
        else {
            return Ok(false);
        };
        let other = match self.ask(&probe.with).await {
            Ok(other) => other.rows,
            Err(error) if error.is_refusal() => return Ok(false),
            Err(error) => return Err(error),
        };
        let own = self.ask(&probe.without).await?.rows;
        Ok(!own.is_empty() && self.collection.same_row(own.first(), other.first()))
    }

    fn look_at(&self, strategy: &Strategy, guard: &Lookup) -> Option<Probe> {
        let parameter = guard.parameter();
        let mut sent = strategy.pairs.iter();
        let (_, text) = sent.find(|(name, _)| *name == parameter)?;
        Some(Probe::looks_at(
            guard,
            text,
            &strategy.extra,
            &self.findings,
        ))
    }

    /// Whether fewer rows than without the filter came, before that number was asked for and after it. Where the two are close, rows may
    /// have come in between: once all of the probes have such a number, what they have in common is asked for again.
    async fn leaves_out(
        &mut self,
        probe: &Probe,
        strategy: &Strategy,
        count: u64,
        without: u64,
    ) -> Result<bool> {
        if count >= without || are_far_apart(count, without) {
            return Ok(count < without);
        }
        if !self.is_newer(&probe.with, &probe.without) {
            for other in &strategy.probes {
                if matches!(other.question, Question::Filters(_)) {
                    self.ask(&other.without).await?;
                }
            }
            self.ask_again(&probe.with).await?;
        }
        let most = self.ask(&probe.with).await?.most;
        Ok(most.is_some_and(|most| most < without))
    }

    /// Whether a number of rows that differs from that of another query still does.
    async fn differs_again(&mut self, pairs: &Pairs, count: u64, other: u64) -> Result<bool> {
        if are_far_apart(count, other) {
            return Ok(true);
        }
        let again = self.ask_again(pairs).await?.count;
        Ok(again.is_some_and(|again| again.cmp(&other) == count.cmp(&other)))
    }

    /// Costs one request; up to four where the first does not tell.
    pub(super) async fn looks_at(
        &mut self,
        probe: &Probe,
        strategy: &Strategy,
        guard: &Lookup,
    ) -> Result<bool> {
        let mut drops_values = false;
        let looks = match self.ask(&probe.with).await {
            Ok(others) if others.is_empty() => true,
            Ok(others) => {
                // A value that is no choice may be dropped, as this one was.
                drops_values = !guard.has_opposite();
                self.tells_apart(probe, strategy, guard, &others).await?
            }
            Err(error) if error.is_refusal() => true,
            Err(error) => return Err(error),
        };
        if looks {
            self.collection.learn(|known| {
                known.learn_parameter(&guard.parameter(), true);
                if drops_values {
                    known.learn_dropped_value(&guard.parameter());
                }
            })?;
        }
        Ok(looks)
    }

    /// Whether the server finds other rows for another value, or leaves any out.
    async fn tells_apart(
        &mut self,
        probe: &Probe,
        strategy: &Strategy,
        guard: &Lookup,
        others: &Answer,
    ) -> Result<bool> {
        let found = self.ask(&probe.without).await?;
        let (Some(other), Some(count)) = (others.count, found.count) else {
            // Without counts, another row comes first, and not because one has just been added.
            if self.collection.same_row(others.first(), found.first()) {
                return Ok(false);
            }
            let again = self.ask_again(&probe.with).await?;
            return Ok(self.collection.same_row(others.first(), again.first()));
        };
        if other != count {
            return self.differs_again(&probe.with, other, count).await;
        }
        // A value that no row has, and that finds rows, leaves none out: so there are as many without the filter. Of two values,
        // such as true and false, both may have as many.
        if !guard.has_opposite() {
            return Ok(false);
        }
        match self.ask(&strategy.extra).await?.count {
            Some(whole) if count < whole => self.differs_again(&probe.without, count, whole).await,
            _ => Ok(false),
        }
    }
}

/// So many rows, and one of so many, may well come or go between two requests.
const MOVING_ROWS: u64 = 10;
const MOVING_PART: u64 = 50;

/// Whether nobody adds or removes as many rows between two requests as the numbers differ by.
pub(super) fn are_far_apart(one: u64, other: u64) -> bool {
    one.abs_diff(other) > MOVING_ROWS + one.max(other) / MOVING_PART
}
