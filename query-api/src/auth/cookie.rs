//! The session's cookie: no script reads it, no other site sends it, and only the routes under
//! `/api/auth` get it.

use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

const NAME: &str = "millrace_session";
const PATH: &str = "/api/auth";

/// The value of the cookie in a request.
pub(super) fn get(headers: &HeaderMap) -> Option<&str> {
    let texts = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = texts.flat_map(|text| text.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.find(|(name, _)| name.trim() == NAME).map(|(_, value)| value.trim())
}

/// Sets the cookie.
pub(super) fn set(value: &str, max_age: Duration, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    let max_age_s = max_age.as_secs();
    format!("{NAME}={value}; Path={PATH}; Max-Age={max_age_s}; HttpOnly; SameSite=Strict{secure}")
}

/// Removes the cookie.
pub(super) fn remove(secure: bool) -> String {
    set("", Duration::ZERO, secure)
}
