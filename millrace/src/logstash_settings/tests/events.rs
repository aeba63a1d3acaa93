//! What inputs and codecs do to events.

use super::*;

fn of_events(text: &str, ecs: EcsCompatibility) -> Vec<String> {
    let source = Source::new("s.conf", text);
    let tree = parse(&source, Default::default()).expect("the language");
    let carried = of_tree(&tree, Surroundings { ecs, ..usual(&source, &BTreeMap::new()) });
    let carried = carried.expect("it is right");
    let shown = carried.settings.iter().map(Setting::shown);
    shown.filter_map(|setting| Some(setting.strip_prefix(OF_EVENTS)?.to_owned())).collect()
}

#[test]
fn what_an_input_adds_stands_in_the_table_of_its_door() {
    let text =
        "input { tcp { port => 1 host => '::1' codec => json type => nginx tags => ['a', 'b c']
        add_field => { '[shop][name]' => north n => 2 } add_field => { n => 3 } } }";
    assert_eq!(
        of_events(text, EcsCompatibility::V8),
        [
            r#"tcp.add_field.[shop][name] = ["north"]"#,
            r#"tcp.add_field.n = ["2", "3"]"#,
            r#"tcp.tags = ["a", "b c"]"#,
            "tcp.type = nginx",
        ]
    );
    let carried = carried(text, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let toml = carried.to_toml("m.conf");
    let loaded = load::<PlatformConfig>(Some((Path::new("m.toml"), &toml)), [], &[]);
    let inputs = loaded.unwrap_or_else(|mistakes| panic!("{toml}\n{mistakes}")).enricher.inputs;
    assert_eq!(inputs["tcp"].add_field["n"], ["2", "3"]);
    assert_eq!(inputs["tcp"].tags, ["a", "b c"]);
    let by_presets =
        service::config::load_over::<PlatformConfig>(&carried.presets(), None, [], &[]);
    assert_eq!(by_presets.expect("settings").value.enricher.inputs, inputs);
}

#[test]
fn topics_have_no_table_of_their_own_so_filters_are_printed() {
    let said = reasons(
        "input { kafka { tags => ['a'] type => web add_field => { shop => north num => 2 } } }",
    );
    for filter in [
        "if ![type] { mutate { add_field => { \"type\" => \"web\" } } }",
        "mutate { add_tag => [\"a\"] }",
        "mutate { add_field => { \"shop\" => \"north\" \"num\" => \"2\" } }",
    ] {
        assert!(said.contains(filter), "{filter} in {said}");
        let source = Source::new("f", format!("filter {{ {filter} }}"));
        assert!(parse(&source, Default::default()).is_ok(), "{filter}");
    }
}

#[test]
fn a_sender_has_its_address_where_logstash_puts_it() {
    use EcsCompatibility::{Disabled, V1, V8};
    let asks = "filter { if [@metadata][ip_address] { drop { } } }";
    for (input, mode, expected) in [
        ("tcp { port => 1 codec => json }", V8, &[][..]),
        ("tcp { port => 1 codec => json }", Disabled, &[r#"tcp.sender_fields = ["host"]"#]),
        ("udp { port => 1 codec => json }", V1, &[r#"udp.sender_fields = ["[host][ip]"]"#]),
        (
            "udp { port => 1 codec => json source_ip_fieldname => from }",
            V1,
            &[r#"udp.sender_fields = ["from"]"#],
        ),
        (
            "http { codec => json ecs_compatibility => disabled }",
            V8,
            &["http.request_headers = headers", r#"http.sender_fields = ["host"]"#],
        ),
        (
            "http { codec => json remote_host_target_field => '[a][b]' }",
            V8,
            &["http.request_fields = true", r#"http.sender_fields = ["[a][b]"]"#],
        ),
        ("syslog { }", V8, &[r#"syslog.sender_fields = ["[host][ip]"]"#]),
        ("syslog { }", Disabled, &[]),
        ("beats { port => 1 }", Disabled, &["beats.codec_tags = true"]),
        ("beats { port => 1 include_codec_tag => false }", Disabled, &[]),
        ("beats { port => 1 enrich => [source_metadata] }", Disabled, &[]),
    ] {
        assert_eq!(of_events(&format!("input {{ {input} }}"), mode), expected, "{input}");
    }
    let words = format!("input {{ beats {{ port => 1 enrich => all }} }} {asks}");
    assert_eq!(
        of_events(&words, Disabled),
        ["beats.codec_tags = true", r#"beats.sender_fields = ["[@metadata][ip_address]"]"#]
    );
    let words = format!("input {{ tcp {{ port => 1 codec => json }} }} {asks}");
    let fields =
        r#"["[@metadata][input][tcp][source][ip]", "[@metadata][input][tcp][source][name]"]"#;
    assert_eq!(of_events(&words, V8), [format!("tcp.sender_fields = {fields}")]);
}

#[test]
fn what_stands_in_a_variable_is_printed_for_no_field() {
    let text = "input { http { codec => json remote_host_target_field => '${FIELD:hunter2}'
        request_headers_target_field => '${FIELD:hunter2}' } }";
    assert_eq!(of_events(text, EcsCompatibility::V8), ["http.request_fields = true"]);
    let said = reasons(text);
    for setting in ["`sender_fields`", "`request_headers`"] {
        assert!(said.contains(setting), "{setting} in {said}");
    }
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn codecs_say_what_lines_hold_and_where_they_end() {
    use EcsCompatibility::{Disabled, V8};
    for (codec, mode, door, events) in [
        ("json_lines { delimiter => '|' }", V8, &["delimiter = |"][..], &[][..]),
        ("line { delimiter => \"\\n\" }", Disabled, &[], &[]),
        ("line", V8, &[], &["original = true"]),
        (
            "line { ecs_compatibility => disabled charset => 'CP1252' }",
            V8,
            &[],
            &["charset = windows-1252"],
        ),
        ("json { target => '[a][b]' }", V8, &[], &["target = [a][b]"]),
        (
            "multiline { pattern => '^ ' what => previous charset => 'ISO-8859-1' }",
            Disabled,
            &["multiline.pattern = ^ ", "multiline.what = previous"],
            &["charset = ISO-8859-1", "multiline_tag = multiline"],
        ),
    ] {
        let text = format!("input {{ tcp {{ port => 1 host => '::1' codec => {codec} }} }}");
        let own = |setting: String| Some(setting.strip_prefix("ingest_gateway.tcp.")?.to_owned());
        let settings = told(&text, OPEN).0.into_iter().filter_map(own);
        let settings: Vec<_> = settings.skip(2).collect();
        assert_eq!(settings, door, "{codec}");
        let fields = r#"sender_fields = ["host"]"#;
        let of_events = of_events(&text, mode).into_iter();
        let of_events = of_events.map(|setting| setting.replace("tcp.", ""));
        let of_events: Vec<_> = of_events.filter(|setting| setting != fields).collect();
        assert_eq!(of_events, events, "{codec}");
    }
}

#[test]
fn names_of_grok_in_a_pattern_are_written_out() {
    let text = "input { tcp { port => 1 host => '::1' codec => multiline {
        pattern => '^%{TIMESTAMP_ISO8601} ' negate => true what => previous } } }";
    let carried_over = carried(text, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let pattern = carried_over.find("ingest_gateway.tcp.multiline.pattern").expect("a pattern");
    let pattern = pattern.value.untyped();
    assert!(pattern.starts_with("(?s)") && !pattern.contains("%{"), "{pattern}");
    assert!(carried_over.left.is_empty());
    let loaded =
        service::config::load_over::<PlatformConfig>(&carried_over.presets(), None, [], &[]);
    assert!(loaded.is_ok(), "{loaded:?}");
    let looser = text.replace("%{TIMESTAMP_ISO8601}", "%{SYSLOGTIMESTAMP}");
    assert!(reasons(&looser).contains("conditions on what stands beside a match"), "{looser}");
}

#[test]
fn an_answer_and_a_sign_in_are_those_of_the_input() {
    let (settings, left) = told(
        "input { http { host => '::1' codec => line response_code => 202 response_headers => { 'X-A' => 'b' } user => 'u'
           } }",
        OPEN,
    );
    assert_eq!(
        settings[1..],
        [
            "ingest_gateway.http.any_path = true",
            "ingest_gateway.http.response.status = 202",
            "ingest_gateway.http.response.headers.X-A = b",
            "ingest_gateway.http.sign_in.user = u",
            "ingest_gateway.http.codec = plain",
            "ingest_gateway.http.request_headers = true",
        ]
    );
    assert!(left.is_empty(), "{left:?}");
    let said = carried("input { http { response_code => 404 } }", OPEN).map(|_| ());
    assert!(said.expect_err("it is no success").contains("it is 200, 201, 202 or 204"));
}

#[test]
fn a_request_goes_where_logstash_puts_it_and_its_door_tells_of_it() {
    use EcsCompatibility::{Disabled, V1, V8};
    const HEADERS: &str = "http.request_headers = [@metadata][input][http][request][headers]";
    let asks = "filter { if [@metadata][input][http][request][headers][x_a] { drop { } } }";
    let void = "request_headers_target_field => '[@metadata][void]'";
    for (option, mode, filter, expected) in [
        ("", Disabled, "", &["http.request_headers = headers"][..]),
        ("ecs_compatibility => disabled", V8, asks, &["http.request_headers = headers"]),
        ("", V1, "", &["http.request_fields = true"]),
        ("ecs_compatibility => v8", Disabled, "", &["http.request_fields = true"]),
        ("", V8, asks, &["http.request_fields = true", HEADERS]),
        (
            "request_headers_target_field => '[a][b]'",
            Disabled,
            "",
            &["http.request_headers = [a][b]"],
        ),
        (
            "request_headers_target_field => 'h'",
            V8,
            "",
            &["http.request_fields = true", "http.request_headers = h"],
        ),
        (void, Disabled, "", &["http.request_headers = [@metadata][void]"]),
    ] {
        let text = format!("input {{ http {{ host => '::1' codec => json {option} }} }} {filter}");
        let is_of_request = |setting: &String| setting.starts_with("http.request_");
        let settings: Vec<_> = of_events(&text, mode).into_iter().filter(is_of_request).collect();
        assert_eq!(settings, expected, "{option} {mode:?}");
        let carried = carried(&text, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert!(carried.find("ingest_gateway.http.request_headers").is_some(), "{option}");
        assert!(carried.left.is_empty(), "{}", carried.left_lines());
        let loaded =
            service::config::load_over::<PlatformConfig>(&carried.presets(), None, [], &[]);
        let config = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}")).value;
        assert!(config.ingest_gateway.http.request_headers, "{option}");
    }
    let second = "input { http { port => 1 codec => json } http { port => 2 codec => json } }";
    let second = of_events(second, V8);
    assert!(second.contains(&"http-2.request_fields = true".to_owned()), "{second:?}");
    let wrong = "input { http { ecs_compatibility => v9 } }";
    let said = carried(wrong, OPEN).map(|_| ()).expect_err("there is no such mode");
    assert_eq!(said.matches("cannot be `v9`").count(), 1, "{said}");
}

#[test]
fn a_mode_that_there_is_not_is_refused_of_multiline_too() {
    let text = "input { tcp { port => 1 host => '::1' codec => multiline {
        pattern => '^ ' what => previous ecs_compatibility => v9 } } }";
    let said = carried(text, OPEN).map(|_| ());
    assert!(said.expect_err("there is no such mode").contains("disabled, v1 or v8"));
}
