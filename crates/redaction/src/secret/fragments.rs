//! The search for the first of a few short pieces of text, with the processor's vector instructions where it has
//! those that it takes.

use aho_corasick::{AhoCorasick, Input, MatchKind, Span, packed};

/// Pieces of text that are looked for together. Up to 32 are looked for at full speed.
#[derive(Clone, Debug)]
pub(super) enum Fragments {
    /// Teddy, which compares 16 or 32 bytes at once.
    Packed(packed::Searcher),
    /// Where the processor lacks what that needs, or there are too many.
    Automaton(AhoCorasick),
}

impl Fragments {
    /// At least one piece of text, none of them empty.
    pub(super) fn new<F: AsRef<[u8]>>(fragments: &[F]) -> Self {
        if let Some(searcher) = packed::Searcher::new(fragments) {
            return Self::Packed(searcher);
        }
        let automaton =
            AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(fragments);
        Self::Automaton(automaton.expect("a few hundred bytes of pieces fit into an automaton"))
    }

    /// Where the first of them begins, from a place on.
    #[inline]
    pub(super) fn find(&self, text: &[u8], from: usize) -> Option<usize> {
        if from >= text.len() {
            return None;
        }
        let found = match self {
            Self::Packed(searcher) => searcher.find_in(text, Span::from(from..text.len())),
            Self::Automaton(automaton) => automaton.find(Input::new(text).range(from..)),
        };
        found.map(|found| found.start())
    }
}

#[cfg(test)]
mod tests {
    use aho_corasick::{AhoCorasick, MatchKind};
    use proptest::prelude::*;

    use super::Fragments;

    const PIECES: [&str; 5] = ["oken", "OKEN", "ssw", "://", "eyJ"];

    #[test]
    fn the_first_is_found_wherever_it_stands() {
        let fragments = Fragments::new(&PIECES);
        for length in 0..100 {
            for piece in PIECES {
                let text = format!("{}{piece}{}", "o".repeat(length), "s".repeat(100 - length));
                assert_eq!(fragments.find(text.as_bytes(), 0), Some(length), "{text}");
                assert_eq!(fragments.find(text.as_bytes(), length + 1), None, "{text}");
            }
        }
        assert_eq!(fragments.find(b"", 0), None);
        assert_eq!(fragments.find(b"oken", 9), None);
    }

    proptest! {
        #[test]
        fn without_vectors_the_same_is_found(text in "[oOkKeEnNsw:/yJ]{0,80}", from in 0usize..90) {
            let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(PIECES).unwrap();
            let slow = Fragments::Automaton(automaton);
            let fast = Fragments::new(&PIECES);
            prop_assert_eq!(fast.find(text.as_bytes(), from), slow.find(text.as_bytes(), from));
        }
    }
}
