//! What the settings ask of senders: whether they must say who they are, and by what they can.

use std::net::SocketAddr;

use super::{Config, Listen, Place, Several, TlsConfig};

impl Config {
    /// Whether senders must show a token where they can.
    #[must_use]
    pub fn needs_token(&self) -> bool {
        self.ingest_token.is_some() || self.require_token
    }

    /// Closes the doors that nobody asked for and that can be shown nothing, where senders must show a token: which
    /// they are, and the addresses that they would have.
    pub(crate) fn close_tokenless(&mut self) -> Vec<(Place, SocketAddr)> {
        let mut closed = Vec::new();
        if !self.needs_token() {
            return closed;
        }
        for place in self.places().into_iter().filter(|place| !place.takes_tokens()) {
            let knows_senders = place.tls(self).is_some_and(TlsConfig::knows_senders);
            if let Listen::IfFree(address) = self.listen(place)
                && !knows_senders
            {
                closed.push((place, address));
                self.close(place);
            }
        }
        closed
    }

    /// Whether only shops come in, and only by their tokens: then nobody does where tokens cannot be read.
    #[must_use]
    pub fn needs_tokens_of_shops(&self) -> bool {
        let (tcp, http) = (self.tcp.doors(), self.http.doors());
        let knows_shops = |tls: &TlsConfig| !tls.shops.is_empty();
        let lets_in_others = tcp.iter().any(|(_, tcp)| knows_shops(&tcp.tls))
            || http.iter().any(|(_, http)| knows_shops(&http.tls) || http.sign_in.is_on());
        self.require_token && self.ingest_token.is_none() && !lets_in_others
    }
}

#[cfg(test)]
mod tests;
