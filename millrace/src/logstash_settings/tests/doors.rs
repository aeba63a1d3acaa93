//! Several inputs of a kind: each is a door of its own.

use super::*;

#[test]
fn each_input_of_a_kind_has_a_door_and_a_table_of_its_own() {
    let text = "input {
  tcp { port => 5001 codec => json_lines type => shop }
  tcp { port => 5002 codec => line tags => ['text'] }
  udp { port => 5001 }
  tcp { port => 5003 codec => multiline { pattern => '^ ' what => previous } }
  syslog { port => 5514 }
  syslog { port => 5515 timezone => 'Europe/Berlin' }
  unix { path => '/run/a.sock' }
  unix { path => '/run/b.sock' codec => json }
}";
    let (settings, left) = told(text, OPEN);
    let expected = [
        "ingest_gateway.tcp.listen = 0.0.0.0:5001",
        "ingest_gateway.tcp.codec = json",
        "ingest_gateway.tcp.inputs.tcp-2.listen = 0.0.0.0:5002",
        "ingest_gateway.tcp.inputs.tcp-2.codec = plain",
        "ingest_gateway.udp.listen = 0.0.0.0:5001",
        "ingest_gateway.udp.codec = plain",
        "ingest_gateway.tcp.inputs.tcp-3.listen = 0.0.0.0:5003",
        "ingest_gateway.tcp.inputs.tcp-3.codec = plain",
        "ingest_gateway.tcp.inputs.tcp-3.multiline.pattern = ^ ",
        "ingest_gateway.tcp.inputs.tcp-3.multiline.what = previous",
        "ingest_gateway.syslog.udp_listen = 0.0.0.0:5514",
        "ingest_gateway.syslog.tcp_listen = 0.0.0.0:5514",
        "ingest_gateway.syslog.inputs.syslog-2.udp_listen = 0.0.0.0:5515",
        "ingest_gateway.syslog.inputs.syslog-2.tcp_listen = 0.0.0.0:5515",
        "ingest_gateway.syslog.inputs.syslog-2.allow_unauthenticated = true",
        "ingest_gateway.syslog.inputs.syslog-2.timezone = Europe/Berlin",
        "ingest_gateway.unix.stream_path = /run/a.sock",
        "ingest_gateway.unix.codec = plain",
        "ingest_gateway.unix.inputs.unix-2.stream_path = /run/b.sock",
        "ingest_gateway.unix.inputs.unix-2.codec = json",
    ];
    assert_eq!(settings, expected);
    assert!(left.is_empty(), "{left:?}");
    let carried = carried(text, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let of_events = |name: &str| carried.find(name).map(Setting::shown).unwrap_or_default();
    assert!(of_events("enricher.inputs.tcp.type").ends_with("= shop"));
    assert!(of_events("enricher.inputs.tcp-2.tags").ends_with("[\"text\"]"));
    assert!(of_events("enricher.inputs.tcp-3.multiline_tag").ends_with("= multiline"));
}

#[test]
fn what_senders_show_and_are_shown_is_that_of_their_own_door() {
    let text = "input {
  http { port => 8081 user => ada password => '${PASSWORD}' }
  http { port => 8082 user => bob password => 'hunter3' response_headers => { 'x-door' => 'b' } }
  beats { port => 5044 }
  beats { port => 5045 ssl_enabled => true ssl_certificate => 'c' ssl_key => 'k' client_inactivity_timeout => 5 }
}";
    let (settings, _) = told(text, OPEN);
    for expected in [
        "ingest_gateway.http.sign_in.user = ada",
        "ingest_gateway.http.inputs.http-2.listen = 0.0.0.0:8082",
        "ingest_gateway.http.inputs.http-2.any_path = true",
        "ingest_gateway.http.inputs.http-2.request_headers = true",
        "ingest_gateway.http.inputs.http-2.response.headers.x-door = b",
        "ingest_gateway.http.inputs.http-2.sign_in.user = bob",
        "ingest_gateway.http.inputs.http-2.sign_in.password = (secret)",
        "ingest_gateway.beats.inputs.beats-2.listen = 0.0.0.0:5045",
        "ingest_gateway.beats.inputs.beats-2.tls.certificate_file = c",
        "ingest_gateway.beats.inputs.beats-2.idle_timeout = 5s",
    ] {
        assert!(settings.iter().any(|setting| setting == expected), "{expected} in {settings:#?}");
    }
    let toml =
        carried(text, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}")).to_toml("m.conf");
    for file in ["\"http-password\"", "\"http-2-password\""] {
        assert_eq!(toml.matches(file).count(), 1, "{toml}");
    }
    assert!(!toml.contains("hunter"), "{toml}");
}

#[test]
fn further_doors_are_a_configuration() {
    let text = "input { tcp { port => 5001 } tcp { port => 5002 type => web } udp { port => 1 } udp { port => 2 }
        http { port => 8081 } http { port => 8082 } }";
    let carried = carried(text, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let toml = carried.to_toml("m.conf");
    // Nobody shows a token here: the doors are open to this machine alone.
    let toml = toml.replace("0.0.0.0", "127.0.0.1");
    let printed = load::<PlatformConfig>(Some((Path::new("m.toml"), &toml)), [], &[]);
    let printed = printed.unwrap_or_else(|mistakes| panic!("{toml}\n{mistakes}"));
    assert_eq!(printed.enricher.inputs["tcp-2"].r#type.as_deref(), Some("web"));
}

#[test]
fn a_further_door_is_let_be_open_only_where_it_is_and_shows_no_certificates() {
    let two =
        |second: &str| format!("input {{ beats {{ port => 1 }} beats {{ port => 2 {second} }} }}");
    let asks = "ssl_enabled => true ssl_certificate => 'c' ssl_key => 'k' ssl_client_authentication => required \
                ssl_certificate_authorities => 'a'";
    for (second, reach, is_let) in [
        ("", OPEN, true),
        ("host => '127.0.0.1'", OPEN, false),
        (asks, OPEN, false),
        (asks, Reach::default(), false),
        ("", Reach::default(), false),
    ] {
        let (settings, _) = told(&two(second), reach);
        let let_be = "ingest_gateway.beats.inputs.beats-2.allow_unauthenticated = true".to_owned();
        assert_eq!(settings.contains(&let_be), is_let, "{second}: {settings:?}");
        assert!(!settings.iter().any(|setting| setting.contains("beats.allow")), "{settings:?}");
    }
}

#[test]
fn a_second_input_at_the_same_place_is_told_with_that_of_the_first() {
    for (text, what, at) in [
        ("tcp { port => 1 }\n tcp { port => 1 codec => json }", "tcp", "0.0.0.0:1"),
        ("udp { port => 1 }\n udp { port => 1 }", "udp", "0.0.0.0:1"),
        ("unix { path => '/a' }\n unix { path => '/a' }", "unix", "/a"),
        ("syslog { port => 1 }\n syslog { port => 1 }", "syslog", "0.0.0.0:1"),
    ] {
        let text = format!("input {{\n {text}\n}}");
        let (settings, left) = told(&text, OPEN);
        assert!(!settings.iter().any(|setting| setting.contains(".inputs.")), "{settings:?}");
        assert_eq!(left, [format!("input {what}")]);
        let carried = carried(&text, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let expected = format!(
            "s.conf:3: input {what}: not carried over: input {what} (line 2) is at {at} already"
        );
        assert!(carried.left_lines().contains(&expected), "{}", carried.left_lines());
    }
    // Both would listen on this machine only.
    let text = "input { tcp { port => 1 } tcp { port => 1 host => '127.0.0.1' } }";
    assert_eq!(told(text, Reach::default()).1, ["`host` of input tcp", "input tcp"]);
}

#[test]
fn pipelines_that_hand_events_to_each_other_are_told_what_to_write() {
    let text = "input { pipeline { address => web } }\noutput { pipeline { send_to => [audit] } }";
    assert_eq!(told(text, OPEN).1, ["input pipeline", "output pipeline"]);
    let said = reasons(text);
    assert!(said.contains("behind those of the pipeline that sends here"), "{said}");
    assert!(said.contains("events are handed to no other pipeline"), "{said}");
    let wrong = "output { pipeline { sent_to => inside } }";
    let said = carried(wrong, OPEN).map(|_| ()).expect_err("there is no such option");
    assert!(said.contains("did you mean `send_to`?"), "{said}");
}
