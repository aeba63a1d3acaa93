//! The expressions of uap-core, compiled: the embedded file's or a user's own.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ua_parser::{Extractor, Regexes};

static EMBEDDED: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/node_modules/uap-core/regexes.yaml"));

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

/// Compiled expressions, shared by all workers.
pub(super) struct Expressions {
    pub(super) extractor: Extractor<'static>,
}

impl Expressions {
    /// Those that are part of the program, compiled when first asked for.
    pub(super) fn embedded() -> Result<Arc<Self>, ExpressionsError> {
        static COMPILED: OnceLock<Arc<Expressions>> = OnceLock::new();
        if let Some(compiled) = COMPILED.get() {
            return Ok(Arc::clone(compiled));
        }
        let compiled = Self::compile("the embedded file", EMBEDDED)?;
        Ok(Arc::clone(COMPILED.get_or_init(|| Arc::new(compiled))))
    }

    /// Those of a file.
    pub(super) fn open(path: &Path) -> Result<Arc<Self>, ExpressionsError> {
        let failed = |source| ExpressionsError::Read { path: path.to_owned(), source };
        if path.metadata().map_err(failed)?.len() > FILE_MAX_BYTES {
            return Err(ExpressionsError::TooLarge { path: path.to_owned() });
        }
        let text = std::fs::read_to_string(path).map_err(failed)?;
        Self::compile(&path.to_string_lossy(), &text).map(Arc::new)
    }

    fn compile(name: &str, yaml: &str) -> Result<Self, ExpressionsError> {
        let invalid = |what: String| ExpressionsError::Invalid { name: name.to_owned(), what };
        let regexes: Regexes<'static> =
            serde_saphyr::from_str(yaml).map_err(|error| invalid(error.to_string()))?;
        let extractor = Extractor::try_from(regexes).map_err(|error| invalid(error.to_string()))?;
        Ok(Self { extractor })
    }
}
