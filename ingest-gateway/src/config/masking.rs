//! Settings of what is masked before it is stored.

use redaction::secret::check_name;
use serde::{Deserialize, Serialize};

use super::Problem;

/// Most further names.
const KEYS_MAX: usize = 100;

/// What the doors mask in lines before they are stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MaskingConfig {
    /// Whether card numbers keep only their first six and last four digits.
    pub cards: bool,
    /// Whether what stands under names of secrets is masked, and what looks like one.
    pub secrets: bool,
    /// Further names of secrets, beside the usual ones. A name ends with one of them.
    pub keys: Vec<String>,
}

impl Default for MaskingConfig {
    fn default() -> Self {
        Self { cards: true, secrets: true, keys: Vec::new() }
    }
}

impl MaskingConfig {
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        if !self.keys.is_empty() && !self.secrets {
            let message = "without `secrets` no name is looked for: set it, or take the names away";
            problems.push(Problem::new("keys", message));
        }
        if self.keys.len() > KEYS_MAX {
            let message = format!("{} are more than {KEYS_MAX} names", self.keys.len());
            problems.push(Problem::new("keys", message));
        }
        for key in &self.keys {
            if let Err(fault) = check_name(key) {
                let message = format!("`{}` {fault}", key.escape_debug());
                problems.push(Problem::new("keys", message));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;

    #[test]
    fn names_that_cannot_be_looked_for_are_refused() {
        let mut config = Config::default();
        assert!(config.masking.cards && config.masking.secrets, "on by default");
        config.masking.keys = vec!["pin".into(), "internal_note".into()];
        assert_eq!(config.check(), []);
        config.masking.keys = vec!["id".into(), "pin".into(), "card pin".into()];
        let problems: Vec<String> = config.check().iter().map(ToString::to_string).collect();
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].starts_with("ingest_gateway.masking.keys: `id` has no word of three"));
        assert!(problems[1].starts_with("ingest_gateway.masking.keys: `card pin` has ` `"));
        config.masking.keys = vec!["pin".into()];
        config.masking.secrets = false;
        assert!(config.check()[0].to_string().contains("no name is looked for"));
    }
}
