//! Connections from other addresses of this machine than others', so that what they hold is not the others' share.

use std::net::SocketAddr;

use tokio::net::{TcpSocket, TcpStream};

/// The smallest buffer that the kernel gives: what is sent stays with its sender.
const DEAF_BYTES: u32 = 4 << 10;

/// A socket whose address is 127.0.0.`host`.
pub(crate) fn socket(host: u8) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from(([127, 0, 0, host], 0))).unwrap();
    socket
}

/// A connection from 127.0.0.`host`.
pub(crate) async fn connect_from(host: u8, address: SocketAddr) -> TcpStream {
    socket(host).connect(address).await.unwrap()
}

/// One that takes hardly anything in.
pub(crate) async fn connect_deaf(host: u8, address: SocketAddr) -> TcpStream {
    let socket = socket(host);
    socket.set_recv_buffer_size(DEAF_BYTES).unwrap();
    socket.connect(address).await.unwrap()
}
