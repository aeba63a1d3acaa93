//! What a second input or output of a kind says, and what one says twice.

use super::*;

#[test]
fn a_second_input_kafka_says_nothing_of_the_cluster() {
    let sign_in = "security_protocol => SASL_SSL sasl_mechanism => PLAIN ssl_truststore_type => PEM
        ssl_truststore_location => '/ca.pem'";
    let jaas = |password: &str| {
        format!("sasl_jaas_config => 'x username=\"ada\" password=\"{password}\";'")
    };
    let first = format!("topics => 'a' client_id => 'c' {sign_in} {}", jaas("hunter2"));
    // The same again is nothing new.
    let text = format!("input {{ kafka {{ {first} }} kafka {{ {first} }} }}");
    let (settings, left) = told(&text, OPEN);
    assert_eq!(settings.iter().filter(|setting| setting.contains(".topics.")).count(), 2);
    assert_eq!(left, ["input kafka"]);
    let second = format!(
        "topics => 'b' client_id => 'd' group_instance_id => 'i' session_timeout_ms => 9000 {sign_in} {}",
        jaas("hunter3")
    );
    let text = format!("input {{ kafka {{ {first} }}\n kafka {{ {second} }} }}");
    let (settings, left) = told(&text, OPEN);
    assert!(settings.contains(&"bus.kafka.client_id = c".to_owned()), "{settings:?}");
    let options = ["client_id", "group_instance_id", "session_timeout_ms", "sasl_jaas_config"];
    for option in options {
        let what = format!("`{option}` of input kafka");
        assert_eq!(left.iter().filter(|left| **left == what).count(), 1, "{option}: {left:?}");
    }
    assert_eq!(left.len(), 1 + options.len(), "{left:?}");
    let said = reasons(&text);
    assert!(said.contains("the input kafka of line 1 says how it is reached"), "{said}");
    assert!(!said.contains("hunter"), "{said}");
}

#[test]
fn a_topic_that_is_named_twice_is_one() {
    let text = "input { kafka { topics => ['a', 'a'] codec => json }
        kafka { topics => 'a' codec => json } kafka { topics => 'a' codec => line } }";
    let carried = carried(text, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let toml = carried.to_toml("m.conf");
    let loaded = load::<PlatformConfig>(Some((Path::new("m.toml"), &toml)), [], &[]);
    assert!(loaded.is_ok(), "{toml}\n{loaded:?}");
    let said = carried.left_lines();
    assert!(said.contains("`codec` of input kafka: the topic `a` has one codec, that of line 1"));
    assert_eq!(said.matches("one codec").count(), 1, "{said}");
}

#[test]
fn a_second_output_says_nothing_of_the_way_to_the_store() {
    let first = "hosts => es user => ada password => hunter2 cacert => '/ca.pem' timeout => 20";
    let text = format!(
        "output {{ elasticsearch {{ {first} }} elasticsearch {{ {first} index => 'i' }} }}"
    );
    assert_eq!(told(&text, OPEN).1, ["`index` of output elasticsearch"]);
    let second = "hosts => es user => bob password => hunter3 cacert => '/other.pem' timeout => 30
        ssl_certificate => 'c' ssl_key => 'k' compression_level => 2";
    let text = format!("output {{ elasticsearch {{ {first} }}\n elasticsearch {{ {second} }} }}");
    let (settings, left) = told(&text, OPEN);
    assert_eq!(settings.len(), 5, "{settings:?}");
    let options = [
        "user",
        "password",
        "cacert",
        "timeout",
        "ssl_certificate",
        "ssl_key",
        "compression_level",
    ];
    for option in options {
        let what = format!("`{option}` of output elasticsearch");
        assert!(left.contains(&what), "{option}: {left:?}");
    }
    assert_eq!(left.len(), options.len(), "{left:?}");
    let said = reasons(&text);
    assert!(said.contains("the output of line 1 says how it is reached"), "{said}");
    assert!(!said.contains("hunter"), "{said}");
}

#[test]
fn options_that_do_nothing_alone_are_told() {
    for (text, what) in [
        ("output { elasticsearch { user => ada } }", "`user` of output elasticsearch"),
        ("output { elasticsearch { password => 'x' } }", "`password` of output elasticsearch"),
        (
            "output { elasticsearch { hosts => 'http://ada@es' } }",
            "`hosts` of output elasticsearch",
        ),
        (
            "output { elasticsearch { hosts => 'http://ada:x@es' api_key => 'a:b' } }",
            "`hosts` of output elasticsearch",
        ),
        (
            "output { elasticsearch { http_compression => false compression_level => 3 } }",
            "`compression_level` of output elasticsearch",
        ),
        (
            "input { file { path => '/a' mode => read start_position => beginning } }",
            "`start_position` of input file",
        ),
    ] {
        assert_eq!(told(text, OPEN).1, [what], "{text}");
    }
}

#[test]
fn what_contradicts_itself_is_refused() {
    for (text, part) in [
        ("ssl_certificate => 'c'", "`ssl_certificate` does nothing without `ssl_key`"),
        ("ssl_key => 'k'", "`ssl_key` does nothing without `ssl_certificate`"),
        ("cloud_auth => 'hunter2'", "write `cloud_auth => \"USER:PASSWORD\"`"),
        (
            "hosts => es cloud_id => 'n:ZXUuZXhhbXBsZS5jb20kYWJjJGRlZg=='",
            "`hosts` and `cloud_id` both say where the engine is",
        ),
        (
            "user => 'a' password => 'b' api_key => 'c:d'",
            "`user` and `api_key` both say who signs in",
        ),
        ("cloud_auth => 'a:b' api_key => 'c:d'", "`cloud_auth` and `api_key` both say"),
        (
            "cacert => 'a' ssl_certificate_authorities => 'b'",
            "`cacert` and `ssl_certificate_authorities` both name authorities",
        ),
        ("hosts => []", "`hosts` names no search engine"),
        ("hosts => ['http://a:x@es1', 'http://b:x@es2']", "name different users"),
        ("hosts => 'es:port'", "an address has a port that is none"),
        ("hosts => 'ftp://x' user => 'a' password => 'b'", "not the address of a search engine"),
        ("cloud_id => 'x' user => 'a' password => 'b' index => 'i' timeout => 1", "cannot be read"),
    ] {
        let text = format!("output {{ elasticsearch {{ {text} }} }}");
        let said = carried(&text, OPEN).map(|_| ()).expect_err(&text);
        assert!(said.contains(part), "{text}: {said}");
        assert!(!said.contains("has no option"), "{said}");
        assert_eq!(said.matches("s.conf:1:").count(), 1, "{said}");
    }
}

#[test]
fn what_the_configuration_says_of_files_has_no_options_of_the_pipeline() {
    let text = "input { file { path => '/a' codec => json exclude => 'x' start_position => end mode => tail } }";
    let carried = carried(text, OPEN).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    let presets = carried.presets();
    let config = "[ingest_gateway.file]\npaths = [\"/b\"]\n";
    let file = Some((Path::new("m.toml"), config));
    let loaded = service::config::load_over::<PlatformConfig>(&presets, file, [], &[]);
    let loaded = loaded.unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert_eq!(presets.len(), 5);
    assert_eq!(loaded.taken, [false; 5]);
}
