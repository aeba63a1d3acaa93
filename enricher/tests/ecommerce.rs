//! The built-in pipeline on events as shops write them: `ecommerce/NAME.in` and the documents that they
//! become, `NAME.out`, byte for byte, one line each. `UPDATE_EXPECT=1` writes what comes out.

mod support;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::{default_stage, document, forwarded};

fn inputs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ecommerce");
    let entries = std::fs::read_dir(folder).expect("the folder is part of the repository");
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    let mut inputs: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "in")).collect();
    inputs.sort();
    inputs
}

#[test]
fn events_become_the_expected_documents() {
    let mut names = Vec::new();
    for input in inputs() {
        let mut stage = default_stage();
        let mut out = String::new();
        for line in std::fs::read_to_string(&input).expect("test data is good").lines() {
            let record = forwarded(&mut stage, line.to_owned());
            out.push_str(std::str::from_utf8(&record.payload).expect("test data is good"));
            out.push('\n');
        }
        let expected = input.with_extension("out");
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&expected, &out).expect("test data is good");
        }
        let expected_out = std::fs::read_to_string(&expected).unwrap_or_default();
        for (number, (is, should)) in out.lines().zip(expected_out.lines()).enumerate() {
            assert_eq!(is, should, "{} line {}", input.display(), number + 1);
        }
        assert_eq!(out.lines().count(), expected_out.lines().count(), "{}", input.display());
        names.push(input.file_stem().expect("test data is good").to_string_lossy().into_owned());
    }
    let log_types = schema::LOG_TYPES.iter().filter(|name| **name != schema::FRAUD_SCORE);
    for log_type in log_types {
        assert!(names.iter().any(|name| name == log_type), "{log_type} has no example");
    }
}

#[test]
fn every_document_keeps_to_the_schema_and_holds_no_secret() {
    let mut stage = default_stage();
    let mut by_type: BTreeMap<String, usize> = BTreeMap::new();
    for input in inputs() {
        for line in std::fs::read_to_string(&input).expect("test data is good").lines() {
            let document = document(&mut stage, line.to_owned());
            assert_eq!(schema::check_document(&document), Vec::<String>::new(), "{line}");
            assert_eq!(document["organization"]["id"], "default");
            let text = document.to_string();
            for secret in
                ["4111 1111 1111 1111", "bob@", "a.b@c", "a@b", "hunter2", "k-1", "@mail.example"]
            {
                assert!(!text.contains(secret), "{secret} in {text}");
            }
            let log_type =
                document["event"]["dataset"].as_str().expect("test data is good").to_owned();
            *by_type.entry(log_type).or_default() += 1;
        }
    }
    assert_eq!(by_type.len(), 6, "{by_type:?}");
}

#[test]
fn customers_who_sign_in_with_their_address_stay_apart_and_unnamed() {
    let mut stage = default_stage();
    let mut id = |user: &str| -> Value {
        let line = format!(r#"{{"log_type":"transaction","user_id":"{user}"}}"#);
        document(&mut stage, line)["user"]["id"].clone()
    };
    let (first, second) = (id("max@mail.example"), id("eva@mail.example"));
    assert_eq!(first.as_str().map(str::len), Some(64), "{first}");
    assert_ne!(first, second);
    assert_eq!(id("max@mail.example"), first);
    assert_eq!(id("u-1"), "u-1");
    assert_ne!(id("max%40mail.example"), id("eva%40mail.example"));
}

#[test]
fn one_customer_has_one_hash_however_the_address_is_written() {
    let mut stage = default_stage();
    let mut hash = |address: &str| -> Value {
        let line = format!(r#"{{"log_type":"transaction","email":"{address}"}}"#);
        document(&mut stage, line)["user"]["hash"].clone()
    };
    let first = hash("user42@mail.example");
    assert_eq!(first.as_str().map(str::len), Some(64), "{first}");
    assert_eq!(hash("User42@Mail.example"), first);
    assert_ne!(hash("user43@mail.example"), first);
}
