//! English names of months, days and zones.

/// January first.
pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Monday first, as ISO 8601 counts.
pub(super) const WEEKDAYS: [&str; 7] =
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// Short and long.
pub(super) const QUARTERS: [(&str, &str); 4] =
    [("Q1", "1st quarter"), ("Q2", "2nd quarter"), ("Q3", "3rd quarter"), ("Q4", "4th quarter")];

/// Length of a short name.
pub(super) const SHORT: usize = 3;
/// Length of a name of which only the beginning tells: a letter, of a quarter its number.
pub(super) const NARROW: usize = 1;

/// The zone names that Joda-Time reads by default, with hours east of UTC.
pub(super) const ZONES: [(&str, i8); 11] = [
    ("UTC", 0),
    ("UT", 0),
    ("GMT", 0),
    ("EST", -5),
    ("EDT", -4),
    ("CST", -6),
    ("CDT", -5),
    ("MST", -7),
    ("MDT", -6),
    ("PST", -8),
    ("PDT", -7),
];

/// Finds a long or short name at the start of a text, whatever its case: its place in the list and
/// its length in bytes.
pub(super) fn find(names: &[&str], text: &str) -> Option<(usize, usize)> {
    let starts =
        |name: &str| text.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name));
    names.iter().enumerate().find_map(|(place, name)| {
        let length = [name.len(), SHORT].into_iter().find(|length| starts(&name[..*length]))?;
        Some((place, length))
    })
}
