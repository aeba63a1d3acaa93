//! How much a shop may send: settings of `[ingest_gateway.quota]`, which hold for each shop, and of the shops
//! that have others.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use service::{ByteSize, Span};

use super::Problem;
use super::problem::within;

/// What may come at once where no setting says so, in seconds of the rate.
const BURST: Span = Span::from_secs(10);
/// The longest burst.
const BURST_MAX: Span = Span::from_secs(3_600);

/// How much one shop may send, over all doors and all gateways that share a cache.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct QuotaConfig {
    /// Events a second; absent, as many as come.
    pub events_per_second: Option<u64>,
    /// Bytes of events a second, as they are kept; absent, as many as come.
    pub bytes_per_second: Option<ByteSize>,
    /// What may come at once after a silence, in seconds of the rates; absent, 10 s.
    pub burst: Option<Span>,
}

/// What is set for one shop.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShopConfig {
    /// How much it may send; what is absent is as for every shop.
    pub quota: QuotaConfig,
}

impl QuotaConfig {
    /// These settings, and where they say nothing those of `every_shop`.
    pub(crate) fn or(&self, every_shop: &Self) -> Self {
        Self {
            events_per_second: self.events_per_second.or(every_shop.events_per_second),
            bytes_per_second: self.bytes_per_second.or(every_shop.bytes_per_second),
            burst: self.burst.or(every_shop.burst),
        }
    }

    /// Whether anything is limited.
    pub(crate) fn has_limit(&self) -> bool {
        self.events_per_second.is_some() || self.bytes_per_second.is_some()
    }

    /// What may come at once, in seconds of the rates.
    pub(crate) fn burst(&self) -> Duration {
        self.burst.unwrap_or(BURST).0
    }

    fn check(&self, problems: &mut Vec<Problem>) {
        let rates = [
            ("events_per_second", self.events_per_second),
            ("bytes_per_second", self.bytes_per_second.map(|bytes| bytes.0)),
        ];
        for (setting, _) in rates.into_iter().filter(|(_, rate)| *rate == Some(0)) {
            let message = "0 would let nothing in: leave it out where nothing is to be limited";
            problems.push(Problem::new(setting, message));
        }
        if self.burst.is_some_and(|burst| burst.0.is_zero() || burst > BURST_MAX) {
            let message = format!("it is more than nothing, and at most {BURST_MAX}");
            problems.push(Problem::new("burst", message));
        }
    }
}

impl super::Config {
    /// Refuses rates of nothing, for all shops or for one.
    pub(super) fn check_quotas(&self, problems: &mut Vec<Problem>) {
        within("quota", problems, |problems| self.quota.check(problems));
        for (name, shop) in &self.shops {
            let table = format!("shops.{name}.quota");
            within(&table, problems, |problems| shop.quota.check(problems));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde::Deserialize;
    use serde::de::IntoDeserializer;
    use serde_json::json;
    use service::{ByteSize, Span};

    use super::super::Config;
    use super::QuotaConfig;

    #[test]
    fn nothing_is_limited_unless_it_is_said() {
        let config = Config::default();
        assert!(!config.quota.has_limit() && config.shops.is_empty() && config.share_quotas);
        assert_eq!(config.check(), []);
    }

    #[test]
    fn a_shop_has_what_is_set_for_it_and_else_what_all_have() {
        let given = json!({
            "quota": { "events_per_second": 1_000, "bytes_per_second": "1MiB" },
            "shops": { "big.shop": { "quota": { "events_per_second": 50_000, "burst": "30s" } } },
        });
        let config = Config::deserialize(given.into_deserializer()).unwrap();
        assert_eq!(config.check(), []);
        assert_eq!(config.quota.burst(), Duration::from_secs(10));
        let big = config.shops["big.shop"].quota.or(&config.quota);
        let expected = QuotaConfig {
            events_per_second: Some(50_000),
            bytes_per_second: Some(ByteSize(1 << 20)),
            burst: Some(Span::from_secs(30)),
        };
        assert_eq!(big, expected);
        assert_eq!(big.burst(), Duration::from_secs(30));
    }

    #[test]
    fn rates_of_nothing_and_names_that_are_none_are_refused() {
        let given = json!({
            "quota": { "events_per_second": 0, "burst": "0s" },
            "shops": { "a": { "quota": { "bytes_per_second": "0B", "burst": "2h" } } },
        });
        let config = Config::deserialize(given.into_deserializer()).unwrap();
        let settings: Vec<String> =
            config.check().into_iter().map(|problem| problem.setting).collect();
        assert_eq!(
            settings,
            [
                "quota.events_per_second",
                "quota.burst",
                "shops.a.quota.bytes_per_second",
                "shops.a.quota.burst",
            ]
        );
        let wrong = json!({ "shops": { "A shop": {} } });
        let error = Config::deserialize(wrong.into_deserializer()).unwrap_err().to_string();
        assert!(error.contains("a shop's name"), "{error}");
        let wrong = json!({ "shops": { "a": { "quota": { "events": 1 } } } });
        assert!(Config::deserialize(wrong.into_deserializer()).is_err());
    }
}
