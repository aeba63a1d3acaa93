//! A syslog door, and a message that comes to it by every way that keeps its length.

use std::path::Path;

use tokio::net::{UdpSocket, UnixDatagram};

use crate::support::{Gateway, any_port, eventually, send_tcp};

/// Its socket within a folder.
const SOCKET: &str = "log";

/// A gateway that takes syslog over TCP, UDP and a socket in this folder.
pub(crate) async fn start(folder: &Path) -> Gateway {
    Gateway::start(|config| {
        (config.syslog.tcp_listen, config.syslog.udp_listen) = (any_port(), any_port());
        config.syslog.socket_path = Some(folder.join(SOCKET));
    })
    .await
}

/// Sends a message with its length over TCP, and as a datagram to both of the others: the first three that come.
pub(crate) async fn send_each_way(gateway: &Gateway, folder: &Path, message: &[u8]) {
    let counted = [format!("{} ", message.len()).as_bytes(), message].concat();
    send_tcp(gateway.syslog.tcp.unwrap(), &counted).await;
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.send_to(message, gateway.syslog.udp.unwrap()).await.unwrap();
    UnixDatagram::unbound().unwrap().send_to(message, folder.join(SOCKET)).await.unwrap();
    eventually("all arrive", || gateway.door("syslog").accepted == 3).await;
}
