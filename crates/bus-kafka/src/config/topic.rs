//! Settings of single topics: how their records are written, and which topics are others'.

use std::collections::BTreeMap;

use bus::{Codec, TOPIC_RAW, TOPICS};
use serde::{Deserialize, Serialize};

use super::Problem;
use crate::error::quoted;

/// How records are written into messages. Reading takes both, message by message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// One record a message: the payload is the value, the rest are headers. Any Kafka client reads it.
    Json,
    /// Many records a message: one binary frame. Several times as fast.
    Batch,
}

/// What differs for one topic.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TopicConfig {
    /// How records are written; `batch` for logs.raw, else `json`.
    pub format: Option<Format>,
    /// Whether others own this topic: it is read under its own name without the prefix, never created
    /// and never changed; false.
    pub foreign: bool,
    /// How the messages that others write there are decoded; `json`.
    pub codec: Codec,
}

/// What differs for single topics, by name.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TopicConfigs(pub BTreeMap<String, TopicConfig>);

impl TopicConfigs {
    /// How records are written to this topic.
    #[must_use]
    pub fn format(&self, topic: &str) -> Format {
        let default = if topic == TOPIC_RAW { Format::Batch } else { Format::Json };
        self.0.get(topic).and_then(|topic| topic.format).unwrap_or(default)
    }

    /// Whether others own this topic.
    #[must_use]
    pub fn is_foreign(&self, topic: &str) -> bool {
        self.0.get(topic).is_some_and(|topic| topic.foreign)
    }

    /// How messages of others in this topic are decoded.
    #[must_use]
    pub fn codec(&self, topic: &str) -> Codec {
        self.0.get(topic).map_or(Codec::Json, |topic| topic.codec)
    }

    pub(super) fn problems(&self) -> Vec<Problem> {
        let legal = |name: &str| {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            (1..=249).contains(&name.len())
                && name.bytes().all(allowed)
                && !matches!(name, "." | "..")
        };
        let mut problems = Vec::new();
        for (name, topic) in &self.0 {
            if !legal(name) {
                let message = format!("Kafka does not allow a topic named {}", quoted(name));
                problems.push((vec!["topics"], message));
            }
            if topic.foreign && TOPICS.contains(&name.as_str()) {
                let name = quoted(name);
                let message = format!(
                    "the topic {name} is the platform's own and cannot be foreign: let others write to one of \
                     another name"
                );
                problems.push((vec!["topics"], message));
            }
            if topic.foreign && topic.format.is_some() {
                let name = quoted(name);
                let message = format!("the topic {name} is foreign: nothing is written there");
                problems.push((vec!["topics"], message));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::{TOPICS, TopicConfig, TopicConfigs};

    #[test]
    fn a_topic_of_the_platform_is_not_foreign() {
        let foreign = TopicConfig { foreign: true, ..TopicConfig::default() };
        let problems =
            |name: &str| TopicConfigs([(name.to_owned(), foreign.clone())].into()).problems();
        for name in TOPICS {
            let problems = problems(name);
            assert_eq!(problems.len(), 1, "{name}");
            assert!(problems[0].1.contains("platform's own"), "{problems:?}");
        }
        assert!(problems("shop.raw").is_empty());
    }
}
