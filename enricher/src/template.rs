//! Strings with `%{field}` and dates in them, read once at load and rendered for each event.
//!
//! What is put in is text: it is never read as a template again. A text without any `%{` costs
//! nothing when rendered.

use std::borrow::Cow;

use event::{Event, FieldPath, Kind, NodeId};

use crate::field_reference::EscapeStyle;
use crate::joda::DateFormat;

/// Why a text is not a template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub way_out: String,
}

/// A string in which fields and the event's time are replaced.
#[derive(Clone, Debug)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Clone, Debug)]
enum Part {
    Literal(String),
    /// A field, and the text that stands where there is none.
    Field(FieldPath, String),
    EpochSeconds,
    Date(DateFormat),
    Now,
}

impl Template {
    /// As [`Template::parse_as`], where brackets in names of fields are not escaped.
    ///
    /// # Errors
    /// Its own.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        Self::parse_as(text, EscapeStyle::None)
    }

    /// Reads a text: `%{name}`, `%{[outer][inner]}`, `%{+YYYY.MM.dd}` (Joda), `%{+%s}`,
    /// `%{{yyyy-MM-dd}}` (java.time), `%{{TIME_NOW}}`.
    ///
    /// # Errors
    /// For a field reference or a date format that cannot be meant.
    pub fn parse_as(text: &str, escape_style: EscapeStyle) -> Result<Self, TemplateError> {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some((before, inside)) = rest.split_once("%{") {
            let java = inside.strip_prefix('{').and_then(|inside| inside.split_once("}}"));
            let (part, after) = if let Some((pattern, after)) = java {
                let part = if pattern == "TIME_NOW" {
                    Part::Now
                } else {
                    Part::Date(DateFormat::java(pattern).map_err(not_a_date)?)
                };
                (part, after)
            } else if let Some((name, after)) = inside.split_once('}') {
                (reference(name, escape_style)?, after)
            } else {
                break;
            };
            literal.push_str(before);
            if !literal.is_empty() {
                parts.push(Part::Literal(std::mem::take(&mut literal)));
            }
            parts.push(part);
            rest = after;
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            parts.push(Part::Literal(literal));
        }
        Ok(Self { parts })
    }

    /// A template in which nothing is replaced, whatever it holds.
    #[must_use]
    pub fn constant(text: &str) -> Self {
        Self { parts: vec![Part::Literal(text.to_owned())] }
    }

    /// The text, if nothing in it is replaced.
    #[must_use]
    pub fn literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// The text for an event. `received_at_ns` of its record is the only "now" there is.
    #[must_use]
    pub fn render<'t>(&'t self, event: &'t Event, received_at_ns: i64) -> Cow<'t, str> {
        if let Some(literal) = self.literal() {
            return Cow::Borrowed(literal);
        }
        if let [Part::Field(path, missing)] = self.parts.as_slice() {
            return match event.get(path) {
                Some(id) => event.text(id).unwrap_or_else(|| {
                    let mut out = String::new();
                    write_value(event, id, missing, &mut out);
                    Cow::Owned(out)
                }),
                None => Cow::Owned(absent(event, path, missing)),
            };
        }
        let mut out = String::new();
        for part in &self.parts {
            part.write(event, received_at_ns, &mut out);
        }
        Cow::Owned(out)
    }

    /// As [`Template::render`]; `None` where a field that it names is not there, or is null.
    #[must_use]
    pub(crate) fn render_if_there<'t>(
        &'t self,
        event: &'t Event,
        received_at_ns: i64,
    ) -> Option<Cow<'t, str>> {
        let is_there = self.parts.iter().all(|part| part.is_there(event));
        is_there.then(|| self.render(event, received_at_ns))
    }

    /// What stands before all that is replaced.
    pub(crate) fn beginning(&self) -> &str {
        match self.parts.first() {
            Some(Part::Literal(text)) => text,
            _ => "",
        }
    }

    /// Whether a field is put in.
    pub(crate) fn names_fields(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Field(..)))
    }

    /// The fields that it names, each with its reference as it is written in the text.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&FieldPath, &str)> {
        self.parts.iter().filter_map(|part| match part {
            Part::Field(path, written) => Some((path, written.as_str())),
            _ => None,
        })
    }

    /// The text as it is where only the event's time is known; fields are this text.
    pub(crate) fn of_time(&self, timestamp_ns: i64, field: &str) -> String {
        let mut out = String::new();
        for part in &self.parts {
            part.write_of_time(timestamp_ns, field, &mut out);
        }
        out
    }

    /// The date that the text ends with, as it is for a time.
    pub(crate) fn date_at_end(&self, timestamp_ns: i64) -> Option<String> {
        let Some(Part::Date(format)) = self.parts.last() else { return None };
        let mut out = String::new();
        format.write(timestamp_ns, &mut out);
        Some(out)
    }

    /// Appends the text as it is for an event if that had happened at `timestamp_ns`, with fields whose texts are fit
    /// only. False where one is not there, is null, or is not fit: what was written then means nothing.
    pub(crate) fn write_fit(
        &self,
        event: &Event,
        timestamp_ns: i64,
        is_fit: impl Fn(&str) -> bool,
        out: &mut String,
    ) -> bool {
        self.parts.iter().all(|part| {
            let Part::Field(path, missing) = part else {
                part.write_of_time(timestamp_ns, "", out);
                return true;
            };
            let Some(id) = event.get(path).filter(|id| event.kind(*id) != Kind::Null) else {
                return false;
            };
            let begin = out.len();
            write_value(event, id, missing, out);
            is_fit(&out[begin..])
        })
    }

    /// The string of the event that all of the text is, if it is one of its fields and nothing else.
    fn whole_string(&self, event: &Event) -> Option<NodeId> {
        match self.parts.as_slice() {
            [Part::Field(path, _)] => event.get(path).filter(|id| event.kind(*id) == Kind::String),
            _ => None,
        }
    }

    /// As [`Template::render`], with everything that is put in changed before.
    #[must_use]
    pub fn render_with(
        &self,
        event: &Event,
        received_at_ns: i64,
        change: impl Fn(&str) -> String,
    ) -> String {
        let mut out = String::new();
        for part in &self.parts {
            if let Part::Literal(text) = part {
                out.push_str(text);
                continue;
            }
            let mut put_in = String::new();
            part.write(event, received_at_ns, &mut put_in);
            out.push_str(&change(&put_in));
        }
        out
    }
}

/// What a template gives for an event, as a new string that stands nowhere yet.
pub(crate) fn rendered(event: &mut Event, template: &Template, received_at_ns: i64) -> NodeId {
    // A string that becomes another field's as it is need not be written again.
    if let Some(whole) = template.whole_string(event) {
        return event.new_copy(whole);
    }
    if let Some(literal) = template.literal() {
        return event.new_text(literal);
    }
    let text = template.render(event, received_at_ns).into_owned();
    event.new_text(&text)
}

impl Part {
    /// Whether the event has what it stands for.
    fn is_there(&self, event: &Event) -> bool {
        match self {
            Self::Field(path, _) => match event.get(path) {
                Some(id) => event.kind(id) != Kind::Null,
                None => path.is_timestamp(),
            },
            Self::Literal(_) | Self::EpochSeconds | Self::Date(_) | Self::Now => true,
        }
    }

    /// Writes what it is at a time; of a field this text.
    fn write_of_time(&self, timestamp_ns: i64, field: &str, out: &mut String) {
        match self {
            Self::Literal(text) => out.push_str(text),
            Self::Field(..) => out.push_str(field),
            Self::EpochSeconds => {
                out.push_str(&timestamp_ns.div_euclid(1_000_000_000).to_string());
            }
            Self::Date(format) => format.write(timestamp_ns, out),
            Self::Now => out.push_str(&timestamp_text(timestamp_ns)),
        }
    }

    fn write(&self, event: &Event, received_at_ns: i64, out: &mut String) {
        match self {
            Self::Literal(text) => out.push_str(text),
            Self::Field(path, missing) => match event.get(path) {
                Some(id) => write_value(event, id, missing, out),
                None => out.push_str(&absent(event, path, missing)),
            },
            Self::EpochSeconds => {
                out.push_str(&event.timestamp_ns.div_euclid(1_000_000_000).to_string());
            }
            Self::Date(format) => format.write(event.timestamp_ns, out),
            Self::Now => out.push_str(&timestamp_text(received_at_ns)),
        }
    }
}

/// The event's own time is not among its fields.
fn absent(event: &Event, path: &FieldPath, missing: &str) -> String {
    if path.is_timestamp() { timestamp_text(event.timestamp_ns) } else { missing.to_owned() }
}

fn timestamp_text(timestamp_ns: i64) -> String {
    let mut text = Vec::new();
    event::format_timestamp(timestamp_ns, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn reference(name: &str, escape_style: EscapeStyle) -> Result<Part, TemplateError> {
    if name == "+%s" {
        return Ok(Part::EpochSeconds);
    }
    if let Some(pattern) = name.strip_prefix('+') {
        return DateFormat::joda(pattern).map(Part::Date).map_err(not_a_date);
    }
    let as_written = format!("%{{{name}}}");
    match escape_style.parse(name) {
        Ok(path) => Ok(Part::Field(path, as_written)),
        Err(_) => Err(TemplateError {
            message: format!("`{as_written}` names no field"),
            way_out: "write `%{name}` or `%{[outer][inner]}`".to_owned(),
        }),
    }
}

fn not_a_date(message: String) -> TemplateError {
    TemplateError {
        message,
        way_out: "use letters of dates such as `%{+YYYY.MM.dd}`; other letters need 'quotes'"
            .to_owned(),
    }
}

/// Arrays join with commas, objects print as JSON, null as if it were missing.
fn write_value(event: &Event, id: NodeId, missing: &str, out: &mut String) {
    match event.kind(id) {
        Kind::Null => out.push_str(missing),
        Kind::Array => {
            for (place, element) in event.elements(id).enumerate() {
                if place > 0 {
                    out.push(',');
                }
                write_value(event, element, "", out);
            }
        }
        Kind::Object => {
            let mut json = Vec::new();
            event.raw(id, &mut json);
            out.push_str(&String::from_utf8_lossy(&json));
        }
        _ => out.push_str(&event.scalar_text(id).unwrap_or_default()),
    }
}

/// A field reference in which `%{field}` is replaced for each event.
#[derive(Clone, Debug)]
pub enum FieldTemplate {
    /// The same field for every event.
    Fixed(FieldPath),
    /// Which field, the event says.
    Dynamic(Template, EscapeStyle),
}

impl FieldTemplate {
    /// Reads a reference that may hold templates.
    ///
    /// # Errors
    /// For what is neither a reference nor a template.
    pub fn parse(text: &str, escape_style: EscapeStyle) -> Result<Self, TemplateError> {
        if text.contains("%{") {
            let template = Template::parse_as(text, escape_style)?;
            return Ok(Self::Dynamic(template, escape_style));
        }
        escape_style.parse(text).map(Self::Fixed).map_err(|error| TemplateError {
            message: format!("`{}` is not a field reference", error.text),
            way_out: "a field is written `name` or `[outer][inner]`".to_owned(),
        })
    }

    /// The field for an event; `None` where what the event says is no reference.
    #[must_use]
    pub fn resolve(&self, event: &Event, received_at_ns: i64) -> Option<Cow<'_, FieldPath>> {
        match self {
            Self::Fixed(path) => Some(Cow::Borrowed(path)),
            Self::Dynamic(template, escape_style) => {
                escape_style.parse(&template.render(event, received_at_ns)).ok().map(Cow::Owned)
            }
        }
    }
}
