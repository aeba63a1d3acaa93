//! What the process itself uses: memory, processor time, open files, read from `/proc`.
//!
//! Where there is no `/proc` these metrics are absent.

use std::fs;

use crate::metrics::{MetricKind, Metrics, Sample};

/// Clock ticks a second in `/proc/self/stat`: `USER_HZ`, which is 100 on every Linux that Rust is
/// built for (proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;

/// Shows the process's use of the machine under the names that Prometheus' own clients use.
pub fn show(metrics: &Metrics) {
    metrics.computed(
        "process_resident_memory_bytes",
        "Resident memory",
        MetricKind::Gauge,
        &[],
        || single(resident_bytes()),
    );
    metrics.computed(
        "process_cpu_seconds_total",
        "Processor time of all threads, user and system",
        MetricKind::Counter,
        &[],
        || single(cpu_seconds()),
    );
    metrics.computed("process_open_fds", "Open file descriptors", MetricKind::Gauge, &[], || {
        single(open_files())
    });
}

fn single(number: Option<f64>) -> Vec<Sample> {
    number.map(|number| (Vec::new(), number)).into_iter().collect()
}

fn resident_bytes() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024.0)
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The second field, the program's name, may hold anything, brackets too. utime and stime are the
    // fields 14 and 15, so 11 and 12 after it.
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn open_files() -> Option<f64> {
    // One of them is the directory that is being read.
    Some((fs::read_dir("/proc/self/fd").ok()?.count() as f64 - 1.0).max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_is_measured() {
        let ballast = vec![1_u8; 32 << 20];
        assert!(resident_bytes().unwrap() > 32e6, "{}", ballast.len());
        let before = cpu_seconds().unwrap();
        let mut sum = 0_u64;
        while cpu_seconds().unwrap() < before + 0.03 {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(7));
        }
        assert!(open_files().unwrap() >= 3.0);
        let metrics = Metrics::default();
        show(&metrics);
        let text = metrics.text();
        for name in ["resident_memory_bytes", "cpu_seconds_total", "open_fds"] {
            assert!(text.contains(&format!("\nprocess_{name} ")), "{name}: {text}");
        }
    }
}
