//! Dates and instants: as clients write them, as SQLite stores them, as DRF answers them.

use std::sync::LazyLock;

use chrono::{Datelike, Duration, NaiveDate, NaiveDateTime, NaiveTime, Utc};
use regex::{Captures, Regex};

/// Django's pattern, widened by what Python 3.11's `datetime.fromisoformat` also takes: a date
/// alone, an hour alone, and the forms without separators.
static DATETIME: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(concat!(
        r"^(?P<date>\d{4}-\d{1,2}-\d{1,2}|\d{8})",
        r"(?:[T ](?P<hour>\d{1,2})(?::?(?P<minute>\d{1,2})",
        r"(?::?(?P<second>\d{1,2})(?:[.,](?P<fraction>\d{1,12}))?)?)?",
        r"\s*(?P<zone>Z|[+-]\d{2}(?::?\d{2})?)?)?$",
    ))
    .ok()
});

/// The input formats of Django's English date form field, after ISO 8601.
const DATE_FORMATS: [&str; 11] = [
    "%Y-%m-%d",
    "%m/%d/%Y",
    "%m/%d/%y",
    "%b %d %Y",
    "%b %d, %Y",
    "%d %b %Y",
    "%d %b, %Y",
    "%B %d %Y",
    "%B %d, %Y",
    "%d %B %Y",
    "%d %B, %Y",
];

/// `django.utils.dateparse.parse_date`.
pub(crate) fn parse_date(text: &str) -> Option<NaiveDate> {
    let captures = DATETIME.as_ref()?.captures(text)?;
    if captures.name("hour").is_some() {
        None
    } else {
        date_of(&captures)
    }
}

/// A date as a filter takes it: the formats of a Django form.
pub(crate) fn parse_form_date(text: &str) -> Option<NaiveDate> {
    let text = text.trim();
    // To Python, `%Y` is four digits; chrono takes fewer.
    let has_long_year = text
        .split(|letter: char| !letter.is_ascii_digit())
        .any(|digits| digits.len() == 4);
    DATE_FORMATS
        .iter()
        .filter(|format| format.contains("%Y") == has_long_year)
        .find_map(|format| NaiveDate::parse_from_str(text, format).ok())
        .filter(|date| (1..=9999).contains(&date.year()))
}

/// `django.utils.dateparse.parse_datetime`, in UTC; without a zone it is UTC already.
pub(crate) fn parse_datetime(text: &str) -> Option<NaiveDateTime> {
    let captures = DATETIME.as_ref()?.captures(text)?;
    // Alone, a date must have all its digits: `2023-1-5` is not an instant, `2023-1-5 0:00` is one.
    let is_short = || {
        let date = captures.name("date").map_or("", |found| found.as_str());
        date.contains('-') && date.len() < 10
    };
    if captures.name("hour").is_none() && is_short() {
        return None;
    }
    let number = |name| {
        captures
            .name(name)
            .map_or(Some(0), |m| m.as_str().parse::<u32>().ok())
    };
    let fraction = captures.name("fraction").map_or("", |m| m.as_str());
    let micros = format!("{fraction:0<6}").get(..6)?.parse::<u32>().ok()?;
    let time = NaiveTime::from_hms_micro_opt(
        number("hour")?,
        number("minute")?,
        number("second")?,
        micros,
    )?;
    let local = date_of(&captures)?.and_time(time);
    let utc = local.checked_sub_signed(zone_of(&captures)?)?;
    (1..=9999).contains(&utc.year()).then_some(utc)
}

fn date_of(captures: &Captures<'_>) -> Option<NaiveDate> {
    let date = captures.name("date")?.as_str();
    let (year, month, day) = match date.split_once('-') {
        Some((year, rest)) => {
            let (month, day) = rest.split_once('-')?;
            (year, month, day)
        }
        None => (date.get(..4)?, date.get(4..6)?, date.get(6..)?),
    };
    let year = year.parse().ok().filter(|year| *year > 0)?;
    NaiveDate::from_ymd_opt(year, month.parse().ok()?, day.parse().ok()?)
}

fn zone_of(captures: &Captures<'_>) -> Option<Duration> {
    let zone = match captures.name("zone").map(|found| found.as_str()) {
        None | Some("Z") => return Some(Duration::zero()),
        Some(zone) => zone,
    };
    let digits = zone.get(1..)?.replace(':', "");
    let hours = digits.get(..2)?.parse::<i64>().ok()?;
    let minutes = digits
        .get(2..)
        .filter(|rest| !rest.is_empty())
        .map_or(Some(0), |m| m.parse().ok())?;
    let offset = Duration::minutes(hours * 60 + minutes);
    Some(if zone.starts_with('-') {
        -offset
    } else {
        offset
    })
}

/// An instant as Django stores it in SQLite; text that sorts as time does.
pub(crate) fn stored(value: NaiveDateTime) -> String {
    let micros = value.and_utc().timestamp_subsec_micros();
    let format = if micros == 0 {
        "%Y-%m-%d %H:%M:%S"
    } else {
        "%Y-%m-%d %H:%M:%S%.6f"
    };
    value.format(format).to_string()
}

/// The stored form in wire format.
pub(crate) fn wire(stored: &str) -> String {
    format!("{}Z", stored.replacen(' ', "T", 1))
}

pub(crate) fn now() -> String {
    stored(Utc::now().naive_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_come_back_in_utc() {
        for (given, expected) in [
            ("2023-01-05T01:00:00Z", "2023-01-05T01:00:00Z"),
            ("2023-01-05 01:00", "2023-01-05T01:00:00Z"),
            (
                "2023-01-05T01:00:00.25+02:00",
                "2023-01-04T23:00:00.250000Z",
            ),
            ("2023-01-05T01:00:00-0130", "2023-01-05T02:30:00Z"),
            ("2023-01-05", "2023-01-05T00:00:00Z"),
            ("2023-1-5 1:02", "2023-01-05T01:02:00Z"),
            ("20230105T010203", "2023-01-05T01:02:03Z"),
        ] {
            let parsed = parse_datetime(given).map(|value| wire(&stored(value)));
            assert_eq!(parsed.as_deref(), Some(expected), "{given}");
        }
        for given in [
            "",
            "abc",
            "2023-13-01",
            "2023-01-05T25:00",
            "2023-02-30T00:00Z",
            "2023-1-5",
        ] {
            assert_eq!(parse_datetime(given), None, "{given}");
        }
    }

    #[test]
    fn a_date_is_not_a_datetime() {
        assert!(parse_date("2023-01-05").is_some());
        assert!(parse_date("2023-1-5").is_some());
        assert_eq!(parse_date("2023-01-05T00:00:00Z"), None);
        assert!(parse_form_date("01/05/2023").is_some());
        assert_eq!(parse_form_date("5.1.2023"), None);
    }
}
