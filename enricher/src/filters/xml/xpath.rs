//! An XPath as the engine reads it, and the prefixes in it.
//!
//! The engine takes `and`, `or`, `div` and `mod` for operators wherever they stand; where a name must stand,
//! they are elements or attributes.

/// An XPath, read once.
#[derive(Debug)]
pub(super) struct XPath {
    pub(super) text: String,
    /// Prefixes of names, other than `xml`.
    pub(super) prefixes: Vec<String>,
}

impl XPath {
    pub(super) fn read(xpath: &str) -> Self {
        let mut read = Self { text: String::with_capacity(xpath.len()), prefixes: Vec::new() };
        // Whether a name may stand here, rather than an operator.
        let mut is_open = true;
        let mut rest = xpath;
        while let Some(first) = rest.chars().next() {
            let length = match first {
                '"' | '\'' => {
                    is_open = false;
                    rest[1..].find(first).map_or(rest.len(), |end| end + 2)
                }
                '_' => name_length(rest),
                letter if letter.is_alphabetic() => name_length(rest),
                _ => {
                    is_open = match first {
                        ')' | ']' | '.' | '0'..='9' => false,
                        '*' => !is_open,
                        blank if blank.is_whitespace() => is_open,
                        _ => true,
                    };
                    first.len_utf8()
                }
            };
            let (part, after) = rest.split_at(length);
            rest = after;
            if !part.starts_with(|first: char| first == '_' || first.is_alphabetic()) {
                read.text.push_str(part);
                continue;
            }
            let after = rest.trim_start();
            let is_keyword = matches!(part, "and" | "or" | "div" | "mod");
            if after.starts_with(':') && !after.starts_with("::") {
                if part != "xml" {
                    read.prefixes.push(part.to_owned());
                }
                read.text.extend([part, ":"]);
                let (local, behind) = after[1..].split_at(name_length(&after[1..]));
                read.text.push_str(local);
                rest = behind;
                is_open = local.is_empty();
            } else if is_keyword && is_open && !after.starts_with(['(', ':']) {
                let test = format!("*[local-name()='{part}' and namespace-uri()='']");
                read.text.push_str(&test);
                is_open = false;
            } else {
                read.text.push_str(part);
                is_open = is_keyword && !is_open;
            }
        }
        read
    }
}

fn name_length(text: &str) -> usize {
    let is_name = |one: char| one.is_alphanumeric() || matches!(one, '_' | '-' | '.');
    text.find(|one| !is_name(one)).unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::XPath;

    #[test]
    fn names_that_are_operators_elsewhere() {
        const DIV: &str = "*[local-name()='div' and namespace-uri()='']";
        for (xpath, expected) in [
            ("/foo/div", format!("/foo/{DIV}")),
            ("div", DIV.to_owned()),
            ("//div[2]/@div", format!("//{DIV}[2]/@{DIV}")),
            ("child::div", format!("child::{DIV}")),
            ("h:div/h:*", "h:div/h:*".to_owned()),
            ("4 div 2", "4 div 2".to_owned()),
            ("div div div", format!("{DIV} div {DIV}")),
            ("count(*) div count(div)", format!("count(*) div count({DIV})")),
            ("* div 'div'", "* div 'div'".to_owned()),
            ("a[. = 'x:y' and b]", "a[. = 'x:y' and b]".to_owned()),
            ("div:a", "div:a".to_owned()),
            ("'open", "'open".to_owned()),
        ] {
            assert_eq!(XPath::read(xpath).text, expected, "{xpath}");
        }
    }

    #[test]
    fn prefixes_are_found() {
        for (xpath, expected) in [
            ("/a/h:b/@i:c | self::node()[. = \"j:k\"]", &["h", "i"][..]),
            ("ancestor::a", &[]),
            ("xml:a/@xml:lang", &[]),
            ("é:*", &["é"]),
        ] {
            assert_eq!(XPath::read(xpath).prefixes, expected, "{xpath}");
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(xpath in "([a-cé:/.*'\"@ ()]|div){0,16}") {
            XPath::read(&xpath);
        }
    }
}
