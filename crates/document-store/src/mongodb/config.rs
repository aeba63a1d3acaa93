//! Settings of the store on MongoDB, and the address it is reached at. Credentials come with the URL
//! or with the settings, and are shown nowhere.

use std::path::PathBuf;

use mongodb::error::ErrorKind as DriverKind;
use mongodb::options::ConnectionString;
use serde::{Deserialize, Serialize};
use service::{Check, Findings, Secret, Span, percent, url_without_secrets};

use crate::{DocumentError, ErrorKind};

/// The longest name of a database, in bytes.
const DATABASE_BYTES_MAX: usize = 63;
const FORM: &str = "the URL is not of the form \
    mongodb://user:password@host:27017,host2:27017/?replicaSet=name (in a user and a password, what is \
    neither letter nor digit is written as %40 is for @)";

/// Settings of the store on MongoDB.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MongoConfig {
    /// The database that holds the collections. Default: millrace.
    pub database: String,
    /// User, where the URL names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The password of `user`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret<String>>,
    /// A file with the password of `user`; line breaks at its end do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// How long making a connection may take. Default: 5s.
    pub connect_timeout: Span,
    /// How long a call waits for a server that takes writes, as while another one is being
    /// elected. Default: 10s.
    pub server_timeout: Span,
    /// How long a call may take in all; what it did is then not known. Default: 30s.
    pub call_timeout: Span,
    /// The most connections to a server. Default: 32.
    pub connections: u32,
}

impl Default for MongoConfig {
    fn default() -> Self {
        Self {
            database: "millrace".to_owned(),
            user: None,
            password: None,
            password_file: None,
            connect_timeout: Span::from_secs(5),
            server_timeout: Span::from_secs(10),
            call_timeout: Span::from_secs(30),
            connections: 32,
        }
    }
}

impl Check for MongoConfig {
    fn check(&self, findings: &mut Findings) {
        if !is_database_name(&self.database) {
            let text = format!(
                "`{}` cannot be the name of a database: 1 to {DATABASE_BYTES_MAX} letters, digits, \
                 `_` and `-`",
                self.database
            );
            findings.add(&["database"], text);
        }
        findings.at_least_a_millisecond(&[
            ("connect_timeout", self.connect_timeout),
            ("server_timeout", self.server_timeout),
            ("call_timeout", self.call_timeout),
        ]);
        if self.connections == 0 {
            findings.add(&["connections"], "must be 1 or more");
        }
        findings.not_both(
            ["password_file", "password"],
            [self.password_file.is_some(), self.password.is_some()],
        );
        let has_password = self.password.is_some() || self.password_file.is_some();
        if has_password && self.user.is_none() {
            let password = if self.password.is_some() { "password" } else { "password_file" };
            findings.add(&[password, "user"], "whose password is this? `user` is missing");
        }
    }
}

fn is_database_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    (1..=DATABASE_BYTES_MAX).contains(&name.len()) && name.chars().all(plain)
}

/// Where the server is and what shows that it is us.
pub(super) struct Address {
    /// The URL as it may be shown: without credentials and options.
    pub(super) shown: String,
    /// For the driver.
    pub(super) connection: ConnectionString,
}

impl Address {
    /// Reads a URL and adds the credentials of the settings.
    pub(super) fn parse(url: &str, config: &MongoConfig) -> Result<Self, DocumentError> {
        let shown = url_without_secrets(url);
        let wrong = |reason: String| {
            let text = format!("the document store {shown} cannot be used: {reason}");
            DocumentError::new(ErrorKind::Fatal, text)
        };
        let with_user = match &config.user {
            None => url.to_owned(),
            Some(_) if url.contains('@') => {
                return Err(wrong("both the URL and `user` name a user: leave one out".to_owned()));
            }
            // In the URL, so that the driver does with it all that it does with one from there.
            Some(user) => {
                let (value, file) = (config.password.as_ref(), config.password_file.as_deref());
                let password = Secret::given(value, file)
                    .map_err(|error| wrong(format!("password_file: {error}")))?;
                let password =
                    password.map(|password| format!(":{}", percent::encode(password.reveal())));
                let credentials = percent::encode(user) + &password.unwrap_or_default();
                url.replacen("://", &format!("://{credentials}@"), 1)
            }
        };
        let connection = ConnectionString::parse(&with_user).map_err(|error| {
            // The driver's text may quote what it could not read.
            let reason = match *error.kind {
                DriverKind::InvalidArgument { ref message, .. } if !with_user.contains('@') => {
                    message
                }
                _ => FORM,
            };
            wrong(reason.to_owned())
        })?;
        Ok(Self { shown, connection })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(user: &str) -> MongoConfig {
        MongoConfig { user: Some(user.to_owned()), ..MongoConfig::default() }
    }

    fn parse(url: &str, config: &MongoConfig) -> Result<ConnectionString, DocumentError> {
        Address::parse(url, config).map(|address| address.connection)
    }

    #[test]
    fn credentials_come_with_the_url_or_with_the_settings() {
        let url = "mongodb://ada:p%40ss@a:1,b:2/?replicaSet=rs";
        let credential = parse(url, &MongoConfig::default()).unwrap().credential.unwrap();
        assert_eq!(credential.username.as_deref(), Some("ada"));
        assert_eq!(credential.password.as_deref(), Some("p@ss"));

        let folder = tempfile::tempdir().unwrap();
        let password_file = Some(folder.path().join("password"));
        std::fs::write(password_file.as_ref().unwrap(), "p@ss:/\n").unwrap();
        let config = MongoConfig { password_file, ..with("ada") };
        let credential = parse("mongodb://a/?authSource=x", &config).unwrap().credential.unwrap();
        assert_eq!(credential.username.as_deref(), Some("ada"));
        assert_eq!(credential.password.as_deref(), Some("p@ss:/"));
        assert_eq!(credential.source.as_deref(), Some("x"));

        let error = parse(url, &config).unwrap_err();
        assert!(error.message.contains("leave one out"), "{error}");
        drop(folder);
        let error = parse("mongodb://a", &config).unwrap_err();
        assert_eq!(error.kind, ErrorKind::Fatal);
        assert!(error.message.contains("password_file"), "{error}");
    }

    #[test]
    fn no_credential_is_shown() {
        for url in [
            "mongodb://ada:hunter2@a:1/x?authMechanismProperties=AWS_SESSION_TOKEN:hunter2",
            "mongodb://ada:hunter2@a:1/?replicaSet=",
            "mongodb://ada:hunter2@a:no",
            "mongodb://ada:hun/ter2hunter2@a:1",
            "mongodb+srv://ada:hunter2@a:1",
            "http://ada:hunter2@a:1",
            "mongodb://ada:hunter2@a:1/?tls=hunter2",
            "mongodb:ada:hunter2@a",
        ] {
            if let Err(error) = parse(url, &MongoConfig::default()) {
                assert!(!error.message.contains("hunter2"), "{url}: {error}");
                assert!(!error.message.contains("ada"), "{url}: {error}");
            }
            assert!(!url_without_secrets(url).contains("hunter2"), "{url}");
        }
        let password = Some(Secret::new("hunter2".to_owned()));
        let config = MongoConfig { password, ..with("ada") };
        assert!(!format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn what_does_not_go_together_is_found() {
        let found = |text: &str| {
            let path = std::path::Path::new("t.toml");
            match service::config::load::<MongoConfig>(Some((path, text)), [], &[]) {
                Ok(_) => String::new(),
                Err(mistakes) => mistakes.to_string(),
            }
        };
        assert_eq!(found(""), "");
        assert_eq!(found("user = 'ada'\npassword = 'x'"), "");
        assert!(found("password = 'hunter2'").contains("`user` is missing"));
        let both = found("user = 'a'\npassword = 'hunter2'\npassword_file = '/x'");
        assert!(both.contains("not both") && !both.contains("hunter2"), "{both}");
        assert!(found("database = 'a.b'").contains("letters, digits"));
        assert!(found("database = ''").contains("letters, digits"));
        assert!(found("connections = 0").contains("1 or more"));
        assert!(found("call_timeout = '0s'").contains("1ms or more"));
        assert!(found("pool = 3").contains("pool"));
    }
}
