//! Texts within a URL: what is neither letter nor digit is written as `%40` is for `@`.

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// Writes a text so that nothing in it means anything in a URL.
#[must_use]
pub fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// Reads a text of a URL; `None` where two digits are missing behind a `%`, or it is no UTF-8.
#[must_use]
pub fn decode(text: &str) -> Option<String> {
    let has_digits = |behind: &str| {
        behind.as_bytes().get(..2).is_some_and(|two| two.iter().all(u8::is_ascii_hexdigit))
    };
    let is_whole = text.split('%').skip(1).all(has_digits);
    let decoded = is_whole.then(|| percent_decode_str(text).decode_utf8())?;
    decoded.ok().map(std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        assert_eq!(encode("p@ss:/ä"), "p%40ss%3A%2F%C3%A4");
        for text in ["", "p@ss:/ä", "100 %", "%41", "a-b_c"] {
            assert_eq!(decode(&encode(text)).as_deref(), Some(text));
        }
        assert_eq!(decode("a+b%2bc").as_deref(), Some("a+b+c"));
        for broken in ["%", "a%4", "%+1", "%zz", "%C3"] {
            assert_eq!(decode(broken), None, "{broken}");
        }
    }
}
