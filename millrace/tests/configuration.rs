//! The reference of settings in the documents is whole, and a configuration may come out of a pipe.

mod support;

use millrace::config::PlatformConfig;
use millrace::settings;

use support::{text, tool_with_input};

/// Settings that no configuration shows, since they are secrets.
const HIDDEN: [&str; 1] = ["ingest_gateway.ingest_token"];

#[test]
fn every_setting_is_named_in_the_documents() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
    let document = std::fs::read_to_string(path).expect("the document");
    let names = settings::names(&PlatformConfig::default());
    assert!(names.len() > 80, "settings are found: {names:?}");
    let missing: Vec<_> = names
        .iter()
        .map(String::as_str)
        .chain(HIDDEN)
        // Caps have the names of currencies.
        .filter(|name| !name.starts_with("fraud_worker.scoring.rules.amount_caps."))
        .filter(|name| !document.contains(&format!("`{name}`")))
        .collect();
    assert!(missing.is_empty(), "docs/configuration.md does not name: {}", missing.join(", "));
}

#[test]
fn a_configuration_out_of_a_pipe_counts_beside_what_its_pipeline_says() {
    let config = "[enricher]\npipeline = \"tests/logstash/shop.conf\"\n\
                  [ingest_gateway.tcp]\nlisten = \"127.0.0.1:5999\"\n";
    let up = ["up", "--check-config", "--config", "/dev/stdin"];
    let output = tool_with_input(&up, config.as_bytes());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.contains("the configuration says otherwise: ingest_gateway.tcp.listen"), "{said}");
    assert!(!said.contains("ingest_gateway.tcp.listen ="), "{said}");
}
