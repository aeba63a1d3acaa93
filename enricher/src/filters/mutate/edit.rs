//! Edits of one text: case and blanks. In an array every text is edited; other values stay.

use event::{Event, FieldPath, Kind, NodeId};

/// How a text is edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::filters) enum Edit {
    Uppercase,
    Lowercase,
    /// The first letter upper case, the others lower case.
    Capitalize,
    /// Without blanks and NULs at both ends.
    Strip,
}

impl Edit {
    pub(super) fn run(self, event: &mut Event, field: &FieldPath, text: &mut String) {
        each_text(event, field, |event, id| {
            text.clear();
            let changed = {
                let Some(old) = event.text(id) else {
                    return;
                };
                self.edit(&old, text);
                *text != *old
            };
            if changed {
                event.rewrite_text(id, text);
            }
        });
    }

    /// Adds what becomes of a text.
    pub(in crate::filters) fn edit(self, old: &str, out: &mut String) {
        match self {
            Self::Uppercase => out.extend(old.chars().flat_map(char::to_uppercase)),
            Self::Lowercase if old.is_ascii() => {
                let start = out.len();
                out.push_str(old);
                out[start..].make_ascii_lowercase();
            }
            Self::Lowercase => out.push_str(&old.to_lowercase()),
            Self::Capitalize => {
                let mut letters = old.chars();
                out.extend(letters.next().into_iter().flat_map(char::to_uppercase));
                out.push_str(&letters.as_str().to_lowercase());
            }
            Self::Strip => {
                out.push_str(old.trim_matches(['\0', '\t', '\n', '\u{b}', '\u{c}', '\r', ' ']))
            }
        }
    }
}

/// Does something to a text, or to each value of an array.
pub(super) fn each_text(
    event: &mut Event,
    field: &FieldPath,
    mut each: impl FnMut(&mut Event, NodeId),
) {
    let Some(id) = event.get(field) else {
        return;
    };
    if event.kind(id) != Kind::Array {
        return each(event, id);
    }
    let mut at = event.first_child(id);
    while let Some(element) = at {
        at = event.next_sibling(element);
        each(event, element);
    }
}
