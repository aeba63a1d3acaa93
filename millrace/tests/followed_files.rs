//! The real binary follows files through rotations, a kill and a stop, and counts each line once.

mod support;

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;

use support::{Platform, eventually};
use tempfile::TempDir;

struct Log {
    folder: TempDir,
}

impl Log {
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn append(&self, name: &str, numbers: Range<u32>) {
        let mut file =
            OpenOptions::new().append(true).create(true).open(self.path(name)).expect("a file");
        for number in numbers {
            writeln!(file, r#"{{"log_type":"error","message":"line{number}"}}"#).expect("written");
        }
    }

    fn rotate(&self, name: &str, old: &str) {
        fs::rename(self.path(name), self.path(old)).expect("renamed");
    }
}

fn arrive(platform: &Platform, count: u64) {
    eventually("the lines", || match platform.count("type:error") {
        found if found == count => Ok(()),
        found => Err(format!("{found} of {count}")),
    });
}

#[test]
fn inputs_of_a_pipeline_are_followed_and_read_once_side_by_side() {
    let log = Log { folder: TempDir::new().expect("a folder") };
    let pattern = |name: &str| log.path(name).display().to_string();
    let (followed, read_once) = (pattern("*.log"), pattern("*.json"));
    let pipeline = log.path("my.conf");
    let text = format!(
        "input {{\n  file {{ path => '{read_once}' mode => read codec => json tags => ['once'] }}\n  \
         file {{ path => '{followed}' start_position => beginning codec => json tags => ['followed'] }}\n}}\n\
         filter {{ schema {{ }} }}\n"
    );
    fs::write(&pipeline, text).expect("a pipeline");
    log.append("shop.log", 0..100);
    log.append("import.json", 100..200);
    // Neither line ends. Of the file that is followed it may go on.
    let unfinished = r#"{"log_type":"error","message":"unfinished"}"#;
    for name in ["shop.log", "import.json"] {
        let mut file = OpenOptions::new().append(true).open(log.path(name)).expect("a file");
        file.write_all(unfinished.as_bytes()).expect("written");
    }
    let mut platform = Platform::start(&["--pipeline", &pipeline.display().to_string()]);
    arrive(&platform, 201);
    assert_eq!(platform.count("tags:once"), 101);

    let (code, _) = platform.stop();
    assert_eq!(code, Some(0));
    platform.restart();
    for name in ["shop.log", "import.json"] {
        let mut file = OpenOptions::new().append(true).open(log.path(name)).expect("a file");
        writeln!(file).expect("written");
        log.append(name, 200..300);
    }
    // A file that is read once comes into its folder when it is whole.
    log.append("next.part", 300..400);
    log.rotate("next.part", "next.json");
    arrive(&platform, 402);
    assert_eq!(platform.count("tags:followed"), 201, "with the line that ends now");
    assert_eq!(platform.count("tags:once"), 201, "what was read once is not read on");
}

#[test]
fn every_line_counts_once_through_rotations_a_kill_and_a_stop() {
    let log = Log { folder: TempDir::new().expect("a folder") };
    let pattern = log.path("*.log").display().to_string();
    let beginning = "ingest_gateway.file.start_position=beginning";
    let further = log.path("*.further").display().to_string();
    let input = format!("ingest_gateway.file.inputs.file-further.paths={further}");
    log.append("shop.log", 0..1_000);
    let settings = ["--file-paths", &pattern, "--set", beginning, "--set", &input];
    let mut platform = Platform::start(&settings);
    arrive(&platform, 1_000);
    for pattern in [&pattern, &further] {
        assert!(platform.logged().contains(&format!("lines of files   {pattern}")), "{pattern}");
    }

    log.append("shop.log", 1_000..1_500);
    log.rotate("shop.log", "shop.log.1");
    log.append("shop.log", 1_500..2_000);
    log.append("shop.log.1", 2_000..2_100);
    arrive(&platform, 2_100);

    log.append("shop.log", 2_100..12_100);
    // So some were acknowledged, and what is kept of that may be older.
    eventually("some of the lines", || match platform.count("type:error") {
        found if found > 2_100 => Ok(()),
        found => Err(format!("{found}")),
    });
    platform.kill();
    log.append("shop.log", 12_100..12_200);
    log.rotate("shop.log", "shop.log.2");
    log.append("shop.log", 12_200..12_300);
    platform.restart();
    arrive(&platform, 12_300);

    let (code, _) = platform.stop();
    assert_eq!(code, Some(0));
    log.append("shop.log", 12_300..12_400);
    platform.restart();
    arrive(&platform, 12_400);
    for number in [0, 1_499, 2_099, 12_099, 12_199, 12_399] {
        assert_eq!(platform.count(&format!("line{number}")), 1, "line {number}");
    }
    let path = log.path("shop.log").display().to_string();
    assert_eq!(platform.count(&format!("log.file.path:\"{path}\"")), 12_400);
    assert!(platform.metrics().contains("millrace_gateway_files{state=\"unreadable\"} 0"));
}
