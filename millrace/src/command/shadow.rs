//! `millrace shadow`: our events beside those that a user's Logstash made of the same lines, field by field.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;

use enricher::Plan;
use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::{Failure, complain, counted, escape_control, plan, print, shown};
use crate::cli::ShadowArguments;
use crate::process;
use crate::shadow::{self, Example, FieldReport, Ignored, Options, Report, ShadowError, Sum};

/// Most characters of a value in the table for people.
const SHOWN_CHARACTERS: usize = 100;

pub(super) fn run(arguments: &ShadowArguments) -> Result<(), Failure> {
    let options = options(arguments)?;
    remembering(&options.plan).iter().for_each(|said| complain("millrace", said));
    let reference = open(&arguments.reference)?;
    let input = arguments.input.as_deref().map(open).transpose()?;
    let report = shadow::run(reference, input, &options).map_err(|error| match error {
        ShadowError::ReadInput(_) | ShadowError::ReadReference(_) => Failure::of(error),
        _ => Failure::usage(error.to_string()),
    })?;
    if arguments.json {
        let text = serde_json::to_string(&report).map_err(Failure::of)?;
        print(|out| writeln!(out, "{text}"))?;
    } else {
        print(|out| write_report(out, &report))?;
    }
    if report.is_equal() { Ok(()) } else { Err(Failure::new("")) }
}

fn open(path: &Path) -> Result<impl BufRead + use<>, Failure> {
    File::open(path)
        .map(|file| BufReader::with_capacity(1 << 20, file))
        .map_err(|error| Failure::usage(format!("cannot read {}: {error}", path.display())))
}

fn options(arguments: &ShadowArguments) -> Result<Options, Failure> {
    let config = process::read_config(arguments.config.as_deref(), arguments)?.enricher;
    let received_at = arguments.received_at.unwrap_or_else(Timestamp::now);
    Ok(Options {
        plan: plan::compile(&config, Uuid::new_v4(), "shadow")?,
        limits: config.limits(),
        codec: arguments.codec.into(),
        received_at_ns: i64::try_from(received_at.as_nanosecond())
            .map_err(|_| Failure::usage("the time of --received-at is too far away"))?,
        ignored: arguments.ignore.iter().map(|text| Ignored::parse(text)).collect(),
    })
}

/// What is said of filters that remember events: only what they give out with a line can stand beside the reference.
fn remembering(plan: &Plan) -> Vec<String> {
    let filters = plan.filters().iter().filter(|filter| filter.keeps_state);
    let said = filters.map(|filter| {
        let place = escape_control(&format!("{}:{}", filter.file, filter.line));
        let name = filter.name;
        format!(
            "{place}: {name} remembers events: nothing that it gives out later is compared, and what it does to an \
             event depends on those before, whose order Logstash's workers change"
        )
    });
    said.collect()
}

fn write_report(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    write_sums(out, report)?;
    let mut unequal: Vec<_> =
        report.fields.iter().filter(|(_, field)| field.differences() > 0).collect();
    unequal.sort_by_key(|(_, field)| std::cmp::Reverse(field.differences()));
    if !unequal.is_empty() {
        writeln!(out)?;
        row(out, "field", ["equal", "different", "missing", "extra"].map(str::to_owned))?;
    }
    for (name, field) in &unequal {
        write_field(out, name, field)?;
    }
    let equal = (report.fields.len() - unequal.len()) as u64;
    if equal > 0 {
        let verb = if equal == 1 { "is" } else { "are" };
        writeln!(out, "\n{} {verb} equal in every event", counted(equal, "field"))?;
    }
    if report.differences_in_other_fields > 0 {
        let others = report.differences_in_other_fields;
        writeln!(
            out,
            "and {} in fields beyond the first 10000 names",
            counted(others, "difference")
        )?;
    }
    Ok(())
}

fn write_sums(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let Report { compared, equal, .. } = report;
    writeln!(
        out,
        "{} compared: {equal} equal, {} different",
        counted(*compared, "event"),
        compared - equal
    )?;
    if report.is_by_order {
        writeln!(
            out,
            "put beside each other by their order: the reference does not name its lines"
        )?;
    }
    for (sum, said) in [
        (&report.only_theirs, "only in the reference: dropped or refused by us"),
        (&report.only_ours, "only ours: the reference has none of the line"),
        (&report.without_line, "in the reference whose line is not known"),
    ] {
        if sum.count > 0 {
            writeln!(out, "{} {said}{}", counted(sum.count, "event"), lines_of(sum))?;
            for ours in sum.examples.iter().filter_map(|example| example.ours.as_ref()) {
                writeln!(out, "    {}", shown(ours, SHOWN_CHARACTERS))?;
            }
        }
    }
    for (kind, count) in &report.refused {
        writeln!(out, "{} refused by us: {kind}", counted(*count, "line"))?;
    }
    if report.refused.contains_key("not_an_object") {
        writeln!(out, "  lines of text are read with --codec plain")?;
    }
    if report.no_events_of_both > 0 {
        writeln!(
            out,
            "{} of which neither has an event",
            counted(report.no_events_of_both, "line")
        )?;
    }
    Ok(())
}

/// The first lines of the reference that a sum counts.
fn lines_of(sum: &Sum) -> String {
    let lines: Vec<_> = sum
        .examples
        .iter()
        .filter_map(|example| example.line)
        .map(|line| line.to_string())
        .collect();
    match lines.len() as u64 {
        0 => String::new(),
        1 => format!(" (line {})", lines[0]),
        count if count < sum.count => format!(" (lines {} ...)", lines.join(", ")),
        _ => format!(" (lines {})", lines.join(", ")),
    }
}

fn write_field(out: &mut dyn Write, name: &str, field: &FieldReport) -> io::Result<()> {
    let sums = [&field.different, &field.missing, &field.extra];
    let counts = [field.equal, field.different.count, field.missing.count, field.extra.count];
    row(out, &escape_control(name), counts.map(|count| count.to_string()))?;
    for example in sums.into_iter().flat_map(|sum| &sum.examples) {
        let Example { line, theirs, ours } = example;
        let line = line.map(|line| line.to_string()).unwrap_or_default();
        let (theirs, ours) = (value(theirs.as_ref()), value(ours.as_ref()));
        writeln!(out, "    line {line}: theirs {theirs}, ours {ours}")?;
    }
    Ok(())
}

fn row(out: &mut dyn Write, name: &str, cells: [String; 4]) -> io::Result<()> {
    write!(out, "{name:<40}")?;
    cells.iter().try_for_each(|cell| write!(out, " {cell:>10}"))?;
    writeln!(out)
}

fn value(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), |value| shown(value, SHOWN_CHARACTERS))
}

#[cfg(test)]
mod tests {
    use enricher::Environment;
    use enricher::language::{Source, Syntax};
    use enricher::plan::parse_and_compile;
    use serde_json::json;

    use super::*;

    #[test]
    fn filters_whose_events_come_later_are_named() {
        let text = "filter {\n uuid { target => id }\n metrics { meter => shop }\n}";
        let source = Source::new("test.conf", text);
        let plan = parse_and_compile(&source, Syntax::default(), &Environment::default());
        let said = remembering(&plan.expect("a good pipeline"));
        assert_eq!(said.len(), 1, "{said:?}");
        for part in ["test.conf:3", "metrics", "nothing that it gives out later"] {
            assert!(said[0].contains(part), "{said:?}");
        }
    }

    #[test]
    fn events_that_only_we_have_are_shown() {
        let ours = |text: &str| Example { ours: Some(json!({"a": text})), ..Example::default() };
        let examples = vec![ours("x"), ours("\u{1b}[2J")];
        let report = Report { only_ours: Sum { count: 2, examples }, ..Report::default() };
        let mut out = Vec::new();
        write_report(&mut out, &report).expect("it writes");
        let text = String::from_utf8(out).expect("a text");
        assert!(text.contains("2 events only ours"), "{text}");
        assert!(text.contains("    {\"a\":\"x\"}\n"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
