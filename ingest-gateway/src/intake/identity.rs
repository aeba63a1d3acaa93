//! Who a sender is: by the token of a shop, the sender's certificate, or the door that it came to, in this order. The
//! token of the settings lets a sender in and names no shop.
//!
//! What looks like a shop's token and is none is refused at every door: whoever shows it means to be somebody.

use std::future::pending;
use std::time::Duration;

use access::ShopName;
use bytestring::ByteString;
use jiff::Timestamp;
use service::Secret;
use tokio::sync::watch;
use tokio::time::sleep;

use super::Intake;
use crate::tokens::Found;

/// Who a sender is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    /// Tenant.
    pub(crate) shop: ByteString,
}

/// What a sender shows of itself.
#[derive(Clone, Copy, Default)]
pub(crate) struct Shown<'a> {
    /// What stands where a token is shown, if anything does. It may be something else.
    pub(crate) token: Option<&'a [u8]>,
    /// The shop of its certificate.
    pub(crate) certificate: Option<&'a ShopName>,
}

/// Why nobody knows who a sender is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unidentified {
    /// It shows no token where one is needed, or a wrong one.
    #[error("the ingest token is missing or wrong")]
    NoToken,
    /// It shows a token that was never made, or was removed.
    #[error("nobody knows this ingest token")]
    Unknown,
    /// The time of its token is over.
    #[error("the ingest token has expired")]
    Expired,
    /// Somebody has ended its token.
    #[error("the ingest token was revoked")]
    Revoked,
    /// Its token is of another shop than its certificate.
    #[error("the ingest token is of another shop than the certificate")]
    OtherShop,
    /// Tokens cannot be told from others until the store that holds them was read, nor new ones while it is away.
    #[error("whose this ingest token is cannot be told at the moment; come again")]
    Untold,
}

impl Unidentified {
    /// Its name in metrics.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::NoToken => "no_token",
            Self::Unknown => "unknown_token",
            Self::Expired => "expired_token",
            Self::Revoked => "revoked_token",
            Self::OtherShop => "other_shop",
            Self::Untold => "tokens_unread",
        }
    }
}

/// The token that let a connection in. It is looked at again while the connection lasts, so it is kept.
pub(crate) struct Pass {
    token: Secret<Box<[u8]>>,
    /// When its time is over, if it ever is.
    expires_at: Option<Timestamp>,
    /// How many looks at the store had ended when it was last found good.
    looks: Option<u64>,
    /// Changes when tokens have ended.
    endings: watch::Receiver<u64>,
}

impl Intake {
    /// The same door, where this shop's is what nobody else's is.
    pub(crate) fn of_shop(self, shop: Option<&ShopName>) -> Self {
        let shop = shop.map(|shop| ByteString::from(shop.as_str()));
        Self { shop: shop.unwrap_or(self.shop), ..self }
    }

    /// Whether a sender must show a token. A certificate of a shop counts as one.
    pub(crate) fn needs_token(&self, certificate: Option<&ShopName>) -> bool {
        let foundation = &self.foundation;
        certificate.is_none() && (foundation.token.is_some() || foundation.requires_token)
    }

    /// Whether this is meant as a token, and as nothing else.
    pub(crate) fn is_token(&self, offered: &[u8]) -> bool {
        shops::is_token(offered) || self.is_own_token(offered)
    }

    /// Whether this is the token of the settings.
    fn is_own_token(&self, offered: &[u8]) -> bool {
        self.foundation.token.as_ref().is_some_and(|own| own.matches(offered))
    }

    /// Who a sender is that shows this. Whoever is refused is counted.
    pub(crate) async fn identify(&self, shown: Shown<'_>) -> Result<Identity, Unidentified> {
        let judged = self.judge(shown).await;
        if let Err(why) = judged {
            self.count_unidentified(why);
        }
        judged
    }

    async fn judge(&self, shown: Shown<'_>) -> Result<Identity, Unidentified> {
        let Shown { token, certificate } = shown;
        match token {
            Some(token) if shops::is_token(token) => {
                return self.judge_token(token, certificate).await;
            }
            Some(token) if self.is_own_token(token) => return Ok(self.without_token(certificate)),
            _ => {}
        }
        if self.needs_token(certificate) {
            return Err(Unidentified::NoToken);
        }
        // What else may stand there, as a password for another server, is nothing to this one.
        Ok(self.without_token(certificate))
    }

    /// Who shows what looks like a shop's token.
    async fn judge_token(
        &self,
        token: &[u8],
        certificate: Option<&ShopName>,
    ) -> Result<Identity, Unidentified> {
        let tokens = &self.foundation.tokens;
        let now = self.now();
        let mut found = tokens.find(token, now);
        if matches!(found, Found::Unknown | Found::Untold) {
            if self.is_own_token(token) {
                return Ok(self.without_token(certificate));
            }
            found = tokens.find_anew(token, now).await;
        }
        let shop = good(found)?;
        if certificate.is_some_and(|other| *other != shop) {
            return Err(Unidentified::OtherShop);
        }
        Ok(Identity { shop: ByteString::from(shop.as_str()) })
    }

    /// The pass of a token that was shown; none for what does not look like a shop's: the token of the settings never
    /// ends.
    pub(crate) fn pass(&self, token: &[u8]) -> Option<Pass> {
        let tokens = &self.foundation.tokens;
        shops::is_token(token).then(|| Pass {
            endings: tokens.endings(),
            expires_at: tokens.expires_at(token),
            token: Secret::new(token.into()),
            looks: None,
        })
    }

    /// Waits until the token that let a connection in no longer would, and says why; for ever where none did. Dropping
    /// the future loses nothing.
    pub(crate) async fn pass_ended(&self, pass: Option<&mut Pass>) -> Unidentified {
        let Some(pass) = pass else { return pending().await };
        loop {
            // It may have ended before anybody waited.
            if let Err(why) = self.check_pass(pass) {
                return why;
            }
            let expires_in = pass.expires_at.map(|at| self.time_until(at));
            tokio::select! {
                changed = pass.endings.changed() => if changed.is_err() {
                    return pending().await;
                },
                // The token of the settings outlives a shop's that was the same: it is not asked for its time again.
                () = sleep(expires_in.unwrap_or_default()), if expires_in.is_some() => {
                    pass.expires_at = pass.expires_at.filter(|at| *at > self.now());
                }
            }
            pass.looks = None;
        }
    }

    /// Whether the token that let a connection in still would.
    pub(crate) fn check_pass(&self, pass: &mut Pass) -> Result<(), Unidentified> {
        let tokens = &self.foundation.tokens;
        let looks = Some(tokens.looks());
        // Time passes between two looks, but not much of it.
        if pass.looks == looks {
            return Ok(());
        }
        let token: &[u8] = pass.token.reveal();
        let judged = match tokens.find(token, self.now()) {
            // The token of the settings may look like a shop's, and never ends.
            Found::Unknown | Found::Untold if self.is_own_token(token) => Ok(()),
            found => good(found).map(drop),
        };
        match judged {
            Ok(()) => pass.looks = looks,
            Err(why) => self.count_unidentified(why),
        }
        judged
    }

    pub(crate) fn count_unidentified(&self, why: Unidentified) {
        let metrics = self.metrics();
        if why != Unidentified::Untold {
            metrics.unauthorized.with_label_values(&[self.door]).inc();
        }
        metrics.refused_senders.with_label_values(&[self.door, why.reason()]).inc();
    }

    /// Who sends without a token: whoever's the certificate is, if it shows one that is a shop's.
    pub(crate) fn without_token(&self, certificate: Option<&ShopName>) -> Identity {
        match certificate {
            Some(shop) => Identity { shop: ByteString::from(shop.as_str()) },
            None => self.anonymous(),
        }
    }

    /// Who sends where nothing can be shown.
    pub(crate) fn anonymous(&self) -> Identity {
        Identity { shop: self.shop.clone() }
    }

    fn time_until(&self, at: Timestamp) -> Duration {
        // What is past has no time left.
        Duration::try_from(at.duration_since(self.now())).unwrap_or_default()
    }

    fn now(&self) -> Timestamp {
        // Every time of the clock is one that can be written.
        Timestamp::from_nanosecond(self.now_ns().into()).unwrap_or(Timestamp::MAX)
    }
}

/// The shop of a token that is a good one.
fn good(found: Found) -> Result<ShopName, Unidentified> {
    match found {
        Found::Of(shop) => Ok(shop),
        Found::Expired => Err(Unidentified::Expired),
        Found::Revoked => Err(Unidentified::Revoked),
        Found::Unknown => Err(Unidentified::Unknown),
        Found::Untold => Err(Unidentified::Untold),
    }
}

/// The shop of what comes to a door, unless its settings name another.
pub(super) fn default_shop() -> ByteString {
    ByteString::from(ShopName::default().as_str())
}

#[cfg(test)]
mod tests;
