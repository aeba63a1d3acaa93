//! What a sink is: one attempt to deliver, answered item by item. The runner owns all retries.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bus::{Bus, ErrorKind, Record};

use crate::stage::Rejection;

/// The answer for one item.
#[derive(Debug)]
pub enum Outcome {
    /// It is durable at the other side.
    Delivered,
    /// It may work later; the runner waits at least this long.
    RetryLater {
        /// The shortest wait.
        after: Duration,
        /// What is in the way, for the log.
        reason: String,
    },
    /// The other side refuses it for good: to the dead letters.
    Rejected(Rejection),
}

/// An error about the whole: credentials, settings, a broken disk. The runner stops the partition,
/// readiness fails and nothing is committed.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct Fatal(pub String);

/// A place that takes records.
#[async_trait]
pub trait Sink: Send + Sync {
    /// Tries once to deliver these, and answers for each in order.
    ///
    /// # Errors
    /// [`Fatal`] when none can be delivered until somebody changes something.
    async fn deliver(&self, items: &[Record]) -> Result<Vec<Outcome>, Fatal>;
}

/// A sink that publishes to a topic.
pub struct TopicSink {
    bus: Arc<dyn Bus>,
    topic: &'static str,
}

impl TopicSink {
    /// Publishes to `topic`.
    #[must_use]
    pub fn new(bus: Arc<dyn Bus>, topic: &'static str) -> Self {
        Self { bus, topic }
    }
}

impl std::fmt::Debug for TopicSink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TopicSink").field("topic", &self.topic).finish_non_exhaustive()
    }
}

#[async_trait]
impl Sink for TopicSink {
    async fn deliver(&self, items: &[Record]) -> Result<Vec<Outcome>, Fatal> {
        let answers = self.bus.publish(self.topic, items.to_vec()).await;
        let mut outcomes = Vec::with_capacity(answers.len());
        for answer in answers {
            outcomes.push(match answer {
                Ok(_) => Outcome::Delivered,
                Err(error) => match error.kind {
                    ErrorKind::Transient => Outcome::RetryLater {
                        after: Duration::from_millis(100),
                        reason: error.message,
                    },
                    ErrorKind::Rejected => Outcome::Rejected(Rejection {
                        kind: "publish_refused".into(),
                        message: error.message,
                        position_bytes: None,
                    }),
                    ErrorKind::Fatal => return Err(Fatal(error.message)),
                },
            });
        }
        Ok(outcomes)
    }
}
