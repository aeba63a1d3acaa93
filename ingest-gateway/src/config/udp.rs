//! Settings of the UDP door: where it listens, what its lines are, and what the kernel keeps for it.

use std::collections::BTreeMap;

use access::ShopName;
use bus::Codec;
use serde::{Deserialize, Serialize};
use service::ByteSize;

use super::Listen;

/// Settings of the UDP door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UdpConfig {
    /// Address and port, or `off`.
    pub listen: Listen,
    /// What a line is: a JSON object, or plain text.
    pub codec: Codec,
    /// The shop of all that comes; absent, `default`.
    pub shop: Option<ShopName>,
    /// Size of the kernel's receive buffer. Beyond `net.core.rmem_max` it needs CAP_NET_ADMIN.
    pub receive_buffer_bytes: ByteSize,
    /// Further doors of the kind with settings of their own, by a name that begins with `udp-`: their records, metrics
    /// and `enricher.inputs` have it.
    pub inputs: BTreeMap<String, UdpConfig>,
}

impl Default for UdpConfig {
    fn default() -> Self {
        Self {
            listen: Listen::loopback(5000),
            codec: Codec::Json,
            shop: None,
            receive_buffer_bytes: ByteSize(32 << 20),
            inputs: BTreeMap::new(),
        }
    }
}
