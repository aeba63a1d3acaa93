//! Several inputs, each with its own files and what is said of them.

use std::fs;

use bus::Codec;

use super::Rig;
use crate::config::{FileInputConfig, StartPosition};

/// The texts that came through an input.
pub(super) fn texts_of(rig: &Rig, input: &str) -> Vec<String> {
    let records = rig.records().into_iter().filter(|record| &*record.listener == input);
    let mut texts: Vec<_> =
        records.map(|record| String::from_utf8_lossy(&record.payload).into_owned()).collect();
    texts.sort();
    texts
}

/// A rig with a second input on `*.txt`.
pub(super) fn with_texts(adjust: impl FnOnce(&mut FileInputConfig)) -> Rig {
    Rig::new(|config| {
        let mut input = FileInputConfig {
            paths: vec![config.paths[0].replace("*.log", "*.txt")],
            ..FileInputConfig::default()
        };
        adjust(&mut input);
        config.inputs.insert("file-2".into(), input);
    })
}

#[tokio::test]
async fn each_input_has_its_own_files_and_settings() {
    let mut rig = with_texts(|input| {
        input.codec = Codec::Plain;
        input.exclude = vec!["debug*".into()];
    });
    rig.append("a.log", "one\n");
    rig.append("debug.log", "two\n");
    rig.append("a.txt", "before the start\n");
    rig.append("debug.txt", "no\n");
    rig.round().await;
    rig.append("a.txt", "three\n");
    rig.round().await;
    assert_eq!(texts_of(&rig, "file"), ["one", "two"]);
    assert_eq!(texts_of(&rig, "file-2"), ["three"], "it begins at the end");
    for record in rig.records() {
        let codec = if &*record.listener == "file" { Codec::Json } else { Codec::Plain };
        assert_eq!(record.codec, codec, "{}", record.listener);
    }
    assert_eq!(rig.metric("millrace_gateway_received_bytes_total{door=\"file\"}"), 14);
}

#[tokio::test]
async fn what_several_inputs_find_is_the_first_ones() {
    let mut rig = Rig::new(|config| {
        let all = FileInputConfig {
            paths: vec![config.paths[0].replace("*.log", "*")],
            start_position: Some(StartPosition::Beginning),
            ..FileInputConfig::default()
        };
        config.inputs.insert("file-10".into(), all.clone());
        let texts = vec![config.paths[0].replace("*.log", "*.txt")];
        config.inputs.insert("file-2".into(), FileInputConfig { paths: texts, ..all });
    });
    for name in ["a.log", "a.txt", "a.csv"] {
        rig.append(name, format!("{name}\n"));
    }
    rig.round().await;
    assert_eq!(rig.texts().len(), 3, "each line once");
    for (input, name) in [("file", "a.log"), ("file-2", "a.txt"), ("file-10", "a.csv")] {
        assert_eq!(texts_of(&rig, input), [name]);
    }
}

#[tokio::test]
async fn a_renamed_file_stays_with_its_input() {
    for is_restarted in [false, true] {
        let mut rig = with_texts(|input| input.start_position = Some(StartPosition::Beginning));
        rig.append("a.txt", "one\n");
        rig.round().await;
        rig.append("a.txt", "two\n");
        rig.rename("a.txt", "a.txt.1");
        rig.append("a.txt", "three\n");
        if is_restarted {
            rig.restart();
        }
        rig.round().await;
        fs::write(rig.path("a.txt"), "4\n").unwrap();
        rig.round().await;
        assert_eq!(texts_of(&rig, "file-2"), ["4", "one", "three", "two"], "{is_restarted}");
    }
}

#[tokio::test]
async fn a_file_that_begins_anew_is_whose_patterns_find_it_by_then() {
    let mut rig = with_texts(|input| input.start_position = Some(StartPosition::Beginning));
    rig.append("a.txt", "one\n");
    rig.round().await;
    // The same inode, and all bytes are others: as after a removal whose inode is used again.
    rig.rename("a.txt", "b.log");
    fs::write(rig.path("b.log"), "two, which is longer\n").unwrap();
    rig.round().await;
    assert_eq!(texts_of(&rig, "file-2"), ["one"]);
    assert_eq!(texts_of(&rig, "file"), ["two, which is longer"]);
}

#[tokio::test]
async fn alternatives_in_braces_are_paths() {
    let mut rig = Rig::new(|config| {
        config.paths[0] = config.paths[0].replace("*.log", "{web,shop/{a,b}}/**/*.{log,txt}");
    });
    for folder in ["web/deep/er", "shop/a", "shop/c"] {
        fs::create_dir_all(rig.path(folder)).unwrap();
        for name in ["x.log", "x.txt", "x.csv"] {
            rig.append(&format!("{folder}/{name}"), format!("{folder}/{name}\n"));
        }
    }
    rig.round().await;
    let expected = ["shop/a/x.log", "shop/a/x.txt", "web/deep/er/x.log", "web/deep/er/x.txt"];
    assert_eq!(rig.sorted(), expected);
}
