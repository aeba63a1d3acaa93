//! The directions between rooms, as ARCHITECTURE.md draws them, read from the manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

const GROUND: [&str; 7] = ["bus", "event", "schema", "query", "access", "redaction", "service"];
const STORES: [&str; 3] = ["search-store", "document-store", "cache-store"];
const IDENTITY: [&str; 1] = ["shops"];
const SERVICES: [&str; 5] = ["ingest-gateway", "enricher", "fraud-worker", "indexer", "query-api"];
const BUSES: [&str; 1] = ["bus-kafka"];
const TOPS: [&str; 3] = ["millrace", "benches", "millrace-fuzz"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a workspace around").to_owned()
}

/// Our packages that each of our packages depends on, without those of its tests.
fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let folders = fs::read_dir(root().join("crates"))
        .expect("crates")
        .chain(fs::read_dir(root()).expect("the workspace"));
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for folder in folders {
        let manifest = folder.expect("an entry").path().join("Cargo.toml");
        let Ok(text) = fs::read_to_string(&manifest) else { continue };
        let table: toml::Table = text.parse().expect("a manifest");
        let Some(package) = table.get("package") else { continue };
        let name = package["name"].as_str().expect("a name").to_owned();
        let names = table.get("dependencies").and_then(toml::Value::as_table);
        all.insert(name, names.into_iter().flatten().map(|(name, _)| name.clone()).collect());
    }
    let ours: BTreeSet<String> = all.keys().cloned().collect();
    for named in all.values_mut() {
        named.retain(|name: &String| ours.contains(name));
    }
    all
}

fn allowed(package: &str) -> Vec<&'static str> {
    let mut allowed = Vec::new();
    match package {
        "event" | "schema" | "access" | "query" | "redaction" | "service" | "bus" => {}
        "bus-kafka" => allowed.extend(["bus", "schema", "service"]),
        "pipeline" => allowed.extend(["event", "bus", "service"]),
        name if STORES.contains(&name) => allowed.extend(GROUND),
        name if IDENTITY.contains(&name) => allowed.extend(["access", "document-store"]),
        name if SERVICES.contains(&name) => {
            allowed.extend(GROUND);
            allowed.extend(STORES);
            allowed.extend(IDENTITY);
            allowed.push("pipeline");
        }
        _ => {
            allowed.extend(GROUND);
            allowed.extend(STORES);
            allowed.extend(IDENTITY);
            allowed.extend(SERVICES);
            allowed.extend(BUSES);
            allowed.extend(["pipeline", "millrace"]);
        }
    }
    // Records are what events are decoded from.
    if package == "event" {
        allowed.push("bus");
    }
    allowed
}

#[test]
fn no_room_knows_another_that_it_must_not() {
    let all = dependencies();
    let named =
        [GROUND.as_slice(), &BUSES, &STORES, &IDENTITY, &SERVICES, &TOPS, &["pipeline"]].concat();
    let named: BTreeSet<&str> = named.into_iter().collect();
    let found: BTreeSet<&str> = all.keys().map(String::as_str).collect();
    assert_eq!(found, named, "every room has a place in this test");
    for (package, names) in &all {
        let allowed = allowed(package);
        for name in names {
            assert!(allowed.contains(&name.as_str()), "{package} must not depend on {name}");
        }
    }
}

#[test]
fn every_room_stands_in_the_architecture() {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    for package in dependencies().keys().filter(|package| *package != "benches") {
        // Its package must not be taken for another one of that name.
        let room = package.strip_prefix("millrace-").unwrap_or(package);
        assert!(text.contains(&format!("{room}`")), "ARCHITECTURE.md does not name {room}");
    }
}
