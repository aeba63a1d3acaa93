//! What the name of an index says, and which other index a document goes to where its own takes none. Our own names
//! have the installation's namespace before them in the engine; those that `search.index_prefixes` allows are the
//! user's, and stand there as they are.

use std::borrow::Cow;

use schema::INDEX_PREFIX;

use crate::{IndexOperation, value};

const DAY_CHARACTERS: usize = "2026.11.24".len();

/// What stands behind the name of an index that documents go to where one of that name is somebody else's.
const BESIDE: &str = "-millrace";

/// A name as the engine has it.
pub(crate) fn in_engine<'a>(namespace: &str, index: &'a str) -> Cow<'a, str> {
    if namespace.is_empty() || !is_own(index) {
        return Cow::Borrowed(index);
    }
    Cow::Owned(format!("{namespace}{index}"))
}

/// A name of the engine as it is shown.
pub(crate) fn shown<'a>(namespace: &str, name: &'a str) -> &'a str {
    name.strip_prefix(namespace).filter(|index| is_own(index)).unwrap_or(name)
}

/// Whether a name is one that the platform chooses.
pub(crate) fn is_own(index: &str) -> bool {
    index.starts_with(INDEX_PREFIX)
}

/// The index that takes the documents of one that is somebody else's.
pub(crate) fn beside(index: &str) -> String {
    format!("{index}{BESIDE}")
}

/// The index of an operation's day of receipt, if that is another one than its own.
pub(crate) fn index_of_receipt(operation: &IndexOperation) -> Option<String> {
    let name = Dated::of(&operation.index)?;
    let received = operation.received_at_ns;
    let (own, _) = schema::index_name(schema::OTHER, received, received);
    let today = Dated::of(&own)?;
    let day = today.day.replace(today.separator, &name.separator.to_string());
    let index = format!("{}{day}{}", name.before, name.after);
    (*index != *operation.index).then_some(index)
}

/// When the day of an index begins, in nanoseconds since 1970 UTC; none for one without a day.
pub(crate) fn begin_of_day(index: &str) -> Option<i64> {
    let name = Dated::of(index)?;
    value::parse_date(&name.day.replace(name.separator, "-")).map(|(first, _)| first)
}

/// A name that ends with a day.
struct Dated<'a> {
    before: &'a str,
    /// `2026.11.24`.
    day: &'a str,
    separator: char,
    after: &'a str,
}

impl<'a> Dated<'a> {
    fn of(index: &'a str) -> Option<Self> {
        let (name, after) = match index.strip_suffix(BESIDE) {
            Some(name) if !is_own(index) => (name, BESIDE),
            _ => (index, ""),
        };
        let (before, day) = name.split_at_checked(name.len().checked_sub(DAY_CHARACTERS)?)?;
        let separator = ['.', '-', '_'].into_iter().find(|separator| {
            let parts = day.split(*separator).map(|part| {
                let is_number = part.bytes().all(|byte| byte.is_ascii_digit());
                is_number.then_some(part.len())
            });
            parts.eq([Some(4), Some(2), Some(2)])
        })?;
        // Our own are of a log type and a day.
        let is_whole = match before.strip_prefix(INDEX_PREFIX) {
            Some(log_type) => separator == '.' && log_type.len() > 1 && log_type.ends_with('-'),
            None => !before.is_empty(),
        };
        is_whole.then_some(Self { before, day, separator, after })
    }
}

#[cfg(test)]
mod tests {
    use super::{begin_of_day, beside, in_engine, index_of_receipt, shown};
    use crate::contract::operation;

    /// 2026-11-24.
    const DAY_NS: i64 = 1_795_478_400_000_000_000;

    #[test]
    fn only_our_own_names_have_the_namespace_before_them() {
        for namespace in ["", "shop-", "north-"] {
            for index in ["ecommerce-logs-error-2026.11.24", "shop-2026.11.24", "shop"] {
                assert_eq!(shown(namespace, &in_engine(namespace, index)), index, "{namespace}");
            }
            assert_eq!(in_engine(namespace, "shop-2026.11.24"), "shop-2026.11.24");
        }
        let own = in_engine("shop-", "ecommerce-logs-error-2026.11.24");
        assert_eq!(own, "shop-ecommerce-logs-error-2026.11.24");
    }

    #[test]
    fn the_day_of_an_index_is_read_from_its_name() {
        for index in [
            "ecommerce-logs-transaction-2026.11.24",
            "shop-2026.11.24",
            "shop2026-11-24",
            "shop-a-2026_11_24",
            "shop-2026.11.24-millrace",
        ] {
            assert_eq!(begin_of_day(index), Some(DAY_NS), "{index}");
        }
        for index in [
            "ecommerce-logs-x",
            "ecommerce-logs-x-2026.13.24",
            "ecommerce-logs-2026.11.24",
            "ecommerce-logs-é2026.11.24",
            "ecommerce-logs-a-2026.11.24-millrace",
            "2026.11.24",
            "shop",
            "shop-2026.11",
            "shop-2026.13.24",
            "shop-2026.11-24",
            "shop-26.11.2024",
            "shop-2026.11.24.08",
            "ü",
            "",
        ] {
            assert_eq!(begin_of_day(index), None, "{index}");
        }
    }

    #[test]
    fn an_index_that_takes_no_more_has_one_of_the_day_of_receipt() {
        let mut late = operation(0, "a", "{}");
        let same_day = late.timestamp_ns;
        late.received_at_ns = same_day + 86_400_000_000_000;
        for (index, other) in [
            ("ecommerce-logs-transaction-2026.11.24", "ecommerce-logs-transaction-2026.11.25"),
            ("shop-2026.11.24", "shop-2026.11.25"),
            ("shop-2026-11-24", "shop-2026-11-25"),
            ("shop-2026.11.24-millrace", "shop-2026.11.25-millrace"),
        ] {
            late.index = index.into();
            assert_eq!(index_of_receipt(&late).as_deref(), Some(other));
        }
        late.received_at_ns = same_day;
        for index in [
            "ecommerce-logs-transaction-2026.11.24",
            "shop-2026.11.24-millrace",
            "shop-2026.48",
            "shop",
            "",
            "ecommerce-logs-",
            "ecommerce-logs-x",
            "ecommerce-logs-é2026.11.24",
        ] {
            late.index = index.into();
            assert_eq!(index_of_receipt(&late), None, "{index}");
        }
    }

    #[test]
    fn an_index_beside_that_of_another_has_its_beginning() {
        assert_eq!(beside("shop-2026.11.24"), "shop-2026.11.24-millrace");
        assert_eq!(begin_of_day(&beside("shop-2026.11.24")), Some(DAY_NS));
    }
}
