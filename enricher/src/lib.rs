//! The enricher: a Logstash filter engine between `logs.raw` and `logs.enriched`.
//!
//! A pipeline file is read, checked as a whole, and run for each record. Nothing here reads a clock,
//! draws a random number or runs the text of an event.

pub mod filter;
mod filters;
mod joda;
pub mod language;
pub mod options;
pub mod plan;
pub mod registry;
mod ruby_pattern;
mod suggest;
pub mod template;

pub use filter::{Applied, EcsCompatibility, Environment, Filter, FilterContext, FilterPlan};
pub use filters::geoip::ATTRIBUTION as GEOIP_ATTRIBUTION;
