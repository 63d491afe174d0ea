//! Whether a text that a row shows as it was before a write is the label of what was sent, so that the value was kept, or that of a value
//! which the server does not take.

use std::{collections::HashSet, sync::Arc};

use django_api_orm_core::{
    FieldMeta, OnUnsaved, Q, Result,
    evaluate::is_no_label,
    lookup::{Lookup, Op},
    page::is_from_drf,
    paginator::Pairs,
    plan::Plan,
    row::Row,
    strategy::{Aim, Findings},
    written::Kept,
};
use http::HeaderMap;
use serde_json::{Map, Value};

use super::{collection::Collection, shown::Shown};

impl Collection {
    /// Takes out of what was not kept the texts that the server filters by: it finds the row by what was sent, and does not by what the
    /// row shows. Such a field is kept as shown in another form.
    ///
    /// Two requests for each text that would be an error or a warning, three where the row is found by it. What was sent may be a secret: it
    /// is asked for only where it is one of the described choices, or the field is known for a filter.
    pub(super) async fn leave_out_labels(
        &self,
        kept: &mut Kept,
        row: Option<&Row>,
        sent: &Map<String, Value>,
    ) -> Result<()> {
        if self.policy.on_unsaved == OnUnsaved::Ignore {
            return Ok(());
        }
        for name in std::mem::take(&mut kept.unsaved) {
            let read_as = self.model().sent_field(&name).map(FieldMeta::read_as);
            let path = read_as.unwrap_or(&name).to_owned();
            let texts = sent.get(&name).zip(kept.shown_of(self.model(), &name));
            let is_label = match &texts {
                Some((sent, shown)) if shown.as_str().is_some_and(|text| !is_no_label(text)) => {
                    let row = row.unwrap_or(&kept.row);
                    // What cannot be asked tells nothing.
                    match self.is_filter(&path)? || self.is_choice(&name, sent).await {
                        true => self.is_found_by(&path, (sent, shown), row).await.ok(),
                        false => None,
                    }
                }
                _ => None,
            };
            match is_label.flatten() {
                Some(true) => self.learn(|known| known.learn_form(&path, false))?,
                Some(false) => {}
                None => kept.unsaved.push(name),
            }
        }
        Ok(())
    }

    /// Adds to what was not kept the codes, of which the row shows the words of before, that were sent for a field which Django REST Framework
    /// describes as read-only. One request for such a code, once for each client and endpoint.
    pub(super) async fn add_read_only(&self, kept: &mut Kept, headers: &HeaderMap) -> Result<()> {
        let unmoved = std::mem::take(&mut kept.unmoved);
        if unmoved.is_empty() || self.policy.on_unsaved == OnUnsaved::Ignore {
            return Ok(());
        }
        if !is_from_drf(headers) && !self.know(|known| known.is_drf)? {
            return Ok(());
        }
        let read_only = self.described_read_only().await?;
        let is_read_only = |name: &String| read_only.contains(name);
        kept.unsaved
            .extend(unmoved.into_iter().filter(is_read_only));
        Ok(())
    }

    /// The fields that are described as read-only, by their names in bodies; none where nothing is described.
    async fn described_read_only(&self) -> Result<Arc<HashSet<String>>> {
        if let Some(known) = self.know(|known| known.described_read_only.clone())? {
            return Ok(known);
        }
        let described: Value = match self.description().await {
            Ok(response) => serde_json::from_slice(response.bytes()).unwrap_or_default(),
            // It may be described another time.
            Err(error) if error.is_retryable() => return Ok(Arc::default()),
            Err(_) => Value::Null,
        };
        let fields = ["/actions/POST", "/actions/PUT"]
            .into_iter()
            .filter_map(|place| described.pointer(place)?.as_object())
            .flatten();
        let is_read_only = |field: &Value| field.get("read_only") == Some(&Value::Bool(true));
        let names = fields.filter(|(_, field)| is_read_only(field));
        let names = Arc::new(names.map(|(name, _)| name.clone()).collect());
        self.learn(|known| known.described_read_only = Some(Arc::clone(&names)))?;
        Ok(names)
    }

    /// Whether rows have come for the field by its name, or the model declares that the server filters by it.
    fn is_filter(&self, path: &str) -> Result<bool> {
        let mut declared = self.model().filters().into_iter().flatten();
        Ok(declared.any(|filter| filter == path)
            || !self.know(|known| known.may_be_unknown(path))?)
    }

    /// Whether Django REST Framework describes the value as a choice of the field.
    async fn is_choice(&self, name: &str, sent: &Value) -> bool {
        let Ok(response) = self.description().await else {
            return false;
        };
        let described: Value = serde_json::from_slice(response.bytes()).unwrap_or_default();
        let fields = described.pointer("/actions/POST");
        let choices = fields.and_then(|fields| fields.get(name)?.get("choices")?.as_array());
        let mut choices = choices.into_iter().flatten();
        choices.any(|choice| choice.get("value") == Some(sent))
    }

    /// Whether a text that the row shows is the label of the one that was sent: the server finds the row by that, and finds none by the one
    /// that it shows, or refuses it. `false` where the row shows what was sent by now; nothing where it was not kept, as far as can be told:
    /// a server that drops what is no choice finds the row by both, and so does one that looks for parts of texts.
    async fn is_found_by(
        &self,
        path: &str,
        (sent, shown): (&Value, &Value),
        row: &Row,
    ) -> Result<Option<bool>> {
        let primary = self.model().primary_key();
        let Some(key) = row.key(primary).filter(|_| sent.is_string()) else {
            return Ok(None);
        };
        let as_filtered = self.know(|known| known.shows_as_filtered(path))?;
        let asked = (self.asking_by(path, sent, &key)?).zip(self.asking_by(path, shown, &key)?);
        let Some((by_sent, by_shown)) = asked.filter(|_| as_filtered.is_none()) else {
            return Ok(None);
        };
        let found = self.page(&by_sent).await?;
        let is_it = |other: &&Row| other.key(primary).as_ref() == Some(&key);
        let Some(found) = found.rows().iter().find(is_it) else {
            return Ok(None);
        };
        let field = Shown::new(path, &self.known_fields()?);
        if field.of(found)? == *sent {
            return Ok(Some(false));
        }
        let is_label = match self.page(&by_shown).await {
            Ok(found) => {
                let names_more =
                    found.count().is_some_and(|count| count > 0) || found.next().is_some();
                found.rows().is_empty() && !names_more
            }
            Err(error) if error.is_refusal() => true,
            Err(error) => return Err(error),
        };
        Ok(is_label.then_some(true))
    }

    /// What asks for the row by its key and a value of the field, or by the value alone where there is no filter by the key; nothing
    /// where there is none by the field.
    fn asking_by(&self, path: &str, value: &Value, key: &Value) -> Result<Option<Pairs>> {
        let by = Q::Lookup(Lookup::new(path, Op::Exact, value.clone()));
        let is_it = Lookup::new(self.model().primary_key(), Op::Exact, key.clone());
        for q in [by.clone().and(Q::Lookup(is_it)), by] {
            let plan = Plan::all().filter(q);
            let strategy = self.strategy(&plan, Aim::Rows, &Findings::default())?;
            if !strategy.leaves_rows_out() {
                return Ok(Some(strategy.pairs));
            }
        }
        Ok(None)
    }
}
