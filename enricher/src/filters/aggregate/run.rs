//! Runs code on an event and its map. What Ruby would fail at fails here too; what was done before stays done.

use std::borrow::Cow;

use event::{Event, FieldPath, Limits};

use super::code::{Assignment, Code, Source, Step};
use super::operation::operate;
use super::place::{Found, element, set_within, signed, slot_within};
use super::value::{Members, Value, key_size_bytes};

/// Deepest nesting of what a map holds.
const DEPTH_MAX: usize = 32;

static NIL: Value = Value::Nil;

/// Why code did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// Ruby would raise an exception.
    Exception,
    /// The map would become too large.
    TooLarge,
}

/// How code ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) result: Result<(), Failed>,
    /// Whether the event was cancelled.
    pub(super) is_cancelled: bool,
    /// How many bytes the map has become larger.
    pub(super) grown_bytes: isize,
}

/// Runs code. `room_bytes` is how much larger the map may become.
pub(super) fn run(code: &Code, event: &mut Event, map: &mut Members, room_bytes: usize) -> Ended {
    let variables = vec![Value::Nil; code.variables];
    let room_bytes = isize::try_from(room_bytes).unwrap_or(isize::MAX);
    let mut runner =
        Runner { event, map, variables, is_cancelled: false, grown_bytes: 0, room_bytes };
    let result = runner.steps(&code.steps).map(|_| ());
    Ended { result, is_cancelled: runner.is_cancelled, grown_bytes: runner.grown_bytes }
}

/// Whether the code goes on behind a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    GoesOn,
    Left,
}

struct Runner<'r> {
    event: &'r mut Event,
    map: &'r mut Members,
    variables: Vec<Value>,
    is_cancelled: bool,
    grown_bytes: isize,
    room_bytes: isize,
}

impl Runner<'_> {
    fn steps(&mut self, steps: &[Step]) -> Result<Flow, Failed> {
        for step in steps {
            if self.step(step)? == Flow::Left {
                return Ok(Flow::Left);
            }
        }
        Ok(Flow::GoesOn)
    }

    fn step(&mut self, step: &Step) -> Result<Flow, Failed> {
        match step {
            Step::SetMap(keys, assignment, source) => self.set_map(keys, *assignment, source)?,
            Step::Push(keys, source) => self.push(keys, source)?,
            Step::DeleteFromMap(key) => {
                if let Some(key) = self.value(key)?.key()
                    && let Some(value) = self.map.shift_remove(&key)
                {
                    self.grown_bytes -= signed(key_size_bytes(&key) + value.size_bytes());
                }
            }
            Step::SetVariable(variable, assignment, source) => {
                let present = self.variables[*variable].clone();
                if let Some(value) = self.assigned(&present, *assignment, source)? {
                    self.variables[*variable] = value;
                }
            }
            Step::SetField(path, source) => {
                let value = self.value(source)?.into_owned();
                self.set_field(path, &value)?;
            }
            Step::RemoveField(path) => {
                self.event.remove(path);
            }
            Step::Tag(source) => {
                let tag = self.value(source)?.printed().ok_or(Failed::Exception)?;
                self.event.add_tag(&tag);
            }
            Step::Cancel => self.is_cancelled = true,
            Step::If(condition, then, otherwise) => {
                let holds = self.value(condition)?.is_true();
                return self.steps(if holds { then } else { otherwise });
            }
            Step::Leave => return Ok(Flow::Left),
        }
        Ok(Flow::GoesOn)
    }

    /// What is to be assigned; `None` if what is there stays.
    fn assigned(
        &self,
        present: &Value,
        assignment: Assignment,
        source: &Source,
    ) -> Result<Option<Value>, Failed> {
        match assignment {
            Assignment::Otherwise if present.is_true() => Ok(None),
            Assignment::IfThere if !present.is_true() => Ok(None),
            Assignment::With(sign) => operate(sign, present, &*self.value(source)?).map(Some),
            _ => self.value(source).map(|value| Some(value.into_owned())),
        }
    }

    fn keys(&self, keys: &[Source]) -> Result<Vec<Value>, Failed> {
        keys.iter().map(|key| self.value(key).map(Cow::into_owned)).collect()
    }

    fn set_map(
        &mut self,
        keys: &[Source],
        assignment: Assignment,
        source: &Source,
    ) -> Result<(), Failed> {
        let keys = self.keys(keys)?;
        let Some((first, inner)) = keys.split_first() else { return Err(Failed::Exception) };
        let first = first.key().ok_or(Failed::Exception)?;
        let value = {
            let mut present = Cow::Borrowed(self.map.get(&first).unwrap_or(&NIL));
            for key in inner {
                let deeper = match &present {
                    Cow::Borrowed(value) => element(value, key)?,
                    Cow::Owned(_) => return Err(Failed::Exception),
                };
                present = deeper;
            }
            match self.assigned(&present, assignment, source)? {
                Some(value) => value,
                None => return Ok(()),
            }
        };
        if value.depth() + keys.len() > DEPTH_MAX {
            return Err(Failed::TooLarge);
        }
        let (room, value_bytes) = (self.room_bytes - self.grown_bytes, value.size_bytes());
        let is_new = !self.map.contains_key(&first);
        let key_bytes = if is_new { key_size_bytes(&first) } else { 0 };
        if inner.is_empty() {
            let present_bytes = self.map.get(&first).map_or(0, Value::size_bytes);
            let grown = signed(value_bytes + key_bytes) - signed(present_bytes);
            if grown > room {
                return Err(Failed::TooLarge);
            }
            self.map.insert(first, value);
            self.grown_bytes += grown;
            return Ok(());
        }
        let slot = self.map.get_mut(&first).ok_or(Failed::Exception)?;
        self.grown_bytes += set_within(slot, inner, value, room)?;
        Ok(())
    }

    fn push(&mut self, keys: &[Source], source: &Source) -> Result<(), Failed> {
        let keys = self.keys(keys)?;
        let value = self.value(source)?.into_owned();
        if value.depth() + keys.len() + 1 > DEPTH_MAX {
            return Err(Failed::TooLarge);
        }
        let Some((first, inner)) = keys.split_first() else { return Err(Failed::Exception) };
        let first = first.key().ok_or(Failed::Exception)?;
        let mut slot = self.map.get_mut(&first).ok_or(Failed::Exception)?;
        for key in inner {
            slot = slot_within(slot, key).ok_or(Failed::Exception)?;
        }
        let grown = match (&slot, &value) {
            (Value::List(_), value) => signed(value.size_bytes()),
            (Value::Text(_), Value::Text(added)) => signed(added.len()),
            _ => return Err(Failed::Exception),
        };
        if grown > self.room_bytes - self.grown_bytes {
            return Err(Failed::TooLarge);
        }
        match (slot, value) {
            (Value::Text(text), Value::Text(added)) => text.push_str(&added),
            (Value::List(elements), value) => elements.push(value),
            _ => return Err(Failed::Exception),
        }
        self.grown_bytes += grown;
        Ok(())
    }

    fn set_field(&mut self, path: &FieldPath, value: &Value) -> Result<(), Failed> {
        if path.is_timestamp() {
            let instant = match value {
                Value::Instant(timestamp_ns) => Some(*timestamp_ns),
                Value::Text(text) => event::parse_iso8601(text),
                _ => None,
            };
            self.event.timestamp_ns = instant.ok_or(Failed::Exception)?;
            return Ok(());
        }
        let mut json = Vec::new();
        value.write(&mut json);
        let node = self.event.new_json_within(&json, &Limits::documents());
        let node = node.map_err(|_| Failed::TooLarge)?;
        if self.event.place(path, node) { Ok(()) } else { Err(Failed::Exception) }
    }

    fn value<'v>(&'v self, source: &'v Source) -> Found<'v> {
        Ok(match source {
            Source::Constant(value) => Cow::Borrowed(value),
            Source::Variable(variable) => Cow::Borrowed(&self.variables[*variable]),
            Source::Map => Cow::Owned(Value::Hash(self.map.clone())),
            Source::Field(path) => Cow::Owned(self.field(path)),
            Source::HasField(path) => {
                let is_there = path.is_timestamp() || self.event.get(path).is_some();
                Cow::Owned(Value::Bool(is_there))
            }
            Source::Text(parts) => {
                let mut text = String::new();
                for part in parts {
                    let part = self.value(part)?.printed().ok_or(Failed::Exception)?;
                    text.push_str(&part);
                }
                Cow::Owned(Value::Text(text))
            }
            Source::List(elements) => {
                let elements = elements.iter().map(|one| self.value(one).map(Cow::into_owned));
                Cow::Owned(Value::List(elements.collect::<Result<_, _>>()?))
            }
            Source::Hash(pairs) => {
                let mut members = Members::with_capacity(pairs.len());
                for (key, value) in pairs {
                    let key = self.value(key)?.key().ok_or(Failed::Exception)?;
                    members.insert(key, self.value(value)?.into_owned());
                }
                Cow::Owned(Value::Hash(members))
            }
            Source::Element(of, key) => return self.element(of, key),
            Source::Method(method, of, arguments) => {
                let argument = arguments.first().map(|first| self.value(first)).transpose()?;
                let result = if matches!(**of, Source::Map) {
                    method.call(&Value::Hash(self.map.clone()), argument.as_deref())
                } else {
                    method.call(&*self.value(of)?, argument.as_deref())
                };
                Cow::Owned(result.ok_or(Failed::Exception)?)
            }
            Source::Operation(sign, left, right) => {
                Cow::Owned(operate(*sign, &*self.value(left)?, &*self.value(right)?)?)
            }
            Source::And(left, right) => match self.value(left)? {
                left if left.is_true() => self.value(right)?,
                left => left,
            },
            Source::Or(left, right) => match self.value(left)? {
                left if left.is_true() => left,
                _ => self.value(right)?,
            },
            Source::Not(value) => Cow::Owned(Value::Bool(!self.value(value)?.is_true())),
            Source::If(condition, then, otherwise) => match self.value(condition)?.is_true() {
                true => self.value(then)?,
                false => self.value(otherwise)?,
            },
        })
    }

    fn field(&self, path: &FieldPath) -> Value {
        if path.is_timestamp() {
            return Value::Instant(self.event.timestamp_ns);
        }
        self.event.get(path).map_or(Value::Nil, |id| Value::of(self.event, id))
    }

    fn element<'v>(&'v self, of: &'v Source, key: &'v Source) -> Found<'v> {
        let key = self.value(key)?;
        if matches!(of, Source::Map) {
            let found = key.key().and_then(|key| self.map.get(&key));
            return Ok(found.map_or(Cow::Owned(Value::Nil), Cow::Borrowed));
        }
        match self.value(of)? {
            Cow::Borrowed(of) => element(of, &key),
            Cow::Owned(of) => element(&of, &key).map(|found| Cow::Owned(found.into_owned())),
        }
    }
}
