//! Metrics in Prometheus' text format. Labels come from the program, never from events.

use prometheus::{
    Encoder, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry, TextEncoder,
};

/// The process's registry; cloning shares.
#[derive(Clone, Debug, Default)]
pub struct Metrics {
    registry: Registry,
}

impl Metrics {
    /// A counter; its name ends in `_total`. Each name is made once a process.
    #[must_use]
    pub fn counter(&self, name: &str, help: &str, labels: &[&str]) -> IntCounterVec {
        let made = IntCounterVec::new(Opts::new(name, help), labels);
        let metric = made.expect("names and labels are constants of the program");
        self.register(name, metric)
    }

    /// A gauge.
    #[must_use]
    pub fn gauge(&self, name: &str, help: &str, labels: &[&str]) -> IntGaugeVec {
        let made = IntGaugeVec::new(Opts::new(name, help), labels);
        let metric = made.expect("names and labels are constants of the program");
        self.register(name, metric)
    }

    /// A histogram; its name ends in its unit, `_seconds` or `_bytes`.
    #[must_use]
    pub fn histogram(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
        buckets: Vec<f64>,
    ) -> HistogramVec {
        let made = HistogramVec::new(HistogramOpts::new(name, help).buckets(buckets), labels);
        let metric = made.expect("names and labels are constants of the program");
        self.register(name, metric)
    }

    fn register<M: prometheus::core::Collector + Clone + 'static>(
        &self,
        name: &str,
        metric: M,
    ) -> M {
        if let Err(error) = self.registry.register(Box::new(metric.clone())) {
            tracing::warn!(name, %error, "a metric was made twice; only the first is shown");
        }
        metric
    }

    /// All metrics as Prometheus reads them.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.registry.gather(), &mut out) {
            tracing::warn!(%error, "cannot write the metrics");
        }
        String::from_utf8_lossy(&out).into_owned()
    }
}
