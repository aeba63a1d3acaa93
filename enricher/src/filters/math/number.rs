//! Numbers to calculate with: whole ones and decimals exactly, as they are written, as long as they fit; anything
//! else as floats. Whether a number is whole is kept, as in Ruby: whole numbers divide to a whole number.

use std::cmp::Ordering;
use std::fmt;

/// Most digits behind the point that are kept exactly.
const SCALE_MAX: u32 = 30;
/// Most digits that a number is rounded to, in front of the point or behind it.
const ROUND_DIGITS_MAX: i128 = 400;

/// What is done with two numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::filters) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloatDivide,
    Modulo,
    Power,
    Round,
}

/// A finite number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::filters) enum Number {
    Integer(i128),
    /// So many times a power of ten: `Decimal(125, 2)` is 1.25.
    Decimal(i128, u32),
    Float(f64),
}

impl Number {
    /// Reads a number as JSON has it.
    pub(in crate::filters) fn read(text: &str) -> Option<Self> {
        if let Ok(integer) = text.parse() {
            return Some(Self::Integer(integer));
        }
        let exact = text.split_once('.').and_then(|(whole, fraction)| {
            let is_digits = fraction.bytes().all(|byte| byte.is_ascii_digit());
            let scale = u32::try_from(fraction.len()).ok()?;
            if !is_digits || fraction.is_empty() || scale > SCALE_MAX {
                return None;
            }
            Some(Self::Decimal(format!("{whole}{fraction}").parse().ok()?, scale))
        });
        exact.or_else(|| Self::float(text.parse().ok()?))
    }

    /// An instant as seconds since 1970.
    pub(in crate::filters) fn seconds(timestamp_ns: i64) -> Self {
        Self::Decimal(i128::from(timestamp_ns), 9)
    }

    fn float(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self::Float(value))
    }

    /// Which of two numbers is greater.
    pub(in crate::filters) fn compare(self, other: Self) -> Ordering {
        match Operator::Subtract.apply(self, other) {
            Some(difference) if difference.is_zero() => Ordering::Equal,
            Some(difference) if difference.as_float() < 0.0 => Ordering::Less,
            Some(_) => Ordering::Greater,
            None => self.as_float().total_cmp(&other.as_float()),
        }
    }

    /// The whole number towards zero.
    pub(in crate::filters) fn truncated(self) -> Option<Self> {
        match self {
            Self::Integer(_) => Some(self),
            Self::Decimal(value, scale) => {
                Some(Self::Integer(power_of_ten(scale).map_or(0, |one| value / one)))
            }
            // Beyond this a whole number does not fit.
            Self::Float(value) => (value.abs() < 1e38).then_some(Self::Integer(value as i128)),
        }
    }

    /// As a number that is not whole, even where nothing stands behind the point.
    pub(in crate::filters) fn fractional(self) -> Self {
        match self {
            Self::Integer(value) => Self::Decimal(value, 0),
            other => other,
        }
    }

    fn as_float(self) -> f64 {
        match self {
            Self::Integer(value) => value as f64,
            // The nearest float to what is written, which a division would miss.
            Self::Decimal(..) => self.to_string().parse().unwrap_or(f64::NAN),
            Self::Float(value) => value,
        }
    }

    /// Digits and how many of them stand behind the point.
    fn digits(self) -> Option<(i128, u32)> {
        match self {
            Self::Integer(value) => Some((value, 0)),
            Self::Decimal(value, scale) => Some((value, scale)),
            Self::Float(_) => None,
        }
    }

    fn is_integer(self) -> bool {
        matches!(self, Self::Integer(_))
    }

    fn is_zero(self) -> bool {
        match self {
            Self::Integer(value) | Self::Decimal(value, _) => value == 0,
            Self::Float(value) => value == 0.0,
        }
    }

    fn is_whole(self) -> bool {
        match self {
            Self::Integer(_) => true,
            Self::Decimal(value, scale) => power_of_ten(scale).is_some_and(|one| value % one == 0),
            Self::Float(value) => value.fract() == 0.0,
        }
    }
}

/// Plain digits, with a point unless it is a whole number.
impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => value.fmt(f),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Decimal(value, scale) => {
                let scale = *scale as usize;
                let digits = format!("{:0width$}", value.unsigned_abs(), width = scale + 1);
                let (whole, fraction) = digits.split_at(digits.len() - scale);
                let fraction = fraction.trim_end_matches('0');
                let sign = if *value < 0 { "-" } else { "" };
                let fraction = if fraction.is_empty() { "0" } else { fraction };
                write!(f, "{sign}{whole}.{fraction}")
            }
        }
    }
}

fn power_of_ten(exponent: u32) -> Option<i128> {
    10_i128.checked_pow(exponent)
}

impl Operator {
    /// The result; `None` where there is none, or none that is finite.
    pub(in crate::filters) fn apply(self, left: Number, right: Number) -> Option<Number> {
        match self {
            Self::Add | Self::Subtract => {
                self.exact(left, right).or_else(|| self.floating(left, right))
            }
            Self::Multiply => multiply(left, right).or_else(|| self.floating(left, right)),
            Self::Divide | Self::FloatDivide | Self::Modulo if right.is_zero() => None,
            Self::Divide => match (left, right) {
                (Number::Integer(left), Number::Integer(right)) => {
                    floor_divide(left, right).map(Number::Integer)
                }
                _ => self.floating(left, right),
            },
            Self::FloatDivide => self.floating(left, right),
            Self::Modulo => self.exact(left, right).or_else(|| self.floating(left, right)),
            Self::Power => power(left, right),
            Self::Round => round(left, right),
        }
    }

    /// With both numbers to the same digits behind the point.
    fn exact(self, left: Number, right: Number) -> Option<Number> {
        let ((left_digits, left_scale), (right_digits, right_scale)) =
            (left.digits()?, right.digits()?);
        let scale = left_scale.max(right_scale);
        let left_digits = left_digits.checked_mul(power_of_ten(scale - left_scale)?)?;
        let right_digits = right_digits.checked_mul(power_of_ten(scale - right_scale)?)?;
        let result = match self {
            Self::Add => left_digits.checked_add(right_digits)?,
            Self::Subtract => left_digits.checked_sub(right_digits)?,
            _ => {
                let times = floor_divide(left_digits, right_digits)?;
                left_digits.checked_sub(times.checked_mul(right_digits)?)?
            }
        };
        Some(match left.is_integer() && right.is_integer() {
            true => Number::Integer(result),
            false => Number::Decimal(result, scale),
        })
    }

    fn floating(self, left: Number, right: Number) -> Option<Number> {
        let (left, right) = (left.as_float(), right.as_float());
        Number::float(match self {
            Self::Add => left + right,
            Self::Subtract => left - right,
            Self::Multiply => left * right,
            Self::Modulo => {
                let rest = left % right;
                // The result has the divisor's sign.
                if rest != 0.0 && (rest < 0.0) != (right < 0.0) { rest + right } else { rest }
            }
            _ => left / right,
        })
    }
}

fn multiply(left: Number, right: Number) -> Option<Number> {
    let ((left_digits, left_scale), (right_digits, right_scale)) =
        (left.digits()?, right.digits()?);
    let digits = left_digits.checked_mul(right_digits)?;
    if left.is_integer() && right.is_integer() {
        return Some(Number::Integer(digits));
    }
    let scale = left_scale + right_scale;
    (scale <= SCALE_MAX).then_some(Number::Decimal(digits, scale))
}

/// Rounds down, also below zero.
fn floor_divide(left: i128, right: i128) -> Option<i128> {
    let quotient = left.checked_div(right)?;
    let rest = left.checked_rem(right)?;
    Some(if rest != 0 && (rest < 0) != (right < 0) { quotient - 1 } else { quotient })
}

fn power(base: Number, exponent: Number) -> Option<Number> {
    if let (Number::Integer(base), Number::Integer(exponent)) = (base, exponent)
        && let Some(result) =
            u32::try_from(exponent).ok().and_then(|exponent| base.checked_pow(exponent))
    {
        return Some(Number::Integer(result));
    }
    // Of a number below zero that would be a complex one.
    if base.as_float() < 0.0 && !exponent.is_whole() {
        return None;
    }
    Number::float(base.as_float().powf(exponent.as_float()))
}

/// Half is rounded away from zero. To no digits behind the point, a number becomes a whole one.
fn round(number: Number, digits: Number) -> Option<Number> {
    let digits = match digits {
        Number::Integer(digits) => digits,
        other => other.as_float().trunc() as i128,
    };
    if digits.abs() > ROUND_DIGITS_MAX {
        return None;
    }
    let Some((value, scale)) = number.digits() else {
        return round_float(number.as_float(), digits);
    };
    if digits > 0 && number.is_integer() {
        return Some(Number::Decimal(value, 0)).filter(|_| value != i128::MIN);
    }
    let dropped = i128::from(scale) - digits;
    let kept_scale = u32::try_from(digits.max(0)).ok()?;
    let rounded = match u32::try_from(dropped) {
        // There are no more digits than are wanted.
        Err(_) => return Some(number),
        Ok(0) => value,
        Ok(dropped) => match power_of_ten(dropped) {
            // All digits go.
            None => 0,
            Some(unit) => {
                let half = unit / 2;
                let away =
                    if value < 0 { value.checked_sub(half) } else { value.checked_add(half) };
                away? / unit
            }
        },
    };
    if digits > 0 {
        return Some(Number::Decimal(rounded, kept_scale));
    }
    let unit = power_of_ten(u32::try_from(-digits).ok()?);
    let whole = match unit {
        Some(unit) => rounded.checked_mul(unit)?,
        None => 0,
    };
    Some(Number::Integer(whole))
}

fn round_float(value: f64, digits: i128) -> Option<Number> {
    if digits > 0 {
        // Rust prints as many digits as are asked for, from the exact value.
        let digits = usize::try_from(digits).ok()?;
        return Number::float(format!("{value:.digits$}").parse().ok()?);
    }
    let unit = 10_f64.powi(i32::try_from(-digits).ok()?);
    if !unit.is_finite() {
        return Some(Number::Integer(0));
    }
    let rounded = (value / unit).round() * unit;
    // Beyond this a whole number does not fit.
    if rounded.abs() < 1e38 {
        Some(Number::Integer(rounded as i128))
    } else {
        Number::float(rounded)
    }
}
