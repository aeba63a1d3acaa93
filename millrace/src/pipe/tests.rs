use std::io::{self, Seek, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;

use bus::Codec;
use enricher::language::{Source, Syntax};
use enricher::{Environment, plan};
use event::Limits;
use serde_json::{Value, json};

use super::*;

const JOINED: &str = r#"aggregate {
    task_id => "%{id}" code => "map['n'] ||= 0; map['n'] += 1; event.cancel"
    push_map_as_event_on_timeout => true timeout_task_id_field => "id"
}"#;

fn options(filters: &str, threads: usize) -> Options {
    let source = Source::new("test.conf", format!("filter {{ {filters} }}"));
    let plan = plan::parse_and_compile(&source, Syntax::default(), &Environment::default());
    Options {
        plan: plan.expect("a good pipeline"),
        limits: Limits { payload_bytes_max: 1_000, ..Limits::default() },
        codec: Codec::Json,
        threads,
        seed: 1,
    }
}

fn file(input: &[u8]) -> OwnedFd {
    let mut file = tempfile::tempfile().expect("a file");
    file.write_all(input).and_then(|()| file.rewind()).expect("a file");
    file.into()
}

/// Filters an input: the documents, the refused lines, and the report.
fn piped(input: &[u8], options: &Options) -> (Vec<Value>, Vec<Value>, Report) {
    let (mut output, mut dead) = (Vec::new(), Vec::new());
    let report = run(file(input), &mut output, Some(&mut dead), options).expect("it runs");
    let lines = |bytes: &[u8]| {
        let lines = bytes.split_inclusive(|byte| *byte == b'\n');
        lines.map(|line| serde_json::from_slice(line).expect("JSON")).collect::<Vec<_>>()
    };
    (lines(&output), lines(&dead), report)
}

#[test]
fn lines_keep_their_order_on_any_number_of_threads() {
    let line = |number| format!("{{\"n\":{number},\"pad\":\"{}\"}}\n", "x".repeat(200));
    let input: String = (0..20_000).map(line).collect();
    for threads in [1, 2, 5] {
        let drops = r#"if [n] == 7 { drop { } } mutate { remove_field => "pad" }"#;
        let (documents, dead, report) = piped(input.as_bytes(), &options(drops, threads));
        let numbers: Vec<_> = documents.iter().filter_map(|event| event["n"].as_i64()).collect();
        let expected: Vec<_> = (0..20_000).filter(|number| *number != 7).collect();
        assert_eq!(numbers, expected, "{threads} threads");
        assert_eq!((report.lines, report.events, report.dropped), (20_000, 19_999, 1));
        assert_eq!((dead.len(), report.refused_count()), (0, 0));
    }
}

#[test]
fn refused_lines_are_kept_with_their_number_and_reason() {
    let long = "y".repeat(700_000);
    let mut input = format!("{{\"a\":1}}\r\n\n[2]\n{long}\n{{\"a\":5}}\n").into_bytes();
    input.extend_from_slice(b"{\"a\":\"\xff\"}\n{\"a\":7}");
    for threads in [1, 3] {
        let (documents, dead, report) = piped(&input, &options("", threads));
        let numbers: Vec<_> = documents.iter().map(|event| event["a"].as_i64()).collect();
        assert_eq!(numbers, [Some(1), Some(5), Some(7)]);
        let told: Vec<_> = dead.iter().map(|line| (&line["line_number"], &line["kind"])).collect();
        let (three, four, six) = (json!(3), json!(4), json!(6));
        let kinds = ["not_an_object", "too_large", "invalid_utf8"].map(Value::from);
        assert_eq!(told, [(&three, &kinds[0]), (&four, &kinds[1]), (&six, &kinds[2])]);
        assert_eq!(dead[0]["line"], "[2]");
        assert_eq!(dead[1]["line"].as_str().map(str::len), Some(64 << 10));
        assert_eq!(dead[1]["is_cut"], true);
        assert_eq!(
            (&dead[2]["line"], &dead[2]["line_base64"]),
            (&Value::Null, &json!("eyJhIjoi/yJ9"))
        );
        assert_eq!((report.lines, report.events), (7, 3));
        assert_eq!(report.named[0].0, 3);
        assert!(dead[0]["message"].as_str().is_some_and(|text| text.contains("not a JSON object")));
    }
}

#[test]
fn a_line_is_as_long_as_it_may_be_with_any_end() {
    let mut plain = options("", 1);
    plain.codec = Codec::Plain;
    for (length, end, refused) in
        [(1_000, "", 0), (1_000, "\n", 0), (1_000, "\r\n", 0), (1_001, "\n", 1), (1_001, "", 1)]
    {
        let input = format!("{}{end}", "z".repeat(length));
        let (documents, _, report) = piped(input.as_bytes(), &plain);
        assert_eq!(report.refused_count(), refused, "{length} {end:?}");
        assert_eq!(documents.len() as u64, 1 - refused, "{length} {end:?}");
    }
}

#[test]
fn what_a_filter_makes_of_one_line_is_passed_on_in_pieces() {
    let list = vec!["w".repeat(90); 10].join(",");
    let input = format!("{{\"list\":\"{list}\"}}\n").repeat(3_000);
    let filters = r#"split { field => "list" terminator => "," } clone { clones => ["a", "b"] }"#;
    for threads in [1, 2] {
        let (documents, _, report) = piped(input.as_bytes(), &options(filters, threads));
        assert_eq!((report.lines, report.events, documents.len()), (3_000, 90_000, 90_000));
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_without_an_error() {
    struct Gone;
    impl Write for Gone {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    for threads in [1, 2] {
        let input = b"{\"a\":1}\n".repeat(100_000);
        let report = run(file(&input), &mut Gone, None, &options("", threads)).expect("no error");
        assert!(report.is_cut_short);
    }
}

#[test]
fn every_line_has_an_id_of_its_own() {
    let filters = r#"uuid { target => "id" }"#;
    let input = b"{}\n".repeat(1_000);
    let (documents, ..) = piped(&input, &options(filters, 2));
    let mut ids: Vec<_> = documents.iter().filter_map(|event| event["id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 1_000);
    let half = options("drop { percentage => 50 }", 1);
    let (documents, ..) = piped(&input, &half);
    assert!((400..600).contains(&documents.len()), "{}", documents.len());
}

#[test]
fn what_the_pipeline_remembers_comes_out_at_the_end_however_many_threads_are_wanted() {
    let input: String = (0..30_000).map(|n| format!("{{\"id\":\"{}\"}}\n", n % 3)).collect();
    for threads in [1, 4] {
        let (documents, _, report) = piped(input.as_bytes(), &options(JOINED, threads));
        let counts: Vec<_> = documents.iter().map(|made| (&made["id"], &made["n"])).collect();
        let expected = json!(10_000);
        assert_eq!(
            counts,
            [(&json!("0"), &expected), (&json!("1"), &expected), (&json!("2"), &expected)]
        );
        assert_eq!((report.lines, report.events, report.dropped), (30_000, 3, 30_000));
    }
    let (documents, _, report) = piped(b"", &options(JOINED, 1));
    assert_eq!((documents.len(), report), (0, Report::default()));
}

#[test]
fn what_the_pipeline_remembers_comes_out_before_a_read_error() {
    let (mut sender, input) = UnixStream::pair().expect("a connection");
    sender.write_all(b"{\"id\":\"a\"}\n{\"id\":\"a\"}\n").expect("there is room");
    // The lines are followed by an error: there is nothing more, and no end.
    input.set_nonblocking(true).expect("sockets can");
    let mut output = Vec::new();
    let ended = run(OwnedFd::from(input), &mut output, None, &options(JOINED, 1));
    drop(sender);
    assert!(matches!(ended, Err(PipeError::Read(_))), "{ended:?}");
    let made: Value = serde_json::from_slice(&output).expect("one document");
    assert_eq!((&made["id"], &made["n"]), (&json!("a"), &json!(2)));
}
