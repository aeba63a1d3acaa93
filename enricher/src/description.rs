//! What a filter's options are, for people: each filter's file declares it with `filter_options!`, and the pages of
//! `docs/filters` are written from it.

mod page;

use std::fmt;

pub use page::{index, page, summary};

/// A filter and its options.
#[derive(Clone, Copy, Debug)]
pub struct FilterDescription {
    /// What it does, line by line, in Markdown: a paragraph that stands for the whole, then what else is to be known.
    pub text: &'static [&'static str],
    /// Its own options; [`COMMON_OPTIONS`] come on top.
    pub options: &'static [OptionDescription],
    /// Tags that it sets when something goes wrong, and when it does so.
    pub tags: &'static [(&'static str, &'static str)],
    /// The filter as a pipeline may have it.
    pub example: &'static str,
}

/// An option.
#[derive(Clone, Copy, Debug)]
pub struct OptionDescription {
    /// Its name in a pipeline.
    pub name: &'static str,
    /// What it takes.
    pub kind: OptionKind,
    /// The words that it is one of; none where it may be any.
    pub words: &'static [&'static str],
    /// What holds where it is not given.
    pub presence: Presence,
    /// What it says, line by line, in Markdown; of one that is refused what to do instead.
    pub text: &'static [&'static str],
}

/// What holds where an option is not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// It must be given.
    Required,
    /// It must be given where this other one is not.
    RequiredUnless(&'static str),
    /// Nothing: what it asks for is not done.
    Optional,
    /// This value, as it is written.
    Default(&'static str),
    /// What these words say.
    Otherwise(&'static str),
    /// The same: it is taken, and nothing comes of it.
    WithoutEffect,
    /// It must not be given: Logstash has it, and it does not run here.
    Refused,
}

/// What an option takes, as the documentation of Logstash calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OptionKind {
    /// `true` or `false`.
    Boolean,
    /// A number.
    Number,
    /// A string.
    String,
    /// A string in which `%{field}` is replaced.
    Template,
    /// The path of a file or folder.
    Path,
    /// The name of a field.
    Field,
    /// Strings.
    Strings,
    /// Strings in which `%{field}` is replaced.
    Templates,
    /// Paths of files or folders.
    Paths,
    /// Names of fields.
    Fields,
    /// Names of fields in which `%{field}` is replaced.
    FieldTemplates,
    /// Numbers.
    Numbers,
    /// Arrays.
    Arrays,
    /// Keys and values.
    Hash,
    /// What its text says.
    Any,
}

impl fmt::Display for OptionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Boolean => "boolean",
            Self::Number => "number",
            Self::String => "string",
            Self::Template => "string with `%{field}`",
            Self::Path => "path",
            Self::Field => "field reference",
            Self::Strings => "array of strings",
            Self::Templates => "array of strings with `%{field}`",
            Self::Paths => "array of paths",
            Self::Fields => "array of field references",
            Self::FieldTemplates => "array of field references with `%{field}`",
            Self::Numbers => "array of numbers",
            Self::Arrays => "array of arrays",
            Self::Hash => "hash",
            Self::Any => "string, array or hash",
        })
    }
}

/// The name of an option whose field is called so: `match` is a word of Rust, so its field is `r#match`.
#[must_use]
pub(crate) const fn option_name(field: &'static str) -> &'static str {
    match field.as_bytes() {
        [b'r', b'#', ..] => field.split_at(2).1,
        _ => field,
    }
}

const fn common(
    name: &'static str,
    kind: OptionKind,
    presence: Presence,
    text: &'static [&'static str],
) -> OptionDescription {
    OptionDescription { name, kind, words: &[], presence, text }
}

/// The options that every filter has, read by `plan::CommonOptions`.
pub const COMMON_OPTIONS: &[OptionDescription] = &[
    common(
        "add_field",
        OptionKind::Hash,
        Presence::Optional,
        &[
            "Fields to add, each with a string or an array of strings. A field that is there becomes an array.",
        ],
    ),
    common("remove_field", OptionKind::FieldTemplates, Presence::Optional, &["Fields to remove."]),
    common("add_tag", OptionKind::Templates, Presence::Optional, &["Tags to add."]),
    common("remove_tag", OptionKind::Templates, Presence::Optional, &["Tags to remove."]),
    common("id", OptionKind::String, Presence::WithoutEffect, &["A name of the filter."]),
    common(
        "enable_metric",
        OptionKind::Boolean,
        Presence::WithoutEffect,
        &["Metrics cannot be switched off one by one."],
    ),
    common(
        "periodic_flush",
        OptionKind::Boolean,
        Presence::WithoutEffect,
        &["Nothing is flushed by a clock."],
    ),
];

#[cfg(test)]
mod tests;
