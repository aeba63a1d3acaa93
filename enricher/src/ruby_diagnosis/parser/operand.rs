//! What an operation is made of: literals, names, conditions that have a value.

use super::{ENDS, NO_OPERANDS, Parser, Read, parse_within};
use crate::ruby_diagnosis::DEPTH_MAX;
use crate::ruby_diagnosis::lexer::{Kind, Part};
use crate::ruby_diagnosis::tree::{Expression, Statement};

impl Parser<'_> {
    pub(super) fn primary(&mut self) -> Read<Expression> {
        let Some(kind) = self.peek() else { return Err(self.unreadable()) };
        match kind {
            Kind::Text(parts) => {
                self.at += 1;
                self.text(parts)
            }
            Kind::Symbol(name) => self.taken(Expression::Literal(name.clone())),
            Kind::Number(text) => self.taken(Expression::Number(text.clone())),
            Kind::Regex(pattern) => self.taken(Expression::Regex(pattern.clone())),
            Kind::Words(words) => {
                let words = words.iter().cloned().map(Expression::Literal).collect();
                self.taken(Expression::Array(words))
            }
            Kind::Variable(name) => self.taken(Expression::Name(name.clone())),
            Kind::Constant(name) => {
                self.at += 1;
                // `Integer(x)`.
                if self.is_sign("(") && !self.blank_before() {
                    return self.call(None, name.clone());
                }
                Ok(Expression::Name(name.clone()))
            }
            Kind::Sign("::") => {
                self.at += 1;
                self.deeper(Self::primary)
            }
            Kind::Sign("(") => {
                self.at += 1;
                let mut statements = self.deeper(Self::statements)?;
                self.expect_sign(")")?;
                Ok(match (statements.pop(), statements.is_empty()) {
                    (Some(only), true) => only.expression,
                    _ => Expression::Other,
                })
            }
            Kind::Sign("[") => {
                self.at += 1;
                Ok(Expression::Array(self.deeper(|parser| parser.arguments("]"))?))
            }
            Kind::Sign("{") => {
                self.at += 1;
                let pairs = self.deeper(|parser| parser.arguments("}"))?;
                pairs
                    .into_iter()
                    .map(|pair| match pair {
                        Expression::Hash(mut pair) => pair.pop().ok_or(self.unreadable()),
                        _ => Err(self.unreadable()),
                    })
                    .collect::<Read<_>>()
                    .map(Expression::Hash)
            }
            Kind::Sign("->") => {
                self.at += 1;
                if self.take_sign("(") {
                    self.arguments(")")?;
                }
                self.block()?;
                Ok(Expression::Other)
            }
            Kind::Name(name) => self.name(name),
            _ => Err(self.unreadable()),
        }
    }

    pub(super) fn taken(&mut self, expression: Expression) -> Read<Expression> {
        self.at += 1;
        Ok(expression)
    }

    pub(super) fn text(&mut self, parts: &[Part]) -> Read<Expression> {
        match parts {
            [] => return Ok(Expression::Literal(String::new())),
            [Part::Literal(text)] => return Ok(Expression::Literal(text.clone())),
            _ => {}
        }
        let mut values = Vec::with_capacity(parts.len());
        for part in parts {
            values.push(match part {
                Part::Literal(text) => Expression::Literal(text.clone()),
                Part::Code(tokens) => {
                    if self.depth >= DEPTH_MAX {
                        return Err(self.unreadable());
                    }
                    let mut statements = parse_within(tokens, self.depth + 1)?;
                    match (statements.pop(), statements.is_empty()) {
                        (Some(only), true) => only.expression,
                        _ => Expression::Other,
                    }
                }
            });
        }
        Ok(Expression::Text(values))
    }

    pub(super) fn name(&mut self, name: &str) -> Read<Expression> {
        if ENDS.contains(&name)
            || NO_OPERANDS.contains(&name) && !matches!(name, "if" | "unless" | "while" | "until")
        {
            return Err(self.unreadable());
        }
        self.at += 1;
        match name {
            "nil" => Ok(Expression::Nil),
            "true" => Ok(Expression::Bool(true)),
            "false" => Ok(Expression::Bool(false)),
            "return" | "next" | "break" => {
                let ends = matches!(self.peek(), None | Some(Kind::NewLine))
                    || self.is_sign("}")
                    || self.is_one_of(NO_OPERANDS)
                    || self.is_one_of(ENDS);
                if ends {
                    return Ok(Expression::Leave);
                }
                self.bare_arguments()?;
                Ok(if name == "next" { Expression::Leave } else { Expression::Other })
            }
            "if" | "unless" => self.deeper(|parser| parser.condition(name == "unless")),
            "case" => self.deeper(Self::case),
            "begin" => {
                let body = self.body()?;
                self.expect_word("end")?;
                Ok(Expression::Group(body))
            }
            "while" | "until" | "for" => {
                while !matches!(self.peek(), None | Some(Kind::NewLine)) && !self.is_word("do") {
                    self.at += 1;
                }
                self.take_word("do");
                self.body()?;
                self.expect_word("end")?;
                Ok(Expression::Other)
            }
            "def" | "class" | "module" => {
                while !matches!(self.peek(), None | Some(Kind::NewLine)) {
                    self.at += 1;
                }
                self.body()?;
                self.expect_word("end")?;
                Ok(Expression::Other)
            }
            _ => {
                let is_plain = !self.is_sign("(") && !self.begins_argument();
                if is_plain && !self.is_sign("{") && !self.is_word("do") {
                    return Ok(Expression::Name(name.to_owned()));
                }
                self.call(None, name.to_owned())
            }
        }
    }

    pub(super) fn condition(&mut self, negated: bool) -> Read<Expression> {
        let condition = Box::new(self.deeper(Self::logical)?);
        self.take_word("then");
        let then = self.deeper(Self::statements)?;
        let otherwise = if self.take_word("elsif") {
            let first = self.at;
            let expression = self.deeper(|parser| parser.condition(false))?;
            vec![Statement { place: self.place_from(first), expression }]
        } else {
            let otherwise = match self.take_word("else") {
                true => self.deeper(Self::statements)?,
                false => Vec::new(),
            };
            self.expect_word("end")?;
            otherwise
        };
        Ok(match negated {
            true => Expression::If(condition, otherwise, then),
            false => Expression::If(condition, then, otherwise),
        })
    }

    pub(super) fn case(&mut self) -> Read<Expression> {
        let subject = match self.peek() {
            Some(Kind::NewLine) => return Err(self.unreadable()),
            _ => Box::new(self.expression()?),
        };
        self.skip_lines();
        let mut arms = Vec::new();
        while self.take_word("when") {
            let values = self.bare_arguments()?;
            self.take_word("then");
            arms.push((values, self.deeper(Self::statements)?));
        }
        let otherwise = match self.take_word("else") {
            true => self.deeper(Self::statements)?,
            false => Vec::new(),
        };
        self.expect_word("end")?;
        Ok(Expression::Case(subject, arms, otherwise))
    }
}
