//! The reference site: the resources and rows of the real Django site in `tests/drf`.

use std::time::Duration;

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::action::{Action, View};
use crate::builder::TestServerBuilder;
use crate::field::{Field, OnDelete};
use crate::paginator::Paginator;
use crate::quirks::{Quirk, Tags};
use crate::reply::Reply;
use crate::resource::Resource;

const ROWS: &str = include_str!("../fixtures/reference.json");

const COMPARE: [&str; 5] = ["exact", "gt", "gte", "lt", "lte"];

pub(crate) fn builder() -> TestServerBuilder {
    let builder = TestServerBuilder::new()
        .resource(users())
        .resource(posts())
        .resource(comments())
        .resource(teams())
        .resource(articles())
        .resource(labels())
        .seed_json(serde_json::from_str::<Value>(ROWS).unwrap_or_default())
        .token("test-token")
        .token("other-token");
    let builder = (1..=20).fold(builder, |builder, n| {
        builder.token(&format!("user-token-{n}"))
    });
    let builder = items()
        .into_iter()
        .fold(builder, TestServerBuilder::resource);
    views().into_iter().fold(builder, TestServerBuilder::view)
}

fn id() -> Field {
    Field::integer("id").primary_key()
}

fn created_at() -> Field {
    Field::datetime("created_at").read_only().default_now()
}

fn users() -> Resource {
    let address = [
        Field::text("street", 100),
        Field::text("city", 50),
        Field::text("state", 2),
        Field::text("zip", 10),
    ];
    Resource::new("users")
        .fields([
            id(),
            Field::text("name", 100),
            Field::email("email").unique(),
            Field::choice("role", ["admin", "editor", "viewer"]).default("viewer"),
            Field::boolean("active").default(true),
            Field::integer("age").between(0, 150).null(),
            Field::decimal("balance", 10, 2).default("0.00"),
            Field::date("joined_on").null(),
            created_at(),
            Field::nested("address", address).null(),
            Field::foreign_key("team", "teams", OnDelete::SetNull).null(),
            Field::text_list("tags").default(json!([])),
            Field::object("settings").default(json!({})),
        ])
        .paginator(Paginator::limit_offset().default_limit(100).max_limit(100))
        .filter("id", COMPARE)
        .filter("id", ["in", "range"])
        .filter(
            "name",
            [
                "exact",
                "iexact",
                "contains",
                "icontains",
                "startswith",
                "istartswith",
            ],
        )
        .filter("name", ["endswith", "iendswith", "regex"])
        .filter("email", ["exact", "iexact", "in"])
        .filter("role", ["exact", "in"])
        .filter("active", ["exact"])
        .filter("age", COMPARE)
        .filter("age", ["in", "range", "isnull"])
        .filter("balance", COMPARE)
        .filter("joined_on", COMPARE)
        .filter("joined_on", ["range", "year", "isnull"])
        .filter("created_at", COMPARE)
        .filter("created_at", ["range", "year", "month", "day", "date"])
        .filter("team", ["exact", "in", "isnull"])
        .filter("address__state", ["exact"])
        .ordering(["id", "name", "email", "age", "created_at", "balance"])
        .search(["name", "email"])
        .action(Action::detail("deactivate", Method::POST, |call| {
            call.update_row(&json!({"active": false}))
        }))
        .action(Action::list("stats", Method::GET, |call| {
            let active = call.count(&[("active", json!(true))])?;
            Ok(Reply::ok(
                &json!({"total": call.count(&[])?, "active": active}),
            ))
        }))
        .child("posts", "posts", "author")
}

fn posts() -> Resource {
    Resource::new("posts")
        .fields([
            id(),
            Field::text("title", 200),
            Field::long_text("body").blank(),
            Field::foreign_key("author", "users", OnDelete::Cascade),
            Field::boolean("published").default(false),
            Field::float("score").null(),
            Field::text_list("tags").default(json!([])),
            created_at(),
        ])
        .paginator(
            Paginator::page_number(25)
                .page_size_parameter("page_size")
                .max_page_size(50),
        )
        .filter("id", ["exact", "in", "gt", "lt"])
        .filter("title", ["exact", "icontains"])
        .filter("author", ["exact", "in"])
        .filter("published", ["exact"])
        .filter("score", ["gt", "gte", "lt", "lte", "isnull"])
        .filter("author__name", ["exact"])
        .ordering(["id", "title", "score", "created_at"])
        .validate(|data| match data.get("title").and_then(Value::as_str) {
            Some("forbidden") => Err("This title is forbidden.".to_owned()),
            _ => Ok(()),
        })
}

fn comments() -> Resource {
    Resource::new("comments")
        .fields([
            id(),
            Field::foreign_key("post", "posts", OnDelete::Cascade),
            Field::link("author", "users", OnDelete::Cascade),
            Field::long_text("text"),
            created_at(),
        ])
        .paginator(Paginator::cursor(20, ["id"]))
        .filter("post", ["exact", "in"])
        .filter("author", ["exact"])
        .ordering(["id", "created_at"])
}

fn teams() -> Resource {
    Resource::new("teams")
        .fields([
            id(),
            Field::text("name", 50).unique(),
            Field::uuid("code").read_only().default_uuid(),
            Field::text("motto", 200).null().blank(),
        ])
        .filter("id", ["exact", "in", "gt"])
        .filter("name", ["exact", "icontains"])
        .filter("motto", ["exact", "isnull"])
        .ordering(["id", "name"])
}

fn articles() -> Resource {
    Resource::new("articles")
        .fields([
            id(),
            Field::slug("slug").unique(),
            Field::text("title", 200),
            Field::decimal("rating", 4, 2).null(),
            Field::datetime("published_at").null(),
        ])
        .lookup_field("slug")
        .paginator(Paginator::page_number(20))
        .filter("slug", ["exact", "in"])
        .filter("title", ["icontains"])
        .filter("rating", ["gt", "lt"])
        .ordering(["id", "slug", "rating"])
}

fn labels() -> Resource {
    Resource::new("labels")
        .fields([
            id(),
            Field::text("name", 50),
            Field::text("color", 20).null().blank(),
        ])
        .no_filter_backends()
}

/// The same rows under every paginator, with all filter backends and with none.
fn items() -> Vec<Resource> {
    let paginators = [
        (
            "limitoffset",
            Some(Paginator::limit_offset().default_limit(20).max_limit(30)),
        ),
        (
            "pagenumber",
            Some(
                Paginator::page_number(20)
                    .page_size_parameter("page_size")
                    .max_page_size(30),
            ),
        ),
        ("cursor", Some(Paginator::cursor(20, ["id"]))),
        ("plain", None),
    ];
    let mut resources = Vec::new();
    for (name, paginator) in paginators {
        let named = |switch: &str, view: &str| {
            let name = format!("items/{name}-{switch}");
            let resource = Resource::new(&name)
                .table("items")
                .view_name(view)
                .fields(item_fields());
            match &paginator {
                Some(paginator) => resource.paginator(paginator.clone()),
                None => resource,
            }
        };
        let on = named("on", "Filtered Items")
            .filter("id", ["exact", "in", "gt", "lt"])
            .filter("name", ["exact", "iexact", "icontains"])
            .filter("rank", COMPARE)
            .filter("rank", ["in", "isnull"])
            .filter("price", ["exact", "gt", "lt"])
            .filter("kind", ["exact", "in"])
            .filter("flag", ["exact"])
            .filter("seen_at", ["gt", "lt", "year"])
            .ordering(["id", "name", "rank", "price"]);
        resources.push(on);
        resources.push(named("off", "Plain Items").no_filter_backends());
    }
    let tagged = |name: &str, tags: Tags| {
        Resource::new(&format!("items/{name}"))
            .table("items")
            .fields(item_fields())
            .filter("id", ["exact", "in"])
            .quirk(Quirk::Tags(tags))
    };
    resources.push(tagged("tagged", Tags::strong()));
    resources.push(tagged("tagged-weakly", Tags::weak()));
    resources
}

fn item_fields() -> [Field; 7] {
    [
        id(),
        Field::text("name", 100),
        Field::integer("rank").null(),
        Field::decimal("price", 8, 2).default("0.00"),
        Field::text("kind", 20).blank(),
        Field::boolean("flag").default(false),
        Field::datetime("seen_at").null(),
    ]
}

fn views() -> Vec<View> {
    let every = [
        Method::GET,
        Method::POST,
        Method::PUT,
        Method::PATCH,
        Method::DELETE,
    ];
    let every_and_options = every.iter().cloned().chain([Method::OPTIONS]);
    vec![
        View::new("/api/v1/whoami/", [Method::GET], |call| {
            Ok(Reply::ok(&json!({"token": call.owner()})))
        })
        .name("Who Am I"),
        View::new("/api/v1/throttled/", [Method::GET, Method::POST], |_| {
            Ok(Reply::ok(&json!({"ok": true})))
        })
        .name("Throttled")
        .throttle(1, Duration::from_secs(1)),
        View::new("/api/v1/broken/", every.clone(), |_| Err(Reply::broken())).name("Broken"),
        View::new("/api/v1/empty/", every_and_options, |_| {
            Ok(Reply::empty(StatusCode::NO_CONTENT))
        }),
        View::new("/info/", every, |call| {
            Ok(Reply::ok(&json!({
                "http_version": call.http_version(),
                "client_port": call.client_port(),
                "server": "testserver",
            })))
        })
        .public(),
        View::new("/reset/", [Method::POST], |call| {
            call.reset()?;
            let html = "text/html; charset=utf-8";
            Ok(Reply::text(StatusCode::NO_CONTENT, html, ""))
        })
        .public(),
    ]
}
