//! Dates, times and durations, and the parts that Django's transforms take of them.

use std::cmp::Ordering;

use chrono::{
    DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone,
    Timelike,
};

use super::duration;
use crate::lookup::Transform;

/// A date, a time of day, both, or a duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    Date(NaiveDate),
    /// Or a duration of less than a day, which is written so.
    Time(NaiveTime),
    Duration(TimeDelta),
    /// Without an offset.
    Naive(NaiveDateTime),
    /// An instant, and the offset in which it was written.
    Aware(DateTime<FixedOffset>),
}

/// What a transform takes of a [`Moment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Number(i64),
    Moment(Moment),
}

impl Moment {
    /// Reads `2024-01-31`, `10:30[:00[.5]]`, or a date and a time with `T` or a space between, with or without an offset
    /// (`Z`, `+01:00`, `+0100`, `+01`); or a duration.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        if bytes.get(2) == Some(&b':') {
            return time(text).map(Self::Time);
        }
        if bytes.get(4) != Some(&b'-') {
            return duration::parse(text).map(Self::Duration);
        }
        let (date, rest) = text.split_at_checked(10)?;
        let date = calendar_date(date)?;
        let Some(rest) = rest.strip_prefix(['T', 't', ' ']) else {
            return rest.is_empty().then_some(Self::Date(date));
        };
        if let Some(clock) = rest.strip_suffix(['Z', 'z']) {
            let utc = FixedOffset::east_opt(0)?;
            return Some(Self::Aware(
                utc.from_utc_datetime(&date.and_time(time(clock)?)),
            ));
        }
        match rest.rfind(['+', '-']) {
            Some(at) => {
                let (clock, offset) = rest.split_at_checked(at)?;
                let local = date.and_time(time(clock)?);
                Some(Self::Aware(
                    zone(offset)?.from_local_datetime(&local).single()?,
                ))
            }
            None => Some(Self::Naive(date.and_time(time(rest)?))),
        }
    }

    /// Whether it is stored in another spelling than JSON shows: with both a date and a time, or a duration.
    pub(super) fn is_stored_otherwise(self) -> bool {
        matches!(self, Self::Naive(_) | Self::Aware(_) | Self::Duration(_))
    }

    /// Compares two values of one kind; values of different kinds have no order.
    pub(super) fn compare(self, other: Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Date(left), Self::Date(right)) => Some(left.cmp(&right)),
            (Self::Time(left), Self::Time(right)) => Some(left.cmp(&right)),
            (Self::Duration(left), Self::Duration(right)) => Some(left.cmp(&right)),
            (Self::Time(left), Self::Duration(right)) => {
                Some(duration::since_midnight(left).cmp(&right))
            }
            (Self::Duration(left), Self::Time(right)) => {
                Some(left.cmp(&duration::since_midnight(right)))
            }
            (Self::Naive(left), Self::Naive(right)) => Some(left.cmp(&right)),
            (Self::Aware(left), Self::Aware(right)) => Some(left.cmp(&right)),
            _ => None,
        }
    }

    /// Whether it is a date, with or without a time, whose zone is not said.
    pub(super) fn is_of_no_zone(self) -> bool {
        matches!(self, Self::Naive(_) | Self::Date(_))
    }

    /// Compares a row's value with an operand, converted to the row's kind as Django converts it to the field's.
    pub(super) fn compare_to_operand(self, operand: Self) -> Option<Ordering> {
        let operand = match (self, operand) {
            // The server reads a naive operand in the time zone in which it writes its rows.
            (Self::Aware(row), Self::Naive(_) | Self::Date(_)) => {
                return Self::Naive(row.naive_local()).compare_to_operand(operand);
            }
            (Self::Naive(_), Self::Date(date)) => Self::Naive(date.and_time(NaiveTime::MIN)),
            (Self::Date(_), Self::Naive(operand)) => Self::Date(operand.date()),
            (_, operand) => operand,
        };
        // Django stores microseconds, and cuts an operand down to them.
        if self.nanosecond().is_multiple_of(1_000) {
            self.compare(operand.cut())
        } else {
            self.compare(operand)
        }
    }

    /// How far the operand is from a row's value, converted as for a comparison; `None` for values of different kinds.
    pub(super) fn distance(self, operand: Self) -> Option<TimeDelta> {
        let midnight = |date: NaiveDate| date.and_time(NaiveTime::MIN);
        let distance = match (self, operand) {
            (Self::Date(row), Self::Date(operand)) => row - operand,
            (Self::Date(row), Self::Naive(operand)) => midnight(row) - operand,
            (Self::Time(row), Self::Time(operand)) => row - operand,
            (Self::Naive(row), Self::Naive(operand)) => row - operand,
            (Self::Naive(row), Self::Date(operand)) => row - midnight(operand),
            (Self::Aware(row), Self::Aware(operand)) => row - operand,
            (Self::Aware(row), Self::Naive(operand)) => row.naive_local() - operand,
            (Self::Aware(row), Self::Date(operand)) => row.naive_local() - midnight(operand),
            _ => return None,
        };
        Some(distance.abs())
    }

    /// The part that a transform takes, in the offset in which the value is written.
    pub(super) fn part(self, transform: Transform) -> Option<Part> {
        let (date, time) = match self {
            Self::Date(date) => (Some(date), None),
            Self::Time(time) => (None, Some(time)),
            Self::Duration(_) => (None, None),
            Self::Naive(both) => (Some(both.date()), Some(both.time())),
            Self::Aware(instant) => (Some(instant.date_naive()), Some(instant.time())),
        };
        Some(match transform {
            Transform::Year => Part::Number(date?.year().into()),
            Transform::Month => Part::Number(date?.month().into()),
            Transform::Day => Part::Number(date?.day().into()),
            Transform::WeekDay => Part::Number(date?.weekday().number_from_sunday().into()),
            Transform::Hour => Part::Number(time?.hour().into()),
            Transform::Minute => Part::Number(time?.minute().into()),
            Transform::Second => Part::Number(time?.second().into()),
            Transform::Date => Part::Moment(Self::Date(date?)),
            Transform::Time => Part::Moment(Self::Time(time?)),
        })
    }

    fn nanosecond(self) -> u32 {
        match self {
            Self::Date(_) => 0,
            Self::Time(time) => time.nanosecond(),
            Self::Duration(duration) => duration.subsec_nanos().unsigned_abs(),
            Self::Naive(both) => both.nanosecond(),
            Self::Aware(instant) => instant.nanosecond(),
        }
    }

    fn cut(self) -> Self {
        let micros = self.nanosecond() / 1_000 * 1_000;
        match self {
            Self::Date(_) | Self::Duration(_) => self,
            Self::Time(time) => time.with_nanosecond(micros).map_or(self, Self::Time),
            Self::Naive(both) => both.with_nanosecond(micros).map_or(self, Self::Naive),
            Self::Aware(instant) => instant.with_nanosecond(micros).map_or(self, Self::Aware),
        }
    }
}

// chrono reads more than Django writes: numbers without their leading zeros, signs, blanks, a leap second. So the shape is looked
// at first.

/// Whether the text is the shape, with any digit for each `0`.
fn is_shaped(text: &str, shape: &str) -> bool {
    text.len() == shape.len()
        && (text.bytes().zip(shape.bytes())).all(|(byte, wanted)| match wanted {
            b'0' => byte.is_ascii_digit(),
            _ => byte == wanted,
        })
}

fn calendar_date(text: &str) -> Option<NaiveDate> {
    is_shaped(text, "0000-00-00").then(|| text.parse().ok())?
}

pub(super) fn time(text: &str) -> Option<NaiveTime> {
    let is_time = match text.split_once('.') {
        Some((clock, fraction)) => {
            is_shaped(clock, "00:00:00")
                && (1..=9).contains(&fraction.len())
                && fraction.bytes().all(|byte| byte.is_ascii_digit())
        }
        None => is_shaped(text, "00:00:00") || is_shaped(text, "00:00"),
    };
    let time: NaiveTime = is_time.then(|| text.parse().ok())??;
    (time.nanosecond() < 1_000_000_000).then_some(time)
}

/// What is left after the time, with its sign.
fn zone(text: &str) -> Option<FixedOffset> {
    match text.get(1..)? {
        clock if is_shaped(clock, "00:00") || is_shaped(clock, "0000") => text.parse().ok(),
        hours if is_shaped(hours, "00") => format!("{text}:00").parse().ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn moment(text: &str) -> Moment {
        Moment::parse(text).unwrap()
    }

    fn compare(row: &str, operand: &str) -> Option<Ordering> {
        moment(row).compare_to_operand(moment(operand))
    }

    #[test]
    fn what_is_and_is_not_a_moment() {
        for text in [
            "2024-02-29",
            "23:59",
            "23:59:59.123456789",
            "2024-01-01T00:00",
            "2024-01-01 00:00:00",
            "2024-01-01T00:00:00.5Z",
            "2024-01-01T00:00:00+05:30",
            "2024-01-01T00:00:00-0330",
            "2024-01-01T00:00:00+01",
        ] {
            assert!(Moment::parse(text).is_some(), "{text}");
        }
        for text in [
            "",
            "2023-02-29",
            "2024-1-1",
            "2024-01-01T",
            "2024-01-01T24:00:00",
            "2024-01-01T00:00:00+24:00",
            "2024-01-01T00:00:00+01:75",
            "2024-01-01T00:00:00+1:00",
            "2024-01-01T00:00:00+01:",
            "2024-01-01T00:00:00+ 1:00",
            "23:59:60",
            "10:30:00. 5",
            "2024-01-01T00:00.5",
            "2024-01-01T00:00:00.",
            "2024-01-01T00:00:00.1234567890",
            "2024-01-01x",
            "+024-01-01",
            "1:30",
            "10:3",
            "10:30:61",
            "2024-01-0é",
            "2024-é",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn instants_compare_whatever_their_offset() {
        assert_eq!(
            compare("2024-01-01T00:00:00Z", "2024-01-01T01:00:00+01:00"),
            Some(Ordering::Equal)
        );
        assert_eq!(
            compare("2024-01-01T00:00:00.000001Z", "2024-01-01T00:00:00Z"),
            Some(Ordering::Greater)
        );
        assert_eq!(
            compare("2023-12-31T23:30:00-01:00", "2024-01-01T00:00:00Z"),
            Some(Ordering::Greater)
        );
    }

    #[test]
    fn a_naive_operand_is_read_in_the_offset_of_the_row() {
        assert_eq!(
            compare("2024-06-01T12:00:00+02:00", "2024-06-01T12:00:00"),
            Some(Ordering::Equal)
        );
        assert_eq!(
            compare("2024-06-01T00:00:00+02:00", "2024-06-01"),
            Some(Ordering::Equal)
        );
        assert_eq!(
            compare("2024-06-01T12:00:00", "2024-06-01"),
            Some(Ordering::Greater)
        );
        assert_eq!(
            compare("2024-06-01", "2024-06-01T12:00:00"),
            Some(Ordering::Equal)
        );
        assert_eq!(compare("2024-06-01T12:00:00", "2024-06-01T12:00:00Z"), None);
        assert_eq!(compare("2024-06-01", "2024-06-01T12:00:00Z"), None);
        assert_eq!(compare("12:00", "2024-06-01"), None);
    }

    #[test]
    fn an_operand_is_cut_to_microseconds_where_the_row_has_no_more() {
        assert_eq!(
            compare("10:00:00.123456", "10:00:00.123456789"),
            Some(Ordering::Equal)
        );
        assert_eq!(
            compare("10:00:00.123456788", "10:00:00.123456789"),
            Some(Ordering::Less)
        );
    }

    #[test]
    fn parts_are_taken_in_the_offset_of_the_row() {
        let row = moment("2023-12-31T23:30:15-02:00");
        for (transform, expected) in [
            (Transform::Year, Part::Number(2023)),
            (Transform::Month, Part::Number(12)),
            (Transform::Day, Part::Number(31)),
            (Transform::Hour, Part::Number(23)),
            (Transform::Minute, Part::Number(30)),
            (Transform::Second, Part::Number(15)),
            (Transform::WeekDay, Part::Number(1)),
            (Transform::Date, Part::Moment(moment("2023-12-31"))),
            (Transform::Time, Part::Moment(moment("23:30:15"))),
        ] {
            assert_eq!(row.part(transform), Some(expected));
        }
        assert_eq!(moment("2023-12-31").part(Transform::Hour), None);
        assert_eq!(moment("10:00").part(Transform::Year), None);
    }

    proptest! {
        #[test]
        fn what_chrono_writes_is_read(seconds in -60_000_000_000_i64..200_000_000_000, nanos in 0_u32..1_000_000_000, offset in -86_399_i32..86_400) {
            let zone = FixedOffset::east_opt(offset / 60 * 60).unwrap();
            let instant = DateTime::from_timestamp(seconds, nanos).unwrap().with_timezone(&zone);
            prop_assume!((0..=9999).contains(&instant.year()));
            prop_assert_eq!(Moment::parse(&instant.to_rfc3339()), Some(Moment::Aware(instant)));
        }
    }
}
