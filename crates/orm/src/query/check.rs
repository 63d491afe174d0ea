//! Checks rows against what the server was asked and what it could not be asked.

use bytes::Bytes;
use django_api_orm_core::{
    Error, Q, Result,
    dialect::Compiled,
    evaluate::{Evaluator, Verdict, order_roots},
    lookup::{Lookup, Op},
    row,
};
use serde_json::{Map, Value};

/// What is to be evaluated on every row of a query.
#[derive(Debug)]
pub(crate) struct RowCheck {
    guards: Vec<Guard>,
    residual: Option<Evaluator>,
    roots: Vec<String>,
}

/// A pushed lookup, checked on the rows that come back.
#[derive(Debug)]
struct Guard {
    parameter: String,
    evaluator: Evaluator,
    /// What a row must at least satisfy not to show that the parameter is ignored.
    tolerant: Evaluator,
    /// The server ignores the parameter: the lookup now sorts rows out instead of raising a doubt.
    ignored: bool,
}

/// What a check has shown of a row.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Checked {
    /// The row satisfies everything that can be evaluated on it.
    Belongs,
    /// The row does not belong; the server was not asked, or is known to ignore it.
    Excluded,
    /// The row violates lookups that the server was asked for: their parameters.
    Violates(Vec<String>),
}

impl RowCheck {
    pub(crate) fn new(compiled: &Compiled, primary_key: &str) -> Result<Self> {
        let guards: Vec<Guard> = compiled
            .guards
            .iter()
            .map(|lookup| {
                Ok(Guard {
                    parameter: lookup.parameter(),
                    evaluator: Evaluator::compile_with(&Q::Lookup(lookup.clone()), primary_key)?,
                    tolerant: Evaluator::compile_with(&tolerant(lookup), primary_key)?,
                    ignored: false,
                })
            })
            .collect::<Result<_>>()?;
        let residual = match &compiled.residual {
            Q::All => None,
            residual => Some(Evaluator::compile_with(residual, primary_key)?),
        };
        let mut roots: Vec<String> = guards
            .iter()
            .flat_map(|guard| guard.evaluator.roots())
            .chain(residual.iter().flat_map(Evaluator::roots))
            .cloned()
            .chain(order_roots(&compiled.order))
            .chain([primary_key.to_owned()])
            .collect();
        roots.sort_unstable();
        roots.dedup();
        Ok(Self {
            guards,
            residual,
            roots,
        })
    }

    /// The part of a row that checks, sorting and the search for repeated keys need.
    pub(crate) fn pick(&self, row: &Bytes) -> Result<Map<String, Value>> {
        row::pick(row, &self.roots)
            .map_err(|error| Error::decode("a row is not a JSON object").with_source(error))
    }

    /// Whether rows can be sorted out here, so that positions of the server are not those of the query.
    pub(crate) fn sorts_out(&self) -> bool {
        self.residual.is_some() || self.guards.iter().any(|guard| guard.ignored)
    }

    /// Whether any row has to be looked at.
    pub(crate) fn is_needed(&self) -> bool {
        self.residual.is_some() || !self.guards.is_empty()
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

    /// The parameters whose lookup can be evaluated on this row.
    pub(crate) fn evaluable(&self, row: &Map<String, Value>) -> Vec<&str> {
        self.guards
            .iter()
            .filter(|guard| !matches!(guard.evaluator.evaluate(row), Verdict::Unknown(_)))
            .map(|guard| guard.parameter.as_str())
            .collect()
    }

    /// Checks one row.
    ///
    /// # Errors
    /// `Unsupported` when a part that only this side can evaluate cannot be evaluated on the row.
    pub(crate) fn check(&self, row: &Map<String, Value>) -> Result<Checked> {
        let mut violated = Vec::new();
        for guard in &self.guards {
            if guard.ignored {
                match guard.evaluator.evaluate(row) {
                    Verdict::True => {}
                    Verdict::False => return Ok(Checked::Excluded),
                    Verdict::Unknown(reason) => return Err(cannot_evaluate(&reason)),
                }
            } else if guard.tolerant.evaluate(row) == Verdict::False {
                // What cannot be evaluated here only the server can know.
                violated.push(guard.parameter.clone());
            }
        }
        if !violated.is_empty() {
            return Ok(Checked::Violates(violated));
        }
        self.check_residual(row)
    }

    /// Checks only what the server could not be asked.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub(crate) fn check_residual(&self, row: &Map<String, Value>) -> Result<Checked> {
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

/// The lookup as the most lenient database collation reads it: whether `a` is `A` is the database's to say, so a row that
/// differs in case alone shows nothing.
fn tolerant(lookup: &Lookup) -> Q {
    let with = |op: Op, value: Value| {
        Q::Lookup(Lookup {
            op,
            value,
            ..lookup.clone()
        })
    };
    let ignoring_case = |op: Op| with(op, lookup.value.clone());
    match (lookup.op, &lookup.value) {
        _ if lookup.transform.is_some() => Q::Lookup(lookup.clone()),
        (Op::Contains, _) => ignoring_case(Op::IContains),
        (Op::StartsWith, _) => ignoring_case(Op::IStartsWith),
        (Op::EndsWith, _) => ignoring_case(Op::IEndsWith),
        (Op::Regex, _) => ignoring_case(Op::IRegex),
        (Op::Exact, Value::String(_)) => Q::Lookup(lookup.clone()).or(ignoring_case(Op::IExact)),
        (Op::In, Value::Array(values)) => values
            .iter()
            .filter(|value| value.is_string())
            .fold(Q::Lookup(lookup.clone()), |any, value| {
                any.or(with(Op::IExact, value.clone()))
            }),
        _ => Q::Lookup(lookup.clone()),
    }
}

fn cannot_evaluate(reason: &impl std::fmt::Display) -> Error {
    Error::unsupported(format!(
        "a part of the filter has to be evaluated on the rows, and cannot be: {reason}; use a filter that the server \
         supports"
    ))
}
