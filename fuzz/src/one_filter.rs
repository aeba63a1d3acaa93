//! A pipeline of one filter, built as a tree: its options can hold what no text could quote.

use enricher::language::{Attribute, Config, Key, Plugin, Section, SectionKind, Span, Statement};
use enricher::language::{Source, Value, ValueKind};
use enricher::{Environment, Plan, plan};

/// A text as an option's value.
pub(crate) fn text(text: &str) -> Value {
    Value { span: Span::default(), kind: ValueKind::Text(text.to_owned()) }
}

/// Texts as an option's value.
pub(crate) fn texts(texts: &[&str]) -> Value {
    let elements = texts.iter().map(|element| text(element)).collect();
    Value { span: Span::default(), kind: ValueKind::Array(elements) }
}

/// One pair as an option's value.
pub(crate) fn pair(key: &str, value: Value) -> Value {
    let key = Key { text: key.to_owned(), span: Span::default() };
    Value { span: Span::default(), kind: ValueKind::Hash(vec![(key, value)]) }
}

/// Compiles a filter with these options; `None` if it is refused, which must be said.
pub(crate) fn plan(name: &str, options: Vec<(&str, Value)>) -> Option<Plan> {
    let attribute = |(name, value): (&str, Value)| Attribute {
        name: name.to_owned(),
        span: Span::default(),
        value,
    };
    let plugin = Plugin {
        name: name.to_owned(),
        span: Span::default(),
        attributes: options.into_iter().map(attribute).collect(),
    };
    let section = Section {
        kind: SectionKind::Filter,
        span: Span::default(),
        whole: Span::default(),
        statements: vec![Statement::Plugin(plugin)],
    };
    let config = Config { sections: vec![section] };
    // What is said of a pipeline that runs has to be found without harm too.
    let environment = Environment { wants_warnings: true, ..Environment::default() };
    match plan::compile(&Source::new("fuzz.conf", "filter { }"), &config, &environment) {
        Ok(plan) => Some(plan),
        Err(mistakes) => {
            assert!(!mistakes.is_empty(), "refused without a word");
            mistakes.iter().for_each(|mistake| drop(mistake.to_string()));
            None
        }
    }
}
