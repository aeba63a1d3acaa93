//! What a door tells of lines that it joined into one event: as the record's content type, which frames and
//! messages carry already. No sender of such lines names one.

/// Lines that are one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    /// Whether there are several of them.
    pub is_several: bool,
    /// What ended the event before a line of another one came.
    pub limit: Option<JoinLimit>,
}

/// A limit of an event of several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinLimit {
    /// It has as many lines as an event may have.
    Lines,
    /// With the next line it would have more bytes than an event may have.
    Bytes,
}

/// The content type of all that there is something to tell of.
static TYPES: [(bool, Option<JoinLimit>, &str); 5] = [
    (true, None, "text/x-lines; several"),
    (true, Some(JoinLimit::Lines), "text/x-lines; several; limit=lines"),
    (true, Some(JoinLimit::Bytes), "text/x-lines; several; limit=bytes"),
    (false, Some(JoinLimit::Lines), "text/x-lines; one; limit=lines"),
    (false, Some(JoinLimit::Bytes), "text/x-lines; one; limit=bytes"),
];

impl Joined {
    /// The content type that says so; `None` of one whole line, of which there is nothing to tell.
    #[must_use]
    pub fn content_type(self) -> Option<&'static str> {
        let found = TYPES
            .iter()
            .find(|(is_several, limit, _)| (*is_several, *limit) == (self.is_several, self.limit));
        found.map(|(_, _, content_type)| *content_type)
    }

    /// What a record's content type tells; `None` of any other.
    #[must_use]
    pub fn of(content_type: &str) -> Option<Self> {
        let (is_several, limit, _) = *TYPES.iter().find(|(_, _, known)| *known == content_type)?;
        Some(Self { is_several, limit })
    }
}

#[cfg(test)]
mod tests {
    use super::{Joined, TYPES};

    #[test]
    fn a_content_type_tells_what_was_joined() {
        for (is_several, limit, content_type) in TYPES {
            let joined = Joined { is_several, limit };
            assert_eq!(joined.content_type(), Some(content_type));
            assert_eq!(Joined::of(content_type), Some(joined));
        }
        assert_eq!(Joined { is_several: false, limit: None }.content_type(), None);
        for other in ["", "text/plain", "text/x-lines; many"] {
            assert_eq!(Joined::of(other), None);
        }
    }
}
