//! Conditions of Ruby as those of the pipeline.

use super::steps::{Step, quote, reference};
use super::translate::{Translator, is_event, is_single, negated};
use super::tree::{Call, Expression};
use crate::ruby_pattern::RubyPattern;

impl Translator<'_> {
    /// A condition as it is written; what it needs is done before. One of several parts stands in parentheses.
    pub(super) fn condition(&mut self, condition: &Expression) -> Option<String> {
        self.deeper(|this| this.condition_of(condition))
    }

    fn condition_of(&mut self, condition: &Expression) -> Option<String> {
        if let Some(field) = self.field(condition) {
            return is_single(&field).then(|| is_true(&field));
        }
        match condition {
            Expression::Not(inner) => Some(negated(&self.condition(inner)?)),
            Expression::Name(name) => {
                let value = self.local(name)?;
                self.condition(&value)
            }
            Expression::Operation(sign @ ("&&" | "||"), left, right) => {
                let word = if *sign == "&&" { "and" } else { "or" };
                let (left, right) = (self.condition(left)?, self.condition(right)?);
                let whole = format!("({left} {word} {right})");
                self.visit(whole.len())?;
                Some(whole)
            }
            Expression::Operation(sign, left, right) if self.counts(left) => {
                self.how_many(sign, left, right)
            }
            Expression::Operation(sign @ ("==" | "!="), left, right) => {
                let (left, right) = match (&**left, &**right) {
                    (
                        Expression::Nil
                        | Expression::Literal(_)
                        | Expression::Number(_)
                        | Expression::Bool(_),
                        _,
                    ) => (right, left),
                    _ => (left, right),
                };
                let equal = self.is_equal(left, right)?;
                Some(match (*sign, equal.contains(" == ")) {
                    ("==", _) => equal,
                    (_, true) if !equal.starts_with('(') => equal.replacen(" == ", " != ", 1),
                    _ => negated(&equal),
                })
            }
            Expression::Operation(sign @ ("<" | "<=" | ">" | ">="), left, right) => {
                let left = self.compared(left)?;
                let right = self.compared(right)?;
                Some(format!("{left} {sign} {right}"))
            }
            Expression::Operation(sign @ ("=~" | "!~"), left, right) => {
                let ((Expression::Regex(pattern), left) | (left, Expression::Regex(pattern))) =
                    (&**left, &**right)
                else {
                    return None;
                };
                let left = self.operand(left)?;
                Some(format!("{left} {sign} {}", self.between_slashes(pattern)?))
            }
            Expression::Call(Call { receiver: Some(receiver), name, arguments, block: None }) => {
                self.question(receiver, name, arguments)
            }
            _ => None,
        }
    }

    /// `list.length` of a list that the code has made.
    fn counts(&mut self, side: &Expression) -> bool {
        match side {
            Expression::Call(Call { receiver: Some(list), name, arguments, block: None }) => {
                matches!(name.as_str(), "length" | "size" | "count")
                    && arguments.is_empty()
                    && self.is_list(list)
            }
            _ => false,
        }
    }

    /// How long a list is, told from which elements there are.
    fn how_many(&mut self, sign: &str, side: &Expression, than: &Expression) -> Option<String> {
        let (Expression::Call(Call { receiver: Some(list), .. }), Expression::Number(than)) =
            (side, than)
        else {
            return None;
        };
        let than: usize = than.parse().ok().filter(|than| (1..=100).contains(than))?;
        let list = self.operand(list)?;
        let last = is_true(&format!("{list}[{}]", than - 1));
        let next = is_true(&format!("{list}[{than}]"));
        match sign {
            ">" => Some(next),
            ">=" => Some(last),
            "<" => Some(negated(&last)),
            "<=" => Some(negated(&next)),
            "==" => Some(format!("({last} and {})", negated(&next))),
            _ => None,
        }
    }

    /// A side of a comparison: a number or a field.
    fn compared(&mut self, side: &Expression) -> Option<String> {
        match side {
            Expression::Number(text) if !text.contains(['e', 'E']) => Some(text.clone()),
            Expression::Literal(text) => quote(text),
            side => {
                let field = self.operand(side)?;
                (field != "[@timestamp]").then_some(field)
            }
        }
    }

    fn is_equal(&mut self, left: &Expression, right: &Expression) -> Option<String> {
        let left = self.operand(left)?;
        match right {
            Expression::Nil => self.is_nil(&left),
            // Elements of a list are compared as they print, as which a text would be equal too.
            Expression::Bool(value) => {
                self.visit(2 * left.len())?;
                Some(format!("({left} in [\"{value}\"] and {left} != \"{value}\")"))
            }
            Expression::Number(_) => Some(format!("{left} == {}", self.compared(right)?)),
            right => match self.literal(right) {
                Some(text) => Some(format!("{left} == {}", quote(&text)?)),
                None => Some(format!("{left} == {}", self.field(right)?)),
            },
        }
    }

    /// A field that holds a value's text, or how it was asked for where there is none.
    fn as_text(&mut self, field: &str) -> Option<String> {
        self.visit(field.len())?;
        let text = self.temporary();
        let pair = format!("{{ \"{text}\" => \"%{{{field}}}\" }}");
        self.steps.push(Step::option("mutate", "replace", &pair));
        Some(text)
    }

    /// Whether there is no value. A field alone would also ask for an empty text, and for `false`.
    fn is_nil(&mut self, field: &str) -> Option<String> {
        let text = self.as_text(field)?;
        Some(format!("{text} == \"%{{{field}}}\""))
    }

    /// The opposite of [`Self::is_nil`].
    fn is_there(&mut self, field: &str) -> Option<String> {
        let text = self.as_text(field)?;
        Some(format!("{text} != \"%{{{field}}}\""))
    }

    /// `a.name?(...)`.
    fn question(
        &mut self,
        receiver: &Expression,
        name: &str,
        arguments: &[Expression],
    ) -> Option<String> {
        if is_event(receiver) {
            return match (name, arguments) {
                ("include?", [field]) => {
                    let field = reference(&self.literal(field)?)?;
                    self.is_there(&field)
                }
                _ => None,
            };
        }
        match (name, arguments) {
            ("match" | "match?" | "=~", [value]) if matches!(receiver, Expression::Regex(_)) => {
                let Expression::Regex(pattern) = receiver else { return None };
                let field = self.operand(value)?;
                Some(format!("{field} =~ {}", self.between_slashes(pattern)?))
            }
            ("nil?", []) => {
                let field = self.operand(receiver)?;
                self.is_nil(&field)
            }
            ("empty?", []) => {
                let field = self.operand(receiver)?;
                Some(format!("{field} == \"\""))
            }
            ("zero?", []) => Some(format!("{} == 0", self.operand(receiver)?)),
            ("positive?", []) => Some(format!("{} > 0", self.operand(receiver)?)),
            ("negative?", []) => Some(format!("{} < 0", self.operand(receiver)?)),
            ("any?", []) => Some(is_true(&format!("{}[0]", self.operand(receiver)?))),
            ("is_a?" | "kind_of?" | "instance_of?", [class]) => {
                let is_array = matches!(class, Expression::Name(class) if class == "Array");
                if !is_array {
                    self.reason = Some(
                        "no condition asks for a value's type; `mutate { convert => ... }` makes it sure",
                    );
                    return None;
                }
                Some(is_true(&format!("{}[0]", self.operand(receiver)?)))
            }
            ("include?" | "member?", [wanted]) => self.includes(receiver, wanted),
            ("key?" | "has_key?", [key]) => self.has_key(receiver, key),
            ("start_with?", [_, ..]) => self.has_end(receiver, "\\A", arguments, ""),
            ("end_with?", [_, ..]) => self.has_end(receiver, "", arguments, "\\z"),
            ("match" | "match?" | "=~", [Expression::Regex(pattern)]) => {
                let field = self.operand(receiver)?;
                Some(format!("{field} =~ {}", self.between_slashes(pattern)?))
            }
            // The other values of a field are asked for by itself.
            ("to_s", []) => self.condition(receiver),
            _ => None,
        }
    }

    fn includes(&mut self, list: &Expression, wanted: &Expression) -> Option<String> {
        if let Expression::Array(elements) = list {
            let elements = elements
                .iter()
                .map(|one| quote(&self.literal(one)?))
                .collect::<Option<Vec<_>>>()?;
            let field = self.operand(wanted)?;
            return (!elements.is_empty()).then(|| format!("{field} in [{}]", elements.join(", ")));
        }
        let wanted = match self.literal(wanted) {
            Some(text) => quote(&text)?,
            None => self.field(wanted)?,
        };
        Some(format!("{wanted} in {}", self.operand(list)?))
    }

    fn has_key(&mut self, hash: &Expression, key: &Expression) -> Option<String> {
        let key = self.literal(key)?;
        // `event.to_hash.key?("a")`.
        if let Expression::Call(Call { receiver: Some(event), name, .. }) = hash
            && name == "to_hash"
            && is_event(event)
        {
            let field = reference(&format!("[{key}]"))?;
            return self.is_there(&field);
        }
        let inner = format!("{}[{key}]", self.operand(hash)?);
        let field = reference(&inner).filter(|found| *found == inner)?;
        self.is_there(&field)
    }

    /// Whether one of some texts stands between these anchors.
    fn has_end(
        &mut self,
        text: &Expression,
        before: &str,
        texts: &[Expression],
        behind: &str,
    ) -> Option<String> {
        let texts = texts
            .iter()
            .map(|text| Some(regex::escape(&self.literal(text)?)))
            .collect::<Option<Vec<_>>>()?;
        let texts = match texts.as_slice() {
            [only] => only.clone(),
            several => format!("({})", several.join("|")),
        };
        let field = self.operand(text)?;
        Some(format!("{field} =~ {}", self.between_slashes(&format!("{before}{texts}{behind}"))?))
    }

    /// A pattern as a condition holds it.
    pub(super) fn between_slashes(&mut self, pattern: &str) -> Option<String> {
        self.visit(16 * pattern.len())?;
        RubyPattern::compile(pattern).ok()?;
        if pattern.is_empty() || pattern.ends_with('\\') || pattern.chars().any(char::is_control) {
            return None;
        }
        Some(format!("/{}/", pattern.replace('/', "\\/")))
    }

    /// The condition of `when ...`.
    pub(super) fn arm(&mut self, field: &str, values: &[Expression]) -> Option<String> {
        let mut texts = Vec::new();
        let mut conditions = Vec::new();
        for value in values {
            match value {
                Expression::Regex(pattern) => {
                    conditions.push(format!("{field} =~ {}", self.between_slashes(pattern)?));
                }
                Expression::Number(_) => {
                    conditions.push(format!("{field} == {}", self.compared(value)?))
                }
                Expression::Nil => conditions.push(self.is_nil(field)?),
                value => texts.push(quote(&self.literal(value)?)?),
            }
        }
        match texts.as_slice() {
            [] => {}
            [only] => conditions.push(format!("{field} == {only}")),
            several => conditions.push(format!("{field} in [{}]", several.join(", "))),
        }
        match conditions.as_slice() {
            [] => None,
            [only] => Some(only.clone()),
            several => Some(format!("({})", several.join(" or "))),
        }
    }
}

/// Whether a field holds what is true in Ruby: an empty text is, and the text `false`. Neither is where a field stands
/// alone.
fn is_true(field: &str) -> String {
    match field {
        "[@timestamp]" => field.to_owned(),
        _ => format!("({field} or {field} == \"\" or {field} == \"false\")"),
    }
}
