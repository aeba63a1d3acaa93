//! TLS: an engine is known by who signed its certificate and by its name, and can ask for ours.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig, ServerConnection, StreamOwned};

use crate::elasticsearch::{ElasticsearchConfig, ElasticsearchStore};
use crate::{SearchStore, StoreError};

/// Somebody who signs certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// A certificate with its key, as PEM.
struct Identity {
    certificate: String,
    key: String,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let pem = params.self_signed(&key).expect("a certificate").pem();
        Self { issuer: Issuer::new(params, key), pem }
    }

    fn sign(&self, name: &str) -> Identity {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate").pem();
        Identity { certificate, key: key.serialize_pem() }
    }
}

/// Answers over TLS as an engine would, until nobody asks any more; asks for a certificate of whoever this
/// authority signed, if one is given.
fn serve(identity: &Identity, clients: Option<&Authority>) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions");
    let builder = match clients {
        None => builder.with_no_client_auth(),
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            let certificate = CertificateDer::from_pem_slice(authority.pem.as_bytes());
            roots.add(certificate.expect("a certificate")).expect("a root");
            let verifier =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build();
            builder.with_client_cert_verifier(verifier.expect("a verifier"))
        }
    };
    let chain = CertificateDer::from_pem_slice(identity.certificate.as_bytes());
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).expect("a key");
    let config = builder.with_single_cert(vec![chain.expect("a certificate")], key);
    let config = Arc::new(config.expect("a server"));
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let connection = ServerConnection::new(Arc::clone(&config)).expect("a connection");
            // One that is refused by the other side ends here.
            drop(answer(StreamOwned::new(connection, stream)));
        }
    });
    address
}

fn answer(mut stream: StreamOwned<ServerConnection, TcpStream>) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut piece = [0; 1_024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let length = stream.read(&mut piece)?;
        if length == 0 {
            return Ok(());
        }
        request.extend_from_slice(&piece[..length]);
    }
    // Only what it is, and no templates.
    let body = r#"{"version":{"number":"9.0.0"}}"#;
    let head = "HTTP/1.1 200 OK\r\nx-elastic-product: Elasticsearch\r\nconnection: close";
    write!(stream, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len())?;
    stream.flush()
}

fn file(text: &str) -> (tempfile::TempPath, PathBuf) {
    let mut file = tempfile::NamedTempFile::new().expect("a file");
    file.write_all(text.as_bytes()).expect("written");
    let path = file.into_temp_path();
    let name = path.to_path_buf();
    (path, name)
}

/// Whether the engine is known, and why not.
async fn ask(address: SocketAddr, config: ElasticsearchConfig) -> Result<(), String> {
    let url = format!("https://{address}");
    let store =
        ElasticsearchStore::connect(&url, config, &[]).map_err(|error| error.to_string())?;
    match store.shared.product().await {
        Ok(_) => Ok(()),
        Err(StoreError::Unavailable { reason, .. }) => Err(reason),
        Err(other) => panic!("{other}"),
    }
}

fn trusting(authority: &Authority) -> (tempfile::TempPath, ElasticsearchConfig) {
    let (kept, path) = file(&authority.pem);
    (kept, ElasticsearchConfig { ca_file: Some(path), ..ElasticsearchConfig::default() })
}

#[tokio::test]
async fn an_engine_is_known_by_its_authority_and_its_name() {
    let (ours, others) = (Authority::new(), Authority::new());
    let right = serve(&ours.sign("127.0.0.1"), None);
    let (_kept, config) = trusting(&ours);
    assert_eq!(ask(right, config.clone()).await, Ok(()));
    let (_other, distrusting) = trusting(&others);
    let error = ask(right, distrusting).await.expect_err("another authority");
    assert!(error.contains("certificate"), "{error}");
    let misnamed = serve(&ours.sign("search.example"), None);
    let error = ask(misnamed, config).await.expect_err("another name");
    assert!(error.contains("name") && error.contains("certificate"), "{error}");
    // The system's authorities do not know ours.
    let error = ask(right, ElasticsearchConfig::default()).await.expect_err("nobody's certificate");
    assert!(error.contains("certificate"), "{error}");
}

#[tokio::test]
async fn an_engine_can_ask_who_we_are() {
    let (ours, others) = (Authority::new(), Authority::new());
    let address = serve(&ours.sign("127.0.0.1"), Some(&ours));
    let (_kept, config) = trusting(&ours);
    assert!(ask(address, config.clone()).await.is_err(), "without a certificate");
    for (authority, known) in [(&ours, true), (&others, false)] {
        let identity = authority.sign("indexer");
        let (_certificate, client_cert_file) = file(&identity.certificate);
        let (_key, client_key_file) = file(&identity.key);
        let config = ElasticsearchConfig {
            client_cert_file: Some(client_cert_file),
            client_key_file: Some(client_key_file),
            ..config.clone()
        };
        assert_eq!(ask(address, config).await.is_ok(), known);
    }
}

#[tokio::test]
async fn files_that_hold_nothing_are_named() {
    let (_kept, empty) = file("nothing\n");
    let address: SocketAddr = "127.0.0.1:1".parse().expect("an address");
    let missing = PathBuf::from("/no/such/file.pem");
    for path in [empty, missing] {
        let config =
            ElasticsearchConfig { ca_file: Some(path.clone()), ..ElasticsearchConfig::default() };
        let error = ask(address, config).await.expect_err("no certificates");
        assert!(
            error.contains("ca_file") && error.contains(&path.display().to_string()),
            "{error}"
        );
    }
    let store =
        ElasticsearchStore::connect("http://127.0.0.1:1", ElasticsearchConfig::default(), &[]);
    assert!(store.expect("no TLS").ensure_templates().await.is_err());
}
