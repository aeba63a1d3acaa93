//! Ingest tokens for people: listed, made and revoked by admins, of the shops that these may see.
//!
//! A token's text is in one answer only, that of its making. No digest is in any.

use std::sync::Arc;

use access::{Scope, ShopName};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::{Extension, Json};
use document_store::ErrorKind;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use service::Span;
use shops::{NewToken, Standing, Token, TokenError};
use utoipa::{IntoParams, ToSchema};

use crate::api::Api;
use crate::extract::{JsonBody, Parameters};
use crate::problem::Problem;

/// Which tokens to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TokenParameters {
    /// Only of this shop.
    shop: Option<String>,
}

/// Ingest tokens by shop and time of making.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IngestTokens {
    tokens: Vec<ShownToken>,
}

/// An ingest token without its text.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShownToken {
    /// Names the token; no secret.
    id: String,
    /// Whose events are sent with it.
    #[schema(value_type = String)]
    shop: ShopName,
    /// What it is for.
    label: Option<String>,
    #[schema(inline)]
    state: TokenState,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// The user who made it; `local` for the tool on the platform's machine.
    created_by: String,
    /// From when on it is refused; null for never.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    /// Since when it is refused for good.
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
}

/// Whether a token opens a door.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TokenState {
    /// It does.
    Live,
    /// Its time is over.
    Expired,
    /// Somebody has ended it.
    Revoked,
}

/// A token that is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WantedToken {
    /// Whose events are sent with it: `a-z`, `0-9`, `_`, `.`, `-`, at most 64, a letter or digit first.
    #[schema(value_type = String)]
    shop: ShopName,
    /// What it is for: 1 to 100 printable characters.
    label: Option<String>,
    /// For how long it is good, with its unit (`s`, `m`, `h`, `d`); for ever if absent.
    #[schema(value_type = Option<String>, example = "90d")]
    expires_in: Option<Span>,
    /// Until when it is good, in place of `expires_in`.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
}

/// A token that was made, with its text, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedToken {
    #[serde(flatten)]
    shown: ShownToken,
    /// What senders show: `mrt_` and 43 letters.
    token: String,
}

impl From<Standing> for TokenState {
    fn from(standing: Standing) -> Self {
        match standing {
            Standing::Live => Self::Live,
            Standing::Expired => Self::Expired,
            Standing::Revoked => Self::Revoked,
        }
    }
}

fn shown(token: Token, now: Timestamp) -> ShownToken {
    let state = token.standing(now).into();
    let Token { id, shop, label, created_at, created_by, expires_at, revoked_at } = token;
    ShownToken { id, shop, label, state, created_at, created_by, expires_at, revoked_at }
}

fn sees(scope: &Scope, shop: &ShopName) -> bool {
    scope.shops().contain(shop.as_str())
}

/// Refuses a shop that is none for whoever asks.
fn check_shop(scope: &Scope, shop: &ShopName) -> Result<(), Problem> {
    if sees(scope, shop) { Ok(()) } else { Err(Problem::not_found("there is no such shop")) }
}

/// When a wanted token ends.
fn expiry(wanted: &WantedToken, now: Timestamp) -> Result<Option<Timestamp>, Problem> {
    match (wanted.expires_in, wanted.expires_at) {
        (Some(_), Some(_)) => {
            Err(Problem::invalid("say `expires_in` or `expires_at`, and only one of these"))
        }
        (None, expires_at) => Ok(expires_at),
        (Some(span), None) => {
            let duration = SignedDuration::try_from(span.0).ok();
            let end = duration.and_then(|duration| now.checked_add(duration).ok());
            end.map(Some).ok_or_else(|| Problem::invalid("`expires_in` is too long"))
        }
    }
}

/// Ingest tokens, revoked ones too, of the shops that one may see.
#[utoipa::path(get, path = "/api/tokens", tag = "tokens", params(TokenParameters),
    responses((status = 200, body = IngestTokens), (status = 400, body = Problem),
        (status = 404, body = Problem)))]
pub(crate) async fn list_tokens(
    State(api): State<Arc<Api>>,
    Extension(scope): Extension<Scope>,
    Parameters(asked): Parameters<TokenParameters>,
) -> Result<Json<IngestTokens>, Problem> {
    let tokens = match asked.shop {
        None => shops::list(api.documents()).await?,
        Some(shop) => {
            let shop = shop
                .parse::<ShopName>()
                .map_err(|error| Problem::invalid(format!("shop: {error}")))?;
            check_shop(&scope, &shop)?;
            shops::list_of_shop(api.documents(), &shop).await?
        }
    };
    let now = Timestamp::now();
    let seen = tokens.into_iter().filter(|token| sees(&scope, &token.shop));
    Ok(Json(IngestTokens { tokens: seen.map(|token| shown(token, now)).collect() }))
}

/// Makes an ingest token of a shop. Its text is in this answer only.
#[utoipa::path(post, path = "/api/tokens", tag = "tokens", request_body = WantedToken,
    responses((status = 201, body = CreatedToken), (status = 400, body = Problem),
        (status = 404, body = Problem), (status = 409, body = Problem)))]
pub(crate) async fn create_token(
    State(api): State<Arc<Api>>,
    Extension(scope): Extension<Scope>,
    JsonBody(wanted): JsonBody<WantedToken>,
) -> Result<(StatusCode, Json<CreatedToken>), Problem> {
    check_shop(&scope, &wanted.shop)?;
    let now = Timestamp::now();
    let expires_at = expiry(&wanted, now)?;
    let WantedToken { shop, label, .. } = wanted;
    let new = NewToken { shop, label, expires_at, created_by: scope.user().to_owned() };
    let (token, text) = shops::create(api.documents(), new).await?;
    tracing::info!(
        token_id = token.id,
        shop = token.shop.as_str(),
        by = scope.user(),
        "an ingest token was made"
    );
    let created = CreatedToken { shown: shown(token, now), token: text };
    Ok((StatusCode::CREATED, Json(created)))
}

/// Ends an ingest token for good: the doors refuse it within moments. One that was revoked before stays as it is.
#[utoipa::path(post, path = "/api/tokens/{id}/revoke", tag = "tokens",
    params(("id" = String, Path, description = "Id of the token")),
    responses((status = 200, body = ShownToken), (status = 404, body = Problem)))]
pub(crate) async fn revoke_token(
    State(api): State<Arc<Api>>,
    Extension(scope): Extension<Scope>,
    Path(id): Path<String>,
) -> Result<Json<ShownToken>, Problem> {
    let missing = || Problem::not_found("there is no such ingest token");
    let before = shops::get(api.documents(), &id).await?;
    let before = before.filter(|token| sees(&scope, &token.shop)).ok_or_else(missing)?;
    let now = Timestamp::now();
    let token = shops::revoke(api.documents(), &before.id, now).await?.ok_or_else(missing)?;
    if before.revoked_at.is_none() {
        tracing::info!(
            token_id = token.id,
            shop = token.shop.as_str(),
            by = scope.user(),
            "an ingest token was revoked"
        );
    }
    Ok(Json(shown(token, now)))
}

impl From<TokenError> for Problem {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Documents(error) if error.kind == ErrorKind::Conflict => {
                Self::unavailable("somebody else changes the token at this moment: try again", 1)
            }
            TokenError::Documents(error) => error.into(),
            TokenError::Label | TokenError::Past { .. } => Self::invalid(error.to_string()),
            TokenError::TooManyOfShop { .. } | TokenError::TooMany { .. } => {
                Self::limit_reached(error.to_string())
            }
            TokenError::Random(_) | TokenError::Unreadable { .. } => Self::internal(error),
        }
    }
}
