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
        let lets_in_others = has_shops || self.http.sign_in.is_on();
        self.require_token && self.ingest_token.is_none() && !lets_in_others
    }
}

#[cfg(test)]
mod tests;
