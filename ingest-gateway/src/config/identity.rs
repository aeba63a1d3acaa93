//! What the settings ask of senders: whether they must say who they are, and by what they can.

use super::Config;

impl Config {
    /// Whether senders must show a token where they can.
    #[must_use]
    pub fn needs_token(&self) -> bool {
        self.ingest_token.is_some() || self.require_token
    }

    /// Whether only shops come in, and only by their tokens: then nobody does where tokens cannot be read.
    #[must_use]
    pub fn needs_tokens_of_shops(&self) -> bool {
        let has_shops =
            [&self.tcp.tls, &self.http.tls].into_iter().any(|tls| !tls.shops.is_empty());
        self.require_token && self.ingest_token.is_none() && !has_shops
    }
}

#[cfg(test)]
mod tests;
