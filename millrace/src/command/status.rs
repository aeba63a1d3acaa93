//! `millrace status`: the conservation ledger, what the doors took, and how far each stage is behind.

use std::io::{self, Write};

use serde_json::Value;

use super::{Failure, escape_control, print};
use crate::cli::StatusArguments;
use crate::client::Client;

pub(super) async fn run(arguments: &StatusArguments) -> Result<(), Failure> {
    let client = Client::open(&arguments.server)?;
    let status: Value = client.get("/api/status", &[]).await?;
    if arguments.json {
        return print(|out| writeln!(out, "{status}"));
    }
    print(|out| write_status(out, &status))
}

fn write_status(out: &mut dyn Write, status: &Value) -> io::Result<()> {
    write_doors(out, status)?;
    write_ledger(out, status)?;
    write_lag(out, status)?;
    let letters = &status["dead_letters"];
    let events = number(&status["events"]);
    writeln!(
        out,
        "to be found: {events} events, {} scores; dead letters: {} waiting, {} replayed",
        number(&status["scores"]),
        number(&letters["waiting"]),
        number(&letters["replayed"])
    )?;
    for (name, part) in status["parts"].as_object().into_iter().flatten() {
        let state = match part["state"].as_str() {
            Some("ready") => continue,
            // It works, and somebody should look.
            Some("degraded") => "degraded",
            _ => "not ready",
        };
        let reason = part["reason"].as_str().unwrap_or_default();
        let lines: Vec<_> = reason.lines().map(escape_control).collect();
        writeln!(out, "{state}: {name}: {}", lines.join("\n  "))?;
    }
    if let Some(warning) = status["durability_warning"].as_str() {
        writeln!(out, "not durable: {warning}")?;
    }
    let balanced = status["balanced"] == true;
    writeln!(
        out,
        "ledger: {}",
        if balanced { "balanced" } else { "NOT BALANCED: records were lost" }
    )
}

fn write_doors(out: &mut dyn Write, status: &Value) -> io::Result<()> {
    writeln!(
        out,
        "{:<16} {:>12} {:>12}   since this process began",
        "door", "accepted", "refused"
    )?;
    for door in list(&status["doors"]) {
        let name = door["door"].as_str().unwrap_or_default();
        writeln!(
            out,
            "{name:<16} {:>12} {:>12}",
            number(&door["accepted"]),
            sum(&door["refused"])
        )?;
    }
    writeln!(out)
}

fn write_ledger(out: &mut dyn Write, status: &Value) -> io::Result<()> {
    let head = ["stage", "received", "forwarded", "discarded", "dead", "in flight", "balance"];
    let row = |out: &mut dyn Write, cells: [String; 7]| {
        write!(out, "{:<16}", cells[0])?;
        cells[1..].iter().try_for_each(|cell| write!(out, " {cell:>12}"))?;
        writeln!(out)
    };
    row(out, head.map(str::to_owned))?;
    for stage in list(&status["stages"]) {
        let cells = [
            stage["stage"].as_str().unwrap_or_default().to_owned(),
            number(&stage["received"]),
            number(&stage["forwarded"]),
            sum(&stage["discarded"]),
            sum(&stage["dead"]),
            number(&stage["in_flight"]),
            number(&stage["balance"]),
        ];
        row(out, cells)?;
        for verdict in ["discarded", "dead"] {
            for (reason, count) in stage[verdict].as_object().into_iter().flatten() {
                writeln!(out, "  {verdict}: {} {}", escape_control(reason), number(count))?;
            }
        }
    }
    writeln!(out)
}

fn write_lag(out: &mut dyn Write, status: &Value) -> io::Result<()> {
    writeln!(out, "{:<16} {:<16} {:>12}", "group", "topic", "behind")?;
    for lag in list(&status["lag"]) {
        let name = |field: &str| lag[field].as_str().unwrap_or_default().to_owned();
        writeln!(
            out,
            "{:<16} {:<16} {:>12}",
            name("group"),
            name("topic"),
            number(&lag["records"])
        )?;
    }
    writeln!(out)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn number(value: &Value) -> String {
    if value.is_null() { "unknown".to_owned() } else { value.to_string() }
}

/// A number, or the sum of counts by name.
fn sum(value: &Value) -> String {
    match value.as_object() {
        Some(counts) => counts.values().filter_map(Value::as_u64).sum::<u64>().to_string(),
        None => number(value),
    }
}
