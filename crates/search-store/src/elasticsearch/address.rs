//! Reads the addresses of an engine: `https://a:9200,https://b:9200`. A password never stands in one, so that
//! an address can always be shown.

use reqwest::Url;

use crate::StoreError;

/// The port of both engines.
const PORT: u16 = 9_200;

/// Where an engine is, and as whom it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Addresses {
    /// One for each host, with a `/` at the end.
    pub(crate) hosts: Vec<Url>,
    /// The user that stands in them.
    pub(crate) user: Option<String>,
}

impl Addresses {
    /// Reads addresses that stand between commas.
    ///
    /// # Errors
    /// For a text that is none; it is not shown where it might hold a password.
    pub(crate) fn parse(text: &str) -> Result<Self, StoreError> {
        let mut hosts: Vec<Url> = Vec::new();
        let mut user: Option<String> = None;
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let mut url = parse_one(part)?;
            if !url.username().is_empty() {
                let here = decoded(url.username())?;
                if user.as_ref().is_some_and(|known| *known != here) {
                    return Err(refused("the addresses of one engine name two users"));
                }
                user = Some(here);
                // Cannot fail for an address with a host.
                url.set_username("").map_err(|()| refused("an address has no host"))?;
            }
            if !hosts.contains(&url) {
                hosts.push(url);
            }
        }
        if hosts.is_empty() {
            return Err(refused("no address of the search engine is given: http://127.0.0.1:9200"));
        }
        Ok(Self { hosts, user })
    }

    /// Whether any host is asked over TLS.
    pub(crate) fn has_tls(&self) -> bool {
        self.hosts.iter().any(|url| url.scheme() == "https")
    }
}

fn parse_one(text: &str) -> Result<Url, StoreError> {
    let mut url: Url = text
        .parse()
        .map_err(|error| refused(&format!("an address of the search engine is none: {error}")))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(refused("an address of the search engine begins with http:// or https://"));
    }
    if url.password().is_some() {
        return Err(refused(
            "a password must not stand in the address, which is logged: set \
             search.elasticsearch.password_file",
        ));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(refused("an address of the search engine ends with its path"));
    }
    if url.port().is_none() && has_no_port(text) {
        url.set_port(Some(PORT)).map_err(|()| refused("an address has no host"))?;
    }
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// Whether the text names no port, not even the one that its scheme has anyway.
fn has_no_port(text: &str) -> bool {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = rest.split('/').next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    let after = host.rsplit(']').next().unwrap_or_default();
    !after.contains(':')
}

/// A user as it was meant: `%40` is `@`.
fn decoded(text: &str) -> Result<String, StoreError> {
    let wrong = "the user in an address is not written as addresses want it";
    service::percent::decode(text).ok_or_else(|| refused(wrong))
}

fn refused(message: &str) -> StoreError {
    StoreError::Fatal(message.to_owned())
}

#[cfg(test)]
mod tests {
    use super::Addresses;

    fn hosts(text: &str) -> Vec<String> {
        let addresses = Addresses::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        addresses.hosts.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn addresses_stand_between_commas_and_know_the_port() {
        assert_eq!(hosts("http://a:9201,http://b"), ["http://a:9201/", "http://b:9200/"]);
        assert_eq!(hosts("https://a/es , https://a/es/"), ["https://a:9200/es/"]);
        assert_eq!(hosts("https://search.example:443"), ["https://search.example/"]);
        assert_eq!(hosts("http://[::1]"), ["http://[::1]:9200/"]);
    }

    #[test]
    fn the_user_is_taken_out_and_a_password_refused_without_being_shown() {
        let addresses = Addresses::parse("https://log%40shop@a:9200,https://b").expect("addresses");
        assert_eq!(addresses.user.as_deref(), Some("log@shop"));
        assert!(!format!("{:?}", addresses.hosts).contains("shop"));
        for text in ["https://u:hunter2@a:9200", "https://a,http://:hunter2@b"] {
            let error = Addresses::parse(text).expect_err(text).to_string();
            assert!(error.contains("password_file") && !error.contains("hunter2"), "{error}");
        }
        assert!(Addresses::parse("https://a@h,https://b@h2").is_err());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", " , ", "localhost:9200", "ftp://a", "http://", "http://a?x=1", "http://%@a"]
        {
            assert!(Addresses::parse(text).is_err(), "{text}");
        }
    }
}
