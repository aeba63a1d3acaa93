//! The first user of an installation, made once by whichever process with the API starts first.

use std::path::Path;

use document_store::{DocumentStore, ErrorKind};
use query_api::UserError;
use service::{Context, wait_for};

use crate::command::Failure;

/// Makes the user `admin` where there is none, and gives its password where it was made up. Waits for
/// the document store; `None` too if the process is told to stop meanwhile.
///
/// # Errors
/// The file cannot be read, the password is refused, or the store fails for good.
pub(crate) async fn ensure(
    documents: &dyn DocumentStore,
    file: Option<&Path>,
    context: &Context,
) -> Result<Option<String>, Failure> {
    let given = file.map(|path| {
        std::fs::read_to_string(path).map_err(|error| {
            Failure::new(format!("cannot read --admin-password-file {}: {error}", path.display()))
        })
    });
    let given = given.transpose()?;
    let given = given.as_deref().map(|text| text.trim_end_matches(['\r', '\n']));
    let transient = |error: &UserError| matches!(error, UserError::Documents(error) if error.kind == ErrorKind::Transient);
    let ensured =
        wait_for(context, "documents", transient, || query_api::ensure_admin(documents, given));
    match ensured.await {
        Ok(password) => Ok(password.flatten()),
        Err(error) => Err(Failure::new(error.to_string())),
    }
}
