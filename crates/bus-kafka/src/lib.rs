//! The bus port on Apache Kafka: records as messages, groups as consumer groups.
//!
//! The only place that names the client library. It never decodes a payload and knows no stage.
