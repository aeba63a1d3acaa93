//! A date's format is compiled or refused, reads any text, and writes a time.

use bus::Codec;

use crate::{one_filter, trial};

/// The bytes up to the first end of line are the format, the others the text that it reads.
pub fn hold(data: &[u8]) {
    let (format, line) =
        data.split_at(data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len()));
    let Ok(format) = std::str::from_utf8(format) else { return };
    let line = line.strip_prefix(b"\n").unwrap_or(line);
    for zone in ["UTC", "Europe/Berlin", "%{message}"] {
        let options = vec![
            ("match", one_filter::texts(&["message", format])),
            ("timezone", one_filter::text(zone)),
        ];
        if let Some(plan) = one_filter::plan("date", options) {
            trial::run(&plan, line, Codec::Plain);
        }
    }
    for template in [format!("%{{+{format}}}"), format!("%{{{{{format}}}}}")] {
        let fields = one_filter::pair("written", one_filter::text(&template));
        if let Some(plan) = one_filter::plan("mutate", vec![("add_field", fields)]) {
            trial::run(&plan, line, Codec::Plain);
            trial::run(&plan, br#"{"@timestamp":"1969-12-31T23:59:59.999Z"}"#, Codec::Json);
        }
    }
}
