//! The pages of filters, in Markdown that reads well in a terminal too.

use std::fmt::Write;

use super::{COMMON_OPTIONS, OptionDescription, OptionKind, Presence};
use crate::registry::{self, Entry, Origin};

/// What a filter does, in one sentence.
#[must_use]
pub fn summary(entry: &Entry) -> String {
    let lines = entry.description.text.iter().map(|line| line.trim());
    let first: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    let paragraph = first.join(" ");
    match paragraph.split_once(". ") {
        Some((sentence, _)) => format!("{sentence}."),
        None => paragraph,
    }
}

/// The page of a filter.
#[must_use]
pub fn page(entry: &Entry) -> String {
    let Entry { name, origin, description, .. } = entry;
    let mut page = format!("# {name}\n\n");
    if *origin == Origin::Millrace {
        page.push_str("Millrace's own: Logstash has no such filter.\n\n");
    }
    write_lines(description.text, "", &mut page);
    page.push('\n');
    for code in description.example.lines() {
        line(&mut page, format_args!("    {code}"));
    }
    write_sections("Options", description.options, &mut page);
    if !description.tags.is_empty() {
        page.push_str("\n## Tags\n\n");
        for (tag, when) in description.tags {
            line(&mut page, format_args!("- `{tag}`: {when}"));
        }
    }
    page.push_str(
        "\nThe options that [every filter](README.md#options-of-every-filter) has come on top.\n",
    );
    page
}

/// The page that names all filters.
#[must_use]
pub fn index() -> String {
    let mut page = String::from(
        "# Filters\n\n\
         What each filter does and what its options are. `millrace filters NAME` prints these pages.\n\
         They are written from the filters' own files in `enricher/src/filters`; a test keeps both\n\
         equal.\n\n",
    );
    for entry in registry::FILTERS {
        let own = if entry.origin == Origin::Millrace { " Millrace's own." } else { "" };
        let name = entry.name;
        line(&mut page, format_args!("- [{name}]({name}.md): {}{own}", summary(entry)));
    }
    page.push_str(
        "\nAn option that is not on a filter's page is refused as unknown. Where an array is asked for, one\n\
         value alone will do, and a hash may be written as a flat array of keys and values.\n",
    );
    write_sections("Options of every filter", COMMON_OPTIONS, &mut page);
    page.push_str(
        "\nThose with an effect run when the filter did its work, in this order: fields are added, fields\n\
         removed, tags added, tags removed. In all of them `%{field}` is replaced. `@timestamp` cannot be\n\
         removed.\n\n\
         ## Filters of Logstash that do not run here\n\n\
         - `ruby`: no Ruby runs here; `millrace check` proposes the filters that do what its code does\n",
    );
    for (name, way_out) in registry::ABSENT {
        line(&mut page, format_args!("- `{name}`: {way_out}"));
    }
    page
}

/// Writes options under a title; behind them, under titles of their own, those without effect and those that are refused.
fn write_sections(title: &str, options: &[OptionDescription], page: &mut String) {
    let of =
        |wanted: fn(Presence) -> bool| options.iter().filter(move |option| wanted(option.presence));
    let sections = [
        (title, of(|presence| !matches!(presence, Presence::WithoutEffect | Presence::Refused))),
        ("Taken without effect", of(|presence| presence == Presence::WithoutEffect)),
        ("Refused", of(|presence| presence == Presence::Refused)),
    ];
    for (title, options) in sections {
        write_options(title, options, page);
    }
}

fn write_options<'d>(
    title: &str,
    options: impl Iterator<Item = &'d OptionDescription>,
    page: &mut String,
) {
    let mut options = options.peekable();
    if options.peek().is_none() {
        return;
    }
    line(page, format_args!("\n## {title}\n"));
    for option in options {
        let OptionDescription { name, kind, words, presence, text } = option;
        let mut about = Vec::new();
        if *kind != OptionKind::Any {
            about.push(kind.to_string());
        }
        if !words.is_empty() {
            let words: Vec<_> = words.iter().map(|word| format!("`{word}`")).collect();
            about.push(format!("one of {}", words.join(", ")));
        }
        about.extend(told(*presence));
        if *presence == Presence::Refused {
            line(page, format_args!("- `{name}`: {}", text.join(" ")));
            continue;
        }
        let about = about.join(", ");
        match about.is_empty() {
            true => line(page, format_args!("- `{name}`:")),
            false => line(page, format_args!("- `{name}`: {about}.")),
        }
        write_lines(text, "  ", page);
    }
}

fn told(presence: Presence) -> Option<String> {
    Some(match presence {
        Presence::Required => "required".to_owned(),
        Presence::RequiredUnless(other) => format!("required unless `{other}` is given"),
        Presence::Default(default) => format!("default `{}`", as_written(default)),
        Presence::Otherwise(words) => words.to_owned(),
        Presence::Optional | Presence::WithoutEffect | Presence::Refused => return None,
    })
}

/// A default of Rust as a pipeline has it: numbers have no `_` between digits, and whole ones no point.
fn as_written(default: &str) -> String {
    match default.starts_with(|first: char| first.is_ascii_digit()) {
        true => default.replace('_', "").trim_end_matches(".0").to_owned(),
        false => default.to_owned(),
    }
}

fn write_lines(lines: &[&str], indentation: &str, page: &mut String) {
    for text in lines {
        let text = text.strip_prefix(' ').unwrap_or(text);
        match text.is_empty() {
            true => page.push('\n'),
            false => line(page, format_args!("{indentation}{text}")),
        }
    }
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    let _infallible = writeln!(page, "{text}");
}
