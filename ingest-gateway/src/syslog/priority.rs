//! PRI, `<34>`: facility times eight plus severity (RFC 5424 6.2.1, RFC 3164 4.1.1).

/// The highest PRI: facility 23, severity 7.
const PRIORITY_MAX: u8 = 191;

/// Facility and severity in one number, 0 to 191.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Priority(u8);

impl Default for Priority {
    /// What a message without one has: user-level, notice (RFC 3164 4.3.3).
    fn default() -> Self {
        Self(13)
    }
}

impl Priority {
    /// Both in one number, 0 to 191.
    #[must_use]
    pub fn code(self) -> u8 {
        self.0
    }

    /// 0 to 23.
    #[must_use]
    pub fn facility(self) -> u8 {
        self.0 / 8
    }

    /// 0 (emergency) to 7 (debug).
    #[must_use]
    pub fn severity(self) -> u8 {
        self.0 % 8
    }
}

/// What stands at the beginning of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found<'a> {
    /// A priority, and what follows it.
    Given(Priority, &'a str),
    /// None.
    Absent,
    /// An angle bracket that begins none.
    Broken,
}

/// Reads it: one to three digits, up to 191.
pub(super) fn read(line: &str) -> Found<'_> {
    let Some(inner) = line.strip_prefix('<') else { return Found::Absent };
    let digits = inner.bytes().take_while(u8::is_ascii_digit).count();
    if !(1..=3).contains(&digits) {
        return Found::Broken;
    }
    let code = inner[..digits].parse::<u8>().ok().filter(|code| *code <= PRIORITY_MAX);
    match (code, inner[digits..].strip_prefix('>')) {
        (Some(code), Some(rest)) => Found::Given(Priority(code), rest),
        _ => Found::Broken,
    }
}

#[cfg(test)]
mod tests {
    use super::{Found, Priority, read};

    #[test]
    fn it_is_read_with_its_parts() {
        assert_eq!(read("<165>x"), Found::Given(Priority(165), "x"));
        assert_eq!((Priority(165).facility(), Priority(165).severity()), (20, 5));
        assert_eq!(read("<0>"), Found::Given(Priority(0), ""));
        assert_eq!(read("<191>x"), Found::Given(Priority(191), "x"));
        assert_eq!(read("<007>x"), Found::Given(Priority(7), "x"));
        assert_eq!(read("34>x"), Found::Absent);
        assert_eq!(read(""), Found::Absent);
    }

    #[test]
    fn what_is_none_is_told() {
        for broken in
            ["<192>x", "<256>x", "<>x", "<1234>x", "<-1>x", "< 34>x", "<34", "<34 >x", "<a>x", "<"]
        {
            assert_eq!(read(broken), Found::Broken, "{broken}");
        }
    }
}
