//! Durations, in the form of Django REST Framework (`1 02:00:00`) and in that of ISO 8601 (`P1DT2H`).

use chrono::{NaiveTime, TimeDelta};

use super::moment::time;

/// Reads days and a time of day, which is counted forwards also after negative days; or an ISO 8601 duration.
pub(super) fn parse(text: &str) -> Option<TimeDelta> {
    match text.split_once(' ') {
        Some((days, clock)) => {
            let digits = days.strip_prefix('-').unwrap_or(days);
            let whole = whole_number(digits)?;
            let days = if digits.len() == days.len() {
                whole
            } else {
                -whole
            };
            TimeDelta::try_days(days)?.checked_add(&since_midnight(time(clock)?))
        }
        None => match text.strip_prefix('-') {
            Some(negated) => iso(negated).map(|duration| -duration),
            None => iso(text.strip_prefix('+').unwrap_or(text)),
        },
    }
}

/// A time of day as a duration: less than a day is written so.
pub(super) fn since_midnight(time: NaiveTime) -> TimeDelta {
    time - NaiveTime::MIN
}

/// Reads `P1Y2W3DT4H5M6.7S`, in which a year has 365 days, as writers of durations have it. A month is no duration.
fn iso(text: &str) -> Option<TimeDelta> {
    let rest = text.strip_prefix('P')?;
    let (days, clock) = match rest.split_once('T') {
        Some((days, clock)) if !clock.is_empty() => (days, clock),
        Some(_) => return None,
        None if rest.is_empty() => return None,
        None => (rest, ""),
    };
    const DAY: i64 = 86_400;
    let units = [('Y', 365 * DAY), ('W', 7 * DAY), ('D', DAY)];
    let (days, rest) = add_units(TimeDelta::zero(), days, &units)?;
    if !rest.is_empty() {
        return None;
    }
    let (whole, rest) = add_units(days, clock, &[('H', 3_600), ('M', 60)])?;
    let Some(seconds) = rest.strip_suffix('S') else {
        return rest.is_empty().then_some(whole);
    };
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
    if fraction.len() > 9 {
        return None;
    }
    let nanoseconds = whole_number(&format!("{fraction:0<9}"))?;
    whole
        .checked_add(&TimeDelta::try_seconds(whole_number(seconds)?)?)?
        .checked_add(&TimeDelta::nanoseconds(nanoseconds))
}

/// Adds the numbers that are followed by these units, in this order; gives what is left of the text.
fn add_units<'t>(
    mut sum: TimeDelta,
    mut text: &'t str,
    units: &[(char, i64)],
) -> Option<(TimeDelta, &'t str)> {
    for (unit, seconds) in units {
        if let Some((number, rest)) = text.split_once(*unit) {
            let seconds = whole_number(number)?.checked_mul(*seconds)?;
            sum = sum.checked_add(&TimeDelta::try_seconds(seconds)?)?;
            text = rest;
        }
    }
    Some((sum, text))
}

fn whole_number(text: &str) -> Option<i64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        for (drf, iso, seconds) in [
            ("1 02:00:00", "P1DT2H", 93_600),
            ("1 02:00:00", "PT26H", 93_600),
            ("-1 00:00:01", "-PT23H59M59S", -86_399),
            ("400 00:00:00", "P1Y35D", 400 * 86_400),
            ("7 00:01:30", "P1WT1M30S", 604_890),
        ] {
            let expected = TimeDelta::seconds(seconds);
            assert_eq!(parse(drf), Some(expected), "{drf}");
            assert_eq!(parse(iso), Some(expected), "{iso}");
        }
        let expected = TimeDelta::days(400) + TimeDelta::microseconds(5);
        assert_eq!(parse("400 00:00:00.000005"), Some(expected));
        assert_eq!(parse("P400DT0.000005S"), Some(expected));
        assert_eq!(parse("P400DT0.000005000S"), Some(expected));
    }

    #[test]
    fn what_is_no_duration_is_not_read() {
        for text in [
            "",
            "P",
            "PT",
            "P1",
            "P1M",
            "P1DT",
            "PT1D",
            "P1D2",
            "PT1.S.S",
            "PT+5S",
            "P-1D",
            "PT0.1234567890S",
            "1 day",
            "-1 -00:00:01",
            "a 00:00:00",
            "1 25:00:00",
            "Peter",
            "PS",
            "PTS",
            "P99999999999999999999D",
            "9999999999999999999 00:00:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
