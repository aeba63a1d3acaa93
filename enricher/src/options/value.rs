//! Which types an option can have: how each is read, what the documentation calls it, and how its default is written.

use std::path::PathBuf;

use event::FieldPath;

use super::Options;
use crate::description::OptionKind;
use crate::filter::EcsCompatibility;
use crate::language::{Key, Value};
use crate::template::{FieldTemplate, Template};

/// Pairs in order, as they are written.
pub(crate) type Pairs = Vec<(Key, Value)>;
/// Pairs in order whose values are strings.
pub(crate) type TextPairs = Vec<(Key, String)>;

/// A type that an option can have.
pub(crate) trait OptionValue: Sized {
    /// What the documentation calls it.
    const KIND: OptionKind;
    /// The words that it is one of; none where it may be any.
    const WORDS: &'static [&'static str] = &[];

    /// Asks for an option; `None` where it is not given, or a mistake was recorded.
    fn read(options: &mut Options<'_>, name: &'static str) -> Option<Self>;
}

/// A default as a filter's declaration writes it.
pub(crate) trait DefaultFor<T> {
    /// The value.
    fn value(self) -> T;
}

/// `type: kind, getter;` for each type that one of the getters reads.
macro_rules! read_by_getters {
    ($($type:ty: $kind:expr, $getter:ident;)*) => {
        $(impl OptionValue for $type {
            const KIND: OptionKind = $kind;

            fn read(options: &mut Options<'_>, name: &'static str) -> Option<Self> {
                options.$getter(name)
            }
        })*
    };
}

read_by_getters! {
    String: OptionKind::String, text;
    Vec<String>: OptionKind::Strings, texts;
    Template: OptionKind::Template, template;
    Vec<Template>: OptionKind::Templates, templates;
    FieldPath: OptionKind::Field, field;
    Vec<FieldPath>: OptionKind::Fields, fields;
    Vec<FieldTemplate>: OptionKind::FieldTemplates, field_templates;
    bool: OptionKind::Boolean, boolean;
    i64: OptionKind::Number, integer;
    f64: OptionKind::Number, number;
    Pairs: OptionKind::Hash, pairs;
    TextPairs: OptionKind::Hash, text_pairs;
}

impl OptionValue for PathBuf {
    const KIND: OptionKind = OptionKind::Path;

    fn read(options: &mut Options<'_>, name: &'static str) -> Option<Self> {
        options.text(name).map(Self::from)
    }
}

impl OptionValue for Vec<PathBuf> {
    const KIND: OptionKind = OptionKind::Paths;

    fn read(options: &mut Options<'_>, name: &'static str) -> Option<Self> {
        options.texts(name).map(|paths| paths.into_iter().map(PathBuf::from).collect())
    }
}

impl OptionValue for EcsCompatibility {
    const KIND: OptionKind = OptionKind::String;
    const WORDS: &'static [&'static str] = &[Self::WORDS[0].0, Self::WORDS[1].0, Self::WORDS[2].0];

    fn read(options: &mut Options<'_>, name: &'static str) -> Option<Self> {
        options.choice(name, <Self as OptionValue>::WORDS).and_then(Self::of_word)
    }
}

impl DefaultFor<Self> for bool {
    fn value(self) -> Self {
        self
    }
}

impl DefaultFor<Self> for i64 {
    fn value(self) -> Self {
        self
    }
}

impl DefaultFor<Self> for f64 {
    fn value(self) -> Self {
        self
    }
}

impl DefaultFor<String> for &'static str {
    fn value(self) -> String {
        self.to_owned()
    }
}

/// A field of the event itself.
impl DefaultFor<FieldPath> for &'static str {
    fn value(self) -> FieldPath {
        FieldPath::key(self)
    }
}

impl DefaultFor<Template> for &'static str {
    fn value(self) -> Template {
        Template::constant(self)
    }
}

impl<T, const LENGTH: usize> DefaultFor<Vec<T>> for [&'static str; LENGTH]
where
    &'static str: DefaultFor<T>,
{
    fn value(self) -> Vec<T> {
        self.into_iter().map(DefaultFor::value).collect()
    }
}
