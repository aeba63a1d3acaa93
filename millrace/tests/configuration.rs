//! The reference of settings in the documents is whole.

use millrace::config::PlatformConfig;
use millrace::settings;

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
