//! Pipelines with their input and the documents that must come out: `golden/NAME.conf`, `NAME.in`,
//! `NAME.out`, one line a record. `UPDATE_EXPECT=1` writes what comes out. `golden/shapes` has those that are built as
//! pipelines in use are, one for each kind of log.
//!
//! Lines of `.in` are JSON, or with `# plain` as the pipeline's first line, text; before what follows on `# after N`,
//! N seconds pass. A record that ends or is refused stands in `.out` as a line of its own, and what time made behind the
//! record with which it came.

mod support;

use std::path::{Path, PathBuf};

use bus::Codec;
use enricher::registry;
use pipeline::{Stage, Verdict};

#[test]
fn pipelines_make_the_expected_documents() {
    assert!(check_all("golden") >= 15);
}

#[test]
fn pipelines_as_they_are_in_use_make_the_expected_documents() {
    assert!(check_all("golden/shapes") >= 30);
}

#[test]
fn every_filter_stands_in_a_golden_pair() {
    let paths = ["golden", "golden/shapes"].into_iter().flat_map(pipelines);
    let texts: Vec<_> = paths.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    for entry in registry::FILTERS {
        // What `dns` makes of an event is its servers' answer.
        let is_there = entry.name == "dns"
            || texts.iter().any(|text| {
                let words: Vec<_> = text.split_ascii_whitespace().collect();
                words.windows(2).any(|two| two == [entry.name, "{"])
            });
        assert!(is_there, "write a pipeline with `{}` in enricher/tests/golden", entry.name);
    }
}

/// Checks every pipeline of a folder; says how many there are.
fn check_all(folder: &str) -> usize {
    let pipelines = pipelines(folder);
    pipelines.iter().for_each(|path| check(path));
    pipelines.len()
}

fn pipelines(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = std::fs::read_dir(&folder).expect("test data is good");
    let paths = entries.map(|entry| entry.expect("test data is good").path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "conf")).collect()
}

fn write(records: &[bus::Record], out: &mut String) {
    for record in records {
        out.push_str(std::str::from_utf8(&record.payload).expect("test data is good"));
        out.push('\n');
    }
}

fn check(conf: &Path) {
    let pipeline = std::fs::read_to_string(conf).expect("test data is good");
    let codec = if pipeline.starts_with("# plain") { Codec::Plain } else { Codec::Json };
    let mut stage = support::stage(&pipeline);
    let input = std::fs::read_to_string(conf.with_extension("in")).expect("test data is good");
    let mut out = String::new();
    let mut passed_s = 0;
    for line in input.lines() {
        if let Some(seconds) = line.strip_prefix("# after ") {
            passed_s += seconds.parse::<i64>().expect("test data is good");
            continue;
        }
        let mut record = support::record(line.to_owned(), codec);
        record.received_at_ns += passed_s * 1_000_000_000;
        let now_ns = record.received_at_ns;
        match support::verdict(&mut stage, record) {
            Verdict::Forward(records) => write(&records, &mut out),
            Verdict::Discard(reason) => out.push_str(&format!("# discarded: {reason}\n")),
            Verdict::Reject(rejection) => {
                out.push_str(&format!("# refused: {}: {}\n", rejection.kind, rejection.message));
            }
        }
        write(&stage.advance(now_ns), &mut out);
    }
    write(&stage.finish(), &mut out);
    let expected = conf.with_extension("out");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&expected, &out).expect("test data is good");
    }
    let expected = std::fs::read_to_string(&expected).unwrap_or_default();
    assert_eq!(out, expected, "{} (UPDATE_EXPECT=1 accepts it)", conf.display());
}
