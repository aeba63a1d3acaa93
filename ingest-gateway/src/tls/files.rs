//! Certificates and keys out of files, and everything that can be wrong with them.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::version::{TLS12, TLS13};
use rustls::{Error, InconsistentKeys, RootCertStore, ServerConfig, SupportedProtocolVersion};
use sha2::{Digest, Sha256};
use x509_parser::parse_x509_certificate;

use super::Terms;
use crate::config::{ClientCertificates, Problem, TlsConfig, TlsVersion, table_of};

/// The settings that name the files, within a door's table.
const CERTIFICATE_FILE: &str = "certificate_file";
const KEY_FILE: &str = "key_file";
const CLIENT_CA_FILE: &str = "client_ca_file";

/// What files give; cloning shares.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(super) config: Arc<ServerConfig>,
    /// When the first certificate of the chain ends, seconds since 1970 UTC.
    pub(super) not_after_s: i64,
    /// Of the files' bytes.
    pub(super) digest: [u8; 32],
}

/// A digest of what the files hold now; none if one of them cannot be read.
pub(super) fn digest(config: &TlsConfig) -> Option<[u8; 32]> {
    let files = [&config.certificate_file, &config.key_file, &config.client_ca_file];
    let mut digest = Sha256::new();
    for file in files.into_iter().flatten() {
        let bytes = std::fs::read(file).ok()?;
        digest.update((bytes.len() as u64).to_be_bytes());
        digest.update(&bytes);
    }
    Some(digest.finalize().into())
}

/// Reads the files and checks that they can be used at `now_s` (seconds since 1970 UTC).
///
/// # Errors
/// The setting to change, and why.
pub(super) fn load(terms: &Terms, now_s: i64) -> Result<Loaded, Problem> {
    read(terms, now_s).map_err(|problem| problem.within(&format!("{}.tls", table_of(terms.door))))
}

/// The same; a problem is named within the door's table.
fn read(terms: &Terms, now_s: i64) -> Result<Loaded, Problem> {
    let config = &terms.config;
    // Before the files are read: what changes in between is seen at the next look.
    let digest = digest(config).unwrap_or_default();
    let chain_file = needed(config.certificate_file.as_deref(), CERTIFICATE_FILE)?;
    let chain = certificates(chain_file, CERTIFICATE_FILE)?;
    let not_after_s = check_times(&chain, chain_file, CERTIFICATE_FILE, now_s)?;
    let key_file = needed(config.key_file.as_deref(), KEY_FILE)?;
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| {
        let hint = "; a key with a password must be written without one (openssl pkey)";
        let hint = if matches!(error, pem::Error::NoItemsFound) { hint } else { "" };
        let why = format!("it holds no key: {}{hint}", pem_trouble(&error));
        unusable(key_file, KEY_FILE, &why)
    })?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = verifier(terms, &provider)?;
    let versions: &[&SupportedProtocolVersion] = match config.version_min {
        TlsVersion::Tls12 => &[&TLS13, &TLS12],
        TlsVersion::Tls13 => &[&TLS13],
    };
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| unusable(chain_file, CERTIFICATE_FILE, &error.to_string()))?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut server = builder.with_single_cert(chain, key).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => {
            let why = format!("it is not the key of the certificate in {}", chain_file.display());
            unusable(key_file, KEY_FILE, &why)
        }
        error => unusable(key_file, KEY_FILE, &error.to_string()),
    })?;
    server.alpn_protocols = terms.protocols.iter().map(|name| name.to_vec()).collect();
    if terms.protocols.is_empty() {
        // Who only sends never reads them, and a socket that is closed with something unread is reset: what was
        // still on its way to the door would be lost, and neither side would know.
        server.send_tls13_tickets = 0;
    }
    Ok(Loaded { config: Arc::new(server), not_after_s, digest })
}

fn needed<'f>(file: Option<&'f Path>, setting: &str) -> Result<&'f Path, Problem> {
    file.ok_or_else(|| Problem::new(setting, "no file is named"))
}

/// Who asks senders for certificates, if they are asked.
fn verifier(
    terms: &Terms,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, Problem> {
    if terms.config.client_certificates == ClientCertificates::Off {
        return Ok(None);
    }
    let setting = CLIENT_CA_FILE;
    let file = needed(terms.config.client_ca_file.as_deref(), setting)?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates(file, setting)? {
        roots.add(certificate).map_err(|error| unusable(file, setting, &error.to_string()))?;
    }
    let provider = Arc::clone(provider);
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match terms.config.client_certificates {
        ClientCertificates::Optional => builder.allow_unauthenticated(),
        ClientCertificates::Off | ClientCertificates::Required => builder,
    };
    builder.build().map(Some).map_err(|error| unusable(file, setting, &error.to_string()))
}

fn certificates(file: &Path, setting: &str) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let read = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates = read.map_err(|error| unusable(file, setting, &pem_trouble(&error)))?;
    if certificates.is_empty() {
        return Err(unusable(file, setting, "it holds no certificate"));
    }
    Ok(certificates)
}

/// What is wrong with a file of PEM, in words that hold nothing of it: most errors tell the line, which may
/// be a key.
fn pem_trouble(error: &pem::Error) -> String {
    match error {
        pem::Error::Io(_) | pem::Error::NoItemsFound => error.to_string(),
        _ => "its PEM is broken (are its line ends lost?)".to_owned(),
    }
}

/// When the chain ends; refuses one that has ended or not begun.
fn check_times(
    chain: &[CertificateDer<'_>],
    file: &Path,
    setting: &str,
    now_s: i64,
) -> Result<i64, Problem> {
    let mut first_end_s = i64::MAX;
    for certificate in chain {
        let (_, certificate) = parse_x509_certificate(certificate)
            .map_err(|error| unusable(file, setting, &format!("it cannot be read: {error}")))?;
        let (subject, times) = (certificate.subject(), certificate.validity());
        if times.not_after.timestamp() < now_s {
            let why = format!("the certificate of `{subject}` has expired on {}", times.not_after);
            return Err(unusable(file, setting, &why));
        }
        if times.not_before.timestamp() > now_s {
            let begin = times.not_before;
            let why = format!("the certificate of `{subject}` is not good before {begin}");
            return Err(unusable(file, setting, &why));
        }
        first_end_s = first_end_s.min(times.not_after.timestamp());
    }
    Ok(first_end_s)
}

fn unusable(file: &Path, setting: &str, why: &str) -> Problem {
    Problem::new(setting, format!("{}: {why}", file.display()))
}

#[cfg(test)]
mod tests;
