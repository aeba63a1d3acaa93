//! The API's description (OpenAPI 3.1), made from the handlers and served to everybody.

use axum::Json;
use axum::http::StatusCode;
use utoipa::OpenApi;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{OpenApi as Description, RefOr, SecurityRequirement};

use crate::identity::Access;
use crate::routes::routes;
use crate::{auth, dead_letter, ingest_token, problem, search, status, tap};

const BEARER: &str = "bearer";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Millrace",
        description = "Search, dead letters and state of a Millrace platform."
    ),
    paths(
        auth::login,
        auth::refresh,
        auth::logout,
        auth::me,
        auth::change_password,
        auth::reset_password,
        ingest_token::list_tokens,
        ingest_token::create_token,
        ingest_token::revoke_token,
        search::page,
        search::count,
        search::histogram,
        search::tail,
        search::event,
        dead_letter::list,
        dead_letter::show,
        dead_letter::replay,
        dead_letter::purge,
        status::status,
        tap::tap,
        tap::filters,
        status::health,
    )
)]
struct Api;

/// The description: what the handlers say, completed by the table of routes.
pub(crate) fn description() -> Description {
    let mut description = Api::openapi();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = description.components.get_or_insert_default();
    components.security_schemes.insert(BEARER.to_owned(), bearer.into());
    for route in routes() {
        let Some(item) = description.paths.paths.get_mut(route.path) else { continue };
        let operation = if route.method == "GET" { &mut item.get } else { &mut item.post };
        if let Some(operation) = operation {
            complete(operation, route.access);
        }
    }
    description
}

fn complete(operation: &mut Operation, access: Access) {
    operation.security = Some(match access {
        Access::Public => Vec::new(),
        Access::SignedIn | Access::Needs(_) => {
            vec![SecurityRequirement::new(BEARER, Vec::<String>::new())]
        }
    });
    for (status, response) in &mut operation.responses.responses {
        let RefOr::T(response) = response else { continue };
        let status = status.parse().ok().and_then(|status| StatusCode::from_u16(status).ok());
        let Some(status) = status else { continue };
        response.description = status.canonical_reason().unwrap_or_default().to_owned();
        if !status.is_success()
            && let Some(body) = response.content.shift_remove("application/json")
        {
            response.content.insert(problem::MEDIA_TYPE.to_owned(), body);
        }
    }
}

/// The API's description.
pub(crate) async fn document() -> Json<Description> {
    Json(description())
}
