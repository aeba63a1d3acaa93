//! E-mail addresses in text: what stands before the `@` is replaced, the domain stays.

/// What stands in place of the name.
const NAME: &str = "***";

fn in_name(character: char) -> bool {
    character.is_alphanumeric() || "._%+-'".contains(character)
}

fn in_domain(character: char) -> bool {
    character.is_alphanumeric() || character == '.' || character == '-'
}

/// The sign as an address of the web holds it.
const ESCAPED: &str = "%40";

/// Whether a text may hold an address.
#[inline]
pub(super) fn may_be_in(text: &[u8]) -> bool {
    memchr::memchr2_iter(b'@', b'%', text).any(|at| is_sign(text, at))
}

/// Whether an `@` or `%` may be within an address.
#[inline]
pub(super) fn is_sign(text: &[u8], at: usize) -> bool {
    if text[at] == b'%' {
        return text[at..].starts_with(ESCAPED.as_bytes());
    }
    let before = at.checked_sub(1).map(|before| text[before]);
    let word =
        |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte >= 0x80);
    (word(before) || before.is_some_and(|byte| b"._%+-'".contains(&byte)))
        && word(text.get(at + 1).copied())
}

/// The text with its addresses masked; `None` if it has none.
pub(super) fn mask(text: &str) -> Option<String> {
    let mut masked = String::new();
    let mut copied = 0;
    let signs = text.match_indices(['@', '%']).filter_map(|(at, _)| match &text[at..] {
        rest if rest.starts_with('@') => Some((at, 1)),
        rest => rest.starts_with(ESCAPED).then_some((at, ESCAPED.len())),
    });
    for (at, length) in signs {
        let before = &text[copied..at];
        let name = before.trim_end_matches(in_name).len();
        let after = &text[at + length..];
        let domain = after.find(|character| !in_domain(character)).unwrap_or(after.len());
        if name == before.len() || !is_domain(&after[..domain]) {
            continue;
        }
        masked.push_str(&before[..name]);
        masked.push_str(NAME);
        copied = at;
    }
    if copied == 0 {
        return None;
    }
    masked.push_str(&text[copied..]);
    Some(masked)
}

/// At least two labels, the last of letters. `logo@2x.png` is the name of a picture.
fn is_domain(text: &str) -> bool {
    let text = text.trim_end_matches(['.', '-']);
    let Some((rest, last)) = text.rsplit_once('.') else {
        return false;
    };
    let letters = last.chars().count() >= 2 && last.chars().all(char::is_alphabetic);
    let scale = rest.strip_suffix('x').is_some_and(|n| n.parse::<u8>().is_ok());
    letters && !rest.is_empty() && !scale
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lose_their_name() {
        for (text, expected) in [
            ("user42@mail.example", "***@mail.example"),
            ("from a.b+c@x.de to <d@y.co.uk>, now", "from ***@x.de to <***@y.co.uk>, now"),
            ("mailto:jürgen@müller.de.", "mailto:***@müller.de."),
            ("x@@y@z.org", "x@@***@z.org"),
            ("a@b.cc@d.ee", "***@***@d.ee"),
            ("/reset?email=max%40shop.de&x=%40", "/reset?email=***%40shop.de&x=%40"),
        ] {
            assert_eq!(mask(text).as_deref(), Some(expected));
        }
    }

    #[test]
    fn other_texts_with_the_sign_stay() {
        for text in [
            "@",
            "a@b",
            "a@",
            "@b.com",
            "logo@2x.png",
            "react@18.2.0",
            "100%40",
            "https://x.example/@user",
            "5 @ 2.50",
        ] {
            assert_eq!(mask(text), None, "{text}");
        }
    }
}
