//! The tables fit what they are applied to.

use std::collections::HashSet;

use super::*;
use crate::filters::grok::definitions::{common, lowered};

/// Edits that change nothing are mistakes, or the crate has caught up.
#[track_caller]
fn all_apply(set: &mut Set, edits: &[Edit]) {
    for one in edits {
        let before = set.clone();
        edit(set, &[*one]);
        assert!(*set != before, "{one:?} changes nothing");
    }
}

#[test]
fn every_edit_changes_something() {
    let mut set = Set::new();
    insert(&mut set, grok::patterns());
    all_apply(&mut set, lowered::EDITS);
    let mut set = common();
    define(&mut set);
    all_apply(&mut set, EDITS);
}

#[test]
fn every_name_of_the_table_is_a_field() {
    let mut set = common();
    define(&mut set);
    edit(&mut set, EDITS);
    for (patterns, fields) in names::FAMILIES {
        let family: Vec<_> = set
            .iter()
            .filter(|(name, _)| patterns.iter().any(|known| fits(known, name)))
            .map(|(_, definition)| &**definition)
            .collect();
        for (legacy, _) in *fields {
            let forms = [format!(":{legacy}}}"), format!("(?<{legacy}>")];
            let used = |text: &&str| forms.iter().any(|form| text.contains(form));
            assert!(family.iter().any(used), "{patterns:?} has no {legacy}");
        }
        let names: HashSet<_> = fields.iter().map(|(legacy, _)| legacy).collect();
        assert_eq!(names.len(), fields.len(), "{patterns:?} names a field twice");
    }
}

#[test]
fn columns_become_a_pattern() {
    let pattern = columns::pattern(r"\t", r#"A:a -B:b ( "C:c =x+ )? ~D:d:int"#);
    assert_eq!(
        pattern,
        r#"%{A:a}\t(?:-|%{B:b})(?:\t"(?:-|%{C:c})"\tx+)?\t(?:\(empty\)|%{D:d:int})"#
    );
}

#[test]
fn fields_are_renamed_and_look_around_is_left_alone() {
    let renamed =
        names::renamed("REDISLOG", r"(?<=\d)%{INT:pid} %{INT:other} (?<command>x>)(?<!y)%{X}");
    assert_eq!(
        renamed.as_deref(),
        Some(
            r"(?<=\d)%{INT:[process][pid]:int} %{INT:other} (?<[redis][command][name]>x>)(?<!y)%{X}"
        )
    );
    assert_eq!(names::renamed("URIHOST", "a%{POSINT:port}").as_deref(), Some("a%{POSINT}"));
    assert_eq!(
        names::renamed("HAPROXYDATE", "(?<haproxy_day>%{INT:x}").as_deref(),
        Some("(?<haproxy_day>%{INT:x}")
    );
    assert_eq!(names::renamed("INT", "%{X:pid}"), None);
}
