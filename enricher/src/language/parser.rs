//! The grammar: sections, plugins, options, values. Goes on after a mistake where it can, so that a
//! user sees all of them.
//!
//! The grammar is that of Logstash's `grammar.treetop`; conditions are in `condition`.

mod condition;
mod recovery;

use service::suggest::nearest;

use super::diagnostic::Diagnostic;
use super::lexer::Lexer;
use super::source::{Source, Span};
use super::tree::{
    Attribute, Branch, Config, Key, Plugin, Section, SectionKind, Statement, Value, ValueKind,
};

/// Most mistakes that are reported of one text.
const MISTAKES_MAX: usize = 100;
/// Deepest nesting of branches, values and parentheses.
const DEPTH_MAX: usize = 64;

/// How a text is read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Syntax {
    /// Whether `\"`, `\n` and their like mean something in strings; Logstash's
    /// `config.support_escapes`.
    pub support_escapes: bool,
}

/// Reads a configuration.
///
/// # Errors
/// Every mistake that was found, in the order of the text.
pub fn parse(source: &Source, syntax: Syntax) -> Result<Config, Vec<Diagnostic>> {
    let (config, mistakes) = parse_parts(source, syntax);
    if mistakes.is_empty() { Ok(config) } else { Err(mistakes) }
}

/// What could be read of a configuration, and every mistake that was found: plugins and conditions with a mistake are
/// left out. Where there is a mistake, the rest is fit for finding others and not for running.
pub(crate) fn parse_parts(source: &Source, syntax: Syntax) -> (Config, Vec<Diagnostic>) {
    let mut parser = Parser {
        source,
        lexer: Lexer::new(source),
        syntax,
        depth: 0,
        mistakes: Vec::new(),
        mistakes_found: 0,
        end_reported: false,
    };
    let config = parser.config();
    (config, parser.mistakes)
}

/// A mistake was recorded; the caller finds a place to go on from.
#[derive(Debug)]
struct Lost;

type Parsed<T> = Result<T, Lost>;

#[derive(Debug)]
struct Parser<'s> {
    source: &'s Source,
    lexer: Lexer<'s>,
    syntax: Syntax,
    depth: usize,
    mistakes: Vec<Diagnostic>,
    /// How many there were, also of those that are too many to be reported.
    mistakes_found: usize,
    /// The text ended too early and that was said: what was still open need not be named again.
    end_reported: bool,
}

impl Parser<'_> {
    fn mistake(&mut self, span: Span, message: impl Into<String>, way_out: impl Into<String>) {
        self.mistakes_found += 1;
        if self.mistakes.len() < MISTAKES_MAX {
            self.mistakes.push(self.source.mistake(span, message, way_out));
        }
    }

    fn lost<T>(
        &mut self,
        span: Span,
        message: impl Into<String>,
        way_out: impl Into<String>,
    ) -> Parsed<T> {
        self.mistake(span, message, way_out);
        Err(Lost)
    }

    /// Something else than what must stand here; reading cannot go on.
    fn unexpected<T>(&mut self, wanted: &str, way_out: &str) -> Parsed<T> {
        self.note_unexpected(wanted, way_out);
        Err(Lost)
    }

    /// Something else than what must stand here; reading goes on.
    fn note_unexpected(&mut self, wanted: &str, way_out: &str) {
        let found = match self.lexer.peek() {
            None => "the file ends".to_owned(),
            Some(_) if !self.lexer.peek_name().is_empty() => {
                format!("there is `{}`", self.lexer.peek_name())
            }
            Some(character) if character.is_control() => {
                format!("there is `{}`", character.escape_debug())
            }
            Some(character) => format!("there is `{character}`"),
        };
        let mut span = self.lexer.here();
        span.end = span.end.max(span.start + self.lexer.peek_name().len());
        self.mistake(span, format!("{found} where {wanted} should stand"), way_out);
    }

    fn expect(&mut self, sign: &str, wanted: &str, way_out: &str) -> Parsed<()> {
        self.lexer.skip_blanks();
        if self.lexer.take(sign) { Ok(()) } else { self.unexpected(wanted, way_out) }
    }

    /// Something is open at the end of the text.
    fn unclosed<T>(&mut self, open: Span, message: impl Into<String>, way_out: &str) -> Parsed<T> {
        if !std::mem::replace(&mut self.end_reported, true) {
            self.mistake(open, message, way_out);
        }
        Err(Lost)
    }

    /// Runs `inner` one level deeper.
    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= DEPTH_MAX {
            let here = self.lexer.here();
            let message = format!("this is nested more than {DEPTH_MAX} levels deep");
            return self.lost(here, message, "use fewer levels");
        }
        self.depth += 1;
        let result = inner(self);
        self.depth -= 1;
        result
    }

    fn config(&mut self) -> Config {
        let mut config = Config::default();
        loop {
            self.lexer.skip_blanks();
            if self.lexer.at_end() {
                return config;
            }
            match self.section() {
                Ok(section) => config.sections.push(section),
                Err(Lost) => self.skip_section(),
            }
        }
    }

    fn section(&mut self) -> Parsed<Section> {
        let start = self.lexer.at;
        let word = self.lexer.peek_name();
        let kind = match word {
            "input" => SectionKind::Input,
            "filter" => SectionKind::Filter,
            "output" => SectionKind::Output,
            _ => {
                let near = nearest(word, ["input", "filter", "output"]);
                let way_out = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => "a file is made of `input { }`, `filter { }` and `output { }`".into(),
                };
                return self.unexpected("`input`, `filter` or `output`", &way_out);
            }
        };
        self.lexer.name();
        let span = self.lexer.since(start);
        let statements = self.block(&format!("`{}`", kind.as_str()))?;
        Ok(Section { kind, span, whole: self.lexer.since(start), statements })
    }

    /// `{ statements }`
    fn block(&mut self, owner: &str) -> Parsed<Vec<Statement>> {
        self.lexer.skip_blanks();
        let open = self.lexer.here();
        self.expect("{", &format!("the `{{` of {owner}"), "open the block with `{`")?;
        let mut statements = Vec::new();
        loop {
            self.lexer.skip_blanks();
            if self.lexer.take("}") {
                return Ok(statements);
            }
            if self.lexer.at_end() {
                let message = format!("the block of {owner} is not closed");
                return self.unclosed(open, message, "add `}`");
            }
            let known = self.mistakes_found;
            match self.deeper(Self::statement) {
                Ok(Statement::Plugin(_)) if self.mistakes_found > known => {}
                Ok(statement) => statements.push(statement),
                Err(Lost) => self.skip_statement(),
            }
        }
    }

    fn statement(&mut self) -> Parsed<Statement> {
        match self.lexer.peek_name() {
            "if" => self.branch().map(Statement::Branch),
            "else" => {
                let way_out = "an `else` follows the `}` of an `if` or `else if` directly";
                self.unexpected("a filter or `if`", way_out)
            }
            _ => {
                let (name, span) = self.name("the name of a plugin or `if`")?;
                self.plugin(name, span).map(Statement::Plugin)
            }
        }
    }

    fn branch(&mut self) -> Parsed<Branch> {
        let mut branch = Branch { arms: Vec::new(), otherwise: Vec::new() };
        self.lexer.name();
        loop {
            let condition = self.condition_before_block();
            let body = self.block("`if`")?;
            match condition {
                Ok(condition) => branch.arms.push((condition, body)),
                // Nothing runs after a mistake: what stands here is only looked at for others.
                Err(Lost) => branch.otherwise.extend(body),
            }
            let after = self.lexer.at;
            self.lexer.skip_blanks();
            if self.lexer.peek_name() != "else" {
                self.lexer.at = after;
                return Ok(branch);
            }
            self.lexer.name();
            self.lexer.skip_blanks();
            if self.lexer.peek_name() == "if" {
                self.lexer.name();
                continue;
            }
            branch.otherwise.extend(self.block("`else`")?);
            return Ok(branch);
        }
    }

    /// A bare or quoted name.
    fn name(&mut self, wanted: &str) -> Parsed<(String, Span)> {
        let start = self.lexer.at;
        if matches!(self.lexer.peek(), Some('"' | '\'')) {
            let text = self.string()?;
            return Ok((text, self.lexer.since(start)));
        }
        let name = self.lexer.name();
        if name.is_empty() {
            return self.unexpected(wanted, "names are letters, digits, `_` and `-`");
        }
        Ok((name.to_owned(), self.lexer.since(start)))
    }

    /// What follows a plugin's name.
    fn plugin(&mut self, name: String, span: Span) -> Parsed<Plugin> {
        self.lexer.skip_blanks();
        if !self.lexer.take("{") {
            let way_out = format!("write `{name} {{ ... }}`");
            let missing = self.unexpected(&format!("the `{{` of `{name}`"), &way_out);
            // Options follow: only the brace was forgotten.
            if !self.at_attribute() {
                return missing;
            }
        }
        let mut attributes: Vec<Attribute> = Vec::new();
        let mut separated = true;
        loop {
            separated |= self.lexer.skip_blanks();
            if self.lexer.take("}") {
                return Ok(Plugin { name, span, attributes });
            }
            if self.lexer.at_end() {
                return self.unclosed(span, format!("`{name}` is not closed"), "add `}`");
            }
            if !separated {
                let here = self.lexer.here();
                self.mistake(here, "two options need a blank between them", "add a blank");
            }
            match self.attribute() {
                Ok(attribute) => {
                    let twice = attribute.name == "codec"
                        && attributes.iter().any(|earlier| earlier.name == "codec");
                    if twice {
                        let message = format!("`{name}` has two codecs");
                        self.mistake(attribute.span, message, "keep one of them");
                    }
                    attributes.push(attribute);
                    separated = false;
                }
                Err(Lost) => {
                    self.skip_attribute();
                    separated = true;
                }
            }
        }
    }

    /// Whether `name =>` stands here.
    fn at_attribute(&mut self) -> bool {
        let start = self.lexer.at;
        let named = !self.lexer.name().is_empty() || self.lexer.string().is_some();
        self.lexer.skip_blanks();
        let found = named && self.lexer.rest().starts_with("=>");
        self.lexer.at = start;
        found
    }

    fn attribute(&mut self) -> Parsed<Attribute> {
        let (name, span) = self.name("an option's name or `}`")?;
        self.expect("=>", &format!("the `=>` of `{name}`"), "options are written `name => value`")?;
        self.lexer.skip_blanks();
        let value = self.value()?;
        Ok(Attribute { name, span, value })
    }

    fn value(&mut self) -> Parsed<Value> {
        let start = self.lexer.at;
        let kind = match self.lexer.peek() {
            Some('"' | '\'') => ValueKind::Text(self.string()?),
            Some('[') => ValueKind::Array(self.deeper(Self::array)?),
            Some('{') => ValueKind::Hash(self.deeper(Self::hash)?),
            _ if self.lexer.at_number() => self.number()?,
            _ if !self.lexer.peek_name().is_empty() => self.word()?,
            _ => {
                let way_out = "a value is a string, number, word, array `[ ]` or hash `{ }`";
                return self.unexpected("a value", way_out);
            }
        };
        Ok(Value { span: self.lexer.since(start), kind })
    }

    fn number(&mut self) -> Parsed<ValueKind> {
        let start = self.lexer.at;
        let number = self.lexer.number();
        if let Some(number) = number.filter(|_| self.lexer.peek_name().is_empty()) {
            return Ok(ValueKind::Number(number));
        }
        self.lexer.name();
        let span = self.lexer.since(start);
        let message = format!("`{}` is not a number", self.source.slice(span));
        self.lost(span, message, "put it in quotes; a number that begins with 0 is octal")
    }

    /// A bare word, or a codec with options.
    fn word(&mut self) -> Parsed<ValueKind> {
        let start = self.lexer.at;
        let name = self.lexer.name();
        let span = self.lexer.since(start);
        self.lexer.skip_blanks();
        if self.lexer.rest().starts_with('{') {
            let plugin = self.deeper(|parser| parser.plugin(name.to_owned(), span))?;
            return Ok(ValueKind::Plugin(plugin));
        }
        self.lexer.at = span.end;
        let first = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if name.len() < 2 || !first || name.contains('-') {
            let message = format!("`{name}` is no bare word");
            let way_out = format!("put it in quotes: `\"{name}\"`");
            return self.lost(span, message, way_out);
        }
        Ok(ValueKind::Text(name.to_owned()))
    }

    fn string(&mut self) -> Parsed<String> {
        let here = self.lexer.here();
        let Some(text) = self.lexer.string() else {
            // Everything up to the end of the text is inside it.
            self.lexer.at = self.source.text().len();
            let way_out = "close it with the same quote; a quote after a backslash closes nothing";
            return self.unclosed(here, "this string is not closed", way_out);
        };
        Ok(if self.syntax.support_escapes { unescape(text) } else { text.to_owned() })
    }

    fn array(&mut self) -> Parsed<Vec<Value>> {
        let open = self.lexer.here();
        self.lexer.take("[");
        let mut elements = Vec::new();
        let mut comma_needed = false;
        loop {
            self.lexer.skip_blanks();
            let comma = self.lexer.here();
            let comma_found = self.lexer.take(",");
            self.lexer.skip_blanks();
            if self.lexer.at_end() {
                return self.unclosed(open, "this array is not closed", "add `]`");
            }
            let closed = self.lexer.take("]");
            if comma_found && (closed || !comma_needed) {
                let message = "there is `,` without an element on both sides";
                self.mistake(comma, message, "remove it");
            }
            if closed {
                return Ok(elements);
            }
            if comma_needed && !comma_found {
                let way_out = "elements of an array are separated by commas";
                // A value that follows is read: only the comma was forgotten.
                self.note_unexpected("`,` or `]`", way_out);
            }
            match self.value() {
                Ok(element) => elements.push(element),
                Err(Lost) => self.skip_array(),
            }
            comma_needed = true;
        }
    }

    fn hash(&mut self) -> Parsed<Vec<(Key, Value)>> {
        let open = self.lexer.here();
        self.lexer.take("{");
        let mut pairs: Vec<(Key, Value)> = Vec::new();
        loop {
            self.lexer.skip_blanks();
            if self.lexer.take("}") {
                return Ok(pairs);
            }
            if self.lexer.at_end() {
                return self.unclosed(open, "this hash is not closed", "add `}`");
            }
            let here = self.lexer.here();
            if self.lexer.take(",") {
                let message = "there is `,` where an entry or `}` should stand";
                self.mistake(here, message, "entries of a hash are separated by blanks only");
                continue;
            }
            match self.entry() {
                Ok((key, value)) => {
                    if pairs.iter().any(|(earlier, _)| earlier.text == key.text) {
                        let message = format!("the key `{}` stands twice in this hash", key.text);
                        self.mistake(key.span, message, "keep one, or use an array as its value");
                    }
                    pairs.push((key, value));
                }
                Err(Lost) => self.skip_attribute(),
            }
        }
    }

    fn entry(&mut self) -> Parsed<(Key, Value)> {
        let key = self.key()?;
        let arrow = "entries are written `key => value`";
        self.expect("=>", &format!("the `=>` of `{}`", key.text), arrow)?;
        self.lexer.skip_blanks();
        Ok((key, self.value()?))
    }

    fn key(&mut self) -> Parsed<Key> {
        let start = self.lexer.at;
        let text = if self.lexer.at_number() {
            match self.number()? {
                ValueKind::Number(number) => number.to_string(),
                _ => String::new(),
            }
        } else {
            self.name("a key")?.0
        };
        Ok(Key { text, span: self.lexer.since(start) })
    }
}

/// What Logstash's `config.support_escapes` replaces; any other backslash stays.
fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        if letter != '\\' {
            out.push(letter);
            continue;
        }
        match letters.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some(quoted @ ('"' | '\'' | '\\' | '/')) => out.push(quoted),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests;
