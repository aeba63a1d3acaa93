//! What to write in the place of a `ruby` filter: no Ruby runs here, but most of it does what filters do.
//!
//! Reads the code as far as pipelines commonly need it, and names the filters that do the same; of the rest it
//! names the fields that are read and written. It runs nothing, reads no file, and never refuses or accepts
//! anything: what it says is advice, printed where the filter is refused.

mod conditions;
mod footprint;
mod lexer;
mod loops;
mod parser;
mod steps;
pub(crate) mod strict;
#[cfg(test)]
mod tests;
mod times;
mod translate;
pub(crate) mod tree;
mod values;

use self::footprint::Footprint;
use self::lexer::tokens;
use self::parser::parse;
use self::steps::{simplified, write};
use self::translate::{LineOf, Translator};
use self::tree::Place;
use crate::language::{Attribute, Diagnostic, Plugin, Source, Value, ValueKind};

/// Deepest nesting of code that is looked at.
const DEPTH_MAX: usize = 64;
/// Most bytes of code that are looked at.
const CODE_BYTES_MAX: usize = 64 << 10;
/// Most lines that are proposed.
const LINES_MAX: usize = 400;
const INDENT: &str = "\n    ";

/// Options of `ruby` that are no common ones.
const OWN_OPTIONS: &[&str] = &["code", "init", "path", "script_params", "tag_on_exception"];

/// Why a `ruby` filter is refused, and what does the same.
pub(crate) fn diagnose(plugin: &Plugin, source: &Source) -> Diagnostic {
    let options = plugin.options();
    let option = |name: &str| options.iter().find(|option| option.name == name);
    let text = |name: &str| option(name).and_then(|option| Some((option, option.value.as_text()?)));
    let advice = match (text("code"), text("path")) {
        (Some(code), _) => of_code(code, text("init"), source),
        (None, Some((_, path))) => of_script(&path, option("script_params")),
        (None, None) => Advice {
            message: "no Ruby runs here, and this `ruby` has no code".to_owned(),
            lines: vec!["remove it".to_owned()],
        },
    };
    let Advice { message, mut lines } = advice;
    let common: Vec<_> = options
        .iter()
        .filter(|option| !OWN_OPTIONS.contains(&option.name.as_str()))
        .map(|option| format!("{} => {}", option.name, one_line(source, &option.value)))
        .collect();
    if !common.is_empty() {
        lines.push("# the other options, where the code did not fail:".to_owned());
        lines.push(format!("mutate {{ {} }}", common.join(" ")));
    }
    source.mistake(plugin.span, message, lines.join(INDENT))
}

struct Advice {
    message: String,
    lines: Vec<String>,
}

/// Lines of the pipeline for places of a code.
#[derive(Debug)]
struct Lines<'c> {
    code: &'c str,
    first: usize,
    /// Whether the code stands in the pipeline as it is read.
    is_as_written: bool,
}

impl LineOf for Lines<'_> {
    fn line_of(&self, at: usize) -> usize {
        if !self.is_as_written {
            return self.first;
        }
        let before = self.code.as_bytes().get(..at).unwrap_or_default();
        self.first + before.iter().filter(|byte| **byte == b'\n').count()
    }
}

fn lines_of<'c>(option: &Attribute, code: &'c str, source: &Source) -> Lines<'c> {
    let written = source.slice(option.value.span);
    let inner = written.get(1..written.len().saturating_sub(1)).unwrap_or_default();
    Lines { code, first: source.line_of(option.value.span.start), is_as_written: inner == code }
}

fn of_code(
    (option, code): (&Attribute, String),
    init: Option<(&Attribute, String)>,
    source: &Source,
) -> Advice {
    if code.len() > CODE_BYTES_MAX
        || init.as_ref().is_some_and(|(_, init)| init.len() > CODE_BYTES_MAX)
    {
        let message = "no Ruby runs here, and this `ruby` is too long to be looked at".to_owned();
        return Advice { message, lines: vec!["write what it does with filters".to_owned()] };
    }
    let Lines { first, is_as_written, .. } = lines_of(option, &code, source);
    let mut code = code;
    let mut all = tokens(&code);
    let mut parsed = parse(&all);
    if parsed.is_err() && code.contains("\\\"") {
        // Written for `config.support_escapes`, or by who thought that it is on: lines stay the same.
        code = code.replace("\\\"", "\"");
        all = tokens(&code);
        parsed = parse(&all);
    }
    let lines = Lines { code: &code, first, is_as_written };
    let statements = match parsed {
        Ok(statements) => statements,
        Err(unreadable) => return unread(&all, &code, lines.line_of(unreadable.at)),
    };
    // Variables of `init` are known in `code`.
    let init_code = init.as_ref().map_or("", |(_, code)| code.as_str());
    let init_lines = match &init {
        Some((option, code)) => lines_of(option, code, source),
        None => Lines { code: "", first: lines.first, is_as_written: false },
    };
    let init_tokens = tokens(init_code);
    let mut translator = Translator::new(init_code, &init_tokens, &init_lines);
    match parse(&init_tokens) {
        Ok(init) => translator.statements(&init),
        Err(unreadable) => {
            let line = init_lines.line_of(unreadable.at);
            translator.missing += 1;
            let note = format!("line {line}: `init` is not understood from here on");
            translator.steps.push(steps::Step::Note(note));
        }
    }
    translator.go_on(&code, &all, &lines);
    translator.statements(&statements);
    let footprint = Footprint::of(&all, Place { start: 0, end: code.len() }).words();
    advise(translator, &footprint)
}

/// What is proposed of a code that was understood, and what that leaves out.
fn advise(translator: Translator<'_>, footprint: &str) -> Advice {
    let (translated, missing) = (translator.translated, translator.missing);
    let mut proposed = Vec::new();
    write(&simplified(translator.steps), 0, &mut proposed);
    if proposed.len() > LINES_MAX {
        let more = proposed.len() - LINES_MAX;
        proposed.truncate(LINES_MAX);
        proposed.push(format!("# {more} more lines: give the code in parts to see them"));
    }
    if missing == 0 {
        if proposed.is_empty() {
            let message = "no Ruby runs here, and this `ruby` changes no event".to_owned();
            return Advice { message, lines: vec!["remove it".to_owned()] };
        }
        proposed.insert(0, "write in its place".to_owned());
        let message = "no Ruby runs here; other filters do what this `ruby` does".to_owned();
        return Advice { message, lines: proposed };
    }
    if translated == 0 {
        let message =
            "no Ruby runs here, and what this `ruby` does is known of no filter".to_owned();
        let first = match footprint.is_empty() {
            true => "do it where the log is written".to_owned(),
            false => format!(
                "the code {footprint}; do it where the log is written, or with filters of these fields"
            ),
        };
        proposed.insert(0, first);
        return Advice { message, lines: proposed };
    }
    let message = format!(
        "no Ruby runs here; other filters do {translated} of the {} things that this `ruby` does",
        translated + missing
    );
    proposed.insert(0, "write in its place, with what is missing done elsewhere".to_owned());
    Advice { message, lines: proposed }
}

/// What can be said of code that is not understood.
fn unread(all: &[lexer::Token], code: &str, line: usize) -> Advice {
    let footprint = Footprint::of(all, Place { start: 0, end: code.len() }).words();
    let message = "no Ruby runs here, and what this `ruby` does is not understood".to_owned();
    let mut lines = vec![format!("from line {line} on the code is not understood")];
    if !footprint.is_empty() {
        lines.push(format!("it {footprint}"));
    }
    lines.push("write what it does with filters, or do it where the log is written".to_owned());
    Advice { message, lines }
}

/// What a script would have to become.
fn of_script(path: &str, parameters: Option<&Attribute>) -> Advice {
    let shown: String =
        path.chars().filter(|character| !character.is_control()).take(200).collect();
    let mut lines = vec![
        format!("write in its place what `filter(event)` of {shown} does, with filters:"),
        "give its body as `code => '...'` here, and `millrace check` names the filters that do the same".to_owned(),
        "`return [event]` is left out, `return []` is drop { }, an array of more events is clone or split".to_owned(),
    ];
    if let Some(Attribute { value: Value { kind: ValueKind::Hash(pairs), .. }, .. }) = parameters {
        for (key, value) in pairs {
            let value = value.as_text().unwrap_or_else(|| "its value".to_owned());
            let (key, value) = (printable(&key.text), printable(&value));
            lines.push(format!("in the place of `params[\"{key}\"]` stands `{value}`"));
        }
    }
    Advice { message: "no Ruby runs here, and no scripts of it".to_owned(), lines }
}

fn printable(text: &str) -> String {
    text.chars().filter(|character| !character.is_control()).take(200).collect()
}

/// An option's value as it is written, in one line.
fn one_line(source: &Source, value: &Value) -> String {
    let text = source.slice(value.span).replace(|sign: char| sign.is_control(), " ");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
