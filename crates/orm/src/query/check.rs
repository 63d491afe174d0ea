//! Checks rows against what the server was asked and what it could not be asked.

use django_api_orm_core::{
    Error, ModelMeta, NullOrder, Q, Result,
    evaluate::{Evaluator, Fields, RowOrder, Verdict},
    row::Row,
    strategy::{Aim, Strategy},
};
use serde_json::{Map, Value};

/// The fields of a row that a query needs.
pub(crate) type Picked = Map<String, Value>;

/// What is to be evaluated on every row of a query.
#[derive(Debug)]
pub(crate) struct RowCheck {
    guards: Vec<Guard>,
    residual: Option<Evaluator>,
    roots: Vec<String>,
    strict: bool,
}

/// A pushed lookup, checked on the rows that come back.
#[derive(Debug)]
struct Guard {
    parameter: String,
    evaluator: Evaluator,
    /// The same, but undecided where databases differ: whether `a` is `A` is the server's to say.
    tolerant: Evaluator,
    /// The server ignores the parameter: the lookup now leaves rows out instead of raising a doubt.
    ignored: bool,
    /// The server is known to honour the parameter: it is believed where rows do not tell.
    honoured: bool,
}

/// What a check has shown of a row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// The row satisfies everything.
    Belongs,
    /// Nothing speaks against the row, but a part of the filter is left to the server's word.
    Believed,
    /// The same, and it is not known yet whether the server honours these parameters.
    Unproven(Vec<String>),
    /// The row does not belong; the server was not asked, or is known to ignore it.
    Excluded,
    /// The row violates lookups that the server was asked for: their parameters.
    Violates(Vec<String>),
}

impl RowCheck {
    /// For a write, nothing is left to the server's word: a row belongs only if every part of the filter holds on it.
    pub(crate) fn new(strategy: &Strategy, model: &ModelMeta) -> Result<Self> {
        let fields = model.known_fields();
        // A decimal may be declared as text in the model; a guard must not take another spelling of it for another row.
        let tolerant = Fields::new(model.primary_key()).unknown_collation();
        let guards: Vec<Guard> = strategy
            .guards
            .iter()
            .map(|lookup| {
                Ok(Guard {
                    parameter: lookup.parameter(),
                    evaluator: Evaluator::compile_for(&Q::Lookup(lookup.clone()), &fields)?,
                    tolerant: Evaluator::compile_for(&Q::Lookup(lookup.clone()), &tolerant)?,
                    ignored: false,
                    honoured: false,
                })
            })
            .collect::<Result<_>>()?;
        let residual = match &strategy.residual {
            Q::All => None,
            residual => Some(Evaluator::compile_for(residual, &fields)?),
        };
        let mut roots: Vec<String> = guards
            .iter()
            .flat_map(|guard| guard.evaluator.roots())
            .chain(residual.iter().flat_map(Evaluator::roots))
            .cloned()
            .chain(RowOrder::new(&strategy.order, NullOrder::default(), &fields).roots())
            .chain([model.primary_key().to_owned()])
            .collect();
        roots.sort_unstable();
        roots.dedup();
        Ok(Self {
            guards,
            residual,
            roots,
            strict: strategy.aim == Aim::Write,
        })
    }

    /// The part of a row that checks, sorting and the search for repeated keys need.
    pub(crate) fn pick(&self, row: &Row) -> Result<Picked> {
        row.pick(&self.roots)
    }

    /// Whether rows can be left out by the client, so that positions of the server are not those of the query.
    pub(crate) fn leaves_rows_out(&self) -> bool {
        self.strict || self.residual.is_some() || self.guards.iter().any(|guard| guard.ignored)
    }

    /// Whether any row has to be looked at.
    pub(crate) fn is_needed(&self) -> bool {
        self.residual.is_some() || !self.guards.is_empty()
    }

    /// How many of the lookups the server is known to ignore.
    pub(crate) fn ignored(&self) -> usize {
        self.guards.iter().filter(|guard| guard.ignored).count()
    }

    /// From now on, rows that violate this lookup are left out.
    pub(crate) fn ignore(&mut self, parameter: &str) {
        for guard in self
            .guards
            .iter_mut()
            .filter(|guard| guard.parameter == parameter)
        {
            guard.ignored = true;
        }
    }

    /// From now on, the server is believed about this lookup where a row does not tell.
    pub(crate) fn believe(&mut self, parameter: &str) {
        for guard in self
            .guards
            .iter_mut()
            .filter(|guard| guard.parameter == parameter)
        {
            guard.honoured = true;
        }
    }

    /// Whether the lookup of the parameter can be evaluated on this row.
    pub(crate) fn can_evaluate(&self, parameter: &str, row: &Picked) -> bool {
        self.guards
            .iter()
            .filter(|guard| guard.parameter == parameter)
            .any(|guard| !matches!(guard.evaluator.evaluate(row), Verdict::Unknown(_)))
    }

    /// Checks one row.
    ///
    /// # Errors
    /// `Unsupported` when a part that only the client can evaluate cannot be evaluated on the row.
    pub(crate) fn check(&self, row: &Picked) -> Result<Checked> {
        let mut violated = Vec::new();
        let mut excluded = false;
        let mut believed = false;
        let mut unproven = Vec::new();
        for guard in &self.guards {
            let tolerant = (!guard.ignored).then(|| guard.tolerant.evaluate(row));
            if tolerant == Some(Verdict::False) {
                violated.push(guard.parameter.clone());
            } else if guard.ignored || self.strict {
                match guard.evaluator.evaluate(row) {
                    Verdict::True => {}
                    Verdict::False => excluded = true,
                    Verdict::Unknown(reason) => return Err(cannot_evaluate(&reason)),
                }
            } else if tolerant != Some(Verdict::True) {
                // What the client cannot evaluate only the server can know: if it looks at the parameter at all.
                believed = true;
                if !guard.honoured && guard.evaluator.evaluate(row) != Verdict::True {
                    unproven.push(guard.parameter.clone());
                }
            }
        }
        if !violated.is_empty() {
            return Ok(Checked::Violates(violated));
        }
        if excluded {
            return Ok(Checked::Excluded);
        }
        match self.check_residual(row)? {
            Checked::Belongs if !unproven.is_empty() => Ok(Checked::Unproven(unproven)),
            Checked::Belongs if believed => Ok(Checked::Believed),
            checked => Ok(checked),
        }
    }

    fn check_residual(&self, row: &Picked) -> Result<Checked> {
        match self
            .residual
            .as_ref()
            .map(|residual| residual.evaluate(row))
        {
            None | Some(Verdict::True) => Ok(Checked::Belongs),
            Some(Verdict::False) => Ok(Checked::Excluded),
            Some(Verdict::Unknown(reason)) => Err(cannot_evaluate(&reason)),
        }
    }
}

fn cannot_evaluate(reason: &impl std::fmt::Display) -> Error {
    Error::unsupported(format!(
        "a part of the filter has to be evaluated on the rows, and cannot be: {reason}; check its name, or use a filter \
         that the server supports"
    ))
}
