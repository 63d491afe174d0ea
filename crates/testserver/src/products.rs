//! The shapes of some products, as far as their documentation or their public code says.

use std::collections::BTreeMap;

use http::StatusCode;

use crate::error::{Error, Result};
use crate::shape::{Details, OnUnknown, Pages, Shape, Status, Taken};

type Product = (&'static str, fn() -> Shape);

const PRODUCTS: [Product; 9] = [
    ("wagtail", Shape::wagtail),
    ("label_studio", Shape::label_studio),
    ("kinto", Shape::kinto),
    ("json_server", Shape::json_server),
    ("datasette", Shape::datasette),
    ("fastapi_pagination", Shape::fastapi_pagination),
    ("django_ninja", Shape::django_ninja),
    ("netbox", Shape::netbox),
    ("sentry", Shape::sentry),
];

/// Lists, their pages, filters and orderings are those of the products; the texts of refusals are not.
impl Shape {
    /// The shape of a product, by the name of its constructor: `wagtail`, `kinto`, ...
    ///
    /// # Errors
    /// For a name that is not among [`Shape::names`].
    pub fn named(name: &str) -> Result<Self> {
        let mut products = PRODUCTS.iter();
        let found = products.find(|(known, _)| *known == name);
        found.map(|(_, shape)| shape()).ok_or_else(|| {
            let names: Vec<_> = Self::names().collect();
            Error::configuration(format!("no shape `{name}`; there are {}", names.join(", ")))
        })
    }

    /// The names that [`Shape::named`] knows.
    pub fn names() -> impl Iterator<Item = &'static str> {
        PRODUCTS.iter().map(|(name, _)| *name)
    }

    /// Wagtail's API v2: `items` and `meta.total_count`, no links; at most 20 rows, a larger `limit` is a 400, as is any
    /// parameter that it does not know; filters by equality; `order`; nothing can be written.
    pub fn wagtail() -> Self {
        Self {
            path: "/api/v2/{name}/".to_owned(),
            size: 20,
            max_size: Some(20),
            over_max: Some(Status(StatusCode::BAD_REQUEST)),
            rows: some("items"),
            count: some("meta.total_count"),
            unknown: OnUnknown::Refused(Status(StatusCode::BAD_REQUEST)),
            filters: spelt([("exact", "{field}")]),
            ordering: some("order"),
            read_only: true,
            ..Self::nameless()
        }
    }

    /// The tasks of Label Studio: `tasks` and `total`, pages by number, no links.
    pub fn label_studio() -> Self {
        Self {
            path: "/api/{name}".to_owned(),
            pages: Pages::PageNumber,
            size_parameter: some("page_size"),
            rows: some("tasks"),
            count: some("total"),
            filters: spelt([]),
            ..Self::nameless()
        }
    }

    /// Kinto's records: `data`, the count in `Total-Records`, a URL with a token in `Next-Page`; `_limit`, `_sort`;
    /// `min_`, `max_`, `gt_`, `lt_`, `in_` before a field's name; a filter by a field that no record has leaves none; one
    /// record stands under `data`, too.
    pub fn kinto() -> Self {
        Self {
            path: "/v1/buckets/default/collections/{name}/records".to_owned(),
            pages: Pages::Token,
            size_parameter: some("_limit"),
            position_parameter: some("_token"),
            rows: some("data"),
            count_header: some("Total-Records"),
            next_header: some("Next-Page"),
            unknown: OnUnknown::Taken(Taken::Equality),
            filters: spelt([
                ("exact", "{field}"),
                ("gte", "min_{field}"),
                ("lte", "max_{field}"),
                ("gt", "gt_{field}"),
                ("lt", "lt_{field}"),
                ("in", "in_{field}"),
            ]),
            ordering: some("_sort"),
            row_in: some("data"),
            ..Self::nameless()
        }
    }

    /// json-server 1: a plain list with everything, or with `_page` ten rows under `data` and the number of the next page;
    /// `age:gte`; `_sort`; every other parameter is a filter, by a field that perhaps no row has.
    pub fn json_server() -> Self {
        Self {
            path: "/{name}".to_owned(),
            pages: Pages::PageNumber,
            size: 10,
            size_parameter: some("_per_page"),
            position_parameter: some("_page"),
            on_request: true,
            rows: some("data"),
            count: some("items"),
            next_number: some("next"),
            unknown: OnUnknown::Taken(Taken::Equality),
            filters: spelt([
                ("exact", "{field}"),
                ("gt", "{field}:gt"),
                ("gte", "{field}:gte"),
                ("lt", "{field}:lt"),
                ("lte", "{field}:lte"),
                ("startswith", "{field}:startsWith"),
                ("endswith", "{field}:endsWith"),
            ]),
            ordering: some("_sort"),
            ..Self::nameless()
        }
    }

    /// A table of Datasette 0.64: `rows`, `count`, a token in `next` and a URL in `next_url`; `_size`; `age__gte`; `_sort`
    /// without a minus; a filter by a column that is not there leaves no row; read only here.
    pub fn datasette() -> Self {
        Self {
            path: "/data/{name}.json".to_owned(),
            pages: Pages::Token,
            max_size: Some(1000),
            size_parameter: some("_size"),
            position_parameter: some("_next"),
            rows: some("rows"),
            count: some("count"),
            next_token: some("next"),
            next: some("next_url"),
            unknown: OnUnknown::Taken(Taken::Equality),
            ordering: some("_sort"),
            descending: false,
            details: Details::Absent,
            read_only: true,
            ..Self::nameless()
        }
    }

    /// fastapi-pagination's default page: `items`, `total`, `page`, `size`, `pages`; 50 rows, a `size` above 100 is a 422.
    /// Filters and orderings are the application's; here there are none, and other parameters are ignored.
    pub fn fastapi_pagination() -> Self {
        Self {
            path: "/{name}".to_owned(),
            pages: Pages::PageNumber,
            size: 50,
            max_size: Some(100),
            over_max: Some(Status(StatusCode::UNPROCESSABLE_ENTITY)),
            size_parameter: some("size"),
            rows: some("items"),
            count: some("total"),
            numbers: Some(["page", "size", "pages"].map(str::to_owned)),
            filters: spelt([]),
            ordering: None,
            ..Self::nameless()
        }
    }

    /// Django Ninja's `@paginate`: `items` and `count`, `limit` and `offset`, no links. Filters and orderings are the
    /// application's; here there are none, and other parameters are ignored.
    pub fn django_ninja() -> Self {
        Self {
            path: "/api/{name}".to_owned(),
            rows: some("items"),
            count: some("count"),
            filters: spelt([]),
            ordering: None,
            ..Self::nameless()
        }
    }

    /// `NetBox`: DRF's limit and offset, 50 rows, at most 1000; `name__ic` for `icontains` and so on; a parameter that comes
    /// twice wants either value. Its choices are shown as an object: see `value_and_label` in the guide.
    pub fn netbox() -> Self {
        Self {
            path: "/api/dcim/{name}/".to_owned(),
            size: 50,
            max_size: Some(1000),
            count: some("count"),
            next: some("next"),
            previous: some("previous"),
            filters: spelt([
                ("exact", "{field}"),
                ("gt", "{field}__gt"),
                ("gte", "{field}__gte"),
                ("lt", "{field}__lt"),
                ("lte", "{field}__lte"),
                ("icontains", "{field}__ic"),
                ("istartswith", "{field}__isw"),
                ("iendswith", "{field}__iew"),
                ("iexact", "{field}__ie"),
            ]),
            repeated_is_any: true,
            ..Self::nameless()
        }
    }

    /// Sentry: a plain list, and a `Link` header that always has a next page, with `results="false"` when that is empty.
    pub fn sentry() -> Self {
        Self {
            path: "/api/0/{name}/".to_owned(),
            pages: Pages::Token,
            size_parameter: some("per_page"),
            position_parameter: some("cursor"),
            rows: None,
            link_header: true,
            link_results: true,
            filters: spelt([]),
            ordering: None,
            ..Self::nameless()
        }
    }
}

impl Shape {
    /// DRF's, but for what an answer says beside its rows.
    fn nameless() -> Self {
        Self {
            count: None,
            next: None,
            previous: None,
            ..Self::default()
        }
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

/// How the server spells its lookups; those that are not named are not there.
fn spelt<const N: usize>(lookups: [(&str, &str); N]) -> Option<BTreeMap<String, String>> {
    let owned = |(lookup, name): (&str, &str)| (lookup.to_owned(), name.to_owned());
    Some(lookups.into_iter().map(owned).collect())
}
