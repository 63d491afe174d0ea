//! New rows of which the answer shows no key, but says where they are: `201 Created` with a `Location`, and a part of the row or no body.

use django_api_orm_core::{
    page::is_from_drf,
    row::Row,
    written::{Kept, Write},
};
use http::{
    StatusCode,
    header::{CONTENT_LOCATION, LOCATION},
};
use percent_encoding::percent_decode_str;
use url::Url;

use super::collection::Collection;
use crate::client::ApiResponse;

impl Collection {
    /// The new row, read where the answer says that it is, if the answer does not show its key. Nothing where it cannot be read, or
    /// where that is not the URL of a row of this endpoint: a header leads nowhere else. What Django REST Framework answers with is what it
    /// shows of a row. One request.
    pub(super) async fn read_created(
        &self,
        write: &Write<'_>,
        response: &ApiResponse,
    ) -> Option<Kept> {
        let says_where = [StatusCode::OK, StatusCode::CREATED, StatusCode::NO_CONTENT];
        let is_row = !response.bytes().is_empty() && is_from_drf(response.headers());
        if is_row || !says_where.contains(&response.status()) || self.shows_key(response) {
            return None;
        }
        let collection = self.url()?;
        let key = [LOCATION, CONTENT_LOCATION].into_iter().find_map(|name| {
            let location = response.headers().get(name)?.to_str().ok()?;
            key_below(&collection, location)
        })?;
        let row = self.at_url(&key, None, None).await.ok()?;
        // Something else may be there: the job that will create the row.
        if !write.shows_some_sent(&row) {
            return None;
        }
        Some(Kept {
            unsaved: write.unsaved_in(&row),
            is_new: true,
            ..Kept::shown(row)
        })
    }

    fn shows_key(&self, response: &ApiResponse) -> bool {
        let row = Row::new(response.text());
        let keys = [self.model().primary_key(), self.model().lookup_field()];
        keys.into_iter().any(|name| row.key(name).is_some())
    }

    fn url(&self) -> Option<Url> {
        let base = self.client().ok()?.base_url();
        let path = self.endpoint().ok()?.path();
        Url::parse(&format!("{}{path}", base.trim_end_matches('/'))).ok()
    }
}

/// The key in the URL of a row directly below a collection.
fn key_below(collection: &Url, location: &str) -> Option<String> {
    let row = collection.join(location).ok()?;
    let has_user = !row.username().is_empty() || row.password().is_some();
    if row.origin() != collection.origin() || has_user || row.query().is_some() {
        return None;
    }
    let above = collection.path().trim_end_matches('/');
    let below = row.path().strip_prefix(above)?.strip_prefix('/')?;
    let key = below.strip_suffix('/').unwrap_or(below);
    let decoded = percent_decode_str(key).decode_utf8().ok()?;
    (!key.is_empty() && !key.contains('/')).then(|| decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_url_of_a_row_has_its_key() {
        let collection = Url::parse("https://api.test/v1/things/").unwrap();
        for (location, key) in [
            ("/v1/things/7/", Some("7")),
            ("/v1/things/7", Some("7")),
            ("7/", Some("7")),
            ("https://api.test:443/v1/things/a%20b/#top", Some("a b")),
            ("/v1/things/", None),
            ("/v1/things/7/parts/", None),
            ("/v1/things/7/?page=2", None),
            ("/v1/things/../others/7/", None),
            ("/v1/others/7/", None),
            ("/v1/thingsandmore/7/", None),
            ("https://api.test.evil.test/v1/things/7/", None),
            ("//evil.test/v1/things/7/", None),
            ("http://api.test/v1/things/7/", None),
            ("https://user@api.test/v1/things/7/", None),
            ("", None),
        ] {
            assert_eq!(
                key_below(&collection, location).as_deref(),
                key,
                "{location}"
            );
        }
    }
}
