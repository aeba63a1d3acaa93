//! The ends of a range as values of its field: the same for every store, and refused in the same words. Bounds
//! are computed exactly; a store only compares.

use query::Bound;
use schema::FieldKind;

use crate::StoreError;
use crate::refusal::{A_DATE, unfit};
use crate::value::{self, Scaled};

/// The least whole number that any store holds, and the end of a range that has none.
pub(crate) const LEAST: i128 = i64::MIN as i128;
/// The largest.
pub(crate) const MOST: i128 = i64::MAX as i128;

/// The first and the last whole number of this scale between the bounds; the first may be larger.
///
/// # Errors
/// For a bound that is no number.
pub(crate) fn whole_numbers(
    name: &str,
    kind: FieldKind,
    from: &Bound,
    to: &Bound,
    scale: u8,
) -> Result<(i128, i128), StoreError> {
    let read = |text: &str| {
        value::parse_scaled(text.as_bytes(), scale)
            .ok_or_else(|| unfit(name, kind, text, "a number"))
    };
    let low = match from {
        Bound::Unbounded => LEAST,
        Bound::Inclusive(text) => {
            let Scaled { floor, exact } = read(text)?;
            floor + i128::from(!exact)
        }
        Bound::Exclusive(text) => read(text)?.floor + 1,
    };
    let high = match to {
        Bound::Unbounded => MOST,
        Bound::Inclusive(text) => read(text)?.floor,
        Bound::Exclusive(text) => {
            let Scaled { floor, exact } = read(text)?;
            floor - i128::from(exact)
        }
    };
    Ok((low, high))
}

/// The first and the last nanosecond between the bounds. A day as a bound stands for all of it: `<=2026-11-24`
/// holds the day's last instant.
///
/// # Errors
/// For a bound that is no date.
pub(crate) fn dates(name: &str, from: &Bound, to: &Bound) -> Result<(i128, i128), StoreError> {
    let read = |text: &str| -> Result<(i128, i128), StoreError> {
        let (first, last) =
            value::parse_date(text).ok_or_else(|| unfit(name, FieldKind::Date, text, A_DATE))?;
        Ok((i128::from(first), i128::from(last)))
    };
    let low = match from {
        Bound::Unbounded => LEAST,
        Bound::Inclusive(text) => read(text)?.0,
        Bound::Exclusive(text) => read(text)?.1 + 1,
    };
    let high = match to {
        Bound::Unbounded => MOST,
        Bound::Inclusive(text) => read(text)?.1,
        Bound::Exclusive(text) => read(text)?.0 - 1,
    };
    Ok((low, high))
}

/// # Errors
/// For a bound that is no number.
pub(crate) fn double(name: &str, text: &str) -> Result<f64, StoreError> {
    value::parse_double(text.as_bytes())
        .ok_or_else(|| unfit(name, FieldKind::Double, text, "a number"))
}

/// # Errors
/// For a bound that is no address.
pub(crate) fn address(name: &str, text: &str) -> Result<[u8; 16], StoreError> {
    value::parse_address(text).ok_or_else(|| unfit(name, FieldKind::Ip, text, "an address"))
}

/// The part of a range that 64 bits hold, both ends included; none where nothing lies between.
pub(crate) fn in_64_bits(from: i128, to: i128) -> Option<(i64, i64)> {
    let (from, to) = (from.max(LEAST), to.min(MOST));
    (from <= to).then(|| i64::try_from(from).ok().zip(i64::try_from(to).ok())).flatten()
}

#[cfg(test)]
mod tests {
    use query::Bound;
    use schema::FieldKind;

    use super::{LEAST, MOST, dates, in_64_bits, whole_numbers};

    fn at(text: &str) -> Bound {
        Bound::Inclusive(text.to_owned())
    }

    fn beside(text: &str) -> Bound {
        Bound::Exclusive(text.to_owned())
    }

    #[test]
    fn numbers_between_steps_are_not_within() {
        let kind = FieldKind::Decimal { scale: 1 };
        let ends = |from: &Bound, to: &Bound| whole_numbers("a", kind, from, to, 1).expect("ends");
        assert_eq!(ends(&at("1.5"), &at("2.5")), (15, 25));
        assert_eq!(ends(&beside("1.5"), &beside("2.5")), (16, 24));
        assert_eq!(ends(&at("1.51"), &at("2.59")), (16, 25));
        assert_eq!(ends(&beside("1.51"), &beside("2.59")), (16, 25));
        assert_eq!(ends(&Bound::Unbounded, &Bound::Unbounded), (LEAST, MOST));
        assert!(whole_numbers("a", kind, &at("x"), &Bound::Unbounded, 1).is_err());
    }

    #[test]
    fn a_day_is_within_as_a_whole_or_not_at_all() {
        const DAY_NS: i128 = 86_400_000_000_000;
        let ends = |from: &Bound, to: &Bound| dates("a", from, to).expect("ends");
        assert_eq!(ends(&at("1970-01-02"), &at("1970-01-02")), (DAY_NS, 2 * DAY_NS - 1));
        assert_eq!(ends(&beside("1970-01-01"), &beside("1970-01-02")), (DAY_NS, DAY_NS - 1));
        assert!(dates("a", &at("yesterday"), &Bound::Unbounded).is_err());
    }

    #[test]
    fn what_no_value_can_be_is_cut_off() {
        assert_eq!(in_64_bits(LEAST - 5, 7), Some((i64::MIN, 7)));
        assert_eq!(in_64_bits(7, MOST + 5), Some((7, i64::MAX)));
        for (from, to) in [(1, 0), (MOST + 1, MOST + 2), (LEAST - 2, LEAST - 1)] {
            assert_eq!(in_64_bits(from, to), None, "{from} {to}");
        }
    }
}
