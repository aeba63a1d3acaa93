//! `millrace token`: ingest tokens of shops. A new one is printed once, and nothing else with it, so that a script can
//! take it from standard output.

use std::io::{self, Write};

use serde::Deserialize;
use serde_json::{Value, json};

use super::{Failure, escape_control, print, say, text};
use crate::cli::{TokenCommand, TokenCreateArguments, TokenListArguments, TokenRevokeArguments};
use crate::client::Client;

/// A token that was made.
#[derive(Deserialize)]
struct Created {
    id: String,
    shop: String,
    expires_at: Option<String>,
    token: String,
}

pub(super) async fn run(command: &TokenCommand) -> Result<(), Failure> {
    match command {
        TokenCommand::Create(arguments) => create(arguments).await,
        TokenCommand::List(arguments) => list(arguments).await,
        TokenCommand::Revoke(arguments) => revoke(arguments).await,
    }
}

async fn create(arguments: &TokenCreateArguments) -> Result<(), Failure> {
    let client = Client::open(&arguments.server)?;
    let mut wanted = json!({ "shop": arguments.shop });
    if let Some(label) = &arguments.label {
        wanted["label"] = json!(label);
    }
    if let Some(span) = arguments.expires_in {
        wanted["expires_in"] = json!(span);
    }
    let created: Created = client.post("/api/tokens", &wanted).await?;
    print(|out| writeln!(out, "{}", escape_control(&created.token)))?;
    let until = created.expires_at.map_or_else(
        || "until it is revoked".to_owned(),
        |expires_at| format!("until {}", in_seconds(&escape_control(&expires_at))),
    );
    say(&format!(
        "token {} of the shop {}, good {until}; it is shown this once: keep it now",
        escape_control(&created.id),
        escape_control(&created.shop)
    ));
    Ok(())
}

async fn list(arguments: &TokenListArguments) -> Result<(), Failure> {
    let client = Client::open(&arguments.server)?;
    let shop = arguments.shop.iter().map(|shop| ("shop", shop.to_string()));
    let answer: Value = client.get("/api/tokens", &shop.collect::<Vec<_>>()).await?;
    let tokens = answer["tokens"].as_array().map(Vec::as_slice).unwrap_or_default();
    if arguments.json {
        return print(|out| tokens.iter().try_for_each(|token| writeln!(out, "{token}")));
    }
    print(|out| write_table(out, tokens))
}

async fn revoke(arguments: &TokenRevokeArguments) -> Result<(), Failure> {
    let plain = |c: char| c.is_ascii_hexdigit();
    if arguments.id.is_empty() || !arguments.id.chars().all(plain) {
        let id = escape_control(&arguments.id);
        return Err(Failure::usage(format!("`{id}` is not an id of `token list`")));
    }
    let client = Client::open(&arguments.server)?;
    let path = format!("/api/tokens/{}/revoke", arguments.id);
    let token: Value = client.post(&path, &json!({})).await?;
    let since = in_seconds(&text(&token, "revoked_at"));
    print(|out| {
        writeln!(out, "{} of the shop {}: revoked at {since}", arguments.id, text(&token, "shop"))
    })
}

/// A moment without the part of its second, which a table has no room for.
fn in_seconds(moment: &str) -> String {
    match moment.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => moment.to_owned(),
    }
}

/// A row each below a head, in columns as wide as what stands in them.
fn write_table(out: &mut dyn Write, tokens: &[Value]) -> io::Result<()> {
    let head = ["id", "shop", "state", "created", "by", "expires", "label"];
    let mut rows = vec![head.map(str::to_owned)];
    rows.extend(tokens.iter().map(row));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..head.len()).filter_map(width).collect();
    for row in &rows {
        let mut line = String::new();
        for (cell, &width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

fn row(token: &Value) -> [String; 7] {
    let moment = |field| in_seconds(&text(token, field));
    let expires =
        if token["expires_at"].is_null() { "never".to_owned() } else { moment("expires_at") };
    [
        text(token, "id"),
        text(token, "shop"),
        text(token, "state"),
        moment("created_at"),
        text(token, "created_by"),
        expires,
        text(token, "label"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_straight_columns_and_no_text_moves_the_cursor() {
        let token = |shop: &str, label: Value, expires_at: Value| {
            json!({
                "id": "0198", "shop": shop, "state": "live", "label": label,
                "created_at": "2026-01-31T12:00:00.123456789Z", "created_by": "ada",
                "expires_at": expires_at, "revoked_at": null,
            })
        };
        let tokens = [
            token("north", json!("till\u{1b}[2J"), Value::Null),
            token("a", Value::Null, json!("2026-05-01T12:00:00Z")),
        ];
        let mut out = Vec::new();
        write_table(&mut out, &tokens).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "id    shop   state  created               by   expires               label\n\
             0198  north  live   2026-01-31T12:00:00Z  ada  never                 till\\u{1b}[2J\n\
             0198  a      live   2026-01-31T12:00:00Z  ada  2026-05-01T12:00:00Z\n"
        );
    }
}
