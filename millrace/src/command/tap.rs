//! `millrace tap`: what one filter does to the events, live.

use std::io::{self, Write};

use query_api::{TapFilter, TapMessage};
use serde::Deserialize;
use serde_json::Value;

use super::{Failure, complain, counted, escape_control, print, shown};
use crate::cases::{Difference, differences};
use crate::cli::TapArguments;
use crate::client::Client;
use crate::event_stream::EventStream;

/// The stage whose filters can be looked on at.
const STAGE: &str = "enricher";
/// Most characters of a value in the lines for people.
const SHOWN_CHARACTERS: usize = 200;

/// What to look on at.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// Nothing: the filters are listed.
    List,
    /// The filter of this number, of the pipeline with this id or of the one that has none.
    Filter(Option<String>, usize),
}

#[derive(Deserialize)]
struct Filters {
    filters: Vec<TapFilter>,
}

pub(super) async fn run(arguments: &TapArguments) -> Result<(), Failure> {
    let place = place(&arguments.at)?;
    let client = Client::open(&arguments.server)?;
    match place {
        Place::List => {
            let Filters { filters } = client.get("/api/tap/filters", &[]).await?;
            print(|out| write_filters(out, &filters))
        }
        Place::Filter(pipeline_id, filter) => follow(arguments, pipeline_id, filter, &client).await,
    }
}

/// Reads `enricher`, `enricher[3]` or `enricher#ID[3]`.
fn place(text: &str) -> Result<Place, Failure> {
    if text == STAGE {
        return Ok(Place::List);
    }
    filter_of(text).ok_or_else(|| {
        Failure::usage(format!(
            "`{}` is no place for a tap: --at enricher lists the filters, --at enricher[3] looks on at the \
             third, --at enricher#ID[3] at the third of the pipeline ID",
            escape_control(text)
        ))
    })
}

fn filter_of(text: &str) -> Option<Place> {
    // An id may hold brackets: those of the number are the last.
    let (pipeline, number) = text.strip_suffix(']')?.rsplit_once('[')?;
    let number = number.parse().ok()?;
    let id = match pipeline.strip_prefix(STAGE)? {
        "" => None,
        named => Some(named.strip_prefix('#')?.to_owned()),
    };
    Some(Place::Filter(id, number))
}

/// How a filter is named by whoever looks on at it.
fn label(at: &TapFilter) -> String {
    let id = at.pipeline_id.as_ref().map(|id| format!("#{id}")).unwrap_or_default();
    format!("{STAGE}{id}[{}]", at.filter)
}

fn write_filters(out: &mut dyn Write, filters: &[TapFilter]) -> io::Result<()> {
    let labels: Vec<_> = filters.iter().map(|filter| escape_control(&label(filter))).collect();
    let width = labels.iter().map(|label| label.chars().count()).max().unwrap_or_default().max(14);
    for (label, TapFilter { name, file, line, .. }) in labels.iter().zip(filters) {
        let place = escape_control(&format!("{file}:{line}"));
        writeln!(out, "{label:<width$} {name:<14} {place}")?;
    }
    Ok(())
}

/// Prints what passes until there is enough, or the reader or the server goes.
async fn follow(
    arguments: &TapArguments,
    pipeline_id: Option<String>,
    filter: usize,
    client: &Client,
) -> Result<(), Failure> {
    let mut parameters =
        vec![("filter", filter.to_string()), ("only_changed", arguments.only_changed.to_string())];
    parameters.extend(pipeline_id.map(|id| ("pipeline_id", id)));
    let mut left = arguments.limit.unwrap_or(usize::MAX);
    let mut events = EventStream::new(client.stream("/api/tap", &parameters).await?);
    let mut pipeline: Option<String> = None;
    while left > 0 {
        let data = events.next().await?;
        let Ok(message) = serde_json::from_slice::<TapMessage>(&data) else { continue };
        if message.lost > 0 {
            let passed = counted(message.lost, "event");
            complain(
                "millrace",
                &format!("{passed} passed unseen: they come faster than they are read"),
            );
        }
        if pipeline.as_ref().is_some_and(|before| *before != message.pipeline) {
            complain("millrace", &format!("the pipeline has changed: {}", now(&message.at)));
        }
        if arguments.json {
            let line = String::from_utf8_lossy(&data);
            print(|out| writeln!(out, "{line}"))?;
        } else {
            print(|out| write_message(out, &message))?;
        }
        pipeline = Some(message.pipeline);
        left -= 1;
    }
    Ok(())
}

/// What stands at a place now.
fn now(at: &TapFilter) -> String {
    let TapFilter { name, file, line, .. } = at;
    escape_control(&format!("{} is {name} in {file}:{line} now", label(at)))
}

fn write_message(out: &mut dyn Write, message: &TapMessage) -> io::Result<()> {
    let TapMessage { at, record_id, number, result, made, before, after, .. } = message;
    let which = if *number > 0 { format!("/{number}") } else { String::new() };
    let made = if *made > 0 {
        format!(", made {}", counted(*made as u64, "event"))
    } else {
        String::new()
    };
    let result = result.replace('_', " ");
    writeln!(out, "{record_id}{which}  {}: {result}{made}", at.name)?;
    let Some(after) = after else {
        return writeln!(out, "  {}", value(before));
    };
    let differences = differences(before, after, true);
    if differences.is_empty() {
        return writeln!(out, "  = {}", value(after));
    }
    for Difference { path, expected, got } in &differences {
        let path = escape_control(path);
        match (expected, got) {
            (Some(before), Some(after)) => {
                writeln!(out, "  ~ {path}: {} -> {}", value(before), value(after))?;
            }
            (Some(before), None) => writeln!(out, "  - {path}: {}", value(before))?,
            (None, after) => {
                writeln!(out, "  + {path}: {}", after.as_ref().map(value).unwrap_or_default())?;
            }
        }
    }
    Ok(())
}

fn value(value: &Value) -> String {
    shown(value, SHOWN_CHARACTERS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_place_is_a_stage_or_one_of_its_filters() {
        assert_eq!(place("enricher").expect("a place"), Place::List);
        assert_eq!(place("enricher[12]").expect("a place"), Place::Filter(None, 12));
        for (text, id) in [("enricher#web[3]", "web"), ("enricher#a[1]#[3]", "a[1]#")] {
            let expected = Place::Filter(Some(id.to_owned()), 3);
            assert_eq!(place(text).expect("a place"), expected);
        }
        for text in
            ["", "gateway", "enricher[", "enricher[]", "enricher[x]", "enricher3", "enricher#a"]
        {
            let failure = place(text).expect_err(text);
            assert_eq!(failure.exit_code, 64);
            assert!(failure.message.contains("--at enricher"), "{failure}");
        }
    }

    #[test]
    fn filters_of_all_pipelines_stand_in_columns() {
        let filters = [None, Some("a-long-name".to_owned())].map(|pipeline_id| TapFilter {
            pipeline_id,
            filter: 1,
            name: "mutate".to_owned(),
            file: "my.conf".to_owned(),
            line: 7,
        });
        let mut out = Vec::new();
        write_filters(&mut out, &filters).expect("it is written");
        let said = String::from_utf8(out).expect("it is text");
        let columns: Vec<_> = said.lines().map(|line| line.find("mutate")).collect();
        assert_eq!(columns, [Some(24); 2], "{said}");
    }

    #[test]
    fn the_name_of_a_file_moves_no_cursor() {
        let at = TapFilter {
            pipeline_id: None,
            filter: 3,
            name: "mutate".to_owned(),
            file: "a\u{1b}[2J.conf".to_owned(),
            line: 7,
        };
        assert_eq!(now(&at), "enricher[3] is mutate in a\\u{1b}[2J.conf:7 now");
        let of_its_own = TapFilter { pipeline_id: Some("w\u{1b}b".to_owned()), ..at };
        assert!(now(&of_its_own).starts_with("enricher#w\\u{1b}b[3] is mutate"));
    }

    #[test]
    fn a_message_shows_what_the_filter_changed_and_moves_no_cursor() {
        let message = TapMessage {
            pipeline: "p".to_owned(),
            at: TapFilter {
                pipeline_id: None,
                filter: 3,
                name: "mutate".to_owned(),
                file: "shop.conf".to_owned(),
                line: 7,
            },
            record_id: "id".to_owned(),
            shop: "default".to_owned(),
            number: 0,
            result: "matched".to_owned(),
            made: 1,
            lost: 0,
            before: json!({"a": 1, "b": "\u{9b}2J", "c": 1}),
            after: Some(json!({"a": 2, "c": 1, "d": {"e": true}})),
        };
        let written = |message: &TapMessage| {
            let mut out = Vec::new();
            write_message(&mut out, message).expect("it writes");
            String::from_utf8(out).expect("a text")
        };
        let expected = "id  mutate: matched, made 1 event\n  ~ a: 1 -> 2\n  - b: \"\\u{9b}2J\"\n  + d: {\"e\":true}\n";
        assert_eq!(written(&message), expected);
        let dropped = TapMessage {
            result: "dropped".to_owned(),
            after: None,
            made: 0,
            before: json!({"a": 1}),
            number: 2,
            ..message
        };
        assert_eq!(written(&dropped), "id/2  mutate: dropped\n  {\"a\":1}\n");
    }
}
