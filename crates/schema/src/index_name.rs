//! Where a document is kept: `ecommerce-logs-TYPE-YYYY.MM.DD`, from its log type and its times alone.
//!
//! A type that is not on the list never becomes part of a name.

use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::Offset;

/// What every index begins with.
pub const INDEX_PREFIX: &str = "ecommerce-logs-";

/// The log type of what names none of the others.
pub const OTHER: &str = "other";

/// The log type of our own scores.
pub const FRAUD_SCORE: &str = "fraud_score";

/// Every log type, our own scores included.
pub const LOG_TYPES: &[&str] = &[
    "transaction",
    "error",
    "user_behavior",
    "performance",
    "fraud_detection",
    OTHER,
    FRAUD_SCORE,
];

const DAY_SECONDS: i64 = 86_400;
/// Twenty years of the Gregorian calendar: 7,304.85 days.
const PAST_SECONDS: i64 = 631_139_040;
const SECOND_NS: i64 = 1_000_000_000;

/// The place of a log type in [`LOG_TYPES`].
#[must_use]
pub fn log_type_place(name: &str) -> Option<u8> {
    let place = LOG_TYPES.iter().position(|known| *known == name)?;
    u8::try_from(place).ok()
}

/// Whether an event may say of itself that it happened then: at most 20 years before its receipt and
/// one day after it. Both in nanoseconds since 1970 UTC.
#[must_use]
pub fn is_believable(timestamp_ns: i64, received_at_ns: i64) -> bool {
    let early = received_at_ns.saturating_sub(PAST_SECONDS * SECOND_NS);
    let late = received_at_ns.saturating_add(DAY_SECONDS * SECOND_NS);
    (early..=late).contains(&timestamp_ns)
}

/// The index of a document, and whether its own time was not believable, so that the day of receipt
/// was taken. An unknown log type is `other`. Days are UTC's.
#[must_use]
pub fn index_name(log_type: &str, timestamp_ns: i64, received_at_ns: i64) -> (String, bool) {
    let (log_type, day, clamped) = type_and_day(log_type, timestamp_ns, received_at_ns);
    (name_of(log_type, day), clamped)
}

/// Names indices as [`index_name`] does, and writes a name anew only when the day changes.
#[derive(Debug, Default)]
pub struct IndexNames {
    /// Of each log type the day that was asked for last, with its name.
    last: [Option<(i64, Arc<str>)>; LOG_TYPES.len()],
}

impl IndexNames {
    /// The index of a document; see [`index_name`].
    pub fn name(&mut self, log_type: &str, timestamp_ns: i64, received_at_ns: i64) -> Arc<str> {
        let (log_type, day, _) = type_and_day(log_type, timestamp_ns, received_at_ns);
        match &self.last[log_type] {
            Some((last_day, name)) if *last_day == day => Arc::clone(name),
            _ => {
                let name: Arc<str> = name_of(log_type, day).into();
                self.last[log_type] = Some((day, Arc::clone(&name)));
                name
            }
        }
    }
}

/// Place of the log type in [`LOG_TYPES`], the day since 1970 UTC, and whether it is the receipt's instead of the
/// document's own.
fn type_and_day(log_type: &str, timestamp_ns: i64, received_at_ns: i64) -> (usize, i64, bool) {
    let log_type = log_type_place(log_type).or_else(|| log_type_place(OTHER)).unwrap_or_default();
    let clamped = !is_believable(timestamp_ns, received_at_ns);
    let time_ns = if clamped { received_at_ns } else { timestamp_ns };
    (usize::from(log_type), time_ns.div_euclid(DAY_SECONDS * SECOND_NS), clamped)
}

fn name_of(log_type: usize, day: i64) -> String {
    let timestamp = Timestamp::from_second(day * DAY_SECONDS)
        .expect("64 bits of nanoseconds reach from 1677 to 2262, which jiff holds");
    let day = Offset::UTC.to_datetime(timestamp).date();
    let log_type = LOG_TYPES[log_type];
    format!("{INDEX_PREFIX}{log_type}-{:04}.{:02}.{:02}", day.year(), day.month(), day.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ns(text: &str) -> i64 {
        let timestamp: Timestamp = text.parse().unwrap();
        i64::try_from(timestamp.as_nanosecond()).unwrap()
    }

    #[test]
    fn the_day_is_the_events_own_in_utc() {
        let received = ns("2026-11-25T08:00:00Z");
        let of = |time| index_name("transaction", ns(time), received);
        let own = |day: &str| (format!("ecommerce-logs-transaction-{day}"), false);
        assert_eq!(of("2026-11-25T23:59:59.999Z"), own("2026.11.25"));
        assert_eq!(of("2026-11-20T01:30:00+03:30"), own("2026.11.19"));
        assert_eq!(of("2010-12-01T08:26:00Z"), own("2010.12.01"));
        assert_eq!(of("2026-11-26T08:00:00Z"), own("2026.11.26"));
    }

    #[test]
    fn a_time_that_cannot_be_believed_gives_the_day_of_receipt() {
        let received = ns("2026-11-25T08:00:00Z");
        let day = ("ecommerce-logs-error-2026.11.25".to_owned(), true);
        for time in ["1970-01-01T00:00:00Z", "2006-11-24T00:00:00Z", "2026-11-26T08:00:01Z"] {
            assert_eq!(index_name("error", ns(time), received), day, "{time}");
        }
        assert_eq!(index_name("error", i64::MIN, received), day);
        assert_eq!(index_name("error", i64::MAX, received), day);
    }

    #[test]
    fn names_that_are_kept_are_those_that_are_made() {
        let received = ns("2026-11-25T08:00:00Z");
        let mut names = IndexNames::default();
        for log_type in ["error", "transaction", "error", "what", FRAUD_SCORE] {
            for time in ["2026-11-25T01:00:00Z", "2026-11-24T01:00:00Z", "1970-01-01T00:00:00Z"] {
                let (made, _) = index_name(log_type, ns(time), received);
                assert_eq!(*names.name(log_type, ns(time), received), *made);
                assert_eq!(*names.name(log_type, ns(time), received), *made);
            }
        }
        assert_eq!(&*names.name("error", 0, 0), "ecommerce-logs-error-1970.01.01");
    }

    #[test]
    fn hostile_input_12_a_type_off_the_list_never_names_an_index() {
        for log_type in ["../../etc", "Transaction", "a,b*", "", "transaction\n", &"x".repeat(300)]
        {
            let (name, _) = index_name(log_type, 0, 0);
            assert_eq!(name, "ecommerce-logs-other-1970.01.01", "{log_type}");
        }
    }
}
