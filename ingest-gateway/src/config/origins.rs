//! Settings of the pages that may send from a browser: their origins, as browsers write them (RFC 6454, 6.2).

use super::Problem;

/// Refuses what no browser ever sends as an origin, and what would let in every page of the world.
pub(super) fn check_origins(origins: &[String], problems: &mut Vec<Problem>) {
    for origin in origins {
        if let Some(wrong) = fault(origin) {
            let message = format!(
                "`{}` {wrong}: write scheme://host or scheme://host:port, as https://shop.example",
                origin.escape_debug()
            );
            problems.push(Problem::new("cors_origins", message));
        }
    }
}

/// What is wrong with an origin; none if nothing is.
fn fault(origin: &str) -> Option<&'static str> {
    if origin.contains('*') {
        return Some("has a wildcard, and each origin is named by itself");
    }
    let Some((scheme, authority)) = origin.split_once("://") else { return Some("is no origin") };
    if origin.contains(char::is_uppercase) {
        return Some("has capital letters, which no browser sends");
    }
    if !origin.is_ascii() {
        return Some("has letters that browsers write in ASCII (xn--...)");
    }
    if authority.contains(['/', '?', '#', '@']) {
        return Some("has more than scheme, host and port");
    }
    let in_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
    if !scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        || !scheme.bytes().all(in_scheme)
    {
        return Some("names no scheme");
    }
    let (host, port) = split(authority);
    if !is_host(host) {
        return Some("names no host");
    }
    match (scheme, port) {
        (_, None) => None,
        ("https", Some("443")) | ("http", Some("80")) => {
            Some("has the port of its scheme, which browsers leave out")
        }
        (_, Some(port)) => {
            let is_port = !port.starts_with('0') && port.parse::<u16>().is_ok();
            (!is_port || port.starts_with('+')).then_some("has a port that is none")
        }
    }
}

/// Host and port; an address of IPv6 stands in brackets.
fn split(authority: &str) -> (&str, Option<&str>) {
    let end_of_address = authority.rfind(']').map_or(0, |end| end + 1);
    match authority[end_of_address..].find(':') {
        Some(colon) => {
            let colon = end_of_address + colon;
            (&authority[..colon], Some(&authority[colon + 1..]))
        }
        None => (authority, None),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[') {
        let address = address.strip_suffix(']').unwrap_or_default();
        return address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let in_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    !host.is_empty() && host.bytes().all(in_host)
}

#[cfg(test)]
mod tests {
    use super::fault;
    use crate::config::Config;

    #[test]
    fn a_mistake_is_named_with_its_table() {
        let mut config = Config::default();
        config.http.cors_origins = vec!["https://shop.example".into(), "https://a.example/".into()];
        let problems: Vec<String> = config.check().iter().map(ToString::to_string).collect();
        assert_eq!(problems.len(), 1, "{problems:?}");
        let begin = "ingest_gateway.http.cors_origins: `https://a.example/` has more than";
        assert!(problems[0].starts_with(begin), "{problems:?}");
    }

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        for good in [
            "https://shop.example",
            "http://localhost:5173",
            "https://shop.example:8443",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
            "https://[2001:db8::1]",
            "https://xn--bcher-kva.example",
            "capacitor://localhost",
        ] {
            assert_eq!(fault(good), None, "{good}");
        }
    }

    #[test]
    fn what_no_browser_sends_is_told() {
        for (bad, wrong) in [
            ("*", "wildcard"),
            ("https://*.shop.example", "wildcard"),
            ("null", "no origin"),
            ("shop.example", "no origin"),
            ("", "no origin"),
            ("https://shop.example/", "more than"),
            ("https://shop.example/logs", "more than"),
            ("https://ada@shop.example", "more than"),
            ("https://Shop.example", "capital"),
            ("HTTPS://shop.example", "capital"),
            ("https://bücher.example", "ASCII"),
            ("://shop.example", "scheme"),
            ("https://", "no host"),
            ("https://:8443", "no host"),
            ("https://shop example", "no host"),
            ("https://[::1", "no host"),
            ("https://[shop]", "no host"),
            ("https://shop.example:", "port"),
            ("https://shop.example:443", "leave out"),
            ("http://shop.example:80", "leave out"),
            ("https://shop.example:0", "port"),
            ("https://shop.example:+8", "port"),
            ("https://shop.example:99999", "port"),
        ] {
            assert!(fault(bad).is_some_and(|told| told.contains(wrong)), "{bad}: {:?}", fault(bad));
        }
    }
}
