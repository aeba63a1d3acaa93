//! The table of routes: what there is, who may use it, and how long it may take. No handler is reached
//! in another way.

use std::sync::Arc;

use access::Permission;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use tower_http::set_header::SetResponseHeaderLayer;

use crate::api::Api;
use crate::identity::{Access, Gate, guard};
use crate::problem::Problem;
use crate::{auth, dead_letter, ingest_token, openapi, pages, search, status, tap};

/// How long an answer may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// `request_timeout`.
    Short,
    /// `long_request_timeout`.
    Long,
    /// Until the reader goes.
    Endless,
}

/// A line of the table.
pub(crate) struct Route {
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    patience: Patience,
    handler: MethodRouter<Arc<Api>>,
}

/// Every route of the API.
#[rustfmt::skip]
pub(crate) fn routes() -> Vec<Route> {
    use Access::{Needs, Public, SignedIn};
    use Patience::{Endless, Long, Short};
    use Permission::{
        ChangeDeadLetters, ManageIngestTokens, ManageUsers, ReadDeadLetters, ReadEvents, ReadStatus,
        TapPipeline,
    };
    let route = |method, path, access, patience, handler| {
        Route { method, path, access, patience, handler }
    };
    vec![
        route("POST", "/api/auth/login", Public, Short, post(auth::login)),
        route("POST", "/api/auth/refresh", Public, Short, post(auth::refresh)),
        route("POST", "/api/auth/logout", Public, Short, post(auth::logout)),
        route("GET", "/api/auth/me", SignedIn, Short, get(auth::me)),
        route("POST", "/api/auth/password", SignedIn, Short, post(auth::change_password)),
        route("GET", "/api/search/query", Needs(ReadEvents), Short, get(search::page)),
        route("GET", "/api/search/count", Needs(ReadEvents), Short, get(search::count)),
        route("GET", "/api/search/histogram", Needs(ReadEvents), Short, get(search::histogram)),
        route("GET", "/api/search/tail", Needs(ReadEvents), Endless, get(search::tail)),
        route("GET", "/api/search/event/{id}", Needs(ReadEvents), Short, get(search::event)),
        route("GET", "/api/dead", Needs(ReadDeadLetters), Short, get(dead_letter::list)),
        route("GET", "/api/dead/{id}", Needs(ReadDeadLetters), Short, get(dead_letter::show)),
        route("POST", "/api/dead/replay", Needs(ChangeDeadLetters), Long, post(dead_letter::replay)),
        route("POST", "/api/dead/purge", Needs(ChangeDeadLetters), Long, post(dead_letter::purge)),
        route("GET", "/api/status", Needs(ReadStatus), Short, get(status::status)),
        route("GET", "/api/tap", Needs(TapPipeline), Endless, get(tap::tap)),
        route("GET", "/api/tap/filters", Needs(TapPipeline), Short, get(tap::filters)),
        route("GET", "/api/health", Public, Short, get(status::health)),
        route("GET", "/api/openapi.json", Public, Short, get(openapi::document)),
        route("POST", "/api/users/{name}/reset-password", Needs(ManageUsers), Short,
            post(auth::reset_password)),
        route("GET", "/api/tokens", Needs(ManageIngestTokens), Short, get(ingest_token::list_tokens)),
        route("POST", "/api/tokens", Needs(ManageIngestTokens), Short, post(ingest_token::create_token)),
        route("POST", "/api/tokens/{id}/revoke", Needs(ManageIngestTokens), Short,
            post(ingest_token::revoke_token)),
    ]
}

/// Scripts, styles and pictures from here, nothing from elsewhere, nothing inline, in nobody's frame.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
     font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// All routes and pages behind their gates.
pub(crate) fn router(api: &Arc<Api>) -> Router {
    let mut router = Router::new();
    for route in routes() {
        let timeout = match route.patience {
            Patience::Short => Some(api.config.request_timeout.0),
            Patience::Long => Some(api.config.long_request_timeout.0),
            Patience::Endless => None,
        };
        let gate = Gate { api: Arc::clone(api), access: route.access, timeout };
        router = router.route(route.path, route.handler.layer(from_fn_with_state(gate, guard)));
    }
    let header = |name: HeaderName, value: &'static str| {
        SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
    };
    router
        .method_not_allowed_fallback(async || Problem::method_not_allowed())
        .fallback(pages::file)
        .layer(DefaultBodyLimit::max(api.config.request_bytes_max.as_usize()))
        .layer(header(CACHE_CONTROL, "no-store"))
        .layer(header(CONTENT_SECURITY_POLICY, POLICY))
        .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .layer(header(X_FRAME_OPTIONS, "DENY"))
        .layer(header(REFERRER_POLICY, "no-referrer"))
        .layer(header(HeaderName::from_static("cross-origin-opener-policy"), "same-origin"))
        .layer(header(HeaderName::from_static("cross-origin-resource-policy"), "same-origin"))
        .with_state(Arc::clone(api))
}
