//! Which fields some Ruby reads and writes, told from its lexemes: also where it cannot be read otherwise.

use std::collections::BTreeSet;

use super::lexer::{Kind, Part, Token};
use super::tree::Place;

/// Most fields of one kind that are named.
const NAMED_MAX: usize = 12;
const COMPUTED: &str = "fields whose names are computed";

/// What the code does to the event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Footprint {
    reads: BTreeSet<String>,
    writes: BTreeSet<String>,
    removes: BTreeSet<String>,
}

impl Footprint {
    /// What stands at a place of the code.
    pub(super) fn of(tokens: &[Token], place: Place) -> Self {
        let first = tokens.partition_point(|token| token.start < place.start);
        let last = tokens.partition_point(|token| token.start < place.end);
        let mut footprint = Self::default();
        footprint.add(tokens.get(first..last).unwrap_or_default());
        footprint
    }

    fn add(&mut self, tokens: &[Token]) {
        for (at, token) in tokens.iter().enumerate() {
            match &token.kind {
                Kind::Text(parts) => {
                    for part in parts {
                        if let Part::Code(inner) = part {
                            self.add(inner);
                        }
                    }
                }
                Kind::Name(name) if name == "event" => {
                    self.use_of_event(tokens.get(at + 1..).unwrap_or_default());
                }
                _ => {}
            }
        }
    }

    fn use_of_event(&mut self, behind: &[Token]) {
        let kind = |at: usize| behind.get(at).map(|token| &token.kind);
        match (kind(0), kind(1)) {
            (Some(Kind::Sign("[")), name) => {
                let field = field(name.filter(|_| !is_plus(kind(2))));
                match kind(3) {
                    Some(Kind::Sign("=")) => self.writes.insert(field),
                    _ => self.reads.insert(field),
                };
            }
            (Some(Kind::Sign("." | "&.")), Some(Kind::Name(method))) => {
                let (argument, next) = match kind(2) {
                    Some(Kind::Sign("(")) => (kind(3), kind(4)),
                    other => (other, kind(3)),
                };
                let argument = argument.filter(|_| !is_plus(next));
                match method.as_str() {
                    "get" | "include?" => self.reads.insert(field(argument)),
                    "set" => self.writes.insert(field(argument)),
                    "remove" => self.removes.insert(field(argument)),
                    "tag" => self.writes.insert("[tags]".to_owned()),
                    "timestamp" => self.reads.insert("[@timestamp]".to_owned()),
                    "to_hash" | "to_json" => self.reads.insert("all fields".to_owned()),
                    _ => false,
                };
            }
            _ => {}
        }
    }

    /// In words; empty where the event is not touched.
    pub(super) fn words(&self) -> String {
        let uses = [("reads", &self.reads), ("writes", &self.writes), ("removes", &self.removes)];
        let said = uses.iter().filter(|(_, fields)| !fields.is_empty()).map(|(word, fields)| {
            let mut named: Vec<_> = fields.iter().take(NAMED_MAX).map(String::as_str).collect();
            if fields.len() > NAMED_MAX {
                named.push("others");
            }
            format!("{word} {}", named.join(", "))
        });
        said.collect::<Vec<_>>().join("; ")
    }
}

/// Whether more is joined to a text here.
fn is_plus(kind: Option<&Kind>) -> bool {
    matches!(kind, Some(Kind::Sign("+")))
}

fn field(argument: Option<&Kind>) -> String {
    let name = match argument {
        Some(Kind::Text(parts)) => match parts.as_slice() {
            [Part::Literal(text)] => text.as_str(),
            _ => return COMPUTED.to_owned(),
        },
        Some(Kind::Symbol(name)) => name.as_str(),
        _ => return COMPUTED.to_owned(),
    };
    let shown: String = name.chars().filter(|character| !character.is_control()).take(80).collect();
    if shown.starts_with('[') { shown } else { format!("[{shown}]") }
}
