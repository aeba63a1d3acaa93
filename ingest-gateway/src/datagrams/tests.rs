//! A door of datagrams among others of its shop who wait because that has sent too much, and the time that its lines
//! have.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bus::{RecordId, TOPIC_RAW};
use service::{Context, Span};
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Socket, serve};
use crate::config::Config;
use crate::intake::Intake;
use crate::intake::tests::{ScriptedBus, foundation, foundation_at};
use crate::udp;

/// The door for UDP at a free port, and somebody who sends to it.
struct Rig {
    sender: UdpSocket,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

impl Rig {
    async fn open(intake: Intake, config: &Config) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let sender = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        sender.connect(socket.local_addr().unwrap()).await.unwrap();
        let shutdown = CancellationToken::new();
        let door = udp::door(intake, &config.udp);
        let serving = tokio::spawn(serve(Socket::Udp(socket), door, None, shutdown.clone()));
        Self { sender, shutdown, serving }
    }

    async fn close(self) {
        self.shutdown.cancel();
        self.serving.await.unwrap();
    }
}

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

    let rig = Rig::open(intake, &config).await;
    rig.sender.send(b"{}").await.unwrap();
    sleep(Duration::from_secs(10)).await;
    assert!(bus.records(TOPIC_RAW).is_empty(), "the debt is paid, and another one is before it");
    drop(first);
    sleep(Duration::from_secs(10)).await;
    assert_eq!(bus.records(TOPIC_RAW).len(), 1, "now it is its turn");
    rig.close().await;
}

#[tokio::test(start_paused = true)]
async fn a_line_after_a_quiet_hour_has_the_time_at_which_it_came() {
    const HOUR_NS: i64 = 3_600_000_000_000;
    let (config, now_ns) = (Config::default(), Arc::new(AtomicI64::new(0)));
    let (bus, context) = (Arc::new(ScriptedBus::default()), Context::default());
    let intake = Intake::new(udp::DOOR, &foundation_at(&config, &bus, &context, &now_ns));
    let rig = Rig::open(intake, &config).await;
    let received = || -> Vec<i64> {
        bus.records(TOPIC_RAW).iter().map(|record| record.received_at_ns).collect()
    };
    // The door is open, and nothing has come.
    sleep(Duration::from_secs(10)).await;
    now_ns.store(HOUR_NS, Ordering::Relaxed);
    // Ids are in the order of time.
    let before_first = RecordId::generate();
    rig.sender.send(b"first\nfirst too").await.unwrap();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(received(), [HOUR_NS; 2]);
    now_ns.store(2 * HOUR_NS, Ordering::Relaxed);
    let before_second = RecordId::generate();
    rig.sender.send(b"second").await.unwrap();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(received()[2..], [2 * HOUR_NS]);
    let ids: Vec<RecordId> = bus.records(TOPIC_RAW).iter().map(|record| record.id).collect();
    assert!(ids.is_sorted(), "the order in which they came");
    assert!(ids[0] > before_first && ids[1] < before_second, "drawn when the first came");
    assert!(ids[2] > before_second, "drawn when the second came");
    rig.close().await;
}
