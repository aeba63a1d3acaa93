//! Several inputs `file`, and what their lines are.

use ingest_gateway::StartPosition;
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

#[test]
fn they_are_a_configuration_by_presets_and_printed() {
    let carried = carried(THREE, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let loaded = load_over::<PlatformConfig>(&carried.presets(), None, [], &[]);
    let loaded = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(loaded.taken.iter().all(|taken| *taken));
    let toml = carried.to_toml("m.conf");
    let printed = load::<PlatformConfig>(Some((Path::new("m.toml"), &toml)), [], &[]);
    let printed = printed.unwrap_or_else(|mistakes| panic!("{toml}\n{mistakes}"));
    let files = &loaded.value.ingest_gateway.file;
    assert_eq!(files, &printed.ingest_gateway.file, "{toml}");
    assert_eq!(files.start_position, Some(StartPosition::Beginning));
    assert_eq!(files.inputs["file-2"].start_position, None);
    assert_eq!(files.inputs["file-3"].multiline.lines_max, 40);
    let inputs = &loaded.value.enricher.inputs;
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

#[test]
fn what_cannot_differ_is_told_with_its_place() {
    let text = "input {
  file { path => '/srv/a/*' mode => read }
  file { path => '/srv/b.log' type => web }
  file { path => ['/srv/c/*', '/srv/a/*']
    mode => read }
  file { path => '/srv/c/*' mode => read }
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
    assert!(!settings.iter().any(|setting| setting.contains("inputs.file-2.mode")), "{settings:?}");
    let what = ["`mode`", "`type`", "`path`", "`path`"].map(|what| format!("{what} of input file"));
    assert_eq!(left, what);
    let said = reasons(text);
    for part in [
        "s.conf:3: `mode` of input file: the door reads all files alike, as line 2 says: with `read`; this input, \
         with `tail`, is not carried over",
        "s.conf:4: `path` of input file: `/srv/a/*` is not carried over: a file is read once, and line 2 has this one",
        "s.conf:6: `path` of input file: `/srv/c/*` is not carried over: a file is read once, and line 4 has",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let carried = carried(text, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let places = carried.left.iter().map(|left| (left.spot.line, left.spot.column));
    assert_eq!(places.collect::<Vec<_>>(), [(3, 3), (3, 39), (4, 18), (6, 18)]);
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
