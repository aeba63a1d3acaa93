//! TLS on the doors of connections: versions 1.2 (RFC 5246) and 1.3 (RFC 8446), by rustls.
//!
//! What is wrong with certificates and keys is said before a door opens, and none opens then. While it is
//! open the files are looked at again and again: what has changed counts for the connections that come, and
//! what cannot be used leaves all as it was.

mod files;
mod sender;

use std::fmt::Display;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use access::ShopName;
use rustls::ServerConfig;
use service::{MetricKind, Metrics};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::{Problem, TlsConfig};
use crate::metrics::GatewayMetrics;

pub(crate) use files::Loaded;

/// What the HTTP door speaks (RFC 7301).
pub(crate) const HTTP_PROTOCOLS: &[&[u8]] = &[b"h2", b"http/1.1"];
/// Certificates that end within this time are told of in the log.
const EXPIRY_WARNING: Duration = Duration::from_secs(7 * 86_400);
/// How often that is told.
const WARNING_INTERVAL: Duration = Duration::from_secs(86_400);
/// How often a door names a sender that does not come in.
const NAMING_INTERVAL: Duration = Duration::from_secs(60);

/// Which TLS a door has.
#[derive(Clone, Debug)]
pub(crate) struct Terms {
    /// Its name, which tells its table.
    pub(crate) door: &'static str,
    config: TlsConfig,
    /// What it speaks within (RFC 7301), the best first.
    protocols: &'static [&'static [u8]],
}

impl Terms {
    pub(crate) fn new(
        door: &'static str,
        config: &TlsConfig,
        protocols: &'static [&'static [u8]],
    ) -> Self {
        Self { door, config: config.clone(), protocols }
    }

    /// Reads the files; none if the door has no TLS.
    ///
    /// # Errors
    /// The setting of what is missing, does not fit or has expired.
    pub(crate) fn load(self) -> Result<Option<Ready>, Problem> {
        if !self.config.is_on() {
            return Ok(None);
        }
        let loaded = files::load(&self, now_s())?;
        Ok(Some(Ready { terms: self, loaded }))
    }
}

/// TLS that can be served.
#[derive(Debug)]
pub(crate) struct Ready {
    terms: Terms,
    loaded: Loaded,
}

/// A connection whose handshake is over.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) stream: TlsStream<TcpStream>,
    /// Whose the sender's certificate is, where the door knows shops by their certificates.
    pub(crate) shop: Option<ShopName>,
}

/// Makes handshakes for one door.
#[derive(Debug)]
pub(crate) struct Acceptor {
    terms: Terms,
    current: Mutex<Loaded>,
    /// When a sender that did not come in was last named.
    named_at: Mutex<Option<Instant>>,
    metrics: GatewayMetrics,
}

impl Acceptor {
    pub(crate) fn new(ready: Ready, metrics: &GatewayMetrics) -> Arc<Self> {
        let Ready { terms, loaded } = ready;
        let (current, named_at) = (Mutex::new(loaded), Mutex::new(None));
        Arc::new(Self { terms, current, named_at, metrics: metrics.clone() })
    }

    fn current(&self) -> Loaded {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes the handshake; none if it fails or takes too long, or the sender's certificate is no shop's
    /// where it must be one's. All of that is counted.
    pub(crate) async fn accept(&self, stream: TcpStream) -> Option<Accepted> {
        let config: Arc<ServerConfig> = self.current().config;
        let peer = stream.peer_addr().ok();
        let handshake = TlsAcceptor::from(config).accept(stream);
        let door = self.terms.door;
        match timeout(self.terms.config.handshake_timeout.0, handshake).await {
            Ok(Ok(stream)) => return self.know(stream, peer),
            Ok(Err(error)) => {
                // Whoever only looks whether the port is open has done no handshake wrong.
                if error.kind() != io::ErrorKind::UnexpectedEof {
                    self.name_refused(peer, &error);
                }
                self.metrics.tls_handshake_failures.with_label_values(&[door]).inc();
            }
            Err(_) => self.metrics.limit_hit(door, "tls_handshake_timeout"),
        }
        None
    }

    /// Finds out whose the sender's certificate is, where shops are known by them.
    fn know(&self, stream: TlsStream<TcpStream>, peer: Option<SocketAddr>) -> Option<Accepted> {
        let shops = &self.terms.config.shops;
        let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
        let Some(certificate) = certificate.filter(|_| !shops.is_empty()) else {
            return Some(Accepted { stream, shop: None });
        };
        match sender::shop(certificate, shops) {
            Ok(shop) => Some(Accepted { stream, shop: Some(shop) }),
            Err(stranger) => {
                self.name_refused(peer, &stranger);
                let labels = [self.terms.door, stranger.reason()];
                self.metrics.refused_senders.with_label_values(&labels).inc();
                None
            }
        }
    }

    /// Says why a sender does not come in, now and then however many there are: its own log often knows no more than
    /// that the connection has broken.
    fn name_refused(&self, peer: Option<SocketAddr>, why: &dyn Display) {
        let door = self.terms.door;
        let peer = peer.map(tracing::field::display);
        if is_due(&self.named_at, Instant::now()) {
            tracing::info!(door, peer, %why, "a sender does not get in with TLS; others of the next minute are only counted");
        } else {
            tracing::debug!(door, peer, %why, "a sender does not get in with TLS");
        }
    }

    /// Looks at the files from time to time, and takes what is new and good. Goes on until it is dropped.
    pub(crate) async fn watch(self: Arc<Self>) {
        let mut looks = interval(self.terms.config.reload_interval.0);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut refused = None;
        let mut warned_at = None;
        loop {
            looks.tick().await;
            let this = Arc::clone(&self);
            // A panic would be a mistake of the program; the certificate that there is stays good.
            let Ok(outcome) = tokio::task::spawn_blocking(move || this.look()).await else {
                return;
            };
            self.report(outcome, &mut refused);
            let left_s = self.current().not_after_s - now_s();
            let is_due = warned_at.is_none_or(|at: Instant| at.elapsed() >= WARNING_INTERVAL);
            if left_s < EXPIRY_WARNING.as_secs().cast_signed() && is_due {
                warned_at = Some(Instant::now());
                tracing::warn!(door = self.terms.door, left_s, "the door's certificate ends soon");
            }
        }
    }

    /// What the files are now, if that is not what is served.
    fn look(&self) -> Option<Result<Loaded, Problem>> {
        let digest = files::digest(&self.terms.config);
        if digest == Some(self.current().digest) {
            return None;
        }
        Some(files::load(&self.terms, now_s()))
    }

    /// Takes what is good. What is not is said once, not at each look.
    fn report(&self, outcome: Option<Result<Loaded, Problem>>, refused: &mut Option<Problem>) {
        let door = self.terms.door;
        let count = |result| self.metrics.tls_reloads.with_label_values(&[door, result]).inc();
        match outcome {
            None => *refused = None,
            Some(Ok(loaded)) => {
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = loaded;
                *refused = None;
                count("taken");
                tracing::info!(door, "the door has a new certificate");
            }
            Some(Err(problem)) => {
                if refused.as_ref() != Some(&problem) {
                    count("refused");
                    tracing::error!(
                        door, %problem,
                        "the certificate's files have changed and cannot be used: the door goes on with the old ones"
                    );
                    *refused = Some(problem);
                }
            }
        }
    }
}

/// Shows how long certificates are good, by door.
pub(crate) fn show_expiry(acceptors: &[Arc<Acceptor>], metrics: &Metrics) {
    if acceptors.is_empty() {
        return;
    }
    let acceptors = acceptors.to_vec();
    metrics.computed(
        "millrace_gateway_tls_certificate_expires_in_seconds",
        "Time until the door's certificate, or one that it rests on, is no longer good; negative once it is not",
        MetricKind::Gauge,
        &["door"],
        move || {
            let sample = |acceptor: &Arc<Acceptor>| {
                let left_s = acceptor.current().not_after_s - now_s();
                (vec![acceptor.terms.door.to_owned()], left_s as f64)
            };
            acceptors.iter().map(sample).collect()
        },
    );
}

/// Whether a sender is named again, which is noted.
fn is_due(named_at: &Mutex<Option<Instant>>, now: Instant) -> bool {
    let mut named_at = named_at.lock().unwrap_or_else(PoisonError::into_inner);
    let is_due = named_at.is_none_or(|at| now.saturating_duration_since(at) >= NAMING_INTERVAL);
    if is_due {
        *named_at = Some(now);
    }
    is_due
}

/// Seconds since 1970 UTC.
fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::{Mutex, is_due};

    #[test]
    fn a_sender_that_tries_again_and_again_is_named_once_a_minute() {
        let (named_at, start) = (Mutex::new(None), Instant::now());
        let due_at = |seconds| is_due(&named_at, start + Duration::from_secs(seconds));
        let named: Vec<u64> = (0..180).filter(|seconds| due_at(*seconds)).collect();
        assert_eq!(named, [0, 60, 120]);
    }
}
