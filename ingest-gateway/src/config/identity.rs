//! What the settings ask of senders: whether they must say who they are, and by what they can.

use std::net::SocketAddr;

use super::{Config, Listen};

impl Config {
    /// Whether senders must show a token where they can.
    #[must_use]
    pub fn needs_token(&self) -> bool {
        self.ingest_token.is_some() || self.require_token
    }

    /// Closes the doors that nobody asked for and that can be shown nothing, where senders must show a token: their
    /// settings, and the addresses that they would have.
    pub(crate) fn close_tokenless(&mut self) -> Vec<(&'static str, SocketAddr)> {
        let mut closed = Vec::new();
        if !self.needs_token() {
            return closed;
        }
        let knows_senders = self.beats.tls.knows_senders();
        let doors = [
            ("beats.listen", &mut self.beats.listen, knows_senders),
            ("syslog.udp_listen", &mut self.syslog.udp_listen, false),
            ("syslog.tcp_listen", &mut self.syslog.tcp_listen, false),
        ];
        for (setting, listen, knows_senders) in doors {
            if let Listen::IfFree(address) = *listen
                && !knows_senders
            {
                closed.push((setting, address));
                *listen = Listen::Off;
            }
        }
        closed
    }

    /// Whether only shops come in, and only by their tokens: then nobody does where tokens cannot be read.
    #[must_use]
    pub fn needs_tokens_of_shops(&self) -> bool {
        let has_shops =
            [&self.tcp.tls, &self.http.tls].into_iter().any(|tls| !tls.shops.is_empty());
        let lets_in_others = has_shops || self.http.sign_in.is_on();
        self.require_token && self.ingest_token.is_none() && !lets_in_others
    }
}

#[cfg(test)]
mod tests;
