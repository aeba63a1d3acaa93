//! Settings of the worker: rules and the scores from which a shop should act.

use serde::{Deserialize, Serialize};
use service::config::{Check, Findings};

use crate::ring::ENTRIES_MAX;
use crate::rule::{Decision, Rule, RulesConfig};
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

/// The highest score and weight.
const SCORE_MAX: u16 = 1_000;

impl Check for Config {
    fn check(&self, findings: &mut Findings) {
        let scoring = &self.scoring;
        let rules = &scoring.rules;
        for (setting, value) in [
            ("scoring.review_score_min", scoring.review_score_min),
            ("scoring.block_score_min", scoring.block_score_min),
            ("scoring.rules.amount_absolute_weight", rules.amount_absolute_weight),
            ("scoring.rules.amount_ratio_weight", rules.amount_ratio_weight),
            ("scoring.rules.customer_velocity_weight", rules.customer_velocity_weight),
            ("scoring.rules.address_velocity_weight", rules.address_velocity_weight),
            ("scoring.rules.amount_unreadable_weight", rules.amount_unreadable_weight),
        ] {
            if value > SCORE_MAX {
                findings.add(&[setting], format!("{value} is too high: it is 0 to {SCORE_MAX}"));
            }
        }
        if scoring.block_score_min < scoring.review_score_min {
            let message = "a score that is blocked must not be lower than one that is reviewed";
            findings.add(&["scoring.block_score_min", "scoring.review_score_min"], message);
        }
        for (setting, value) in [
            ("customer_transactions_per_hour_max", rules.customer_transactions_per_hour_max),
            ("address_transactions_per_hour_max", rules.address_transactions_per_hour_max),
            ("amount_ratio_history_min", rules.amount_ratio_history_min),
        ] {
            if value as usize >= ENTRIES_MAX {
                let message = format!("{value} is never reached: write less than {ENTRIES_MAX}");
                findings.add(&[&format!("scoring.rules.{setting}")], message);
            }
        }
    }
}

impl ScoringConfig {
    /// What a shop should do with a transaction of which this was found. One whose amount could not be
    /// read is never let through unseen, whatever its score.
    #[must_use]
    pub fn action(&self, decision: &Decision) -> Action {
        let unseen = decision.reasons.iter().any(|reason| reason.rule == Rule::AmountUnreadable);
        if decision.score >= self.block_score_min {
            Action::Block
        } else if decision.score >= self.review_score_min || unseen {
            Action::Review
        } else {
            Action::Allow
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn load(text: &str) -> Result<Config, String> {
        service::config::load::<Config>(Some((Path::new("m.toml"), text)), [], &[])
            .map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn settings_that_can_never_work_are_named_all_at_once() {
        assert_eq!(load("").expect("defaults"), Config::default());
        let text = "[scoring]\nreview_score_min = 5000\n[scoring.rules]\n\
                    customer_transactions_per_hour_max = 300\namount_ratio_weight = 1001\n";
        let refused = load(text).expect_err("refused");
        for part in
            ["review_score_min", "customer_transactions_per_hour_max", "amount_ratio_weight"]
        {
            assert!(refused.contains(part), "{part} is not in {refused}");
        }
    }

    #[test]
    fn blocking_starts_no_lower_than_reviewing() {
        assert!(load("[scoring]\nreview_score_min = 700\nblock_score_min = 700").is_ok());
        let refused = load("[scoring]\nreview_score_min = 800\nblock_score_min = 700");
        let refused = refused.expect_err("refused");
        assert!(refused.contains("block_score_min"), "{refused}");
    }
}
