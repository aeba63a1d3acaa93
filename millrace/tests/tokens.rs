//! Ingest tokens from the shell: a new one is told once, listed without its text, and revoked for good.

mod support;

use serde_json::Value;
use support::{Platform, text, tool};

/// Makes a token, and gives what was printed.
fn created(platform: &Platform, arguments: &[&str]) -> (String, String) {
    let mut all = vec!["token", "create"];
    all.extend(arguments);
    let output = platform.tool(&all);
    assert!(output.status.success(), "{}", text(&output.stderr));
    (text(&output.stdout), text(&output.stderr))
}

fn listed(platform: &Platform, arguments: &[&str]) -> Vec<Value> {
    let mut all = vec!["token", "list", "--json"];
    all.extend(arguments);
    let lines = platform.ask(&all);
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn a_token_is_made_listed_and_revoked() {
    let platform = Platform::start(&[]);
    assert_eq!(platform.ask(&["token", "list"]).lines().count(), 1, "a head alone");
    let (token, hint) =
        created(&platform, &["--shop", "north", "--label", "till 3", "--expires-in", "90d"]);
    let token = token.strip_suffix('\n').expect("a line");
    assert!(token.starts_with("mrt_") && token.len() == 47, "the token alone: {token}");
    assert!(hint.contains("shown this once") && !hint.contains(token), "{hint}");
    let (other, _) = created(&platform, &["--shop", "south"]);
    assert_ne!(other.trim(), token);

    let all = listed(&platform, &[]);
    assert_eq!(all.len(), 2, "{all:?}");
    let of_north = listed(&platform, &["--shop", "north"]);
    assert_eq!(of_north, all[..1]);
    let north = &of_north[0];
    assert_eq!(north["label"], "till 3");
    assert_eq!(north["created_by"], "local");
    let table = platform.ask(&["token", "list"]);
    let id = north["id"].as_str().expect("an id");
    for part in [id, "north", "till 3", "south", "never", "live"] {
        assert!(table.contains(part), "{part}: {table}");
    }

    let revoked = platform.ask(&["token", "revoke", id]);
    assert!(revoked.contains(id) && revoked.contains("north"), "{revoked}");
    assert_eq!(platform.ask(&["token", "revoke", id]), revoked, "the first time stands");
    let states = listed(&platform, &[]).iter().map(|token| token["state"].clone()).collect();
    assert_eq!(Value::Array(states), serde_json::json!(["revoked", "live"]));
    let unknown = platform.tool(&["token", "revoke", &"0".repeat(32)]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(text(&unknown.stderr).contains("no such ingest token"), "{}", text(&unknown.stderr));

    let logged = platform.logged();
    assert!(logged.contains("an ingest token was made") && logged.contains(id), "{logged}");
    assert!(logged.contains("an ingest token was revoked"), "{logged}");
    let all = Value::Array(all).to_string();
    assert!(!all.contains("digest"), "{all}");
    let told = [all, table, revoked, logged].concat();
    assert!(!told.contains(&token[4..]), "it was shown once");
}

#[test]
fn what_cannot_be_a_token_is_a_mistake_of_usage() {
    for arguments in [
        ["create", "--shop", "North"],
        ["create", "--shop", "../etc"],
        ["create", "--label", "no shop"],
        ["list", "--shop", ""],
    ] {
        let mut all = vec!["token"];
        all.extend(arguments);
        let output = tool(&all);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {}", text(&output.stderr));
    }
    let output = tool(&["token", "create", "--shop", "north", "--expires-in", "90"]);
    assert!(text(&output.stderr).contains("whole number with a unit"), "{}", text(&output.stderr));
    let output = tool(&["token", "revoke", "../users"]);
    assert_eq!(output.status.code(), Some(64), "{}", text(&output.stderr));
}
