//! The pipelines of a `pipelines.yml` together: each input becomes a door of its own, and each pipeline's settings say
//! which doors are its own.
//!
//! Reads no file: the texts are given.

use std::path::{Path, PathBuf};

use enricher::language::{Diagnostic, parse};
use enricher::pipeline_text::listed_ids;
use enricher::{EnricherError, PipelineText};
use service::Printable;

use super::carried::{Carried, Left, Setting, SettingValue, Spot};
use super::plugin::Surroundings;
use super::{Reach, read_tree, variables_of};

/// A pipeline of a list.
#[derive(Debug)]
pub struct Listed {
    /// Its id.
    pub id: String,
    /// By what it is named alone: `pipelines.yml#ID`.
    pub path: PathBuf,
    /// Its text.
    pub text: PipelineText,
}

/// The ids of the pipelines of a list of several, each with what names it alone; none for any other path.
///
/// # Errors
/// The list cannot be read, or what is wrong with it.
pub fn several(path: &Path) -> Result<Option<Vec<(String, PathBuf)>>, EnricherError> {
    let ids = listed_ids(path)?.filter(|ids| ids.len() > 1);
    let named = |id: String| {
        let named = PathBuf::from(format!("{}#{id}", path.display()));
        (id, named)
    };
    Ok(ids.map(|ids| ids.into_iter().map(named).collect()))
}

/// Reads the inputs and outputs of pipelines that run in one process, and the mistakes in each one's. What is wrong with
/// the filters is not looked at.
#[must_use]
pub fn carry_over_all(
    pipelines: &[Listed],
    config: &enricher::Config,
    reach: Reach,
) -> (Carried, Vec<Vec<Diagnostic>>) {
    let variables = variables_of(config);
    let mut carried = Carried::default();
    let carry = |pipeline: &Listed| {
        let text = &pipeline.text;
        let tree = match parse(&text.source, text.syntax(config)) {
            Ok(tree) => tree,
            Err(mistakes) => return mistakes,
        };
        let begin = carried.settings.len();
        carried.begin(&pipeline.id);
        let ecs = text.ecs_compatibility(config);
        let source = &text.source;
        let surroundings = Surroundings { source, variables: &variables, reach, ecs };
        let mistakes = read_tree(&tree, surroundings, &mut carried);
        carried.end(pipeline, begin);
        mistakes
    };
    let mistakes = pipelines.iter().map(carry).collect();
    (carried, mistakes)
}

impl Carried {
    /// Reads another pipeline of a list from now on.
    fn begin(&mut self, id: &str) {
        self.pipeline = Some(id.to_owned());
        self.store = None;
    }

    /// Says which doors are those of the pipeline that was read, in front of its other settings, which are those from
    /// `begin` on.
    fn end(&mut self, pipeline: &Listed, begin: usize) {
        let spot = Spot::at_start(&pipeline.text.source);
        let listeners = self.listeners();
        if listeners.is_empty() {
            let reason = "no event comes to it: none of its inputs is a door here; name doors in its `listeners`, or \
                          take it out of the list";
            let what = format!("pipeline {}", pipeline.id);
            self.left.push(Left { spot: spot.clone(), what, reason: reason.to_owned() });
        }
        let own = [
            ("pipeline", SettingValue::Text(pipeline.path.display().to_string())),
            ("listeners", SettingValue::List(listeners)),
        ];
        let own = own.map(|(name, value)| Setting {
            path: self.pipeline_path(name),
            value,
            spot: spot.clone(),
            plugin: format!("pipeline {}", Printable(&pipeline.id)),
            unless: Vec::new(),
        });
        drop(self.settings.splice(begin..begin, own));
    }
}
