//! What the gateway counts beside the ledgers of its doors.
//!
//! Labels are names of doors and limits, never anything that a sender said.

use std::collections::BTreeMap;

use prometheus::{HistogramVec, IntCounterVec, IntGauge, IntGaugeVec};
use service::Metrics;

use crate::config::Place;

/// The gateway's metrics; cloning shares.
#[derive(Clone, Debug)]
pub(crate) struct GatewayMetrics {
    /// Open connections by door.
    pub(crate) connections: IntGaugeVec,
    /// Bytes read by door, as they were sent.
    pub(crate) received_bytes: IntCounterVec,
    /// Wrong or missing tokens by door.
    pub(crate) unauthorized: IntCounterVec,
    /// Senders of whom nobody knows who they are, by door and reason.
    pub(crate) refused_senders: IntCounterVec,
    /// Requests that were answered with an error, by door and code.
    pub(crate) refused_requests: IntCounterVec,
    /// Messages of syslog that say no time which can be used, by door.
    pub(crate) untimed_messages: IntCounterVec,
    /// Handshakes of TLS that failed, by door.
    pub(crate) tls_handshake_failures: IntCounterVec,
    /// Changed certificates by door and result: taken, refused.
    pub(crate) tls_reloads: IntCounterVec,
    /// Lines that were read and could not be made durable before the process had to stop, by door.
    pub(crate) lost_records: IntCounterVec,
    /// Time from a full batch to its durability, by door.
    pub(crate) publish_seconds: HistogramVec,
    /// Files of the file door by state: known, open, unreadable.
    pub(crate) files: IntGaugeVec,
    /// Bytes of files that the log has not acknowledged.
    pub(crate) unread_bytes: IntGauge,
    limit_hits: IntCounterVec,
    /// Sockets of doors by name: open, or closed because they gave way.
    door_open: IntGaugeVec,
}

impl GatewayMetrics {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self {
            connections: metrics.gauge(
                "millrace_gateway_connections",
                "Open connections",
                &["door"],
            ),
            received_bytes: metrics.counter(
                "millrace_gateway_received_bytes_total",
                "Bytes read, as they were sent",
                &["door"],
            ),
            unauthorized: metrics.counter(
                "millrace_gateway_unauthorized_total",
                "Connections and requests with a wrong token or none",
                &["door"],
            ),
            refused_senders: metrics.counter(
                "millrace_gateway_refused_senders_total",
                "Connections and requests whose token or certificate was refused, by reason",
                &["door", "reason"],
            ),
            refused_requests: metrics.counter(
                "millrace_gateway_refused_requests_total",
                "Requests that were answered with an error, by the code of HTTP or of gRPC (`grpc-16`)",
                &["door", "code"],
            ),
            untimed_messages: metrics.counter(
                "millrace_gateway_syslog_untimed_messages_total",
                "Messages of syslog that say no time, or none that can be: they have that of their receipt",
                &["door"],
            ),
            tls_handshake_failures: metrics.counter(
                "millrace_gateway_tls_handshake_failures_total",
                "Connections whose TLS handshake failed",
                &["door"],
            ),
            tls_reloads: metrics.counter(
                "millrace_gateway_tls_reloads_total",
                "Changes of certificate files that were taken, or refused because they cannot be used",
                &["door", "result"],
            ),
            lost_records: metrics.counter(
                "millrace_gateway_lost_records_total",
                "Lines without acknowledgement that were read and not made durable before the stop",
                &["door"],
            ),
            publish_seconds: metrics.histogram(
                "millrace_gateway_publish_seconds",
                "Time that the log took to make a batch durable",
                &["door"],
                vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0],
            ),
            files: metrics.gauge("millrace_gateway_files", "Files of the file door", &["state"]),
            unread_bytes: unread_bytes(metrics),
            limit_hits: metrics.counter(
                "millrace_gateway_limit_hits_total",
                "Times that a limit refused something or sent somebody away",
                &["door", "limit"],
            ),
            door_open: metrics.gauge(
                "millrace_gateway_door_open",
                "Whether the socket of a door is open (1), or closed though no setting says so (0): another program \
                 has its port, or it can be shown no token",
                &["door"],
            ),
        }
    }

    /// Tells which doors are open, and which gave way. Those that are off are not told of.
    pub(crate) fn tell_doors(&self, is_open: &BTreeMap<Place, bool>) {
        for (place, is_open) in is_open {
            self.door_open.with_label_values(&[place.name()]).set(i64::from(*is_open));
        }
    }

    /// Counts that a limit was hit.
    pub(crate) fn limit_hit(&self, door: &str, limit: &str) {
        self.limit_hits.with_label_values(&[door, limit]).inc();
    }
}

fn unread_bytes(metrics: &Metrics) -> IntGauge {
    let name = "millrace_gateway_file_unread_bytes";
    let gauge =
        metrics.gauge(name, "Bytes of plain files that are not durable in the log yet", &[]);
    gauge.with_label_values::<&str>(&[])
}
