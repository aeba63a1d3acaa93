//! The variables of the code: what each stands for, and when that is no longer so.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{LOCALS_MAX, Local, Translator, get};
use crate::ruby_diagnosis::steps::Step;
use crate::ruby_diagnosis::tree::{Call, Expression};

impl Translator<'_> {
    pub(super) fn assign(
        &mut self,
        target: &Expression,
        sign: &str,
        value: &Expression,
    ) -> Option<()> {
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

    pub(super) fn define(&mut self, name: &str, value: &Expression) -> Option<()> {
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
    pub(super) fn add_to_hash(
        &mut self,
        hash: &str,
        key: &Expression,
        value: &Expression,
    ) -> Option<()> {
        let local = self.locals.get(hash).filter(|local| !local.is_stale)?;
        let Expression::Hash(pairs) = &*local.value else { return None };
        let mut pairs = pairs.clone();
        self.visit(16 * pairs.len())?;
        pairs.push((key.clone(), value.clone()));
        self.define(hash, &Expression::Hash(pairs))
    }

    /// The value of a variable, unless what it was made of has changed.
    pub(in crate::ruby_diagnosis) fn local(&mut self, name: &str) -> Option<Rc<Expression>> {
        self.visit(0)?;
        let local = self.locals.get(name)?;
        if local.is_stale {
            self.reason = Some("a variable is used here whose value hangs on what was done before");
            return None;
        }
        Some(Rc::clone(&local.value))
    }

    /// All that a value is made of.
    pub(super) fn hangs_on(
        &mut self,
        expression: &Expression,
        found: &mut BTreeSet<String>,
    ) -> Option<()> {
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
    pub(in crate::ruby_diagnosis) fn changed(&mut self, name: &str) {
        for local in self.locals.values_mut() {
            local.is_stale |= local
                .hangs_on
                .iter()
                .any(|other| other.starts_with(name) || name.starts_with(other.as_str()));
        }
    }

    /// A field that no document has.
    pub(in crate::ruby_diagnosis) fn temporary(&mut self) -> String {
        self.temporaries += 1;
        format!("[@metadata][ruby_{}]", self.temporaries)
    }
}
