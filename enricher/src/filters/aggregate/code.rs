//! What `code` and `timeout_code` are once they are read: steps that always end.
//!
//! There is no loop, and nothing that reaches beyond the event and its map.

use event::FieldPath;

use super::method::Method;
use super::value::Value;

/// Code that can be run.
#[derive(Debug, Default)]
pub(super) struct Code {
    pub(super) steps: Vec<Step>,
    /// How many variables it has.
    pub(super) variables: usize,
}

/// One thing that code does.
#[derive(Debug)]
pub(super) enum Step {
    /// `map['a']['b'] = value` and its like.
    SetMap(Vec<Source>, Assignment, Source),
    /// `map['a'] << value`.
    Push(Vec<Source>, Source),
    /// `map.delete('a')`.
    DeleteFromMap(Source),
    SetVariable(usize, Assignment, Source),
    /// `map_meta.timeout = value` and its like.
    SetTimeout(OwnTimeout, Source),
    SetField(FieldPath, Source),
    RemoveField(FieldPath),
    Tag(Source),
    Cancel,
    If(Source, Vec<Step>, Vec<Step>),
    /// `return`, `next`.
    Leave,
}

/// How a value is assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Assignment {
    Plain,
    /// `||=`
    Otherwise,
    /// `&&=`
    IfThere,
    /// `+=` and its like.
    With(Sign),
}

/// A timeout that code sets for its task alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnTimeout {
    /// Since the task's first event.
    All,
    /// Since its last one.
    Inactivity,
}

/// What `map_meta` says of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TaskWord {
    Id,
    Created,
    /// When its last event came, which is the one at hand.
    Last,
}

/// An operator of two values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    Constant(Value),
    /// A text out of values.
    Text(Vec<Source>),
    List(Vec<Source>),
    Hash(Vec<(Source, Source)>),
    Field(FieldPath),
    /// `event.include?`
    HasField(FieldPath),
    Map,
    Task(TaskWord),
    Variable(usize),
    Element(Box<Source>, Box<Source>),
    Method(Method, Box<Source>, Vec<Source>),
    Operation(Sign, Box<Source>, Box<Source>),
    And(Box<Source>, Box<Source>),
    Or(Box<Source>, Box<Source>),
    Not(Box<Source>),
    If(Box<Source>, Box<Source>, Box<Source>),
}
