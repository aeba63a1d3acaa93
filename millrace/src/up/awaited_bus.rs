//! The bus for those who are served before it was reached: whoever subscribes waits for it, and nobody else is kept
//! waiting.
//!
//! Once it was reached this only passes on.

use std::sync::Arc;

use async_trait::async_trait;
use bus::{Bus, BusError, Consumer, ErrorKind, PartitionLag, Position, Record, TopicSpec};
use pipeline::Runtime;
use service::CancellationToken;

/// See the module.
pub(super) struct AwaitedBus {
    bus: Arc<dyn Bus>,
    /// Cancelled when it was reached and has its topics.
    reached: CancellationToken,
    shutdown: CancellationToken,
}

impl AwaitedBus {
    /// The runtime with its bus in this one, which is good to use when `reached` is cancelled.
    pub(super) fn within(runtime: &Runtime, reached: &CancellationToken) -> Runtime {
        let bus = Self {
            bus: Arc::clone(&runtime.bus),
            reached: reached.clone(),
            shutdown: runtime.context.shutdown.clone(),
        };
        Runtime { bus: Arc::new(bus), ..runtime.clone() }
    }

    fn check(&self) -> Result<(), BusError> {
        if self.reached.is_cancelled() { Ok(()) } else { Err(away()) }
    }
}

fn away() -> BusError {
    BusError::new(ErrorKind::Transient, "the bus was not reached since the start")
}

#[async_trait]
impl Bus for AwaitedBus {
    async fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<(), BusError> {
        self.bus.ensure_topics(topics).await
    }

    async fn publish(&self, topic: &str, batch: Vec<Record>) -> Vec<Result<Position, BusError>> {
        match self.check() {
            Ok(()) => self.bus.publish(topic, batch).await,
            Err(error) => batch.iter().map(|_| Err(error.clone())).collect(),
        }
    }

    /// Before it was reached its topics may be missing, and a group of none is an error for good.
    async fn subscribe(&self, group: &str, topics: &[&str]) -> Result<Box<dyn Consumer>, BusError> {
        if self.shutdown.run_until_cancelled(self.reached.cancelled()).await.is_none() {
            return Err(away());
        }
        self.bus.subscribe(group, topics).await
    }

    async fn lag(&self, group: &str, topics: &[&str]) -> Result<Vec<PartitionLag>, BusError> {
        self.check()?;
        self.bus.lag(group, topics).await
    }

    async fn read(&self, position: &Position) -> Result<Option<Record>, BusError> {
        self.check()?;
        self.bus.read(position).await
    }

    fn shortage(&self) -> Option<String> {
        self.bus.shortage()
    }

    fn durability_warning(&self) -> Option<String> {
        self.bus.durability_warning()
    }
}

#[cfg(test)]
mod tests {
    use bus::TOPIC_DEAD;
    use bus::log::{EmbeddedBus, LogConfig};
    use pipeline::Ledgers;
    use service::Context;

    use super::*;

    #[tokio::test]
    async fn whoever_subscribes_waits_for_the_bus_and_nobody_else_does() {
        let folder = tempfile::tempdir().expect("a folder");
        let config = LogConfig { disk_reserve_bytes: 0, ..LogConfig::default() };
        let bus = EmbeddedBus::open(folder.path().join("bus"), config.clone()).expect("a bus");
        let context = Context::default();
        let ledgers = Ledgers::new(&context.metrics);
        let runtime = Runtime { bus: Arc::new(bus), ledgers, context: context.clone() };
        let reached = CancellationToken::new();
        let awaited = AwaitedBus::within(&runtime, &reached).bus;
        let lag = awaited.lag("group", &[TOPIC_DEAD]).await.expect_err("it was not reached");
        assert_eq!(lag.kind, ErrorKind::Transient);
        let topics = [config.topic(TOPIC_DEAD, &["group"])];
        let reach = async {
            awaited.ensure_topics(&topics).await.expect("it makes them");
            reached.cancel();
        };
        let (subscribed, ()) = tokio::join!(awaited.subscribe("group", &[TOPIC_DEAD]), reach);
        drop(subscribed.expect("its topics are there"));
        assert!(awaited.lag("group", &[TOPIC_DEAD]).await.is_ok());

        let never = AwaitedBus::within(&runtime, &CancellationToken::new()).bus;
        let stop = async { context.shutdown.cancel() };
        let (subscribed, ()) = tokio::join!(never.subscribe("group", &[TOPIC_DEAD]), stop);
        assert!(subscribed.is_err_and(|error| error.kind == ErrorKind::Transient), "it stops");
    }
}
