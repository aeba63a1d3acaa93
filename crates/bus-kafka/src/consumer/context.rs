//! What the client library tells a member: changes of its assignment, kept for the member's thread.
//!
//! The library waits for the answer to a change, (un)assigning, which may come after the callback.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use rdkafka::client::{ClientContext, OAuthToken};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, RebalanceProtocol};
use rdkafka::error::{KafkaError, KafkaResult};
use rdkafka::topic_partition_list::TopicPartitionList;
use rdkafka::types::RDKafkaRespErr;

use crate::client::Context;
use crate::config::KafkaConfig;

/// A change of what is assigned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Assign,
    Revoke,
    /// Gone already: others may have it.
    Lose,
}

/// The member's context.
#[derive(Debug)]
pub(super) struct MemberContext {
    pub(super) common: Context,
    changes: Mutex<VecDeque<(Change, TopicPartitionList)>>,
    closing: AtomicBool,
}

impl MemberContext {
    pub(super) fn new(config: &KafkaConfig) -> Self {
        Self {
            common: Context::new(config),
            changes: Mutex::default(),
            closing: AtomicBool::new(false),
        }
    }

    /// The oldest change that is not answered yet.
    pub(super) fn change(&self) -> Option<(Change, TopicPartitionList)> {
        self.changes.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// From now on, changes are answered at once: the member leaves.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }
}

/// Adds to the assignment.
pub(super) fn assign<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    list: &TopicPartitionList,
) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_assign(list),
        _ => consumer.assign(list),
    }
}

/// Takes from the assignment, all of it where the group rebalances eagerly.
pub(super) fn unassign<C: ConsumerContext>(
    consumer: &BaseConsumer<C>,
    list: &TopicPartitionList,
) -> KafkaResult<()> {
    match consumer.rebalance_protocol() {
        RebalanceProtocol::Cooperative => consumer.incremental_unassign(list),
        _ => consumer.unassign(),
    }
}

impl ClientContext for MemberContext {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = true;

    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        self.common.log(level, facility, message);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.common.error(error, reason);
    }

    fn generate_oauth_token(
        &self,
        settings: Option<&str>,
    ) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        self.common.generate_oauth_token(settings)
    }
}

impl ConsumerContext for MemberContext {
    fn rebalance(
        &self,
        consumer: &BaseConsumer<Self>,
        code: RDKafkaRespErr,
        list: &mut TopicPartitionList,
    ) {
        let change = match code {
            RDKafkaRespErr::RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS => Change::Assign,
            _ if consumer.assignment_lost() => Change::Lose,
            _ => Change::Revoke,
        };
        if self.closing.load(Ordering::Acquire) {
            // A new assignment is answered by taking nothing: the member is on its way out. Of what was
            // refused earlier the library knows nothing, and lets all go at once.
            let answer = match change {
                Change::Assign => assign(consumer, &TopicPartitionList::new()),
                Change::Revoke | Change::Lose => unassign(consumer, list),
            };
            if let Err(error) = answer.or_else(|_| consumer.unassign()) {
                tracing::debug!(%error, "a leaving member could not answer a rebalance");
            }
            return;
        }
        let mut changes = self.changes.lock().unwrap_or_else(PoisonError::into_inner);
        changes.push_back((change, list.clone()));
    }
}
