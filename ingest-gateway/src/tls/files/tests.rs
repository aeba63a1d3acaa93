//! A door does not open with what would not hold.

use std::fs;
use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair, date_time_ymd};
use tempfile::TempDir;

use super::{Terms, load};
use crate::config::{ClientCertificates, TlsConfig};
use crate::tls::{HTTP_PROTOCOLS, now_s};

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.path().join(name);
        fs::write(&path, text).unwrap();
        path
    }

    /// A certificate for these years with its key.
    fn pair(&self, name: &str, years: (i32, i32)) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["shop.example".to_owned()]).unwrap();
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        let certificate = params.self_signed(&key).unwrap().pem();
        let certificate = self.write(&format!("{name}.crt"), &certificate);
        (certificate, self.write(&format!("{name}.key"), &key.serialize_pem()))
    }

    fn config(&self, years: (i32, i32)) -> TlsConfig {
        let (certificate, key) = self.pair("door", years);
        TlsConfig {
            certificate_file: Some(certificate),
            key_file: Some(key),
            ..TlsConfig::default()
        }
    }
}

fn tcp(config: &TlsConfig) -> Terms {
    Terms::new("tcp", config, &[])
}

/// What is said of settings that cannot be used.
fn refusal(config: &TlsConfig) -> String {
    load(&tcp(config), now_s()).unwrap_err().to_string()
}

#[test]
fn a_pair_that_fits_is_taken_with_its_end() {
    let files = Files::new();
    let terms = Terms::new("http", &files.config((2020, 2040)), HTTP_PROTOCOLS);
    let loaded = load(&terms, now_s()).unwrap();
    assert_eq!(loaded.not_after_s, date_time_ymd(2040, 1, 1).unix_timestamp());
    assert_eq!(loaded.config.alpn_protocols, [b"h2".to_vec(), b"http/1.1".to_vec()]);
    assert!(loaded.config.send_tls13_tickets > 0, "who reads an answer can come back faster");
    let one_way = load(&tcp(&files.config((2020, 2040))), now_s()).unwrap();
    assert_eq!(one_way.config.send_tls13_tickets, 0);
}

#[test]
fn a_key_that_is_missing_or_another_ones_is_named() {
    let files = Files::new();
    let mut config = files.config((2020, 2040));
    let (_, other) = files.pair("other", (2020, 2040));
    config.key_file = Some(other);
    let text = refusal(&config);
    assert!(text.starts_with("ingest_gateway.tcp.tls.key_file: "), "{text}");
    assert!(text.contains("other.key: it is not the key of the certificate in"), "{text}");

    config.key_file = Some(files.0.path().join("missing.key"));
    let text = refusal(&config);
    assert!(text.contains("missing.key: it holds no key: "), "{text}");
    config.key_file = config.certificate_file.clone();
    assert!(refusal(&config).contains("it holds no key"));
    config.certificate_file = Some(files.write("empty.crt", "nothing"));
    let text = refusal(&config);
    assert!(
        text.contains("certificate_file: ") && text.contains("it holds no certificate"),
        "{text}"
    );
}

#[test]
fn a_certificate_out_of_its_time_is_refused() {
    let files = Files::new();
    let text = refusal(&files.config((2001, 2002)));
    assert!(text.contains("has expired on Jan  1 00:00:00 2002"), "{text}");
    let text = refusal(&files.config((2090, 2099)));
    assert!(text.contains("is not good before"), "{text}");
}

#[test]
fn a_key_whose_pem_is_broken_is_not_told() {
    let files = Files::new();
    let mut config = files.config((2020, 2040));
    let pem = fs::read_to_string(config.key_file.as_ref().unwrap()).unwrap();
    let secret = pem.lines().nth(1).unwrap().to_owned();
    let decimals: Vec<String> = secret.bytes().map(|byte| byte.to_string()).collect();
    let decimals = decimals.join(", ");
    let without_end = pem.lines().take(2).collect::<Vec<_>>().join("\n");
    let one_line = pem.replace(['\r', '\n'], " ");
    let beginning = one_line.trim_end().trim_end_matches('-').to_owned();
    let no_base64 = pem.replace(&secret, &format!("{secret}!"));
    let good = config.clone();
    for broken in [one_line, beginning, without_end, no_base64] {
        let file = files.write("broken.pem", &broken);
        config.key_file = Some(file.clone());
        let mut as_certificate = good.clone();
        as_certificate.certificate_file = Some(file);
        for text in [refusal(&config), refusal(&as_certificate)] {
            assert!(text.contains("broken.pem: "), "{text}");
            assert!(text.contains("its PEM is broken (are its line ends lost?)"), "{text}");
            assert!(!text.contains(&secret) && !text.contains(&decimals), "{text}");
        }
    }
}

#[test]
fn authorities_of_senders_must_be_there() {
    let files = Files::new();
    let mut config = files.config((2020, 2040));
    config.client_certificates = ClientCertificates::Required;
    assert!(refusal(&config).contains("client_ca_file: no file is named"));
    config.client_ca_file = Some(files.write("ca.crt", ""));
    assert!(refusal(&config).contains("ca.crt: it holds no certificate"));
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    config.client_ca_file = Some(files.write("ca.crt", &authority));
    load(&tcp(&config), now_s()).unwrap();
}
