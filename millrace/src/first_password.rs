//! The first user of an installation, made once by whichever process with the API starts first.

use std::path::Path;

use document_store::{DocumentStore, ErrorKind};
use query_api::UserError;
use service::{Context, Secret, wait_for};

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
    let given = file.map(Secret::read).transpose();
    let given = given.map_err(|error| Failure::new(format!("--admin-password-file: {error}")))?;
    let given = given.as_ref().map(|password| password.reveal().as_str());
    let transient = |error: &UserError| matches!(error, UserError::Documents(error) if error.kind == ErrorKind::Transient);
    let ensured =
        wait_for(context, "documents", transient, || query_api::ensure_admin(documents, given));
    match ensured.await {
        Ok(password) => Ok(password.flatten()),
        Err(error) => Err(Failure::new(error.to_string())),
    }
}
