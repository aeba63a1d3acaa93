//! The process is killed while it indexes: what was answered `Done` is there, and what comes again stands
//! there once.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use super::{count, open};
use crate::contract::{fields, hexadecimal_id, index, operation};
use crate::{IndexOperation, ItemOutcome, SearchStore};

const FOLDER: &str = "SEARCH_STORE_CRASH_FOLDER";
const BULK: u64 = 50;

fn bulk(number: u64) -> Vec<IndexOperation> {
    let one = |place: u64| {
        let id = hexadecimal_id(number * BULK + place);
        operation(0, &id, &format!(r#"{{"tags":["x"],"message":"bulk {number}"}}"#))
    };
    (0..BULK).map(one).collect()
}

/// Not a test: what the killed process does. It says which bulks are durable.
#[tokio::test]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let store = open(Path::new(&folder), &fields()).await;
    for number in 0..100_000 {
        let outcomes = store.bulk(bulk(number)).await.expect("a bulk");
        assert!(outcomes.iter().all(|one| *one == ItemOutcome::Done), "{outcomes:?}");
        println!("\ndurable {number}");
    }
}

#[tokio::test]
async fn a_killed_process_loses_nothing_and_doubles_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    for round in 1..=3u64 {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args(["--exact", "embedded::tests::crash::child", "--nocapture"])
            .env(FOLDER, folder.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("a child");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let mut durable = None;
        for line in output.lines() {
            let line = line.expect("a line");
            durable = line.strip_prefix("durable ").and_then(|n| n.parse::<u64>().ok()).or(durable);
            // The child goes on while it is killed.
            if durable.is_some_and(|number| number >= 7 * round) {
                break;
            }
        }
        child.kill().expect("a child to kill");
        child.wait().expect("a killed child");
        let durable = durable.expect("the child indexed something");
        let store = open(folder.path(), &fields()).await;
        let found = count(&store, "tags:x").await;
        assert!(found >= (durable + 1) * BULK, "{found} of {} durable", (durable + 1) * BULK);
        // What was not settled comes again, and what was settled with it.
        for number in 0..=durable + 2 {
            index(&store, bulk(number)).await;
        }
        let expected = found.max((durable + 3) * BULK);
        assert_eq!(count(&store, "tags:x").await, expected, "round {round}");
        for number in [0, durable, durable + 2] {
            assert_eq!(count(&store, &format!("\"bulk {number}\"")).await, BULK, "bulk {number}");
        }
        store.close().await.expect("a clean end");
    }
}
