//! One dissection: `[%{a}] %{b->} %{+c/2}: %{?d}`, read once, then found in texts and written as fields.

use std::ops::Range;

use event::{Event, FieldPath};
use memchr::memmem::Finder;

use crate::field_reference::EscapeStyle;

/// A text in which fields stand, with what lies between them.
#[derive(Debug)]
pub(super) struct Mapping {
    /// What a text begins with.
    prefix: String,
    /// What ends each part; the last may take all that is left.
    ends: Vec<Option<Delimiter>>,
    /// What is done with the parts: fields, then what is appended to them, then fields that the text names.
    writes: Vec<Write>,
}

/// Why a text is no dissection.
#[derive(Debug)]
pub(super) struct MappingError {
    pub(super) message: String,
    pub(super) way_out: String,
}

fn mistake<T>(message: impl Into<String>, way_out: &str) -> Result<T, MappingError> {
    Err(MappingError { message: message.into(), way_out: way_out.to_owned() })
}

#[derive(Debug)]
struct Delimiter {
    finder: Finder<'static>,
    /// Any number of it stands there.
    is_padding: bool,
}

#[derive(Debug)]
struct Write {
    part: usize,
    field: FieldPath,
    kind: WriteKind,
}

#[derive(Debug)]
enum WriteKind {
    Set,
    /// Behind what the field has already, with this between them.
    Append(String),
    /// Under the name that the field holds, else under that of another part.
    Named(Option<usize>),
}

/// A field as it is written.
struct Spec<'t> {
    role: Role,
    name: &'t str,
    is_padded: bool,
    /// What stands before it.
    before: &'t str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Skip,
    Set,
    Append(u8),
    Named,
}

impl Mapping {
    /// Reads a dissection.
    pub(super) fn parse(text: &str, style: EscapeStyle) -> Result<Self, MappingError> {
        let mut specs: Vec<Spec<'_>> = Vec::new();
        let mut rest = text;
        while let Some((before, inside)) = rest.split_once("%{") {
            let Some((field, after)) = inside.split_once('}') else {
                return mistake("a field has no end", "write `}` behind its name");
            };
            if before.is_empty() && !specs.is_empty() {
                return mistake(
                    format!(
                        "nothing stands before `%{{{field}}}` that could end the field before it"
                    ),
                    "write what separates them between them",
                );
            }
            specs.push(Spec::parse(field, before)?);
            rest = after;
        }
        let Some(first) = specs.first() else {
            return mistake("there is no field in the mapping", "write `%{name}` for each field");
        };
        let following = specs.iter().skip(1).map(|spec| spec.before).chain([rest]);
        let ends = specs.iter().zip(following).map(|(spec, end)| {
            let is_padding = spec.is_padded;
            (!end.is_empty())
                .then(|| Delimiter { finder: Finder::new(end).into_owned(), is_padding })
        });
        Ok(Self {
            prefix: first.before.to_owned(),
            ends: ends.collect(),
            writes: writes(&specs, style)?,
        })
    }

    /// Finds where the parts lie; false if a delimiter is missing.
    pub(super) fn find(&self, text: &str, parts: &mut Vec<Range<usize>>) -> bool {
        parts.clear();
        if text.is_empty() || !text.starts_with(&self.prefix) {
            return false;
        }
        let mut at = self.prefix.len();
        for end in &self.ends {
            let rest = &text.as_bytes()[at..];
            let Some(Delimiter { finder, is_padding }) = end else {
                parts.push(at..text.len());
                at = text.len();
                continue;
            };
            let Some(length) = finder.find(rest) else { return false };
            let needle = finder.needle();
            parts.push(at..at + length);
            at += length + needle.len();
            while *is_padding && text.as_bytes()[at..].starts_with(needle) {
                at += needle.len();
            }
        }
        true
    }

    /// Writes what was found; false where a field could not be set.
    pub(super) fn write(&self, text: &str, parts: &[Range<usize>], event: &mut Event) -> bool {
        let part = |number: usize| {
            parts.get(number).and_then(|part| text.get(part.clone())).unwrap_or_default()
        };
        let mut all_written = true;
        for Write { part: number, field, kind } in &self.writes {
            let value = part(*number);
            all_written &= match kind {
                WriteKind::Set => event.set_text(field, value),
                WriteKind::Append(between) => append(event, field, between, value),
                WriteKind::Named(other) => {
                    let name = event.get(field).and_then(|id| event.scalar_text(id));
                    let name = name.map_or_else(
                        || other.map_or("", part).to_owned(),
                        |name| name.into_owned(),
                    );
                    match name.as_str() {
                        "" => true,
                        "@metadata" => false,
                        name => event.set_text(&FieldPath::key(name), value),
                    }
                }
            };
        }
        all_written
    }
}

fn append(event: &mut Event, field: &FieldPath, between: &str, value: &str) -> bool {
    let Some(id) = event.get(field) else {
        return event.set_text(field, value);
    };
    let present = event.scalar_text(id);
    let Some(whole) = present.map(|present| [&*present, between, value].concat()) else {
        return false;
    };
    event.rewrite_text(id, &whole);
    true
}

impl<'t> Spec<'t> {
    /// Reads what stands between `%{` and `}`.
    fn parse(field: &'t str, before: &'t str) -> Result<Self, MappingError> {
        if field.starts_with("+&") || field.starts_with("&+") {
            return mistake(
                format!("`%{{{field}}}` is both appended and named by the text"),
                "write `+` or `&`",
            );
        }
        let prefix = field.chars().next().filter(|first| matches!(first, '?' | '+' | '&'));
        let (name, order, is_padded) = split_suffix(&field[prefix.map_or(0, char::len_utf8)..]);
        let role = match prefix {
            Some('+') => Role::Append(order),
            Some('&') => Role::Named,
            None if !name.is_empty() => Role::Set,
            _ => Role::Skip,
        };
        if name.is_empty() && role != Role::Skip {
            return mistake(format!("`%{{{field}}}` has no name"), "write a name behind the sign");
        }
        Ok(Self { role, name, is_padded, before })
    }
}

/// The name, the place among what is appended, and whether padding follows: `/2`, `->` or both stand behind a name.
fn split_suffix(field: &str) -> (&str, u8, bool) {
    let (name, padded) = strip_padding(field);
    let Some((name, order)) = strip_order(name) else { return (name, 0, padded) };
    let (name, padded) = if padded { (name, true) } else { strip_padding(name) };
    (name, order, padded)
}

fn strip_padding(field: &str) -> (&str, bool) {
    field.strip_suffix("->").map_or((field, false), |name| (name, true))
}

fn strip_order(field: &str) -> Option<(&str, u8)> {
    let (name, digits) = field.rsplit_once('/')?;
    let is_order = digits.len() <= 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
    Some((name, digits.parse().ok().filter(|_| is_order)?))
}

/// What is done with the parts, in order: appending and naming need what was set before.
fn writes(specs: &[Spec<'_>], style: EscapeStyle) -> Result<Vec<Write>, MappingError> {
    let mut ordered: Vec<_> = specs.iter().enumerate().collect();
    ordered.sort_by_key(|(_, spec)| match spec.role {
        Role::Skip | Role::Set => 0,
        Role::Append(order) => 1 + u16::from(order),
        Role::Named => u16::MAX,
    });
    let mut writes = Vec::new();
    for (part, spec) in ordered {
        let kind = match spec.role {
            Role::Skip => continue,
            Role::Set => WriteKind::Set,
            // The first field has nothing before it.
            Role::Append(_) if spec.before.is_empty() => WriteKind::Append(" ".to_owned()),
            Role::Append(_) => WriteKind::Append(spec.before.to_owned()),
            Role::Named => {
                let mut others = specs.iter().enumerate().filter(|(other, _)| *other != part);
                let other = others.find(|(_, other)| other.name == spec.name);
                WriteKind::Named(other.map(|(other, _)| other))
            }
        };
        let Ok(field) = style.parse(spec.name) else {
            return mistake(
                format!("`{}` in the mapping is not a field reference", spec.name),
                "a field is written `%{name}` or `%{[outer][inner]}`",
            );
        };
        writes.push(Write { part, field, kind });
    }
    Ok(writes)
}
