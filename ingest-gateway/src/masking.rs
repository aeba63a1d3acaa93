//! Card numbers and secrets are masked here, before anything of a line is stored: in what goes to the log, in the
//! dead letters, and in why a line was refused. From then on the masked bytes are the original.
//!
//! A line that holds nothing is not copied. What was masked is counted, and never told.

use std::sync::Arc;

use bytes::Bytes;
use prometheus::IntCounterVec;
use redaction::secret::Secrets;
use redaction::{LineMask, MaskedLine};
use service::Metrics;

use crate::config::MaskingConfig;
use crate::intake::Line;

/// Ends of names under which requests carry credentials, beside those of secrets in lines. There they would be too many:
/// `sort_key`, `first_session`.
const CREDENTIALS: [&str; 8] =
    ["auth", "credential", "credentials", "key", "session", "sig", "signature", "token"];
/// What a sender makes up to send a request twice.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// What all doors mask.
#[derive(Debug)]
pub(crate) struct Masking {
    mask: Arc<LineMask>,
    /// The names of credentials in requests, where secrets are masked.
    credentials: Option<Secrets>,
    /// Lines by door and kind: card, secret.
    masked: IntCounterVec,
}

impl Masking {
    pub(crate) fn new(config: &MaskingConfig, metrics: &Metrics) -> Self {
        let secrets = config.secrets.then(|| Secrets::new(&config.keys));
        let credentials = config.secrets.then(|| {
            let usual = CREDENTIALS.map(str::to_owned);
            Secrets::new(&[&config.keys[..], &usual].concat())
        });
        let masked = metrics.counter(
            "millrace_gateway_masked_total",
            "Lines of which card numbers or secrets were masked before they were stored",
            &["door", "kind"],
        );
        Self { mask: Arc::new(LineMask::new(config.cards, secrets)), credentials, masked }
    }

    /// Masks what a line holds, and counts it. Gives the bytes of the copy that it has then; 0 if it stays as it is.
    pub(crate) fn apply(&self, door: &str, line: &mut Line) -> usize {
        if let Some(fault) = &mut line.fault {
            // Some say what they found in place of what they wanted.
            let message = std::mem::take(&mut fault.rejection.message);
            fault.rejection.message = self.text(message);
        }
        let Some(masked) = self.mask.mask(&line.payload, line.may_be_cut()) else { return 0 };
        let MaskedLine { bytes, has_cards, has_secrets } = masked;
        for (kind, was_masked) in [("card", has_cards), ("secret", has_secrets)] {
            if was_masked {
                self.masked.with_label_values(&[door, kind]).inc();
            }
        }
        // A long secret leaves room behind, which nobody would count.
        line.replace(Bytes::from(bytes.into_boxed_slice()));
        line.payload.len()
    }

    /// A text without card numbers and secrets, for answers that say what was sent.
    pub(crate) fn text(&self, text: String) -> String {
        match self.mask.mask(text.as_bytes(), false) {
            Some(masked) => String::from_utf8_lossy(&masked.bytes).into_owned(),
            None => text,
        }
    }

    /// Whether nothing of what stands under a name of a request, a header's or one of its query, may be stored.
    pub(crate) fn is_credential(&self, name: &str) -> bool {
        // As in `token[]`.
        let name = name.trim_end_matches(|sign: char| !sign.is_ascii_alphanumeric());
        let is_named = |names: &Secrets| names.is_name(name.as_bytes());
        self.credentials.as_ref().is_some_and(is_named)
            && !name.eq_ignore_ascii_case(IDEMPOTENCY_KEY)
    }

    /// The mask, for bytes that nobody can read any more when their line comes here.
    pub(crate) fn mask(&self) -> Arc<LineMask> {
        Arc::clone(&self.mask)
    }
}

#[cfg(test)]
mod tests;
