//! Settings of the enricher.
//!
//! The environment is read at the start and when the pipeline is read again; never by an event.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bus::file_inputs;
use event::Limits;
use serde::{Deserialize, Serialize};
use service::{ByteSize, Secret};

use crate::EnricherError;
use crate::document_id::DocumentId;
use crate::field_reference::EscapeStyle;
use crate::filter::{EcsCompatibility, Environment};
use crate::input::{DOORS, InputConfig};
use crate::pipeline_text::PipelineText;

/// The variable of the process that pipelines hash with, in place of the installation's own key.
pub const HASH_KEY_VARIABLE: &str = "MILLRACE_HASH_KEY";

/// Settings of `[enricher]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// A file in the Logstash language that runs in place of the built-in pipeline; or a folder, a pattern
    /// of files, or `pipelines.yml#ID`.
    pub pipeline: Option<PathBuf>,
    /// Which field names filters use by default: `disabled` (Logstash's old ones), `v1` or `v8` (ECS).
    pub ecs_compatibility: EcsCompatibility,
    /// Whether `\"`, `\n` and their like mean something in the pipeline's strings, as Logstash's
    /// `config.support_escapes`.
    pub support_escapes: bool,
    /// How brackets that belong to a field's name are written in references, as Logstash's
    /// `config.field_reference.escape_style`: `none`, `percent` (`%5B`) or `ampersand` (`&#91;`).
    pub field_reference_escape_style: EscapeStyle,
    /// A GeoIP database (`.mmdb`) in place of the built-in one of countries.
    pub geoip_database: Option<PathBuf>,
    /// A file with the key that e-mail addresses are hashed with: any text. Every enricher of an
    /// installation needs the same one; `millrace up` makes its own where this is absent.
    pub secret_file: Option<PathBuf>,
    /// Whether filters `dns` may run: they tell names and addresses out of events to servers.
    pub dns: bool,
    /// Text with `%{field}`, as Logstash's `document_id`: events of a shop for which it is the same are one
    /// document, of which the later replaces the earlier. Without it each event is a document of its own.
    pub document_id: Option<String>,
    /// What is done to the events of a door before the first filter, by its name: `beats`, `file`, `http`,
    /// `kafka`, `syslog`, `tcp`, `udp`, `unix`.
    pub inputs: BTreeMap<String, InputConfig>,
    /// What an event may hold; one that holds more is refused to the dead letters.
    pub limits: LimitsConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            pipeline: None,
            ecs_compatibility: EcsCompatibility::V8,
            support_escapes: false,
            field_reference_escape_style: EscapeStyle::None,
            geoip_database: None,
            secret_file: None,
            dns: false,
            document_id: None,
            inputs: BTreeMap::new(),
            limits: LimitsConfig::default(),
        }
    }
}

/// Settings of `[enricher.limits]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LimitsConfig {
    /// Objects and arrays within each other, 1 to 128.
    pub depth_max: u32,
    /// Values in one event, objects and arrays included; 1 or more.
    pub fields_max: u32,
    /// Size of an event as it was sent; 1 or more.
    pub event_bytes_max: ByteSize,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        let Limits { depth_max, nodes_max, payload_bytes_max } = Limits::default();
        let event_bytes_max = ByteSize(payload_bytes_max as u64);
        Self { depth_max, fields_max: nodes_max, event_bytes_max }
    }
}

impl service::config::Check for Config {
    fn check(&self, findings: &mut service::config::Findings) {
        let depth = self.limits.depth_max;
        if !(1..=128).contains(&depth) {
            let message = format!("a depth of {depth} is not possible: it is 1 to 128");
            findings.add(&["limits.depth_max"], message);
        }
        for (setting, value) in [
            ("limits.fields_max", u64::from(self.limits.fields_max)),
            ("limits.event_bytes_max", self.limits.event_bytes_max.0),
        ] {
            if value == 0 {
                let message = "with 0 every event would be refused: it is 1 or more";
                findings.add(&[setting], message);
            }
        }
        if let Some(text) = &self.document_id
            && let Err(error) = DocumentId::parse(text, self.field_reference_escape_style)
        {
            findings.add(&["document_id"], format!("{error}; {}", error.way_out));
        }
        for (door, input) in &self.inputs {
            findings.within(&format!("inputs.{door}"), |findings| {
                if !DOORS.contains(&door.as_str()) && !file_inputs::is_further(door) {
                    let message = format!(
                        "there is no door of this name; they are {}, and a further input of files is {}",
                        DOORS.join(", "),
                        file_inputs::FURTHER_IN_WORDS
                    );
                    findings.add(&[], message);
                }
                input.check(self.field_reference_escape_style, findings);
            });
        }
    }
}

impl Config {
    /// What an event may hold.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            depth_max: self.limits.depth_max,
            nodes_max: self.limits.fields_max,
            payload_bytes_max: self.limits.event_bytes_max.as_usize(),
        }
    }

    /// What filters may use at load. `secret` is the installation's own key; variables are those of
    /// the process.
    #[must_use]
    pub fn environment(&self, secret: &str) -> Environment {
        let mut variables = process_variables();
        // A pipeline hashes with `key => "${MILLRACE_HASH_KEY}"`: the installation's key, unless the
        // variable is set.
        variables.entry(HASH_KEY_VARIABLE.to_owned()).or_insert_with(|| secret.to_owned());
        Environment {
            ecs_compatibility: self.ecs_compatibility,
            escape_style: self.field_reference_escape_style,
            geoip_database: self.geoip_database.clone(),
            secret: secret.to_owned(),
            variables,
            limits: self.limits(),
            dns: self.dns,
            document_id: self.document_id.clone(),
            inputs: self.inputs.clone(),
            wants_warnings: false,
        }
    }

    /// The key in [`Config::secret_file`]; `None` where the setting is absent.
    ///
    /// # Errors
    /// The file cannot be read, or holds nothing.
    pub fn secret(&self) -> Result<Option<Secret<String>>, EnricherError> {
        Ok(Secret::given(None, self.secret_file.as_deref())?)
    }

    /// The pipeline's text: what the setting names, or the built-in one.
    ///
    /// # Errors
    /// For what cannot be read as text, or is too large.
    pub fn pipeline_text(&self) -> Result<PipelineText, EnricherError> {
        self.pipeline.as_deref().map_or_else(|| Ok(PipelineText::built_in()), PipelineText::read)
    }
}

/// The variables of the process that are text.
pub(crate) fn process_variables() -> BTreeMap<String, String> {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::Config;

    #[test]
    fn limits_that_no_event_could_keep_are_refused() {
        let load = |text: &str| {
            let file = Some((Path::new("millrace.toml"), text));
            service::config::load::<Config>(file, [], &[])
        };
        for (setting, unit) in [("depth_max", ""), ("fields_max", ""), ("event_bytes_max", "B")] {
            let with = |number: u32| match unit {
                "" => load(&format!("[limits]\n{setting} = {number}")),
                _ => load(&format!("[limits]\n{setting} = \"{number}{unit}\"")),
            };
            let mistakes = with(0).unwrap_err().to_string();
            assert!(mistakes.contains(setting) && mistakes.contains("it is 1 "), "{mistakes}");
            assert!(with(1).is_ok(), "{setting}");
        }
    }

    #[test]
    fn a_document_id_that_cannot_be_meant_is_refused() {
        let load = |text: &str| {
            let toml = format!("document_id = '{text}'");
            service::config::load::<Config>(Some((Path::new("millrace.toml"), &toml)), [], &[])
        };
        for (text, said) in [
            ("%{[order][id}", "names no field"),
            ("%{+bbb}", "is no letter of a date format"),
            ("order", "all events of a shop would be one document"),
            ("%{order", "all events of a shop would be one document"),
            ("", "all events of a shop would be one document"),
        ] {
            let mistakes = load(text).unwrap_err().to_string();
            assert!(mistakes.contains("document_id") && mistakes.contains(said), "{mistakes}");
        }
        for text in ["%{id}", "%{[@metadata][hash]}", "order-%{[order][id]}-%{+YYYY.MM.dd}"] {
            assert_eq!(load(text).unwrap().document_id.as_deref(), Some(text));
        }
    }
}
