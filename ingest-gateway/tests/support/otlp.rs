//! Messages of OpenTelemetry as protobuf, and calls of gRPC with them.
//!
//! Source: `opentelemetry/proto/logs/v1/logs.proto` and what it names; "gRPC over HTTP2".

use std::io::Write;
use std::net::SocketAddr;

use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;

use crate::support::Gateway;

/// The path of the one call that there is.
pub(crate) const GRPC: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";

/// A number in pieces of seven bits, the lowest first, as lengths of protobuf and the rest of HPACK's are written.
pub(crate) fn put_varint(message: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        message.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    message.push(number as u8);
}

/// A message of one field for each of these.
pub(crate) fn message(fields: &[(u8, &[u8])]) -> Vec<u8> {
    let mut message = Vec::new();
    for (number, bytes) in fields {
        message.push(number << 3 | 2);
        put_varint(&mut message, bytes.len());
        message.extend_from_slice(bytes);
    }
    message
}

/// A value that is a text.
pub(crate) fn text(text: &str) -> Vec<u8> {
    message(&[(1, text.as_bytes())])
}

/// A request with these records, of a resource with a service's name.
pub(crate) fn request(records: &[Vec<u8>]) -> Vec<u8> {
    let name = message(&[(1, b"service.name"), (2, &text("checkout"))]);
    let records: Vec<(u8, &[u8])> = records.iter().map(|record| (2, &record[..])).collect();
    // The resource stands behind what it describes, as it may.
    let resource_logs = message(&[(2, &message(&records)), (1, &message(&[(1, &name)]))]);
    message(&[(1, &resource_logs)])
}

/// A record with this body.
pub(crate) fn record(body: &str) -> Vec<u8> {
    message(&[(5, &text(body))])
}

/// Calls Export: the headers of the answer with its trailers, and the message.
pub(crate) async fn call(
    gateway: &Gateway,
    headers: &[(&'static str, &'static str)],
    body: Vec<u8>,
) -> (HeaderMap, Vec<u8>) {
    call_at(gateway.http, headers, body).await
}

/// The same at one of the door's addresses.
pub(crate) async fn call_at(
    address: SocketAddr,
    headers: &[(&'static str, &'static str)],
    body: Vec<u8>,
) -> (HeaderMap, Vec<u8>) {
    let stream = TcpStream::connect(address).await.unwrap();
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    let connection = tokio::spawn(connection);
    let mut request = Request::post(format!("http://door{GRPC}"));
    for (name, value) in
        [("content-type", "application/grpc"), ("te", "trailers")].iter().chain(headers)
    {
        request = request.header(*name, *value);
    }
    let request = request.body(Full::new(bytes::Bytes::from(body))).unwrap();
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 200);
    let mut headers = response.headers().clone();
    let body = response.into_body().collect().await.unwrap();
    headers.extend(body.trailers().cloned().unwrap_or_default());
    connection.abort();
    (headers, body.to_bytes().to_vec())
}

/// A message with the head that it has in a call: 1 says that it is compressed.
pub(crate) fn framed(flag: u8, message: &[u8]) -> Vec<u8> {
    let mut framed = vec![flag];
    framed.extend_from_slice(&(message.len() as u32).to_be_bytes());
    framed.extend_from_slice(message);
    framed
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
