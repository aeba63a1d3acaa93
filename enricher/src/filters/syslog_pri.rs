//! `syslog_pri`: facility and severity of the number in front of a syslog message (RFC 3164, RFC 5424: facility
//! times 8 plus severity). Without a number it is 13, user-level notice.

use std::sync::Arc;

use event::{Event, FieldPath, Kind};

use crate::filter::{Applied, EcsCompatibility, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};
use crate::ruby_number::integer;

/// What a message without a number has.
const DEFAULT_PRIORITY: i64 = 13;

/// As Logstash's filter calls them. Four are others than its input `syslog` has, and so are those of the syslog door:
/// 3, 8, 11 and 12 are `system`, `UUCP`, `FTP` and `NTP` there.
const FACILITIES: [&str; 24] = [
    "kernel",
    "user-level",
    "mail",
    "daemon",
    "security/authorization",
    "syslogd",
    "line printer",
    "network news",
    "uucp",
    "clock",
    "security/authorization",
    "ftp",
    "ntp",
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
const SEVERITIES: [&str; 8] =
    ["emergency", "alert", "critical", "error", "warning", "notice", "informational", "debug"];

/// One of the two parts, and where it goes.
#[derive(Clone, Debug)]
struct Part {
    code: FieldPath,
    name: FieldPath,
    /// Empty without names.
    labels: Vec<String>,
}

#[derive(Clone, Debug)]
struct SyslogPri {
    source: FieldPath,
    facility: Part,
    severity: Part,
}

filter_options! {
    /// Reads facility and severity out of the number in front of a syslog message.
    ///
    /// The number is the facility times 8 plus the severity (RFC 3164, RFC 5424). Without one it is
    /// 13, user-level notice. What is set is `[log][syslog][facility][code]`,
    /// `[log][syslog][severity][code]` and the `name` beside each; with `ecs_compatibility =>
    /// disabled` `syslog_facility_code`, `syslog_facility` and so on.
    struct SyslogPriOptions {
        /// The field that holds the number.
        syslog_pri_field_name: FieldPath =>
            "default: `[log][syslog][priority]`, with `ecs_compatibility => disabled` `syslog_pri`",
        /// Whether names are set too.
        use_labels: bool = true,
        /// Names of the facilities from 0 on.
        facility_labels: Vec<String> => "default: `kernel`, `user-level`, `mail` ... `local7`",
        /// Names of the severities from 0 on.
        severity_labels: Vec<String> => "default: `emergency`, `alert`, `critical` ... `debug`",
        /// Which names of fields are used.
        ecs_compatibility: EcsCompatibility => "default: the pipeline's",
    }
    example r#"syslog_pri { syslog_pri_field_name => "priority" }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let given = SyslogPriOptions::read(options);
    let ecs = given.ecs_compatibility.unwrap_or(environment.ecs_compatibility);
    let labels = |labels: Option<Vec<String>>, defaults: &[&str]| {
        if !given.use_labels {
            return Vec::new();
        }
        labels.unwrap_or_else(|| defaults.iter().map(ToString::to_string).collect())
    };
    let facilities = labels(given.facility_labels, &FACILITIES);
    let severities = labels(given.severity_labels, &SEVERITIES);
    let part = |part: &str, labels| match ecs {
        EcsCompatibility::Disabled => Part {
            code: FieldPath::key(&format!("syslog_{part}_code")),
            name: FieldPath::key(&format!("syslog_{part}")),
            labels,
        },
        _ => Part {
            code: FieldPath::keys(&["log", "syslog", part, "code"]),
            name: FieldPath::keys(&["log", "syslog", part, "name"]),
            labels,
        },
    };
    Some(Arc::new(SyslogPri {
        source: given.syslog_pri_field_name.unwrap_or_else(|| match ecs {
            EcsCompatibility::Disabled => FieldPath::key("syslog_pri"),
            _ => FieldPath::keys(&["log", "syslog", "priority"]),
        }),
        facility: part("facility", facilities),
        severity: part("severity", severities),
    }))
}

impl FilterPlan for SyslogPri {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

impl Filter for SyslogPri {
    fn apply(&mut self, event: &mut Event, _context: &mut FilterContext<'_>) -> Applied {
        let Some(priority) = self.priority(event) else {
            return Applied::NotMatched;
        };
        self.severity.put(event, priority & 7);
        self.facility.put(event, priority >> 3);
        Applied::Matched
    }
}

impl SyslogPri {
    /// The number, of an array its first element; nothing where no number can be meant.
    fn priority(&self, event: &Event) -> Option<i64> {
        let Some(value) = event.get(&self.source) else {
            return Some(DEFAULT_PRIORITY);
        };
        let value = match event.kind(value) {
            Kind::Array => event.first_child(value)?,
            Kind::Null => return Some(DEFAULT_PRIORITY),
            _ => value,
        };
        match event.kind(value) {
            Kind::String | Kind::Number => integer(&event.scalar_text(value)?).parse().ok(),
            _ => None,
        }
    }
}

impl Part {
    fn put(&self, event: &mut Event, code: i64) {
        event.set_number(&self.code, &code.to_string());
        // A negative code counts from the end, as Ruby's arrays do.
        let from_end = if code < 0 { self.labels.len() as i64 } else { 0 };
        let label = usize::try_from(code + from_end).ok().and_then(|code| self.labels.get(code));
        if let Some(label) = label {
            event.set_text(&self.name, label);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::filter::Applied;
    use crate::filters::trial::Trial;

    fn legacy(options: &str, priority: Value) -> Value {
        let plugin = format!(r#"syslog_pri {{ ecs_compatibility => "disabled" {options} }}"#);
        Trial::new(&plugin).run(json!({"syslog_pri": priority}))
    }

    #[test]
    fn facility_and_severity_with_their_names() {
        for (priority, facility, severity, names) in [
            (json!(165), 20, 5, ["local4", "notice"]),
            (json!("137"), 17, 1, ["local1", "alert"]),
            (json!(" 0 "), 0, 0, ["kernel", "emergency"]),
            (json!(191.9), 23, 7, ["local7", "debug"]),
            (json!(["34", 5]), 4, 2, ["security/authorization", "critical"]),
            (json!("x"), 0, 0, ["kernel", "emergency"]),
            (json!(null), 1, 5, ["user-level", "notice"]),
            (json!(-1), -1, 7, ["local7", "debug"]),
        ] {
            let out = legacy("", priority.clone());
            assert_eq!(out["syslog_facility_code"], facility, "{priority}");
            assert_eq!(out["syslog_severity_code"], severity, "{priority}");
            assert_eq!([&out["syslog_facility"], &out["syslog_severity"]], names, "{priority}");
        }
        // There is no facility 24.
        let out = legacy("", json!(193));
        assert_eq!((&out["syslog_facility_code"], out.get("syslog_facility")), (&json!(24), None));
        assert_eq!(out["syslog_severity"], "alert");
    }

    #[test]
    fn ecs_names_and_a_message_without_a_number() {
        let mut trial = Trial::new(r#"syslog_pri { add_tag => "ok" }"#);
        let out = trial.run(json!({"message": "x"}));
        assert_eq!(
            out["log"]["syslog"],
            json!({
                "facility": {"code": 1, "name": "user-level"},
                "severity": {"code": 5, "name": "notice"},
            })
        );
        assert_eq!(out["tags"], json!(["ok"]));
        let (applied, out) = trial.apply(json!({"log": {"syslog": {"priority": {"a": 1}}}}));
        assert_eq!(
            (applied, &out["log"]["syslog"]),
            (Applied::NotMatched, &json!({"priority": {"a": 1}}))
        );
    }

    #[test]
    fn names_may_be_others_or_none() {
        let out = legacy("use_labels => false", json!(165));
        assert_eq!((&out["syslog_severity_code"], out.get("syslog_severity")), (&json!(5), None));
        let out = legacy(r#"severity_labels => ["a", "b"] facility_labels => "c""#, json!(1));
        assert_eq!([&out["syslog_facility"], &out["syslog_severity"]], ["c", "b"]);
        let plugin =
            r#"syslog_pri { syslog_pri_field_name => "[a][b]" ecs_compatibility => "disabled" }"#;
        assert_eq!(Trial::new(plugin).run(json!({"a": {"b": "11"}}))["syslog_severity_code"], 3);
    }
}
