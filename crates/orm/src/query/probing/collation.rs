//! How the server compares texts: asked where a row depends on it, of a filter that has to be evaluated client-side and that the server
//! may have all the same.
//!
//! What a server has no filter for is compared as Django documents it: nobody can see that its database would do otherwise.

use django_api_orm_core::{
    Error, Result,
    evaluate::{Collation, needed, respelt},
    lookup::{Lookup, Op},
    paginator::Pairs,
    row::{Row, key_text},
    strategy::{Findings, Probe, Strategy, Telling},
};
use serde_json::{Value, json};

use super::{
    super::check::{Picked, RowCheck},
    Probing,
};

/// The rows that are asked for, as the one that is looked for may be among them.
const ROWS: u64 = 20;

/// What the server makes of a row.
#[derive(Debug)]
enum Made {
    /// It finds it, as it is now.
    Found(Row),
    /// It leaves it out.
    LeftOut,
    /// It has no such filter.
    NoFilter,
    /// Nothing tells.
    Untold,
}

/// What came of looking for a row.
#[derive(Debug)]
struct Looked {
    row: Option<Row>,
    /// It would have come.
    is_whole: bool,
    /// Rows came.
    came: bool,
}

impl Probing {
    /// Finds out how the server compares the texts of a part of the residual on which the row, one of a page, depends; `check` compares
    /// so from then on. Costs one request, one for the proof that the server has such a filter, and one more for each where the row is
    /// not on the first page of those that are found; of equality one more, as a bare name may be a filter by parts.
    ///
    /// # Errors
    /// `Unsupported` where that does not decide whether the row belongs.
    pub(super) async fn compares(
        &mut self,
        strategy: &Strategy,
        check: &mut RowCheck,
        lookup: &Lookup,
        row: &Picked,
        page: &[Row],
    ) -> Result<()> {
        let parameter = lookup.parameter();
        let known = self
            .collection
            .know(|known| known.collation_of(&parameter))?
            .unwrap_or_else(|| Collation::open(lookup.op));
        if check.collation_of(lookup) != known {
            // Another query has found it out meanwhile.
            return check.collate(strategy, lookup, known);
        }
        let mut seen = None;
        for other in page {
            if check.pick(other)? == *row {
                seen = match lookup.op {
                    Op::Gt | Op::Gte | Op::Lt | Op::Lte | Op::Range => {
                        self.orders_texts(strategy, lookup, known, page).await?
                    }
                    _ => self.overlooks(strategy, lookup, known, other).await?,
                };
                break;
            }
        }
        let Some(seen) = seen.filter(|seen| *seen != known) else {
            return Err(self.compares_unseen(lookup));
        };
        self.collection
            .learn(|known| known.learn_collation(&parameter, seen))?;
        check.collate(strategy, lookup, seen)
    }

    fn compares_unseen(&self, lookup: &Lookup) -> Error {
        let parameter = lookup.parameter();
        Error::unsupported(format!(
            "a part of the filter of `{}` has to be evaluated on the rows, and cannot be: whether `{parameter}` holds for one of them \
             depends on what the server's database makes of case, of accents or of the order of letters, and nothing shows that; use a \
             filter that the server supports",
            self.collection.model().name()
        ))
    }

    /// What the server overlooks, as far as this row tells. It is asked for what the row shows, in another spelling, so that few rows come.
    async fn overlooks(
        &mut self,
        strategy: &Strategy,
        lookup: &Lookup,
        known: Collation,
        row: &Row,
    ) -> Result<Option<Collation>> {
        let fields = self.collection.known_fields()?;
        let roots = Telling::roots(lookup, &fields);
        let picked = row.pick(&roots)?;
        let needs = needed(lookup, &fields, &picked);
        let own = Telling::of_row(lookup, &strategy.extra, &fields, &picked);
        let own = own.map(|telling| telling.lookup);
        let texts = own.iter().flat_map(Lookup::texts).filter_map(Value::as_str);
        let respelt = texts.flat_map(respelt).map(|text| Lookup {
            value: match lookup.op {
                Op::In => json!([text]),
                _ => text.into(),
            },
            ..lookup.clone()
        });
        let asked = respelt
            .filter(Lookup::is_sendable)
            .find(|asked| needed(asked, &fields, &picked) == needs)
            .unwrap_or_else(|| lookup.clone());
        let part = match lookup.op {
            Op::Exact | Op::IExact => own.as_ref().and_then(part_of),
            _ => None,
        };
        let mut made = self.made_of(strategy, &asked, own, row).await?;
        // A bare name may be a filter by parts, which ignores case for itself.
        if let (Made::Found(_), Some(part)) = (&made, part)
            && self.finds_row(strategy, &part, row).await?
        {
            made = Made::NoFilter;
        }
        Ok(match made {
            Made::Found(found) => {
                let needs = needed(&asked, &fields, &found.pick(&roots)?);
                Some(known.having_found(needs))
            }
            Made::LeftOut => Some(known.having_left_out(needs)),
            Made::NoFilter => Some(Collation::documented(lookup.op)),
            Made::Untold => None,
        })
    }

    /// Whether the server orders by code point, as far as a row of the page tells: it is asked for a text at whose other side dictionaries
    /// have that.
    async fn orders_texts(
        &mut self,
        strategy: &Strategy,
        lookup: &Lookup,
        known: Collation,
        page: &[Row],
    ) -> Result<Option<Collation>> {
        let field = self.shown(&lookup.path)?;
        let mut telling = None;
        for row in page {
            let shown = field.of(row)?;
            telling = shown
                .as_str()
                .and_then(|text| Beyond::of(lookup, text))
                .map(|asked| (row, asked));
            if telling.is_some() {
                break;
            }
        }
        let Some((row, asked)) = telling else {
            return Ok(None);
        };
        let own = Some(asked.own);
        Ok(
            match self.made_of(strategy, &asked.lookup, own, row).await? {
                Made::Found(_) => Some(known.ordered(asked.is_by_code_point)),
                Made::LeftOut => Some(known.ordered(!asked.is_by_code_point)),
                Made::NoFilter => Some(Collation::documented(lookup.op)),
                Made::Untold => None,
            },
        )
    }

    /// Whether the server finds a row by a filter. `own` is the filter with a value by which it would find the row in any case.
    async fn made_of(
        &mut self,
        strategy: &Strategy,
        asked: &Lookup,
        own: Option<Lookup>,
        row: &Row,
    ) -> Result<Made> {
        let Some(telling) = Telling::alone(asked, &strategy.extra) else {
            return Ok(Made::Untold);
        };
        let looked = match self.look_for(&telling.pairs, row).await {
            // What is no choice is refused by a filter.
            Err(error) if error.is_refusal() => {
                return match own {
                    Some(own) if self.finds_row(strategy, &own, row).await? => Ok(Made::Untold),
                    _ => Ok(Made::NoFilter),
                };
            }
            looked => looked?,
        };
        if looked.row.is_none() && looked.is_whole {
            let own = own.and_then(|own| Telling::alone(&own, &strategy.extra));
            let found = match &own {
                Some(own) => self.look_for(&own.pairs, row).await,
                None => return Ok(Made::Untold),
            };
            return match found {
                Ok(found) if found.row.is_some() => Ok(Made::LeftOut),
                Ok(found) if found.is_whole && !looked.came => Ok(Made::NoFilter),
                Err(error) if !error.is_refusal() => Err(error),
                _ => Ok(Made::Untold),
            };
        }
        let parameter = asked.parameter();
        let honours = self.collection.know(|known| known.honours(&parameter))?;
        if honours != Some(true) {
            let (_, text) = telling.pairs.last().cloned().unwrap_or_default();
            let probe = Probe::looks_at(asked, &text, &strategy.extra, &self.findings);
            if !self.looks_at(&probe, strategy, asked).await? {
                return Ok(Made::NoFilter);
            }
        }
        Ok(looked.row.map_or(Made::Untold, Made::Found))
    }

    async fn finds_row(&mut self, strategy: &Strategy, asked: &Lookup, row: &Row) -> Result<bool> {
        let Some(telling) = Telling::alone(asked, &strategy.extra) else {
            return Ok(false);
        };
        match self.look_for(&telling.pairs, row).await {
            Ok(looked) => Ok(looked.row.is_some()),
            Err(error) if error.is_refusal() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Looks for a row among the first that come, and by its key where there may be more.
    async fn look_for(&mut self, pairs: &Pairs, row: &Row) -> Result<Looked> {
        let answer = self.ask_for_all_of(pairs, ROWS).await?;
        let is_it = |found: &&Row| self.collection.same_row(Some(found), Some(row));
        let looked = Looked {
            row: answer.rows.iter().find(is_it).cloned(),
            is_whole: answer.ends,
            came: !answer.is_empty(),
        };
        if looked.row.is_some() || looked.is_whole {
            return Ok(looked);
        }
        let primary = self.collection.model().primary_key();
        let Some(key) = row.key(primary).as_ref().and_then(key_text) else {
            return Ok(looked);
        };
        match self.ask(&Findings::asking_for(pairs, primary, &key)).await {
            Ok(answer) => Ok(Looked {
                row: answer
                    .rows
                    .iter()
                    .find(|found| self.collection.same_row(Some(found), Some(row)))
                    .cloned(),
                is_whole: answer.is_empty(),
                ..looked
            }),
            Err(error) if error.is_refusal() => Ok(looked),
            Err(error) => Err(error),
        }
    }
}

/// The lookup with the text but for its last letter.
fn part_of(own: &Lookup) -> Option<Lookup> {
    let mut letters = own.value.as_str()?.chars();
    letters.next_back()?;
    let part = Lookup {
        value: letters.as_str().into(),
        ..own.clone()
    };
    part.is_sendable().then_some(part)
}

/// A filter that asks for an order, with a text at one side of which a row stands by code point, and at the other in a dictionary.
#[derive(Debug, PartialEq)]
struct Beyond {
    lookup: Lookup,
    /// Whether the row is found by it where texts are ordered by code point.
    is_by_code_point: bool,
    /// The filter with a text by which the row is found in any order.
    own: Lookup,
}

impl Beyond {
    /// By code point upper-case letters come before all lower-case ones, in a dictionary `Ann` comes after `a` and `ann` before `ANNz`.
    fn of(lookup: &Lookup, text: &str) -> Option<Self> {
        let mut letters = text.chars();
        let first = letters.next()?;
        letters.next().filter(|letter| letter.is_alphanumeric())?;
        let is_upper = first.is_uppercase();
        let other = match is_upper {
            true => first.to_lowercase().to_string(),
            false => format!("{}z", text.to_uppercase()),
        };
        // A letter without case, or one of a script where they are mixed.
        if is_upper != (*text < *other) {
            return None;
        }
        let mut before = text.chars();
        before.next_back();
        let (before, behind) = (before.as_str().to_owned(), format!("{text}z"));
        let less = matches!(lookup.op, Op::Lt | Op::Lte);
        let with = |low: String, high: String| Lookup {
            value: match lookup.op {
                Op::Lt | Op::Lte => high.into(),
                Op::Range => json!([low, high]),
                _ => low.into(),
            },
            ..lookup.clone()
        };
        let asked = match lookup.op {
            Op::Range => with(other, behind.clone()),
            _ => with(other.clone(), other),
        };
        let own = with(before, behind);
        (asked.is_sendable() && own.is_sendable()).then_some(Self {
            lookup: asked,
            is_by_code_point: is_upper == less,
            own,
        })
    }
}
