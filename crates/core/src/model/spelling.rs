//! How the endpoint of a model writes rows and takes filters, where that is not DRF's way.

use super::ModelMeta;
use crate::json_api::JsonApi;

impl ModelMeta {
    /// Declares that the endpoint speaks JSON:API.
    #[must_use]
    pub fn with_json_api(mut self, json_api: JsonApi) -> Self {
        self.json_api = Some(json_api);
        self
    }

    /// Declares that a list of values is sent as a parameter that comes several times, `id=1&id=2`, and not as `id__in=1,2`.
    #[must_use]
    pub fn with_repeated_values(mut self) -> Self {
        self.repeats_values = true;
        self
    }

    /// Whether a list of values is sent as a parameter that comes several times.
    #[must_use]
    pub fn repeats_values(&self) -> bool {
        self.repeats_values
    }

    /// How the endpoint's documents are to be read, where it speaks JSON:API.
    #[must_use]
    pub fn json_api(&self) -> Option<&JsonApi> {
        self.json_api.as_ref()
    }
}
