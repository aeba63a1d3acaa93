//! The HTTP request of an event, where Logstash's input `http` puts it: as one object, and in fields of ECS.
//!
//! It is put in place of what the event has there, as Logstash does: by these fields filters tell what may be done with
//! an event, and no body says itself how it came. So a field of which the request says nothing is taken away. What
//! stands in the way of a field stays.

use std::collections::BTreeMap;

use bus::described_request::DescribedRequest;
use event::{Event, FieldPath};

use super::InputConfig;
use crate::field_reference::EscapeStyle;

/// Names that an object has for what is no header. No header has them: what a sender calls so is left out.
const METHOD: &str = "request_method";
const TARGET: &str = "request_path";
const VERSION: &str = "http_version";
/// Headers that have a name of their own there, which is there without them too; all others have theirs, in small letters
/// and with `_` for `-`.
const RENAMED: [(&str, &str); 3] =
    [("accept", "http_accept"), ("host", HOST), ("user_agent", "http_user_agent")];
const HOST: &str = "http_host";
/// Headers that are told before others, as they are called with `_` for `-`. One that is sent with `_` is another header,
/// which servers on the way may not have looked at: it takes the place of none.
const DASHED: [&str; 3] = ["content_length", "content_type", "user_agent"];

/// Fields of ECS, with the name that the same thing has in the object.
const FIELDS: [(&str, &str); 6] = [
    ("http.version", VERSION),
    ("user_agent.original", "http_user_agent"),
    ("http.method", METHOD),
    // With its query.
    ("url.path", TARGET),
    ("http.request.body.bytes", "content_length"),
    ("http.request.mime_type", "content_type"),
];

/// Where the request of an event goes.
#[derive(Debug)]
pub(super) struct RequestFields {
    object: Option<FieldPath>,
    fields: Option<EcsFields>,
}

/// The fields of ECS.
#[derive(Debug)]
struct EcsFields {
    /// With the name in the object.
    texts: Vec<(FieldPath, &'static str)>,
    domain: FieldPath,
    port: FieldPath,
}

impl RequestFields {
    /// As settings that were checked say it; `None` where it goes nowhere that `is_seen`.
    pub(super) fn new(
        config: &InputConfig,
        style: EscapeStyle,
        is_seen: impl Fn(&FieldPath) -> bool,
    ) -> Option<Self> {
        let object = config.request_headers.as_ref().and_then(|text| style.parse(text).ok());
        let object = object.filter(is_seen);
        let fields = config.request_fields.then(|| EcsFields {
            texts: FIELDS.map(|(field, name)| (FieldPath::dotted(field), name)).into(),
            domain: FieldPath::dotted("url.domain"),
            port: FieldPath::dotted("url.port"),
        });
        (object.is_some() || fields.is_some()).then_some(Self { object, fields })
    }

    /// Puts a request into its event.
    pub(super) fn write(&self, event: &mut Event, request: &ToldRequest) {
        if let Some(fields) = &self.fields {
            for (field, name) in &fields.texts {
                put_text(event, field, request.named.get(*name).map(String::as_str));
            }
            put_text(event, &fields.domain, request.domain.as_deref());
            match &request.port {
                Some(port) => event.set_number(&fields.port, port),
                None => event.remove(&fields.port),
            };
        }
        if let Some(field) = &self.object {
            let object = event.new_object();
            for (name, text) in &request.named {
                let text = event.new_text(text);
                event.attach(object, name, text);
            }
            for (_, name) in RENAMED {
                if !request.named.contains_key(name) {
                    let null = event.new_null();
                    event.attach(object, name, null);
                }
            }
            event.place(field, object);
        }
    }
}

/// Sets a field to what the request says, if it says anything.
fn put_text(event: &mut Event, field: &FieldPath, text: Option<&str>) {
    match text {
        Some(text) => event.set_text(field, text),
        None => event.remove(field),
    };
}

/// A request as it is told of to filters.
#[derive(Debug)]
pub(super) struct ToldRequest {
    /// Its headers, method, path and version, by their names in the object.
    named: BTreeMap<String, String>,
    domain: Option<String>,
    port: Option<String>,
}

impl ToldRequest {
    fn new(described: DescribedRequest<'_>) -> Self {
        let mut named: BTreeMap<String, String> = BTreeMap::new();
        for (header, value) in described.headers() {
            let name = header.to_ascii_lowercase().replace('-', "_");
            let renamed = RENAMED.iter().find(|(header, _)| *header == name);
            let is_taken = [METHOD, TARGET, VERSION].contains(&name.as_str())
                || RENAMED.iter().any(|(_, taken)| *taken == name);
            let is_another = header.contains('_') && DASHED.contains(&name.as_str());
            let name = match renamed {
                Some((_, own)) => (*own).to_owned(),
                None if is_taken => continue,
                None => name,
            };
            if is_another && named.contains_key(&name) {
                continue;
            }
            named.insert(name, value.into_owned());
        }
        let (domain, port) = match named.get(HOST).map(|host| domain_and_port(host)) {
            Some((domain, port)) => (Some(domain.to_owned()), port.map(|port| port.to_string())),
            None => (None, None),
        };
        for (name, text) in [
            (METHOD, described.method()),
            (TARGET, described.target()),
            (VERSION, described.version()),
        ] {
            named.insert(name.to_owned(), text.into_owned());
        }
        Self { named, domain, port }
    }
}

/// What a host says, as Logstash takes it apart: `shop.example:8080`, `[2001:db8::1]:8080`. Where it does not end in a
/// port, which may be any number that a document can have, all of it is the domain.
fn domain_and_port(host: &str) -> (&str, Option<i64>) {
    let apart = || {
        let (domain, port) = host.rsplit_once(':')?;
        let is_number = !port.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit());
        let port = port.parse().ok().filter(|_| is_number)?;
        if !domain.contains(':') {
            return (!domain.is_empty()).then_some((domain, port));
        }
        let address = domain.strip_prefix('[')?.strip_suffix(']')?;
        Some((address, port))
    };
    match apart() {
        Some((domain, port)) => (domain, Some(port)),
        None => (host, None),
    }
}

/// The request that was told of last: records that it brought follow each other, and it is read once for all of them.
#[derive(Debug, Default)]
pub(crate) struct LastRequest {
    content_type: String,
    told: Option<ToldRequest>,
}

impl LastRequest {
    /// The request that the content type of a record tells of, if it does.
    pub(super) fn of(&mut self, content_type: &str) -> Option<&ToldRequest> {
        if self.content_type != content_type {
            self.content_type.clear();
            self.content_type.push_str(content_type);
            self.told = DescribedRequest::of(content_type).map(ToldRequest::new);
        }
        self.told.as_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::domain_and_port;

    #[test]
    fn a_host_is_taken_apart_as_logstash_does() {
        for (host, domain, port) in [
            ("localhost:8080", "localhost", Some(8080)),
            ("shop.example", "shop.example", None),
            ("[2001:db8::1]:0443", "2001:db8::1", Some(443)),
            ("[2001:db8::1]", "[2001:db8::1]", None),
            ("2001:db8::1", "2001:db8::1", None),
            ("::1", "::1", None),
            (":80", ":80", None),
            ("a:", "a:", None),
            ("a:+80", "a:+80", None),
            ("a:65536", "a", Some(65_536)),
            ("a:9223372036854775807", "a", Some(i64::MAX)),
            ("a:9223372036854775808", "a:9223372036854775808", None),
            ("a:-80", "a:-80", None),
            ("a:b:80", "a:b:80", None),
            ("", "", None),
        ] {
            assert_eq!(domain_and_port(host), (domain, port), "{host}");
        }
    }
}
