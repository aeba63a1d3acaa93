//! Conditions: `if [a] == "b" and !([c] in ["d", "e"]) { ... }`.
//!
//! `and` binds closer than `or`. Beside `xor` and `nand` no other operator may stand without
//! parentheses: Logstash gives such a mixture no meaning either.

use super::{Lost, Parsed, Parser};
use crate::language::source::Span;
use crate::language::tree::{Comparison, Condition, ConditionKind, Operand, Value, ValueKind};

const COMPARISONS: [(&str, Comparison); 6] = [
    ("==", Comparison::Equal),
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

impl Parser<'_> {
    /// A condition with a block behind it. After a mistake goes on at that block.
    pub(super) fn condition_before_block(&mut self) -> Parsed<Condition> {
        let condition = self.deeper(Self::condition);
        self.lexer.skip_blanks();
        if condition.is_ok() && !self.lexer.rest().starts_with('{') {
            let way_out = "conditions are joined by `and`, `or`, `xor` or `nand`";
            let result = self.unexpected("an operator or `{`", way_out);
            self.skip_condition();
            return result;
        }
        if condition.is_err() {
            self.skip_condition();
        }
        condition
    }

    fn condition(&mut self) -> Parsed<Condition> {
        let mut terms = vec![self.expression()?];
        let mut operators: Vec<(&str, Span)> = Vec::new();
        loop {
            self.lexer.skip_blanks();
            let start = self.lexer.at;
            let word = self.lexer.peek_name();
            if !matches!(word, "and" | "or" | "xor" | "nand") {
                break;
            }
            self.lexer.name();
            operators.push((word, self.lexer.since(start)));
            terms.push(self.expression()?);
        }
        let strict = operators.iter().find(|(word, _)| matches!(*word, "xor" | "nand"));
        if let Some(&(word, span)) = strict {
            if operators.len() > 1 {
                let message = format!("`{word}` is mixed with other operators");
                return self.lost(span, message, "put parentheses around it and its two sides");
            }
            let both = terms.pop().zip(terms.pop());
            let Some((right, left)) = both else {
                return Err(Lost);
            };
            let span = left.span.to(right.span);
            let (left, right) = (Box::new(left), Box::new(right));
            let kind = match word {
                "xor" => ConditionKind::Xor(left, right),
                _ => ConditionKind::Nand(left, right),
            };
            return Ok(Condition { span, kind });
        }
        let mut alternatives = vec![Vec::new()];
        let words = std::iter::once("and").chain(operators.iter().map(|(word, _)| *word));
        for (word, term) in words.zip(terms) {
            if word == "or" {
                alternatives.push(Vec::new());
            }
            if let Some(group) = alternatives.last_mut() {
                group.push(term);
            }
        }
        let groups = alternatives.into_iter().map(|group| join(group, ConditionKind::And));
        Ok(join(groups.collect(), ConditionKind::Or))
    }

    fn expression(&mut self) -> Parsed<Condition> {
        self.lexer.skip_blanks();
        let start = self.lexer.at;
        if self.lexer.take("(") {
            let inner = self.deeper(Self::condition)?;
            self.expect(")", "`)`", "close the parenthesis")?;
            return Ok(Condition { span: self.lexer.since(start), kind: inner.kind });
        }
        if self.lexer.take("!") {
            self.lexer.skip_blanks();
            let inner = match self.lexer.peek() {
                Some('(') => self.deeper(Self::expression)?,
                Some('[') => {
                    let operand = self.operand()?;
                    Condition { span: operand.span(), kind: ConditionKind::Truth(operand) }
                }
                _ => {
                    let way_out = "`!` negates a field, `![a]`, or parentheses, `!( ... )`";
                    return self.unexpected("`(` or `[field]`", way_out);
                }
            };
            let kind = ConditionKind::Not(Box::new(inner));
            return Ok(Condition { span: self.lexer.since(start), kind });
        }
        let left = self.operand()?;
        let after = self.lexer.at;
        self.lexer.skip_blanks();
        let kind = self.relation(left)?;
        if matches!(kind, ConditionKind::Truth(_)) {
            self.lexer.at = after;
        }
        Ok(Condition { span: self.lexer.since(start), kind })
    }

    /// What follows the left side.
    fn relation(&mut self, left: Operand) -> Parsed<ConditionKind> {
        match self.lexer.peek_name() {
            "in" => {
                self.lexer.name();
                return Ok(ConditionKind::In(left, self.right()?));
            }
            "not" => {
                let start = self.lexer.at;
                self.lexer.name();
                self.lexer.skip_blanks();
                if self.lexer.name() != "in" {
                    let span = self.lexer.since(start);
                    return self.lost(span, "`not` stands alone", "write `not in`, or `!`");
                }
                let span = left.span();
                let kind = ConditionKind::In(left, self.right()?);
                return Ok(ConditionKind::Not(Box::new(Condition { span, kind })));
            }
            _ => {}
        }
        for (sign, negated) in [("=~", false), ("!~", true)] {
            if self.lexer.take(sign) {
                return self.matches(left, negated);
            }
        }
        for (sign, comparison) in COMPARISONS {
            if self.lexer.take(sign) {
                return self.compare(left, sign, comparison);
            }
        }
        if self.lexer.rest().starts_with('=') {
            self.note_unexpected("an operator", "equality is written `==`");
            self.lexer.take("=");
            return self.compare(left, "==", Comparison::Equal);
        }
        Ok(ConditionKind::Truth(left))
    }

    fn compare(
        &mut self,
        left: Operand,
        sign: &str,
        comparison: Comparison,
    ) -> Parsed<ConditionKind> {
        let right = self.right()?;
        let is_list = |side: &&Operand| matches!(side, Operand::Constant(value) if matches!(value.kind, ValueKind::Array(_)));
        if let Some(list) = [&left, &right].into_iter().find(is_list) {
            let message = format!("`{sign}` compares no lists");
            return self.lost(list.span(), message, "use `in`");
        }
        Ok(ConditionKind::Compare(left, comparison, right))
    }

    fn matches(&mut self, left: Operand, negated: bool) -> Parsed<ConditionKind> {
        self.lexer.skip_blanks();
        let start = self.lexer.at;
        let pattern = match self.lexer.peek() {
            Some('/') => match self.lexer.regex() {
                Some(pattern) => pattern.to_owned(),
                None => {
                    let here = self.lexer.here();
                    return self.lost(here, "this pattern is not closed", "close it with `/`");
                }
            },
            Some('"' | '\'') => self.string()?,
            _ => {
                return self
                    .unexpected("`/pattern/` or a string", "write `/pattern/` or \"pattern\"");
            }
        };
        let span = self.lexer.since(start);
        let whole = left.span().to(span);
        let kind = ConditionKind::Matches(left, pattern, span);
        Ok(if negated {
            ConditionKind::Not(Box::new(Condition { span: whole, kind }))
        } else {
            kind
        })
    }

    fn right(&mut self) -> Parsed<Operand> {
        self.lexer.skip_blanks();
        self.operand()
    }

    fn operand(&mut self) -> Parsed<Operand> {
        let start = self.lexer.at;
        match self.lexer.peek() {
            Some('[') => {
                // `["a"]` is a list of one: nobody means a field whose name has quotes.
                let quoted = self.lexer.rest()[1..].trim_start().starts_with(['"', '\'']);
                if !quoted && let Some(selector) = self.lexer.selector() {
                    return Ok(Operand::Field(selector.to_owned(), self.lexer.since(start)));
                }
                let elements = self.deeper(Self::array)?;
                let kind = ValueKind::Array(elements);
                Ok(Operand::Constant(Value { span: self.lexer.since(start), kind }))
            }
            Some('"' | '\'') => self.value().map(Operand::Constant),
            _ if self.lexer.at_number() => self.value().map(Operand::Constant),
            Some('/') => {
                self.unexpected("a value", "a pattern stands only on the right of `=~` and `!~`")
            }
            _ => {
                let way_out = "fields are written `[name]`, texts \"in quotes\"";
                self.unexpected("a field, string, number or list", way_out)
            }
        }
    }
}

/// One term alone, or all of them under an operator.
fn join(mut terms: Vec<Condition>, kind: fn(Vec<Condition>) -> ConditionKind) -> Condition {
    if terms.len() == 1
        && let Some(only) = terms.pop()
    {
        return only;
    }
    let span = match (terms.first(), terms.last()) {
        (Some(first), Some(last)) => first.span.to(last.span),
        _ => Span::default(),
    };
    Condition { span, kind: kind(terms) }
}
