//! Servers whose rows show several values as one, rounded or cut off, of which one is what they show.

use chrono::{DateTime, FixedOffset};
use django_api_orm::{ErrorKind, Filter, Manager, QuerySet, prelude::*};
use django_api_orm_testserver::{Field, Form, Paginator, Quirk, Resource, TestServer};
use http::Method;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::site::{Warnings, listening};

#[derive(Debug, Clone, Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/goods/")]
struct Good {
    id: Option<i64>,
    price: Decimal,
    text: String,
    at: String,
}

struct Site {
    server: TestServer,
    client: ServiceClient,
    warnings: Warnings,
}

impl Site {
    fn goods(&self) -> Manager<Good> {
        self.client.objects()
    }

    async fn ids(&self, goods: QuerySet<Good>) -> django_api_orm::Result<Vec<i64>> {
        Ok(goods.await?.iter().filter_map(|good| good.id).collect())
    }
}

/// Goods with these values in the field.
async fn start(field: &str, values: &[&str], forms: impl IntoIterator<Item = Form>) -> Site {
    with_quirk(field, values, forms, Quirk::ignore_parameters(["x"])).await
}

async fn with_quirk(
    field: &str,
    values: &[&str],
    forms: impl IntoIterator<Item = Form>,
    quirk: Quirk,
) -> Site {
    let pages = Paginator::limit_offset();
    in_pages(pages, field, values, forms, quirk).await
}

async fn in_pages(
    pages: Paginator,
    field: &str,
    values: &[&str],
    forms: impl IntoIterator<Item = Form>,
    quirk: Quirk,
) -> Site {
    let row = |(place, value): (usize, &&str)| {
        let mut row =
            json!({"id": place + 1, "price": "9.99", "text": "x", "at": "2024-05-01T10:00:00Z"});
        row[field] = json!(value);
        row
    };
    let rows: Vec<Value> = values.iter().enumerate().map(row).collect();
    let goods = Resource::new("goods")
        .fields([
            Field::integer("id").primary_key(),
            Field::decimal("price", 8, 2),
            Field::text("text", 100),
            Field::datetime("at"),
        ])
        .paginator(pages)
        .filter_on_everything()
        .rows(json!(rows));
    let shows = forms
        .into_iter()
        .map(|form| Quirk::Show(field.to_owned(), form));
    let goods = shows.fold(goods, Resource::quirk).quirk(quirk);
    let server = TestServer::builder().resource(goods).start().await.unwrap();
    let (client, warnings) = listening(&server);
    Site {
        server,
        client,
        warnings,
    }
}

fn at(text: &str) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(text).unwrap()
}

/// What is to be evaluated on a field by this lookup: left out, and the other part of an OR.
fn queries(site: &Site, lookup: &str, value: Value) -> [QuerySet<Good>; 2] {
    let filter = Filter::lookup(lookup, value);
    [
        site.goods().exclude(filter.clone()),
        site.goods().filter(filter | Good::F.id.eq(99)),
    ]
}

#[tokio::test]
async fn nothing_is_evaluated_on_values_of_which_one_is_what_all_of_them_show() {
    let long = [
        "The quick brown fox jumps",
        "The quick brown fox barks",
        "short",
    ];
    let whole = ["AAAA", "AAAAc", "AAAAb", "z"];
    let moments = ["2024-05-01T10:05:05.900000Z", "2024-05-01T10:05:05Z"];
    let prices = ["1.00", "1.04", "5.00"];
    type Case<'a> = (&'a str, &'a [&'a str], Form, &'a str, Value);
    let cases: [Case<'_>; 8] = [
        ("price", &prices, Form::Rounded(1), "price__gt", json!("1")),
        ("price", &prices, Form::Rounded(1), "price__gt", json!(1)),
        ("price", &prices, Form::Rounded(1), "price", json!("1.00")),
        (
            "at",
            &moments,
            Form::Shortened(19),
            "at__gt",
            json!("2024-05-01T10:05:05Z"),
        ),
        ("text", &long, Form::Shortened(17), "text", json!(long[0])),
        (
            "text",
            &long,
            Form::Shortened(17),
            "text__contains",
            json!("jumps"),
        ),
        ("text", &whole, Form::Shortened(4), "text", json!("AAAA")),
        (
            "text",
            &whole,
            Form::Shortened(4),
            "text__contains",
            json!("c"),
        ),
    ];
    for (field, values, form, lookup, value) in cases {
        let context = format!("{form:?} {lookup} {value}");
        // Whether the server has a filter by the key or not.
        for (place, quirk) in [
            (0, Quirk::ignore_parameters(["x"])),
            (1, Quirk::ignore_parameters(["x"])),
            (0, Quirk::ignore_parameters(["id"])),
        ] {
            let site = with_quirk(field, values, [form.clone()], quirk).await;
            let [out, either] = queries(&site, lookup, value.clone());
            let query = if place == 0 { out } else { either };
            let error = site.ids(query.clone()).await.expect_err(&context);
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{context}: {error}");
            query.delete().await.expect_err(&context);
            let asked = site.server.requests();
            assert!(asked.iter().all(|request| request.method() == Method::GET));
        }
    }
}

/// More rows show the value than come in a page, and one of those that show it is another.
#[tokio::test]
async fn each_row_of_a_page_that_shows_the_value_is_looked_for() {
    for place in [0, 9, 10, 35, 40] {
        let mut prices = ["1.00"; 41];
        prices[place] = "1.04";
        for deaf in ["x", "id"] {
            let site = in_pages(
                Paginator::limit_offset().max_limit(10),
                "price",
                &prices,
                [Form::Rounded(1)],
                Quirk::ignore_parameters([deaf]),
            )
            .await;
            let [out, _] = queries(&site, "price__lte", json!(1));
            let context = format!("{place}, without {deaf}");
            let error = site.ids(out.clone()).await.expect_err(&context);
            assert_eq!(error.kind(), ErrorKind::Unsupported, "{context}: {error}");
            out.delete().await.expect_err(&context);
            let asked = site.server.requests();
            assert!(asked.iter().all(|request| request.method() == Method::GET));
        }
    }
}

/// Integers may be asked of rounded decimals, a filter may be ignored that all rows seem to satisfy, one value may be exact and another
/// one not, and a time to the minute has no second.
#[tokio::test]
async fn nothing_is_written_by_digits_that_rows_do_not_show() {
    type Case<'a> = (&'a str, &'a [&'a str], Form, &'a str, &'a str, Value, bool);
    let cases: [Case<'_>; 9] = [
        (
            "price",
            &["1.00", "1.04", "2.00"],
            Form::Rounded(1),
            "price__in",
            "price__in",
            json!([1, 2]),
            true,
        ),
        (
            "price",
            &["1.95", "2.00", "5.00"],
            Form::Rounded(1),
            "price__gte",
            "price__gte",
            json!(2),
            true,
        ),
        (
            "price",
            &["1.95", "2.00", "5.00"],
            Form::Rounded(1),
            "price__lt",
            "price__lt",
            json!("2"),
            true,
        ),
        (
            "price",
            &["1.95", "2.00", "5.00"],
            Form::Rounded(0),
            "x",
            "price",
            json!(2),
            false,
        ),
        (
            "price",
            &["1.95", "2.00", "5.00"],
            Form::Rounded(0),
            "x",
            "price__gt",
            json!(2),
            false,
        ),
        (
            "price",
            &["1.95", "10.00", "5.00"],
            Form::Rounded(1),
            "x",
            "price__in",
            json!([10.0, 1.95]),
            false,
        ),
        (
            "at",
            &["2024-05-01T10:05:59Z", "2024-05-01T10:05:00Z"],
            Form::Shortened(16),
            "x",
            "at__second",
            json!(59),
            false,
        ),
        (
            "at",
            &["2024-05-01T10:05:59Z", "2024-05-01T10:05:00Z"],
            Form::Shortened(16),
            "x",
            "at__time",
            json!("10:05:59"),
            false,
        ),
        (
            "text",
            &["Annabel", "Bob", "Annalena"],
            Form::Shortened(4),
            "x",
            "text",
            json!("Anna"),
            false,
        ),
    ];
    for (field, values, form, deaf, lookup, value, filters) in cases {
        let context = format!("{lookup}={value} of {values:?}");
        for paged in [false, true] {
            let pages = match paged {
                true => Paginator::limit_offset().max_limit(1),
                false => Paginator::limit_offset(),
            };
            let quirk = Quirk::ignore_parameters([deaf]);
            let site = in_pages(pages, field, values, [form.clone()], quirk).await;
            let condition = Filter::<Good>::lookup(lookup, value.clone());
            let goods = match filters {
                true => site.goods().filter(condition),
                false => site.goods().exclude(condition),
            };
            let text = Good::F.text.set("y");
            let error = goods.update([text]).await;
            assert!(
                error.is_err() || paged && field == "text",
                "{context}: {error:?}"
            );
            let asked = site.server.requests();
            let writes = asked
                .iter()
                .filter(|request| request.method() != Method::GET);
            assert!(error.is_ok() || writes.count() == 0, "{context}");
        }
    }
}

/// What rows show as it is is evaluated, for one request more.
#[tokio::test]
async fn values_that_rows_show_whole_are_evaluated() {
    let site = start("price", &["1.00", "1.04", "5.00", "1.00"], []).await;
    for requests in [2, 1] {
        let before = site.client.stats().requests;
        let rest = site.goods().exclude(Good::F.price.eq(Decimal::ONE));
        assert_eq!(site.ids(rest).await.unwrap(), [2, 3]);
        assert_eq!(site.client.stats().requests - before, requests);
    }
    let moments = ["2024-05-01T10:05:05Z", "2024-05-01T10:05:06Z"];
    let site = start("at", &moments, []).await;
    let out = Filter::lookup("at", json!(at(moments[0])));
    assert_eq!(site.ids(site.goods().exclude(out)).await.unwrap(), [2]);
}

/// Values that are shown as one stand in the order of what they are, and not of the key behind.
#[tokio::test]
async fn an_order_by_what_is_shown_as_one_is_believed() {
    let long = [
        "The quick brown fox jumps",
        "The quick brown fox barks",
        "short",
    ];
    let moments = [
        "2024-05-01T10:05:05.900000Z",
        "2024-05-01T10:05:05Z",
        "2024-05-01T10:05:07Z",
    ];
    let cases: [(&str, &[&str], Form); 4] = [
        ("price", &["1.04", "1.00", "5.00"], Form::Rounded(1)),
        ("at", &moments, Form::Shortened(19)),
        ("text", &long, Form::Shortened(17)),
        ("text", &["AAAAc", "AAAA", "z"], Form::Shortened(4)),
    ];
    for (field, values, form) in cases {
        let context = format!("{form:?} {values:?}");
        let site = start(field, values, [form]).await;
        let sorted = site.goods().order_by([field, "id"]);
        assert_eq!(
            site.ids(sorted.clone()).await.unwrap(),
            [2, 1, 3],
            "{context}"
        );
        assert_eq!(
            site.ids(sorted.range(..2)).await.unwrap(),
            [2, 1],
            "{context}"
        );
        assert_eq!(*site.warnings.lock().unwrap(), [], "{context}");
    }
}
