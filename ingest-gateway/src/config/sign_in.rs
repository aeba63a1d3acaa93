//! Settings of a user and a password that senders show over HTTP, in place of a token.

use std::path::PathBuf;

use access::SecretDigest;
use serde::{Deserialize, Serialize};
use service::Secret;

use super::Problem;

/// A user and a password (Basic, RFC 7617). With them senders show these, a token, or a certificate of a shop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SignInConfig {
    /// The user.
    pub user: Option<String>,
    /// The password.
    pub password: Option<Secret<String>>,
    /// A file that holds the password.
    pub password_file: Option<PathBuf>,
}

impl SignInConfig {
    /// Whether senders are asked for them.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.user.is_some() && (self.password.is_some() || self.password_file.is_some())
    }

    /// Whether this is the user and the password, with a colon between them. The time it takes tells nothing of
    /// them.
    pub(crate) fn lets_in(&self, shown: &[u8]) -> bool {
        let (Some(user), Some(password)) = (&self.user, &self.password) else { return false };
        SecretDigest::of(format!("{user}:{}", password.reveal()).as_bytes()).matches(shown)
    }

    /// Reads the password, where a file holds it, of the door with this table.
    pub(super) fn read_password(&mut self, table: &str) -> Result<(), Problem> {
        let given = Secret::given(self.password.as_ref(), self.password_file.as_deref());
        let problem = |message| Problem::new("sign_in.password_file", message).within(table);
        self.password = given.map_err(|error| problem(error.to_string()))?;
        Ok(())
    }

    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        let has_password = self.password.is_some() || self.password_file.is_some();
        if self.password.is_some() && self.password_file.is_some() {
            let message = "give one of `password` and `password_file`, not both";
            problems.push(Problem::new("password", message));
        }
        if self.password.as_ref().is_some_and(|password| password.reveal().is_empty()) {
            let message = "an empty password keeps nobody out: write one";
            problems.push(Problem::new("password", message));
        }
        if self.user.is_none() && has_password {
            problems.push(Problem::new("user", "a password has a user: name it"));
        }
        if self.user.is_some() && !has_password {
            let message = "a user has a password: set `password_file` or `password`";
            problems.push(Problem::new("user", message));
        }
        if self.user.as_ref().is_some_and(|user| user.contains(':')) {
            let message = "a colon ends the user where senders show it: write a name without one";
            problems.push(Problem::new("user", message));
        }
    }
}

#[cfg(test)]
mod tests {
    use service::Secret;

    use super::SignInConfig;

    fn settings(config: &SignInConfig) -> Vec<String> {
        let mut problems = Vec::new();
        config.check(&mut problems);
        problems.into_iter().map(|problem| problem.setting).collect()
    }

    #[test]
    fn only_the_pair_lets_in() {
        let password = Some(Secret::new("pwd:2".to_owned()));
        let config = SignInConfig { user: Some("test".into()), password, password_file: None };
        assert!(config.is_on() && config.lets_in(b"test:pwd:2"));
        for shown in [&b"test:pwd"[..], b"test:", b"pwd:2", b"", b"test:pwd:2 "] {
            assert!(!config.lets_in(shown));
        }
        assert!(!SignInConfig::default().lets_in(b":"));
        assert!(!format!("{config:?}").contains("pwd"));
    }

    #[test]
    fn one_without_the_other_is_refused() {
        let mut config = SignInConfig { user: Some("a:b".into()), ..SignInConfig::default() };
        assert_eq!(settings(&config), ["user", "user"]);
        config.password = Some(Secret::new("x".to_owned()));
        config.password_file = Some("/gone".into());
        config.user = None;
        assert_eq!(settings(&config), ["password", "user"]);
        config.user = Some("ada".into());
        config.password = None;
        assert_eq!(settings(&config), [""; 0]);
        let problem = config.read_password("http").unwrap_err().to_string();
        assert!(problem.contains("http.sign_in.password_file"), "{problem}");
        config.password = Some(Secret::new(String::new()));
        config.password_file = None;
        assert_eq!(settings(&config), ["password"]);
    }
}
