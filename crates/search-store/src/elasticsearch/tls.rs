//! How an engine is known, and how it knows us: certificates for TLS. Names are always verified; the system's
//! certificates count unless a file names others.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ConfigBuilder, RootCertStore, WantsVerifier};

use super::config::ElasticsearchConfig;
use crate::StoreError;

/// The settings of TLS connections.
///
/// # Errors
/// For files that cannot be read or hold nothing of use.
pub(crate) fn client(config: &ElasticsearchConfig) -> Result<ClientConfig, StoreError> {
    let builder = builder()?.with_root_certificates(roots(config.ca_file.as_deref())?);
    let (Some(certificate), Some(key)) = (&config.client_cert_file, &config.client_key_file) else {
        return Ok(builder.with_no_client_auth());
    };
    let chain = certificates(certificate, "client_cert_file")?;
    let key = PrivateKeyDer::from_pem_file(key)
        .map_err(|error| unreadable(key, "client_key_file", &error.to_string()))?;
    builder.with_client_auth_cert(chain, key).map_err(|error| {
        refused(format!("client_cert_file and client_key_file do not fit together: {error}"))
    })
}

/// Settings for a client that never uses TLS.
///
/// # Errors
/// TLS cannot be used at all.
pub(crate) fn unused() -> Result<ClientConfig, StoreError> {
    Ok(builder()?.with_root_certificates(RootCertStore::empty()).with_no_client_auth())
}

fn builder() -> Result<ConfigBuilder<ClientConfig, WantsVerifier>, StoreError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| refused(format!("TLS cannot be used: {error}")))
}

fn roots(file: Option<&Path>) -> Result<RootCertStore, StoreError> {
    let mut roots = RootCertStore::empty();
    if let Some(file) = file {
        for certificate in certificates(file, "ca_file")? {
            roots
                .add(certificate)
                .map_err(|error| unreadable(file, "ca_file", &error.to_string()))?;
        }
        return Ok(roots);
    }
    let system = rustls_native_certs::load_native_certs();
    let (added, _) = roots.add_parsable_certificates(system.certs);
    if added == 0 {
        let reason = system.errors.first().map(ToString::to_string).unwrap_or_default();
        return Err(refused(format!(
            "this system has no certificates to know the search engine by ({reason}): set ca_file"
        )));
    }
    Ok(roots)
}

fn certificates(file: &Path, setting: &str) -> Result<Vec<CertificateDer<'static>>, StoreError> {
    let read = |error: rustls::pki_types::pem::Error| unreadable(file, setting, &error.to_string());
    let certificates = CertificateDer::pem_file_iter(file).map_err(read)?;
    let certificates = certificates.collect::<Result<Vec<_>, _>>().map_err(read)?;
    if certificates.is_empty() {
        return Err(unreadable(file, setting, "it holds no certificate"));
    }
    Ok(certificates)
}

fn unreadable(file: &Path, setting: &str, reason: &str) -> StoreError {
    refused(format!("search.elasticsearch.{setting} {}: {reason}", file.display()))
}

fn refused(message: String) -> StoreError {
    StoreError::Fatal(message)
}
