//! What is sent: events as a shop's loggers write them, in the forms of each protocol, made once and sent again and
//! again.

use std::io::Write;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};

/// Events of a request, a window or a block of lines.
pub const EVENTS: usize = 1_000;
/// Bytes of a datagram, which holds one event.
pub const DATAGRAM_BYTES: usize = 600;
/// As libbeat compresses.
const BEATS_LEVEL: Compression = Compression::new(3);
/// As shippers over HTTP do unless they are told otherwise.
const GZIP_LEVEL: Compression = Compression::new(6);

/// An event of some 600 bytes, without an end of line.
#[must_use]
pub fn event(number: usize) -> String {
    format!(
        "{{\"timestamp\":\"2026-01-31T12:34:56.{:03}Z\",\"event_id\":\"{number:032x}\",\"type\":\"transaction\",\
         \"level\":\"INFO\",\"service\":\"checkout\",\"environment\":\"production\",\"host\":\"web-{}\",\
         \"session_id\":\"s-{}\",\"user_id\":\"u-{}\",\"order_id\":\"O-{number}\",\"amount\":\"{}.90\",\
         \"currency\":\"EUR\",\"items\":[{{\"sku\":\"A-1\",\"quantity\":1,\"price\":19.9}},\
         {{\"sku\":\"B-22\",\"quantity\":2,\"price\":5.25}}],\"payment_method\":\"card\",\
         \"client_ip\":\"192.0.2.{}\",\"user_agent\":\"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) \
         Gecko/20100101 Firefox/128.0\",\"message\":\"order placed\",\"status\":\"authorised\"}}",
        number % 1_000,
        number % 7,
        number % 5_000,
        number % 3_000,
        number % 500,
        number % 250
    )
}

/// Lines, each an event.
#[must_use]
pub fn lines() -> Vec<u8> {
    (0..EVENTS).map(|number| event(number) + "\n").collect::<String>().into_bytes()
}

/// Messages of syslog (RFC 5424), each with a line feed.
#[must_use]
pub fn syslog() -> Vec<u8> {
    let message = |number: usize| {
        let host = number % 7;
        format!(
            "<134>1 2026-01-31T12:34:56.123Z web-{host} checkout 2231 ORDER - {}\n",
            event(number)
        )
    };
    (0..EVENTS).map(message).collect::<String>().into_bytes()
}

/// A bulk body as clients of Elasticsearch send it.
#[must_use]
pub fn bulk() -> Vec<u8> {
    let item = |number| format!("{{\"create\":{{\"_index\":\"logs\"}}}}\n{}\n", event(number));
    (0..EVENTS).map(item).collect::<String>().into_bytes()
}

/// Bytes as gzip.
#[must_use]
pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), GZIP_LEVEL);
    encoder.write_all(bytes).expect("a buffer");
    encoder.finish().expect("a buffer")
}

/// A window of Lumberjack, version 2, compressed as libbeat does it or not.
#[must_use]
pub fn window(is_compressed: bool) -> Vec<u8> {
    let mut frames = Vec::new();
    for number in 1..=EVENTS {
        let event = event(number);
        frames.extend_from_slice(b"2J");
        frames.extend_from_slice(&number_of(number));
        frames.extend_from_slice(&number_of(event.len()));
        frames.extend_from_slice(event.as_bytes());
    }
    let mut window = [&b"2W"[..], &number_of(EVENTS)].concat();
    if is_compressed {
        let mut encoder = ZlibEncoder::new(Vec::new(), BEATS_LEVEL);
        encoder.write_all(&frames).expect("a buffer");
        frames = encoder.finish().expect("a buffer");
        window.extend_from_slice(b"2C");
        window.extend_from_slice(&number_of(frames.len()));
    }
    [window, frames].concat()
}

/// A number of Lumberjack.
#[must_use]
pub fn number_of(number: usize) -> [u8; 4] {
    u32::try_from(number).expect("a small number").to_be_bytes()
}

/// A message of OpenTelemetry (`ExportLogsServiceRequest`): records with attributes, of one resource.
#[must_use]
pub fn export() -> Vec<u8> {
    let resource = [attribute("service.name", "checkout"), attribute("service.version", "4.1.0")];
    let resource: Vec<u8> = resource.iter().flat_map(|one| field(1, one)).collect();
    let records: Vec<u8> = (0..EVENTS).flat_map(|number| field(2, &record(number))).collect();
    field(1, &[field(1, &resource), field(2, &records)].concat())
}

/// A record of as many bytes as the other events have.
fn record(number: usize) -> Vec<u8> {
    let time_ns = 1_769_862_896_000_000_000_u64 + number as u64 * 1_000_000;
    let mut record = vec![0x09];
    record.extend_from_slice(&time_ns.to_le_bytes());
    record.extend_from_slice(&[0x10, 9]);
    record.extend(field(3, b"INFO"));
    record.extend(field(5, &field(1, b"order placed")));
    let attributes = [
        ("event_id", format!("{number:032x}")),
        ("host.name", format!("web-{}", number % 7)),
        ("session.id", format!("s-{}", number % 5_000)),
        ("user.id", format!("u-{}", number % 3_000)),
        ("shop.order.id", format!("O-{number}")),
        ("shop.order.amount", format!("{}.90", number % 500)),
        ("shop.order.currency", "EUR".to_owned()),
        ("shop.payment.method", "card".to_owned()),
        ("client.address", format!("192.0.2.{}", number % 250)),
        (
            "user_agent.original",
            "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0".to_owned(),
        ),
        (
            "url.full",
            "https://shop.example/checkout/confirm?step=4&basket=77&campaign=spring".to_owned(),
        ),
    ];
    for (name, value) in &attributes {
        record.extend(field(6, &attribute(name, value)));
    }
    record.extend(field(9, &[7; 16]));
    record.extend(field(10, &[7; 8]));
    record
}

fn attribute(name: &str, value: &str) -> Vec<u8> {
    [field(1, name.as_bytes()), field(2, &field(1, value.as_bytes()))].concat()
}

/// A field of bytes of protobuf.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![number << 3 | 2];
    let mut length = bytes.len();
    while length >= 0x80 {
        field.push((length & 0x7f) as u8 | 0x80);
        length >>= 7;
    }
    field.push(length as u8);
    field.extend_from_slice(bytes);
    field
}

/// So many datagrams of one size, one behind the other.
#[must_use]
pub fn datagrams(count: usize) -> Vec<u8> {
    let mut datagrams = Vec::with_capacity(count * DATAGRAM_BYTES);
    for number in 0..count {
        let end = (number + 1) * DATAGRAM_BYTES;
        datagrams.extend_from_slice(event(number).as_bytes());
        assert!(datagrams.len() <= end, "an event is longer than a datagram");
        // A line may end in blanks.
        datagrams.resize(end, b' ');
    }
    datagrams
}

/// A POST whose body this is.
#[must_use]
pub fn post(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: door\r\n{headers}content-length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}
