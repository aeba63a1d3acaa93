//! A certificate for the doors, and a client that takes it.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;

use ingest_gateway::TlsConfig;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

const NAME: &str = "gateway.example";

/// A certificate and its key in a folder.
pub(crate) struct Certificate {
    folder: TempDir,
    der: CertificateDer<'static>,
}

impl Certificate {
    pub(crate) fn new() -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec![NAME.to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("door.crt"), cert.pem()).unwrap();
        fs::write(folder.path().join("door.key"), signing_key.serialize_pem()).unwrap();
        Self { folder, der: cert.der().clone() }
    }

    /// Settings of a door that shows it.
    pub(crate) fn door(&self) -> TlsConfig {
        TlsConfig {
            certificate_file: Some(self.folder.path().join("door.crt")),
            key_file: Some(self.folder.path().join("door.key")),
            ..TlsConfig::default()
        }
    }

    /// A connection to a door that shows it, for one of these protocols within (RFC 7301).
    pub(crate) async fn connect(
        &self,
        address: SocketAddr,
        protocols: &[&str],
    ) -> TlsStream<TcpStream> {
        self.greet(TcpStream::connect(address).await.unwrap(), protocols).await
    }

    /// The same on a connection that there is.
    pub(crate) async fn greet(
        &self,
        stream: TcpStream,
        protocols: &[&str],
    ) -> TlsStream<TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(self.der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider);
        let builder = builder.with_safe_default_protocol_versions().unwrap();
        let mut config = builder.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        let name = ServerName::try_from(NAME).unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap()
    }
}
