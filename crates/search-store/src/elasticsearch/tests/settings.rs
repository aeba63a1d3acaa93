//! Settings are read with units, and those that do not go together are told all at once.

use std::path::Path;

use serde::{Deserialize, Serialize};
use service::config::{Check, Findings};

use crate::elasticsearch::ElasticsearchConfig;

#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Whole {
    search: ElasticsearchConfig,
}

impl Check for Whole {
    fn check(&self, findings: &mut Findings) {
        findings.within("search", |findings| self.search.check(findings));
    }
}

fn load(text: &str) -> Result<ElasticsearchConfig, String> {
    let file = Some((Path::new("millrace.toml"), text));
    let whole: Result<Whole, _> = service::config::load(file, std::iter::empty(), &[]);
    whole.map(|whole| whole.search).map_err(|mistakes| mistakes.to_string())
}

#[test]
fn the_defaults_are_as_they_are_told_and_go_together() {
    let told = r#"[search]
        index_namespace = ""
        policies = true
        compact_after = "7d"
        delete_after = "90d"
        shards = 1
        replicas = 1
        refresh_interval = "1s"
        engine_parts = "full"
        bulk_bytes_max = "5MiB"
        bulk_documents_max = 5000
        compression_level = 1
        concurrency_max = 8
        reads_max = 16
        connect_timeout = "5s"
        bulk_timeout = "60s"
        read_time_max = "30s"
        answer_bytes_max = "64MiB"
        tail_window = "10s"
    "#;
    assert_eq!(load(told), load(""));
    let names = serde_json::to_value(ElasticsearchConfig::default()).expect("JSON");
    for (name, value) in names.as_object().expect("an object") {
        let is_told = told.lines().any(|line| line.trim_start().starts_with(&format!("{name} =")));
        assert!(is_told || value.is_null(), "{name} has a default that is not told");
    }
}

#[test]
fn mistakes_are_told_with_what_is_allowed() {
    let cases = [
        ("index_namespace = \"North\"", "lower-case"),
        ("index_namespace = \"-a\"", "lower-case"),
        ("compact_after = \"90d\"", "before it is deleted"),
        ("password = \"x\"\npassword_file = \"/x\"", "not both"),
        ("api_key = \"x\"\nbearer_token = \"y\"", "one way to sign in"),
        ("client_key_file = \"/x\"", "its certificate"),
        ("bulk_bytes_max = \"1GiB\"", "100MiB"),
        ("compression_level = 10", "to 9"),
        ("concurrency_max = 0", "from 1"),
        ("shards = 0", "from 1"),
        ("bulk_timeout = \"0s\"", "1ms"),
        ("tail_window = \"5s\"\nrefresh_interval = \"5s\"", "more than refresh_interval"),
        ("index_namespace = \"ecommerce-logs-a-\"", "as its own"),
        ("index_namespace = \"a-ecommerce-logs-b-\"", "as its own"),
        ("reads_max = 0", "from 1"),
        ("replicsa = 1", "replicsa"),
        ("engine_parts = \"half\"", "minimal"),
    ];
    for (text, expected) in cases {
        let error = load(&format!("[search]\n{text}\n")).expect_err(text);
        assert!(error.contains(expected), "{text}: {error}");
    }
}

#[test]
fn secrets_are_not_shown() {
    let config = load("[search]\nuser = \"a\"\npassword = \"hunter2\"\n").expect("settings");
    let shown = format!("{config:?} {}", serde_json::to_string(&config).expect("JSON"));
    assert!(!shown.contains("hunter2"), "{shown}");
}
