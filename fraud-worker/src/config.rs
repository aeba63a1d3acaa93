//! Settings of the worker: rules and the scores from which a shop should act.

use serde::{Deserialize, Serialize};

use crate::rule::RulesConfig;
use crate::score::Action;

/// Settings of `[fraud_worker]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether transactions are scored.
    pub enabled: bool,
    /// Rules and thresholds.
    pub scoring: ScoringConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self { enabled: true, scoring: ScoringConfig::default() }
    }
}

/// How a transaction becomes a score and an action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ScoringConfig {
    /// Scores from here on should be looked at, 0 to 1000.
    pub review_score_min: u16,
    /// Scores from here on should be blocked, 0 to 1000.
    pub block_score_min: u16,
    /// The rules.
    pub rules: RulesConfig,
}

impl Default for ScoringConfig {
    fn default() -> Self {
        Self { review_score_min: 500, block_score_min: 900, rules: RulesConfig::default() }
    }
}

impl ScoringConfig {
    /// What a shop should do at this score.
    #[must_use]
    pub fn action(&self, score: u16) -> Action {
        if score >= self.block_score_min {
            Action::Block
        } else if score >= self.review_score_min {
            Action::Review
        } else {
            Action::Allow
        }
    }
}
