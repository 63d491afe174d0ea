//! Dates, times and their parts.

use django_api_orm_core::evaluate::Fields;
use serde_json::json;

use crate::{F, T, U, check_field, is, q};

#[test]
fn dates_and_times() {
    check_field(
        json!("2024-01-01T00:00:00Z"),
        vec![
            ("", json!("2024-01-01T01:00:00+01:00"), T),
            ("", json!("2024-01-01T00:00:00.000Z"), T),
            ("", json!("2024-01-01T00:00:00"), T),
            ("", json!("2024-01-01"), T),
            ("", json!("January 1, 2024"), U),
            ("", json!(1_704_067_200), U),
            ("gt", json!("2023-12-31"), T),
            ("lt", json!("2024-01-01T00:00:01"), T),
            ("lt", json!("soon"), U),
            ("range", json!(["2024-01-01", "2024-01-02"]), T),
            ("startswith", json!("2024"), U),
            ("contains", json!("t"), U),
            ("contains", json!("o"), F),
            ("istartswith", json!("Bob"), F),
            ("iexact", json!("bob"), F),
        ],
    );
    check_field(
        json!("2024-01-01T00:00:00"),
        vec![
            ("", json!("2024-01-01T00:00:00Z"), U),
            ("", json!("2024-01-01"), T),
        ],
    );
    check_field(
        json!("2024-01-31"),
        vec![
            ("", json!("2024-01-31T10:00:00"), T),
            ("", json!("2024-01-31T10:00:00Z"), U),
            ("gte", json!("2024-01-31"), T),
            ("startswith", json!("2024-01"), T),
            ("year", json!(2024), T),
            ("day__gte", json!("31"), T),
        ],
    );
    check_field(
        json!("10:30:00"),
        vec![
            ("", json!("10:30"), T),
            ("gt", json!("09:59:59.5"), T),
            ("hour", json!(10), T),
        ],
    );
}

#[test]
fn a_day_as_people_write_it_may_be_the_one_that_is_asked_for() {
    for shown in [
        "03.01.2024",
        "1/3/24",
        "Jan 3, 2024",
        "20240103",
        "3 days ago",
    ] {
        check_field(
            json!(shown),
            vec![
                ("", json!("2024-01-03"), U),
                ("in", json!(["2024-01-03"]), U),
                ("gt", json!("2024-01-03T10:00:00Z"), U),
                ("", json!(shown), T),
                ("", json!("Bob"), F),
                ("isnull", json!(true), F),
            ],
        );
    }
    for shown in ["Room 12", "never", ""] {
        check_field(json!(shown), vec![("", json!("2024-01-03"), F)]);
    }
    // As a proof of what the server has done it is another text, which a probe has to settle.
    let (row, asked) = (json!({"f": "03.01.2024"}), q("f", json!("2024-01-03")));
    assert_eq!(is(&asked, &Fields::new("id").unknown_collation(), &row), F);
    // Where the model says that it is a text, it is nothing else.
    assert_eq!(is(&asked, &Fields::new("id").text("f"), &row), F);
}

#[test]
fn an_amount_may_be_the_number_that_is_asked_for() {
    check_field(
        json!("1.50 EUR"),
        vec![
            ("", json!("1.50"), U),
            ("", json!("1.5"), U),
            ("", json!("2.00"), F),
            ("", json!("1.50 EUR"), T),
            ("gt", json!("2"), F),
            ("gt", json!("1"), T),
        ],
    );
    check_field(json!("10.00 EUR"), vec![("gt", json!("2"), U)]);
    check_field(
        json!("1.234 €"),
        vec![("", json!("1234"), U), ("", json!("1.234"), U)],
    );
    check_field(
        json!("12 Main Street"),
        vec![("", json!("12"), F), ("gt", json!("2"), F)],
    );
}

#[test]
fn a_text_that_no_server_reads_as_a_date_is_compared_as_text() {
    for shown in [
        "2024-01-01",
        "10:30:00",
        "1 02:00:00",
        "2024-01-01T00:00:00Z",
    ] {
        check_field(
            json!(shown),
            vec![
                ("", json!("o"), F),
                ("", json!("Bob 2"), F),
                ("", json!(""), F),
                ("in", json!(["Bob", "Ann"]), F),
                ("in", json!(["Bob", "today"]), U),
                ("lt", json!("Bob"), T),
                ("gte", json!("Bob"), F),
                ("range", json!(["!", "Bob"]), T),
                ("", json!("today"), U),
                ("gt", json!("last week"), U),
                ("", json!("1 Jan"), U),
            ],
        );
    }
}

#[test]
fn durations() {
    check_field(
        json!("1 02:00:00"),
        vec![
            ("", json!("P1DT2H"), T),
            ("", json!("1 02:00:00.0"), T),
            ("", json!("02:00:00"), F),
            ("gt", json!("PT25H"), T),
            ("lt", json!("10 00:00:00"), T),
            ("lt", json!("P1DT1H"), F),
            ("lt", json!("a day"), U),
            ("startswith", json!("1"), U),
        ],
    );
    check_field(
        json!("00:01:30"),
        vec![
            ("", json!("PT90S"), T),
            ("lt", json!("P1DT2H"), T),
            ("gt", json!("-1 00:00:01"), T),
        ],
    );
    check_field(
        json!("-1 00:00:01"),
        vec![("", json!("-PT86399S"), T), ("lt", json!("00:00:00"), T)],
    );
}

#[test]
fn transforms() {
    check_field(
        json!("2023-12-31T23:30:15.250-02:00"),
        vec![
            ("year", json!(2023), T),
            ("year__in", json!([2022, 2023]), T),
            ("year__range", json!([2024, 2025]), F),
            ("month", json!("12"), T),
            ("day", json!(31), T),
            ("hour", json!(23), T),
            ("minute", json!(30), T),
            ("second", json!(15), T),
            ("week_day", json!(1), T),
            ("date", json!("2023-12-31"), T),
            ("date__lt", json!("2024-01-01"), T),
            ("date__year", json!(2023), T),
            ("time", json!("23:30:15.25"), T),
            ("time__gt", json!("23:31"), F),
            ("year__contains", json!(202), T),
            ("year__isnull", json!(false), T),
            ("year__month", json!(1), U),
        ],
    );
    check_field(json!("soon"), vec![("year", json!(2024), U)]);
    check_field(
        json!({"date": "2024-01-01", "year": 5}),
        vec![("date", json!("2024-01-01"), T), ("year", json!(5), T)],
    );
    check_field(json!({"name": "x"}), vec![("date", json!("2024-01-01"), U)]);
    check_field(
        json!(["2023-01-01", "2024-01-01"]),
        vec![("year", json!(2024), T), ("year", json!(2025), F)],
    );
}
