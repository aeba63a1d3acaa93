//! `millrace dead`: refused records, each with its stage, reason, position, bytes and where it came from.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::{Failure, escape_control, print, text};
use crate::cli::{DeadCommand, DeadListArguments, DeadSelectArguments, DeadShowArguments};
use crate::client::Client;

/// Most letters of one page.
const PAGE_SIZE_MAX: usize = 200;

pub(super) async fn run(command: &DeadCommand) -> Result<(), Failure> {
    match command {
        DeadCommand::List(arguments) => list(arguments).await,
        DeadCommand::Show(arguments) => show(arguments).await,
        DeadCommand::Replay(arguments) => {
            let answer = select(arguments, "/api/dead/replay").await?;
            print(|out| write_replayed(out, &answer))?;
            // All was said; the code says it to scripts.
            let refused = answer["refused"].as_u64().unwrap_or_default();
            if refused > 0 { Err(Failure::new("")) } else { Ok(()) }
        }
        DeadCommand::Purge(arguments) => {
            let answer = select(arguments, "/api/dead/purge").await?;
            print(|out| writeln!(out, "{} removed", answer["purged"]))?;
            let unknown = answer["unknown"].as_array().map(Vec::as_slice).unwrap_or_default();
            let names = unknown.iter().filter_map(Value::as_str).map(escape_control);
            match names.collect::<Vec<_>>() {
                none if none.is_empty() => Ok(()),
                names => Err(Failure::new(format!("no such dead letter: {}", names.join(", ")))),
            }
        }
    }
}

async fn list(arguments: &DeadListArguments) -> Result<(), Failure> {
    let client = Client::open(&arguments.server)?;
    let mut filter = Vec::new();
    filter.extend(arguments.stage.clone().map(|stage| ("stage", stage)));
    filter.extend(arguments.kind.clone().map(|kind| ("kind", kind)));
    let mut left = arguments.limit;
    let mut cursor: Option<String> = None;
    let mut total = 0;
    while left > 0 {
        let mut parameters = filter.clone();
        parameters.push(("size", left.min(PAGE_SIZE_MAX).to_string()));
        parameters.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page: Value = client.get("/api/dead", &parameters).await?;
        let letters = page["letters"].as_array().map(Vec::as_slice).unwrap_or_default();
        print(|out| letters.iter().try_for_each(|letter| write_row(out, letter, arguments.json)))?;
        total = page["total"].as_u64().unwrap_or_default();
        left -= letters.len().min(left);
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() || letters.is_empty() {
            break;
        }
    }
    let shown = (arguments.limit - left) as u64;
    if !arguments.json && shown < total {
        print(|out| writeln!(out, "{shown} of {total}; --limit {total} lists all"))?;
    }
    Ok(())
}

async fn show(arguments: &DeadShowArguments) -> Result<(), Failure> {
    let client = Client::open(&arguments.server)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !arguments.id.chars().all(plain) {
        return Err(Failure::usage(format!("`{}` is not an id of `dead list`", arguments.id)));
    }
    let letter: Value = client.get(&format!("/api/dead/{}", arguments.id), &[]).await?;
    if arguments.json {
        return print(|out| writeln!(out, "{letter}"));
    }
    print(|out| write_letter(out, &letter))
}

async fn select(arguments: &DeadSelectArguments, path: &str) -> Result<Value, Failure> {
    let named = !arguments.ids.is_empty() || arguments.stage.is_some() || arguments.kind.is_some();
    if !named && !arguments.all {
        return Err(Failure::usage("say which: ids, --stage, --kind, or --all"));
    }
    let mut selection = json!({ "ids": arguments.ids, "all": arguments.all });
    for (name, value) in [("stage", &arguments.stage), ("kind", &arguments.kind)] {
        if let Some(value) = value {
            selection[name] = json!(value);
        }
    }
    Client::open(&arguments.server)?.post(path, &selection).await
}

fn write_row(out: &mut dyn Write, letter: &Value, json: bool) -> io::Result<()> {
    if json {
        return writeln!(out, "{letter}");
    }
    let part = |field| text(letter, field);
    writeln!(
        out,
        "{}  {:<16}  {:<16}  {}  {}",
        part("received_at"),
        part("stage"),
        part("kind"),
        part("id"),
        part("preview")
    )
}

fn write_letter(out: &mut dyn Write, letter: &Value) -> io::Result<()> {
    let rows = [
        ("id", "id"),
        ("stage", "stage"),
        ("kind", "kind"),
        ("reason", "message"),
        ("at byte", "position_bytes"),
        ("position", "position"),
        ("door", "listener"),
        ("source", "source"),
        ("shop", "shop"),
        ("content type", "content_type"),
        ("received", "received_at"),
        ("replays", "attempt"),
        ("state", "state"),
        ("bytes", "payload_bytes"),
    ];
    for (name, field) in rows {
        let value = text(letter, field);
        if !value.is_empty() {
            writeln!(out, "{name:<13} {value}")?;
        }
    }
    if letter["masked"] == true {
        writeln!(out, "{:<13} card numbers are masked here, not in what is stored", "note")?;
    }
    if let (true, Some(shown_bytes)) = (letter["cut"] == true, shown_bytes(letter)) {
        let what = if letter["position"].is_null() { "kept" } else { "shown" };
        let bytes = text(letter, "payload_bytes");
        writeln!(out, "{:<13} the first {shown_bytes} of {bytes} bytes are {what}", "note")?;
    }
    match (&letter["payload_text"], &letter["payload"]) {
        (Value::String(text), _) => {
            writeln!(out, "\n{}", escape_control(text.trim_end_matches(['\r', '\n'])))
        }
        (_, Value::String(base64)) => writeln!(out, "\nnot UTF-8; in base64:\n{base64}"),
        _ => writeln!(out, "\nits bytes are there no longer: retention has removed them"),
    }
}

/// How many bytes the answer holds, which has them in base64.
fn shown_bytes(letter: &Value) -> Option<usize> {
    let base64 = letter["payload"].as_str()?;
    let digits = base64.trim_end_matches('=').len();
    Some(digits * 3 / 4)
}

fn write_replayed(out: &mut dyn Write, answer: &Value) -> io::Result<()> {
    writeln!(out, "{} replayed, {} refused", answer["replayed"], answer["refused"])?;
    for refusal in answer["refusals"].as_array().into_iter().flatten() {
        writeln!(out, "  {}: {}", text(refusal, "id"), text(refusal, "reason"))?;
    }
    Ok(())
}
