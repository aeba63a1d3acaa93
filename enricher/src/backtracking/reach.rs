//! How far a pattern may run over a text before its engine goes back: what a turn costs at most.

use regex_syntax::hir::{Hir, HirKind};

/// Names of groups that stand for what is looked at begin so.
const LOOK: char = 'l';
/// Counts up to this are no matter of the text's length.
const SHORT_COUNT: u32 = 64;

/// Powers of the text's length.
#[derive(Clone, Copy, Default)]
struct Reach {
    /// Of all of a part.
    whole: u32,
    /// Of what it looks at from one place.
    look: u32,
}

/// With which power of the text's length the work between two turns grows: 1 where each part runs over the text once, 2
/// where as much is looked at from every place of a repetition, and so on. Of an expression with all its parts.
pub(super) fn power_of_length(parts: &Hir) -> u32 {
    reach(parts).whole.max(1)
}

fn reach(hir: &Hir) -> Reach {
    match hir.kind() {
        HirKind::Empty | HirKind::Literal(_) | HirKind::Class(_) | HirKind::Look(_) => {
            Reach::default()
        }
        HirKind::Capture(group) => {
            let inner = reach(&group.sub);
            let is_look = group.name.as_deref().is_some_and(|name| name.starts_with(LOOK));
            if is_look { Reach { look: inner.whole, ..inner } } else { inner }
        }
        HirKind::Concat(parts) | HirKind::Alternation(parts) => {
            parts.iter().map(reach).fold(Reach::default(), |one, other| Reach {
                whole: one.whole.max(other.whole),
                look: one.look.max(other.look),
            })
        }
        HirKind::Repetition(repeated) => {
            let inner = reach(&repeated.sub);
            if repeated.max.is_some_and(|most| most <= SHORT_COUNT) {
                return inner;
            }
            Reach { whole: inner.whole.max(1 + inner.look), ..inner }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::power_of_length;
    use crate::filters::grok::ruby_syntax::translate_fully;

    #[test]
    fn looks_in_repetitions_multiply() {
        for (pattern, power) in [
            ("ab(?=cd)", 1),
            ("(?:a+b)+(?=.*c.*d)", 1),
            ("^(?:(?!secret).)*$", 1),
            ("(?:(?!a{1,20}b).)*", 1),
            ("(?:(?=.*b)a)+", 2),
            ("(?:x(?:(?<=a.*b)a)?){100}", 2),
            ("(?:(?=(?:(?!.*a)b)*c)d)+", 3),
        ] {
            let parts = translate_fully(pattern).unwrap().parts;
            let hir = regex_syntax::parse(&parts).unwrap();
            assert_eq!(power_of_length(&hir), power, "{pattern}");
        }
    }
}
