//! `math`: calculates with two operands at a time, fields, numbers or registers, and sets the result.
//!
//! A calculation that cannot be made leaves its target as it is: an operand that is no number, a division by zero, a
//! result that is not finite.

pub(in crate::filters) mod number;

use std::sync::Arc;

use event::{Event, FieldPath, Kind};
use service::suggest::nearest;

use self::number::{Number, Operator};
use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::language::{self, Span, Value, ValueKind};
use crate::options::{Options, filter_options};

/// Every operator by its names.
const OPERATORS: &[(&str, Operator)] = &[
    ("+", Operator::Add),
    ("add", Operator::Add),
    ("plus", Operator::Add),
    ("-", Operator::Subtract),
    ("sub", Operator::Subtract),
    ("subtract", Operator::Subtract),
    ("*", Operator::Multiply),
    ("mpx", Operator::Multiply),
    ("times", Operator::Multiply),
    ("multiply", Operator::Multiply),
    ("round", Operator::Round),
    ("**", Operator::Power),
    ("^", Operator::Power),
    ("power", Operator::Power),
    ("to the power of", Operator::Power),
    ("/", Operator::Divide),
    ("div", Operator::Divide),
    ("divide", Operator::Divide),
    ("mod", Operator::Modulo),
    ("modulo", Operator::Modulo),
    ("fdiv", Operator::FloatDivide),
    ("float_divide", Operator::FloatDivide),
    ("float divide", Operator::FloatDivide),
];

const CALCULATION_WAY_OUT: &str =
    "write `calculate => [ [ \"add\", \"[a]\", \"[b]\", \"[sum]\" ] ]`";

#[derive(Debug)]
struct Math {
    calculations: Vec<Calculation>,
    registers: usize,
}

#[derive(Debug)]
struct Calculation {
    operator: Operator,
    left: Operand,
    right: Operand,
    target: Target,
}

#[derive(Debug)]
enum Operand {
    Literal(Number),
    Field(FieldPath),
    /// A place among the registers.
    Register(usize),
}

#[derive(Debug)]
enum Target {
    Field(FieldPath),
    Register(usize),
}

struct MathPlan(Arc<Math>);

filter_options! {
    /// Calculates with two operands at a time, and sets the result.
    ///
    /// Whole numbers and decimals are exact as they are written, and floats where they do not fit;
    /// whole numbers divide to a whole number, `float divide` to a fraction. `@timestamp` and
    /// fields that `date` has set are seconds since 1970. A calculation that cannot be made leaves
    /// its target as it is: an operand that is no number, a division by zero, a result that is not
    /// finite.
    struct MathOptions {
        /// Calculations in their order, each of four: operator, left operand, right operand,
        /// target. Operators are `add` (`+`, `plus`), `subtract` (`-`, `sub`), `multiply` (`*`,
        /// `times`, `mpx`), `divide` (`/`, `div`), `float divide` (`fdiv`, `float_divide`),
        /// `modulo` (`mod`), `power` (`**`, `^`, `to the power of`) and `round` (to as many digits
        /// as the right operand says). Operands are fields, numbers and registers (`MEM[0]`), which
        /// keep a result for what follows; the last target is a field.
        calculate: Value [Arrays, Options::value] = required,
    }
    example r#"math {
  calculate => [
    ["multiply", "[price]", "[quantity]", "MEM[0]"],
    ["round", "MEM[0]", 2, "[total]"]
  ]
}"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let value = MathOptions::read(options).calculate?;
    let ValueKind::Array(elements) = &value.kind else {
        let message = "`calculate` of `math` must be an array of calculations";
        options.refuse("calculate", message, CALCULATION_WAY_OUT);
        return None;
    };
    let mut reader = Reader { options, registers: Vec::new() };
    // Each is read, so that all mistakes are said at once.
    let read: Vec<_> = elements.iter().map(|element| reader.calculation(element)).collect();
    let registers = reader.registers.len();
    let calculations = read.into_iter().collect::<Option<Vec<_>>>()?;
    match calculations.last() {
        None => {
            options.refuse("calculate", "`calculate` of `math` is empty", CALCULATION_WAY_OUT);
            return None;
        }
        Some(Calculation { target: Target::Register(_), .. }) => {
            let message = "the last calculation's target is a register, so no field has the result";
            options.refuse("calculate", message, "name a field as its fourth element");
            return None;
        }
        Some(_) => {}
    }
    Some(Arc::new(MathPlan(Arc::new(Math { calculations, registers }))))
}

struct Reader<'r, 'o> {
    options: &'r mut Options<'o>,
    /// Numbers of the registers, as they are written, by their places.
    registers: Vec<String>,
}

impl Reader<'_, '_> {
    fn calculation(&mut self, value: &Value) -> Option<Calculation> {
        let elements = match &value.kind {
            ValueKind::Array(elements) => elements.as_slice(),
            _ => &[],
        };
        let [operator, left, right, target] = elements else {
            let message = "a calculation has four elements: operator, two operands, target";
            self.options.refuse_at(value.span, message, CALCULATION_WAY_OUT);
            return None;
        };
        let operator = self.operator(operator);
        let (left, right) = (self.operand(left), self.operand(right));
        let target = self.target(target);
        let calculation =
            Calculation { operator: operator?, left: left?, right: right?, target: target? };
        if let Operand::Literal(right) = &calculation.right {
            let left = match &calculation.left {
                Operand::Literal(left) => *left,
                _ => Number::Integer(1),
            };
            if calculation.operator.apply(left, *right).is_none() {
                let message = "this calculation has no result, whatever the event holds";
                let way_out = "divide by another number than zero, raise to a whole number";
                self.options.refuse_at(value.span, message, way_out);
                return None;
            }
        }
        Some(calculation)
    }

    fn operator(&mut self, value: &Value) -> Option<Operator> {
        let name = value.as_text().unwrap_or_default();
        let found = OPERATORS.iter().find(|(known, _)| *known == name);
        if found.is_none() {
            let names = OPERATORS.iter().map(|(known, _)| *known);
            let way_out = match nearest(&name, names.clone()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there are {}", names.collect::<Vec<_>>().join(", ")),
            };
            self.options.refuse_at(value.span, format!("`{name}` is no operator"), way_out);
        }
        found.map(|(_, operator)| *operator)
    }

    fn operand(&mut self, value: &Value) -> Option<Operand> {
        match &value.kind {
            ValueKind::Number(language::Number::Integer(number)) => {
                Some(Operand::Literal(Number::Integer(i128::from(*number))))
            }
            ValueKind::Number(number) => {
                let number = Number::read(&number.to_string());
                number.map(Operand::Literal).or_else(|| self.refuse_operand(value.span))
            }
            ValueKind::Text(text) => Some(match self.register(text) {
                Some(place) => Operand::Register(place),
                None => Operand::Field(self.options.parse_field_at(text, value.span)?),
            }),
            _ => self.refuse_operand(value.span),
        }
    }

    fn refuse_operand(&mut self, span: Span) -> Option<Operand> {
        let message = "an operand is a field, a number or a register";
        self.options.refuse_at(span, message, "write `\"[field]\"`, `10` or `\"MEM[0]\"`");
        None
    }

    fn target(&mut self, value: &Value) -> Option<Target> {
        let ValueKind::Text(text) = &value.kind else {
            let message = "a target is a field or a register";
            self.options.refuse_at(value.span, message, "write `\"[field]\"` or `\"MEM[0]\"`");
            return None;
        };
        if let Some(place) = self.register(text) {
            return Some(Target::Register(place));
        }
        let field = self.options.parse_field_at(text, value.span)?;
        if field.is_timestamp() {
            let way_out = "set another field, and read it with `date`";
            self.options.refuse_at(value.span, "`@timestamp` is no number", way_out);
            return None;
        }
        Some(Target::Field(field))
    }

    /// The place of `MEM[0]` and its like.
    fn register(&mut self, text: &str) -> Option<usize> {
        let number = text.strip_prefix("MEM[")?.strip_suffix(']')?;
        if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number = number.trim_start_matches('0');
        let known = self.registers.iter().position(|known| known == number);
        Some(known.unwrap_or_else(|| {
            self.registers.push(number.to_owned());
            self.registers.len() - 1
        }))
    }
}

impl FilterPlan for MathPlan {
    fn instance(&self) -> Box<dyn Filter> {
        let registers = vec![None; self.0.registers];
        Box::new(Worker { plan: Arc::clone(&self.0), registers })
    }
}

/// One worker's instance.
struct Worker {
    plan: Arc<Math>,
    registers: Vec<Option<Number>>,
}

impl Filter for Worker {
    fn apply(&mut self, event: &mut Event, _context: &mut FilterContext<'_>) -> Applied {
        // Nothing of one event is left for the next.
        self.registers.fill(None);
        let plan = Arc::clone(&self.plan);
        let mut applied = Applied::NotMatched;
        for calculation in &plan.calculations {
            let left = self.number(event, &calculation.left);
            let right = self.number(event, &calculation.right);
            let Some((left, right)) = left.zip(right) else { continue };
            let Some(result) = calculation.operator.apply(left, right) else { continue };
            let is_set = match &calculation.target {
                Target::Field(field) => event.set_number(field, &result.to_string()),
                Target::Register(place) => match self.registers.get_mut(*place) {
                    Some(register) => {
                        *register = Some(result);
                        true
                    }
                    None => false,
                },
            };
            if is_set {
                applied = Applied::Matched;
            }
        }
        applied
    }
}

impl Worker {
    fn number(&self, event: &Event, operand: &Operand) -> Option<Number> {
        match operand {
            Operand::Literal(number) => Some(*number),
            Operand::Register(place) => self.registers.get(*place).copied().flatten(),
            Operand::Field(field) if field.is_timestamp() => {
                Some(Number::seconds(event.timestamp_ns))
            }
            Operand::Field(field) => {
                let value = event.get(field)?;
                match event.kind(value) {
                    Kind::Number => Number::read(&event.scalar_text(value)?),
                    // A time that `date` has put there.
                    Kind::String => event::parse_iso8601(&event.text(value)?).map(Number::seconds),
                    _ => None,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
