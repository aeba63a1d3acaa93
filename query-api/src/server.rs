//! Takes connections and serves the routes: over TCP, and over a socket file to processes of our own
//! user. HTTP/1.1 only; whoever is slow or comes in numbers waits, not the others.

use std::convert::Infallible;
use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use access::{Scope, local_admin};
use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use service::CancellationToken;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutWriter;
use tower::ServiceExt;

use crate::config::Config;
use crate::identity::Peer;

/// How long answers may take to end once the server is told to stop.
const DRAIN: Duration = Duration::from_secs(5);
/// The longest head of a request: a query of full length, encoded.
const HEAD_BYTES_MAX: usize = 64 * 1024;
/// How long to wait when no connection can be taken: no file descriptors are left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the API cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// The address is not ours to take.
    #[error("the API cannot listen on {address}: {}", reason(.error, "query_api.listen"))]
    Address {
        /// Which.
        address: SocketAddr,
        /// Why.
        error: io::Error,
    },
    /// The socket file cannot be made.
    #[error("the API cannot make its socket {path}: {error}")]
    Socket {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

fn reason(error: &io::Error, setting: &str) -> String {
    match error.kind() {
        io::ErrorKind::AddrInUse => format!("the port is in use; choose another with {setting}"),
        _ => error.to_string(),
    }
}

/// The places where the API listens, before it serves.
#[derive(Debug)]
pub struct Bound {
    tcp: TcpListener,
    local: Option<LocalListener>,
}

#[derive(Debug)]
struct LocalListener {
    listener: UnixListener,
    path: PathBuf,
}

impl Bound {
    /// The address over TCP, with the port that was chosen for port 0.
    ///
    /// # Errors
    /// Of the operating system.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.tcp.local_addr()
    }
}

/// Removes the socket file with the listener.
impl Drop for LocalListener {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::debug!(path = %self.path.display(), %error, "the socket file stays");
        }
    }
}

/// Takes the address, and the socket file if one is named (`DATA/run/api.sock`). The folder of the
/// socket file is made for us alone.
///
/// # Errors
/// The port is in use, or the file cannot be made.
pub async fn bind(config: &Config, socket: Option<&Path>) -> Result<Bound, BindError> {
    let address = config.listen;
    let tcp = TcpListener::bind(address);
    let tcp = tcp.await.map_err(|error| BindError::Address { address, error })?;
    let local = match socket {
        None => None,
        Some(path) => {
            let made = bind_local(path).await;
            Some(made.map_err(|error| BindError::Socket { path: path.to_owned(), error })?)
        }
    };
    Ok(Bound { tcp, local })
}

async fn bind_local(path: &Path) -> io::Result<LocalListener> {
    if let Some(folder) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    }
    if path.exists() {
        if UnixStream::connect(path).await.is_ok() {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "another process serves it"));
        }
        fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    let local = LocalListener { listener, path: path.to_owned() };
    fs::set_permissions(path, Permissions::from_mode(0o600))?;
    Ok(local)
}

/// Serves until told to stop and the answers under way have ended.
pub(crate) async fn serve(
    bound: Bound,
    router: Router,
    config: &Config,
    shutdown: CancellationToken,
) {
    let server = Server {
        router,
        head_timeout: config.head_timeout.0,
        write_timeout: config.write_timeout.0,
        connections_max: config.connections_max,
        connections: GracefulShutdown::new(),
        shutdown,
    };
    let Bound { tcp, local } = bound;
    tokio::join!(server.serve_tcp(tcp), server.serve_local(local));
    let drained = tokio::time::timeout(DRAIN, server.connections.shutdown()).await;
    if drained.is_err() {
        tracing::warn!("answers were under way for too long and were cut");
    }
}

struct Server {
    router: Router,
    head_timeout: Duration,
    write_timeout: Duration,
    connections_max: usize,
    connections: GracefulShutdown,
    shutdown: CancellationToken,
}

impl Server {
    async fn serve_tcp(&self, listener: TcpListener) {
        let room = self.room();
        loop {
            let Some((permit, accepted)) = self.next(&room, listener.accept()).await else {
                return;
            };
            match accepted {
                Ok((stream, address)) => {
                    if let Err(error) = stream.set_nodelay(true) {
                        tracing::debug!(%error, "a connection stays slow");
                    }
                    self.serve(stream, Peer::Address(address.ip()), permit);
                }
                Err(error) => self.pause(&error).await,
            }
        }
    }

    async fn serve_local(&self, local: Option<LocalListener>) {
        let Some(local) = local else { return };
        let room = self.room();
        loop {
            let accept = local.listener.accept();
            let Some((permit, accepted)) = self.next(&room, accept).await else { return };
            match accepted {
                Ok((stream, _)) => match admin_at(&stream) {
                    Some(scope) => self.serve(stream, Peer::Local(scope), permit),
                    None => tracing::warn!("another user is at the local socket: turned away"),
                },
                Err(error) => self.pause(&error).await,
            }
        }
    }

    /// Each place has room of its own: the local admin comes in also when all of TCP's is taken.
    fn room(&self) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(self.connections_max))
    }

    /// A connection, once there is room for one; `None` when told to stop.
    async fn next<T>(
        &self,
        room: &Arc<Semaphore>,
        accept: impl Future<Output = T>,
    ) -> Option<(OwnedSemaphorePermit, T)> {
        let next = async {
            let permit = Arc::clone(room).acquire_owned().await.ok()?;
            Some((permit, accept.await))
        };
        self.shutdown.run_until_cancelled(next).await.flatten()
    }

    async fn pause(&self, error: &io::Error) {
        tracing::warn!(%error, "the API cannot take a connection");
        self.shutdown.run_until_cancelled(tokio::time::sleep(ACCEPT_PAUSE)).await;
    }

    fn serve<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
        &self,
        stream: S,
        peer: Peer,
        permit: OwnedSemaphorePermit,
    ) {
        let router = self.router.clone();
        let answer = service_fn(move |request: Request<Incoming>| {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer.clone());
            let answer = router.clone().oneshot(request);
            async move { Ok::<_, Infallible>(answer.await.unwrap_or_else(|never| match never {})) }
        });
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(self.write_timeout));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.head_timeout)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(Box::pin(stream)), answer);
        let connection = self.connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
}

fn admin_at(stream: &UnixStream) -> Option<Scope> {
    let peer = stream.peer_cred().ok()?;
    local_admin(peer.uid(), rustix::process::geteuid().as_raw())
}
