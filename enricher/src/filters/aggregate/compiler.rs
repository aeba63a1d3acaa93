//! From Ruby's tree to [`Code`]. What is not understood is refused with its place: no statement is left out.

use event::FieldPath;

use super::code::{Assignment, Code, OwnTimeout, Sign, Source, Step, TaskWord};
use super::method::Method;
use super::value::Value;
use crate::field_reference::EscapeStyle;
use crate::ruby_diagnosis::strict::{self, Unread};
use crate::ruby_diagnosis::tree::{Call, Expression, Place, Statement};

/// Most characters of a statement that a message shows.
const SHOWN_MAX: usize = 60;
/// Names that are no variables.
const TAKEN: &[&str] = &["event", "map", "map_meta", "new_event_block", "self"];

const NO_CHANGE: &str = "it changes neither the event nor its map";
const NO_EVENT: &str = "no code makes events here; a map becomes one with `push_map_as_event_on_timeout`, at once with \
                        `map_meta.timeout = 0`, and `clone` and `split` make some";

type Read<T> = Result<T, String>;

/// Reads code. Where there is no map, as in `timeout_code`, none is known.
///
/// # Errors
/// What is not understood, and where it stands.
pub(super) fn compile(
    code: &str,
    has_map: bool,
    escape_style: EscapeStyle,
) -> Result<Code, Unread> {
    let statements = strict::read(code)?;
    let variables = Vec::new();
    let mut compiler = Compiler { code, has_map, escape_style, variables, unread: None };
    let steps = compiler.statements(&statements);
    match compiler.unread {
        Some(unread) => Err(unread),
        None => Ok(Code { steps, variables: compiler.variables.len() }),
    }
}

struct Compiler<'c> {
    code: &'c str,
    has_map: bool,
    escape_style: EscapeStyle,
    variables: Vec<String>,
    /// The first statement that is not understood.
    unread: Option<Unread>,
}

impl Compiler<'_> {
    fn statements(&mut self, statements: &[Statement]) -> Vec<Step> {
        let mut steps = Vec::new();
        for statement in statements {
            if let Err(why) = self.statement(&statement.expression, &mut steps)
                && self.unread.is_none()
            {
                let why = format!("`{}` is not understood: {why}", self.shown(statement.place));
                self.unread = Some(Unread { at: statement.place.start, why });
            }
        }
        steps
    }

    /// The first line of a statement.
    fn shown(&self, place: Place) -> String {
        let text = self.code.get(place.start..place.end).unwrap_or_default();
        let line = text.lines().next().unwrap_or_default().trim_end();
        match line.char_indices().nth(SHOWN_MAX) {
            Some((end, _)) => format!("{}...", &line[..end]),
            None => line.to_owned(),
        }
    }

    fn statement(&mut self, expression: &Expression, steps: &mut Vec<Step>) -> Read<()> {
        match expression {
            Expression::Assign(target, sign, value) => self.assignment(target, sign, value, steps),
            Expression::Operation("<<", target, value) => {
                let place = self.list(target, steps)?;
                let value = self.value(value)?;
                steps.push(Step::Push(place, value));
                Ok(())
            }
            Expression::If(condition, then, otherwise) => {
                let condition = self.value(condition)?;
                let (then, otherwise) = (self.statements(then), self.statements(otherwise));
                steps.push(Step::If(condition, then, otherwise));
                Ok(())
            }
            Expression::Group(statements) => {
                steps.extend(self.statements(statements));
                Ok(())
            }
            Expression::Leave => {
                steps.push(Step::Leave);
                Ok(())
            }
            Expression::Call(call) => self.action(call, steps),
            _ => Err(NO_CHANGE.to_owned()),
        }
    }

    fn assignment(
        &mut self,
        target: &Expression,
        sign: &str,
        value: &Expression,
        steps: &mut Vec<Step>,
    ) -> Read<()> {
        let assignment = match sign {
            "=" => Assignment::Plain,
            "||=" => Assignment::Otherwise,
            "&&=" => Assignment::IfThere,
            "<<=" => {
                let place = self.list(target, steps)?;
                let value = self.value(value)?;
                steps.push(Step::Push(place, value));
                return Ok(());
            }
            _ => match sign.strip_suffix('=').and_then(operator) {
                Some(sign) => Assignment::With(sign),
                None => return Err(format!("`{sign}` is not known")),
            },
        };
        if let Some(timeout) = self.own_timeout(target) {
            if assignment != Assignment::Plain {
                return Err("a time-out of `map_meta` is only set with `=`".to_owned());
            }
            let value = self.value(value)?;
            steps.push(Step::SetTimeout(timeout, value));
            return Ok(());
        }
        if let Expression::Name(name) = target {
            let value = self.value(value)?;
            let sets = matches!(assignment, Assignment::Plain | Assignment::Otherwise);
            let variable = self.variable(name, sets)?;
            steps.push(Step::SetVariable(variable, assignment, value));
            return Ok(());
        }
        let place = self.place(target)?;
        let value = self.value(value)?;
        steps.push(Step::SetMap(place, assignment, value));
        Ok(())
    }

    /// A variable's number; one that is set for the first time is new.
    fn variable(&mut self, name: &str, is_set: bool) -> Read<usize> {
        if let Some(known) = self.variables.iter().position(|known| known == name) {
            return Ok(known);
        }
        let begins_small = name.starts_with(|first: char| first.is_lowercase() || first == '_');
        if TAKEN.contains(&name) || !begins_small || !is_set {
            return Err(format!("`{name}` is not known"));
        }
        self.variables.push(name.to_owned());
        Ok(self.variables.len() - 1)
    }

    /// Which of the task's own timeouts is set.
    fn own_timeout(&self, target: &Expression) -> Option<OwnTimeout> {
        let Expression::Call(Call { receiver: Some(of), name, arguments, block: None }) = target
        else {
            return None;
        };
        match name.as_str() {
            _ if !self.is_task(of) || !arguments.is_empty() => None,
            "timeout" => Some(OwnTimeout::All),
            "inactivity_timeout" => Some(OwnTimeout::Inactivity),
            _ => None,
        }
    }

    /// Whether this is `map_meta`.
    fn is_task(&self, expression: &Expression) -> bool {
        self.has_map && matches!(expression, Expression::Name(name) if name == "map_meta")
    }

    /// The keys that lead to a value of the map.
    fn place(&mut self, target: &Expression) -> Read<Vec<Source>> {
        match target {
            Expression::Call(Call { receiver: Some(receiver), name, arguments, block: None })
                if name == "[]" && arguments.len() == 1 =>
            {
                let mut keys = match &**receiver {
                    Expression::Name(name) if name == "map" && self.has_map => Vec::new(),
                    deeper => self.place(deeper)?,
                };
                keys.push(self.value(&arguments[0])?);
                Ok(keys)
            }
            _ => Err("only values of the map can be changed, as `map['name']`".to_owned()),
        }
    }

    /// The keys of a list that something is added to; `(map['a'] ||= [])` makes it first, and in `map['a'] << 1 << 2` it
    /// is the same for both.
    fn list(&mut self, target: &Expression, steps: &mut Vec<Step>) -> Read<Vec<Source>> {
        match target {
            Expression::Operation("<<", inner, value) => {
                let place = self.list(inner, steps)?;
                let value = self.value(value)?;
                steps.push(Step::Push(place.clone(), value));
                Ok(place)
            }
            Expression::Assign(inner, "||=", value) => {
                let place = self.place(inner)?;
                let value = self.value(value)?;
                steps.push(Step::SetMap(place.clone(), Assignment::Otherwise, value));
                Ok(place)
            }
            _ => self.place(target),
        }
    }

    /// A call that does something.
    fn action(&mut self, call: &Call, steps: &mut Vec<Step>) -> Read<()> {
        let Call { receiver: Some(receiver), name, arguments, block: None } = call else {
            return Err(unknown_call(call));
        };
        let of = match &**receiver {
            Expression::Name(of) => of.as_str(),
            _ => "",
        };
        match (of, name.as_str(), arguments.as_slice()) {
            ("event", "set", [field, value]) => {
                let field = self.path(field)?;
                steps.push(Step::SetField(field, self.value(value)?));
            }
            ("event", "remove", [field]) => match self.path(field)? {
                field if field.is_timestamp() => {
                    return Err("every event has its time".to_owned());
                }
                field => steps.push(Step::RemoveField(field)),
            },
            ("event", "tag", [tag]) => steps.push(Step::Tag(self.value(tag)?)),
            ("event", "cancel", []) => steps.push(Step::Cancel),
            ("map", "delete", [key]) if self.has_map => {
                steps.push(Step::DeleteFromMap(self.value(key)?));
            }
            ("event", "get" | "include?" | "timestamp", _) | (_, "[]", _) => {
                return Err(NO_CHANGE.to_owned());
            }
            ("event", ..) => return Err(format!("`event.{name}` is not known here")),
            ("new_event_block", ..) => return Err(NO_EVENT.to_owned()),
            (_, "push" | "append", values) if !values.is_empty() => {
                let place = self.list(receiver, steps)?;
                for value in values {
                    let value = self.value(value)?;
                    steps.push(Step::Push(place.clone(), value));
                }
            }
            _ => return Err(unknown_call(call)),
        }
        Ok(())
    }

    fn value(&mut self, expression: &Expression) -> Read<Source> {
        Ok(match expression {
            Expression::Literal(text) => Source::Constant(Value::Text(text.clone())),
            Expression::Number(text) => Source::Constant(Value::Number(text.clone())),
            Expression::Nil => Source::Constant(Value::Nil),
            Expression::Bool(value) => Source::Constant(Value::Bool(*value)),
            Expression::Text(parts) => Source::Text(self.values(parts)?),
            Expression::Array(elements) => Source::List(self.values(elements)?),
            Expression::Hash(pairs) => {
                let mut read = Vec::with_capacity(pairs.len());
                for (key, value) in pairs {
                    read.push((self.value(key)?, self.value(value)?));
                }
                Source::Hash(read)
            }
            Expression::Name(name) if name == "map" && self.has_map => Source::Map,
            Expression::Name(name) if name.starts_with("Time") || name.ends_with("Timestamp") => {
                return Err(format!(
                    "`{name}` reads a clock or makes times, which no code does here"
                ));
            }
            Expression::Name(name) if name.ends_with("::Event") => {
                return Err(NO_EVENT.to_owned());
            }
            Expression::Name(name) => Source::Variable(self.variable(name, false)?),
            Expression::Call(call) => self.call(call)?,
            Expression::Not(value) => Source::Not(Box::new(self.value(value)?)),
            Expression::Operation(sign, left, right) => {
                let (left, right) = (Box::new(self.value(left)?), Box::new(self.value(right)?));
                match *sign {
                    "&&" => Source::And(left, right),
                    "||" => Source::Or(left, right),
                    sign => match operator(sign) {
                        Some(sign) => Source::Operation(sign, left, right),
                        None => return Err(format!("`{sign}` is not known here")),
                    },
                }
            }
            Expression::If(condition, then, otherwise) => {
                let condition = Box::new(self.value(condition)?);
                let (then, otherwise) = (self.only(then)?, self.only(otherwise)?);
                Source::If(condition, Box::new(then), Box::new(otherwise))
            }
            Expression::Assign(..) => return Err("an assignment stands within another".to_owned()),
            Expression::Regex(_) => return Err("regular expressions are not known here".to_owned()),
            _ => return Err("it is no simple value".to_owned()),
        })
    }

    fn values(&mut self, expressions: &[Expression]) -> Read<Vec<Source>> {
        expressions.iter().map(|expression| self.value(expression)).collect()
    }

    /// The value of the only statement.
    fn only(&mut self, statements: &[Statement]) -> Read<Source> {
        match statements {
            [] => Ok(Source::Constant(Value::Nil)),
            [only] => self.value(&only.expression),
            _ => Err("a condition within a value has one value for each case".to_owned()),
        }
    }

    fn call(&mut self, call: &Call) -> Read<Source> {
        let Call { receiver: Some(receiver), name, arguments, block: None } = call else {
            return Err(unknown_call(call));
        };
        if matches!(&**receiver, Expression::Name(name) if name == "event") {
            return match (name.as_str(), arguments.as_slice()) {
                ("get", [field]) => self.path(field).map(Source::Field),
                ("include?", [field]) => self.path(field).map(Source::HasField),
                ("timestamp", []) => Ok(Source::Field(FieldPath::key("@timestamp"))),
                _ => Err(format!("`event.{name}` is not known here")),
            };
        }
        if self.is_task(receiver) {
            return match (name.as_str(), arguments.as_slice()) {
                ("task_id", []) => Ok(Source::Task(TaskWord::Id)),
                ("creation_timestamp", []) => Ok(Source::Task(TaskWord::Created)),
                ("lastevent_timestamp", []) => Ok(Source::Task(TaskWord::Last)),
                _ => Err(format!("`map_meta.{name}` is not known here")),
            };
        }
        if name == "[]" && arguments.len() == 1 {
            let of = Box::new(self.value(receiver)?);
            return Ok(Source::Element(of, Box::new(self.value(&arguments[0])?)));
        }
        let of = Box::new(self.value(receiver)?);
        let Some(method) = Method::find(name, arguments.len()) else {
            return Err(unknown_call(call));
        };
        Ok(Source::Method(method, of, self.values(arguments)?))
    }

    /// A field's name, which has to be written out: no text of an event says which field is meant.
    fn path(&self, expression: &Expression) -> Read<FieldPath> {
        let Expression::Literal(text) = expression else {
            return Err("the name of a field has to be written out".to_owned());
        };
        self.escape_style.parse(text).map_err(|error| error.to_string())
    }
}

fn unknown_call(call: &Call) -> String {
    match (&call.block, call.name.as_str()) {
        (Some(_), name) => format!("`{name}` with a block is not known here"),
        (None, "[]") => "`[]` takes one key".to_owned(),
        (None, name) => format!("`{name}` is not known here"),
    }
}

fn operator(sign: &str) -> Option<Sign> {
    Some(match sign {
        "+" => Sign::Add,
        "-" => Sign::Subtract,
        "*" => Sign::Multiply,
        "/" => Sign::Divide,
        "%" => Sign::Modulo,
        "**" => Sign::Power,
        "==" => Sign::Equal,
        "!=" => Sign::Unequal,
        "<" => Sign::Less,
        "<=" => Sign::LessOrEqual,
        ">" => Sign::Greater,
        ">=" => Sign::GreaterOrEqual,
        _ => return None,
    })
}
