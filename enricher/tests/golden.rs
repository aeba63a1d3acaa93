//! Pipelines with their input and the documents that must come out: `golden/NAME.conf`, `NAME.in`,
//! `NAME.out`, one line a record. `UPDATE_EXPECT=1` writes what comes out.
//!
//! Lines of `.in` are JSON, or with `# plain` as the pipeline's first line, text. A record that ends or is
//! refused stands in `.out` as a line of its own.

mod support;

use std::path::Path;

use bus::Codec;
use pipeline::Verdict;

#[test]
fn pipelines_make_the_expected_documents() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut checked = 0;
    for entry in std::fs::read_dir(&folder).expect("test data is good") {
        let path = entry.expect("test data is good").path();
        if path.extension().is_some_and(|extension| extension == "conf") {
            check(&path);
            checked += 1;
        }
    }
    assert!(checked >= 4, "only {checked} pipelines in {}", folder.display());
}

fn check(conf: &Path) {
    let pipeline = std::fs::read_to_string(conf).expect("test data is good");
    let codec = if pipeline.starts_with("# plain") { Codec::Plain } else { Codec::Json };
    let mut stage = support::stage(&pipeline);
    let input = std::fs::read_to_string(conf.with_extension("in")).expect("test data is good");
    let mut out = String::new();
    for line in input.lines() {
        match support::verdict(&mut stage, support::record(line.to_owned(), codec)) {
            Verdict::Forward(records) => {
                for record in records {
                    out.push_str(std::str::from_utf8(&record.payload).expect("test data is good"));
                    out.push('\n');
                }
            }
            Verdict::Discard(reason) => out.push_str(&format!("# discarded: {reason}\n")),
            Verdict::Reject(rejection) => {
                out.push_str(&format!("# refused: {}: {}\n", rejection.kind, rejection.message));
            }
        }
    }
    let expected = conf.with_extension("out");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(&expected, &out).expect("test data is good");
    }
    let expected = std::fs::read_to_string(&expected).unwrap_or_default();
    assert_eq!(out, expected, "{} (UPDATE_EXPECT=1 accepts it)", conf.display());
}
