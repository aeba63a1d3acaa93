//! The API's description (OpenAPI 3.1), made from the handlers and served to everybody.

use axum::Json;
use utoipa::OpenApi;
use utoipa::openapi::OpenApi as Description;
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};

use crate::{auth, dead_letter, search, status};

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
        status::health,
    )
)]
struct Api;

/// The description.
pub(crate) fn description() -> Description {
    let mut description = Api::openapi();
    let bearer = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
    let components = description.components.get_or_insert_default();
    components.security_schemes.insert("bearer".to_owned(), bearer.into());
    description.security =
        Some(vec![utoipa::openapi::SecurityRequirement::new("bearer", Vec::<String>::new())]);
    description
}

/// The API's description.
pub(crate) async fn document() -> Json<Description> {
    Json(description())
}
