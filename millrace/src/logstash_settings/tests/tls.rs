//! What inputs say of TLS.

use super::*;

/// An input with TLS that says this too.
fn input(plugin: &str, more: &str) -> String {
    format!("input {{ {plugin} {{ port => 1 host => localhost ssl_key => 'k' {more} }} }}")
}

#[test]
fn versions_that_no_door_speaks_alone_are_told() {
    for (versions, is_newest, is_left) in [
        ("", false, false),
        ("ssl_supported_protocols => []", false, false),
        ("ssl_supported_protocols => ['TLSv1.2', 'TLSv1.3']", false, false),
        ("ssl_supported_protocols => ['TLSv1.3', 'TLSv1.2']", false, false),
        ("ssl_supported_protocols => 'TLSv1.3'", true, false),
        ("ssl_supported_protocols => ['TLSv1.2']", false, true),
        ("ssl_supported_protocols => ['TLSv1.1', 'TLSv1.2', 'TLSv1.3']", false, true),
    ] {
        for plugin in ["tcp", "http", "beats"] {
            let more = format!(
                "ssl_enabled => true ssl_certificate => 'c' ssl_client_authentication => none {versions}"
            );
            let text = input(plugin, &more);
            let (settings, left) = told(&text, OPEN);
            let setting = format!("ingest_gateway.{plugin}.tls.version_min = 1.3");
            assert_eq!(settings.contains(&setting), is_newest, "{text}: {settings:?}");
            let what = format!("`ssl_supported_protocols` of input {plugin}");
            assert_eq!(left.contains(&what), is_left, "{text}: {left:?}");
            assert!(!is_left || reasons(&text).contains("a door speaks 1.2 and 1.3, or 1.3 alone"));
        }
    }
}

#[test]
fn an_old_name_counts_where_it_stands_and_not_beside_the_new_one() {
    let old = "ssl_enable => true\n ssl_cert => 'c'\n ssl_cacert => 'a'";
    let carried_over = carried(&input("tcp", old), OPEN).unwrap_or_else(|said| panic!("{said}"));
    for (name, value, line) in
        [("certificate_file", "c", 2), ("client_ca_file", "a", 3), ("key_file", "k", 1)]
    {
        let name = format!("ingest_gateway.tcp.tls.{name}");
        let setting = carried_over.find(&name).unwrap_or_else(|| panic!("no {name}"));
        assert_eq!((setting.value.untyped().as_str(), setting.spot.line), (value, line), "{name}");
    }
    let both = "ssl_enabled => true ssl_certificate => 'c' ssl_cert => 'd'\n \
                ssl_certificate_authorities => 'a' ssl_cacert => 'b'";
    let said = carried(&input("tcp", both), OPEN).map(|_| ()).expect_err("both are given");
    for part in [
        "`ssl_certificate` and `ssl_cert` both name the certificate",
        "`ssl_certificate_authorities` and `ssl_cacert` both name the authorities",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    assert!(!said.contains("has no option"), "{said}");
}

#[test]
fn what_does_nothing_without_tls_is_told_once() {
    let (_, left) = told(&input("http", "ssl_certificate => 'c'"), OPEN);
    let times = |option: &str| {
        let what = format!("`{option}` of input http");
        left.iter().filter(|told| **told == what).count()
    };
    assert_eq!((times("ssl_certificate"), times("ssl_key")), (1, 1), "{left:?}");
}
