//! Finds the known name that a misspelt one is nearest to.

/// The nearest of `known`, if one is near; of equally near ones the first in the alphabet.
#[must_use]
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = known.into_iter().filter_map(|other| Some((edits_if_near(name, other)?, other)));
    near.min().map(|(_, other)| other)
}

/// How many insertions, deletions, replacements and exchanges of neighbours make one name of the other,
/// if they are within a third of the name's length, and one at least.
#[must_use]
pub fn edits_if_near(name: &str, other: &str) -> Option<usize> {
    let (length, other_length) = (name.chars().count(), other.chars().count());
    let edits_max = (length / 3).max(1);
    // Nothing is computed for what is far by its length alone, however long a name is.
    let may_be_near = length.abs_diff(other_length) <= edits_max;
    let edits = may_be_near.then(|| strsim::osa_distance(name, other))?;
    (edits <= edits_max).then_some(edits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_recognised_and_another_word_is_not() {
        let known = ["source", "target", "tag_on_failure"];
        assert_eq!(nearest("sorce", known), Some("source"));
        assert_eq!(nearest("targte", known), Some("target"));
        assert_eq!(nearest("pattern", known), None);
        assert_eq!(nearest("", known), None);
        assert_eq!(nearest("äöüe", ["äöü"]), Some("äöü"), "characters count, not bytes");
        assert_eq!(nearest("b", ["c", "a"]), Some("a"));
        assert_eq!(nearest(&"q".repeat(1 << 20), known), None);
        assert_eq!((edits_if_near("sorce", "source"), edits_if_near("ab", "cd")), (Some(1), None));
    }
}
