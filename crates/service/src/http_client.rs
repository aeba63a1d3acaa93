//! Clients that speak HTTP: the one place that names the cryptography of their TLS.
//!
//! It knows no address and sends nothing.

/// A client's builder, with TLS by rustls on ring. Building any client without coming through here
/// fails, for rustls chooses nothing by itself.
pub fn builder() -> reqwest::ClientBuilder {
    provide_tls();
    reqwest::Client::builder()
}

/// Names the cryptography that TLS clients of this process use. Called again, it changes nothing.
pub fn provide_tls() {
    // Another one that was named before is as good.
    drop(rustls::crypto::ring::default_provider().install_default());
}
