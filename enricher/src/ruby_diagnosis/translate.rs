//! From the tree of Ruby to the steps of a pipeline that do the same. What is not surely the same is left out, and
//! said to be.

mod calls;
mod variables;

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::DEPTH_MAX;
use super::footprint::Footprint;
use super::lexer::Token;
use super::steps::Step;
use super::tree::{Call, Expression, Place, Statement};

/// Most bytes of code that are shown of a statement.
const SHOWN_CHARACTERS_MAX: usize = 70;
/// Most elements of a list that a loop is written out for, and most arms of a `case`.
const UNROLLED_MAX: usize = 50;

/// Most variables, and most fields that one hangs on.
const LOCALS_MAX: usize = 100;

/// What a variable of the code stands for.
#[derive(Clone, Debug)]
struct Local {
    value: Rc<Expression>,
    /// Fields and variables that its value hangs on.
    hangs_on: BTreeSet<String>,
    /// Whether one of them has changed since.
    is_stale: bool,
}

/// A translation at work.
#[derive(Debug)]
pub(super) struct Translator<'c> {
    code: &'c str,
    tokens: &'c [Token],
    line_of: &'c dyn LineOf,
    locals: BTreeMap<String, Local>,
    /// Variables as they were before a field was made of them.
    undo: Vec<(String, Local)>,
    pub(super) steps: Vec<Step>,
    temporaries: usize,
    /// Visits of the tree that are left: variables can make it larger than the code.
    visits_left: usize,
    depth: usize,
    /// Why the statement at hand has no translation, where more is known.
    pub(super) reason: Option<&'static str>,
    pub(super) translated: usize,
    pub(super) missing: usize,
}

/// Which line of the pipeline a byte of the code stands in.
pub(super) trait LineOf: std::fmt::Debug {
    fn line_of(&self, at: usize) -> usize;
}

impl<'c> Translator<'c> {
    pub(super) fn new(code: &'c str, tokens: &'c [Token], line_of: &'c dyn LineOf) -> Self {
        Self {
            code,
            tokens,
            line_of,
            locals: BTreeMap::new(),
            undo: Vec::new(),
            steps: Vec::new(),
            temporaries: 0,
            visits_left: 1_000 + 20 * tokens.len(),
            depth: 0,
            reason: None,
            translated: 0,
            missing: 0,
        }
    }

    /// Goes on with another code, whose variables stay: that of `init` comes before `code`.
    pub(super) fn go_on(&mut self, code: &'c str, tokens: &'c [Token], line_of: &'c dyn LineOf) {
        self.code = code;
        self.tokens = tokens;
        self.line_of = line_of;
        self.visits_left += 20 * tokens.len();
    }

    /// Whether one more part of the tree may be looked at.
    pub(super) fn visit(&mut self, cost: usize) -> Option<()> {
        self.visits_left = self.visits_left.checked_sub(1 + cost / 16)?;
        Some(())
    }

    /// Looks at a part of the tree, within bounds.
    pub(super) fn deeper<T>(&mut self, look: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.visit(0)?;
        if self.depth >= DEPTH_MAX {
            return None;
        }
        self.depth += 1;
        let found = look(self);
        self.depth -= 1;
        found
    }

    /// Translates statements in their order.
    pub(super) fn statements(&mut self, statements: &[Statement]) {
        for (at, statement) in statements.iter().enumerate() {
            let rest = statements.get(at + 1..).unwrap_or_default();
            if self.leaves_early(statement, rest) {
                return;
            }
            self.statement(statement);
        }
    }

    /// `return if ...`: what follows is done under the opposite condition.
    fn leaves_early(&mut self, statement: &Statement, rest: &[Statement]) -> bool {
        let Expression::If(condition, then, otherwise) = &statement.expression else {
            return matches!(statement.expression, Expression::Leave);
        };
        let leaves =
            |body: &[Statement]| matches!(body, [Statement { expression: Expression::Leave, .. }]);
        let leaves_where_it_holds = match (then.as_slice(), otherwise.as_slice()) {
            (body, []) if leaves(body) => true,
            ([], body) if leaves(body) => false,
            _ => return false,
        };
        if rest.is_empty() {
            return true;
        }
        let Some(condition) = self.attempt(|this| this.condition(condition)) else {
            // Whether what follows is done at all is not known.
            let place = Place {
                start: statement.place.start,
                end: rest.last().map_or(statement.place.end, |last| last.place.end),
            };
            self.leave_out(place);
            return true;
        };
        self.translated += 1;
        let rest = self.branch(rest);
        if !rest.is_empty() {
            let condition = if leaves_where_it_holds { negated(&condition) } else { condition };
            self.steps.push(Step::If(condition, rest, Vec::new()));
        }
        true
    }

    fn statement(&mut self, statement: &Statement) {
        self.reason = None;
        let is_block = self.block_statement(statement);
        if is_block {
            return;
        }
        match self.attempt(|this| this.simple_statement(&statement.expression)) {
            // A variable is nothing that an event shows.
            Some(()) => match &statement.expression {
                Expression::Assign(target, ..) if matches!(**target, Expression::Name(_)) => {}
                _ => self.translated += 1,
            },
            None => self.leave_out(statement.place),
        }
    }

    /// Does something that may turn out to have no translation: then no step is left of it.
    pub(super) fn attempt<T>(&mut self, what: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        let (steps, depth, undo) = (self.steps.len(), self.depth, self.undo.len());
        let found = self.deeper(what);
        self.depth = depth;
        if found.is_none() {
            self.steps.truncate(steps);
            self.take_back(undo);
        }
        found
    }

    /// Steps that are not done here, but in a branch.
    pub(super) fn steps_of(
        &mut self,
        what: impl FnOnce(&mut Self) -> Option<()>,
    ) -> Option<Vec<Step>> {
        let undo = self.undo.len();
        let outer = std::mem::take(&mut self.steps);
        let done = what(self);
        let steps = std::mem::replace(&mut self.steps, outer);
        self.take_back(undo);
        done.map(|()| steps)
    }

    /// Variables are again what they were: the steps that made fields of them are not done.
    fn take_back(&mut self, undo: usize) {
        while self.undo.len() > undo {
            if let Some((name, local)) = self.undo.pop() {
                self.locals.insert(name, local);
            }
        }
    }

    /// From here on a variable is a field that was made of its value.
    pub(super) fn is_in_field(&mut self, name: &str, field: &str) {
        if let Some(local) = self.locals.get_mut(name) {
            let hangs_on = BTreeSet::from([field.to_owned()]);
            let now = Local { value: Rc::new(get(field)), hangs_on, is_stale: false };
            self.undo.push((name.to_owned(), std::mem::replace(local, now)));
        }
    }

    /// Says of a statement that nothing does the same.
    fn leave_out(&mut self, place: Place) {
        self.missing += 1;
        let code = self.code.get(place.start..place.end).unwrap_or_default();
        let mut shown = String::new();
        let code: String = code
            .chars()
            .map(|sign| {
                if sign.is_control() && !sign.is_whitespace() {
                    char::REPLACEMENT_CHARACTER
                } else {
                    sign
                }
            })
            .collect();
        for word in code.split_whitespace() {
            if shown.chars().count() + word.chars().count() > SHOWN_CHARACTERS_MAX {
                shown.push_str(if shown.is_empty() { "..." } else { " ..." });
                break;
            }
            if !shown.is_empty() {
                shown.push(' ');
            }
            shown.push_str(word);
        }
        let line = self.line_of.line_of(place.start);
        self.steps.push(Step::Note(format!("line {line}: no filter does `{shown}`")));
        let footprint = Footprint::of(self.tokens, place).words();
        if !footprint.is_empty() {
            self.steps.push(Step::Note(format!("  it {footprint}")));
        }
        if let Some(reason) = self.reason.take() {
            self.steps.push(Step::Note(format!("  {reason}")));
        }
        // What it may have changed is not known.
        self.locals.values_mut().for_each(|local| local.is_stale = true);
    }

    /// Statements that hold others.
    fn block_statement(&mut self, statement: &Statement) -> bool {
        match &statement.expression {
            Expression::Group(body) => {
                self.statements(body);
                true
            }
            Expression::If(condition, then, otherwise) => {
                let random = self.attempt(|this| this.random_cancel(condition, then, otherwise));
                if random.is_some() {
                    self.translated += 1;
                    return true;
                }
                let Some(condition) = self.attempt(|this| this.condition(condition)) else {
                    return false;
                };
                self.translated += 1;
                let (then, otherwise) = (self.branch(then), self.branch(otherwise));
                match (then.is_empty(), otherwise.is_empty()) {
                    (true, true) => {}
                    (true, false) => {
                        self.steps.push(Step::If(negated(&condition), otherwise, Vec::new()));
                    }
                    _ => self.steps.push(Step::If(condition, then, otherwise)),
                }
                true
            }
            Expression::Case(subject, arms, otherwise) if arms.len() <= UNROLLED_MAX => {
                let conditions = self.attempt(|this| {
                    let field = this.operand(subject)?;
                    arms.iter()
                        .map(|(values, _)| this.arm(&field, values))
                        .collect::<Option<Vec<_>>>()
                });
                let Some(conditions) = conditions else { return false };
                self.translated += 1;
                let mut chain = self.branch(otherwise);
                let bodies: Vec<_> = arms.iter().map(|(_, body)| self.branch(body)).collect();
                for (condition, body) in conditions.into_iter().zip(bodies).rev() {
                    chain = vec![Step::If(condition, body, chain)];
                }
                self.steps.append(&mut chain);
                true
            }
            Expression::Call(call) => self.loop_over_constants(call),
            _ => false,
        }
    }

    /// What is done in a branch. Variables that it sets are not known behind it.
    fn branch(&mut self, body: &[Statement]) -> Vec<Step> {
        let outer = std::mem::take(&mut self.steps);
        let depth = self.depth;
        self.depth += 1;
        let before: BTreeMap<_, _> = self
            .locals
            .iter()
            .map(|(name, local)| (name.clone(), Rc::as_ptr(&local.value)))
            .collect();
        // Each branch looks at all variables.
        let may = self.visit(16 * before.len()).is_some() && self.depth < DEPTH_MAX;
        if may {
            self.statements(body);
        } else if let (Some(first), Some(last)) = (body.first(), body.last()) {
            self.leave_out(Place { start: first.place.start, end: last.place.end });
        }
        for (name, local) in &mut self.locals {
            local.is_stale |= before.get(name) != Some(&Rc::as_ptr(&local.value));
        }
        self.depth = depth;
        std::mem::replace(&mut self.steps, outer)
    }

    fn simple_statement(&mut self, expression: &Expression) -> Option<()> {
        match expression {
            Expression::Assign(target, sign, value) => self.assign(target, sign, value),
            Expression::Call(call) => self.call(call),
            // The value of the whole code is not looked at.
            Expression::Nil
            | Expression::Bool(_)
            | Expression::Name(_)
            | Expression::Literal(_)
            | Expression::Leave => Some(()),
            _ => None,
        }
    }
}

pub(super) fn is_event(expression: &Expression) -> bool {
    matches!(expression, Expression::Name(name) if name == "event")
}

/// `event.get(field)`.
fn get(field: &str) -> Expression {
    Expression::Call(Call {
        receiver: Some(Box::new(Expression::Name("event".to_owned()))),
        name: "get".to_owned(),
        arguments: vec![Expression::Literal(field.to_owned())],
        block: None,
    })
}

/// The opposite of a condition.
pub(super) fn negated(condition: &str) -> String {
    match condition.strip_prefix('!') {
        // Either a single field or a whole in parentheses stands behind it.
        Some(inner) => match inner.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) {
            Some(whole) if !whole.contains(" and ") && !whole.contains(" or ") => whole.to_owned(),
            _ => inner.to_owned(),
        },
        // One of several parts stands in parentheses always.
        None if is_single(condition) || condition.starts_with('(') => format!("!{condition}"),
        None => format!("!({condition})"),
    }
}

/// Whether a condition is a field alone.
pub(super) fn is_single(condition: &str) -> bool {
    condition.starts_with('[') && condition.ends_with(']') && !condition.contains(' ')
}
