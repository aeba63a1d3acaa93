//! The doors that inputs become: the first input of a kind the kind's own, each further one another with a table of its
//! own. Where several pipelines are read, they count together.

use bus::inputs;

use super::carried::Carried;

/// A door that an input becomes.
#[derive(Clone, Debug)]
pub(super) struct Door {
    kind: &'static str,
    name: String,
}

/// One that an input has become.
#[derive(Debug)]
pub(super) struct Opened {
    door: Door,
    /// Of a list.
    pipeline: Option<String>,
}

impl Door {
    /// That of the next input of this kind.
    pub(super) fn next(carried: &Carried, kind: &'static str) -> Self {
        let before = carried.doors.iter().filter(|opened| opened.door.kind == kind).count();
        let name = match before {
            0 => kind.to_owned(),
            _ => inputs::counted(kind, before + 1),
        };
        Self { kind, name }
    }

    /// Its name in records and in `enricher.inputs`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is none that is there without any input.
    pub(super) fn is_further(&self) -> bool {
        self.name != self.kind
    }

    /// The path of a setting in its table.
    pub(super) fn path<'p>(&'p self, setting: &[&'p str]) -> Vec<&'p str> {
        let mut path = vec!["ingest_gateway", self.kind];
        if self.is_further() {
            path.extend(["inputs", self.name.as_str()]);
        }
        path.extend_from_slice(setting);
        path
    }

    /// Whether this is the path of a setting in the table of any door of its kind.
    pub(super) fn is_of_kind(&self, path: &[String], setting: &str) -> bool {
        let is_of_kind =
            path.iter().zip(["ingest_gateway", self.kind]).all(|(own, known)| own == known);
        is_of_kind && path.last().is_some_and(|last| last == setting)
    }
}

impl Carried {
    /// Notes that an input of the pipeline that is read has become this door.
    pub(super) fn open(&mut self, door: Door) {
        let pipeline = self.pipeline.clone();
        self.doors.push(Opened { door, pipeline });
    }

    /// The names of the doors of the pipeline that is read.
    pub(super) fn listeners(&self) -> Vec<String> {
        let own = self.doors.iter().filter(|opened| opened.pipeline == self.pipeline);
        own.map(|opened| opened.door.name.clone()).collect()
    }

    /// Whether an input of the pipeline that is read has become this door.
    pub(super) fn has_door(&self, name: &str) -> bool {
        let mut named = self.doors.iter().filter(|opened| opened.door.name == name);
        named.any(|opened| opened.pipeline == self.pipeline)
    }

    /// Another pipeline that has the door of this name.
    pub(super) fn owner_of(&self, name: &str) -> Option<&str> {
        let opened = self.doors.iter().find(|opened| opened.door.name == name)?;
        opened.pipeline.as_deref().filter(|_| opened.pipeline != self.pipeline)
    }

    /// The path of a setting of the pipeline that is read.
    pub(super) fn pipeline_path(&self, setting: &str) -> Vec<String> {
        let path = match &self.pipeline {
            None => vec!["enricher", setting],
            Some(id) => vec!["enricher", "pipelines", id, setting],
        };
        path.into_iter().map(str::to_owned).collect()
    }
}
