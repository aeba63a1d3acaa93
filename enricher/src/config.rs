//! Settings of the enricher.
//!
//! The environment is read at the start and when the pipeline is read again; never by an event.

mod pipelines;

use std::collections::BTreeMap;
use std::path::PathBuf;

use bus::inputs;
use event::Limits;
use serde::{Deserialize, Serialize};
use service::config::Findings;
use service::{ByteSize, Secret};

pub use pipelines::PipelineConfig;

use crate::EnricherError;
use crate::document_id::DocumentId;
use crate::field_reference::EscapeStyle;
use crate::filter::{EcsCompatibility, Environment};
use crate::index_text::IndexOutline;
use crate::input::{DOORS, InputConfig, is_door};
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
    /// Pipelines for the events of some doors alone, by their ids. The one above is for those of all other doors.
    pub pipelines: BTreeMap<String, PipelineConfig>,
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
    /// Text with dates and `%{field}`, as Logstash's `index`: the index that a document goes to, if
    /// `search.index_prefixes` allows its beginning. Without it the platform names the index.
    pub index: Option<String>,
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
            pipelines: BTreeMap::new(),
            ecs_compatibility: EcsCompatibility::V8,
            support_escapes: false,
            field_reference_escape_style: EscapeStyle::None,
            geoip_database: None,
            secret_file: None,
            dns: false,
            document_id: None,
            index: None,
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
        let style = self.field_reference_escape_style;
        check_document_id(self.document_id.as_deref(), style, findings);
        check_index(self.index.as_deref(), style, findings);
        pipelines::check_all(&self.pipelines, style, findings);
        for (door, input) in &self.inputs {
            findings.within(&format!("inputs.{door}"), |findings| {
                if !is_door(door) {
                    let message = format!(
                        "there is no door of this name; they are {}, and a further input of tcp is {}",
                        DOORS.join(", "),
                        inputs::further_in_words("tcp")
                    );
                    findings.add(&[], message);
                }
                input.check(self.field_reference_escape_style, findings);
            });
        }
    }
}

/// Notes what is wrong with a text that says which events are one document.
fn check_document_id(text: Option<&str>, style: EscapeStyle, findings: &mut Findings) {
    if let Some(text) = text
        && let Err(error) = DocumentId::parse(text, style)
    {
        findings.add(&["document_id"], format!("{error}; {}", error.way_out));
    }
}

/// Notes what is wrong with a text that names indices.
fn check_index(text: Option<&str>, style: EscapeStyle, findings: &mut Findings) {
    if let Some(text) = text
        && let Err(error) = IndexOutline::parse(text, style)
    {
        findings.add(&["index"], format!("{error}; {}", error.way_out));
    }
}

impl Config {
    /// The settings of a process that ran this one of its pipelines alone.
    #[must_use]
    pub fn of_pipeline(&self, own: &PipelineConfig) -> Self {
        Self {
            pipeline: Some(own.pipeline.clone()),
            pipelines: BTreeMap::new(),
            document_id: own.document_id.clone().or_else(|| self.document_id.clone()),
            index: own.index.clone().or_else(|| self.index.clone()),
            ..self.clone()
        }
    }

    /// What is known of the texts that name indices, each with the id of the pipeline that has it as its own.
    #[must_use]
    pub fn indices(&self) -> Vec<(Option<&str>, IndexOutline)> {
        let own = self.pipelines.iter().map(|(id, own)| (Some(id.as_str()), own.index.as_deref()));
        let texts = std::iter::once((None, self.index.as_deref())).chain(own);
        let style = self.field_reference_escape_style;
        let outlines =
            texts.filter_map(|(id, text)| Some((id, IndexOutline::parse(text?, style).ok()?)));
        outlines.collect()
    }

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
            variables,
            limits: self.limits(),
            dns: self.dns,
            document_id: self.document_id.clone(),
            index: self.index.clone(),
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
    fn an_index_that_cannot_be_meant_is_refused() {
        let load = |text: &str| {
            let toml = format!("index = '{text}'");
            service::config::load::<Config>(Some((Path::new("millrace.toml"), &toml)), [], &[])
        };
        for (text, said) in [
            ("%{[@metadata][beat]}-%{+YYYY.MM.dd}", "no fixed beginning"),
            ("Shop-%{+YYYY}", "no fixed beginning"),
            ("shop-%{+MMM}", "no index can have one"),
            ("shop-%{[a}", "names no field"),
        ] {
            let mistakes = load(text).unwrap_err().to_string();
            assert!(mistakes.contains("index") && mistakes.contains(said), "{mistakes}");
            assert!(mistakes.contains("write "), "{mistakes}");
        }
        for text in ["shop", "shop-%{+YYYY.MM.dd}", "beat-%{[@metadata][beat]}-%{+xxxx.ww}"] {
            assert_eq!(load(text).unwrap().index.as_deref(), Some(text));
        }
    }

    #[test]
    fn a_pipeline_has_its_own_index_or_that_of_all() {
        let toml = "index = 'all-%{+YYYY}'\n[pipelines.a]\npipeline = 'a.conf'\nindex = 'a-%{+YYYY.MM.dd}'\n\
                    [pipelines.b]\npipeline = 'b.conf'\n";
        let file = Some((Path::new("millrace.toml"), toml));
        let config = service::config::load::<Config>(file, [], &[]).unwrap();
        let of = |id: &str| config.of_pipeline(&config.pipelines[id]).index;
        assert_eq!(of("a").as_deref(), Some("a-%{+YYYY.MM.dd}"));
        assert_eq!(of("b").as_deref(), Some("all-%{+YYYY}"));
        let indices = config.indices();
        let known: Vec<_> =
            indices.iter().map(|(id, index)| (*id, index.beginning.as_str())).collect();
        assert_eq!(known, [(None, "all-"), (Some("a"), "a-")]);
        let wrong = toml.replace("'a-%", "'A-%");
        let wrong = Some((Path::new("millrace.toml"), wrong.as_str()));
        let mistakes = service::config::load::<Config>(wrong, [], &[]).unwrap_err().to_string();
        assert!(mistakes.contains("millrace.toml:4:") && mistakes.contains("index"), "{mistakes}");
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
