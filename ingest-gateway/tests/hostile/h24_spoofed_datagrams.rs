//! 24: floods of datagrams from everywhere, and the hope that they are answered.

use tokio::net::UdpSocket;

use crate::bystander::Bystander;
use crate::memory::{alone, rise_during};
use crate::support::{Gateway, MemoryBus, eventually};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_24_a_flood_is_never_answered_and_every_datagram_is_counted() {
    let _alone = alone().await;
    let mut bus = MemoryBus::new();
    bus.forgets = true;
    let gateway = Gateway::start_on(bus, |_| {}).await;
    let bystander = Bystander::start(&gateway);
    let mut sockets = Vec::new();
    for _ in 0..100 {
        sockets.push(UdpSocket::bind("127.0.0.1:0").await.unwrap());
    }
    let flood = async {
        let datagrams: [&[u8]; 4] = [b"", b"\n\n\n", b"\0\0\0", b"{\"a\":1}\n{\"a\":2}"];
        for n in 0..100_000 {
            let datagram = datagrams[n % datagrams.len()];
            sockets[n % sockets.len()].send_to(datagram, gateway.udp).await.unwrap();
        }
    };
    let ((), rise) = rise_during(flood).await;
    assert!(rise < 32 << 20, "{rise} bytes");
    let dropped = "millrace_gateway_udp_dropped_datagrams_total";
    // Of four datagrams two are empty, one has one line and one has two.
    let expected = 75_000.0 - 3.0 * gateway.metric(dropped);
    eventually("all that the kernel kept arrives", || {
        gateway.door("udp").accepted as f64 >= expected
    })
    .await;
    for socket in &sockets {
        let answer = socket.try_recv(&mut [0; 16]);
        assert_eq!(answer.unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    }
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}
