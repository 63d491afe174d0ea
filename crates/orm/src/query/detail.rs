//! Rows at URLs of their own: how one is read, and what a 404 there means.
//!
//! A 404 says that nothing is at that URL, not that there is no such row: the endpoint may address its rows by another field,
//! or not at all. It means a missing row only once a row of the endpoint has been seen at its own URL. Until then the first
//! row of the list is tried there: two requests, once for each client and endpoint, and only after a 404. The body of a 404
//! is no evidence, even where it says so in words: an endpoint that addresses rows by their slug answers a key, which it takes
//! for a slug, in the same words as a key that does not exist.
//!
//! Nor is the row there that was meant, as long as none of the endpoint has been seen: where rows show texts that may be keys, too, one is
//! looked at before the first write.

use django_api_orm_core::{
    Error, ErrorKind, Result, RowType,
    plan::Plan,
    row::{Row, key_text},
    version::Version,
};
use http::StatusCode;
use serde_json::Map;
use uuid::Uuid;

use super::collection::Collection;
use crate::client::Call;

/// Whether the answer to a read of a URL may mean that there are no such URLs, or that they are made of another kind of key.
fn takes_no_key(error: &Error) -> bool {
    let refusals = [
        StatusCode::METHOD_NOT_ALLOWED,
        StatusCode::UNPROCESSABLE_ENTITY,
        StatusCode::NOT_IMPLEMENTED,
    ];
    error
        .status()
        .is_some_and(|status| refusals.contains(&status))
}

/// What the URL of a row has shown.
#[derive(Debug)]
pub(super) enum ByUrl {
    /// The row.
    Row(Row),
    /// There is no such row; the error says so.
    Missing(Error),
    /// Nothing: the endpoint has no URLs for its rows by this key, so only the list can tell.
    Unknown,
}

impl Collection {
    /// Reads one row by the key in its URL, decoded to the type where one is given.
    pub(super) async fn by_url(&self, key: &str, row_type: Option<RowType>) -> Result<ByUrl> {
        if self.know(|known| known.details)? == Some(false) {
            return Ok(ByUrl::Unknown);
        }
        let error = match self.at_url(key, None, row_type).await {
            Ok(row) => return Ok(ByUrl::Row(row)),
            Err(error) if error.kind() == ErrorKind::NotFound => error,
            // Nothing is read there, or another kind of key is.
            Err(error) if takes_no_key(&error) && self.know(|known| known.details)?.is_none() => {
                return Ok(ByUrl::Unknown);
            }
            Err(error) => return Err(error),
        };
        match Box::pin(self.has_details()).await {
            Ok(true) => Ok(ByUrl::Missing(self.no_row(error))),
            Ok(false) => Ok(ByUrl::Unknown),
            Err(unread) => Err(not_confirmed(error, unread)),
        }
    }

    /// Reads a row anew, which the server last showed as `known`.
    pub async fn refresh(&self, key: &str, known: Option<&Row>) -> Result<Row> {
        match self.at_url(key, known, None).await {
            Ok(row) => Ok(row),
            Err(error) => Err(self.missing(error).await),
        }
    }

    /// What a request to the URL of a row has met: a 404 there means a missing row, or that rows have no URLs.
    pub(super) async fn missing(&self, error: Error) -> Error {
        if error.kind() != ErrorKind::NotFound {
            return error;
        }
        match Box::pin(self.has_details()).await {
            Ok(true) => self.no_row(error),
            Ok(false) => error.with_context(format!(
                "`{}` lists its rows, but has no URL for each by its `{}`; declare the field that its URLs have, or read and \
                 write the rows through an endpoint that has them",
                self.model().endpoint(),
                self.model().lookup_field()
            )),
            Err(unread) => not_confirmed(error, unread),
        }
    }

    fn no_row(&self, error: Error) -> Error {
        error
            .with_kind(ErrorKind::DoesNotExist)
            .with_message(format!("no `{}` matches", self.model().name()))
    }

    /// The row at its URL, which shows that rows have URLs.
    pub(super) async fn at_url(
        &self,
        key: &str,
        known: Option<&Row>,
        row_type: Option<RowType>,
    ) -> Result<Row> {
        let path = self.endpoint()?.detail(key)?;
        let response = self.send(Call::get(path)).await?;
        let mut row = Row::new(response.text()).with_version(Version::of(response.headers()));
        if known.is_none()
            && row_type.is_some_and(|row_type| row.decode_to(row_type))
            // To the letter: what the row shows beside that need not be looked at.
            && self.lookup_key().is_key(&row, key)
        {
            self.learn_shown(&row)?;
            return Ok(row);
        }
        let keys = [self.model().primary_key(), self.model().lookup_field()];
        let mut is_row = false;
        let picked = row.pick_noting(&keys, |name| is_row = is_row || self.model().reads(name));
        let nothing = Map::new();
        let read = self.write(Some(key), known, &nothing);
        let picked = match picked {
            Ok(picked) if is_row || self.model().may_be_row(|_| false) => picked,
            // What the answer holds with the key is the row: `{"data": {"id": 1}}`.
            _ => match read
                .row_in(&row)
                .filter(|inner| inner.bytes() != row.bytes())
            {
                Some(inner) => {
                    row = inner.with_version(Version::of(response.headers()));
                    row.pick(&keys)?
                }
                // Another look, for the error.
                None => self.shown(&response)?,
            },
        };
        match read.other(|name| picked.get(name).and_then(key_text)) {
            None => {
                self.learn_shown(&row)?;
                Ok(row)
            }
            Some(other) => {
                // Where rows were seen at their own URLs, it is one answer that is wrong; and a key that no row has shown may be a name
                // for another one, such as `me`.
                if known.is_some() && are_alike(key, &other) {
                    self.learn(|known| known.has_other_urls |= known.details != Some(true))?;
                }
                Err(Error::decode(format!(
                    "asked for the row of `{}` with the key {key:?}, the server answered with another one, {other:?}",
                    self.model().name()
                )))
            }
        }
    }

    /// Whether the URL of a row that is to be written is that of another one: once one was seen at the URL of another, or where the row,
    /// which the list has shown, has a text that may be a key, and none was seen at its own URL. The latter costs a request, once for each
    /// client and endpoint.
    ///
    /// # Errors
    /// `Unsupported` where it is.
    pub(super) async fn confirm_url(&self, key: &str, row: Option<&Row>) -> Result<()> {
        let known = self.knowledge()?;
        let model = self.model();
        if !known.has_other_urls {
            let may_be_another = known.details.is_none()
                && model.lookup_field() == model.primary_key()
                && match row {
                    Some(row) => shows_another_key(row, model.primary_key(), key)?,
                    None => false,
                };
            if !may_be_another {
                return Ok(());
            }
            match self.at_url(key, row, None).await {
                Ok(_) => return Ok(()),
                // The list shows a row that is not there.
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    self.learn(|known| known.has_other_urls = true)?;
                }
                Err(error) if error.kind() == ErrorKind::Decode => {}
                // The write will tell.
                Err(error) if error.status().is_some() => return Ok(()),
                Err(error) => return Err(error),
            }
            if !self.know(|known| known.has_other_urls)? {
                return Ok(());
            }
        }
        Err(Error::unsupported(format!(
            "nothing was written: the URLs of `{}` are not made of `{}`, as another row, or none, was seen at that of one; declare the \
             field that they have (`lookup_field`)",
            model.name(),
            model.lookup_field()
        )))
    }

    /// Keeps what a row at its URL shows of the endpoint.
    fn learn_shown(&self, row: &Row) -> Result<()> {
        self.learn(|known| {
            known.details = Some(true);
            known.names_versions |= row.version().is_some();
        })
    }

    /// Whether rows have URLs by their key, so that a 404 at one of these means that the row is missing. A collection without
    /// rows has none that could be there.
    async fn has_details(&self) -> Result<bool> {
        if let Some(known) = self.know(|known| known.details)? {
            return Ok(known);
        }
        let Some(row) = self.first(&Plan::all()).await? else {
            return Ok(true);
        };
        let seen = match self.key_of(&row) {
            Ok(key) => self.at_url(&key, Some(&row), None).await.map(|_| ()),
            Err(no_key) => Err(no_key),
        };
        match seen {
            Ok(()) => Ok(true),
            Err(error) if is_no_url(&error) => {
                self.learn(|known| {
                    known.details.get_or_insert(false);
                })?;
                Ok(false)
            }
            // A refusal says nothing for good: another caller, or a later request, may be let in.
            Err(error)
                if error
                    .status()
                    .is_some_and(|status| status.is_client_error()) =>
            {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }
}

/// Whether a row shows, beside its key, a text that may be one.
fn shows_another_key(row: &Row, primary_key: &str, key: &str) -> Result<bool> {
    let fields = row.fields()?;
    let mut texts = fields
        .iter()
        .filter(|(name, _)| *name != primary_key)
        .filter_map(|(_, value)| value.as_str());
    Ok(texts.any(|text| are_alike(key, text)))
}

/// Whether both are integers, or UUIDs.
fn are_alike(one: &str, other: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_uuid = |text: &str| Uuid::try_parse(text).is_ok();
    is_number(one) && is_number(other) || is_uuid(one) && is_uuid(other)
}

/// Whether a row that the list shows is not at its URL, or another one is.
fn is_no_url(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Decode)
}

/// The error of a 404 that may mean a missing row, where the list could not be asked: the 404 stands, if the list is missing
/// or refused too.
fn not_confirmed(error: Error, unread: Error) -> Error {
    match unread.kind() {
        ErrorKind::NotFound => error,
        _ if unread.status().is_some_and(|status| status.is_client_error()) => {
            error.with_context(format!(
                "whether the row is missing or the URL is wrong is not known, as the list cannot be read ({unread})"
            ))
        }
        _ => unread,
    }
}
