//! The record of a message: JSON with names of the Elastic Common Schema, as Logstash's input has them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::Value;

use super::{FAILURE_TAG, INVALID_UTF8_TAG, Message, StructuredData};

/// Names of facilities, as Logstash's input has them. Four are others than its filter `syslog_pri` has, and so are
/// those of `syslog_pri` here: 3, 8, 11 and 12 are `daemon`, `uucp`, `ftp` and `ntp` there.
const FACILITIES: [&str; 24] = [
    "kernel",
    "user-level",
    "mail",
    "system",
    "security/authorization",
    "syslogd",
    "line printer",
    "network news",
    "UUCP",
    "clock",
    "security/authorization",
    "FTP",
    "NTP",
    "log audit",
    "log alert",
    "clock",
    "local0",
    "local1",
    "local2",
    "local3",
    "local4",
    "local5",
    "local6",
    "local7",
];
/// Names of severities, as Logstash's input has them, and as a level.
const SEVERITIES: [(&str, &str); 8] = [
    ("Emergency", "emergency"),
    ("Alert", "alert"),
    ("Critical", "critical"),
    ("Error", "error"),
    ("Warning", "warning"),
    ("Notice", "notice"),
    ("Informational", "info"),
    ("Debug", "debug"),
];

#[derive(Serialize)]
struct Record<'a> {
    #[serde(rename = "@timestamp", skip_serializing_if = "Option::is_none")]
    timestamp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<Host<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    process: Option<Process<'a>>,
    log: Log<'a>,
    event: Event<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<&'static str>,
}

#[derive(Serialize)]
struct Host<'a> {
    name: &'a str,
    hostname: &'a str,
}

#[derive(Serialize)]
struct Process<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u64>,
}

#[derive(Serialize)]
struct Log<'a> {
    level: &'static str,
    syslog: Syslog<'a>,
}

#[derive(Serialize)]
struct Syslog<'a> {
    priority: u8,
    facility: Named,
    severity: Named,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    appname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    procid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    msgid: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    structured_data: Option<&'a StructuredData<'a>>,
}

#[derive(Serialize)]
struct Named {
    code: u8,
    name: &'static str,
}

#[derive(Serialize)]
struct Event<'a> {
    original: &'a str,
    /// The line's bytes, where they are not UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    original_base64: Option<String>,
}

/// Writes the record of a message and of the line that it was, with its bytes where they are not UTF-8.
pub(super) fn write(message: &Message<'_>, line: &str, not_utf8: Option<&[u8]>) -> Vec<u8> {
    let priority = message.priority;
    let (facility, severity) = (priority.facility(), priority.severity());
    let (severity_name, level) = SEVERITIES[usize::from(severity)];
    let pid = message.procid.and_then(|procid| procid.parse().ok());
    let mut tags = Vec::new();
    if message.is_failure {
        tags.push(FAILURE_TAG);
    }
    if not_utf8.is_some() {
        tags.push(INVALID_UTF8_TAG);
    }
    let record = Record {
        timestamp: message.timestamp_ns.map(timestamp),
        message: message.message,
        host: message.host.map(|name| Host { name, hostname: name }),
        process: (message.app.is_some() || pid.is_some())
            .then_some(Process { name: message.app, pid }),
        log: Log {
            level,
            syslog: Syslog {
                priority: priority.code(),
                facility: Named { code: facility, name: FACILITIES[usize::from(facility)] },
                severity: Named { code: severity, name: severity_name },
                version: message.version.map(|version| version.to_string()),
                hostname: message.host,
                appname: message.app,
                procid: message.procid,
                msgid: message.msgid,
                structured_data: message.structured_data.as_ref(),
            },
        },
        event: Event {
            original: line,
            original_base64: not_utf8.map(|bytes| STANDARD.encode(bytes)),
        },
        tags,
    };
    let written = serde_json::to_vec(&record);
    // Texts, numbers and maps of texts can always be written.
    written.unwrap_or_else(|_| Value::from(line).to_string().into_bytes())
}

fn timestamp(instant_ns: i64) -> String {
    let mut text = Vec::with_capacity(30);
    event::format_timestamp(instant_ns, &mut text);
    String::from_utf8_lossy(&text).into_owned()
}
