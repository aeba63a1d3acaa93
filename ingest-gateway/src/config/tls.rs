//! Settings of TLS on a door.

use std::collections::BTreeMap;
use std::path::PathBuf;

use access::ShopName;
use serde::{Deserialize, Serialize};
use service::Span;

use super::Problem;
use super::problem::refuse_zero;

/// TLS on a door. Without a certificate the door speaks none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TlsConfig {
    /// The door's certificate and those between it and the authority that its senders know, PEM.
    pub certificate_file: Option<PathBuf>,
    /// The key of the certificate, PEM without a password.
    pub key_file: Option<PathBuf>,
    /// The authorities that sign the senders' certificates, PEM.
    pub client_ca_file: Option<PathBuf>,
    /// Whether senders show certificates.
    pub client_certificates: ClientCertificates,
    /// Shops by a name in the certificates of their senders: the subject's common name, or a name of DNS or a URI
    /// among its alternative names. With one, a certificate without such a name is refused.
    pub shops: BTreeMap<String, ShopName>,
    /// The oldest version that is spoken.
    pub version_min: TlsVersion,
    /// How long a handshake may take.
    pub handshake_timeout: Span,
    /// How often it is looked whether the files have changed.
    pub reload_interval: Span,
}

/// Whether senders show certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientCertificates {
    /// They are not asked.
    #[default]
    Off,
    /// They may; what they show must be signed by a known authority.
    Optional,
    /// They must.
    Required,
}

/// A version of TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TlsVersion {
    /// RFC 5246.
    #[default]
    #[serde(rename = "1.2")]
    Tls12,
    /// RFC 8446.
    #[serde(rename = "1.3")]
    Tls13,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            certificate_file: None,
            key_file: None,
            client_ca_file: None,
            client_certificates: ClientCertificates::Off,
            shops: BTreeMap::new(),
            version_min: TlsVersion::Tls12,
            handshake_timeout: Span::from_secs(10),
            reload_interval: Span::from_secs(60),
        }
    }
}

impl TlsConfig {
    /// Whether the door speaks TLS.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.certificate_file.is_some()
    }

    /// Whether only senders come in that show a certificate.
    #[must_use]
    pub fn knows_senders(&self) -> bool {
        self.is_on() && self.client_certificates == ClientCertificates::Required
    }

    /// What is wrong without looking into the files.
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        let mut add = |setting, message: &str| problems.push(Problem::new(setting, message));
        match (&self.certificate_file, &self.key_file) {
            (None, Some(_)) => {
                add("certificate_file", "a key without its certificate: name both files");
            }
            (Some(_), None) => {
                add("key_file", "a certificate without its key: name both files");
            }
            _ => {}
        }
        let asks = self.client_certificates != ClientCertificates::Off;
        if asks && !self.is_on() {
            add(
                "client_certificates",
                "without TLS nobody can show a certificate: name certificate_file and key_file",
            );
        }
        if asks && self.client_ca_file.is_none() {
            add(
                "client_ca_file",
                "whose certificates are good? Name the file of the authorities that sign them",
            );
        }
        if !asks && self.client_ca_file.is_some() {
            add(
                "client_certificates",
                "there are authorities for senders' certificates, and nobody is asked for one: set \
                 \"optional\" or \"required\", or take client_ca_file away",
            );
        }
        if !asks && !self.shops.is_empty() {
            add(
                "shops",
                "shops are known by certificates here, and nobody is asked for one: set client_certificates to \
                 \"optional\" or \"required\"",
            );
        }
        if self.shops.contains_key("") {
            add("shops", "a name in a certificate is never empty");
        }
        let spans = [
            ("handshake_timeout", self.handshake_timeout),
            ("reload_interval", self.reload_interval),
        ];
        refuse_zero(problems, &[], &spans);
    }
}
