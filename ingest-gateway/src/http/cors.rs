//! Pages of browsers that send logs: which may, and what their browsers are told (Fetch Standard, CORS protocol).
//!
//! Goes by the origin that a browser names, and never lets a page in that is not listed. Who is no browser is not
//! concerned. What a request means stands in `route`.

use hyper::body::Incoming;
use hyper::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_METHOD, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, ORIGIN, VARY,
};
use hyper::{Method, Request, StatusCode};

use super::answer::{self, Problem, Reply};
use super::route::{self, Door, Sender, turn_away};

/// Where pages may send.
const PATH: &str = "/v1/logs";
/// What a page may send beside what every one may.
const HEADERS: &str = "authorization, content-encoding, content-type, idempotency-key, traceparent";
/// How long a browser may go by what it is told before it sends; longer than two hours none does.
const MAX_AGE_SECONDS: &str = "7200";

/// Who asks.
#[derive(Debug, PartialEq, Eq)]
enum Asker {
    /// No page, or nobody has said which pages may.
    Program,
    /// A page of this origin, which may.
    Page(HeaderValue),
    /// Another page.
    Stranger,
}

impl Asker {
    fn of(headers: &HeaderMap, origins: &[String]) -> Self {
        let mut named = headers.get_all(ORIGIN).iter();
        let Some(origin) = named.next().filter(|_| !origins.is_empty()) else {
            return Self::Program;
        };
        let is_listed = origins.iter().any(|listed| listed.as_bytes() == origin.as_bytes());
        // Two answers to the same question are no answer.
        if is_listed && named.next().is_none() {
            Self::Page(origin.clone())
        } else {
            Self::Stranger
        }
    }
}

/// Answers a request, whoever sends it.
pub(crate) async fn answer(door: &Door, sender: Sender, mut request: Request<Incoming>) -> Reply {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let origin = match Asker::of(request.headers(), &door.config.cors_origins) {
        Asker::Page(origin) if request.uri().path() == PATH => origin,
        // A page without leave could send as a form does, and only not read the answer.
        Asker::Stranger if !is_read => {
            door.limit_hit("cors_origin");
            let detail = format!(
                "pages of this origin may not send here: whoever runs this gateway can name it in \
                 ingest_gateway.{}.cors_origins",
                door.table()
            );
            let problem = Problem::new(StatusCode::FORBIDDEN, detail);
            turn_away(door, &problem, &mut request).await;
            return problem.reply();
        }
        Asker::Page(_) | Asker::Program | Asker::Stranger => {
            return route::answer(door, sender, request).await;
        }
    };
    let mut reply = match is_preflight(&request) {
        true => preflight(),
        false => route::answer(door, sender, request).await,
    };
    // Beacons are always sent with credentials, which a browser withholds without a word of them. Cookies mean
    // nothing here.
    tell(&mut reply, ACCESS_CONTROL_ALLOW_CREDENTIALS, "true");
    tell(&mut reply, ACCESS_CONTROL_EXPOSE_HEADERS, "retry-after");
    let headers = reply.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.append(VARY, HeaderValue::from_static("origin"));
    reply
}

/// Whether a browser asks what it may send.
fn is_preflight(request: &Request<Incoming>) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// The answer to that: for what no form could send.
fn preflight() -> Reply {
    let mut reply = answer::text(StatusCode::NO_CONTENT, "");
    reply.headers_mut().remove(CONTENT_TYPE);
    tell(&mut reply, ACCESS_CONTROL_ALLOW_METHODS, "POST");
    tell(&mut reply, ACCESS_CONTROL_ALLOW_HEADERS, HEADERS);
    tell(&mut reply, ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS);
    reply
}

fn tell(reply: &mut Reply, name: HeaderName, value: &'static str) {
    reply.headers_mut().insert(name, HeaderValue::from_static(value));
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderMap, HeaderValue, ORIGIN};

    use super::Asker;

    fn asker(named: &[&'static str], listed: &[&str]) -> Asker {
        let mut headers = HeaderMap::new();
        for origin in named {
            headers.append(ORIGIN, HeaderValue::from_static(origin));
        }
        let listed: Vec<String> = listed.iter().map(|origin| (*origin).to_owned()).collect();
        Asker::of(&headers, &listed)
    }

    #[test]
    fn a_page_is_known_by_its_whole_origin() {
        let shop = "https://shop.example";
        let listed = ["http://localhost:5173", shop];
        assert_eq!(asker(&[shop], &listed), Asker::Page(HeaderValue::from_static(shop)));
        for other in [
            "https://shop.example.evil.example",
            "https://evil.example/https://shop.example",
            "http://shop.example",
            "https://shop.example:8443",
            "https://shop.exampl",
            "null",
            "",
        ] {
            assert_eq!(asker(&[other], &listed), Asker::Stranger, "{other}");
        }
        assert_eq!(asker(&[shop, shop], &listed), Asker::Stranger, "which of them?");
    }

    #[test]
    fn who_is_no_browser_and_a_door_without_a_list_are_not_concerned() {
        assert_eq!(asker(&[], &["https://shop.example"]), Asker::Program);
        assert_eq!(asker(&["https://evil.example"], &[]), Asker::Program);
    }
}
