//! What the keys of an index must keep, in whatever form a store writes them; each store's tests run it on
//! its own form.

use proptest::prelude::*;

use crate::IndexValue;

/// Values near each other, and those that a key must escape.
fn value() -> impl Strategy<Value = IndexValue> {
    prop_oneof![
        any::<i64>().prop_map(IndexValue::Integer),
        (-3_i64..3).prop_map(IndexValue::Integer),
        "[\\x00-\\x03ab\u{ff}\u{10ffff}]{0,4}".prop_map(IndexValue::Text),
    ]
}

/// Keys sort as their values.
pub(crate) fn keys_sort_as_their_values<K: Ord>(key_of: impl Fn(&[IndexValue]) -> K) {
    proptest!(|(
        a in prop::collection::vec(value(), 2),
        b in prop::collection::vec(value(), 2),
    )| {
        prop_assert_eq!(key_of(&a).cmp(&key_of(&b)), a.cmp(&b));
    });
}

/// The keys of two values and an id that lie within the prefix of one value are those that begin with it.
/// `is_within` says so of a prefix, two values and an id.
pub(crate) fn a_prefix_holds_exactly_the_keys_that_begin_so(
    is_within: impl Fn(&[IndexValue], &[IndexValue], &str) -> bool,
) {
    proptest!(|(
        prefix in prop::collection::vec(value(), 1),
        values in prop::collection::vec(value(), 2),
        id in "[\\x00-\\x03a-z]{1,3}",
    )| {
        prop_assert_eq!(is_within(&prefix, &values, &id), prefix[0] == values[0]);
    });
}
