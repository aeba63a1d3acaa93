//! Why a schema file cannot be used.

/// A schema file that does not keep to the form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// The file is not JSON.
    #[error("schemas/{file}: not JSON: {message}")]
    NotJson {
        /// The file.
        file: String,
        /// What the parser says.
        message: String,
    },
    /// Something stands there that has no meaning here.
    #[error("schemas/{file}: {place}: {message}")]
    Form {
        /// The file.
        file: String,
        /// The property, dotted.
        place: String,
        /// What is wrong and what is allowed.
        message: String,
    },
}
