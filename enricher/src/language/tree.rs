//! The tree of a configuration: sections, plugins, options, conditions, each with its place.

use super::source::Span;

/// A whole configuration.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Its sections in the order of the text.
    pub sections: Vec<Section>,
}

/// What a section configures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SectionKind {
    /// `input { }`.
    Input,
    /// `filter { }`.
    Filter,
    /// `output { }`.
    Output,
}

impl SectionKind {
    /// Its word in the language.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Input => "input",
            Self::Filter => "filter",
            Self::Output => "output",
        }
    }
}

/// `filter { ... }`.
#[derive(Clone, Debug)]
pub struct Section {
    /// Which.
    pub kind: SectionKind,
    /// Place of its word.
    pub span: Span,
    /// Place of all of it, from its word to its `}`.
    pub whole: Span,
    /// What stands in it.
    pub statements: Vec<Statement>,
}

/// One step of a section.
#[derive(Clone, Debug)]
pub enum Statement {
    /// `mutate { ... }`.
    Plugin(Plugin),
    /// `if ... { } else if ... { } else { }`.
    Branch(Branch),
}

/// A plugin with its options; also a codec given as a value.
#[derive(Clone, Debug)]
pub struct Plugin {
    /// Its name.
    pub name: String,
    /// Place of its name.
    pub span: Span,
    /// Its options as written, repeated ones and all.
    pub attributes: Vec<Attribute>,
}

/// `name => value`.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// The option's name.
    pub name: String,
    /// Place of the name.
    pub span: Span,
    /// Its value.
    pub value: Value,
}

/// An option's value.
#[derive(Clone, Debug)]
pub struct Value {
    /// Place of the value.
    pub span: Span,
    /// What it is.
    pub kind: ValueKind,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum ValueKind {
    /// A string or a bare word: the language makes no difference.
    Text(String),
    /// A number.
    Number(Number),
    /// `[ a, b ]`.
    Array(Vec<Value>),
    /// `{ a => b }`, in order, no key twice.
    Hash(Vec<(Key, Value)>),
    /// A codec with its options.
    Plugin(Plugin),
}

/// A hash's key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its text; numbers as they print.
    pub text: String,
    /// Its place.
    pub span: Span,
}

/// A number. `010` is eight.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// Without a point.
    Integer(i64),
    /// With a point.
    Float(f64),
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            // Whole ones keep their point.
            Self::Float(value) => write!(f, "{value:?}"),
        }
    }
}

/// `if`, any number of `else if`, perhaps `else`.
#[derive(Clone, Debug)]
pub struct Branch {
    /// Conditions in order with what is done under each.
    pub arms: Vec<(Condition, Vec<Statement>)>,
    /// What is done when none holds.
    pub otherwise: Vec<Statement>,
}

/// A condition.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Its place.
    pub span: Span,
    /// What it asks.
    pub kind: ConditionKind,
}

/// What a condition asks.
#[derive(Clone, Debug)]
pub enum ConditionKind {
    /// All of these, at least two.
    And(Vec<Condition>),
    /// Any of these, at least two.
    Or(Vec<Condition>),
    /// Exactly one.
    Xor(Box<Condition>, Box<Condition>),
    /// Not both.
    Nand(Box<Condition>, Box<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// A value that is there and not false.
    Truth(Operand),
    /// `==` and its like.
    Compare(Operand, Comparison, Operand),
    /// `=~` with the pattern: a string or the inside of `/.../`.
    Matches(Operand, String, Span),
    /// `in`.
    In(Operand, Operand),
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// One side of a condition.
#[derive(Clone, Debug)]
pub enum Operand {
    /// `[outer][inner]`, as written.
    Field(String, Span),
    /// A string, number or array.
    Constant(Value),
}

impl Operand {
    /// Its place.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Field(_, span) => *span,
            Self::Constant(value) => value.span,
        }
    }
}

impl Value {
    /// A string or number as text; `None` for anything else.
    #[must_use]
    pub fn as_text(&self) -> Option<String> {
        match &self.kind {
            ValueKind::Text(text) => Some(text.clone()),
            ValueKind::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// The texts of an array of strings and numbers, or of one alone.
    #[must_use]
    pub fn as_texts(&self) -> Option<Vec<String>> {
        match &self.kind {
            ValueKind::Array(elements) => elements.iter().map(Self::as_text).collect(),
            _ => self.as_text().map(|text| vec![text]),
        }
    }

    /// This value, or the only element of an array: Logstash takes `["a"]` where it wants one.
    #[must_use]
    pub fn single(&self) -> Option<&Self> {
        match &self.kind {
            ValueKind::Array(elements) => match elements.as_slice() {
                [only] => Some(only),
                _ => None,
            },
            _ => Some(self),
        }
    }
}
