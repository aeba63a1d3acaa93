//! Settings of `[enricher.pipelines.ID]`: a pipeline for the events of some doors alone.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use service::config::Findings;

use super::{check_document_id, check_index};
use crate::field_reference::EscapeStyle;
use crate::input::{DOORS, is_door};

/// Longest id, in bytes.
const ID_BYTES_MAX: usize = 128;
/// Most pipelines beside the one of all other doors.
const PIPELINES_MAX: usize = 256;

/// Settings of `[enricher.pipelines.ID]`. What else a pipeline says of its own output is said here too: a setting of
/// `[enricher]` counts for the pipelines that have none of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PipelineConfig {
    /// What runs, named as by `enricher.pipeline`.
    pub pipeline: PathBuf,
    /// The doors whose events go through it, by the names that records have for them: `tcp`, `tcp-2`, `file`.
    pub listeners: Vec<String>,
    /// As `enricher.document_id`, for this pipeline. Absent, that one counts.
    pub document_id: Option<String>,
    /// As `enricher.index`, for this pipeline. Absent, that one counts.
    pub index: Option<String>,
}

impl PipelineConfig {
    /// Notes what is wrong with it. `owners` are the pipelines of the listeners that were named so far.
    fn check<'c>(
        &'c self,
        id: &'c str,
        style: EscapeStyle,
        owners: &mut BTreeMap<&'c str, &'c str>,
        findings: &mut Findings,
    ) {
        if self.pipeline.as_os_str().is_empty() {
            let message = format!(
                "the pipeline `{id}` has no text: name a file, a folder, a pattern of files, or `pipelines.yml#ID`"
            );
            findings.add(&["pipeline"], message);
        }
        for listener in &self.listeners {
            if !is_door(listener) {
                let message = format!(
                    "there is no door `{listener}`; they are {}, and further inputs of them, as tcp-2",
                    DOORS.join(", ")
                );
                findings.add(&["listeners"], message);
                continue;
            }
            match owners.insert(listener, id) {
                Some(other) if other != id => {
                    let message = format!(
                        "the events of `{listener}` go through the pipeline `{other}` already, and an event goes \
                         through one: name it in one of both"
                    );
                    findings.add(&["listeners"], message);
                }
                _ => {}
            }
        }
        check_document_id(self.document_id.as_deref(), style, findings);
        check_index(self.index.as_deref(), style, findings);
    }
}

/// Notes what is wrong with pipelines, each and all of them together.
pub(super) fn check_all(
    pipelines: &BTreeMap<String, PipelineConfig>,
    style: EscapeStyle,
    findings: &mut Findings,
) {
    if pipelines.len() > PIPELINES_MAX {
        let message =
            format!("these are {} pipelines: there are {PIPELINES_MAX} at most", pipelines.len());
        findings.add(&["pipelines"], message);
    }
    let mut owners = BTreeMap::new();
    for (id, pipeline) in pipelines {
        if !is_id(id) {
            let message = format!(
                "`{}` is no id of a pipeline: it has 1 to {ID_BYTES_MAX} bytes and no control characters",
                id.escape_debug()
            );
            findings.add(&["pipelines"], message);
        }
        findings.within("pipelines", |findings| {
            findings.within_key(id, |findings| pipeline.check(id, style, &mut owners, findings));
        });
    }
}

fn is_id(id: &str) -> bool {
    (1..=ID_BYTES_MAX).contains(&id.len()) && !id.contains(char::is_control)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use crate::Config;

    fn load(text: &str) -> Result<Config, String> {
        service::config::load(Some((Path::new("millrace.toml"), text)), [], &[])
            .map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn a_pipeline_has_doors_of_its_own_and_what_it_says_counts_over_the_rest() {
        let config = load(
            "pipeline = 'all.conf'\ndocument_id = '%{id}'\n\
             [pipelines.web]\npipeline = 'web.conf'\nlisteners = ['tcp-2', 'file']\n\
             [pipelines.'the audit.2']\npipeline = 'p.yml#audit'\nlisteners = ['tcp']\ndocument_id = '%{n}'\n",
        )
        .unwrap();
        let web = config.of_pipeline(&config.pipelines["web"]);
        assert_eq!(web.pipeline.as_deref(), Some(Path::new("web.conf")));
        assert_eq!(web.document_id.as_deref(), Some("%{id}"));
        let audit = config.of_pipeline(&config.pipelines["the audit.2"]);
        assert_eq!(audit.document_id.as_deref(), Some("%{n}"));
        assert!(audit.pipelines.is_empty());
    }

    #[test]
    fn pipelines_that_cannot_be_meant_are_refused_with_their_place() {
        for (text, parts) in [
            (
                "[pipelines.a]\npipeline = 'a'\nlisteners = ['tcp', 'udp']\n\
                 [pipelines.b]\npipeline = 'b'\nlisteners = ['udp']\n",
                &["millrace.toml:6:", "the events of `udp` go through the pipeline `a` already"][..],
            ),
            ("[pipelines.a]\nlisteners = ['tcp']\n", &["the pipeline `a` has no text"]),
            (
                "[pipelines.'a.b']\npipeline = 'a'\nlisteners = ['kafka-2']\n",
                &["millrace.toml:3:", "there is no door `kafka-2`"],
            ),
            (
                "[pipelines.a]\npipeline = 'a'\nlisteners = ['tpc']\n",
                &["millrace.toml:3:", "there is no door `tpc`", "beats, file, http"],
            ),
            (
                "[pipelines.a]\npipeline = 'a'\ndocument_id = 'fixed'\n",
                &["document_id", "all events of a shop would be one document"],
            ),
            ("[pipelines.\"a\\u0007\"]\npipeline = 'a'\n", &["is no id of a pipeline"]),
            ("[pipelines.\"\"]\npipeline = 'a'\n", &["is no id of a pipeline"]),
        ] {
            let said = load(text).map(|_| ()).unwrap_err();
            assert!(parts.iter().all(|part| said.contains(part)), "{text}: {said}");
        }
        let named_twice = "[pipelines.a]\npipeline = 'a'\nlisteners = ['tcp', 'tcp']\n";
        assert!(load(named_twice).is_ok(), "it says the same");
        let longer = format!("[pipelines.{}]\npipeline = 'a'\n", "x".repeat(129));
        assert!(load(&longer).unwrap_err().contains("1 to 128 bytes"));
    }
}
