//! Runs code on an event and its map. What Ruby would fail at fails here too; what was done before stays done.

use std::borrow::Cow;
use std::cell::Cell;

use event::{Event, FieldPath, Limits};

use super::code::{Assignment, Code, OwnTimeout, Sign, Source, Step, TaskWord};
use super::method::Method;
use super::operation::{VALUE_BYTES_MAX, operate};
use super::place::{Found, element, set_within, signed, slot_within};
use super::tasks::{Instants, OwnTimeouts};
use super::value::{Members, Value, key_size_bytes};

/// Deepest nesting of what a map holds.
const DEPTH_MAX: usize = 32;
/// Most bytes that one run puts together.
const RUN_BYTES_MAX: usize = 8 << 20;

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

/// The task whose code is run, as `map_meta` shows it.
#[derive(Debug)]
pub(super) struct TaskAtHand<'t> {
    id: &'t str,
    created_ns: i64,
    last_ns: i64,
    own_timeouts: &'t mut OwnTimeouts,
}

impl<'t> TaskAtHand<'t> {
    /// A task that begins with the event at hand.
    pub(super) fn new(id: &'t str, now: Instants, own_timeouts: &'t mut OwnTimeouts) -> Self {
        Self { id, created_ns: now.event_ns, last_ns: now.event_ns, own_timeouts }
    }

    /// The same task, if it began before.
    pub(super) fn since(self, created: Instants) -> Self {
        Self { created_ns: created.event_ns, ..self }
    }
}

/// Runs code on an event and the map of its task, a hash. `room_bytes` is how much larger that may become.
pub(super) fn run(
    code: &Code,
    event: &mut Event,
    map: &mut Value,
    room_bytes: usize,
    task: TaskAtHand<'_>,
) -> Ended {
    let variables = vec![Value::Nil; code.variables];
    let room_bytes = isize::try_from(room_bytes).unwrap_or(isize::MAX);
    let (is_cancelled, grown_bytes, built_bytes) = (false, 0, Cell::new(0));
    let mut runner =
        Runner { event, map, task, variables, is_cancelled, grown_bytes, room_bytes, built_bytes };
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
    map: &'r mut Value,
    task: TaskAtHand<'r>,
    variables: Vec<Value>,
    is_cancelled: bool,
    grown_bytes: isize,
    room_bytes: isize,
    /// How much was put together: a value that is thrown away takes time and memory too.
    built_bytes: Cell<usize>,
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
                let key = self.value(key)?.key();
                if let (Some(key), Value::Hash(members)) = (key, &mut *self.map)
                    && let Some(value) = members.shift_remove(&key)
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
            Step::SetTimeout(which, source) => {
                let nanoseconds = nanoseconds(&*self.value(source)?)?;
                match which {
                    OwnTimeout::All => self.task.own_timeouts.all_ns = nanoseconds,
                    OwnTimeout::Inactivity => self.task.own_timeouts.inactivity_ns = nanoseconds,
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
            Assignment::With(sign) => self.operated(sign, present, &*self.value(source)?).map(Some),
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
        let value = {
            let mut present = Cow::Borrowed(&*self.map);
            for key in &keys {
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
        let room = self.room_bytes - self.grown_bytes;
        self.grown_bytes += set_within(self.map, &keys, value, room)?;
        Ok(())
    }

    fn push(&mut self, keys: &[Source], source: &Source) -> Result<(), Failed> {
        let keys = self.keys(keys)?;
        let value = self.value(source)?.into_owned();
        if value.depth() + keys.len() + 1 > DEPTH_MAX {
            return Err(Failed::TooLarge);
        }
        let mut slot = &mut *self.map;
        for key in &keys {
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
            Source::Map => Cow::Borrowed(&*self.map),
            Source::Task(word) => Cow::Owned(match word {
                TaskWord::Id => Value::Text(self.task.id.to_owned()),
                TaskWord::Created => Value::Instant(self.task.created_ns),
                TaskWord::Last => Value::Instant(self.task.last_ns),
            }),
            Source::Field(path) => Cow::Owned(self.field(path)),
            Source::HasField(path) => {
                let is_there = path.is_timestamp() || self.event.get(path).is_some();
                Cow::Owned(Value::Bool(is_there))
            }
            Source::Text(parts) => Cow::Owned(self.text(parts)?),
            Source::List(elements) => Cow::Owned(self.list(elements)?),
            Source::Hash(pairs) => Cow::Owned(self.hash(pairs)?),
            Source::Element(of, key) => return self.element(of, key),
            Source::Method(method, of, arguments) => {
                let argument = arguments.first().map(|first| self.value(first)).transpose()?;
                let of = self.value(of)?;
                let built_bytes = method.built_bytes(&of, argument.as_deref());
                let is_joined = *method == Method::Join;
                self.build(built_bytes, if is_joined { built_bytes } else { 0 })?;
                let result = method.call(&of, argument.as_deref());
                Cow::Owned(result.ok_or(Failed::Exception)?)
            }
            Source::Operation(sign, left, right) => {
                Cow::Owned(self.operated(*sign, &*self.value(left)?, &*self.value(right)?)?)
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

    /// Counts bytes that are put together into a value of so many; fails where that becomes too much.
    fn build(&self, bytes: usize, value_bytes: usize) -> Result<(), Failed> {
        let built_bytes = self.built_bytes.get().saturating_add(bytes);
        self.built_bytes.set(built_bytes);
        let fits = value_bytes <= VALUE_BYTES_MAX && built_bytes <= RUN_BYTES_MAX;
        if fits { Ok(()) } else { Err(Failed::TooLarge) }
    }

    fn operated(&self, sign: Sign, left: &Value, right: &Value) -> Result<Value, Failed> {
        let result = operate(sign, left, right)?;
        // One that is too large by itself was not put together.
        self.build(result.size_bytes(), 0)?;
        Ok(result)
    }

    fn text(&self, parts: &[Source]) -> Result<Value, Failed> {
        let mut text = String::new();
        for part in parts {
            let part = self.value(part)?.printed().ok_or(Failed::Exception)?;
            self.build(part.len(), text.len() + part.len())?;
            text.push_str(&part);
        }
        Ok(Value::Text(text))
    }

    fn list(&self, sources: &[Source]) -> Result<Value, Failed> {
        let (mut elements, mut bytes) = (Vec::with_capacity(sources.len()), 0);
        for source in sources {
            let element = self.value(source)?;
            let element_bytes = element.size_bytes();
            bytes += element_bytes;
            self.build(element_bytes, bytes)?;
            elements.push(element.into_owned());
        }
        Ok(Value::List(elements))
    }

    fn hash(&self, pairs: &[(Source, Source)]) -> Result<Value, Failed> {
        let (mut members, mut bytes) = (Members::with_capacity(pairs.len()), 0);
        for (key, value) in pairs {
            let key = self.value(key)?.key().ok_or(Failed::Exception)?;
            let value = self.value(value)?;
            let member_bytes = key_size_bytes(&key) + value.size_bytes();
            bytes += member_bytes;
            self.build(member_bytes, bytes)?;
            members.insert(key, value.into_owned());
        }
        Ok(Value::Hash(members))
    }

    fn field(&self, path: &FieldPath) -> Value {
        if path.is_timestamp() {
            return Value::Instant(self.event.timestamp_ns);
        }
        self.event.get(path).map_or(Value::Nil, |id| Value::of(self.event, id))
    }

    fn element<'v>(&'v self, of: &'v Source, key: &'v Source) -> Found<'v> {
        let key = self.value(key)?;
        match self.value(of)? {
            Cow::Borrowed(of) => element(of, &key),
            Cow::Owned(of) => element(&of, &key).map(|found| Cow::Owned(found.into_owned())),
        }
    }
}

/// A number of seconds in nanoseconds, at least 0; nil is none.
fn nanoseconds(seconds: &Value) -> Result<Option<i64>, Failed> {
    match seconds {
        Value::Nil => Ok(None),
        Value::Number(text) => {
            let seconds: f64 = text.parse().map_err(|_| Failed::Exception)?;
            Ok(Some(((seconds * 1e9) as i64).max(0)))
        }
        _ => Err(Failed::Exception),
    }
}
