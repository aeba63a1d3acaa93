//! An input of the door: what the lines of the files are that it names, and what their records are called after.

use std::path::Path;
use std::sync::Arc;

use bus::Codec;
use bytestring::ByteString;

use super::DOOR;
use crate::config::{FileInputConfig, StartPosition};
use crate::intake::Origin;
use crate::metrics::GatewayMetrics;
use crate::multiline::{Multiline, Rules};

/// What the files of an input have in common.
#[derive(Debug)]
pub(crate) struct Input {
    /// Its name, by which the enricher knows it.
    name: ByteString,
    codec: Codec,
    pub(crate) start_position: Option<StartPosition>,
    multiline: Option<Rules>,
    metrics: GatewayMetrics,
}

impl Input {
    pub(crate) fn new(
        name: String,
        config: &FileInputConfig,
        line_bytes_max: usize,
        metrics: GatewayMetrics,
    ) -> Self {
        Self {
            name: name.into(),
            codec: config.codec,
            start_position: config.start_position,
            multiline: Rules::new(&config.multiline, line_bytes_max),
            metrics,
        }
    }

    /// Where the lines of a file come from whose content has this name.
    pub(crate) fn origin(&self, shop: ByteString, path: &Path, content: &str) -> Arc<Origin> {
        Arc::new(Origin {
            shop,
            source: path.to_string_lossy().into_owned().into(),
            listener: self.name.clone(),
            codec: self.codec,
            content_type: ByteString::new(),
            trace_context: ByteString::new(),
            // Every file stays on one partition, so that its order holds.
            routing_key: content.into(),
        })
    }

    /// What joins the lines of one file, where lines are joined.
    pub(crate) fn multiline(&self) -> Option<Multiline> {
        let rules = self.multiline.clone()?;
        Some(Multiline::new(rules, DOOR, self.metrics.clone()))
    }
}
