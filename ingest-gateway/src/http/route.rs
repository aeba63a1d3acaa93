//! What a request means: which path it asks for, and who answers there.

use access::ShopName;
use bytestring::ByteString;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, EXPECT, HOST, HeaderValue};
use hyper::{Method, Request, StatusCode, Version};
use tokio_util::sync::CancellationToken;

use super::answer::{self, FAILED, Problem, Reply};
use super::body::drain;
use super::elasticsearch::{self, Call};
use super::otlp;
use super::request::open;
use super::success::shaped;
use super::unread;
use super::upload::Upload;
use crate::budget::Share;
use crate::config::{HttpConfig, table_of};
use crate::intake::Intake;

/// What a person is told who looks at the door, but for where to send to.
const WELCOME: &str = "This is Millrace's HTTP door for logs.\n\n\
    POST /v1/logs takes lines of JSON, a JSON array, one JSON object, or lines of text/plain;\n\
    plain or with Content-Encoding gzip, deflate or zstd. With an Idempotency-Key a body may be\n\
    sent again without being counted twice.\n\
    POST /_bulk and /INDEX/_doc take what clients of Elasticsearch send, and OTLP comes to\n\
    /v1/logs, or as gRPC.\n\n";
/// Where the door is by default, for who does not say where it was found.
const USUAL_HOST: &str = "127.0.0.1:8080";

/// What the door knows.
pub(crate) struct Door {
    pub(crate) intake: Intake,
    pub(crate) config: HttpConfig,
}

impl Door {
    /// Counts that one of its limits was hit.
    pub(crate) fn limit_hit(&self, limit: &str) {
        self.intake.metrics().limit_hit(self.intake.door(), limit);
    }

    /// The name of its table within `[ingest_gateway]`, for a sender that is told what may be changed there.
    pub(crate) fn table(&self) -> String {
        table_of(self.intake.door())
    }
}

/// Who is at the other end of a connection.
#[derive(Clone)]
pub(crate) struct Sender {
    /// Address without port.
    pub(crate) source: ByteString,
    /// The memory of its address.
    pub(crate) share: Share,
    /// The shop of its certificate.
    pub(crate) certificate: Option<ShopName>,
    /// Whether it came to the address for clients of Elasticsearch, which understand no other errors.
    pub(crate) is_for_elasticsearch: bool,
    /// Ends the connection.
    pub(crate) hang_up: CancellationToken,
}

/// Answers a request, whatever it is.
pub(crate) async fn answer(door: &Door, sender: Sender, mut request: Request<Incoming>) -> Reply {
    if head_bytes(&request) > door.config.header_bytes_max.as_usize() {
        door.limit_hit("header_bytes");
        let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
        let problem = Problem::new(status, "the request line and headers are too large");
        turn_away(door, &problem, &mut request).await;
        return problem.reply();
    }
    if is_host_unclear(&request) {
        return refuse_host(door, request).await;
    }
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    let problem = match (request.uri().path(), request.method()) {
        (otlp::GRPC_PATH, _) => return otlp::answer_grpc(door, sender, request).await,
        ("/v1/logs", &Method::POST) if otlp::is_protobuf(&request) => {
            return otlp::answer_protobuf(door, sender, request).await;
        }
        ("/v1/logs", &Method::POST) => return logs(door, sender, request).await,
        ("/v1/logs", _) => Problem::new(StatusCode::METHOD_NOT_ALLOWED, "logs are sent with POST"),
        ("/health", _) if is_read => return health(door),
        ("/", _) if is_read && elasticsearch::is_asked_by_a_person(&request) => {
            return answer::text(StatusCode::OK, welcome(door, &request));
        }
        (path, method @ &(Method::POST | Method::PUT))
            if door.config.any_path && has_no_meaning(method, path) =>
        {
            return logs(door, sender, request).await;
        }
        (path, method) => match Call::of(method, path) {
            Some(call) if call != Call::Root || is_read => {
                return elasticsearch::answer(door, sender, call, request).await;
            }
            _ if sender.is_for_elasticsearch => {
                let call = Call::unknown(path);
                return elasticsearch::answer(door, sender, call, request).await;
            }
            _ => Problem::new(StatusCode::NOT_FOUND, "logs are sent to POST /v1/logs"),
        },
    };
    turn_away(door, &problem, &mut request).await;
    problem.reply()
}

/// Whether a request does not say once for which host it is, as RFC 9112, 3.2 wants of HTTP/1.1.
fn is_host_unclear(request: &Request<Incoming>) -> bool {
    request.version() == Version::HTTP_11 && request.headers().get_all(HOST).iter().count() != 1
}

/// Refuses such a request, and ends its connection: others on the way may read it in another way.
async fn refuse_host(door: &Door, mut request: Request<Incoming>) -> Reply {
    door.limit_hit("protocol");
    let detail = "a request of HTTP/1.1 has exactly one header `Host` (RFC 9112, 3.2); send one";
    let problem = Problem::new(StatusCode::BAD_REQUEST, detail);
    turn_away(door, &problem, &mut request).await;
    let mut reply = problem.reply();
    reply.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    reply
}

/// What the door is for, with a command that reaches it where the request did.
fn welcome(door: &Door, request: &Request<Incoming>) -> String {
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri().authority().map(|authority| authority.as_str()));
    let (scheme, host) = (if door.config.tls.is_on() { "https" } else { "http" }, plain(host));
    format!("{WELCOME}curl --data-binary @file.ndjson {scheme}://{host}/v1/logs\n")
}

/// A host that a person can copy into a shell whoever wrote it, else the usual one.
fn plain(host: Option<&str>) -> &str {
    let is_plain = |host: &&str| {
        let mut bytes = host.bytes();
        !host.is_empty()
            && bytes.all(|byte| byte.is_ascii_alphanumeric() || b".:[]-".contains(&byte))
    };
    host.filter(is_plain).unwrap_or(USUAL_HOST)
}

/// Whether nobody else answers to what is sent to a path.
fn has_no_meaning(method: &Method, path: &str) -> bool {
    let is_free = match Call::of(method, path) {
        None | Some(Call::Root) => true,
        // Lines may come to a path that could be an index's name, but for that of a lifecycle's first.
        Some(Call::NewIndex(name)) => !name.starts_with('<'),
        Some(_) => false,
    };
    is_free && path != "/health"
}

/// Size of the request line and headers, as HTTP/1.1 writes them. The connection bounds what it reads
/// of them, but by its read-ahead, which is larger.
fn head_bytes(request: &Request<Incoming>) -> usize {
    let target = request.uri().path_and_query().map_or(1, |target| target.as_str().len());
    let fields =
        request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    request.method().as_str().len() + target + " HTTP/1.1\r\n\r\n".len() + 1 + fields.sum::<usize>()
}

fn health(door: &Door) -> Reply {
    match door.intake.is_failed() {
        false => answer::text(StatusCode::OK, "ready\n"),
        true => answer::text(StatusCode::SERVICE_UNAVAILABLE, format!("{FAILED}\n")),
    }
}

async fn logs(door: &Door, sender: Sender, request: Request<Incoming>) -> Reply {
    let (plan, mut body) = match open(door, &sender, request).await {
        Ok(opened) => opened,
        Err(problem) => return problem.reply(),
    };
    if otlp::may_be_json(&plan) {
        match otlp::is_json(&mut body).await {
            Ok(true) => return otlp::answer_json(door, &sender, plan, body).await,
            Ok(false) => {}
            Err(problem) => {
                body.drain().await;
                return problem.reply();
            }
        }
    }
    let (tally, result) = Upload::new(&door.intake, plan).run(body).await;
    let warning = door.intake.durability_warning();
    let reply = match result {
        Ok(()) => shaped(answer::lines(&tally, warning), &door.config.response),
        Err(problem) => {
            count_busy(door, &problem);
            problem.reply_after(&tally, warning)
        }
    };
    let time = door.config.idle_timeout.0;
    unread::reserve_and_hold(reply, &sender.share, time, &sender.hang_up).await
}

/// Reads what is left of a request that is refused by its head.
pub(crate) async fn turn_away(door: &Door, problem: &Problem, request: &mut Request<Incoming>) {
    count_busy(door, problem);
    drop_body(door, request).await;
}

/// Reads a body that is of no use, within limits, so that its sender gets the answer.
pub(crate) async fn drop_body(door: &Door, request: &mut Request<Incoming>) {
    // Who waits for `100 Continue` has sent no body, and now keeps it.
    if !request.headers().contains_key(EXPECT) {
        drain(request.body_mut(), door.config.body_bytes_max.0).await;
    }
}

pub(crate) fn count_busy(door: &Door, problem: &Problem) {
    let is_for_later =
        matches!(problem.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS);
    if is_for_later {
        door.intake.count_busy();
    }
}

#[cfg(test)]
mod tests {
    use super::{USUAL_HOST, plain};

    #[test]
    fn only_a_plain_host_is_told_back() {
        for host in ["127.0.0.1:9", "[::1]:8080", "logs.shop-1.example"] {
            assert_eq!(plain(Some(host)), host);
        }
        assert_eq!(plain(None), USUAL_HOST);
        for host in ["", "a;reboot", "$(id)", "a b", "a/b", "\u{e4}"] {
            assert_eq!(plain(Some(host)), USUAL_HOST, "{host:?}");
        }
    }
}
