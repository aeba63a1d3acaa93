//! Calls of the event, and loops over what is known.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{Local, Translator, UNROLLED_MAX, is_event};
use crate::ruby_diagnosis::DEPTH_MAX;
use crate::ruby_diagnosis::steps::{Step, quote, reference};
use crate::ruby_diagnosis::tree::{Call, Expression, Statement};

impl Translator<'_> {
    /// The field of `event.remove(...)`.
    pub(in crate::ruby_diagnosis) fn removed_field(
        &mut self,
        expression: &Expression,
    ) -> Option<String> {
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

    pub(super) fn call(&mut self, call: &Call) -> Option<()> {
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

    pub(super) fn call_of_event(&mut self, call: &Call) -> Option<()> {
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

    pub(in crate::ruby_diagnosis) fn tag(&mut self, tags: &[String]) -> Option<()> {
        let quoted = tags.iter().map(|tag| quote(tag)).collect::<Option<Vec<_>>>()?;
        self.changed("[tags]");
        self.steps.push(Step::option("mutate", "add_tag", &format!("[ {} ]", quoted.join(", "))));
        Some(())
    }

    pub(super) fn set(&mut self, field: &Expression, value: &Expression) -> Option<()> {
        let target = reference(&self.literal(field)?)?;
        self.store(&target, value)?;
        self.changed(&target);
        Some(())
    }

    /// `event.cancel if rand <= 0.9`.
    pub(super) fn random_cancel(
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
        // Of a hundred, without the digits that only stand for what binary fractions lack.
        let percentage = (limit.parse::<f64>().ok()? * 1e8).round() / 1e6;
        if random != "rand" || !cancels || !(0.0..=100.0).contains(&percentage) {
            return None;
        }
        self.steps.push(Step::option("drop", "percentage", &percentage.to_string()));
        Some(())
    }

    /// `["a", "b"].each { |name| ... }`: the body once for each.
    pub(super) fn loop_over_constants(&mut self, call: &Call) -> bool {
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
    pub(super) fn rounds(
        &mut self,
        list: &Expression,
        parameters: usize,
    ) -> Option<Vec<Vec<Expression>>> {
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
