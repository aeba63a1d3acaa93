//! What must hold for any bytes: a function for each place where bytes of others are read. Each panics where it does
//! not hold; none reads a file, a clock or the network.

pub mod bulk_action;
pub mod config_text;
pub mod content_encoding;
pub mod date_format;
pub mod grok_pattern;
pub mod http_body;
pub mod json_scan;
pub mod lumberjack;
mod one_filter;
pub mod otlp_message;
pub mod stream_frames;
pub mod syslog_message;
mod trial;
