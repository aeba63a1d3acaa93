//! Counts attempts to sign in that failed, by address, and by user at an address: whoever knows a name
//! cannot lock its owner out from elsewhere. Without the cache nothing is counted: passwords of enough
//! length hold by themselves, and nobody is locked out by a cache that is away.

use crate::api::Api;
use crate::identity::Peer;
use crate::problem::Problem;
use crate::user::{self, Stored};

/// The attempts of one peer to sign in as one user.
pub(super) struct Attempt<'a> {
    api: &'a Api,
    address_key: String,
    /// A new password begins a new count. Names that no user can have are not counted.
    user_key: Option<String>,
}

impl<'a> Attempt<'a> {
    /// Counts an attempt; refuses it when too many have failed.
    pub(super) async fn begin(
        api: &'a Api,
        name: &str,
        stored: Option<&Stored>,
        peer: &Peer,
    ) -> Result<Self, Problem> {
        let address = peer.name();
        let version = stored.map_or(0, |stored| stored.version);
        let name = user::is_name(name).then(|| name.to_ascii_lowercase());
        let user_key = name.map(|name| format!("login/user/{name}/{version}/{address}"));
        let attempt = Self { api, address_key: format!("login/address/{address}"), user_key };
        let config = &api.config;
        attempt
            .count(&attempt.address_key, 0, config.login_attempts_per_address_max.saturating_sub(1))
            .await?;
        if let Some(key) = &attempt.user_key {
            attempt.count(key, 1, config.login_attempts_per_user_max).await?;
        }
        Ok(attempt)
    }

    async fn count(&self, key: &str, amount: u64, most: u64) -> Result<(), Problem> {
        let window = self.api.config.login_window.0;
        match self.api.stores.cache.add(key, amount, window).await {
            Ok(count) if count > most => {
                tracing::warn!(key, count, "too many attempts to sign in");
                let detail = "too many attempts to sign in: wait, then try again";
                return Err(Problem::too_many(detail, window.as_secs()));
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "sign-ins are not counted"),
        }
        Ok(())
    }

    /// Forgets the attempts at this user: the password was right.
    pub(super) async fn succeeded(self) {
        let Some(key) = self.user_key else { return };
        if let Err(error) = self.api.stores.cache.delete(&key).await {
            tracing::warn!(%error, "attempts to sign in cannot be forgotten");
        }
    }

    /// Counts against the address too.
    pub(super) async fn failed(self) {
        if let Err(error) =
            self.api.stores.cache.add(&self.address_key, 1, self.api.config.login_window.0).await
        {
            tracing::warn!(%error, "sign-ins are not counted");
        }
    }
}
