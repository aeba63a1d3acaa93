//! Logs on standard error: one line an event, as text or JSON.
//!
//! Text of events that gets into a log line can neither begin a line of its own nor reach the
//! terminal as a command. Panics are logged like anything else.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal};
use std::panic;

use serde::{Deserialize, Serialize};
use tracing::Subscriber;
use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

use crate::printable::{EscapedJson, Escaping};

/// The variable whose filter wins over the configuration's.
pub const FILTER_VARIABLE: &str = "MILLRACE_LOG";

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people; in colour on a terminal.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Settings of the log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogConfig {
    /// `text` or `json`.
    pub format: LogFormat,
    /// What is logged: a level, or levels by module as in `info,indexer=debug`.
    pub filter: String,
}

impl Default for LogConfig {
    fn default() -> Self {
        Self { format: LogFormat::Text, filter: "info".to_owned() }
    }
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The filter cannot be read.
    #[error("`{filter}` is not a filter for logs ({reason}); give a level or `info,indexer=debug`")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong.
        reason: String,
    },
    /// There is one already.
    #[error("the log was set up twice in this process")]
    Twice,
}

/// Whether this is a filter of [`LogConfig::filter`]'s form.
///
/// # Errors
/// [`LogError::Filter`].
pub fn check_filter(filter: &str) -> Result<(), LogError> {
    parsed(filter).map(drop)
}

fn parsed(filter: &str) -> Result<EnvFilter, LogError> {
    EnvFilter::builder()
        .parse(filter)
        .map_err(|error| LogError::Filter { filter: filter.to_owned(), reason: error.to_string() })
}

/// Sends the logs of this process to standard error. `filter` is the value of [`FILTER_VARIABLE`], if
/// it is set.
///
/// # Errors
/// [`LogError`].
pub fn start(config: &LogConfig, filter: Option<&str>) -> Result<(), LogError> {
    let colour = io::stderr().is_terminal();
    let filter = filter.unwrap_or(&config.filter);
    let subscriber = subscriber(config.format, filter, colour, io::stderr)?;
    tracing::subscriber::set_global_default(subscriber).map_err(|_| LogError::Twice)?;
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let message = panic.payload_as_str().unwrap_or("no message");
        tracing::error!(place, message, "panic");
    }));
    Ok(())
}

fn subscriber<W>(
    format: LogFormat,
    filter: &str,
    colour: bool,
    writer: W,
) -> Result<Box<dyn Subscriber + Send + Sync>, LogError>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().with_env_filter(parsed(filter)?).with_writer(writer);
    Ok(match format {
        LogFormat::Text => {
            let fields = debug_fn(write_field).delimited(" ");
            Box::new(lines.with_ansi(colour).fmt_fields(fields).compact().finish())
        }
        LogFormat::Json => {
            Box::new(lines.json().flatten_event(true).map_writer(EscapedJson).finish())
        }
    })
}

fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    if field.name() == "message" {
        write!(Escaping(writer), "{value:?}")
    } else {
        write!(Escaping(writer), "{}={value:?}", field.name())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing::subscriber::with_default;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, filter: &str, log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let made = subscriber(format, filter, false, move || writer.clone()).unwrap();
        with_default(made, log);
        let bytes = lines.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    const FORGED: &str = "x\n2026-01-01T00:00:00Z ERROR forged\r\u{1b}[2J\u{9b}31m";

    // Hostile inputs 9 and 13: escapes and forged lines in what an event brings along.
    #[test]
    fn an_events_text_stays_within_its_line() {
        let log = || {
            tracing::warn!(name = FORGED, shown = %FORGED, "refused {FORGED}");
        };
        for format in [LogFormat::Text, LogFormat::Json] {
            let text = logged(format, "info", log);
            assert_eq!(text.matches('\n').count(), 1, "{format:?}: {text}");
            assert!(text.ends_with('\n'));
            assert!(!text.contains('\u{1b}') && !text.contains('\r'), "{format:?}: {text}");
        }
        let json = logged(LogFormat::Json, "info", log);
        assert!(!json.contains('\u{9b}'), "{json}");
        let line: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(line["name"], FORGED, "escaped, and the same when it is read");
        let text = logged(LogFormat::Text, "info", log);
        assert!(!text.contains('\u{9b}'), "{text}");
        assert!(
            text.contains(r"refused x\n2026-01-01T00:00:00Z ERROR forged\r\u{1b}[2J"),
            "{text}"
        );
    }

    #[test]
    fn json_lines_are_json() {
        let text = logged(LogFormat::Json, "info", || tracing::info!(records = 3, "stored"));
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(line["message"], "stored");
        assert_eq!(line["records"], 3);
    }

    #[test]
    fn the_filter_decides() {
        let log = || {
            tracing::debug!("quiet");
            tracing::error!("loud");
        };
        let text = logged(LogFormat::Text, "warn", log);
        assert!(text.contains("loud") && !text.contains("quiet"), "{text}");
        let refused = subscriber(LogFormat::Text, "info,=,", false, io::stderr);
        assert!(matches!(refused.err(), Some(LogError::Filter { .. })));
    }
}
