//! Operators of two values: each does what Ruby's does, or fails where that would.

use super::code::Sign;
use super::method::compare;
use super::run::Failed;
use super::value::Value;
use crate::filters::math::number::{Number, Operator};

/// Largest value that is put together, in bytes.
pub(super) const VALUE_BYTES_MAX: usize = 1 << 20;

/// The result of an operator.
pub(super) fn operate(sign: Sign, left: &Value, right: &Value) -> Result<Value, Failed> {
    let order = || compare(left, right).ok_or(Failed::Exception);
    Ok(match sign {
        Sign::Equal => Value::Bool(left.is_equal(right)),
        Sign::Unequal => Value::Bool(!left.is_equal(right)),
        Sign::Less => Value::Bool(order()?.is_lt()),
        Sign::LessOrEqual => Value::Bool(order()?.is_le()),
        Sign::Greater => Value::Bool(order()?.is_gt()),
        Sign::GreaterOrEqual => Value::Bool(order()?.is_ge()),
        Sign::Add => return add(left, right),
        Sign::Subtract => return subtract(left, right),
        Sign::Multiply => return calculate(Operator::Multiply, left, right),
        Sign::Divide => return calculate(Operator::Divide, left, right),
        Sign::Modulo => return calculate(Operator::Modulo, left, right),
        Sign::Power => return calculate(Operator::Power, left, right),
    })
}

fn calculate(operator: Operator, left: &Value, right: &Value) -> Result<Value, Failed> {
    let numbers = left.as_number().zip(right.as_number());
    let result = numbers.and_then(|(left, right)| operator.apply(left, right));
    result.map(Value::number).ok_or(Failed::Exception)
}

fn add(left: &Value, right: &Value) -> Result<Value, Failed> {
    let fits = |bytes: usize| if bytes > VALUE_BYTES_MAX { Err(Failed::TooLarge) } else { Ok(()) };
    match (left, right) {
        (Value::Text(left), Value::Text(right)) => {
            fits(left.len() + right.len())?;
            Ok(Value::Text(format!("{left}{right}")))
        }
        (Value::List(first), Value::List(second)) => {
            fits(left.size_bytes() + right.size_bytes())?;
            Ok(Value::List(first.iter().chain(second).cloned().collect()))
        }
        _ => calculate(Operator::Add, left, right),
    }
}

/// Times, also those that stand in texts as `date` writes them, have the seconds between them.
fn subtract(left: &Value, right: &Value) -> Result<Value, Failed> {
    let instant = |value: &Value| match value {
        Value::Instant(timestamp_ns) => Some(*timestamp_ns),
        Value::Text(text) => event::parse_iso8601(text),
        _ => None,
    };
    if let Some((left, right)) = instant(left).zip(instant(right)) {
        let between_ns = left.checked_sub(right).ok_or(Failed::Exception)?;
        return Ok(Value::number(Number::seconds(between_ns)));
    }
    calculate(Operator::Subtract, left, right)
}
