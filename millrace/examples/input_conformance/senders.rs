//! Senders of each protocol, who wait until what they sent is taken.

use std::io;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::assertion;
use crate::codec::bytes;
use crate::input::SOON;
use crate::lumberjack;

/// Sends on one connection, and waits until the door closes it: then all of it is durable.
pub(crate) async fn tcp(door: SocketAddr, send: &Value) -> Result<(), String> {
    let sent: Vec<u8> = texts(send).into_iter().flatten().collect();
    exchange(door, &sent, true).await.map(drop)
}

/// Sends datagrams.
pub(crate) async fn udp(door: SocketAddr, send: &Value) -> Result<(), String> {
    let send = async {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        for datagram in texts(send) {
            socket.send_to(&datagram, door).await?;
        }
        Ok(())
    };
    send.await.map_err(|error: io::Error| error.to_string())
}

/// Sends a window of events, and waits for its acknowledgement.
pub(crate) async fn beats(door: SocketAddr, documents: &Value) -> Result<(), String> {
    let documents = documents.as_array().into_iter().flatten();
    let events: Vec<String> = documents
        .map(|document| {
            let mut text = String::new();
            assertion::write_input(document, &mut text);
            text
        })
        .collect();
    let send = async {
        let mut stream = TcpStream::connect(door).await?;
        stream.write_all(&lumberjack::window(&events)).await?;
        let mut ack = [0; 6];
        loop {
            stream.read_exact(&mut ack).await?;
            // Another one says that the window is being worked on.
            if ack[2..] != [0; 4] {
                return Ok(());
            }
        }
    };
    let sent = timeout(SOON, send).await.map_err(|_| "nothing is acknowledged")?;
    sent.map_err(|error: io::Error| error.to_string())
}

/// Sends a request, and looks whether the answer is the one that is expected.
pub(crate) async fn http(
    door: SocketAddr,
    request: &Value,
    response: &Value,
) -> Result<(), String> {
    let text = |name: &str| request[name].as_str().unwrap_or_default();
    let body = bytes(&request["body"]);
    let mut head = format!("{} {} HTTP/{}\r\n", text("method"), text("path"), text("http_version"));
    let mut headers: Vec<(String, String)> = request["headers"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.to_lowercase(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    if !headers.iter().any(|(name, _)| name == "host") {
        headers.push(("host".to_owned(), door.to_string()));
    }
    headers.push(("content-length".to_owned(), body.len().to_string()));
    headers.push(("connection".to_owned(), "close".to_owned()));
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let sent = [head.as_bytes(), b"\r\n", &body].concat();
    let answer = exchange(door, &sent, false).await?;
    judge(&String::from_utf8_lossy(&answer), response)
}

/// Whether an answer has the code and the headers that are expected; a header of null must be absent.
fn judge(answer: &str, response: &Value) -> Result<(), String> {
    let head = answer.split("\r\n\r\n").next().unwrap_or_default();
    let mut lines = head.lines();
    let status = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or_default();
    if response["status"].as_u64().is_some_and(|expected| expected.to_string() != status) {
        return Err(format!("{} is expected, and the answer is\n{answer}", response["status"]));
    }
    let headers: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(": ")).collect();
    for (name, expected) in response["headers"].as_object().into_iter().flatten() {
        let found = headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let found = found.map(|(_, value)| *value);
        let is_right = match (expected, found) {
            (Value::Null, found) => found.is_none(),
            (Value::String(expected), Some(found)) => found == expected,
            (Value::Object(part), Some(found)) => {
                let of = |name: &str| part.get(name).and_then(Value::as_str).unwrap_or_default();
                found.starts_with(of("starts_with")) && found.ends_with(of("ends_with"))
            }
            _ => false,
        };
        if !is_right {
            return Err(format!("the header {name} is {found:?}, and {expected} is expected"));
        }
    }
    Ok(())
}

/// Sends bytes, perhaps with their end, and reads until the door closes.
async fn exchange(door: SocketAddr, sent: &[u8], ends: bool) -> Result<Vec<u8>, String> {
    let exchange = async {
        let mut stream = TcpStream::connect(door).await?;
        stream.write_all(sent).await?;
        if ends {
            stream.shutdown().await?;
        }
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(answer)
    };
    let answer = timeout(SOON, exchange).await.map_err(|_| "the door does not answer")?;
    answer.map_err(|error: io::Error| error.to_string())
}

/// The texts or bytes of a list.
fn texts(list: &Value) -> Vec<Vec<u8>> {
    list.as_array().into_iter().flatten().map(bytes).collect()
}
