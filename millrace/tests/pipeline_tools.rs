//! Tools around pipelines, as they are used: `filters` to look up, `check` and `test` in a build, `pipe` between two
//! programs, `shadow` beside Logstash, `tap` on a running platform, and a pipeline that changes while the platform runs.

mod support;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use support::{Platform, eventually, start_tool, text, tool, tool_with_input};

fn pipelines() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../enricher/pipelines")
}

/// Writes a file into a folder, and gives its path as an argument.
fn write(folder: &tempfile::TempDir, name: &str, content: &str) -> String {
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("a file");
    path.display().to_string()
}

#[test]
fn pipe_filters_in_order_and_says_what_it_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipeline = write(&folder, "my.conf", "filter { mutate { add_tag => 'seen' } }");
    let input = b"{\"n\":1}\nbroken\n{\"n\":3}";
    let output = tool_with_input(&["pipe", "--pipeline", &pipeline], input);
    let numbers: Vec<_> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON"))
        .map(|event| (event["n"].as_i64(), event["tags"][0] == "seen"))
        .collect();
    assert_eq!(numbers, [(Some(1), true), (Some(3), true)]);
    let said = text(&output.stderr);
    for part in ["1 line was refused: 1 not_an_object", "line 2: ", "--dead"] {
        assert!(said.contains(part), "{said}");
    }
    assert_eq!(output.status.code(), Some(1));

    let dead = folder.path().join("dead.ndjson").display().to_string();
    let output = tool_with_input(&["pipe", "--pipeline", &pipeline, "--dead", &dead], input);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let kept = std::fs::read_to_string(&dead).expect("a file");
    let kept: Value = serde_json::from_str(&kept).expect("one line of JSON");
    assert_eq!((&kept["line_number"], &kept["line"]), (&2.into(), &"broken".into()));

    let output = tool_with_input(&["pipe", "--codec", "plain", "--pipeline", &pipeline], b"a b\n");
    assert!(text(&output.stdout).contains("\"message\":\"a b\""), "{}", text(&output.stdout));
    assert_eq!(output.status.code(), Some(0));

    let broken = write(&folder, "broken.conf", "filter { dorp { } }");
    let output = tool_with_input(&["pipe", "--pipeline", &broken], input);
    assert_eq!(output.status.code(), Some(64));
    assert!(text(&output.stderr).contains("dorp"), "{}", text(&output.stderr));
}

#[test]
fn pipe_warns_of_a_key_of_this_run_alone_only_where_a_filter_uses_it() {
    let folder = tempfile::tempdir().expect("a folder");
    for (options, is_warned) in [
        ("method => 'SHA256' key => '${MILLRACE_HASH_KEY}'", true),
        ("method => 'SHA256' key => 'my-${MILLRACE_HASH_KEY:x}'", true),
        ("method => 'SHA256' key => 'x' # not ${MILLRACE_HASH_KEY}\n", false),
        ("method => 'SHA256'", false),
        ("method => 'UUID'", false),
    ] {
        let filters = format!("filter {{ if [n] {{ fingerprint {{ {options} }} }} }}");
        let pipeline = write(&folder, "my.conf", &filters);
        let output = tool_with_input(&["pipe", "--pipeline", &pipeline], b"{\"n\":1}\n");
        assert_eq!(output.status.code(), Some(0), "{options}");
        let said = text(&output.stderr);
        assert_eq!(said.contains("MILLRACE_HASH_KEY is not set"), is_warned, "{options}: {said}");
    }
}

#[test]
fn pipe_answers_a_slow_input_line_by_line_and_ends_quietly_with_its_reader() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipeline = write(&folder, "my.conf", "filter { }");
    let mut child = start_tool(&["pipe", "--pipeline", &pipeline]);
    let mut input = child.stdin.take().expect("a pipe");
    let mut output = child.stdout.take().expect("a pipe");
    for number in [b'1', b'2'] {
        input.write_all(&[b"{\"n\":", &[number][..], b"}\n{\"half"].concat()).expect("it reads");
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            let mut byte = [0];
            output.read_exact(&mut byte).expect("an event before the input ends");
            line.push(byte[0]);
        }
        assert!(text(&line).contains(&format!("\"n\":{}", char::from(number))));
        input.write_all(b"\":0}\n").expect("it reads");
        let mut rest = vec![0; line.len() + "half".len() - 1];
        output.read_exact(&mut rest).expect("the other half");
    }
    drop(output);
    let many = b"{\"n\":3}\n".repeat(100_000);
    // It may be gone before all is written.
    drop(input.write_all(&many));
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!((output.status.code(), text(&output.stderr).as_str()), (Some(0), ""));
}

#[test]
fn the_cases_of_the_pipelines_that_come_along_hold() {
    for name in ["ecommerce", "access-log"] {
        let path = pipelines().join(format!("{name}.test.yaml")).display().to_string();
        let output = tool(&["test", &path]);
        assert!(output.status.success(), "{}", text(&output.stderr));
        assert!(text(&output.stdout).contains("no failures"), "{}", text(&output.stdout));
    }
}

#[test]
fn cases_that_fail_say_in_what_and_fail_the_build() {
    let folder = tempfile::tempdir().expect("a folder");
    write(&folder, "my.conf", "filter { mutate { rename => { 'a' => 'b' } } }");
    let case = r#"{"pipeline":"my.conf","cases":[
        {"name":"right","input":{"a":1},"expect":{"b":1}},
        {"name":"wrong","input":{"a":1},"expect":{"c":{"d":2}}}]}"#;
    let good = write(&folder, "cases.json", case);
    let output = tool(&["test", &good]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stderr);
    for part in ["cases.json: wrong", "- expected {\"d\":2}", "+ got      nothing", "1 case failed"]
    {
        assert!(said.contains(part), "{said}");
    }
    assert!(!said.contains("right") && !said.contains('\x1b'), "{said}");
    assert!(text(&output.stdout).contains("2 cases, 1 failed"), "{}", text(&output.stdout));

    let mistaken = write(&folder, "cases.yaml", "cases: [{name: x, inputs: 1}]");
    let output = tool(&["test", &mistaken]);
    assert_eq!(output.status.code(), Some(64), "{}", text(&output.stderr));
}

#[test]
fn a_pipeline_is_read_again_while_the_platform_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let tags = |tag: &str| format!("filter {{ schema {{ }} mutate {{ add_tag => '{tag}' }} }}");
    let pipeline = write(&folder, "my.conf", &tags("first"));
    let platform = Platform::start(&["--pipeline", &pipeline]);
    let found = |tag: &str| {
        eventually(tag, || {
            let count = platform.count(&format!("tags:{tag}"));
            if count == 1 { Ok(()) } else { Err(format!("{count} found")) }
        });
    };
    let counted = |result: &str| {
        let line = format!("millrace_pipeline_reloads_total{{result=\"{result}\"}} 1");
        eventually(&line, || {
            let metrics = platform.metrics();
            if metrics.contains(&line) { Ok(()) } else { Err(metrics) }
        });
    };
    let hang_up = || {
        let id = Pid::from_raw(platform.process_id().cast_signed()).expect("a process");
        kill_process(id, Signal::HUP).expect("it can be asked");
    };
    let send = || platform.send(b"{\"log_type\":\"error\",\"message\":\"m\"}\n", &[]);
    send();
    found("first");

    write(&folder, "my.conf", "filter { dorp { } }");
    hang_up();
    counted("refused");
    assert!(platform.logged().contains("dorp"), "{}", platform.logged());
    let part = &platform.status()["parts"]["enricher pipeline"];
    assert_eq!(part["state"], "degraded", "{part}");

    // By the change alone, without a signal.
    write(&folder, "my.conf", &tags("second"));
    counted("loaded");
    assert!(platform.status()["parts"]["enricher pipeline"].is_null());
    send();
    found("second");
    found("first");
}

#[test]
fn check_warns_of_what_is_slow_or_never_run_and_fails_for_it_only_if_strict() {
    let folder = tempfile::tempdir().expect("a folder");
    let slow = "grok { match => { message => [\n  '[a-z].{0,300}[0-9].{0,300}x!' ] } }";
    let dubious =
        format!("filter {{\n  {slow}\n  drop {{ }}\n  mutate {{ add_tag => 'never' }}\n}}\n");
    let dubious = write(&folder, "dubious.conf", &dubious);
    let output = tool(&["check", &dubious]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    for part in [
        "3 filters, no mistakes, 2 warnings",
        "dubious.conf:3:3: warning: `[a-z].{0,300}",
        "can be slow",
        "dubious.conf:5:3: warning: this is never run: the `drop` of line 4",
        "      |   ^^^^^^",
        "way out: put it before the `drop`",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let output = tool(&["check", "--strict", &dubious]);
    assert_eq!(output.status.code(), Some(64));
    assert!(text(&output.stderr).contains("2 warnings"), "{}", text(&output.stderr));

    for name in ["ecommerce.conf", "access-log.conf"] {
        let path = pipelines().join(name).display().to_string();
        let output = tool(&["check", "--strict", &path]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    }
}

#[test]
fn filters_shows_what_there_is_and_the_page_of_each() {
    let listed = tool(&["filters"]);
    assert!(text(&listed.stdout).lines().any(|line| line.starts_with("grok ")), "{listed:?}");
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/filters/grok.md");
    let page = std::fs::read_to_string(page).expect("a page");
    assert_eq!(text(&tool(&["filters", "grok"]).stdout), page);
    for (name, way_out) in [("grock", "did you mean `grok`?"), ("elapsed", "use aggregate")] {
        let output = tool(&["filters", name]);
        assert_eq!(output.status.code(), Some(64));
        assert!(text(&output.stderr).contains(way_out), "{}", text(&output.stderr));
    }
}

#[test]
fn shadow_sums_up_where_we_differ_from_logstash() {
    let folder = tempfile::tempdir().expect("a folder");
    let pipeline = "filter { grok { match => { message => '%{WORD:w} %{INT:n:int}' } } }";
    let pipeline = write(&folder, "my.conf", pipeline);
    let event = |line: &str, w: &str, n: &str| {
        format!(
            "{{\"@timestamp\":\"2026-01-01T00:00:00Z\",\"@version\":\"1\",\"w\":\"{w}\",\"n\":{n},\
             \"message\":\"{line}\",\"event\":{{\"original\":\"{line}\"}}}}\n"
        )
    };
    let common = [
        "shadow",
        "--pipeline",
        &pipeline,
        "--codec",
        "plain",
        "--received-at",
        "2026-01-01T00:00:00Z",
        "--ignore",
        "@version,[event][original]",
        "--reference",
    ];
    let shadow = |reference: &str, more: &[&str]| tool(&[&common[..], &[reference], more].concat());

    let equal = write(&folder, "equal.ndjson", &(event("a 1", "a", "1") + &event("b 2", "b", "2")));
    let output = shadow(&equal, &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    assert!(text(&output.stdout).contains("2 events compared: 2 equal, 0 different"));

    let other = event("a 1", "a", "\"1\"") + &event("b 2", "b", "2");
    let other = write(&folder, "other.ndjson", &other);
    let lines = write(&folder, "lines.log", "c 3\nb 2\na 1\n");
    let output = shadow(&other, &["--input", &lines]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    for part in [
        "2 events compared: 1 equal, 1 different",
        "1 event only ours",
        "line 1: theirs \"1\", ours 1",
        "3 fields are equal in every event",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let output = shadow(&other, &["--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["fields"]["n"]["different"]["count"], 1, "{report}");
    assert_eq!(report["fields"]["n"]["different"]["examples"][0]["ours"], 1, "{report}");

    let broken = write(&folder, "broken.ndjson", "a 1\n");
    let output = shadow(&broken, &[]);
    assert_eq!(output.status.code(), Some(64));
    assert!(text(&output.stderr).contains("line 1 of the reference"), "{}", text(&output.stderr));
}

#[test]
fn tap_shows_events_before_and_behind_a_filter_while_the_platform_runs() {
    let folder = tempfile::tempdir().expect("a folder");
    let filters = |tag: &str| {
        format!(
            "filter {{\n  schema {{ }}\n  mutate {{ add_tag => '{tag}' remove_field => 'message' }}\n}}"
        )
    };
    let pipeline = write(&folder, "my.conf", &filters("first"));
    let platform = Platform::start(&["--pipeline", &pipeline]);
    let listed = platform.ask(&["tap", "--at", "enricher"]);
    let rows: Vec<Vec<_>> = listed.lines().map(|row| row.split_whitespace().collect()).collect();
    let place = |line: usize| format!("{pipeline}:{line}");
    assert_eq!(rows, [["enricher[1]", "schema", &place(2)], ["enricher[2]", "mutate", &place(3)]]);
    let output = platform.tool(&["tap", "--at", "enricher[3]"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("the pipeline has 2"), "{}", text(&output.stderr));

    let data = platform.data().display().to_string();
    let tap =
        start_tool(&["tap", "--at", "enricher[2]", "--limit", "2", "--json", "--data", &data]);
    eventually("the tap", || {
        let log = platform.logged();
        if log.contains("somebody looks on at a filter") { Ok(()) } else { Err(log) }
    });
    let send = |message: &str| {
        let line = format!("{{\"log_type\":\"error\",\"message\":\"{message}\"}}\n");
        platform.send(line.as_bytes(), &[]);
        eventually(message, || match platform.count("type:error") {
            0 => Err("nothing yet".to_owned()),
            count => Ok(count),
        });
    };
    send("paid with 4111111111111111");
    write(&folder, "my.conf", &filters("second"));
    eventually("the new pipeline", || {
        let metrics = platform.metrics();
        let is_loaded = metrics.contains("millrace_pipeline_reloads_total{result=\"loaded\"} 1");
        if is_loaded { Ok(()) } else { Err(metrics) }
    });
    send("again");
    let output = tap.wait_with_output().expect("it ends");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let seen: Vec<Value> = text(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(seen[0]["before"]["message"], "paid with 411111******1111");
    assert_eq!((&seen[0]["after"]["message"], &seen[0]["lost"]), (&Value::Null, &0.into()));
    let tags = [&seen[0]["after"]["tags"][1], &seen[1]["after"]["tags"][1]];
    assert_eq!(tags, ["first", "second"], "the tap stays where the pipeline changes");
    assert!(text(&output.stderr).contains("the pipeline has changed"), "{}", text(&output.stderr));
}
