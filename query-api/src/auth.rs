//! Signing in and out: a password buys a session, the session's cookie buys short access tokens.

mod cookie;
mod session;
mod throttle;

use std::sync::Arc;

use access::{Role, Scope, Shops, hash_password, verify_password};
use axum::extract::{Path, State};
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use document_store::CollectionSpec;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::Api;
use crate::extract::JsonBody;
use crate::identity::{Peer, check_origin, now_s};
use crate::problem::Problem;
use crate::user::{self, Stored, User};
use session::{Lifetime, SessionToken};
use throttle::Attempt;

pub(crate) use session::remove_expired;

/// The collection of sessions.
pub(crate) const SESSIONS: CollectionSpec = session::SESSIONS;

/// A name and its password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    /// Name of the user.
    name: String,
    /// Its password.
    password: String,
}

/// A token for the `Authorization: Bearer` header.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccessToken {
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// For how long it is good, in seconds.
    expires_in_s: u64,
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    name: String,
    /// `viewer`, `analyst` or `admin`.
    #[schema(value_type = String)]
    role: Role,
    /// `all`, or the list of shops.
    #[schema(value_type = Object)]
    shops: Shops,
}

/// A change of one's own password.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordChange {
    /// The password until now.
    current: String,
    /// The one from now on: 12 to 256 characters.
    new: String,
}

/// A password that is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewPassword {
    name: String,
    password: String,
}

fn lifetime(api: &Api) -> Lifetime {
    Lifetime { idle: api.config.session_idle_max.0, whole: api.config.session_lifetime_max.0 }
}

/// Verifies a password off the threads that serve, a few at a time.
async fn verify(api: &Api, password: String, hash: Option<String>) -> Result<bool, Problem> {
    let _permit = api.hashing.acquire().await.map_err(Problem::internal)?;
    let verified = tokio::task::spawn_blocking(move || verify_password(&password, hash.as_deref()));
    verified.await.map_err(Problem::internal)
}

async fn hash(api: &Api, password: String) -> Result<String, Problem> {
    let _permit = api.hashing.acquire().await.map_err(Problem::internal)?;
    let hashed = tokio::task::spawn_blocking(move || hash_password(&password)).await;
    Ok(hashed.map_err(Problem::internal)??)
}

/// The user whose password this is. A name that does not exist costs as much as one that does.
async fn authenticate(
    api: &Api,
    peer: &Peer,
    name: &str,
    password: String,
) -> Result<Stored, Problem> {
    let stored = user::find(api.documents(), name).await?;
    let attempt = Attempt::begin(api, name, stored.as_ref(), peer).await?;
    let known_hash = stored.as_ref().map(|stored| stored.user.password_hash.clone());
    let right = verify(api, password, known_hash).await?;
    match stored {
        Some(stored) if right => {
            attempt.succeeded().await;
            Ok(stored)
        }
        _ => {
            attempt.failed().await;
            Err(Problem::unauthorized("the name or the password is wrong"))
        }
    }
}

fn access_token(api: &Api, user: &User) -> Result<AccessToken, Problem> {
    let lifetime = api.config.access_token_lifetime.0;
    let access_token =
        api.stores.keys.issue(&user.name, user.role, &user.shops, now_s(), lifetime)?;
    Ok(AccessToken { access_token, token_type: "Bearer", expires_in_s: lifetime.as_secs() })
}

fn with_cookie(api: &Api, token: Option<&SessionToken>, answer: impl IntoResponse) -> Response {
    let Some(token) = token else { return answer.into_response() };
    let max_age = api.config.session_idle_max.0;
    let cookie = cookie::set(&token.to_string(), max_age, api.config.secure_cookies);
    ([(SET_COOKIE, cookie)], answer).into_response()
}

/// Signs in: gives an access token and sets the session's cookie.
#[utoipa::path(post, path = "/api/auth/login", tag = "auth", request_body = Credentials,
    responses((status = 200, body = AccessToken), (status = 401, body = Problem),
        (status = 429, body = Problem)))]
pub(crate) async fn login(
    State(api): State<Arc<Api>>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    JsonBody(credentials): JsonBody<Credentials>,
) -> Result<Response, Problem> {
    check_origin(&headers)?;
    let Credentials { name, password } = credentials;
    let stored = authenticate(&api, &peer, &name, password).await?;
    let session = session::open(api.documents(), &name, lifetime(&api), Timestamp::now()).await?;
    tracing::info!(user = name, peer = peer.name(), "signed in");
    let token = access_token(&api, &stored.user)?;
    Ok(with_cookie(&api, Some(&session), Json(token)))
}

/// Gives a new access token for the session's cookie, and a new cookie.
#[utoipa::path(post, path = "/api/auth/refresh", tag = "auth",
    responses((status = 200, body = AccessToken), (status = 401, body = Problem)))]
pub(crate) async fn refresh(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_origin(&headers)?;
    let signed_out = || Problem::unauthorized("sign in");
    let token = cookie::get(&headers).and_then(SessionToken::parse).ok_or_else(signed_out)?;
    let refreshed = session::refresh(api.documents(), &token, lifetime(&api), Timestamp::now());
    let refreshed = refreshed.await?;
    let stored = user::find(api.documents(), &refreshed.user).await?.ok_or_else(signed_out)?;
    let token = access_token(&api, &stored.user)?;
    Ok(with_cookie(&api, refreshed.token.as_ref(), Json(token)))
}

/// Ends the session of the cookie.
#[utoipa::path(post, path = "/api/auth/logout", tag = "auth", responses((status = 204)))]
pub(crate) async fn logout(
    State(api): State<Arc<Api>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_origin(&headers)?;
    if let Some(token) = cookie::get(&headers).and_then(SessionToken::parse) {
        session::close(api.documents(), &token).await?;
    }
    let gone = cookie::remove(api.config.secure_cookies);
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, gone)]).into_response())
}

/// Who is signed in.
#[utoipa::path(get, path = "/api/auth/me", tag = "auth",
    responses((status = 200, body = Me), (status = 401, body = Problem)))]
pub(crate) async fn me(Extension(scope): Extension<Scope>) -> Json<Me> {
    let (name, role, shops) = (scope.user().to_owned(), scope.role(), scope.shops().clone());
    Json(Me { name, role, shops })
}

/// Changes one's own password, and ends all sessions of the user.
#[utoipa::path(post, path = "/api/auth/password", tag = "auth", request_body = PasswordChange,
    responses((status = 204), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub(crate) async fn change_password(
    State(api): State<Arc<Api>>,
    Extension(peer): Extension<Peer>,
    Extension(scope): Extension<Scope>,
    JsonBody(change): JsonBody<PasswordChange>,
) -> Result<StatusCode, Problem> {
    let stored = authenticate(&api, &peer, scope.user(), change.current).await?;
    let hash = hash(&api, change.new).await?;
    user::set_password_hash(api.documents(), &stored, hash).await?;
    session::close_all(api.documents(), scope.user()).await?;
    tracing::info!(user = scope.user(), "changed the password");
    Ok(StatusCode::NO_CONTENT)
}

/// Gives a user a random password and ends all sessions of the user.
#[utoipa::path(post, path = "/api/users/{name}/reset-password", tag = "users",
    params(("name" = String, Path, description = "Name of the user")),
    responses((status = 200, body = NewPassword), (status = 404, body = Problem)))]
pub(crate) async fn reset_password(
    State(api): State<Arc<Api>>,
    Extension(scope): Extension<Scope>,
    Path(name): Path<String>,
) -> Result<Json<NewPassword>, Problem> {
    let stored = user::find(api.documents(), &name).await?;
    let stored = stored.ok_or_else(|| Problem::not_found("there is no such user"))?;
    let password = access::generate_password()?;
    let hash = hash(&api, password.clone()).await?;
    user::set_password_hash(api.documents(), &stored, hash).await?;
    session::close_all(api.documents(), &name).await?;
    tracing::info!(user = name, by = scope.user(), "the password was reset");
    Ok(Json(NewPassword { name, password }))
}
