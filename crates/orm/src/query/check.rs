//! Checks rows against what the server was asked and what it could not be asked.

use std::sync::Arc;

use django_api_orm_core::{
    Error, ModelMeta, NullOrder, Q, Result,
    evaluate::{
        Collation, Evaluator, FieldPlace, Fields, Reason, RowOrder, Verdict, asks_digits,
        asks_integers, disproves, is_no_label, lacks_digits, settles,
    },
    lookup::Lookup,
    plan::Order,
    row::Row,
    strategy::{Aim, Strategy},
};
use serde_json::{Map, Value};

use super::collection::Collection;

/// The fields of a row that a query needs.
pub(crate) type Picked = Map<String, Value>;

/// What is to be evaluated on every row of a query.
#[derive(Debug)]
pub(crate) struct RowCheck {
    model: Arc<ModelMeta>,
    fields: Fields,
    guards: Vec<Guard>,
    residual: Option<Evaluator>,
    /// Parts of the residual of which the server can be asked how it compares texts.
    collations: Vec<Lookup>,
    roots: Vec<String>,
    strict: bool,
    /// A row is created if none belongs.
    creates: bool,
    /// Fields that one condition names more than once, and that may be lists.
    may_be_lists: Vec<String>,
    /// Lookups are left to the server on fields that the residual or the order needs.
    is_void: bool,
    /// The fields of the residual and of the order.
    needed: Vec<String>,
    /// Parameters of lookups that the server ignores, as rows alone say: it may filter by something else.
    suspected: Vec<String>,
}

/// A pushed lookup, checked on the rows that come back.
#[derive(Debug)]
struct Guard {
    lookup: Lookup,
    parameter: String,
    evaluator: Evaluator,
    /// The same, but undecided where databases differ: whether `a` is `A` is the server's to say.
    tolerant: Evaluator,
    /// The server ignores the parameter: the lookup now leaves rows out instead of raising a doubt.
    ignored: bool,
    /// The server is known to honour the parameter: it is believed where rows do not tell.
    honoured: bool,
    /// A text that stands here may satisfy the lookup by being a label.
    labels: Option<FieldPlace>,
    /// The residual, if it has a part on the field of the lookup.
    rest: Option<Rest>,
}

/// A residual of which a part is about a field that the server compares otherwise than the client would.
#[derive(Debug)]
struct Rest {
    /// Undecided where that part decides.
    hidden: Evaluator,
    /// Undecided where that part depends on how databases compare texts, and nothing was seen of that.
    collated: Evaluator,
}

impl Rest {
    fn new(residual: &Q, path: &str, fields: &Fields) -> Result<Self> {
        let hidden = fields.clone().shown_otherwise(path);
        let mut open = fields.clone();
        residual.for_each_lookup(&mut |lookup| {
            if lookup.path == path {
                open = std::mem::take(&mut open).with_open_collation(lookup);
            }
        });
        Ok(Self {
            hidden: Evaluator::compile_for(residual, &hidden)?,
            collated: Evaluator::compile_for(residual, &open)?,
        })
    }

    fn evaluate(&self, row: &Picked, is_by_collation: bool) -> Verdict {
        match is_by_collation {
            true => self.collated.evaluate(row),
            false => self.hidden.evaluate(row),
        }
    }
}

impl Guard {
    fn new(lookup: &Lookup, fields: &Fields) -> Result<Self> {
        let q = Q::Lookup(lookup.clone());
        // A decimal may be declared as text in the model; a guard must not take another spelling of it for another row.
        let tolerant = fields.clone().without_kinds().unknown_collation();
        Ok(Self {
            parameter: lookup.parameter(),
            evaluator: Evaluator::compile_for(&q, fields)?,
            tolerant: Evaluator::compile_for(&q, &tolerant)?,
            ignored: false,
            honoured: false,
            labels: None,
            rest: None,
            lookup: lookup.clone(),
        })
    }

    /// Whether the row may satisfy the lookup by what the server does not filter by.
    fn may_be_by_label(&self, row: &Picked) -> bool {
        let places = self.labels.as_ref().filter(|_| !self.honoured);
        let shown = places.and_then(|place| place.value(row)?.as_str());
        shown.is_some_and(|text| !is_no_label(text))
    }
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
    /// The row has a list in this field, of which several parts of one condition are meant: they ask for one element.
    ShowsList(String),
    /// Whether the row belongs depends on how the server compares the texts of this part of the residual.
    Undecided(Lookup),
}

impl RowCheck {
    /// For a write, nothing is left to the server's word: a row belongs only if every part of the filter holds on it.
    pub(crate) fn new(strategy: &Strategy, collection: &Collection) -> Result<Self> {
        let model = collection.shared_model();
        let fields = (strategy.doubted_collations.iter())
            .fold(collection.known_fields()?, |fields, lookup| {
                fields.with_open_collation(lookup)
            });
        let guards = (strategy.guards.iter()).map(|lookup| {
            let is_doubted = strategy.doubted_parts.contains(lookup);
            let labels = is_doubted.then(|| FieldPlace::new(&lookup.path, &fields));
            let mut is_shared = false;
            (strategy.residual).for_each_lookup(&mut |part| is_shared |= part.path == lookup.path);
            let rest = is_shared.then(|| Rest::new(&strategy.residual, &lookup.path, &fields));
            Ok(Guard {
                labels,
                rest: rest.transpose()?,
                ..Guard::new(lookup, &fields)?
            })
        });
        let guards: Vec<Guard> = guards.collect::<Result<_>>()?;
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
        let mut needed: Vec<String> = (strategy.order.iter())
            .map(|order| order.path.clone())
            .collect();
        (strategy.residual).for_each_lookup(&mut |lookup| needed.push(lookup.path.clone()));
        Ok(Self {
            model: Arc::clone(model),
            fields,
            guards,
            residual,
            collations: strategy.doubted_collations.clone(),
            roots,
            strict: strategy.aim == Aim::Write,
            creates: false,
            may_be_lists: strategy.may_be_lists.clone(),
            is_void: false,
            needed,
            suspected: Vec::new(),
        })
    }

    /// Leaves no row out that the server has found by what databases compare in different ways: another row would be created
    /// beside it.
    pub(crate) fn creating(mut self, creates: bool) -> Self {
        self.creates = creates;
        self
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

    /// The lookups that the server has turned out to ignore, and that digits may decide.
    pub(crate) fn ignored_digits(&self) -> Vec<Lookup> {
        let ignored = self.guards.iter().filter(|guard| guard.ignored);
        let ignored =
            ignored.filter(|guard| asks_digits(&guard.lookup) || asks_integers(&guard.lookup));
        ignored.map(|guard| guard.lookup.clone()).collect()
    }

    fn guards_by(&mut self, parameter: &str) -> impl Iterator<Item = &mut Guard> {
        let guards = self.guards.iter_mut();
        guards.filter(move |guard| guard.parameter == parameter)
    }

    /// From now on, rows that violate this lookup are left out.
    pub(crate) fn ignore(&mut self, parameter: &str) {
        for guard in self.guards_by(parameter) {
            guard.ignored = true;
        }
    }

    /// The same, where nothing but rows that violate the lookup have shown it: these may not be all that there are.
    pub(crate) fn suspect(&mut self, parameter: &str) {
        self.ignore(parameter);
        self.suspected.push(parameter.to_owned());
    }

    /// The parameters of the lookups that rows alone speak against, each once.
    pub(crate) fn take_suspected(&mut self) -> Vec<String> {
        std::mem::take(&mut self.suspected)
    }

    /// From now on, the server is believed about this lookup where a row does not tell.
    pub(crate) fn believe(&mut self, parameter: &str) {
        for guard in self.guards_by(parameter) {
            guard.honoured = true;
        }
    }

    /// From now on, a row that satisfies this lookup by what may be a label raises no doubt.
    pub(crate) fn accept_labels(&mut self, parameter: &str) {
        for guard in self.guards_by(parameter) {
            guard.labels = None;
        }
    }

    /// From now on, the lookups on this field are left to the server: the rows show it in another form.
    pub(crate) fn leave_to_server(&mut self, path: &str) -> Result<()> {
        self.is_void |= self.needed.iter().any(|needed| needed == path);
        self.fields = std::mem::take(&mut self.fields).shown_otherwise(path);
        for guard in &mut self.guards {
            if guard.lookup.path == path {
                let (ignored, honoured) = (guard.ignored, guard.honoured);
                *guard = Guard {
                    ignored,
                    honoured,
                    ..Guard::new(&guard.lookup, &self.fields)?
                };
            }
        }
        Ok(())
    }

    /// How the texts of a part of the residual are taken to be compared.
    pub(crate) fn collation_of(&self, lookup: &Lookup) -> Collation {
        self.fields.collation(lookup)
    }

    /// From now on, the texts of a part of the residual are compared as the server does. Rows that do not depend on it were judged
    /// rightly before.
    pub(crate) fn collate(
        &mut self,
        strategy: &Strategy,
        lookup: &Lookup,
        collation: Collation,
    ) -> Result<()> {
        let parameter = lookup.parameter();
        if !collation.is_open_for(lookup.op) {
            self.collations
                .retain(|other| other.parameter() != parameter);
        }
        self.fields = std::mem::take(&mut self.fields).collated(parameter, collation);
        self.compile(strategy)
    }

    /// From now on, a field is known to hold texts, though some look like numbers.
    pub(crate) fn read_as_text(&mut self, strategy: &Strategy, path: &str) -> Result<()> {
        self.fields = std::mem::take(&mut self.fields).seen_as_text(path);
        self.compile(strategy)
    }

    /// Makes what rows are evaluated by anew, from what is known of the fields.
    fn compile(&mut self, strategy: &Strategy) -> Result<()> {
        if self.residual.is_some() {
            self.residual = Some(Evaluator::compile_for(&strategy.residual, &self.fields)?);
        }
        for guard in &mut self.guards {
            let path = &guard.lookup.path;
            let rest = guard.rest.as_ref();
            let rest = rest.map(|_| Rest::new(&strategy.residual, path, &self.fields));
            let anew = Guard::new(&guard.lookup, &self.fields)?;
            (guard.evaluator, guard.tolerant) = (anew.evaluator, anew.tolerant);
            guard.rest = rest.transpose()?;
        }
        Ok(())
    }

    /// The strategy was made for rows without a list in a field: what was made of them is void.
    pub(crate) fn makes_void(&mut self) {
        self.is_void = true;
    }

    /// Whether rows were judged by a field that turned out to be shown in another form: what was made of them is void.
    pub(crate) fn is_void(&self) -> bool {
        self.is_void
    }

    /// Whether the rows of a page prove that the server ignores the lookup, in whatever form they show its field.
    pub(crate) fn is_disproved(&self, parameter: &str, rows: &[Row]) -> Result<bool> {
        self.tell(parameter, rows, disproves)
    }

    /// Whether rows that came for a lookup which the server ignores show that it ignores the parameter for every value.
    pub(crate) fn settles(&self, parameter: &str, rows: &[Row]) -> Result<bool> {
        self.tell(parameter, rows, settles)
    }

    /// What the rows of a page tell of the lookup of the parameter.
    fn tell(
        &self,
        parameter: &str,
        rows: &[Row],
        tells: fn(&Lookup, &Fields, &[Picked]) -> bool,
    ) -> Result<bool> {
        let mut guards = self.guards.iter();
        let Some(guard) = guards.find(|guard| guard.parameter == parameter) else {
            return Ok(false);
        };
        let picked: Vec<Picked> = (rows.iter())
            .map(|row| row.pick(guard.evaluator.roots()))
            .collect::<Result<_>>()?;
        Ok(tells(&guard.lookup, &self.fields, &picked))
    }

    /// The parameters of the lookups that the server has turned out to ignore.
    pub(crate) fn ignored_parameters(&self) -> impl Iterator<Item = &str> {
        let ignored = self.guards.iter().filter(|guard| guard.ignored);
        ignored.map(|guard| guard.parameter.as_str())
    }

    /// Whether the lookup of the parameter can be evaluated on this row.
    pub(crate) fn can_evaluate(&self, parameter: &str, row: &Picked) -> bool {
        self.guards
            .iter()
            .filter(|guard| guard.parameter == parameter)
            .any(|guard| !matches!(guard.evaluator.evaluate(row), Verdict::Unknown(_)))
    }

    /// Whether a row that is read, and nothing else, seems to satisfy the lookup of the parameter.
    pub(crate) fn seems_to_satisfy(&self, parameter: &str, row: &Picked) -> bool {
        let mut guards = self.guards.iter();
        let guard = guards.find(|guard| guard.parameter == parameter);
        !self.strict && guard.is_some_and(|guard| guard.tolerant.evaluate(row).is_true())
    }

    /// Checks one row.
    ///
    /// # Errors
    /// `Unsupported` when a part that only the client can evaluate cannot be evaluated on the row.
    pub(crate) fn check(&self, row: &Picked) -> Result<Checked> {
        let is_list = |field: &&String| row.get(*field).is_some_and(Value::is_array);
        if let Some(field) = self.may_be_lists.iter().find(is_list) {
            return Ok(Checked::ShowsList(field.clone()));
        }
        let mut violated = Vec::new();
        let mut excluded = false;
        let mut believed = false;
        let mut hides_rest = false;
        let mut unproven = Vec::new();
        for guard in &self.guards {
            let tolerant = (!guard.ignored).then(|| guard.tolerant.evaluate(row));
            match tolerant {
                Some(Verdict::False) => violated.push(guard.parameter.clone()),
                Some(Verdict::Unknown(reason))
                    if self.strict
                        && (self.creates
                            || reason.is_at_boundary()
                            || reason.is_by_collation())
                        && guard.evaluator.evaluate(row).is_false() =>
                {
                    // The server has found the row by digits that it does not show or whatever its case, or ignores the filter.
                    if guard.honoured && reason.is_at_boundary() {
                        return Err(self.cannot_evaluate(&reason));
                    }
                    if guard.honoured && self.creates {
                        return Err(self.in_another_case(&guard.lookup));
                    }
                    if guard.honoured {
                        continue;
                    }
                    unproven.push(guard.parameter.clone());
                }
                _ if guard.ignored || self.strict => match guard.evaluator.evaluate(row) {
                    Verdict::True
                        if !guard.ignored
                            && (guard.may_be_by_label(row) || self.may_be_rounded(guard, row)) =>
                    {
                        unproven.push(guard.parameter.clone());
                    }
                    Verdict::True => {}
                    Verdict::False => excluded = true,
                    Verdict::Unknown(reason) => match self.collated_by(&reason) {
                        Some(lookup) if guard.ignored => {
                            return Ok(Checked::Undecided(lookup.clone()));
                        }
                        _ => return Err(self.cannot_evaluate(&reason)),
                    },
                },
                Some(Verdict::True) if guard.may_be_by_label(row) => {
                    unproven.push(guard.parameter.clone());
                }
                Some(Verdict::True) => {}
                tolerant => {
                    // What the client cannot evaluate only the server can know: if it looks at the parameter at all.
                    believed = true;
                    let here = guard.evaluator.evaluate(row);
                    let is_by_collation = matches!(&tolerant, Some(Verdict::Unknown(reason)) if reason.is_by_collation());
                    if here.is_false()
                        && let Some(rest) = &guard.rest
                        && let Verdict::Unknown(reason) = rest.evaluate(row, is_by_collation)
                    {
                        if guard.honoured {
                            if let Some(lookup) = self.collated_by(&reason) {
                                return Ok(Checked::Undecided(lookup.clone()));
                            }
                            return Err(self.compares_otherwise(&guard.lookup, &reason));
                        }
                        // Whether the server has found the row at all has to be known first.
                        hides_rest = true;
                    }
                    if !guard.honoured && here != Verdict::True {
                        unproven.push(guard.parameter.clone());
                    }
                }
            }
        }
        if !violated.is_empty() {
            return Ok(Checked::Violates(violated));
        }
        if excluded {
            return Ok(Checked::Excluded);
        }
        if hides_rest {
            return Ok(Checked::Unproven(unproven));
        }
        match self.check_residual(row)? {
            undecided @ Checked::Undecided(_) if unproven.is_empty() => Ok(undecided),
            Checked::Belongs | Checked::Undecided(_) if !unproven.is_empty() => {
                Ok(Checked::Unproven(unproven))
            }
            Checked::Belongs if believed => Ok(Checked::Believed),
            checked => Ok(checked),
        }
    }

    /// Whether the row may satisfy the lookup by digits that were rounded away, if the server does not filter by it.
    fn may_be_rounded(&self, guard: &Guard, row: &Picked) -> bool {
        !guard.honoured && lacks_digits(&guard.lookup, &self.fields, row)
    }

    fn check_residual(&self, row: &Picked) -> Result<Checked> {
        match self
            .residual
            .as_ref()
            .map(|residual| residual.evaluate(row))
        {
            None | Some(Verdict::True) => Ok(Checked::Belongs),
            Some(Verdict::False) => Ok(Checked::Excluded),
            Some(Verdict::Unknown(reason)) => match self.collated_by(&reason) {
                Some(lookup) => Ok(Checked::Undecided(lookup.clone())),
                None => Err(self.cannot_evaluate(&reason)),
            },
        }
    }

    /// The part of the residual that the server can be asked about, where it is undecided how texts are compared.
    fn collated_by(&self, reason: &Reason) -> Option<&Lookup> {
        let mut collations = self.collations.iter();
        let asked = collations.find(|lookup| lookup.parameter() == reason.lookup());
        asked.filter(|_| reason.is_by_collation())
    }

    fn in_another_case(&self, lookup: &Lookup) -> Error {
        let name = lookup.parameter();
        Error::unsupported(format!(
            "the server finds a `{}` by `{name}` that shows another text, such as one in another case: whether it is the one \
             that was asked for cannot be seen, so it is not written to, and none is created; look it up as the server shows it",
            self.model.name()
        ))
    }

    /// The server has found a row by a comparison that the client would have made otherwise, and a part of the residual is about it, too.
    fn compares_otherwise(&self, guard: &Lookup, reason: &Reason) -> Error {
        Error::unsupported(format!(
            "the server finds a `{}` by `{}` that shows another value, such as a text in another case, so a part of the filter that has to \
             be evaluated on the rows cannot be: {reason}; use a filter that the server supports",
            self.model.name(),
            guard.parameter()
        ))
    }

    fn cannot_evaluate(&self, reason: &Reason) -> Error {
        let root = reason.lookup().split("__").next().unwrap_or_default();
        let (remedy, hint) = match reason.is_absent() {
            true => (
                "check its name, or use a filter that the server supports",
                self.model.did_you_mean(root).unwrap_or_default(),
            ),
            false => (
                "use a filter that the server supports, such as the field by itself",
                String::new(),
            ),
        };
        Error::unsupported(format!(
            "a part of the filter has to be evaluated on the rows, and cannot be: {reason}; {remedy}{hint}"
        ))
    }
}

/// The rows do not hold what they have to be sorted by.
pub(crate) fn cannot_sort(model: &ModelMeta, order: &[Order]) -> Error {
    let paths: Vec<&str> = order.iter().map(|order| order.path.as_str()).collect();
    let mut hints = paths.iter().map(|path| model.did_you_mean(path));
    let hint = hints.find_map(|hint| hint).unwrap_or_default();
    Error::unsupported(format!(
        "the server does not sort by `{}`, and the rows do not hold comparable values of it to sort them client-side{hint}",
        paths.join("`, `")
    ))
}
