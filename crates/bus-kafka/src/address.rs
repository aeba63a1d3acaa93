//! Addresses of a cluster: `kafka://host:port,host:port`, or `kafkas://` for TLS.
//!
//! An address never holds a user or a password: those have settings of their own that are not shown.

use crate::error::{fatal, quoted};
use bus::BusError;

/// Kafka's usual port.
const PORT: u16 = 9_092;

/// The brokers to begin with, and whether the URL asks for TLS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Address {
    /// `host:port`, joined by commas, as the client library wants them.
    pub(crate) brokers: String,
    /// Whether the scheme says TLS.
    pub(crate) tls: bool,
}

impl Address {
    /// Reads a URL.
    pub(crate) fn parse(url: &str) -> Result<Self, BusError> {
        let (scheme, rest) = url.split_once("://").unwrap_or((url, ""));
        let tls = match scheme {
            "kafka" => false,
            "kafkas" | "kafka+tls" => true,
            _ => return Err(refused(url, "it begins with kafka:// or, for TLS, kafkas://")),
        };
        let list = rest.strip_suffix('/').unwrap_or(rest);
        if list.contains('@') {
            // The text is not shown: it may hold a password.
            return Err(fatal(
                "the address of Kafka holds a user or password: write them as the settings \
                 sasl.user and sasl.password_file",
            ));
        }
        if list.contains(['/', '?', '#']) {
            return Err(refused(url, "nothing may follow the brokers"));
        }
        let mut brokers = Vec::new();
        for broker in list.split(',') {
            brokers.push(host_and_port(broker).ok_or_else(|| {
                refused(url, "brokers are written host:port and separated by commas")
            })?);
        }
        Ok(Self { brokers: brokers.join(","), tls })
    }
}

fn refused(url: &str, rule: &str) -> BusError {
    fatal(format!("{} is not an address of Kafka: {rule}", quoted(url)))
}

fn host_and_port(broker: &str) -> Option<String> {
    let broker = broker.trim();
    let (host, port) = match broker.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (format!("[{host}]"), port.strip_prefix(':'))
        }
        None => match broker.split_once(':') {
            Some((host, port)) => (host.to_owned(), Some(port)),
            None => (broker.to_owned(), None),
        },
    };
    let port = port.map_or(Ok(PORT), str::parse).ok().filter(|port| *port != 0)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]%".contains(&byte);
    (!host.is_empty() && host.bytes().all(allowed)).then(|| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn an_address_lists_brokers_and_says_whether_tls_is_used() {
        for (url, brokers, tls) in [
            ("kafka://a:1", "a:1", false),
            ("kafka://a, b:2/", "a:9092,b:2", false),
            ("kafkas://a.example:9093", "a.example:9093", true),
            ("kafka+tls://[::1]:9093,[fe80::1]", "[::1]:9093,[fe80::1]:9092", true),
        ] {
            let address = Address::parse(url).expect(url);
            assert_eq!((address.brokers.as_str(), address.tls), (brokers, tls), "{url}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_and_a_password_is_not_shown() {
        for url in
            ["", "a:9092", "http://a:9092", "kafka://", "kafka://a:b", "kafka://a:0", "kafka://a/x"]
        {
            Address::parse(url).expect_err(url);
        }
        let error = Address::parse("kafka://user:hunter2@a:9092").expect_err("a password");
        assert!(!error.message.contains("hunter2"), "{error}");
    }
}
