//! Settings of the cache on Redis.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use service::{Check, Findings, Secret, Span};

/// Settings of the cache on Redis.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RedisConfig {
    /// What every key begins with, so that several installations can share a server.
    /// Default: `millrace:`.
    pub key_prefix: String,
    /// User, where the URL names none. Servers without users want a password alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Password, where the URL has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<Secret<String>>,
    /// A file with the password; a line break at its end does not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// A file with the password of the sentinels, where the URL names some and they want one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sentinel_password_file: Option<PathBuf>,
    /// Certificates of who signs the servers' certificates (PEM), in place of the public ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<PathBuf>,
    /// How long a call waits for the cache before it goes on without. Default: 250ms.
    pub call_timeout: Span,
    /// How long making a connection may take; calls do not wait for it longer than for an answer.
    /// Default: 2s.
    pub connect_timeout: Span,
    /// How many calls in a row must fail until the cache is left alone. Default: 5.
    pub failures_until_pause: u32,
    /// How long the cache is then left alone before one call tries it again. Default: 1s.
    pub pause: Span,
}

impl Default for RedisConfig {
    fn default() -> Self {
        Self {
            key_prefix: "millrace:".to_owned(),
            user: None,
            password: None,
            password_file: None,
            sentinel_password_file: None,
            ca_file: None,
            call_timeout: Span::from_millis(250),
            connect_timeout: Span::from_secs(2),
            failures_until_pause: 5,
            pause: Span::from_secs(1),
        }
    }
}

impl Check for RedisConfig {
    fn check(&self, findings: &mut Findings) {
        findings.at_least_a_millisecond(&[
            ("call_timeout", self.call_timeout),
            ("connect_timeout", self.connect_timeout),
            ("pause", self.pause),
        ]);
        if self.failures_until_pause == 0 {
            findings.add(&["failures_until_pause"], "must be 1 or more");
        }
        findings.not_both(
            ["password_file", "password"],
            [self.password_file.is_some(), self.password.is_some()],
        );
        if self.user.is_some() && self.password.is_none() && self.password_file.is_none() {
            let text = "this user has no password: give `password_file` or `password`";
            findings.add(&["user", "password_file", "password"], text);
        }
        if self.key_prefix.contains(['{', '}']) {
            let text = "`{` and `}` would put all keys onto one node of a cluster";
            findings.add(&["key_prefix"], text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_go_together_is_found() {
        let found = |text: &str| {
            let path = std::path::Path::new("t.toml");
            match service::config::load::<RedisConfig>(Some((path, text)), [], &[]) {
                Ok(_) => String::new(),
                Err(mistakes) => mistakes.to_string(),
            }
        };
        assert_eq!(found(""), "");
        assert_eq!(found("password = 'hunter2'\nkey_prefix = ''"), "");
        let both = found("password = 'hunter2'\npassword_file = '/x'");
        assert!(both.contains("not both") && !both.contains("hunter2"), "{both}");
        assert!(found("user = 'ada'").contains("no password"));
        assert!(found("call_timeout = '0s'").contains("1ms or more"));
        assert!(found("failures_until_pause = 0").contains("1 or more"));
        assert!(found("key_prefix = 'a{b}'").contains("one node"));
        assert!(found("prefix = 'a'").contains("prefix"));
    }
}
