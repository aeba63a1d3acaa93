//! What of a pipeline is never run, whatever the events are.
//!
//! Only what is sure is said: behind a `drop` without `percentage` no event is left, and of two equal
//! conditions in one chain of `if` the second is not asked.

use crate::language::{Branch, Config, Diagnostic, Plugin, SectionKind, Source, Span, Statement};

/// Warnings of everything that is never run.
pub(super) fn unreachable(source: &Source, config: &Config) -> Vec<Diagnostic> {
    let mut search = Search { source, warnings: Vec::new() };
    let filters = config.sections.iter().filter(|section| section.kind == SectionKind::Filter);
    let mut ended_at = None;
    for section in filters {
        ended_at = search.statements(&section.statements, ended_at);
    }
    search.warnings
}

struct Search<'s> {
    source: &'s Source,
    warnings: Vec<Diagnostic>,
}

impl Search<'_> {
    /// Looks through statements in front of which every event has ended in a line, or none has. Gives the line in
    /// which every event has ended behind them.
    fn statements(&mut self, statements: &[Statement], ended_at: Option<usize>) -> Option<usize> {
        let mut ended_at = ended_at;
        for statement in statements {
            if let Some(line) = ended_at {
                let message =
                    format!("this is never run: the `drop` of line {line} leaves no event");
                let way_out = "put it before the `drop`, or the `drop` under a condition";
                self.warnings.push(self.source.warning(place(statement), message, way_out));
                // Once is enough for all that follows.
                return None;
            }
            ended_at = match statement {
                Statement::Plugin(plugin) => {
                    drops_all(plugin).then(|| self.source.line_of(plugin.span.start))
                }
                Statement::Branch(branch) => self.branch(branch),
            };
        }
        ended_at
    }

    /// The line in which every event has ended, whichever way it went.
    fn branch(&mut self, branch: &Branch) -> Option<usize> {
        let mut ends = Vec::with_capacity(branch.arms.len() + 1);
        let mut asked: Vec<(String, usize)> = Vec::new();
        for (condition, body) in &branch.arms {
            let words = words(self.source.slice(condition.span));
            let line = self.source.line_of(condition.span.start);
            match asked.iter().find(|(earlier, _)| *earlier == words) {
                Some((_, earlier)) => {
                    let message = format!(
                        "this is never run: line {earlier} asks the same, and takes the events for which it holds"
                    );
                    let way_out = "remove it, or correct one of the two conditions";
                    self.warnings.push(self.source.warning(condition.span, message, way_out));
                }
                None => asked.push((words, line)),
            }
            ends.push(self.statements(body, None));
        }
        ends.push(self.statements(&branch.otherwise, None));
        ends.into_iter().collect::<Option<Vec<_>>>()?.into_iter().max()
    }
}

/// A condition without its blanks, where none can stand in a text. Those between brackets stay: a field's name has its
/// own.
fn words(condition: &str) -> String {
    if condition.contains(['"', '\'', '/', '#']) {
        return condition.to_owned();
    }
    let mut depth = 0_usize;
    let is_kept = |character: &char| {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > 0 || !character.is_whitespace()
    };
    condition.chars().filter(is_kept).collect()
}

/// Whether no event is left behind it.
fn drops_all(plugin: &Plugin) -> bool {
    plugin.name == "drop" && plugin.attributes.iter().all(|option| option.name != "percentage")
}

fn place(statement: &Statement) -> Span {
    match statement {
        Statement::Plugin(plugin) => plugin.span,
        Statement::Branch(branch) => {
            branch.arms.first().map(|(condition, _)| condition.span).unwrap_or_default()
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::filter::Environment;
    use crate::language::{Source, Syntax};
    use crate::plan::parse_and_compile;

    /// Lines of the warnings.
    fn warned(filters: &str) -> Vec<usize> {
        let source = Source::new("test.conf", format!("filter {{\n{filters}\n}}"));
        let environment = Environment { wants_warnings: true, ..Environment::default() };
        let plan = parse_and_compile(&source, Syntax::default(), &environment);
        let plan = plan.expect("a good pipeline");
        plan.warnings().iter().map(|warning| warning.line).collect()
    }

    #[test]
    fn what_no_event_reaches_is_named_once() {
        for (filters, lines) in [
            ("drop { }\nuuid { target => id }\nuuid { target => id }", vec![3]),
            ("if [a] { drop { } } else { drop { } }\nuuid { target => id }", vec![3]),
            ("if [a] {\ndrop { }\nuuid { target => id }\n}", vec![4]),
            ("if [a] == 1 { }\nelse if [b] { }\nelse if [a]  ==1 { }", vec![4]),
            ("if 'x  y' in [a] { }\nelse if 'x  y' in [a] { }", vec![3]),
            ("drop { }\n}\nfilter {\nif [a] { drop { } }", vec![5]),
        ] {
            assert_eq!(warned(filters), lines, "{filters}");
        }
    }

    #[test]
    fn what_an_event_may_reach_is_not() {
        for filters in [
            "drop { percentage => 50 }\nuuid { target => id }",
            "if [a] { drop { } }\nuuid { target => id }",
            "if [a] { drop { } } else if [b] { drop { } }\nuuid { target => id }",
            "if [a] { drop { } } else { uuid { target => id } }\nuuid { target => id }",
            "if [a] == 1 { } else if [a] == 2 { }\nif [a] == 1 { }",
            "if 'x  y' in [a] { } else if 'x y' in [a] { }",
            "if [first name] == 1 { } else if [firstname] == 1 { }",
            "drop { }",
        ] {
            assert!(warned(filters).is_empty(), "{filters}");
        }
    }
}
