//! What a pipeline does in the place of Ruby, and how it is written.

use event::FieldPath;

/// One step of the pipeline that is proposed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Copy(String, String),
    Rename(String, String),
    Remove(String),
    /// A filter as it is written.
    Filter(String),
    /// A condition, what is done, what is done else.
    If(String, Vec<Step>, Vec<Step>),
    /// Something to know: a comment.
    Note(String),
}

impl Step {
    /// A filter of one option.
    pub(super) fn option(filter: &str, option: &str, value: &str) -> Self {
        Self::Filter(format!("{filter} {{ {option} => {value} }}"))
    }
}

/// A text as the language writes it; `None` where it cannot be written.
pub(super) fn quote(text: &str) -> Option<String> {
    if text.ends_with('\\') || text.chars().any(char::is_control) {
        return None;
    }
    // A variable of the process would be put in.
    if text.contains("${") {
        return None;
    }
    ['"', '\'']
        .into_iter()
        .find(|quote| !text.contains(*quote))
        .map(|quote| format!("{quote}{text}{quote}"))
}

/// The reference to a field in brackets; `None` where it is none, or cannot be written.
pub(super) fn reference(name: &str) -> Option<String> {
    let path = FieldPath::parse(name).ok()?.to_string();
    let is_plain =
        !path.contains(['"', '\'', '%', '{', '}', ',', '$']) && !path.chars().any(char::is_control);
    is_plain.then_some(path)
}

/// Joins what belongs together: a copy whose source goes is a renaming.
pub(super) fn simplified(steps: Vec<Step>) -> Vec<Step> {
    let mut simple: Vec<Step> = Vec::with_capacity(steps.len());
    for step in steps {
        let step = match step {
            Step::If(condition, then, otherwise) => {
                Step::If(condition, simplified(then), simplified(otherwise))
            }
            other => other,
        };
        match (simple.last_mut(), &step) {
            (Some(Step::Copy(from, to)), Step::Remove(removed)) if from == removed => {
                let (from, to) = (std::mem::take(from), std::mem::take(to));
                simple.pop();
                simple.push(Step::Rename(from, to));
            }
            _ => simple.push(step),
        }
    }
    simple
}

/// Writes steps, one a line.
pub(super) fn write(steps: &[Step], depth: usize, lines: &mut Vec<String>) {
    let indent = "  ".repeat(depth);
    for step in steps {
        match step {
            Step::Copy(from, to) => {
                lines.push(format!("{indent}mutate {{ copy => {{ \"{from}\" => \"{to}\" }} }}"));
            }
            Step::Rename(from, to) => {
                lines.push(format!("{indent}mutate {{ rename => {{ \"{from}\" => \"{to}\" }} }}"));
            }
            Step::Remove(field) => {
                lines.push(format!("{indent}mutate {{ remove_field => [ \"{field}\" ] }}"));
            }
            Step::Filter(text) => lines.push(format!("{indent}{text}")),
            Step::Note(text) => lines.push(format!("{indent}# {text}")),
            Step::If(condition, then, otherwise) => {
                lines.push(format!("{indent}if {condition} {{"));
                write(then, depth + 1, lines);
                if !otherwise.is_empty() {
                    lines.push(format!("{indent}}} else {{"));
                    write(otherwise, depth + 1, lines);
                }
                lines.push(format!("{indent}}}"));
            }
        }
    }
}
