//! An input of the door: what the lines of the files are that it names, how these are read, and what their records
//! are called after.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bus::Codec;
use bytestring::ByteString;

use super::DOOR;
use super::open_files::OpenFiles;
use crate::config::{FileConfig, FileInputConfig, FileMode, StartPosition};
use crate::intake::Origin;
use crate::metrics::GatewayMetrics;
use crate::multiline::{Multiline, Rules};

/// Files that are read side by side where each is read once.
const READ_MODE_OPEN_MAX: u32 = 8;

/// What the files of an input have in common.
#[derive(Debug)]
pub(crate) struct Input {
    /// Its place among the inputs of the door, in the order in which they are asked for a file.
    pub(crate) number: usize,
    /// Its name, by which the enricher knows it.
    name: ByteString,
    mode: FileMode,
    codec: Codec,
    pub(crate) start_position: Option<StartPosition>,
    multiline: Option<Rules>,
    pub(crate) poll_interval: Duration,
    pub(crate) scan_interval: Duration,
    pub(crate) close_after: Duration,
    pub(crate) forget_after: Duration,
    /// Its open files, with those of others where it has no limit of its own.
    pub(crate) open: Arc<OpenFiles>,
    metrics: GatewayMetrics,
}

impl Input {
    /// All inputs of a door, in the order in which they are asked for a file, each with its settings. What an input
    /// does not say is as the door's table says it.
    pub(crate) fn all(
        door: &FileConfig,
        line_bytes_max: usize,
        metrics: &GatewayMetrics,
    ) -> Vec<(Arc<Self>, FileInputConfig)> {
        let open = metrics.files.with_label_values(&["open"]);
        let limit = |mode: FileMode, max: u32| match mode {
            FileMode::Tail => OpenFiles::at_most(max, &open),
            FileMode::Read => OpenFiles::at_most(max.min(READ_MODE_OPEN_MAX), &open),
        };
        // Files that are followed stay open, and must not take the places of those that are read once.
        let followed = limit(FileMode::Tail, door.open_files_max);
        let read_once = limit(FileMode::Read, door.open_files_max);
        let input = |(number, (name, own)): (usize, (String, FileInputConfig))| {
            let mode = own.mode.unwrap_or(door.mode);
            let input = Self {
                number,
                name: name.into(),
                mode,
                codec: own.codec,
                start_position: own.start_position,
                multiline: Rules::new(&own.multiline, line_bytes_max),
                poll_interval: own.poll_interval.unwrap_or(door.poll_interval).0,
                scan_interval: own.scan_interval.unwrap_or(door.scan_interval).0,
                close_after: own.close_after.unwrap_or(door.close_after).0,
                forget_after: own.forget_after.unwrap_or(door.forget_after).0,
                open: match (own.open_files_max, mode) {
                    (Some(max), mode) => limit(mode, max),
                    (None, FileMode::Tail) => Arc::clone(&followed),
                    (None, FileMode::Read) => Arc::clone(&read_once),
                },
                metrics: metrics.clone(),
            };
            (Arc::new(input), own)
        };
        door.all_inputs().into_iter().enumerate().map(input).collect()
    }

    /// Whether each of its files is read once, and not followed.
    pub(crate) fn reads_once(&self) -> bool {
        self.mode == FileMode::Read
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
