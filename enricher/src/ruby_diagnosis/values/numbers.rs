//! Numbers and what is calculated.

use super::{TIME, is_float};
use crate::ruby_diagnosis::steps::Step;
use crate::ruby_diagnosis::translate::Translator;
use crate::ruby_diagnosis::tree::{Call, Expression};

impl Translator<'_> {
    pub(super) fn store_number(&mut self, target: &str, value: &Expression) -> Option<()> {
        let mut calculations = Vec::new();
        let result = self.number(value, &mut calculations)?;
        let last = match calculations.pop() {
            Some((operator, left, right)) => {
                format!("[ \"{operator}\", {left}, {right}, \"{target}\" ]")
            }
            None => format!("[ \"add\", {result}, 0, \"{target}\" ]"),
        };
        let mut texts: Vec<_> = calculations
            .into_iter()
            .enumerate()
            .map(|(place, (operator, left, right))| {
                format!("[ \"{operator}\", {left}, {right}, \"MEM[{place}]\" ]")
            })
            .collect();
        texts.push(last);
        self.steps.push(Step::option("math", "calculate", &format!("[ {} ]", texts.join(", "))));
        Some(())
    }

    /// An operand of a calculation, as it is written; calculations that come before it are added.
    pub(super) fn number(
        &mut self,
        value: &Expression,
        calculations: &mut Vec<(&'static str, String, String)>,
    ) -> Option<String> {
        self.deeper(|this| {
            if let Some(field) = this.field(value) {
                return Some(format!("\"{field}\""));
            }
            match value {
                Expression::Number(text) if !text.contains(['e', 'E']) => {
                    // A whole number that begins with 0 is octal in both languages.
                    (text.trim_start_matches('-').len() <= 15).then(|| text.clone())
                }
                Expression::Name(name) if name == "Math::PI" => {
                    Some("3.141592653589793".to_owned())
                }
                Expression::Name(name) => {
                    let value = this.local(name)?;
                    this.number(&value, calculations)
                }
                Expression::Operation(sign @ ("+" | "-" | "*" | "/" | "%" | "**"), left, right) => {
                    let operator = match *sign {
                        "+" => "add",
                        "-" => "subtract",
                        "*" => "multiply",
                        "/" if is_float(left) || is_float(right) => "float divide",
                        "/" => "divide",
                        "%" => "modulo",
                        _ => "power",
                    };
                    this.calculation(operator, left, right, calculations)
                }
                Expression::Call(call) => this.number_of_call(value, call, calculations),
                Expression::Operation("||", ..) | Expression::If(..) => {
                    Some(format!("\"{}\"", this.operand(value)?))
                }
                _ => None,
            }
        })
    }

    fn number_of_call(
        &mut self,
        value: &Expression,
        call: &Call,
        calculations: &mut Vec<(&'static str, String, String)>,
    ) -> Option<String> {
        let Call { receiver: Some(receiver), name, arguments, block: None } = call else {
            return None;
        };
        match (name.as_str(), arguments.as_slice()) {
            ("round", []) => {
                let zero = Expression::Number("0".to_owned());
                self.calculation("round", receiver, &zero, calculations)
            }
            ("round", [digits]) => self.calculation("round", receiver, digits, calculations),
            ("fdiv", [other]) => self.calculation("float divide", receiver, other, calculations),
            ("div", [other]) => self.calculation("divide", receiver, other, calculations),
            ("modulo", [other]) => self.calculation("modulo", receiver, other, calculations),
            ("pow", [other]) => self.calculation("power", receiver, other, calculations),
            // Seconds since 1970, or a number already.
            ("to_f" | "to_r" | "to_d", []) if self.is_number(receiver) => {
                self.number(receiver, calculations)
            }
            ("to_f" | "to_r", []) if self.is_time(receiver) => self.number(receiver, calculations),
            _ => Some(format!("\"{}\"", self.operand(value)?)),
        }
    }

    pub(super) fn calculation(
        &mut self,
        operator: &'static str,
        left: &Expression,
        right: &Expression,
        calculations: &mut Vec<(&'static str, String, String)>,
    ) -> Option<String> {
        let left = self.number(left, calculations)?;
        let right = self.number(right, calculations)?;
        if let (Ok(left), Ok(right)) = (left.parse::<i64>(), right.parse::<i64>()) {
            let constant = match operator {
                "add" => left.checked_add(right),
                "subtract" => left.checked_sub(right),
                "multiply" => left.checked_mul(right),
                _ => None,
            };
            return constant.map(|constant| constant.to_string());
        }
        // What would be refused when it is loaded.
        let is_literal = |operand: &str| operand.parse::<f64>().is_ok();
        let is_refused = is_literal(&left) && is_literal(&right)
            || operator == "round" && right.parse().is_ok_and(|digits: f64| digits.abs() > 20.0);
        if is_refused {
            return None;
        }
        if matches!(operator, "divide" | "float divide" | "modulo") && right.parse() == Ok(0.0_f64)
        {
            return None;
        }
        calculations.push((operator, left, right));
        Some(format!("\"MEM[{}]\"", calculations.len() - 1))
    }

    /// Whether this is a number whatever the event holds, or its time.
    pub(super) fn is_number(&mut self, expression: &Expression) -> bool {
        match expression {
            Expression::Number(_) => true,
            Expression::Operation("-" | "*" | "/" | "%" | "**" | "+", ..) => {
                !self.is_text(expression)
            }
            other => self.field(other).is_some_and(|field| field == TIME),
        }
    }
}
