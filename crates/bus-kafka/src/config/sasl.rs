//! Settings of authentication. A password is never shown, and is better in a file than in a setting.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use service::Secret;

use super::Problem;

/// How this client proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SaslMechanism {
    /// User and password as they are: only over TLS.
    #[serde(rename = "PLAIN")]
    Plain,
    /// User and password, which are not sent.
    #[serde(rename = "SCRAM-SHA-256")]
    ScramSha256,
    /// The same with a longer hash.
    #[serde(rename = "SCRAM-SHA-512")]
    ScramSha512,
    /// A token that somebody renews in a file.
    #[serde(rename = "OAUTHBEARER")]
    OauthBearer,
}

impl SaslMechanism {
    /// Its name on the wire.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha512 => "SCRAM-SHA-512",
            Self::OauthBearer => "OAUTHBEARER",
        }
    }
}

/// Settings of authentication.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SaslConfig {
    /// `PLAIN`, `SCRAM-SHA-256`, `SCRAM-SHA-512` or `OAUTHBEARER`; none.
    pub mechanism: Option<SaslMechanism>,
    /// User.
    pub user: String,
    /// Password; better in `password_file`.
    pub password: Option<Secret<String>>,
    /// File with the password, without line ends around it.
    pub password_file: Option<PathBuf>,
    /// File with the token of OAUTHBEARER, a JWT; read again whenever a new one is needed, which its
    /// claim `exp` decides.
    pub token_file: Option<PathBuf>,
}

impl SaslConfig {
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut wrong = |setting: &'static str, message: &str| {
            problems.push((vec![setting, "sasl.mechanism"], message.to_owned()));
        };
        let has_password = self.password.is_some() || self.password_file.is_some();
        match self.mechanism {
            None => {
                if !self.user.is_empty() || has_password || self.token_file.is_some() {
                    wrong("sasl.mechanism", "a user, password or token needs sasl.mechanism");
                }
            }
            Some(SaslMechanism::OauthBearer) => {
                if self.token_file.is_none() {
                    wrong("sasl.token_file", "OAUTHBEARER needs sasl.token_file");
                }
                if !self.user.is_empty() || has_password {
                    wrong("sasl.user", "OAUTHBEARER takes no user and no password");
                }
            }
            Some(_) => {
                if self.user.is_empty() {
                    wrong("sasl.user", "this mechanism needs sasl.user");
                }
                if !has_password {
                    wrong("sasl.password_file", "this mechanism needs sasl.password_file");
                }
                if self.token_file.is_some() {
                    wrong("sasl.token_file", "only OAUTHBEARER takes a token");
                }
            }
        }
        if self.password.is_some() && self.password_file.is_some() {
            wrong("sasl.password_file", "sasl.password and sasl.password_file are both set");
        }
        problems
    }
}
