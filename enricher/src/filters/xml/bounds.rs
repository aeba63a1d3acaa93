//! Whether a text can be parsed in time in proportion: the parser compares each attribute of an element with
//! each other.

use memchr::{memchr, memchr3, memmem};

/// Most attributes of one element.
const ATTRIBUTES_MAX: usize = 1_000;

/// Whether no element has too many attributes.
pub(super) fn is_bearable(text: &str) -> bool {
    let mut rest = text.as_bytes();
    while let Some(open) = memchr(b'<', rest) {
        rest = &rest[open + 1..];
        let end = |end: &[u8]| memmem::find(rest, end).unwrap_or(rest.len());
        let skipped = match rest.first() {
            Some(b'!') if rest.starts_with(b"!--") => end(b"-->"),
            Some(b'!') if rest.starts_with(b"![CDATA[") => end(b"]]>"),
            Some(b'?') => end(b"?>"),
            Some(b'!' | b'/') | None => 0,
            Some(_) => match tag_length(rest) {
                Some(length) => length,
                None => return false,
            },
        };
        rest = &rest[skipped..];
    }
    true
}

/// Where a tag ends; `None` if more values stand in it than it may have.
fn tag_length(tag: &[u8]) -> Option<usize> {
    let mut at = 0;
    for _ in 0..=ATTRIBUTES_MAX {
        let Some(sign) = memchr3(b'>', b'"', b'\'', &tag[at..]) else { return Some(tag.len()) };
        at += sign + 1;
        if tag[at - 1] == b'>' {
            return Some(at);
        }
        match memchr(tag[at - 1], &tag[at..]) {
            Some(end) => at += end + 1,
            None => return Some(tag.len()),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::is_bearable;

    #[test]
    fn attributes_are_counted_in_one_tag() {
        let attributes = |count: usize| " a='>' b=\"<'\"".repeat(count / 2);
        for (text, expected) in [
            (format!("<a{}/>", attributes(1_000)), true),
            (format!("<a{}/>", attributes(1_002)), false),
            (format!("<!--<a{}/>-->", attributes(2_000)), true),
            (format!("<![CDATA[<a{}/>]]><?b {0}?>", attributes(2_000)), true),
            ("<a b='1'/>".repeat(2_000), true),
            (format!("<a it's {}", "'".repeat(5_000)), false),
            ("<a it's".to_owned(), true),
            ("<".to_owned(), true),
            ("<!--".to_owned(), true),
            (String::new(), true),
        ] {
            assert_eq!(is_bearable(&text), expected, "{text:.30}");
        }
    }
}
