//! Where a running platform listens, written into its data folder for the tool and for tests.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::command::Failure;

/// Name of the file within the data folder.
const FILE: &str = "run/addresses.json";

/// The addresses of all listeners as they are bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// Lines over TCP.
    pub tcp: Option<SocketAddr>,
    /// Lines over UDP.
    pub udp: Option<SocketAddr>,
    /// The HTTP door.
    pub http: Option<SocketAddr>,
    /// Where it takes OTLP over HTTP besides.
    pub otlp_http: Option<SocketAddr>,
    /// Where it takes OTLP over gRPC besides.
    pub otlp_grpc: Option<SocketAddr>,
    /// Where it takes what clients of Elasticsearch send besides.
    pub bulk: Option<SocketAddr>,
    /// The Beats door.
    pub beats: Option<SocketAddr>,
    /// API and pages.
    pub api: SocketAddr,
    /// Metrics and health.
    pub metrics: SocketAddr,
}

impl Addresses {
    /// What a platform on this data folder has written, if one runs.
    #[must_use]
    pub fn read(data: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(data.join(FILE)).ok()?).ok()
    }

    /// Writes them, whole or not at all.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn write(&self, data: &Path) -> Result<(), Failure> {
        let path = data.join(FILE);
        let part = path.with_extension("part");
        let text = serde_json::to_vec_pretty(self).map_err(std::io::Error::other);
        text.and_then(|text| fs::write(&part, text))
            .and_then(|()| fs::rename(&part, &path))
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))
    }

    /// Takes the file away when the platform stops.
    pub fn remove(data: &Path) {
        // Nothing depends on it: the next start writes it anew.
        drop(fs::remove_file(data.join(FILE)));
    }
}
