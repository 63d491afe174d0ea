//! Fields of every type, in filters, orders and assignments.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use django_api_orm::{ApiModel, Field, Filter, Ordered};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

#[derive(Serialize, Deserialize, ApiModel)]
#[api(endpoint = "/api/v1/users/")]
struct User {
    id: Option<i64>,
    name: String,
    nick: Option<String>,
    active: bool,
    age: Option<u32>,
    score: f64,
    balance: Decimal,
    code: Uuid,
    joined_on: Option<NaiveDate>,
    wakes_at: NaiveTime,
    created_at: DateTime<Utc>,
    role: Role,
    former_role: Option<Role>,
    level: Level,
    tags: Vec<String>,
    settings: BTreeMap<String, Value>,
    counts: HashMap<String, i64>,
    anything: Value,
    address: Option<Address>,
    homes: Vec<Address>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Role {
    Admin,
    Viewer,
}

#[derive(Serialize, Deserialize)]
struct Level(u8);

impl Ordered for Level {}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(nested)]
struct Address {
    state: String,
    #[serde(rename = "geoPoint")]
    point: Option<Point>,
}

#[derive(Serialize, Deserialize, ApiModel)]
#[api(nested)]
struct Point {
    lat: f64,
}

fn says(filter: Filter<User>, expected: &str) {
    assert_eq!(filter.to_string(), expected);
}

#[test]
fn lookups_follow_the_type() {
    says(User::F.id.range(1, 5), "id__range=[1,5]");
    says(User::F.name.icontains("a"), r#"name__icontains="a""#);
    says(User::F.nick.startswith("a"), r#"nick__startswith="a""#);
    says(User::F.nick.eq(None::<String>), "nick=null");
    says(User::F.active.eq(true), "active=true");
    says(User::F.age.gte(18), "age__gte=18");
    says(User::F.score.lt(0.5), "score__lt=0.5");
    says(
        User::F.balance.gt(Decimal::new(1250, 2)),
        r#"balance__gt="12.50""#,
    );
    says(
        User::F.code.eq(Uuid::nil()),
        r#"code="00000000-0000-0000-0000-000000000000""#,
    );
    says(User::F.joined_on.year(2024), "joined_on__year=2024");
    says(
        User::F.wakes_at.lt(NaiveTime::MIN),
        r#"wakes_at__lt="00:00:00""#,
    );
    says(
        User::F.created_at.gt(DateTime::UNIX_EPOCH),
        r#"created_at__gt="1970-01-01T00:00:00Z""#,
    );
    says(User::F.created_at.month(2), "created_at__month=2");
    says(!User::F.age.isnull(true), "NOT age__isnull=true");
}

#[test]
fn enums_and_types_of_the_user_are_as_serde_writes_them() {
    says(User::F.role.eq(Role::Admin), r#"role="admin""#);
    says(
        User::F.role.in_([Role::Admin, Role::Viewer]),
        r#"role__in=["admin","viewer"]"#,
    );
    says(
        User::F.former_role.eq(Role::Viewer),
        r#"former_role="viewer""#,
    );
    says(User::F.level.gt(Level(3)), "level__gt=3");
}

#[test]
fn lists_and_maps_are_compared_as_a_whole() {
    says(User::F.tags.eq(vec!["a".to_owned()]), r#"tags=["a"]"#);
    says(User::F.settings.eq(BTreeMap::new()), "settings={}");
    says(User::F.counts.isnull(false), "counts__isnull=false");
    says(User::F.anything.eq(Value::Bool(true)), "anything=true");
}

#[test]
fn nested_objects_are_followed() {
    says(
        User::F.address.to(Address::F.state).eq("IL"),
        r#"address__state="IL""#,
    );
    let lat: Field<User, f64> = User::F.homes.to(Address::F.point).to(Point::F.lat);
    says(lat.gt(1.5), "homes__geoPoint__lat__gt=1.5");
}

#[test]
fn fields_order_and_assign() {
    assert_eq!(User::F.name.path(), "name");
    let fields = User::F.clone();
    assert_eq!(fields.age.path(), "age");
    assert!(format!("{:?}", User::F).starts_with("UserFields"));
    let _ = [User::F.name.asc(), User::F.id.desc()];
    let _ = [User::F.name.set("Ann"), User::F.role.set(Role::Admin)];
}
