//! From schema files to rules. Every word in a file that has no meaning here is refused.

use serde_json::{Map, Value};

use crate::conversion::{Conversion, LetterCase, Outcome};
use crate::document::{DocumentTree, Place};
use crate::error::SchemaError;
use crate::field::FieldKind;
use crate::node::{Node, texts};
use crate::rule::{Action, Meaning, RANK_OF_DOCUMENT_NAMES, Rule, RuleId, Table};

/// Powers of ten between units.
const UNITS: &[(&str, &str, i8)] = &[("ms", "ns", 6), ("s", "ns", 9), ("percent", "share", -2)];

/// The words of `x-millrace` on a property.
const WORDS: &[&str] = &[
    "field",
    "also",
    "aliases",
    "unit",
    "suffix",
    "absent",
    "case",
    "first_of_list",
    "outcome",
    "form",
];

/// Makes rules; all log types share one list of them.
pub(crate) struct Compiler<'a> {
    document: &'a DocumentTree,
    rules: Vec<Rule>,
    /// The rule of each field under its own name, by place.
    own: Vec<Option<RuleId>>,
}

impl<'a> Compiler<'a> {
    pub(crate) fn new(document: &'a DocumentTree) -> Self {
        let mut compiler = Self { document, rules: Vec::new(), own: vec![None; document.len()] };
        compiler.own_names(document.root());
        compiler
    }

    /// The rules, and which of them is the one of each place.
    pub(crate) fn finish(self) -> (Vec<Rule>, Vec<Option<RuleId>>) {
        (self.rules, self.own)
    }

    fn add(&mut self, name: &str, action: Action) -> RuleId {
        // Schema files are ours and small: a few hundred rules.
        let id = RuleId(self.rules.len() as u16);
        self.rules.push(Rule { name: name.into(), action });
        id
    }

    /// Rules for the documents' own names, from the leaves up.
    fn own_names(&mut self, at: Place) {
        let document = self.document;
        for place in document.children(at) {
            self.own_names(place);
            let Some(field) = document.field(place) else { continue };
            let action = match field.kind {
                FieldKind::Nested => Action::Nested(place, self.names_below(place, &[])),
                FieldKind::Date if field.name == "@timestamp" => Action::Timestamp,
                kind => Action::Value(Conversion::plain(place, kind, document.is_many(place))),
            };
            self.own[place.index()] = Some(self.add(&field.name, action));
        }
    }

    /// The table of a log type: the names of its file and of the envelope, and the documents' own.
    pub(crate) fn log_type(&mut self, holders: &[&Node<'_>]) -> Result<Table, SchemaError> {
        let mut named = Vec::new();
        for holder in holders {
            for (name, node) in holder.properties()? {
                self.property(name, name, &node, &mut named)?;
            }
        }
        Ok(self.names_below(self.document.root(), &named))
    }

    /// A table of names of the log and of a place's own names, which yield.
    fn names_below(&self, at: Place, named: &[(String, RuleId, u8)]) -> Table {
        let own = self.document.children(at).map(|place| {
            let is_object = self.document.field(place).is_none();
            let object = is_object.then_some(place);
            let rule = self.own[place.index()];
            (self.document.name(place).to_owned(), rule, RANK_OF_DOCUMENT_NAMES, object)
        });
        let own: Vec<_> = own.collect();
        let object_of = |name: &str| own.iter().find(|(own, ..)| own == name).and_then(|own| own.3);
        let theirs = named.iter().map(|(name, rule, rank)| {
            let meaning = Meaning { rule: Some(*rule), rank: *rank, object: object_of(name) };
            (name.clone(), meaning)
        });
        let ours = own.iter().map(|(name, rule, rank, object)| {
            (name.clone(), Meaning { rule: *rule, rank: *rank, object: *object })
        });
        // Of equal names the last counts: aliases yield to names, ours to theirs.
        let mut all: Vec<_> = ours.chain(theirs).collect();
        all.sort_by_key(|(_, meaning)| std::cmp::Reverse(meaning.rank));
        Table::new(all)
    }

    fn property(
        &mut self,
        name: &str,
        dotted: &str,
        node: &Node<'_>,
        named: &mut Vec<(String, RuleId, u8)>,
    ) -> Result<(), SchemaError> {
        let empty = Map::new();
        let extension = node.extension()?.unwrap_or(&empty);
        if let Some(unknown) = extension.keys().find(|word| !WORDS.contains(&word.as_str())) {
            return Err(node.mistake(format!("`x-millrace` has no `{unknown}`")));
        }
        let action = self.action(name, dotted, node, extension)?;
        let rule = self.add(dotted, action);
        // A type's own rule stands in place of the envelope's of the same name, aliases and all.
        if let Some((_, earlier, _)) =
            named.iter().find(|(known, _, rank)| known == name && *rank == 0)
        {
            let earlier = *earlier;
            named.retain(|(_, rule, _)| *rule != earlier);
        }
        named.retain(|(known, ..)| known != name);
        named.push((name.to_owned(), rule, 0));
        let aliases = texts(node, extension, "aliases")?;
        for (rank, alias) in (1..RANK_OF_DOCUMENT_NAMES).zip(aliases) {
            match named.iter_mut().find(|(known, ..)| known == alias) {
                Some((_, _, 0)) => {}
                Some(earlier) => *earlier = (alias.to_owned(), rule, rank),
                None => named.push((alias.to_owned(), rule, rank)),
            }
        }
        Ok(())
    }

    fn action(
        &mut self,
        name: &str,
        dotted: &str,
        node: &Node<'_>,
        extension: &Map<String, Value>,
    ) -> Result<Action, SchemaError> {
        match extension.get("form").and_then(Value::as_str) {
            Some("log_type") => return Ok(Action::LogType),
            Some("request_line") => return Ok(Action::RequestLine),
            Some(other) => return Err(node.mistake(format!("there is no form `{other}`"))),
            None => {}
        }
        let Some(field) = extension.get("field").and_then(Value::as_str) else {
            return self.object(name, dotted, node);
        };
        if field == "@timestamp" {
            return Ok(Action::Timestamp);
        }
        let place = self.place(node, field)?;
        let kind = self.document.field(place).map(|field| field.kind);
        let kind = kind.ok_or_else(|| node.mistake(format!("`{field}` is not a field")))?;
        if kind == FieldKind::Nested {
            let items = node.items().ok_or_else(|| node.mistake("a nested field needs `items`"))?;
            let mut named = Vec::new();
            for (inner, node) in items.properties()? {
                self.property(inner, &format!("{dotted}.{inner}"), &node, &mut named)?;
            }
            return Ok(Action::Nested(place, self.names_below(place, &named)));
        }
        self.conversion(node, extension, place, kind).map(Action::Value)
    }

    /// An object of properties. Where documents have an object of the same name, its names hold too.
    fn object(&mut self, name: &str, dotted: &str, node: &Node<'_>) -> Result<Action, SchemaError> {
        let properties = node.properties()?;
        if properties.is_empty() {
            return Err(node.mistake("a property needs `x-millrace.field`, or properties"));
        }
        let mut named = Vec::new();
        for (inner, node) in properties {
            self.property(inner, &format!("{dotted}.{inner}"), &node, &mut named)?;
        }
        let own =
            (name == dotted).then(|| self.document.child(self.document.root(), name)).flatten();
        Ok(Action::Object(match own {
            Some(place) => self.names_below(place, &named),
            None => Table::new(named.into_iter().map(|(name, rule, rank)| {
                (name, Meaning { rule: Some(rule), rank, object: None })
            })),
        }))
    }

    fn conversion(
        &self,
        node: &Node<'_>,
        extension: &Map<String, Value>,
        place: Place,
        kind: FieldKind,
    ) -> Result<Conversion, SchemaError> {
        let text = |name: &str| extension.get(name).and_then(Value::as_str);
        let also = texts(node, extension, "also")?;
        let absent = texts(node, extension, "absent")?;
        Ok(Conversion {
            also: also.iter().map(|name| self.place(node, name)).collect::<Result<_, _>>()?,
            decimal_shift: extension.get("unit").map_or(Ok(0), |unit| decimal_shift(node, unit))?,
            suffix: match text("suffix").map(str::as_bytes) {
                None => None,
                Some([sign]) => Some(*sign),
                Some(_) => return Err(node.mistake("a `suffix` is one sign")),
            },
            absent: absent.into_iter().map(|text| text.as_bytes().into()).collect(),
            letter_case: match text("case") {
                None => None,
                Some("upper") => Some(LetterCase::Upper),
                Some("lower") => Some(LetterCase::Lower),
                Some(_) => return Err(node.mistake("`case` is `upper` or `lower`")),
            },
            first_of_list: text("first_of_list").map(|name| self.place(node, name)).transpose()?,
            outcome: match extension.get("outcome") {
                None => None,
                Some(Value::Object(outcome)) => {
                    let words = |name| {
                        let words = texts(node, outcome, name)?;
                        Ok(words.into_iter().map(Box::from).collect())
                    };
                    Some(Box::new(Outcome {
                        success: words("success")?,
                        failure: words("failure")?,
                    }))
                }
                Some(_) => return Err(node.mistake("`outcome` has `success` and `failure`")),
            },
            ..Conversion::plain(place, kind, self.document.is_many(place))
        })
    }

    fn place(&self, node: &Node<'_>, name: &str) -> Result<Place, SchemaError> {
        let found = self.document.find(name);
        found.ok_or_else(|| node.mistake(format!("document.json has no field `{name}`")))
    }
}

fn decimal_shift(node: &Node<'_>, unit: &Value) -> Result<i8, SchemaError> {
    let word = |name: &str| unit.get(name).and_then(Value::as_str).unwrap_or_default();
    let (from, to) = (word("from"), word("to"));
    let found = UNITS.iter().find(|known| (known.0, known.1) == (from, to));
    found.map(|known| known.2).ok_or_else(|| {
        node.mistake(format!("nothing is known about units from `{from}` to `{to}`"))
    })
}
