//! Settings of the query API, each with its unit and default.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use service::config::{Check, Findings};
use service::{ByteSize, Span};

/// The table `[query_api]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Address of the API and the pages. Default: 127.0.0.1:8000.
    pub listen: SocketAddr,
    /// Whether `listen` may be an address that other machines reach. The server speaks plain HTTP:
    /// put a proxy with TLS in front. Default: false.
    pub allow_public_listen: bool,
    /// Folder with the keys of access tokens; absent for `keys` in the data folder. Every instance of the
    /// API needs the same ones.
    pub keys_folder: Option<PathBuf>,
    /// Whether browsers send the session's cookie over TLS only; set it behind a proxy with TLS.
    /// Default: false.
    pub secure_cookies: bool,
    /// Connections at a time; more wait to be accepted. Default: 1024.
    pub connections_max: usize,
    /// How long a request's head may take to arrive. Default: 10s.
    pub head_timeout: Span,
    /// How long a client may leave an answer unread before it is let go. Default: 30s.
    pub write_timeout: Span,
    /// How long an answer may take. Default: 30s.
    pub request_timeout: Span,
    /// How long replaying or purging many dead letters may take. Default: 5m.
    pub long_request_timeout: Span,
    /// Largest body of a request. Default: 64KiB.
    pub request_bytes_max: ByteSize,
    /// How long an access token is good. Default: 10m.
    pub access_token_lifetime: Span,
    /// How long a session lasts without being used. Default: 7d.
    pub session_idle_max: Span,
    /// How long a session lasts at most. Default: 30d.
    pub session_lifetime_max: Span,
    /// Attempts to sign in as one user from one address within `login_window`, since the last that
    /// succeeded. Default: 20.
    pub login_attempts_per_user_max: u64,
    /// Attempts to sign in from one address that failed within `login_window`. Default: 100.
    pub login_attempts_per_address_max: u64,
    /// How long attempts to sign in are counted together. Default: 15m.
    pub login_window: Span,
    /// Live streams at a time. Default: 64.
    pub tail_streams_max: usize,
    /// How often a live stream looks for new events. Default: 500ms.
    pub tail_poll_interval: Span,
    /// How long a live stream lasts; browsers then go on with a new one. Default: 1h.
    pub tail_duration_max: Span,
    /// How old dead letters grow before they are removed. Default: 30d.
    pub dead_letters_age_max: Span,
    /// Dead letters that are kept; the oldest go first. Default: 100000.
    pub dead_letters_count_max: u64,
    /// How often a record may be replayed. Default: 16.
    pub replay_attempts_max: u16,
}

impl Default for Config {
    fn default() -> Self {
        const DAY_S: u64 = 24 * 3600;
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8000)),
            allow_public_listen: false,
            keys_folder: None,
            secure_cookies: false,
            connections_max: 1024,
            head_timeout: Span::from_secs(10),
            write_timeout: Span::from_secs(30),
            request_timeout: Span::from_secs(30),
            long_request_timeout: Span::from_secs(300),
            request_bytes_max: ByteSize(64 * 1024),
            access_token_lifetime: Span::from_secs(600),
            session_idle_max: Span::from_secs(7 * DAY_S),
            session_lifetime_max: Span::from_secs(30 * DAY_S),
            login_attempts_per_user_max: 20,
            login_attempts_per_address_max: 100,
            login_window: Span::from_secs(900),
            tail_streams_max: 64,
            tail_poll_interval: Span::from_millis(500),
            tail_duration_max: Span::from_secs(3600),
            dead_letters_age_max: Span::from_secs(30 * DAY_S),
            dead_letters_count_max: 100_000,
            replay_attempts_max: pipeline::dead_letter::REPLAY_ATTEMPTS_MAX,
        }
    }
}

impl Check for Config {
    fn check(&self, findings: &mut Findings) {
        if !self.listen.ip().is_loopback() && !self.allow_public_listen {
            let text = format!(
                "{} can be reached from other machines, and the server speaks plain HTTP: listen on \
                 127.0.0.1, or set allow_public_listen = true and put a proxy with TLS in front",
                self.listen
            );
            findings.add(&["listen", "allow_public_listen"], text);
        }
        if self.access_token_lifetime > Span::from_secs(3600) {
            let text = "an access token cannot be revoked: let it live for 1h at most";
            findings.add(&["access_token_lifetime"], text);
        }
        if self.tail_poll_interval < Span::from_millis(50) {
            findings.add(&["tail_poll_interval"], "a live stream looks every 50ms at most");
        }
        for (name, value) in
            [("connections_max", self.connections_max), ("tail_streams_max", self.tail_streams_max)]
        {
            if value == 0 {
                findings.add(&[name], format!("with {name} = 0 nothing would be served"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn load(text: &str) -> Result<Config, String> {
        service::config::load::<Config>(Some((Path::new("m.toml"), text)), [], &[])
            .map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn another_address_than_loopback_needs_a_flag_of_its_own() {
        assert_eq!(load("").unwrap(), Config::default());
        assert!(load("listen = \"[::1]:0\"").is_ok());
        let refused = load("listen = \"0.0.0.0:8000\"").unwrap_err();
        assert!(refused.contains("allow_public_listen = true"), "{refused}");
        assert!(load("listen = \"0.0.0.0:8000\"\nallow_public_listen = true").is_ok());
    }

    #[test]
    fn settings_that_cannot_work_are_named_all_at_once() {
        let text =
            "access_token_lifetime = \"2h\"\nconnections_max = 0\ntail_poll_interval = \"1ms\"";
        let refused = load(text).unwrap_err();
        for name in ["access_token_lifetime", "connections_max", "tail_poll_interval"] {
            assert!(refused.contains(name), "{name}: {refused}");
        }
    }
}
