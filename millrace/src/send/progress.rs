//! How far sending has come: a bar on a terminal, a plain line every few seconds elsewhere.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::Instant;

use super::Report;

/// Time between two plain lines.
const PLAIN_LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Shows progress on standard error. Cloning shares the display.
#[derive(Clone, Debug)]
pub struct Progress {
    bar: ProgressBar,
    plain: Option<Arc<Mutex<Plain>>>,
}

#[derive(Debug)]
struct Plain {
    started: Instant,
    last_line: Instant,
    total_bytes: Option<u64>,
}

impl Progress {
    /// A display for an input of `total_bytes`, if that is known.
    #[must_use]
    pub fn new(total_bytes: Option<u64>) -> Self {
        if !std::io::stderr().is_terminal() {
            let now = Instant::now();
            let plain = Plain { started: now, last_line: now, total_bytes };
            return Self { bar: ProgressBar::hidden(), plain: Some(Arc::new(Mutex::new(plain))) };
        }
        let (bar, template) = match total_bytes {
            Some(bytes) => {
                (ProgressBar::new(bytes), "{wide_bar} {bytes}/{total_bytes} ETA {eta}  {msg}")
            }
            None => (ProgressBar::no_length(), "{spinner} {bytes} in {elapsed}  {msg}"),
        };
        bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { bar, plain: None }
    }

    /// A display that shows nothing.
    #[must_use]
    pub fn hidden() -> Self {
        Self { bar: ProgressBar::hidden(), plain: None }
    }

    pub(super) fn show(&self, report: &Report) {
        let events = report.accepted + report.refused;
        self.bar.set_position(report.bytes);
        let rate = events as f64 / self.bar.elapsed().as_secs_f64().max(0.001);
        self.bar.set_message(format!("{events} events, {rate:.0} events/s"));
        let Some(plain) = &self.plain else { return };
        let Ok(mut plain) = plain.lock() else { return };
        if plain.last_line.elapsed() >= PLAIN_LINE_INTERVAL {
            plain.last_line = Instant::now();
            say(&plain.line(report));
        }
    }

    pub(super) fn waiting(&self, reason: &str) {
        self.bar.set_message(format!("waiting for the server: {reason}"));
        let Some(plain) = &self.plain else { return };
        let Ok(mut plain) = plain.lock() else { return };
        if plain.last_line.elapsed() >= PLAIN_LINE_INTERVAL {
            plain.last_line = Instant::now();
            say(&format!("send: waiting for the server: {reason}"));
        }
    }

    pub(super) fn finish(&self, report: &Report) {
        self.bar.finish_and_clear();
        if let Some(plain) = &self.plain
            && let Ok(plain) = plain.lock()
        {
            say(&plain.line(report));
        }
    }
}

impl Plain {
    fn line(&self, report: &Report) -> String {
        let events = report.accepted + report.refused;
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        let mut line = format!("send: {events} events, {:.0} events/s", events as f64 / seconds);
        if let Some(total) = self.total_bytes.filter(|_| report.bytes > 0) {
            let left = total.saturating_sub(report.bytes) as f64 * seconds / report.bytes as f64;
            line.push_str(&format!(", {left:.0} s left"));
        }
        line
    }
}

#[expect(clippy::print_stderr, reason = "progress is the tool's own voice")]
fn say(line: &str) {
    eprintln!("{line}");
}
