//! Formats of times: from `strftime`'s letters to those of `%{+...}` and `date`.

/// The Joda format of a `strftime` format; `None` where there is none.
pub(super) fn joda(format: &str) -> Option<String> {
    let mut out = String::new();
    let mut text = String::new();
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            text.push(character);
            continue;
        }
        let letters = match characters.next()? {
            'Y' => "yyyy",
            'y' => "yy",
            'm' => "MM",
            'd' => "dd",
            'H' => "HH",
            'I' => "hh",
            'M' => "mm",
            'S' => "ss",
            'L' => "SSS",
            'j' => "DDD",
            'b' => "MMM",
            'B' => "MMMM",
            'a' => "EEE",
            'A' => "EEEE",
            'p' => "a",
            'u' => "e",
            'z' => "Z",
            'F' => "yyyy-MM-dd",
            'T' => "HH:mm:ss",
            '%' => {
                text.push('%');
                continue;
            }
            _ => return None,
        };
        write_text(&mut text, &mut out)?;
        out.push_str(letters);
    }
    write_text(&mut text, &mut out)?;
    (!out.is_empty()).then_some(out)
}

/// Letters that are text stand between quotes.
fn write_text(text: &mut String, out: &mut String) -> Option<()> {
    if text.contains(['\'', '"', '{', '}', '%', '\\']) {
        return None;
    }
    if text.contains(char::is_alphabetic) {
        out.push('\'');
        out.push_str(text);
        out.push('\'');
    } else {
        out.push_str(text);
    }
    text.clear();
    Some(())
}
