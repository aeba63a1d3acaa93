//! The expressions of uap-core: the embedded file's or a user's own.
//!
//! The embedded ones are compiled one by one when an agent first asks for them: all of them take 20 MiB of
//! memory, of which what shops see needs little. A user's own are compiled at once, so that their
//! mistakes are told at the start.

mod list;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ua_parser::{Regexes, device, os, user_agent};

use self::list::List;

static EMBEDDED: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/node_modules/uap-core/regexes.yaml"));

/// An expression of the embedded file that takes the last number it can for the system's version, which in some agents
/// is a build's: `Mac OS X Version 10.14.4 (Build 18E226)` is 10.14.4. Logstash corrects it in its own copy too.
const CORRECTED: (&str, &str) =
    (r"'Mac OS X\s.{1,50}\s(\d+).(\d+).(\d+)'", r"'Mac OS X\s.{1,50}?\s(\d+).(\d+).(\d+)'");

/// Size of a file of expressions in bytes.
const FILE_MAX_BYTES: u64 = 4 << 20;

/// Why expressions are not used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ExpressionsError {
    #[error("cannot read the expressions in {path}: {source}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path} is larger than {FILE_MAX_BYTES} bytes")]
    TooLarge { path: PathBuf },
    #[error("{name} is not a list of user agents' expressions: {what}")]
    Invalid { name: String, what: String },
}

/// What was found of one agent: its browser, its system, its device.
pub(super) type Found<'a> =
    (Option<user_agent::ValueRef<'a>>, Option<os::ValueRef<'a>>, Option<device::ValueRef<'a>>);

/// Expressions, shared by all workers.
pub(super) struct Expressions {
    browsers: List<user_agent::Extractor<'static>>,
    systems: List<os::Extractor<'static>>,
    devices: List<device::Extractor<'static>>,
}

impl Expressions {
    /// Those that are part of the program, read when first asked for.
    pub(super) fn embedded() -> Result<Arc<Self>, ExpressionsError> {
        static READ: OnceLock<Arc<Expressions>> = OnceLock::new();
        if let Some(read) = READ.get() {
            return Ok(Arc::clone(read));
        }
        let read = Self::read("the embedded file", &embedded())?;
        Ok(Arc::clone(READ.get_or_init(|| Arc::new(read))))
    }

    /// Those of a file.
    pub(super) fn open(path: &Path) -> Result<Arc<Self>, ExpressionsError> {
        let failed = |source| ExpressionsError::Read { path: path.to_owned(), source };
        if path.metadata().map_err(failed)?.len() > FILE_MAX_BYTES {
            return Err(ExpressionsError::TooLarge { path: path.to_owned() });
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let name = path.to_string_lossy();
        let read = Self::read(&name, &text)?;
        read.compile()
            .map_err(|what| ExpressionsError::Invalid { name: name.into_owned(), what })?;
        Ok(Arc::new(read))
    }

    fn read(name: &str, yaml: &str) -> Result<Self, ExpressionsError> {
        let invalid = |what: String| ExpressionsError::Invalid { name: name.to_owned(), what };
        let regexes: Regexes<'static> =
            serde_saphyr::from_str(yaml).map_err(|error| invalid(error.to_string()))?;
        Ok(Self {
            browsers: List::new(regexes.user_agent_parsers).map_err(invalid)?,
            systems: List::new(regexes.os_parsers).map_err(invalid)?,
            devices: List::new(regexes.device_parsers).map_err(invalid)?,
        })
    }

    /// Compiles all that is not compiled yet.
    pub(super) fn compile(&self) -> Result<(), String> {
        self.browsers.compile()?;
        self.systems.compile()?;
        self.devices.compile()
    }

    /// Takes an agent apart.
    pub(super) fn extract<'a>(&'a self, agent: &'a str) -> Found<'a> {
        (
            self.browsers.find(agent, |one, agent| one.extract(agent)),
            self.systems.find(agent, |one, agent| one.extract(agent)),
            self.devices.find(agent, |one, agent| one.extract(agent)),
        )
    }
}

/// The embedded file with what is corrected of it.
fn embedded() -> String {
    let (faulty, correct) = CORRECTED;
    EMBEDDED.replace(faulty, correct)
}

/// The embedded expressions as the library compiles them, all at once.
#[cfg(test)]
pub(super) fn whole() -> ua_parser::Extractor<'static> {
    let regexes: Regexes<'static> = serde_saphyr::from_str(&embedded()).expect("a list");
    regexes.try_into().expect("expressions")
}

#[cfg(test)]
mod tests {
    use super::{CORRECTED, EMBEDDED};

    /// Where it is not, the file has a correction of its own, and this one is to go.
    #[test]
    fn what_is_corrected_is_there() {
        assert_eq!(EMBEDDED.matches(CORRECTED.0).count(), 1);
    }
}
