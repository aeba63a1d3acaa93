//! The process's own address: metrics, liveness and readiness over HTTP.
//!
//! It serves no data of shops and changes nothing. It has no sign-in, so other addresses than the
//! machine's own need to be allowed.

use std::net::{Ipv4Addr, SocketAddr};

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::config::{Check, Findings};
use crate::context::Context;
use crate::process;

/// Settings of the process's own address: the table `[metrics]`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AdminConfig {
    /// Where metrics and health are served; absent for the process's own port on 127.0.0.1: 9600 for
    /// `millrace up`, 9601 to 9605 for a service alone.
    pub listen: Option<SocketAddr>,
    /// Whether `listen` may be an address that other machines reach: they may then read the metrics
    /// without a sign-in.
    pub allow_remote: bool,
}

impl Check for AdminConfig {
    fn check(&self, findings: &mut Findings) {
        if let Some(listen) = self.listen
            && !listen.ip().is_loopback()
            && !self.allow_remote
        {
            let message = format!(
                "other machines reach {listen} and metrics have no sign-in; listen on 127.0.0.1 or \
                 set allow_remote = true"
            );
            findings.add(&["listen", "allow_remote"], message);
        }
    }
}

/// Why the process's own address is not served.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// It cannot be listened on.
    #[error("cannot listen on {listen} for metrics and health ({source}); set metrics.listen")]
    Listen {
        /// The address.
        listen: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// Other machines would reach it.
    #[error(
        "{listen} is reached by other machines and metrics have no sign-in: set metrics.allow_remote"
    )]
    NotAllowed {
        /// The address.
        listen: SocketAddr,
    },
    /// Serving ended by itself.
    #[error("metrics and health are no longer served: {0}")]
    Serve(std::io::Error),
}

/// The process's own address, bound and not yet served.
#[derive(Debug)]
pub struct Admin {
    listener: TcpListener,
    /// The address, with the port that the system chose if it was 0.
    pub address: SocketAddr,
}

impl Admin {
    /// Binds the address; `default_port` is the process's own.
    ///
    /// # Errors
    /// [`AdminError`] when it is in use or not allowed.
    pub async fn bind(config: &AdminConfig, default_port: u16) -> Result<Self, AdminError> {
        let own = SocketAddr::from((Ipv4Addr::LOCALHOST, default_port));
        let listen = config.listen.unwrap_or(own);
        if !listen.ip().is_loopback() && !config.allow_remote {
            return Err(AdminError::NotAllowed { listen });
        }
        let cannot = |source| AdminError::Listen { listen, source };
        let listener = TcpListener::bind(listen).await.map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        Ok(Self { listener, address })
    }

    /// Serves until the context's shutdown.
    ///
    /// # Errors
    /// [`AdminError::Serve`].
    pub async fn serve(self, context: Context) -> Result<(), AdminError> {
        process::show(&context.metrics);
        let shutdown = context.shutdown.clone().cancelled_owned();
        let served = axum::serve(self.listener, router(context)).with_graceful_shutdown(shutdown);
        served.await.map_err(AdminError::Serve)
    }
}

/// The routes, for processes that serve them on an address of their own.
pub fn router(context: Context) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .with_state(context)
}

async fn metrics(State(context): State<Context>) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    (kind, context.metrics.text()).into_response()
}

async fn live(State(context): State<Context>) -> Response {
    answer(&context, context.health.is_live())
}

async fn ready(State(context): State<Context>) -> Response {
    answer(&context, context.health.is_ready())
}

fn answer(context: &Context, good: bool) -> Response {
    let status = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let body = serde_json::json!({ "ok": good, "parts": context.health.parts() });
    (status, Json(body)).into_response()
}

#[cfg(test)]
mod tests;
