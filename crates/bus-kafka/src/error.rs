//! What a caller can do about an error of Kafka: the one place that sorts its codes.
//!
//! A code that is not named here passes by itself or is worth another try: waiting loses nothing, and
//! ending a service for an unknown reason would.

use bus::{BusError, ErrorKind};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

pub(crate) fn fatal(message: impl Into<String>) -> BusError {
    BusError::new(ErrorKind::Fatal, message)
}

pub(crate) fn transient(message: impl Into<String>) -> BusError {
    BusError::new(ErrorKind::Transient, message)
}

pub(crate) fn rejected(message: impl Into<String>) -> BusError {
    BusError::new(ErrorKind::Rejected, message)
}

/// Text of strangers, in quotes and without control characters.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", text.escape_debug())
}

/// The error for a failed operation, named as in "cannot `operation`".
pub(crate) fn failure(operation: &str, error: &KafkaError) -> BusError {
    match code_of(error) {
        Some(code) => coded(operation, code),
        None => {
            let kind = match error {
                KafkaError::ClientConfig(..)
                | KafkaError::ClientCreation(_)
                | KafkaError::Nul(_) => ErrorKind::Fatal,
                _ => ErrorKind::Transient,
            };
            BusError::new(kind, format!("cannot {operation}: {error}"))
        }
    }
}

/// The code of an error; the library tells that of an administrative request apart.
fn code_of(error: &KafkaError) -> Option<Code> {
    match error {
        KafkaError::AdminOp(code) => Some(*code),
        _ => error.rdkafka_error_code(),
    }
}

/// The error of reading a topic, where one that is missing is waited for: it may be new and not known to
/// every broker yet, or be made again.
pub(crate) fn reading(operation: &str, error: &KafkaError) -> BusError {
    match error.rdkafka_error_code() {
        Some(Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition) => {
            transient(format!("cannot {operation}: a topic is missing; it is waited for"))
        }
        _ => failure(operation, error),
    }
}

/// The error for a code that an operation ended with.
pub(crate) fn coded(operation: &str, code: Code) -> BusError {
    let (kind, advice) = sort(code);
    let separator = if advice.is_empty() { "" } else { "; " };
    BusError::new(kind, format!("cannot {operation}: {code}{separator}{advice}"))
}

/// What can be done about a code, and how.
pub(crate) fn sort(code: Code) -> (ErrorKind, &'static str) {
    if let Code::MessageSizeTooLarge | Code::InvalidMessageSize | Code::MessageBatchTooLarge = code
    {
        return (ErrorKind::Rejected, "it is larger than the topic's max.message.bytes");
    }
    let lasting = right_missing(code).or_else(|| setting_wrong(code));
    lasting
        .map_or_else(|| (ErrorKind::Transient, passing(code)), |advice| (ErrorKind::Fatal, advice))
}

/// What to do where this client may not.
fn right_missing(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::TopicAuthorizationFailed => {
            "give this user the right to read, write and describe the topic"
        }
        Code::GroupAuthorizationFailed => "give this user the right to read the consumer group",
        Code::ClusterAuthorizationFailed => {
            "give this user the rights it needs on the cluster (idempotent write; create, unless \
             create_topics = false)"
        }
        Code::TransactionalIdAuthorizationFailed | Code::DelegationTokenAuthorizationFailed => {
            "give this user the right"
        }
        Code::SaslAuthenticationFailed
        | Code::Authentication
        | Code::UnsupportedSASLMechanism
        | Code::IllegalSASLState => {
            "look at the settings sasl.mechanism, sasl.user and the password"
        }
        _ => return None,
    })
}

/// What to do where something has to be changed first.
fn setting_wrong(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => {
            "the topic is missing: create it (kafka-topics.sh --create), or set create_topics = true"
        }
        Code::InvalidTopic => "Kafka does not allow this name of a topic",
        Code::OffsetMetadataTooLarge => {
            "raise the brokers' offset.metadata.max.bytes to 4096, which is Kafka's default"
        }
        Code::InvalidReplicationFactor => {
            "there are fewer brokers than replication_factor asks for"
        }
        Code::PolicyViolation | Code::InvalidConfig => {
            "the cluster's policy refuses these settings of a topic"
        }
        Code::FencedInstanceId => {
            "another member has the same instance_id: every process needs its own"
        }
        Code::InvalidGroupId | Code::InvalidSessionTimeout | Code::InconsistentGroupProtocol => {
            "the group's members do not agree: stop all of them before group_protocol is changed, \
             and look at session_timeout"
        }
        Code::UnsupportedVersion | Code::UnsupportedFeature | Code::UnsupportedAssignor => {
            "the brokers are too old for this (group_protocol = \"consumer\" needs Kafka 4.0)"
        }
        Code::UnsupportedCompressionType => "the brokers are too old for this compression: use lz4",
        Code::InvalidRequiredAcks | Code::InvalidRequest | Code::InvalidArgument => {
            "the brokers do not understand the request"
        }
        _ => return None,
    })
}

/// What it is that passes.
fn passing(code: Code) -> &'static str {
    match code {
        Code::IllegalGeneration
        | Code::UnknownMemberId
        | Code::RebalanceInProgress
        | Code::StaleMemberEpoch
        | Code::FencedMemberEpoch => "the partition is being given to another member",
        Code::NotEnoughReplicas | Code::NotEnoughReplicasAfterAppend => {
            "fewer replicas are in sync than min.insync.replicas asks for"
        }
        Code::MessageTimedOut
        | Code::OperationTimedOut
        | Code::RequestTimedOut
        | Code::BrokerTransportFailure
        | Code::AllBrokersDown
        | Code::Resolve
        | Code::NetworkException
        | Code::LeaderNotAvailable
        | Code::CoordinatorNotAvailable => "a broker is away",
        Code::SSL => "look at the settings tls and ca_file",
        Code::KafkaStorageError => "a broker's disk fails",
        _ => "",
    }
}

/// Whether the client library gave up for good on its instance, so that a new one is needed.
pub(crate) fn ends_client(code: Code) -> bool {
    matches!(
        code,
        Code::Fatal
            | Code::OutOfOrderSequenceNumber
            | Code::InvalidProducerEpoch
            | Code::ProducerFenced
            | Code::Fenced
            | Code::UnknownProducerId
            | Code::GaplessGuarantee
            | Code::PurgeQueue
            | Code::PurgeInflight
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_sorted_by_what_a_caller_can_do() {
        for (code, kind) in [
            (Code::MessageSizeTooLarge, ErrorKind::Rejected),
            (Code::TopicAuthorizationFailed, ErrorKind::Fatal),
            (Code::GroupAuthorizationFailed, ErrorKind::Fatal),
            (Code::OffsetMetadataTooLarge, ErrorKind::Fatal),
            (Code::UnknownTopicOrPartition, ErrorKind::Fatal),
            (Code::IllegalGeneration, ErrorKind::Transient),
            (Code::RebalanceInProgress, ErrorKind::Transient),
            (Code::MessageTimedOut, ErrorKind::Transient),
            (Code::AllBrokersDown, ErrorKind::Transient),
            (Code::NotLeaderForPartition, ErrorKind::Transient),
            (Code::NotEnoughReplicas, ErrorKind::Transient),
        ] {
            assert_eq!(sort(code).0, kind, "{code:?}");
        }
    }

    #[test]
    fn an_error_says_what_was_tried_and_what_to_do() {
        let error = coded("commit logs.raw/3", Code::OffsetMetadataTooLarge);
        assert!(error.message.starts_with("cannot commit logs.raw/3: "), "{error}");
        assert!(error.message.contains("offset.metadata.max.bytes"), "{error}");
        let error = failure("ask", &KafkaError::AdminOp(Code::ClusterAuthorizationFailed));
        assert_eq!(error.kind, ErrorKind::Fatal, "{error}");
        assert!(!quoted("a\u{1b}[2J").contains('\u{1b}'));
    }
}
