//! What the driver reports, as what the caller can do about it. Says nothing that a document or a
//! credential holds.

use mongodb::bson::Document;
use mongodb::error::{
    Error, ErrorKind as DriverKind, RETRYABLE_WRITE_ERROR, TRANSIENT_TRANSACTION_ERROR,
    UNKNOWN_TRANSACTION_COMMIT_RESULT, WriteFailure,
};

use crate::{DocumentError, ErrorKind};

/// A unique index, or the id, has these values already.
pub(super) const DUPLICATE_KEY: i32 = 11000;
/// Somebody else has changed the same document.
pub(super) const WRITE_CONFLICT: i32 = 112;
const NAMESPACE_EXISTS: i32 = 48;
const INDEX_OPTIONS_CONFLICT: i32 = 85;
const INDEX_KEY_SPECS_CONFLICT: i32 = 86;
const ILLEGAL_OPERATION: i32 = 20;
const UNAUTHORIZED: [i32; 4] = [13, 18, 8000, 33];
const TOO_LARGE: [i32; 2] = [10334, 17419];
/// What may be over when it is tried again: by itself, or because somebody has made room.
const PASSING: [&[i32]; 6] = [
    // The host or the network is away, or an answer took too long.
    &[6, 7, 89, 9001],
    // Another server is becoming the one that takes writes, or this one is stopping.
    &[91, 189, 10107, 11600, 11602, 13435, 13436, 133],
    // Locks, limits of time, cursors that are gone, servers that have too much to do.
    &[24, 43, 46, 50, 202, 262, 365, 462],
    // Conflicts of transactions, and reads of what is not there yet.
    &[WRITE_CONFLICT, 134, 246, 251],
    // Not enough members to confirm a write.
    &[64],
    // A disk that is full.
    &[14031],
];

/// Why something was not done.
#[derive(Debug)]
pub(super) enum Failure {
    /// The caller is told.
    Refused(DocumentError),
    /// The server, or the way to it.
    Driver(Error),
}

impl From<DocumentError> for Failure {
    fn from(error: DocumentError) -> Self {
        Self::Refused(error)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Driver(error)
    }
}

impl From<mongodb::bson::error::Error> for Failure {
    fn from(error: mongodb::bson::error::Error) -> Self {
        let text = format!("a stored document is damaged: {error}");
        Self::Refused(DocumentError::new(ErrorKind::Fatal, text))
    }
}

impl Failure {
    /// What the caller is told; `place` is the server as it may be shown.
    pub(super) fn explain(self, place: &str) -> DocumentError {
        match self {
            Self::Refused(error) => error,
            Self::Driver(error) => explain(place, &error),
        }
    }

    /// Whether the whole transaction may be tried again.
    pub(super) fn lets_try_again(&self) -> bool {
        match self {
            Self::Refused(_) => false,
            Self::Driver(error) => {
                error.contains_label(TRANSIENT_TRANSACTION_ERROR)
                    || code(error) == Some(WRITE_CONFLICT)
            }
        }
    }
}

/// The server's number for an error.
pub(super) fn code(error: &Error) -> Option<i32> {
    match &*error.kind {
        DriverKind::Command(error) => Some(error.code),
        DriverKind::Write(WriteFailure::WriteError(error)) => Some(error.code),
        DriverKind::Write(WriteFailure::WriteConcernError(error)) => Some(error.code),
        _ => None,
    }
}

/// Whether the collection was there already.
pub(super) fn is_there_already(error: &Error) -> bool {
    code(error) == Some(NAMESPACE_EXISTS)
}

/// Whether an index of this name stands there with other fields.
pub(super) fn is_another_index(error: &Error) -> bool {
    matches!(code(error), Some(INDEX_OPTIONS_CONFLICT | INDEX_KEY_SPECS_CONFLICT))
}

/// Whether it is not known what the server did: the same commit may be asked for again.
pub(super) fn is_commit_unknown(error: &Error) -> bool {
    error.contains_label(UNKNOWN_TRANSACTION_COMMIT_RESULT)
}

/// The error of a write that is named in the answer of a command.
pub(super) fn of_write_error(place: &str, error: &Document) -> DocumentError {
    let code = error.get_i32("code").unwrap_or_default();
    DocumentError::new(kind_of_code(code), text_of_code(place, code, "", written(error)))
}

/// What a write error says.
fn written(error: &Document) -> &str {
    error.get_str("errmsg").unwrap_or("the server gave no reason")
}

fn explain(place: &str, error: &Error) -> DocumentError {
    let passing = [
        RETRYABLE_WRITE_ERROR,
        TRANSIENT_TRANSACTION_ERROR,
        UNKNOWN_TRANSACTION_COMMIT_RESULT,
        "SystemOverloadedError",
    ];
    let is_passing = passing.iter().any(|label| error.contains_label(label));
    let kind = match kind_of(error) {
        ErrorKind::Fatal if is_passing => ErrorKind::Transient,
        kind => kind,
    };
    DocumentError::new(kind, text_of(place, error))
}

fn kind_of(error: &Error) -> ErrorKind {
    match &*error.kind {
        DriverKind::Command(error) => kind_of_code(error.code),
        DriverKind::Write(WriteFailure::WriteError(error)) => kind_of_code(error.code),
        DriverKind::Write(WriteFailure::WriteConcernError(_)) => ErrorKind::Transient,
        // A server that cannot be trusted is one that cannot be found.
        DriverKind::ServerSelection { message, .. } if names_certificate(message) => {
            ErrorKind::Fatal
        }
        DriverKind::Io(error) if names_certificate(&error.to_string()) => ErrorKind::Fatal,
        DriverKind::ServerSelection { .. }
        | DriverKind::Io(_)
        | DriverKind::ConnectionPoolCleared { .. }
        | DriverKind::DnsResolve { .. }
        | DriverKind::InvalidResponse { .. }
        | DriverKind::Transaction { .. }
        | DriverKind::Internal { .. } => ErrorKind::Transient,
        _ => ErrorKind::Fatal,
    }
}

fn names_certificate(text: &str) -> bool {
    text.contains("certificate")
}

fn kind_of_code(code: i32) -> ErrorKind {
    match code {
        DUPLICATE_KEY => ErrorKind::Conflict,
        code if TOO_LARGE.contains(&code) => ErrorKind::Invalid,
        code if PASSING.iter().any(|codes| codes.contains(&code)) => ErrorKind::Transient,
        _ => ErrorKind::Fatal,
    }
}

fn text_of(place: &str, error: &Error) -> String {
    match &*error.kind {
        DriverKind::Command(error) => {
            text_of_code(place, error.code, &error.code_name, &error.message)
        }
        DriverKind::Write(WriteFailure::WriteError(error)) => {
            text_of_code(place, error.code, "", &error.message)
        }
        DriverKind::Write(WriteFailure::WriteConcernError(error)) => {
            format!("the document store {place} did not confirm a write: {}", error.message)
        }
        DriverKind::Authentication { .. } => format!(
            "the document store {place} refuses our user or password: set them in the URL or in \
             the settings of mongodb"
        ),
        DriverKind::SessionsNotSupported => not_a_replica_set(place),
        kind => format!("the document store {place} cannot be used: {kind}"),
    }
}

fn text_of_code(place: &str, code: i32, name: &str, message: &str) -> String {
    match code {
        // The server's text holds the values.
        DUPLICATE_KEY => "another document has the values of a unique index".to_owned(),
        ILLEGAL_OPERATION if message.contains("Transaction numbers") => not_a_replica_set(place),
        code if UNAUTHORIZED.contains(&code) => format!(
            "the document store {place} does not let our user do this ({message}): it needs the \
             role readWrite on the database"
        ),
        code => format!("the document store {place} refuses a call: {message} ({code} {name})"),
    }
}

/// The error of a server that has no transactions.
pub(super) fn not_a_replica_set(place: &str) -> String {
    format!(
        "the document store {place} is a server alone and has no transactions: make it a replica \
         set (one member is enough: --replSet, then rs.initiate())"
    )
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    #[test]
    fn codes_say_what_the_caller_can_do() {
        let kinds = [
            (11000, ErrorKind::Conflict),
            (10107, ErrorKind::Transient),
            (189, ErrorKind::Transient),
            (91, ErrorKind::Transient),
            (112, ErrorKind::Transient),
            (64, ErrorKind::Transient),
            (14031, ErrorKind::Transient),
            (13, ErrorKind::Fatal),
            (18, ErrorKind::Fatal),
            (121, ErrorKind::Fatal),
            (10334, ErrorKind::Invalid),
        ];
        for (code, kind) in kinds {
            let error = of_write_error("mongodb://a", &doc! {"code": code, "errmsg": "x"});
            assert_eq!(error.kind, kind, "{code}");
        }
    }

    #[test]
    fn values_of_a_unique_index_are_not_shown() {
        let message = "E11000 duplicate key error index: by_email dup key: { x: \"ada@x\" }";
        let error = of_write_error("mongodb://a", &doc! {"code": 11000, "errmsg": message});
        assert!(!error.message.contains("ada@x"), "{error}");
    }

    #[test]
    fn what_a_person_must_do_is_said() {
        let alone = "Transaction numbers are only allowed on a replica set member or mongos";
        let error = of_write_error("mongodb://a", &doc! {"code": 20, "errmsg": alone});
        assert_eq!(error.kind, ErrorKind::Fatal);
        assert!(error.message.contains("rs.initiate"), "{error}");
        let error = of_write_error("mongodb://a", &doc! {"code": 13, "errmsg": "not authorized"});
        assert!(error.message.contains("readWrite"), "{error}");
        let error = Error::from(std::io::Error::from(std::io::ErrorKind::ConnectionReset));
        assert_eq!(Failure::from(error).explain("mongodb://a").kind, ErrorKind::Transient);
    }
}
