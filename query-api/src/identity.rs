//! Who asks: the owner of an access token, or the local admin at the other end of the socket file.
//!
//! Every route passes through [`guard`]; a handler finds the scope in the request's extensions.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use access::{Permission, Scope};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST, ORIGIN};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;

use crate::api::Api;
use crate::problem::Problem;

/// The other end of a connection.
#[derive(Clone, Debug)]
pub(crate) enum Peer {
    /// Another machine, or this one over TCP.
    Address(IpAddr),
    /// A process of our own user at the socket file.
    Local(Scope),
}

impl Peer {
    /// A name for counting.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Address(address) => address.to_canonical().to_string(),
            Self::Local(_) => "local".to_owned(),
        }
    }
}

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Everybody.
    Public,
    /// Everybody who is signed in.
    SignedIn,
    /// Whoever has the permission.
    Needs(Permission),
}

/// What stands in front of a route.
#[derive(Clone)]
pub(crate) struct Gate {
    pub(crate) api: Arc<Api>,
    pub(crate) access: Access,
    /// How long the answer may take; a stream has no end.
    pub(crate) timeout: Option<Duration>,
}

/// Lets through who may, with their scope, for as long as the route allows.
pub(crate) async fn guard(
    State(gate): State<Gate>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if gate.access != Access::Public {
        let scope = identify(&gate.api, &request)?;
        if let Access::Needs(permission) = gate.access
            && !scope.allows(permission)
        {
            let role = serde_json::to_string(&permission.least_role()).unwrap_or_default();
            return Err(Problem::forbidden(format!("this needs the role {role}")));
        }
        request.extensions_mut().insert(scope);
    }
    match gate.timeout {
        None => Ok(next.run(request).await),
        Some(timeout) => {
            tokio::time::timeout(timeout, next.run(request)).await.map_err(|_| Problem::timeout())
        }
    }
}

fn identify(api: &Api, request: &Request) -> Result<Scope, Problem> {
    let mut headers = request.headers().get_all(AUTHORIZATION).iter();
    let header = match (headers.next(), headers.next()) {
        (Some(header), None) => header,
        (Some(_), Some(_)) => return Err(Problem::unauthorized("more than one access token")),
        (None, _) => {
            return match request.extensions().get() {
                Some(Peer::Local(scope)) => Ok(scope.clone()),
                _ => Err(Problem::unauthorized("send an access token")),
            };
        }
    };
    let token = header.to_str().ok().and_then(|text| text.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
    let (_, token) = token.ok_or_else(|| Problem::unauthorized("send a bearer token"))?;
    api.stores.keys.verify(token.trim(), now_s()).map_err(|refusal| {
        tracing::debug!(%refusal, "an access token was refused");
        Problem::unauthorized("the access token is not, or no longer, good")
    })
}

/// Seconds since 1970.
pub(crate) fn now_s() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or_default()
}

/// Refuses what a page of another site has sent: the only requests that carry a cookie.
pub(crate) fn check_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let refused = || Problem::forbidden("the request comes from a page of another site");
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site")
        && !matches!(site, "same-origin" | "none")
    {
        return Err(refused());
    }
    let Some(origin) = headers.get(ORIGIN) else { return Ok(()) };
    let origin = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
    match (origin, text(HOST.as_str())) {
        (Some((_, origin)), Some(host)) if origin.eq_ignore_ascii_case(host) => Ok(()),
        _ => Err(refused()),
    }
}
