//! Counts attempts to sign in, by user and by address. Without the cache nothing is counted: passwords of
//! enough length hold by themselves, and nobody is locked out by a cache that is away.

use crate::api::Api;
use crate::identity::Peer;
use crate::problem::Problem;
use crate::user;

fn user_key(name: &str) -> String {
    format!("login/user/{}", name.to_ascii_lowercase())
}

/// Counts an attempt; refuses it when there were too many that failed.
pub(super) async fn check(api: &Api, name: &str, peer: &Peer) -> Result<(), Problem> {
    let config = &api.config;
    let mut counters =
        vec![(format!("login/address/{}", peer.name()), config.login_attempts_per_address_max)];
    if user::is_name(name) {
        counters.push((user_key(name), config.login_attempts_per_user_max));
    }
    for (key, most) in counters {
        let window = config.login_window.0;
        match api.stores.cache.add(&key, 1, window).await {
            Ok(count) if count > most => {
                tracing::warn!(key, count, "too many attempts to sign in");
                let detail = "too many attempts to sign in: wait, then try again";
                return Err(Problem::too_many(detail, window.as_secs()));
            }
            Ok(_) => {}
            Err(error) => tracing::warn!(%error, "sign-ins are not counted"),
        }
    }
    Ok(())
}

/// Forgets the attempts of a user, after the right password.
pub(super) async fn forget(api: &Api, name: &str) {
    if let Err(error) = api.stores.cache.delete(&user_key(name)).await {
        tracing::warn!(%error, "attempts to sign in cannot be forgotten");
    }
}
