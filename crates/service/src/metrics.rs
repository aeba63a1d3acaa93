//! Metrics in Prometheus' text format. Labels come from the program, never from events.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::{Counter, Gauge, LabelPair, Metric, MetricFamily, MetricType};
use prometheus::{Encoder, HistogramOpts, Opts, Registry, TextEncoder};
pub use prometheus::{HistogramVec, IntCounterVec, IntGaugeVec};

/// How a computed metric behaves over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// It only grows while the process runs; its name ends in `_total`.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// One line of a computed metric: the labels' values in their declared order, and the number.
pub type Sample = (Vec<String>, f64);

/// The process's registry; cloning shares. A name asked for again gives the same metric.
#[derive(Clone, Default)]
pub struct Metrics {
    registry: Registry,
    made: Arc<Mutex<HashMap<String, Box<dyn Any + Send>>>>,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Metrics {
    /// A counter; its name ends in `_total`.
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

    /// A metric whose samples are read from their owner whenever somebody asks for the metrics,
    /// for numbers that are kept elsewhere anyway. `read` must be quick and must not wait.
    pub fn computed(
        &self,
        name: &str,
        help: &str,
        kind: MetricKind,
        labels: &[&str],
        read: impl Fn() -> Vec<Sample> + Send + Sync + 'static,
    ) {
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        let desc = Desc::new(name.to_owned(), help.to_owned(), labels, HashMap::new());
        let desc = desc.expect("names and labels are constants of the program");
        self.show(name, Box::new(Computed { desc, kind, read: Box::new(read) }));
    }

    fn register<M: Collector + Clone + 'static>(&self, name: &str, metric: M) -> M {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = made.get(name).and_then(|known| known.downcast_ref::<M>()) {
            return known.clone();
        }
        made.insert(name.to_owned(), Box::new(metric.clone()));
        self.show(name, Box::new(metric.clone()));
        metric
    }

    fn show(&self, name: &str, collector: Box<dyn Collector>) {
        if let Err(error) = self.registry.register(collector) {
            tracing::warn!(name, %error, "two metrics have this name; only the first is shown");
        }
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

struct Computed {
    desc: Desc,
    kind: MetricKind,
    read: Box<dyn Fn() -> Vec<Sample> + Send + Sync>,
}

impl Computed {
    fn metric(&self, (values, number): Sample) -> Metric {
        let mut pairs = Vec::with_capacity(values.len());
        for (name, value) in self.desc.variable_labels.iter().zip(values) {
            let mut pair = LabelPair::default();
            pair.set_name(name.clone());
            pair.set_value(value);
            pairs.push(pair);
        }
        let mut metric = Metric::from_label(pairs);
        match self.kind {
            MetricKind::Counter => {
                let mut counter = Counter::default();
                counter.set_value(number);
                metric.set_counter(counter);
            }
            MetricKind::Gauge => {
                let mut gauge = Gauge::default();
                gauge.set_value(number);
                metric.set_gauge(gauge);
            }
        }
        metric
    }
}

impl Collector for Computed {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut family = MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(match self.kind {
            MetricKind::Counter => MetricType::COUNTER,
            MetricKind::Gauge => MetricType::GAUGE,
        });
        family.set_metric((self.read)().into_iter().map(|sample| self.metric(sample)).collect());
        vec![family]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_asked_for_again_is_the_same_metric() {
        let metrics = Metrics::default();
        let count = || metrics.counter("millrace_things_total", "Things", &["kind"]);
        count().with_label_values(&["a"]).inc();
        count().with_label_values(&["a"]).inc();
        let text = metrics.text();
        assert!(text.contains("millrace_things_total{kind=\"a\"} 2"), "{text}");
    }

    #[test]
    fn computed_metrics_are_read_when_asked_for() {
        let metrics = Metrics::default();
        let depth = Arc::new(Mutex::new(1.0));
        let read = Arc::clone(&depth);
        let sample = move || vec![(vec!["q\"\n".to_owned()], *read.lock().unwrap())];
        metrics.computed("millrace_depth", "Depth", MetricKind::Gauge, &["queue"], sample);
        *depth.lock().unwrap() = 2.5;
        let text = metrics.text();
        assert!(text.contains("# TYPE millrace_depth gauge"), "{text}");
        assert!(text.contains("millrace_depth{queue=\"q\\\"\\n\"} 2.5"), "{text}");
    }

    #[test]
    fn histograms_have_their_buckets() {
        let metrics = Metrics::default();
        let seconds = metrics.histogram("millrace_seconds", "Time", &["step"], vec![0.1, 1.0]);
        seconds.with_label_values(&["deliver"]).observe(0.5);
        let text = metrics.text();
        assert!(text.contains("millrace_seconds_bucket{step=\"deliver\",le=\"1\"} 1"), "{text}");
        let gauge = metrics.gauge("millrace_gauge", "Gauge", &[]);
        gauge.with_label_values::<&str>(&[]).set(-4);
        assert!(metrics.text().contains("millrace_gauge -4"));
    }
}
