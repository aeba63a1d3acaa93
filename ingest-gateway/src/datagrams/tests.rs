//! A door of datagrams among others of its shop who wait because that has sent too much.

use std::sync::Arc;
use std::time::Duration;

use bus::TOPIC_RAW;
use service::{Context, Span};
use tokio::net::UdpSocket;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Socket, serve};
use crate::config::Config;
use crate::intake::Intake;
use crate::intake::tests::{ScriptedBus, foundation};
use crate::udp;

#[tokio::test(start_paused = true)]
async fn datagrams_pass_nobody_of_their_shop_who_waits() {
    let mut config = Config::default();
    config.quota.events_per_second = Some(100);
    config.quota.burst = Some(Span::from_secs(1));
    let (bus, context) = (Arc::new(ScriptedBus::default()), Context::default());
    let foundation = foundation(&config, &bus, &context);
    let intake = Intake::new(udp::DOOR, &foundation);
    let shop = intake.anonymous().shop;
    foundation.quotas.charge(&shop, 300, 300 * 512);
    let turnstile = intake.turnstile(&shop).unwrap();
    // A sender that stands in line, and does not look whether it is through.
    let mut first = Box::pin(turnstile.pass(1));
    assert!(timeout(Duration::ZERO, &mut first).await.is_err());

    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let door = udp::door(intake, &config.udp);
    let serving = tokio::spawn(serve(Socket::Udp(socket), door, None, shutdown.clone()));
    let sender = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    sender.send_to(b"{}", address).await.unwrap();
    sleep(Duration::from_secs(10)).await;
    assert!(bus.records(TOPIC_RAW).is_empty(), "the debt is paid, and another one is before it");
    drop(first);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(bus.records(TOPIC_RAW).len(), 1, "now it is its turn");
    shutdown.cancel();
    serving.await.unwrap();
}
