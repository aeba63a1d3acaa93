//! What becomes of each plugin, as users write it.

mod document_ids;
mod doors;
mod events;
mod files;
mod indices;
mod listed;
mod options;
mod second;
mod secrets;
mod tls;

use std::collections::BTreeMap;
use std::path::Path;

use enricher::EcsCompatibility;
use service::config::load;

use super::*;
use crate::config::PlatformConfig;

const OPEN: Reach = Reach {
    has_token: true,
    is_udp_allowed: true,
    is_syslog_allowed: true,
    are_beats_allowed: true,
};

/// What a file is read with that is open and of ECS.
fn usual<'a>(source: &'a Source, variables: &'a BTreeMap<String, String>) -> Surroundings<'a> {
    Surroundings { source, variables, reach: OPEN, ecs: EcsCompatibility::V8 }
}

fn carried(text: &str, reach: Reach) -> Result<Carried, String> {
    let source = Source::new("s.conf", text);
    let tree = parse(&source, Default::default()).expect("the language");
    let variables = BTreeMap::from([("PASSWORD".to_owned(), "hunter2".to_owned())]);
    of_tree(&tree, Surroundings { reach, ..usual(&source, &variables) })
        .map_err(|mistakes| mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

/// What is done to events.
const OF_EVENTS: &str = "enricher.inputs.";

/// The settings but those of what is done to events, and what is not carried over, each in short.
fn told(text: &str, reach: Reach) -> (Vec<String>, Vec<String>) {
    let carried = carried(text, reach).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let settings = carried.settings.iter().map(Setting::shown);
    let settings = settings.filter(|setting| !setting.starts_with(OF_EVENTS)).collect();
    (settings, carried.left.iter().map(|left| left.what.clone()).collect())
}

/// What the lines that are not carried over say.
fn reasons(text: &str) -> String {
    carried(text, Reach::default()).unwrap_or_else(|mistakes| panic!("{mistakes}")).left_lines()
}

#[test]
fn doors_have_the_ports_of_inputs() {
    for (text, reach, settings, left) in [
        (
            "input { tcp { port => 5001 codec => json_lines } }",
            OPEN,
            &["ingest_gateway.tcp.listen = 0.0.0.0:5001", "ingest_gateway.tcp.codec = json"][..],
            &[][..],
        ),
        (
            "input { tcp { port => 5001 host => '::1' } }",
            Reach::default(),
            &["ingest_gateway.tcp.listen = [::1]:5001", "ingest_gateway.tcp.codec = plain"],
            &[],
        ),
        (
            "input { tcp { port => 5001 } }",
            Reach::default(),
            &["ingest_gateway.tcp.listen = 127.0.0.1:5001", "ingest_gateway.tcp.codec = plain"],
            &["`host` of input tcp"],
        ),
        (
            "input { tcp { port => 5001 host => 'shop.example' codec => multiline { pattern => '%{NO_YEAR}' what => next } } }",
            OPEN,
            &["ingest_gateway.tcp.listen = 127.0.0.1:5001", "ingest_gateway.tcp.codec = plain"],
            &["`host` of input tcp", "`codec` of input tcp"],
        ),
        (
            "input { udp { port => 514 host => localhost workers => 4 receive_buffer_bytes => 1048576 } }",
            Reach::default(),
            &[
                "ingest_gateway.udp.listen = 127.0.0.1:514",
                "ingest_gateway.udp.codec = plain",
                "ingest_gateway.udp.receive_buffer_bytes = 1MiB",
            ],
            &["`workers` of input udp"],
        ),
        (
            "input { http { user => ada password => '${PASSWORD}' codec => json max_content_length => 2048 } }",
            OPEN,
            &[
                "ingest_gateway.http.listen = 0.0.0.0:8080",
                "ingest_gateway.http.any_path = true",
                "ingest_gateway.http.body_bytes_max = 2KiB",
                "ingest_gateway.http.sign_in.user = ada",
                "ingest_gateway.http.sign_in.password = (secret)",
                "ingest_gateway.http.request_headers = true",
            ],
            &[],
        ),
    ] {
        let (got, what) = told(text, reach);
        assert_eq!(got, settings, "{text}");
        assert_eq!(what, left, "{text}");
    }
}

#[test]
fn the_input_of_beats_is_the_door_for_them() {
    let text = "input { beats { port => 5044 client_inactivity_timeout => 90 codec => json enrich => none \
                event_loop_threads => 2 ssl_key => 'k' } }";
    let (settings, left) = told(text, OPEN);
    assert_eq!(
        settings,
        ["ingest_gateway.beats.listen = 0.0.0.0:5044", "ingest_gateway.beats.idle_timeout = 90s"]
    );
    let left_out = ["codec", "event_loop_threads", "ssl_key"];
    assert_eq!(left, left_out.map(|option| format!("`{option}` of input beats")));
    let text = "input { beats { port => 5044 client_inactivity_timeout => 0 } }";
    let (settings, left) = told(text, Reach::default());
    assert_eq!(settings, ["ingest_gateway.beats.listen = 127.0.0.1:5044"]);
    assert_eq!(
        left,
        ["`host` of input beats", "`client_inactivity_timeout` of input beats"],
        "strangers could send"
    );
}

#[test]
fn an_input_that_a_door_cannot_be_is_not_carried_over_as_a_whole() {
    for (text, part) in [
        (
            "tcp { port => 1 ssl_enabled => true ssl_key => 'k' }",
            "(with `port`, `ssl_enabled`, `ssl_key`): a door's certificate and key are two files of PEM",
        ),
        (
            "tcp { port => 1 ssl_enabled => true ssl_key => 'k' ssl_certificate => 'c' ssl_key_passphrase => 'p' }",
            "a key without a password",
        ),
        (
            "http { ssl_enabled => true ssl_key => 'k' ssl_certificate => 'c' ssl_client_authentication => required }",
            "whose certificates are good?",
        ),
        ("tcp { port => 1 host => 'h' mode => client }", "connects to none"),
        ("http { ssl => true keystore => 'k' }", "two files of PEM"),
        ("unix { path => '/s' mode => client }", "connects to none"),
        ("beats { port => 5044 ssl => true }", "two files of PEM"),
        ("generator { count => 3 }", "millrace generate | millrace send"),
        ("stdin { }", "millrace send"),
        ("redis { data_type => list key => 'k' }", "not taken from Redis"),
        (
            "jdbc { statement => 'x' anything => 'y' }",
            "(with `statement`, `anything`): nothing here reads what `jdbc` reads",
        ),
        ("kafka { topics_pattern => 'a.*' }", "write them in `topics`"),
    ] {
        let text = format!("input {{ {text} }}");
        let carried = carried(&text, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert!(carried.settings.is_empty(), "{text}");
        assert_eq!(carried.left.len(), 1, "{text}");
        let said = carried.left_lines();
        assert!(said.contains("not carried over") && said.contains(part), "{said}");
    }
}

#[test]
fn syslog_and_sockets_become_their_doors() {
    let (settings, left) =
        told("input { syslog { timezone => 'Europe/Berlin' use_labels => false } }", OPEN);
    assert_eq!(
        settings,
        [
            "ingest_gateway.syslog.udp_listen = 0.0.0.0:514",
            "ingest_gateway.syslog.tcp_listen = 0.0.0.0:514",
            "ingest_gateway.syslog.timezone = Europe/Berlin",
        ]
    );
    assert_eq!(left, ["`use_labels` of input syslog"]);
    let said = reasons("input { syslog { port => 5514 } }");
    assert!(said.contains("syslog.allow_unauthenticated = true"), "{said}");
    assert!(said.contains("write `udp_listen = \"0.0.0.0:5514\"` there"), "{said}");

    let text = "input { unix { path => '/run/l.sock' force_unlink => true codec => json } unix { path => '/b' } }";
    let (settings, left) = told(text, OPEN);
    assert_eq!(
        settings,
        [
            "ingest_gateway.unix.stream_path = /run/l.sock",
            "ingest_gateway.unix.codec = json",
            "ingest_gateway.unix.inputs.unix-2.stream_path = /b",
            "ingest_gateway.unix.inputs.unix-2.codec = plain",
        ]
    );
    assert_eq!(left, ["`force_unlink` of input unix"]);
}

#[test]
fn certificates_and_events_of_several_lines_become_settings_of_the_door() {
    let (settings, left) = told(
        "input { tcp { port => 6514 host => '0.0.0.0' ssl_enabled => true ssl_certificate => '/d.crt' ssl_key => '/d.key'
            ssl_certificate_authorities => ['/ca.crt'] ssl_supported_protocols => ['TLSv1.3'] ssl_cipher_suites => ['x']
            codec => multiline { pattern => '^\\s' what => previous negate => true max_lines => 40 max_bytes => '1 MiB'
                auto_flush_interval => 3 multiline_tag => 'm' } } }",
        Reach::default(),
    );
    assert_eq!(
        settings,
        [
            "ingest_gateway.tcp.listen = 0.0.0.0:6514",
            "ingest_gateway.tcp.codec = plain",
            "ingest_gateway.tcp.multiline.pattern = ^\\s",
            "ingest_gateway.tcp.multiline.what = previous",
            "ingest_gateway.tcp.multiline.negate = true",
            "ingest_gateway.tcp.multiline.lines_max = 40",
            "ingest_gateway.tcp.multiline.bytes_max = 1MiB",
            "ingest_gateway.tcp.multiline.flush_interval = 3000ms",
            "ingest_gateway.tcp.tls.certificate_file = /d.crt",
            "ingest_gateway.tcp.tls.key_file = /d.key",
            "ingest_gateway.tcp.tls.client_ca_file = /ca.crt",
            "ingest_gateway.tcp.tls.client_certificates = required",
            "ingest_gateway.tcp.tls.version_min = 1.3",
        ]
    );
    assert_eq!(left, ["`ssl_cipher_suites` of input tcp"]);

    let (settings, left) = told(
        "input { http { host => '::1' ssl_enabled => true ssl_certificate => '/d.crt' ssl_key => '/d.key' } }",
        Reach::default(),
    );
    assert_eq!(
        settings,
        [
            "ingest_gateway.http.listen = [::1]:8080",
            "ingest_gateway.http.tls.certificate_file = /d.crt",
            "ingest_gateway.http.tls.key_file = /d.key",
            "ingest_gateway.http.any_path = true",
            "ingest_gateway.http.codec = plain",
            "ingest_gateway.http.request_headers = true",
        ]
    );
    assert_eq!(left, ["`codec` of input http"]);
    let asks =
        "input { tcp { port => 1 ssl_enabled => true ssl_certificate => 'c' ssl_key => 'k' } }";
    assert!(reasons(asks).contains("senders are not asked"), "{}", reasons(asks));

    for (codec, wrong) in [
        ("pattern => 'x'", "needs `what`"),
        ("pattern => 'x' what => both", "`what` of the codec cannot be `both`"),
        ("pattern => 'x' what => next max_bytes => lots", "cannot be `lots`"),
        ("pattern => 'x' what => next negat => true", "did you mean `negate`?"),
    ] {
        let text = format!("input {{ tcp {{ port => 1 codec => multiline {{ {codec} }} }} }}");
        let mistakes = carried(&text, OPEN).map(|_| ()).expect_err(codec);
        assert!(mistakes.contains(wrong), "{mistakes}");
    }
}

#[test]
fn topics_of_others_are_read_where_the_bus_is() {
    let text = "input { kafka {
        bootstrap_servers => 'a:9092, b:9093' topics => ['shop.web', audit] codec => json group_id => 'g'
        security_protocol => SASL_SSL sasl_mechanism => PLAIN client_id => 'c' session_timeout_ms => 30000
        sasl_jaas_config => 'x required username=\"ada\" password=\"hunter2\";'
        ssl_truststore_type => PEM ssl_truststore_location => '/ca.pem'
    } }";
    let (settings, left) = told(text, OPEN);
    assert_eq!(
        settings,
        [
            "bus.url = kafkas://a:9092,b:9093",
            "bus.kafka.client_id = c",
            "bus.kafka.session_timeout = 30000ms",
            "bus.kafka.ca_file = /ca.pem",
            "bus.kafka.sasl.mechanism = PLAIN",
            "bus.kafka.sasl.user = ada",
            "bus.kafka.sasl.password = (secret)",
            "bus.kafka.topics.shop.web.foreign = true",
            "bus.kafka.topics.shop.web.codec = json",
            "bus.kafka.topics.audit.foreign = true",
            "bus.kafka.topics.audit.codec = json",
        ]
    );
    assert_eq!(left, ["input kafka", "`group_id` of input kafka"]);
    let two = "input { kafka { topics => 'a' } kafka { topics => 'b' } kafka { bootstrap_servers => 'x:1' } }";
    let (settings, left) = told(two, OPEN);
    assert_eq!(settings[0], "bus.url = kafka://localhost:9092");
    assert!(settings.iter().any(|setting| setting.starts_with("bus.kafka.topics.b.")));
    assert!(!settings.iter().any(|setting| setting.contains("logstash")), "{settings:?}");
    assert_eq!(left.len(), 2);
}

#[test]
fn the_search_store_is_the_one_that_the_output_names() {
    for (text, settings, left) in [
        (
            "hosts => ['https://es1', 'https://ada:x@es2:9201'] user => ada password => '${PASSWORD}' cacert => '/ca.pem'",
            &[
                "search.url = https://es1:9200,https://es2:9201",
                "search.elasticsearch.user = ada",
                "search.elasticsearch.password = (secret)",
                "search.elasticsearch.ca_file = /ca.pem",
            ][..],
            &["`hosts` of output elasticsearch"][..],
        ),
        (
            "hosts => es ssl => true api_key => 'id:key' timeout => 20 http_compression => false",
            &[
                "search.url = https://es:9200",
                "search.elasticsearch.api_key = (secret)",
                "search.elasticsearch.compression_level = 0",
                "search.elasticsearch.bulk_timeout = 20s",
            ],
            &[],
        ),
        (
            "index => 'shop-%{+YYYY.MM.dd}' ssl_certificate => 'c' ssl_key => 'k' compression_level => 3",
            &[
                "search.url = http://localhost:9200",
                "search.elasticsearch.client_cert_file = c",
                "search.elasticsearch.client_key_file = k",
                "search.elasticsearch.compression_level = 3",
                "enricher.index = shop-%{+YYYY.MM.dd}",
                "search.index_prefixes = [\"shop-\"]",
            ],
            &[],
        ),
        (
            "index => '%{[@metadata][beat]}-%{+YYYY.MM.dd}' document_id => '%{id}' action => create action => create",
            &["search.url = http://localhost:9200", "enricher.document_id = %{id}"],
            &["`index` of output elasticsearch", "`action` of output elasticsearch"],
        ),
        (
            "index => 'ecommerce-logs-%{+YYYY.MM.dd}' ssl_verification_mode => none",
            &["search.url = http://localhost:9200"],
            &["`index` of output elasticsearch", "`ssl_verification_mode` of output elasticsearch"],
        ),
    ] {
        let text = format!("output {{ elasticsearch {{ {text} }} }}");
        let (got, what) = told(&text, OPEN);
        assert_eq!(got, settings, "{text}");
        assert_eq!(what, left, "{text}");
    }
}

#[test]
fn outputs_under_conditions_are_one_store() {
    let text = "output {
  if [type] == 'a' { elasticsearch { hosts => es index => 'a-%{+YYYY}' } }
  else if [type] == 'b' { elasticsearch { hosts => es index => 'b-%{+YYYY}' } }
  else { elasticsearch { hosts => other } stdout { codec => rubydebug } }
}";
    let (settings, left) = told(text, OPEN);
    assert_eq!(
        settings,
        [
            "search.url = http://es:9200",
            "enricher.index = a-%{+YYYY}",
            "search.index_prefixes = [\"a-\"]"
        ]
    );
    assert_eq!(left.iter().filter(|what| what.starts_with("the condition of output")).count(), 3);
    assert!(
        reasons(text).contains("there is one search store, that of line 2"),
        "{}",
        reasons(text)
    );
}

#[test]
fn mistakes_have_a_place_and_a_way_out() {
    for (text, parts) in [
        ("input { tpc { } }", &["s.conf:1:9: there is no input `tpc`", "did you mean `tcp`?"][..]),
        ("output { elasticsaerch { } }", &["did you mean `elasticsearch`?"]),
        (
            "input { tcp { prot => 1 } }",
            &["needs the option `port`", "no option `prot`", "did you mean `port`?"],
        ),
        ("input { tcp { port => 70000 } }", &["`port` cannot be 70000", "it is 1 to 65535"]),
        ("input { tcp { port => 1 codec => jsno } }", &["no codec `jsno`", "did you mean `json`?"]),
        (
            "input { tcp { port => 1 codec => json { charst => 'x' } } }",
            &["no option `charst`", "did you mean `charset`?"],
        ),
        ("input { beats { port => 1 prto => 1 } }", &["`beats` has no option `prto`"]),
        ("input { if [a] { stdin { } } }", &["an input stands under no condition"]),
        (
            "output { elasticsearch { hosts => 'ftp://x' } }",
            &["not the address of a search engine"],
        ),
        ("output { elasticsearch { password => '${GONE}' } }", &["`GONE` is not set"]),
        ("output { elasticsearch { cloud_id => 'x' } }", &["`cloud_id` cannot be read"]),
        ("input { kafka { topics => 'a b' } }", &["`a b` is no topic"]),
        ("input { kafka { topics => '..' } }", &["`..` is no topic"]),
        (
            "input { kafka { topics => ['logs.raw'] } }",
            &["`logs.raw` is a topic of the platform itself", "a topic of another name"],
        ),
        (
            "input { kafka { bootstrap_servers => 'u:hunter2@h' } }",
            &["the address of Kafka holds a user or password", "write `host:port`"],
        ),
        (
            "input { kafka { security_protocol => SASL_SSL sasl_mechanism => PLAIN
               sasl_jaas_config => 'x username=\"a\" password=\"hunter2\\\"x\";' } }",
            &["a backslash in the user or password", "`bus.kafka.sasl.password_file`"],
        ),
    ] {
        let said = carried(text, OPEN).map(|_| ()).expect_err(text);
        assert!(parts.iter().all(|part| said.contains(part)), "{text}: {said}");
    }
}

#[test]
fn an_open_door_is_written_where_the_configuration_wins() {
    let said = reasons("input { tcp { port => 5001 } }");
    assert!(said.contains("write `listen = \"0.0.0.0:5001\"` there"), "{said}");
}

#[test]
fn the_printed_configuration_is_accepted_and_shows_no_secret() {
    for text in [
        "input { tcp { port => 5001 } udp { port => 5001 } http { } }",
        "input { kafka { topics => ['shop.web'] security_protocol => SASL_PLAINTEXT sasl_mechanism => 'SCRAM-SHA-256'
           sasl_jaas_config => 'x username=\"ada\" password=\"hunter2\";' } }",
        "output { elasticsearch { user => ada password => '${PASSWORD}' index => 'shop-%{+YYYY}' } }",
        "output { elasticsearch { hosts => 'https://es' api_key => 'a:hunter2' } }",
    ] {
        let carried = carried(text, Reach::default()).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let toml = carried.to_toml("conf.d/\"x\".conf");
        let loaded = load::<PlatformConfig>(Some((Path::new("m.toml"), &toml)), [], &[]);
        assert!(loaded.is_ok(), "{toml}\n{loaded:?}");
        assert!(!toml.contains("hunter2") && !toml.contains("YTpo"), "{toml}");
        let shown = format!("{carried:?} {}", carried.left_lines());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn the_input_file_is_the_door_for_files() {
    let text = "input { file { path => ['/var/log/shop/*.log', '/srv/a.log'] exclude => '*.old' codec => json
        start_position => beginning sincedb_path => '/dev/null' } }";
    let (settings, left) = told(text, Reach::default());
    let expected = [
        r#"ingest_gateway.file.paths = ["/var/log/shop/*.log", "/srv/a.log"]"#,
        "ingest_gateway.file.codec = json",
        r#"ingest_gateway.file.exclude = ["*.old"]"#,
        "ingest_gateway.file.start_position = beginning",
    ];
    assert_eq!(settings, expected);
    assert_eq!(left, ["`sincedb_path` of input file"]);
    let once = "input { file { path => '/srv/*.gz' mode => read } }";
    let expected = [
        r#"ingest_gateway.file.paths = ["/srv/*.gz"]"#,
        "ingest_gateway.file.codec = plain",
        "ingest_gateway.file.mode = read",
    ];
    assert_eq!(told(once, Reach::default()).0, expected);
}
