//! Addresses inside and outside, where networks come from, and a file that changes.

use serde_json::{Value, json};

use crate::filter::Applied;
use crate::filters::trial::{NOW_NS, Trial};

fn matches(options: &str, event: Value) -> bool {
    let mut trial = Trial::new(&format!(r#"cidr {{ {options} add_tag => "inside" }}"#));
    let (applied, event) = trial.apply(event);
    assert_eq!(applied == Applied::Matched, event["tags"] == json!(["inside"]), "{event}");
    applied == Applied::Matched
}

#[test]
fn addresses_inside_and_outside() {
    for (network, address, is_inside) in [
        ("192.168.0.0/24", "192.168.0.30", true),
        ("192.168.0.0/24", "192.168.1.30", false),
        ("192.168.0.77/255.255.255.0", "192.168.0.1", true),
        ("10.0.0.0/8, 172.16.0.0/12", "172.31.255.255", true),
        ("0.0.0.0/0", "8.8.8.8", true),
        ("0.0.0.0/0", "::1", false),
        ("203.0.113.9", "203.0.113.9", true),
        ("fe80::/64", "fe80:0:0:0:0:0:0:1", true),
        ("fe80::/64", "fd82::1", false),
        ("10.0.0.0/8", "10.0.0.300", false),
        ("10.0.0.0/8", "", false),
    ] {
        let options = format!(r#"address => "%{{ip}}" network => "{network}""#);
        assert_eq!(matches(&options, json!({"ip": address})), is_inside, "{network} {address}");
    }
}

#[test]
fn any_address_and_any_network_is_enough() {
    let options = r#"address => ["%{a}", "%{b}"] network => ["10.0.0.0/8", "%{more}"]"#;
    assert!(matches(options, json!({"a": "1.2.3.4", "b": "10.1.1.1"})));
    assert!(matches(options, json!({"a": "1.2.3.4", "more": ["9.0.0.0/8", "1.0.0.0/8"]})));
    assert!(!matches(options, json!({"a": "1.2.3.4", "b": "x", "more": "no network"})));
    let options = r#"address_field => "[host][ip]" network => "10.0.0.0/8""#;
    assert!(matches(options, json!({"host": {"ip": ["1.1.1.1", "10.0.0.1"]}})));
    assert!(matches(options, json!({"host": {"ip": "10.0.0.1"}})));
    for other in [json!({}), json!({"host": {"ip": 377}}), json!({"host": {"ip": [[], null]}})] {
        assert!(!matches(options, other));
    }
}

#[test]
fn a_file_is_read_again_when_it_is_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("networks");
    std::fs::write(&path, "192.168.0.0/16;nonsense;10.1.1.0/24\n").unwrap();
    let mut trial = Trial::new(&format!(
        r#"cidr {{ address => "%{{ip}}" network_path => "{}" separator => ";" refresh_interval => 60 }}"#,
        path.display()
    ));
    let mut is_inside = |after_s: i64, address: &str| {
        trial.received_at_ns = NOW_NS + after_s * 1_000_000_000;
        trial.apply(json!({"ip": address})).0 == Applied::Matched
    };
    assert!(is_inside(0, "10.1.1.9"));
    std::fs::write(&path, "9.0.0.0/8").unwrap();
    assert!(is_inside(59, "10.1.1.9"));
    assert!(!is_inside(60, "10.1.1.9"));
    assert!(is_inside(61, "9.9.9.9"));
    std::fs::write(&path, "").unwrap();
    assert!(is_inside(200, "9.9.9.9"));
}

#[test]
fn mistakes_are_refused() {
    for (options, said) in [
        (r#"network => "10.0.0.0/8""#, "needs the option `address`"),
        (r#"address => "%{a}""#, "needs the option `network`"),
        (
            r#"address => "%{a}" network => ["10.0.0.0/8", "10.0.0.0/33"]"#,
            "`10.0.0.0/33` is no network",
        ),
        (
            r#"address => "%{a}" network => "10.0.0.0/8" network_path => "/etc/hosts""#,
            "mutually exclusive",
        ),
        (r#"address => "%{a}" network_path => "/nowhere""#, "cannot read"),
        (r#"address => "%{a}" network_path => "/dev/null""#, "no network in"),
        (r#"address => "%{a}" network => "10.0.0.0/8" refresh_interval => -1"#, "refresh_interval"),
    ] {
        let refusal = Trial::refusal(&format!("cidr {{ {options} }}"));
        assert!(refusal.contains(said), "{options}: {refusal}");
    }
}
