//! The pipelines of a process, and which of them an event goes through: the one that names the door that took it, else
//! the one of all other doors.
//!
//! Each is changed by itself while it runs; which doors it has stays as it was at the start. Nothing an event says
//! chooses its pipeline.

use std::sync::Arc;

use crate::EnricherError;
use crate::config::Config;
use crate::plan::Plan;
use crate::reload::CurrentPlan;

/// The place of the pipeline of all doors that no other one names.
const OF_THE_REST: usize = 0;

/// All pipelines of a process. Cloning shares.
#[derive(Clone, Debug)]
pub struct Pipelines {
    all: Arc<[Pipeline]>,
    /// The names of doors with the places of their pipelines.
    listeners: Arc<[(String, usize)]>,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Pipeline {
    id: Option<String>,
    current: CurrentPlan,
}

impl Pipeline {
    /// Its name in `enricher.pipelines`; the one of all other doors has none.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// What runs at the moment.
    #[must_use]
    pub fn current(&self) -> &CurrentPlan {
        &self.current
    }
}

impl From<CurrentPlan> for Pipelines {
    fn from(current: CurrentPlan) -> Self {
        let rest = Pipeline { id: None, current };
        Self { all: Arc::new([rest]), listeners: Arc::default() }
    }
}

impl From<Plan> for Pipelines {
    fn from(plan: Plan) -> Self {
        CurrentPlan::from(plan).into()
    }
}

impl Pipelines {
    /// Reads and compiles all that a configuration names. `secret` is the installation's key.
    ///
    /// # Errors
    /// [`EnricherError::Mistakes`] with everything that is wrong with any of them, or why one cannot be read.
    pub fn compile(config: &Config, secret: &str) -> Result<Self, EnricherError> {
        let mut mistakes = Vec::new();
        let mut compile = |config: &Config| match crate::compile(config, secret) {
            Ok(plan) => Ok(Some(plan)),
            Err(EnricherError::Mistakes(own)) => {
                mistakes.extend(own);
                Ok(None)
            }
            Err(error) => Err(error),
        };
        let mut pipelines = compile(config)?.map(Self::from);
        for (id, own) in &config.pipelines {
            let plan = compile(&config.of_pipeline(own))?;
            let both = pipelines.zip(plan);
            pipelines = both.map(|(pipelines, plan)| pipelines.with(id, &own.listeners, plan));
        }
        pipelines.ok_or(EnricherError::Mistakes(mistakes))
    }

    /// These and another one, which the events of these doors go through.
    #[must_use]
    pub fn with<L: Into<String> + Clone>(
        self,
        id: &str,
        listeners: &[L],
        plan: impl Into<CurrentPlan>,
    ) -> Self {
        let place = self.all.len();
        let own = Pipeline { id: Some(id.to_owned()), current: plan.into() };
        let listeners = listeners.iter().cloned().map(|listener| (listener.into(), place));
        Self {
            all: self.all.iter().cloned().chain([own]).collect(),
            listeners: self.listeners.iter().cloned().chain(listeners).collect(),
        }
    }

    /// The one of all doors that no other names, and then the others, in the order of their ids.
    #[must_use]
    pub fn all(&self) -> &[Pipeline] {
        &self.all
    }

    /// Where in [`Pipelines::all`] the pipeline of the records of this door stands.
    pub(crate) fn place_of(&self, listener: &str) -> usize {
        let known = self.listeners.iter().find(|(known, _)| known == listener);
        known.map_or(OF_THE_REST, |(_, place)| *place)
    }

    /// The ids of those that have no door.
    pub(crate) fn without_doors(&self) -> impl Iterator<Item = &str> {
        let is_named = move |place| self.listeners.iter().any(|(_, named)| *named == place);
        let all = self.all.iter().enumerate();
        all.filter_map(move |(place, pipeline)| pipeline.id().filter(|_| !is_named(place)))
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::PipelineConfig;

    #[test]
    fn every_mistake_of_every_pipeline_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        };
        let own = |pipeline: PathBuf, listener: &str| PipelineConfig {
            pipeline,
            listeners: vec![listener.to_owned()],
            document_id: None,
            index: None,
        };
        let mut config =
            Config { pipeline: Some(write("a.conf", "filter { dorp { } }")), ..Config::default() };
        let wrong = own(write("b.conf", "filter { mutaet { } }"), "tcp");
        config.pipelines.insert("b".to_owned(), wrong);
        let said = Pipelines::compile(&config, "key").unwrap_err().to_string();
        assert!(said.contains("`dorp`") && said.contains("`mutaet`"), "{said}");
        config.pipeline = None;
        let right = own(write("b.conf", "filter { drop { } }"), "tcp");
        config.pipelines.insert("b".to_owned(), right);
        let pipelines = Pipelines::compile(&config, "key").unwrap();
        let ids: Vec<_> = pipelines.all().iter().map(Pipeline::id).collect();
        assert_eq!(ids, [None, Some("b")]);
        assert_eq!(["tcp", "tcp-2", "http"].map(|door| pipelines.place_of(door)), [1, 0, 0]);
        assert_eq!(pipelines.without_doors().count(), 0);
        config.pipelines.insert("c".to_owned(), own(folder.path().join("gone.conf"), "udp"));
        let said = Pipelines::compile(&config, "key").unwrap_err().to_string();
        assert!(said.contains("gone.conf"), "{said}");
    }
}
