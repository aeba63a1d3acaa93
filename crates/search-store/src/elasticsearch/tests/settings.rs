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
fn the_defaults_are_good() {
    assert_eq!(load(""), Ok(ElasticsearchConfig::default()));
    let text = toml_of(&ElasticsearchConfig::default());
    assert!(!text.contains("password"), "{text}");
}

fn toml_of(config: &ElasticsearchConfig) -> String {
    serde_json::to_string(config)
        .expect("JSON")
        .replace("\"password\":null", "")
        .replace("\"password_file\":null", "")
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
        ("tail_window = \"0s\"", "1ms"),
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
