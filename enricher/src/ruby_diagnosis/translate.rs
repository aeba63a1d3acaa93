//! From the tree of Ruby to the steps of a pipeline that do the same. What is not surely the same is left out, and
//! said to be.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::DEPTH_MAX;
use super::footprint::Footprint;
use super::lexer::Token;
use super::steps::{Step, quote, reference};
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

    fn assign(&mut self, target: &Expression, sign: &str, value: &Expression) -> Option<()> {
        match target {
            Expression::Name(name) => {
                if let Some(old) = self.locals.get_mut(name) {
                    old.is_stale = true;
                }
                self.changed(name);
                let is_first =
                    sign == "||=" && !self.locals.contains_key(name) && name.starts_with('@');
                if sign != "=" && !is_first {
                    return None;
                }
                if let Some(field) = self.removed_field(value) {
                    let kept = self.temporary();
                    self.steps.push(Step::Rename(field.clone(), kept.clone()));
                    self.changed(&field);
                    return self.define(name, &get(&kept));
                }
                self.define(name, value)
            }
            Expression::Call(Call { receiver: Some(receiver), name, arguments, .. }) => {
                if sign != "=" {
                    return None;
                }
                match (&**receiver, name.as_str(), arguments.as_slice()) {
                    (Expression::Name(event), "[]", [field]) if event == "event" => {
                        self.set(field, value)
                    }
                    (Expression::Name(event), "timestamp", []) if event == "event" => {
                        self.set(&Expression::Literal("@timestamp".to_owned()), value)
                    }
                    (Expression::Name(hash), "[]", [key]) => self.add_to_hash(hash, key, value),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn define(&mut self, name: &str, value: &Expression) -> Option<()> {
        let mut hangs_on = BTreeSet::new();
        self.hangs_on(value, &mut hangs_on)?;
        if self.locals.len() >= LOCALS_MAX || hangs_on.len() > LOCALS_MAX {
            return None;
        }
        let is_stale = hangs_on.contains(name);
        let value = Rc::new(value.clone());
        self.locals.insert(name.to_owned(), Local { value, hangs_on, is_stale });
        Some(())
    }

    /// `hash[key] = value` on a hash that the code has made.
    fn add_to_hash(&mut self, hash: &str, key: &Expression, value: &Expression) -> Option<()> {
        let local = self.locals.get(hash).filter(|local| !local.is_stale)?;
        let Expression::Hash(pairs) = &*local.value else { return None };
        let mut pairs = pairs.clone();
        self.visit(16 * pairs.len())?;
        pairs.push((key.clone(), value.clone()));
        self.define(hash, &Expression::Hash(pairs))
    }

    /// The value of a variable, unless what it was made of has changed.
    pub(super) fn local(&mut self, name: &str) -> Option<Rc<Expression>> {
        self.visit(0)?;
        let local = self.locals.get(name)?;
        if local.is_stale {
            self.reason = Some("a variable is used here whose value hangs on what was done before");
            return None;
        }
        Some(Rc::clone(&local.value))
    }

    /// All that a value is made of.
    fn hangs_on(&mut self, expression: &Expression, found: &mut BTreeSet<String>) -> Option<()> {
        self.deeper(|this| {
            if let Some(field) = this.field(expression) {
                found.insert(field);
            }
            match expression {
                Expression::Name(name) => {
                    if let Some(local) = this.locals.get(name) {
                        let hangs_on = local.hangs_on.clone();
                        this.visit(16 * hangs_on.len())?;
                        found.extend(hangs_on);
                    }
                    found.insert(name.clone());
                    Some(())
                }
                Expression::Call(call) => {
                    if let Some(receiver) = &call.receiver {
                        this.hangs_on(receiver, found)?;
                    }
                    call.arguments.iter().try_for_each(|argument| this.hangs_on(argument, found))
                }
                Expression::Text(parts) | Expression::Array(parts) => {
                    parts.iter().try_for_each(|part| this.hangs_on(part, found))
                }
                Expression::Hash(pairs) => pairs.iter().try_for_each(|(key, value)| {
                    this.hangs_on(key, found)?;
                    this.hangs_on(value, found)
                }),
                Expression::Operation(_, left, right) => {
                    this.hangs_on(left, found)?;
                    this.hangs_on(right, found)
                }
                Expression::Not(inner) => this.hangs_on(inner, found),
                Expression::If(condition, then, otherwise) => {
                    this.hangs_on(condition, found)?;
                    then.iter()
                        .chain(otherwise)
                        .try_for_each(|one| this.hangs_on(&one.expression, found))
                }
                _ => Some(()),
            }
        })
    }

    /// A field or a variable has another value now.
    pub(super) fn changed(&mut self, name: &str) {
        for local in self.locals.values_mut() {
            local.is_stale |= local
                .hangs_on
                .iter()
                .any(|other| other.starts_with(name) || name.starts_with(other.as_str()));
        }
    }

    /// A field that no document has.
    pub(super) fn temporary(&mut self) -> String {
        self.temporaries += 1;
        format!("[@metadata][ruby_{}]", self.temporaries)
    }

    /// The field of `event.remove(...)`.
    pub(super) fn removed_field(&mut self, expression: &Expression) -> Option<String> {
        match expression {
            Expression::Call(Call { receiver: Some(receiver), name, arguments, block: None })
                if name == "remove" && is_event(receiver) =>
            {
                match arguments.as_slice() {
                    [field] => {
                        reference(&self.literal(field)?).filter(|field| field != "[@timestamp]")
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn call(&mut self, call: &Call) -> Option<()> {
        let Some(receiver) = &call.receiver else {
            // What only writes to a log does nothing to an event.
            return matches!(call.name.as_str(), "puts" | "p" | "print" | "require").then_some(());
        };
        match &**receiver {
            Expression::Name(name) if name == "event" => self.call_of_event(call),
            Expression::Name(name) if matches!(name.as_str(), "logger" | "@logger") => Some(()),
            Expression::Name(name) if name == "new_event_block" && call.name == "call" => {
                match call.arguments.as_slice() {
                    [Expression::Call(Call { receiver: Some(cloned), name, .. })]
                        if is_event(cloned) && name == "clone" =>
                    {
                        self.steps.push(Step::Note(
                            "the copy is marked with the name of `clones`".to_owned(),
                        ));
                        self.steps.push(Step::option("clone", "clones", "[ \"copy\" ]"));
                        Some(())
                    }
                    _ => {
                        self.reason = Some("`clone` and `split` make events out of one");
                        None
                    }
                }
            }
            _ => self.loop_over_fields(receiver, call),
        }
    }

    fn call_of_event(&mut self, call: &Call) -> Option<()> {
        match (call.name.as_str(), call.arguments.as_slice()) {
            ("set", [field, value]) => self.set(field, value),
            // `event.set "a" => 1` is no Ruby that runs.
            ("remove", [field]) => {
                let field = reference(&self.literal(field)?)?;
                if field == "[@timestamp]" {
                    self.reason = Some("every event has its time");
                    return None;
                }
                self.changed(&field);
                self.steps.push(Step::Remove(field));
                Some(())
            }
            ("tag", [tag]) => {
                let tags = match tag {
                    Expression::Array(tags) => {
                        tags.iter().map(|tag| self.template(tag)).collect::<Option<Vec<_>>>()?
                    }
                    tag => vec![self.template(tag)?],
                };
                self.tag(&tags)
            }
            ("cancel", []) => {
                self.steps.push(Step::Filter("drop { }".to_owned()));
                Some(())
            }
            ("get" | "to_hash" | "to_s" | "timestamp", _) => Some(()),
            ("append" | "overwrite", _) => {
                self.reason = Some("name the fields, one event.set each");
                None
            }
            _ => None,
        }
    }

    pub(super) fn tag(&mut self, tags: &[String]) -> Option<()> {
        let quoted = tags.iter().map(|tag| quote(tag)).collect::<Option<Vec<_>>>()?;
        self.changed("[tags]");
        self.steps.push(Step::option("mutate", "add_tag", &format!("[ {} ]", quoted.join(", "))));
        Some(())
    }

    fn set(&mut self, field: &Expression, value: &Expression) -> Option<()> {
        let target = reference(&self.literal(field)?)?;
        self.store(&target, value)?;
        self.changed(&target);
        Some(())
    }

    /// `event.cancel if rand <= 0.9`.
    fn random_cancel(
        &mut self,
        condition: &Expression,
        then: &[Statement],
        otherwise: &[Statement],
    ) -> Option<()> {
        let ([Statement { expression: Expression::Call(cancel), .. }], []) = (then, otherwise)
        else {
            return None;
        };
        let Expression::Operation("<" | "<=", random, limit) = condition else { return None };
        let (Expression::Name(random), Expression::Number(limit)) = (&**random, &**limit) else {
            return None;
        };
        let cancels = cancel.name == "cancel" && cancel.receiver.as_deref().is_some_and(is_event);
        let percentage = (limit.parse::<f64>().ok()? * 100.0).round();
        if random != "rand" || !cancels || !(0.0..=100.0).contains(&percentage) {
            return None;
        }
        self.steps.push(Step::option("drop", "percentage", &format!("{percentage:.0}")));
        Some(())
    }

    /// `["a", "b"].each { |name| ... }`: the body once for each.
    fn loop_over_constants(&mut self, call: &Call) -> bool {
        let (Some(receiver), Some(block)) = (&call.receiver, &call.block) else { return false };
        if !matches!(call.name.as_str(), "each" | "each_pair") || !call.arguments.is_empty() {
            return false;
        }
        let rounds = self.attempt(|this| this.rounds(receiver, block.parameters.len()));
        let Some(rounds) = rounds else { return false };
        // A variable of the same name outside of the block is another one.
        let steps = self.steps.len();
        let outer: Vec<_> =
            block.parameters.iter().filter_map(|name| self.locals.remove_entry(name)).collect();
        for round in rounds {
            for (name, value) in block.parameters.iter().zip(round) {
                let value = Rc::new(value);
                self.changed(name);
                let local = Local { value, hangs_on: BTreeSet::new(), is_stale: false };
                self.locals.insert(name.clone(), local);
            }
            if self.visit(16 * block.body.len()).is_none() || self.depth >= DEPTH_MAX {
                self.steps.truncate(steps);
                return false;
            }
            self.depth += 1;
            self.statements(&block.body);
            self.depth -= 1;
        }
        for name in &block.parameters {
            self.locals.remove(name);
        }
        self.locals.extend(outer);
        true
    }

    /// What the parameters of a block are in each round.
    fn rounds(&mut self, list: &Expression, parameters: usize) -> Option<Vec<Vec<Expression>>> {
        match (list, parameters) {
            (Expression::Name(name), _) => {
                let value = self.local(name)?;
                self.deeper(|this| this.rounds(&value, parameters))
            }
            (Expression::Array(elements), 1) if elements.len() <= UNROLLED_MAX => elements
                .iter()
                .map(|element| Some(vec![Expression::Literal(self.literal(element)?)]))
                .collect(),
            (Expression::Hash(pairs), 2) if pairs.len() <= UNROLLED_MAX => pairs
                .iter()
                .map(|(key, value)| {
                    let key = Expression::Literal(self.literal(key)?);
                    Some(vec![key, Expression::Literal(self.literal(value)?)])
                })
                .collect(),
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
