//! The answer to lines that were taken, as the settings want it.

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;

use super::answer::Reply;
use crate::config::ResponseConfig;

/// Gives an answer of success the code and the headers of the settings. Any other stays as it is.
pub(crate) fn shaped(mut reply: Reply, config: &ResponseConfig) -> Reply {
    if reply.status() != StatusCode::OK {
        return reply;
    }
    if let Some(status) = config.other_status() {
        *reply.status_mut() = status;
    }
    if reply.status() == StatusCode::NO_CONTENT {
        // It has no body (RFC 9110, 15.3.5).
        reply.headers_mut().remove(CONTENT_TYPE);
        *reply.body_mut() = Empty::<Bytes>::new().boxed_unsync();
    }
    for (name, value) in config.written_headers() {
        reply.headers_mut().insert(name, value);
    }
    reply
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use hyper::StatusCode;

    use super::shaped;
    use crate::config::ResponseConfig;
    use crate::http::answer;

    #[tokio::test]
    async fn only_a_success_is_changed() {
        let mut config = ResponseConfig { status: 204, ..ResponseConfig::default() };
        config.headers.insert("X-Shop".into(), "north".into());
        let reply = shaped(answer::text(StatusCode::OK, "taken"), &config);
        assert_eq!(reply.status(), StatusCode::NO_CONTENT);
        assert_eq!(reply.headers()["x-shop"], "north");
        assert!(!reply.headers().contains_key("content-type"));
        assert!(reply.into_body().collect().await.unwrap().to_bytes().is_empty());
        let reply = shaped(answer::text(StatusCode::BAD_REQUEST, "refused"), &config);
        assert_eq!(reply.status(), StatusCode::BAD_REQUEST);
        assert!(!reply.headers().contains_key("x-shop"));
        config.status = 202;
        let reply = shaped(answer::text(StatusCode::OK, "taken"), &config);
        assert_eq!(reply.status(), StatusCode::ACCEPTED);
        assert_eq!(reply.into_body().collect().await.unwrap().to_bytes(), "taken");
    }
}
