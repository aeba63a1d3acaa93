//! The bus port on Apache Kafka: records as messages, groups as consumer groups.
//!
//! The only place that names the client library. It never decodes a payload and knows no stage.

mod address;
mod admin;
mod bus_port;
mod client;
mod config;
mod consumer;
mod counters;
mod error;
mod groups;
mod message;
mod metadata;
mod oauth;
mod producer;
mod reader;
mod topics;

pub use bus_port::KafkaBus;
pub use config::{
    Compression, Format, GroupProtocol, KafkaConfig, SaslConfig, SaslMechanism, TopicConfig,
    TopicConfigs,
};
pub use counters::KafkaCounts;
