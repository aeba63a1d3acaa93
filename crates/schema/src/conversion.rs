//! How a value as a shop logs it becomes a value of a document's field.

use crate::document::Place;
use crate::field::FieldKind;

/// What is done to the letters of a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterCase {
    /// `post` becomes `POST`.
    Upper,
    /// `ERROR` becomes `error`.
    Lower,
}

/// Which values of a field mean that what was tried succeeded or failed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// These mean `event.outcome: success`.
    pub success: Vec<Box<str>>,
    /// These mean `event.outcome: failure`.
    pub failure: Vec<Box<str>>,
}

/// How a value is converted, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// The field.
    pub place: Place,
    /// What the field's values are.
    pub kind: FieldKind,
    /// Whether the field is an array of them.
    pub many: bool,
    /// Fields that get the same value.
    pub also: Box<[Place]>,
    /// Power of ten that turns the log's unit into the field's: 6 from milliseconds to nanoseconds.
    pub decimal_shift: i8,
    /// A sign that may follow a number: `%`.
    pub suffix: Option<u8>,
    /// Texts that mean that there is no value, beside null and, for strings, the empty one.
    pub absent: Box<[Box<[u8]>]>,
    /// What is done to letters.
    pub letter_case: Option<LetterCase>,
    /// The value may be a list with commas, of which the first counts; the whole list goes to this
    /// field, unless the event says something else of it.
    pub first_of_list: Option<Place>,
    /// What the value says of `event.outcome`.
    pub outcome: Option<Box<Outcome>>,
}

impl Conversion {
    /// A value that is already in the field's unit.
    pub(crate) fn plain(place: Place, kind: FieldKind, many: bool) -> Self {
        Self {
            place,
            kind,
            many,
            also: Box::default(),
            decimal_shift: 0,
            suffix: None,
            absent: Box::default(),
            letter_case: None,
            first_of_list: None,
            outcome: None,
        }
    }

    /// Whether there is no more to do than to convert one value and to put it into one field.
    #[inline]
    #[must_use]
    pub fn is_simple(&self) -> bool {
        !self.many && self.also.is_empty() && self.outcome.is_none() && self.first_of_list.is_none()
    }

    /// Whether every string but the empty one is a value as it stands.
    #[inline]
    #[must_use]
    pub fn takes_any_string(&self) -> bool {
        matches!(self.kind, FieldKind::Keyword | FieldKind::Text)
            && self.letter_case.is_none()
            && self.absent.is_empty()
    }

    /// Whether a text means that there is no value.
    #[inline]
    #[must_use]
    pub fn means_absent(&self, content: &[u8]) -> bool {
        let string = matches!(self.kind, FieldKind::Keyword | FieldKind::Text);
        (string && content.is_empty()) || self.absent.iter().any(|absent| **absent == *content)
    }
}
