//! The ledgers as metrics: read from the books when asked for, so that they can never differ.
//!
//! Labels are names of stages and doors, and the bounded names of reasons and kinds.

use std::sync::{Arc, Weak};
use std::time::SystemTime;

use service::metrics::{MetricKind, Metrics, Sample};

use super::{DoorSnapshot, Ledgers, StageLedger};

pub(super) fn show(ledgers: &Arc<Ledgers>, metrics: &Metrics) {
    show_stages(&Arc::downgrade(ledgers), metrics);
    show_progress(&Arc::downgrade(ledgers), metrics);
    show_doors(&Arc::downgrade(ledgers), metrics);
}

fn show_stages(ledgers: &Weak<Ledgers>, metrics: &Metrics) {
    let per_stage = |name: &str, help: &str, kind, number: fn(&StageLedger) -> f64| {
        let ledgers = ledgers.clone();
        metrics.computed(name, help, kind, &["stage"], move || {
            let stages = ledgers.upgrade().map(|all| all.snapshot()).unwrap_or_default();
            stages.iter().map(|stage| (vec![stage.stage.clone()], number(stage))).collect()
        });
    };
    per_stage(
        "millrace_stage_received_records_total",
        "Records that the log handed to the stage",
        MetricKind::Counter,
        |stage| stage.received as f64,
    );
    per_stage(
        "millrace_stage_forwarded_records_total",
        "Records whose outputs were all delivered",
        MetricKind::Counter,
        |stage| stage.forwarded as f64,
    );
    per_stage(
        "millrace_stage_output_records_total",
        "Records delivered to the stage's sink",
        MetricKind::Counter,
        |stage| stage.outputs as f64,
    );
    per_stage(
        "millrace_stage_redelivered_records_total",
        "Records that the stage read more than once",
        MetricKind::Counter,
        |stage| stage.redelivered as f64,
    );
    per_stage(
        "millrace_stage_in_flight_records",
        "Records taken and not yet committed",
        MetricKind::Gauge,
        |stage| stage.in_flight as f64,
    );
    per_stage(
        "millrace_stage_balance_records",
        "Received less forwarded, discarded, dead and in flight: 0, or records are missing",
        MetricKind::Gauge,
        |stage| stage.balance as f64,
    );

    let by_name = |name: &str, help: &str, label: &str, read: fn(&StageLedger) -> Vec<Sample>| {
        let ledgers = ledgers.clone();
        metrics.computed(name, help, MetricKind::Counter, &["stage", label], move || {
            let stages = ledgers.upgrade().map(|all| all.snapshot()).unwrap_or_default();
            stages.iter().flat_map(read).collect()
        });
    };
    by_name(
        "millrace_stage_discarded_records_total",
        "Records that ended at the stage by intention",
        "reason",
        |stage| named(&stage.stage, &stage.discarded),
    );
    by_name(
        "millrace_stage_dead_records_total",
        "Records that the stage sent to the dead letters",
        "kind",
        |stage| named(&stage.stage, &stage.dead),
    );
}

fn named(owner: &str, counts: &std::collections::BTreeMap<String, u64>) -> Vec<Sample> {
    let sample =
        |(name, count): (&String, &u64)| (vec![owner.to_owned(), name.clone()], *count as f64);
    counts.iter().map(sample).collect()
}

fn show_progress(ledgers: &Weak<Ledgers>, metrics: &Metrics) {
    let oldest = ledgers.clone();
    metrics.computed(
        "millrace_stage_oldest_unsettled_seconds",
        "Time since the stage took the oldest batch that it has not committed; 0 if there is none",
        MetricKind::Gauge,
        &["stage"],
        move || {
            let stages = oldest.upgrade().map(|all| all.progress()).unwrap_or_default();
            let sample = |stage: &super::StageProgress| {
                (vec![stage.stage.to_owned()], stage.oldest_unsettled.as_secs_f64())
            };
            stages.iter().map(sample).collect()
        },
    );
    let last = ledgers.clone();
    metrics.computed(
        "millrace_stage_last_commit_timestamp_seconds",
        "When the stage last committed, seconds since 1970; absent before the first commit",
        MetricKind::Gauge,
        &["stage"],
        move || {
            let stages = last.upgrade().map(|all| all.progress()).unwrap_or_default();
            let sample = |stage: &super::StageProgress| {
                let since = stage.last_commit?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
                Some((vec![stage.stage.to_owned()], since.as_secs_f64()))
            };
            stages.iter().filter_map(sample).collect()
        },
    );
}

fn show_doors(ledgers: &Weak<Ledgers>, metrics: &Metrics) {
    let per_door =
        |name: &str, help: &str, labels: &[&str], read: fn(&DoorSnapshot) -> Vec<Sample>| {
            let ledgers = ledgers.clone();
            metrics.computed(name, help, MetricKind::Counter, labels, move || {
                let doors = ledgers.upgrade().map(|all| all.doors()).unwrap_or_default();
                doors.iter().flat_map(read).collect()
            });
        };
    per_door(
        "millrace_door_accepted_records_total",
        "Records that the door made durable and acknowledged",
        &["door"],
        |door| vec![(vec![door.door.clone()], door.accepted as f64)],
    );
    per_door(
        "millrace_door_refused_records_total",
        "Records that the door refused for good",
        &["door", "kind"],
        |door| named(&door.door, &door.refused),
    );
    per_door(
        "millrace_door_busy_total",
        "Times that the door turned something away for later",
        &["door"],
        |door| vec![(vec![door.door.clone()], door.busy as f64)],
    );
}
