//! Several inputs `file`, and what their lines are.

use ingest_gateway::{FileMode, StartPosition};
use service::Span;
use service::config::load_over;

use super::*;

const THREE: &str = "input {
  file { path => '/var/log/shop/*.log' codec => json type => shop start_position => beginning }
  file { path => ['/var/log/{nginx,apache}/**/access.log'] exclude => '*.gz' type => nginx tags => ['web']
    add_field => { site => north } }
  file { path => '/srv/app.log' start_position => end codec => multiline {
    pattern => '^\\s' what => previous max_lines => 40 max_bytes => '64 KiB' auto_flush_interval => 3
    multiline_tag => 'stack' } }
}";

#[test]
fn each_input_of_files_has_its_own_table() {
    let (settings, left) = told(THREE, Reach::default());
    assert_eq!(
        settings,
        [
            r#"ingest_gateway.file.paths = ["/var/log/shop/*.log"]"#,
            "ingest_gateway.file.codec = json",
            "ingest_gateway.file.start_position = beginning",
            r#"ingest_gateway.file.inputs.file-2.paths = ["/var/log/{nginx,apache}/**/access.log"]"#,
            "ingest_gateway.file.inputs.file-2.codec = plain",
            r#"ingest_gateway.file.inputs.file-2.exclude = ["*.gz"]"#,
            r#"ingest_gateway.file.inputs.file-3.paths = ["/srv/app.log"]"#,
            "ingest_gateway.file.inputs.file-3.codec = plain",
            "ingest_gateway.file.inputs.file-3.start_position = end",
            r"ingest_gateway.file.inputs.file-3.multiline.pattern = ^\s",
            "ingest_gateway.file.inputs.file-3.multiline.what = previous",
            "ingest_gateway.file.inputs.file-3.multiline.lines_max = 40",
            "ingest_gateway.file.inputs.file-3.multiline.bytes_max = 64KiB",
            "ingest_gateway.file.inputs.file-3.multiline.flush_interval = 3000ms",
        ]
    );
    assert!(left.is_empty(), "{left:?}");
}

/// The configuration of a file, by presets and as it is printed; both say the same of inputs of files.
fn by_presets_and_printed(text: &str) -> (PlatformConfig, PlatformConfig) {
    let carried = carried(text, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let loaded = load_over::<PlatformConfig>(&carried.presets(), None, [], &[]);
    let loaded = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(loaded.taken.iter().all(|taken| *taken));
    let toml = carried.to_toml("m.conf");
    let printed = load::<PlatformConfig>(Some((Path::new("m.toml"), &toml)), [], &[]);
    let printed = printed.unwrap_or_else(|mistakes| panic!("{toml}\n{mistakes}"));
    assert_eq!(loaded.value.ingest_gateway.file, printed.ingest_gateway.file, "{toml}");
    (loaded.value, printed)
}

#[test]
fn they_are_a_configuration_by_presets_and_printed() {
    let (config, printed) = by_presets_and_printed(THREE);
    let files = &config.ingest_gateway.file;
    assert_eq!(files.start_position, Some(StartPosition::Beginning));
    assert_eq!(files.inputs["file-2"].start_position, None);
    assert_eq!(files.inputs["file-3"].multiline.lines_max, 40);
    let inputs = &config.enricher.inputs;
    assert_eq!(inputs, &printed.enricher.inputs);
    let kinds = ["file", "file-2", "file-3"].map(|name| inputs[name].r#type.as_deref());
    assert_eq!(kinds, [Some("shop"), Some("nginx"), None]);
    assert_eq!(inputs["file-2"].tags, ["web"]);
    assert_eq!(inputs["file-2"].add_field["site"], ["north"]);
    assert_eq!(inputs["file-3"].multiline_tag.as_deref(), Some("stack"));
    assert!(inputs["file"].tags.is_empty() && inputs["file"].multiline_tag.is_none());
}

#[test]
fn nothing_of_any_counts_where_the_configuration_names_files() {
    let carried = carried(THREE, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let presets = carried.presets();
    for config in [
        "[ingest_gateway.file]\npaths = [\"/b\"]\n",
        "[ingest_gateway.file.inputs.file-own]\npaths = [\"/b\"]\n",
    ] {
        let file = Some((Path::new("m.toml"), config));
        let loaded = load_over::<PlatformConfig>(&presets, file, [], &[]);
        let loaded = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert!(loaded.taken.iter().all(|taken| !taken), "{config}: {:?}", loaded.taken);
        assert!(loaded.value.enricher.inputs.is_empty());
        assert_eq!(loaded.value.ingest_gateway.file.patterns(), ["/b"]);
    }
}

const DIFFERENT: &str = "input {
  file { path => '/srv/a/*' mode => read max_open_files => 20 sincedb_clean_after => 3 }
  file { path => '/srv/b.log' stat_interval => '500 ms' discover_interval => 4 close_older => '1 hour' }
  file { path => '/srv/c/*' mode => read max_open_files => 4095 stat_interval => 5
    sincedb_clean_after => '2 weeks' delimiter => ';' file_completed_action => log ignore_older => 60 }
}";

#[test]
fn each_input_keeps_its_own_mode_rhythm_and_limits() {
    let (settings, left) = told(DIFFERENT, OPEN);
    let expected = [
        r#"paths = ["/srv/a/*"]"#,
        "codec = plain",
        "mode = read",
        "open_files_max = 20",
        "forget_after = 3d",
        r#"inputs.file-2.paths = ["/srv/b.log"]"#,
        "inputs.file-2.codec = plain",
        // What the first one says of its files is not said of these: that is as usual.
        "inputs.file-2.mode = tail",
        "inputs.file-2.poll_interval = 500ms",
        "inputs.file-2.scan_interval = 2s",
        "inputs.file-2.close_after = 1h",
        "inputs.file-2.open_files_max = 512",
        "inputs.file-2.forget_after = 14d",
        r#"inputs.file-3.paths = ["/srv/c/*"]"#,
        "inputs.file-3.codec = plain",
        "inputs.file-3.mode = read",
        "inputs.file-3.poll_interval = 5s",
        "inputs.file-3.scan_interval = 5s",
        "inputs.file-3.open_files_max = 4095",
        "inputs.file-3.forget_after = 14d",
    ];
    assert_eq!(settings, expected.map(|setting| format!("ingest_gateway.file.{setting}")));
    let what = ["delimiter", "file_completed_action", "ignore_older"];
    assert_eq!(left, what.map(|option| format!("`{option}` of input file")), "of that one alone");
}

#[test]
fn an_input_of_its_own_mode_is_a_configuration() {
    let (config, _) = by_presets_and_printed(DIFFERENT);
    let files = &config.ingest_gateway.file;
    assert_eq!((files.mode, files.open_files_max), (FileMode::Read, 20));
    let followed = &files.inputs["file-2"];
    assert_eq!((followed.mode, followed.open_files_max), (Some(FileMode::Tail), Some(512)));
    assert_eq!(followed.close_after, Some(Span::from_secs(3_600)));
    let read_once = &files.inputs["file-3"];
    assert_eq!((read_once.mode, read_once.close_after), (Some(FileMode::Read), None));
}

#[test]
fn what_the_configuration_says_of_all_inputs_counts_where_an_input_says_nothing() {
    let text = "input { file { path => '/a' close_older => 10 } file { path => '/b' }
        file { path => '/c' close_older => 20 } }";
    let carried = carried(text, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let config = "[ingest_gateway.file]\nclose_after = \"1m\"\n";
    for (config, of_door, of_second) in [("", 10, Some(300)), (config, 60, None)] {
        let file = Some((Path::new("m.toml"), config));
        let loaded = load_over::<PlatformConfig>(&carried.presets(), file, [], &[]);
        let loaded = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let files = &loaded.value.ingest_gateway.file;
        assert_eq!(files.close_after, Span::from_secs(of_door));
        assert_eq!(files.inputs["file-2"].close_after, of_second.map(Span::from_secs));
        assert_eq!(files.inputs["file-3"].close_after, Some(Span::from_secs(20)));
    }
}

#[test]
fn lengths_of_time_are_read_as_logstash_reads_them() {
    for (written, setting) in [
        ("5", "5s"),
        ("0.25", "250ms"),
        ("'200 usec'", "200us"),
        ("'1.5m'", "90s"),
        ("'18h'", "18h"),
        ("'21.5 days'", "516h"),
        ("'6 weeks'", "42d"),
    ] {
        let text = format!("input {{ file {{ path => '/a' close_older => {written} }} }}");
        let close_after = format!("ingest_gateway.file.close_after = {setting}");
        assert_eq!(told(&text, OPEN).0.last(), Some(&close_after), "{text}");
    }
    for written in ["'5 parsecs'", "'soon'", "'1.2.3s'", "-1"] {
        let text = format!("input {{ file {{ path => '/a' close_older => {written} }} }}");
        let said = carried(&text, OPEN).map(|_| ()).expect_err(&text);
        assert!(said.contains("`close_older` cannot be"), "{text}: {said}");
    }
    for given in [
        "stat_interval => 0",
        "discover_interval => 0",
        "sincedb_clean_after => '0 d'",
        "max_open_files => 0",
    ] {
        let (settings, left) = told(&format!("input {{ file {{ path => '/a' {given} }} }}"), OPEN);
        assert_eq!((settings.len(), left.len()), (2, 1), "{given}: {settings:?} {left:?}");
    }
}

#[test]
fn a_path_that_an_input_before_has_is_told_with_its_place() {
    let text = "input {
  file { path => '/srv/a/*' }
  file { path => ['/srv/c/*', '/srv/a/*'] }
  file { path => '/srv/c/*' type => web }
}";
    let (settings, left) = told(text, OPEN);
    let paths: Vec<_> = settings.iter().filter(|setting| setting.contains("paths")).collect();
    assert_eq!(
        paths,
        [
            r#"ingest_gateway.file.paths = ["/srv/a/*"]"#,
            r#"ingest_gateway.file.inputs.file-2.paths = ["/srv/c/*"]"#,
        ]
    );
    assert_eq!(left, ["`path`", "`path`", "`type`"].map(|what| format!("{what} of input file")));
    let said = reasons(text);
    for part in [
        "s.conf:3: `path` of input file: `/srv/a/*` is not carried over: a file is read once, and line 2 has this one",
        "s.conf:4: `path` of input file: `/srv/c/*` is not carried over: a file is read once, and line 3 has",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let carried = carried(text, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let places = carried.left.iter().map(|left| (left.spot.line, left.spot.column));
    assert_eq!(places.collect::<Vec<_>>(), [(3, 18), (4, 18), (4, 37)]);
}

#[test]
fn a_path_of_two_inputs_is_each_ones_where_the_first_leaves_files_to_the_second() {
    let text = "input {
  file { path => '/srv/*.log' exclude => 'nginx*' type => shop }
  file { path => '/srv/*.log' exclude => 'shop*' type => nginx }
  file { path => '/srv/*.log' exclude => ['old*', 'nginx*'] }
}";
    let (settings, left) = told(text, OPEN);
    let paths: Vec<_> = settings.iter().filter(|setting| setting.contains("paths")).collect();
    assert_eq!(
        paths,
        [
            r#"ingest_gateway.file.paths = ["/srv/*.log"]"#,
            r#"ingest_gateway.file.inputs.file-2.paths = ["/srv/*.log"]"#,
        ]
    );
    assert_eq!(left, ["`path` of input file"]);
    assert!(reasons(text).contains("s.conf:4: `path` of input file: `/srv/*.log` is not carried"));
}

#[test]
fn a_codec_without_a_pattern_that_is_known_joins_nothing() {
    let text = "input { file { path => '/a' codec => multiline { pattern => '%{NO_YEAR}' what => next } } }";
    let (settings, left) = told(text, OPEN);
    assert_eq!(
        settings,
        [r#"ingest_gateway.file.paths = ["/a"]"#, "ingest_gateway.file.codec = plain"]
    );
    assert_eq!(left, ["`codec` of input file"]);
    assert!(reasons(text).contains("the inputs `file`, `tcp` and `unix` join them"));
}

#[test]
fn patterns_that_are_none_are_told_where_they_stand() {
    let text = "input {\n file { path => '/var/log/{a,b.log' }\n file { path => 'b.log' } }";
    let carried = carried(text, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let loaded = load_over::<PlatformConfig>(&carried.presets(), None, [], &[]);
    let said = loaded.map(|_| ()).expect_err("they are no paths").to_string();
    for part in ["s.conf:2:17", "has a { without its }", "s.conf:3:17", "begin it with /"] {
        assert!(said.contains(part), "{part} in {said}");
    }
}
