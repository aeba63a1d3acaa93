//! The addresses of Elasticsearch as Logstash takes them: `hosts` in all its forms, and `cloud_id`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use service::percent;

/// Addresses, with what stands in them beside hosts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Hosts {
    /// Addresses as `search.url` takes them.
    pub(super) urls: Vec<String>,
    /// A user and a password that stand in one.
    pub(super) user: Option<(String, String)>,
    /// Whether a user stands in one without a password.
    pub(super) has_user_alone: bool,
}

impl Hosts {
    /// Reads `hosts`; `is_tls` says what an address without a scheme is.
    ///
    /// # Errors
    /// The first that is no address, or that there is none. No user or password is shown.
    pub(super) fn parse(hosts: &[String], is_tls: bool) -> Result<Self, String> {
        let mut read = Self::default();
        for host in hosts {
            read.add(host.trim(), is_tls)?;
        }
        if read.urls.is_empty() {
            return Err("`hosts` names no search engine".to_owned());
        }
        Ok(read)
    }

    fn add(&mut self, host: &str, is_tls: bool) -> Result<(), String> {
        let default = if is_tls { "https" } else { "http" };
        let (scheme, rest) = host.split_once("://").unwrap_or((default, host));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if let Some(user) = user {
            self.add_user(user)?;
        }
        let after_host = host.rsplit_once(']').map_or(host, |(_, after)| after);
        let port = after_host.split_once(':').map(|(_, port)| port);
        // A password with a slash in it looks like a port, and perhaps a path: it is not shown.
        let is_password = port.is_some() && path.contains('@');
        if is_password || port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err(
                "an address has a port that is none (in a password write `/` as `%2F`)".to_owned()
            );
        }
        if !matches!(scheme, "http" | "https") || host.is_empty() {
            return Err(format!("`{host}` is not the address of a search engine"));
        }
        let port = if port.is_some() { "" } else { ":9200" };
        let path = if path.is_empty() { String::new() } else { format!("/{path}") };
        self.urls.push(format!("{scheme}://{host}{port}{path}"));
        Ok(())
    }

    /// Takes `user:password` as they stand in a URL.
    fn add_user(&mut self, written: &str) -> Result<(), String> {
        let Some((user, password)) = written.split_once(':') else {
            self.has_user_alone |= !written.is_empty();
            return Ok(());
        };
        let Some(here) = percent::decode(user).zip(percent::decode(password)) else {
            return Err("in the user and password of an address `%` is written as `%25`".to_owned());
        };
        if self.user.as_ref().is_some_and(|known| *known != here) {
            return Err("the addresses of one engine name different users".to_owned());
        }
        self.user = Some(here);
        Ok(())
    }
}

/// The address that a cloud id stands for: `NAME:` and, in base64, `DOMAIN$ENGINE$...`.
pub(super) fn of_cloud_id(id: &str) -> Option<String> {
    let (_, encoded) = id.rsplit_once(':')?;
    let decoded = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let mut parts = decoded.split('$');
    let (domain, engine) = (parts.next()?, parts.next()?);
    let (domain, port) = domain.split_once(':').unwrap_or((domain, "443"));
    let (engine, port) = engine.split_once(':').unwrap_or((engine, port));
    let is_name = |text: &str| {
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-.".contains(letter);
        !text.is_empty() && text.chars().all(allowed)
    };
    (is_name(domain) && is_name(engine) && port.parse::<u16>().is_ok())
        .then(|| format!("https://{engine}.{domain}:{port}"))
}

/// An API key as the engine gives it out: `ID:KEY` in base64. One without a colon is that already.
pub(super) fn api_key(given: &str) -> String {
    if given.contains(':') { STANDARD.encode(given) } else { given.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_have_a_scheme_and_a_port_and_give_their_user_away() {
        for (host, is_tls, url) in [
            ("es", false, "http://es:9200"),
            ("es:9201", true, "https://es:9201"),
            ("https://es", false, "https://es:9200"),
            ("http://es:80/path/to", true, "http://es:80/path/to"),
            ("[::1]", false, "http://[::1]:9200"),
            ("[::1]:9201", false, "http://[::1]:9201"),
            ("http://es/a@b", false, "http://es:9200/a@b"),
        ] {
            let read = Hosts::parse(&[host.to_owned()], is_tls).expect(host);
            assert_eq!((read.urls, read.user), (vec![url.to_owned()], None), "{host}");
        }
        let read = Hosts::parse(&["https://ada:pa@ss@es".to_owned()], false).expect("an address");
        assert_eq!(read.user, Some(("ada".to_owned(), "pa@ss".to_owned())));
        assert_eq!(read.urls, ["https://es:9200"]);
        let read = Hosts::parse(&["http://a%40b:p%2Fw%25@es/x".to_owned()], false);
        let read = read.expect("an address");
        assert_eq!(read.user, Some(("a@b".to_owned(), "p/w%".to_owned())));
        assert_eq!(read.urls, ["http://es:9200/x"]);
        let read = Hosts::parse(&["http://ada@es".to_owned()], false).expect("an address");
        assert_eq!((read.user, read.has_user_alone), (None, true));
        for wrong in [
            "",
            "ftp://es",
            "https:///x",
            "es:port",
            "es:70000",
            "ada:hunter2/x@es",
            "https://ada:123/hunter2@es",
            "a:hunter2%@es",
        ] {
            let said = Hosts::parse(&[wrong.to_owned()], false).expect_err(wrong);
            assert!(!said.contains("hunter2"), "{said}");
        }
        assert!(Hosts::parse(&[], false).is_err());
        let two = ["http://a:x@es1", "http://b:x@es2"].map(str::to_owned);
        assert!(Hosts::parse(&two, false).is_err());
    }

    #[test]
    fn a_cloud_id_and_an_api_key_are_understood() {
        let id = format!("shop:{}", STANDARD.encode("eu.example.com$abc$def"));
        assert_eq!(of_cloud_id(&id).as_deref(), Some("https://abc.eu.example.com:443"));
        let id = format!("shop:{}", STANDARD.encode("eu.example.com:9243$abc$def"));
        assert_eq!(of_cloud_id(&id).as_deref(), Some("https://abc.eu.example.com:9243"));
        for wrong in ["shop", "shop:!", "shop:YWJj"] {
            assert_eq!(of_cloud_id(wrong), None, "{wrong}");
        }
        assert_eq!(
            (api_key("id:key"), api_key("ZW5j")),
            (STANDARD.encode("id:key"), "ZW5j".into())
        );
    }
}
