//! Settings of consistent searches, the same for whichever store is opened. It holds values and their defaults and
//! checks them; it opens nothing.

use serde::{Deserialize, Serialize};
use service::Span;
use service::config::{Check, Findings};

use super::LIFETIME_MAX;

/// Settings of `[search.points_in_time]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PointsInTimeConfig {
    /// Consistent searches that are open at the same time. In the embedded index each keeps the files of its moment on
    /// the disk, also those that merges or retention have taken away since; in an engine it holds a context of every
    /// shard that holds something that matches, of which OpenSearch allows 300 a node. Default 16; 0 refuses them.
    pub max: usize,
    /// Consistent searches of one user that are open at the same time. Default 4; 0 refuses them.
    pub per_user_max: usize,
    /// How long a consistent search is held open after each page; an hour in all. Default `2m`.
    pub keep_alive: Span,
}

impl Default for PointsInTimeConfig {
    fn default() -> Self {
        Self { max: 16, per_user_max: 4, keep_alive: Span::from_secs(120) }
    }
}

impl Check for PointsInTimeConfig {
    fn check(&self, findings: &mut Findings) {
        if !(Span::from_millis(1)..=Span(LIFETIME_MAX)).contains(&self.keep_alive) {
            findings.add(&["keep_alive"], "from 1ms to 1h");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[derive(Debug, PartialEq, Default, Deserialize)]
    #[serde(default)]
    struct Whole {
        points_in_time: PointsInTimeConfig,
    }

    impl Check for Whole {
        fn check(&self, findings: &mut Findings) {
            findings.within("points_in_time", |findings| self.points_in_time.check(findings));
        }
    }

    fn load(text: &str) -> Result<Whole, String> {
        let text = format!("[points_in_time]\n{text}\n");
        let file = Some((Path::new("millrace.toml"), text.as_str()));
        let whole: Result<Whole, _> = service::config::load(file, std::iter::empty(), &[]);
        whole.map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn the_defaults_are_as_they_are_told() {
        let told = "max = 16\nper_user_max = 4\nkeep_alive = \"2m\"";
        assert_eq!(load(told), load(""));
        assert_eq!(load(told), Ok(Whole::default()));
    }

    #[test]
    fn a_time_that_would_hold_nothing_or_for_ever_is_refused() {
        for wrong in ["0s", "3601s", "2h"] {
            let refused = load(&format!("keep_alive = \"{wrong}\"")).expect_err(wrong);
            assert!(refused.contains("from 1ms to 1h"), "{wrong}: {refused}");
        }
        for right in ["1ms", "1h"] {
            load(&format!("keep_alive = \"{right}\"")).expect(right);
        }
        let refused = load("keep_alvie = \"2m\"").expect_err("a typing mistake");
        assert!(refused.contains("keep_alvie"), "{refused}");
    }
}
