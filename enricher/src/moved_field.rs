//! Which fields of a text are elsewhere behind a filter `schema`.
//!
//! Texts that name documents and indices are read behind the last filter. Only names are looked at here, never events.

use event::FieldPath;
use schema::Schema;

use crate::field_reference::EscapeStyle;
use crate::template::Template;

/// The references of a text, as they are written, to fields that no document has by this name: a filter `schema` gives
/// them the name that they have there, most of them below `shop.extra`.
#[must_use]
pub fn moved_fields(text: &str, escape_style: EscapeStyle) -> Vec<String> {
    // What is no text is refused where settings are checked.
    let Ok(template) = Template::parse_as(text, escape_style) else { return Vec::new() };
    let moved = template.fields().filter(|(path, _)| is_moved(path));
    moved.map(|(_, written)| written.to_owned()).collect()
}

fn is_moved(path: &FieldPath) -> bool {
    let document = Schema::embedded().document();
    let mut place = document.root();
    for (at, segment) in path.segments().iter().enumerate() {
        if at == 0 && &*segment.key == "@metadata" {
            return false;
        }
        match document.child(place, &segment.key) {
            Some(inner) => place = inner,
            // Below a field, as `labels`, a sender's names stay as they are.
            None => return document.field(place).is_none(),
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_document_has_by_its_name_is_moved_and_all_else_stays() {
        let moved = |text: &str| moved_fields(text, EscapeStyle::None);
        for stays in [
            "%{[@metadata][id]}-%{[shop][order][id]}-%{+YYYY.MM.dd}",
            "%{message}-%{@timestamp}-%{[labels][kind]}-%{[tags][0]}",
            "%{[shop][extra][fields][kind]}",
            "a",
        ] {
            assert_eq!(moved(stays), [""; 0], "{stays}");
        }
        assert_eq!(moved("%{[fields][kind]}-%{id}"), ["%{[fields][kind]}", "%{id}"]);
        // Names of senders that have a place of their own, but not this one.
        assert_eq!(
            moved("%{order_id}%{[shop][order][nr]}"),
            ["%{order_id}", "%{[shop][order][nr]}"]
        );
    }
}
