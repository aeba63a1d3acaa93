//! Conditions, compiled: fields parsed once, patterns compiled once.
//!
//! What compares with what follows Logstash's `EventCondition`: values of different types are never
//! equal, a value that is missing is equal, less or greater to nothing.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::collections::BTreeMap;

use event::{Event, FieldPath, Kind, NodeId};
use memchr::memmem;

use crate::field_reference::EscapeStyle;
use crate::language::{
    Comparison, Condition, ConditionKind, Diagnostic, Operand, Source, Span, Value, ValueKind,
};
use crate::ruby_pattern::RubyPattern;

/// A compiled condition.
#[derive(Debug)]
pub(super) enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    ExactlyOne(Box<Test>, Box<Test>),
    NotBoth(Box<Test>, Box<Test>),
    Not(Box<Test>),
    Truth(Side),
    Compare(Side, Comparison, Side),
    Matches(Side, RubyPattern),
    In(Side, Side),
    // The usual conditions, which need no copy of what the event has.
    /// A field is this text.
    Is(FieldPath, String),
    /// A field is a number that compares so.
    Number(FieldPath, Comparison, Number),
    /// A field prints as one of these.
    OneOf(FieldPath, Vec<String>),
    /// A field is an array with this text in it, or a text with it.
    Has(FieldPath, String),
}

/// A number of the pipeline.
#[derive(Debug)]
pub(super) struct Number {
    integer: Option<i64>,
    float: Option<f64>,
}

/// One side of a comparison.
#[derive(Debug)]
pub(super) enum Side {
    Field(FieldPath),
    /// The event's time is not among its fields.
    Time,
    Text(String),
    Number(String),
    List(Vec<Side>),
}

/// What a side is for an event.
#[derive(Debug)]
enum Found<'e> {
    Missing,
    Text(Cow<'e, str>),
    Number(Cow<'e, str>),
    Bool(bool),
    /// A list of the event.
    List(NodeId),
    /// A list of the pipeline.
    Constants(&'e [Side]),
    Map(NodeId),
}

impl Test {
    /// Compiles a condition; `None` when a mistake was recorded.
    pub(super) fn compile(
        condition: &Condition,
        source: &Source,
        variables: &BTreeMap<String, String>,
        escape_style: EscapeStyle,
        mistakes: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        Compiler { source, variables, escape_style, mistakes }.test(condition)
    }

    /// Whether it holds for an event.
    pub(super) fn holds(&self, event: &Event) -> bool {
        match self {
            Self::All(tests) => tests.iter().all(|test| test.holds(event)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(event)),
            Self::ExactlyOne(left, right) => left.holds(event) != right.holds(event),
            Self::NotBoth(left, right) => !(left.holds(event) && right.holds(event)),
            Self::Not(test) => !test.holds(event),
            Self::Truth(side) => side.is_true(event),
            Self::Compare(left, comparison, right) => {
                compare(&left.find(event), *comparison, &right.find(event), event)
            }
            Self::Matches(side, pattern) => match side.find(event) {
                Found::Text(text) => pattern.is_match(&text),
                _ => false,
            },
            Self::In(left, right) => is_in(&left.find(event), &right.find(event), event),
            Self::Is(path, text) => event.get(path).is_some_and(|id| event.text_is(id, text)),
            Self::Number(path, comparison, number) => number.holds(event, path, *comparison),
            Self::OneOf(path, texts) => {
                event.get(path).is_some_and(|id| prints_as_one_of(event, id, texts))
            }
            Self::Has(path, text) => event.get(path).is_some_and(|id| has(event, id, text)),
        }
    }

    /// The same in a form that is faster, where there is one.
    fn special(self) -> Self {
        match self {
            Self::Compare(Side::Field(path), Comparison::Equal, Side::Text(text)) => {
                Self::Is(path, text)
            }
            Self::Compare(Side::Field(path), Comparison::NotEqual, Side::Text(text)) => {
                Self::Not(Box::new(Self::Is(path, text)))
            }
            Self::Compare(Side::Field(path), comparison, Side::Number(text)) => {
                Self::Number(path, comparison, Number::new(&text))
            }
            Self::In(Side::Field(path), Side::List(elements)) => {
                Self::OneOf(path, elements.into_iter().filter_map(Side::into_printed).collect())
            }
            Self::In(Side::Text(text), Side::Field(path)) => Self::Has(path, text),
            other => other,
        }
    }
}

impl Number {
    fn new(text: &str) -> Self {
        Self { integer: text.parse().ok(), float: text.parse().ok() }
    }

    /// Whether a field is a number and compares so with this one: as whole numbers if both are.
    fn holds(&self, event: &Event, path: &FieldPath, comparison: Comparison) -> bool {
        let number = event.get(path).filter(|id| event.kind(*id) == Kind::Number);
        let order = number.and_then(|id| self.order_after(&event.scalar_text(id)?));
        is_so(order, comparison)
    }

    /// How a number of the event compares with this one.
    fn order_after(&self, text: &str) -> Option<Ordering> {
        match (text.parse::<i64>(), self.integer) {
            (Ok(left), Some(right)) => Some(left.cmp(&right)),
            _ => text.parse::<f64>().ok()?.partial_cmp(&self.float?),
        }
    }
}

/// Lists of the pipeline are compared as they print: 404 is in ["404"].
fn prints_as_one_of(event: &Event, id: NodeId, texts: &[String]) -> bool {
    if event.kind(id) == Kind::String {
        return texts.iter().any(|text| event.text_is(id, text));
    }
    event.scalar_text(id).is_some_and(|printed| texts.iter().any(|text| *text == printed))
}

fn has(event: &Event, id: NodeId, text: &str) -> bool {
    match event.kind(id) {
        Kind::Array => event.elements(id).any(|element| event.text_is(element, text)),
        Kind::String => event
            .text(id)
            .is_some_and(|whole| memmem::find(whole.as_bytes(), text.as_bytes()).is_some()),
        _ => false,
    }
}

fn is_so(order: Option<Ordering>, comparison: Comparison) -> bool {
    match comparison {
        Comparison::Equal => order == Some(Ordering::Equal),
        Comparison::NotEqual => order != Some(Ordering::Equal),
        Comparison::Less => order == Some(Ordering::Less),
        Comparison::LessOrEqual => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        Comparison::Greater => order == Some(Ordering::Greater),
        Comparison::GreaterOrEqual => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
    }
}

impl Side {
    /// Whether there is anything but `false`: Logstash asks the printed value, of which `""` and
    /// `"false"` are no more than nothing.
    fn is_true(&self, event: &Event) -> bool {
        match self {
            Self::Field(path) => event.get(path).is_some_and(|id| match event.kind(id) {
                Kind::Null | Kind::False => false,
                Kind::String => {
                    !event.content(id).is_some_and(<[u8]>::is_empty) && !event.text_is(id, "false")
                }
                _ => true,
            }),
            Self::Text(text) => !text.is_empty() && text != "false",
            Self::Time | Self::Number(_) | Self::List(_) => true,
        }
    }

    /// A scalar of the pipeline as it prints.
    fn into_printed(self) -> Option<String> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            _ => None,
        }
    }

    fn find<'e>(&'e self, event: &'e Event) -> Found<'e> {
        match self {
            Self::Field(path) => event.get(path).map_or(Found::Missing, |id| found(event, id)),
            Self::Time => {
                let mut text = Vec::with_capacity(30);
                event::format_timestamp(event.timestamp_ns, &mut text);
                Found::Text(Cow::Owned(String::from_utf8_lossy(&text).into_owned()))
            }
            Self::Text(text) => Found::Text(Cow::Borrowed(text)),
            Self::Number(text) => Found::Number(Cow::Borrowed(text)),
            Self::List(elements) => Found::Constants(elements),
        }
    }
}

fn found(event: &Event, id: NodeId) -> Found<'_> {
    match event.kind(id) {
        Kind::String => event.text(id).map_or(Found::Missing, Found::Text),
        Kind::Number => event.scalar_text(id).map_or(Found::Missing, Found::Number),
        Kind::True => Found::Bool(true),
        Kind::False => Found::Bool(false),
        Kind::Null => Found::Missing,
        Kind::Array => Found::List(id),
        Kind::Object => Found::Map(id),
    }
}

impl Found<'_> {
    fn as_printed(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Number(text) => Some(text),
            Self::Bool(true) => Some("true"),
            Self::Bool(false) => Some("false"),
            _ => None,
        }
    }
}

fn order(left: &Found<'_>, right: &Found<'_>) -> Option<Ordering> {
    match (left, right) {
        (Found::Text(left), Found::Text(right)) => Some(left.cmp(right)),
        (Found::Number(left), Found::Number(right)) => {
            match (left.parse::<i64>(), right.parse::<i64>()) {
                (Ok(left), Ok(right)) => Some(left.cmp(&right)),
                _ => left.parse::<f64>().ok()?.partial_cmp(&right.parse::<f64>().ok()?),
            }
        }
        (Found::Bool(left), Found::Bool(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

/// Lists and objects are equal value by value, objects in any order.
fn equal(left: &Found<'_>, right: &Found<'_>, event: &Event) -> bool {
    let same = |left, right| equal(&found(event, left), &found(event, right), event);
    match (left, right) {
        (Found::List(left), Found::List(right)) => {
            event.elements(*left).count() == event.elements(*right).count()
                && event.elements(*left).zip(event.elements(*right)).all(|(l, r)| same(l, r))
        }
        (Found::Map(left), Found::Map(right)) => {
            event.children(*left).count() == event.children(*right).count()
                && event
                    .children(*left)
                    .all(|(key, l)| event.child(*right, &key).is_some_and(|r| same(l, r)))
        }
        _ => order(left, right) == Some(Ordering::Equal),
    }
}

fn compare(left: &Found<'_>, comparison: Comparison, right: &Found<'_>, event: &Event) -> bool {
    match comparison {
        Comparison::Equal => equal(left, right, event),
        Comparison::NotEqual => !equal(left, right, event),
        _ => is_so(order(left, right), comparison),
    }
}

/// A list on the right has an equal element; a text on the right has the text; else both are equal.
/// A list or an object on the left is in nothing.
fn is_in(left: &Found<'_>, right: &Found<'_>, event: &Event) -> bool {
    match (left, right) {
        (Found::Missing | Found::List(_) | Found::Constants(_) | Found::Map(_), _) => false,
        (_, Found::List(id)) => {
            event.elements(*id).any(|element| equal(left, &found(event, element), event))
        }
        // Lists of the pipeline are compared as they print: 404 is in ["404"].
        (_, Found::Constants(elements)) => left.as_printed().is_some_and(|printed| {
            elements.iter().any(|element| element.find(event).as_printed() == Some(printed))
        }),
        (Found::Text(left), Found::Text(right)) => {
            memmem::find(right.as_bytes(), left.as_bytes()).is_some()
        }
        _ => equal(left, right, event),
    }
}

struct Compiler<'c> {
    source: &'c Source,
    variables: &'c BTreeMap<String, String>,
    escape_style: EscapeStyle,
    mistakes: &'c mut Vec<Diagnostic>,
}

impl Compiler<'_> {
    fn test(&mut self, condition: &Condition) -> Option<Test> {
        let test = match &condition.kind {
            ConditionKind::And(terms) => Test::All(self.tests(terms)?),
            ConditionKind::Or(terms) => Test::Any(self.tests(terms)?),
            ConditionKind::Xor(left, right) => {
                let (left, right) = self.both(left, right)?;
                Test::ExactlyOne(left, right)
            }
            ConditionKind::Nand(left, right) => {
                let (left, right) = self.both(left, right)?;
                Test::NotBoth(left, right)
            }
            ConditionKind::Not(inner) => Test::Not(Box::new(self.test(inner)?)),
            ConditionKind::Truth(side) => Test::Truth(self.side(side)?),
            ConditionKind::Compare(left, comparison, right) => {
                let (left, right) = (self.side(left), self.side(right));
                Test::Compare(left?, *comparison, right?)
            }
            ConditionKind::Matches(side, pattern, span) => {
                let (side, pattern) = (self.side(side), self.pattern(pattern, *span));
                Test::Matches(side?, pattern?)
            }
            ConditionKind::In(left, right) => {
                let (left, right) = (self.side(left), self.side(right));
                Test::In(left?, right?)
            }
        };
        Some(test.special())
    }

    fn tests(&mut self, conditions: &[Condition]) -> Option<Vec<Test>> {
        // All are looked at, so that all mistakes are found.
        let tests: Vec<_> = conditions.iter().map(|condition| self.test(condition)).collect();
        tests.into_iter().collect()
    }

    fn both(&mut self, left: &Condition, right: &Condition) -> Option<(Box<Test>, Box<Test>)> {
        let (left, right) = (self.test(left), self.test(right));
        Some((Box::new(left?), Box::new(right?)))
    }

    fn pattern(&mut self, pattern: &str, span: Span) -> Option<RubyPattern> {
        match RubyPattern::compile(pattern) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                self.mistakes.push(self.source.mistake(span, error.message, error.way_out));
                None
            }
        }
    }

    fn side(&mut self, operand: &Operand) -> Option<Side> {
        match operand {
            Operand::Field(name, span) => match self.escape_style.parse(name) {
                Ok(path) if path.is_timestamp() => Some(Side::Time),
                Ok(path) => Some(Side::Field(path)),
                Err(_) => {
                    let message = format!("`{name}` is not a field reference");
                    let way_out = "a field is written `[name]` or `[outer][inner]`";
                    self.mistakes.push(self.source.mistake(*span, message, way_out));
                    None
                }
            },
            Operand::Constant(value) => self.constant(value),
        }
    }

    fn constant(&mut self, value: &Value) -> Option<Side> {
        let mut value = value.clone();
        if let Err(mistake) = value.substitute(self.source, self.variables) {
            self.mistakes.push(mistake);
            return None;
        }
        match value.kind {
            ValueKind::Text(text) => Some(Side::Text(text)),
            ValueKind::Number(number) => Some(Side::Number(number.to_string())),
            ValueKind::Array(elements) => {
                let sides: Vec<_> = elements.iter().map(|value| self.constant(value)).collect();
                sides.into_iter().collect::<Option<_>>().map(Side::List)
            }
            ValueKind::Hash(_) | ValueKind::Plugin(_) => {
                let message = "a condition compares strings, numbers and lists of them";
                self.mistakes.push(self.source.mistake(value.span, message, "remove it"));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests;
