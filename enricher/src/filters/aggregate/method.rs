//! Methods of values that code may call: each does what Ruby's does, or fails where that would.

use super::value::Value;
use crate::filters::math::number::{Number, Operator};
use crate::ruby_number::{float, integer};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    IsNil,
    IsEmpty,
    Size,
    ToInteger,
    ToFloat,
    ToText,
    Strip,
    Upcase,
    Downcase,
    StartsWith,
    EndsWith,
    Includes,
    HasKey,
    Keys,
    Values,
    First,
    Last,
    Unique,
    Compact,
    Join,
    Sum,
    Least,
    Greatest,
    Round,
}

/// Names, how many arguments they take at least and at most, and methods.
const METHODS: &[(&str, usize, usize, Method)] = &[
    ("nil?", 0, 0, Method::IsNil),
    ("empty?", 0, 0, Method::IsEmpty),
    ("size", 0, 0, Method::Size),
    ("length", 0, 0, Method::Size),
    ("count", 0, 0, Method::Size),
    ("to_i", 0, 0, Method::ToInteger),
    ("to_f", 0, 0, Method::ToFloat),
    ("to_s", 0, 0, Method::ToText),
    ("strip", 0, 0, Method::Strip),
    ("upcase", 0, 0, Method::Upcase),
    ("downcase", 0, 0, Method::Downcase),
    ("start_with?", 1, 1, Method::StartsWith),
    ("end_with?", 1, 1, Method::EndsWith),
    ("include?", 1, 1, Method::Includes),
    ("key?", 1, 1, Method::HasKey),
    ("has_key?", 1, 1, Method::HasKey),
    ("keys", 0, 0, Method::Keys),
    ("values", 0, 0, Method::Values),
    ("first", 0, 0, Method::First),
    ("last", 0, 0, Method::Last),
    ("uniq", 0, 0, Method::Unique),
    ("compact", 0, 0, Method::Compact),
    ("join", 0, 1, Method::Join),
    ("sum", 0, 0, Method::Sum),
    ("min", 0, 0, Method::Least),
    ("max", 0, 0, Method::Greatest),
    ("round", 0, 1, Method::Round),
];

impl Method {
    /// The method of a name that takes so many arguments.
    pub(super) fn find(name: &str, arguments: usize) -> Option<Self> {
        let fits = |(known, least, most, _): &&(&str, usize, usize, Self)| {
            *known == name && (*least..=*most).contains(&arguments)
        };
        METHODS.iter().find(fits).map(|(_, _, _, method)| *method)
    }

    /// How many bytes it puts together at most, about; 0 of methods that only look.
    pub(super) fn built_bytes(self, of: &Value, argument: Option<&Value>) -> usize {
        match self {
            Self::ToText
            | Self::Strip
            | Self::Upcase
            | Self::Downcase
            | Self::Keys
            | Self::Values
            | Self::Unique
            | Self::Compact => of.size_bytes(),
            Self::Join => match (of, argument) {
                (Value::List(elements), Some(Value::Text(between))) => {
                    let between_bytes = elements.len().saturating_mul(between.len());
                    joined_bytes(elements).saturating_add(between_bytes)
                }
                (Value::List(elements), _) => joined_bytes(elements),
                _ => 0,
            },
            _ => 0,
        }
    }

    /// The result; `None` where Ruby would fail.
    pub(super) fn call(self, of: &Value, argument: Option<&Value>) -> Option<Value> {
        match self {
            Self::IsNil => Some(Value::Bool(*of == Value::Nil)),
            Self::ToText => of.printed().map(Value::Text),
            Self::ToInteger => to_integer(of),
            Self::ToFloat => to_float(of),
            Self::IsEmpty | Self::Size => self.of_size(of),
            Self::Round => round(of.as_number()?, argument),
            Self::Strip | Self::Upcase | Self::Downcase => self.of_text(of),
            Self::StartsWith | Self::EndsWith | Self::Includes | Self::HasKey => {
                self.question(of, argument?).map(Value::Bool)
            }
            Self::Keys | Self::Values => match (self, of) {
                (Self::Keys, Value::Hash(members)) => {
                    Some(Value::List(members.keys().cloned().map(Value::Text).collect()))
                }
                (_, Value::Hash(members)) => Some(Value::List(members.values().cloned().collect())),
                _ => None,
            },
            _ => match of {
                Value::List(elements) => self.of_list(elements, argument),
                _ => None,
            },
        }
    }

    fn of_size(self, of: &Value) -> Option<Value> {
        let size = match of {
            Value::Text(text) => text.chars().count(),
            Value::List(elements) => elements.len(),
            Value::Hash(members) => members.len(),
            _ => return None,
        };
        Some(match self {
            Self::IsEmpty => Value::Bool(size == 0),
            _ => Value::count(size),
        })
    }

    fn of_text(self, of: &Value) -> Option<Value> {
        let Value::Text(text) = of else { return None };
        Some(Value::Text(match self {
            Self::Upcase => text.to_uppercase(),
            Self::Downcase => text.to_lowercase(),
            _ => text.trim_matches(|sign: char| sign.is_ascii_whitespace() || sign == '\0').into(),
        }))
    }

    fn question(self, of: &Value, argument: &Value) -> Option<bool> {
        match (of, argument) {
            (Value::Text(text), Value::Text(part)) => match self {
                Self::StartsWith => Some(text.starts_with(part.as_str())),
                Self::EndsWith => Some(text.ends_with(part.as_str())),
                Self::Includes => Some(text.contains(part.as_str())),
                _ => None,
            },
            (Value::List(elements), wanted) if self == Self::Includes => {
                Some(elements.iter().any(|element| element.is_equal(wanted)))
            }
            (Value::Hash(members), wanted) if matches!(self, Self::Includes | Self::HasKey) => {
                Some(wanted.key().is_some_and(|key| members.contains_key(&key)))
            }
            _ => None,
        }
    }

    fn of_list(self, elements: &[Value], argument: Option<&Value>) -> Option<Value> {
        match self {
            Self::First => Some(elements.first().cloned().unwrap_or(Value::Nil)),
            Self::Last => Some(elements.last().cloned().unwrap_or(Value::Nil)),
            Self::Unique => Some(Value::List(unique(elements))),
            Self::Compact => {
                let is_there = |element: &&Value| **element != Value::Nil;
                Some(Value::List(elements.iter().filter(is_there).cloned().collect()))
            }
            Self::Join => {
                let between = match argument {
                    None => "",
                    Some(Value::Text(text)) => text,
                    Some(_) => return None,
                };
                let texts = elements.iter().map(Value::printed).collect::<Option<Vec<_>>>()?;
                Some(Value::Text(texts.join(between)))
            }
            Self::Sum => elements
                .iter()
                .try_fold(Number::Integer(0), |sum, element| {
                    Operator::Add.apply(sum, element.as_number()?)
                })
                .map(Value::number),
            Self::Least | Self::Greatest => {
                let Some((first, others)) = elements.split_first() else { return Some(Value::Nil) };
                others
                    .iter()
                    .try_fold(first, |best, element| {
                        let order = compare(element, best)?;
                        let is_better = match self {
                            Self::Least => order.is_lt(),
                            _ => order.is_gt(),
                        };
                        Some(if is_better { element } else { best })
                    })
                    .cloned()
            }
            _ => None,
        }
    }
}

/// How many bytes the texts of these are, about.
fn joined_bytes(elements: &[Value]) -> usize {
    let bytes = |element: &Value| match element {
        Value::Number(text) | Value::Text(text) => text.len(),
        _ => 0,
    };
    elements.iter().map(bytes).sum()
}

/// Which of two values is greater; `None` where Ruby would fail.
pub(super) fn compare(left: &Value, right: &Value) -> Option<std::cmp::Ordering> {
    match (left, right) {
        (Value::Number(_), Value::Number(_)) => Some(left.as_number()?.compare(right.as_number()?)),
        (Value::Text(left), Value::Text(right)) => Some(left.cmp(right)),
        (Value::Instant(left), Value::Instant(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn unique(elements: &[Value]) -> Vec<Value> {
    let mut seen = std::collections::HashSet::new();
    let is_new = |element: &&Value| {
        let mut written = Vec::new();
        element.write(&mut written);
        seen.insert(written)
    };
    elements.iter().filter(is_new).cloned().collect()
}

fn to_integer(of: &Value) -> Option<Value> {
    match of {
        Value::Nil => Some(Value::count(0)),
        Value::Number(_) => of.as_number()?.truncated().map(Value::number),
        Value::Text(text) => Some(Value::Number(integer(text).into_owned())),
        Value::Instant(timestamp_ns) => {
            Some(Value::Number(timestamp_ns.div_euclid(1_000_000_000).to_string()))
        }
        _ => None,
    }
}

fn to_float(of: &Value) -> Option<Value> {
    match of {
        Value::Nil => Some(Value::Number("0.0".to_owned())),
        Value::Number(_) => of.as_number().map(|number| Value::number(number.fractional())),
        Value::Text(text) => Some(Value::Number(float(text))),
        Value::Instant(timestamp_ns) => Some(Value::number(Number::seconds(*timestamp_ns))),
        _ => None,
    }
}

fn round(number: Number, digits: Option<&Value>) -> Option<Value> {
    let digits = match digits {
        Some(digits) => digits.as_number()?,
        None => Number::Integer(0),
    };
    Operator::Round.apply(number, digits).map(Value::number)
}

#[cfg(test)]
mod tests {
    use super::{Method, Value};

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    fn number(text: &str) -> Value {
        Value::Number(text.to_owned())
    }

    #[test]
    fn values_are_converted_as_ruby_does() {
        for (value, as_integer, as_float, as_text) in [
            (Value::Nil, "0", "0.0", ""),
            (text(" 12.5 kg"), "12", "12.5", " 12.5 kg"),
            (number("-2.7"), "-2", "-2.7", "-2.7"),
            (number("3"), "3", "3.0", "3"),
            (Value::Instant(1_500_000_000), "1", "1.5", "1970-01-01T00:00:01.500Z"),
        ] {
            assert_eq!(Method::ToInteger.call(&value, None), Some(number(as_integer)), "{value:?}");
            assert_eq!(Method::ToFloat.call(&value, None), Some(number(as_float)), "{value:?}");
            assert_eq!(Method::ToText.call(&value, None), Some(text(as_text)), "{value:?}");
        }
        assert_eq!(Method::ToInteger.call(&Value::Bool(true), None), None);
        assert_eq!(Method::Round.call(&number("2.345"), Some(&number("2"))), Some(number("2.35")));
    }

    #[test]
    fn lists_are_summed_up() {
        let list = Value::List(vec![number("2"), number("1.5"), number("2")]);
        for (method, result) in [
            (Method::Sum, number("5.5")),
            (Method::Least, number("1.5")),
            (Method::Greatest, number("2")),
            (Method::Size, number("3")),
            (Method::First, number("2")),
            (Method::Unique, Value::List(vec![number("2"), number("1.5")])),
            (Method::Join, text("21.52")),
        ] {
            assert_eq!(method.call(&list, None), Some(result), "{method:?}");
        }
        let mixed = Value::List(vec![number("2"), text("a")]);
        assert_eq!(
            (Method::Sum.call(&mixed, None), Method::Least.call(&mixed, None)),
            (None, None)
        );
        assert_eq!(Method::Greatest.call(&Value::List(Vec::new()), None), Some(Value::Nil));
        assert_eq!(Method::Size.call(&Value::Nil, None), None);
    }
}
