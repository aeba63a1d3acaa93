//! A connection that the memory of the door keeps waiting.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bus::TOPIC_RAW;
use pipeline::{Ledgers, Runtime};
use service::Context;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use super::Connection;
use crate::beats::DOOR;
use crate::config::{BeatsConfig, Config};
use crate::connections::tests::admission;
use crate::intake::tests::ScriptedBus;
use crate::intake::{Clock, Foundation, Intake};

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_memory_and_holds_none_is_told_to_wait_and_not_sent_away() {
    let bus = Arc::new(ScriptedBus::default());
    let context = Context::default();
    let ledgers = Ledgers::new(&context.metrics);
    let runtime = Runtime { bus: bus.clone(), ledgers, context };
    let foundation = Foundation::new(&Config::default(), runtime, Clock::system());
    let intake = Intake::new(DOOR, &foundation);
    let admission = admission(&foundation.budget);
    let share = admission.guest.share.clone();
    let (mut sender, stream) = tokio::io::duplex(1 << 10);
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 5_044));
    let config = Arc::new(BeatsConfig::default());
    let connection = Connection::new(stream, peer, admission, &intake, &config);
    let serving = tokio::spawn(connection.serve(CancellationToken::new()));

    let mut ack = [0; 6];
    sender.write_all(b"2W\0\0\0\x01").await.unwrap();
    sender.read_exact(&mut ack).await.unwrap();
    assert_eq!(&ack, b"2A\0\0\0\0", "the window is open");
    let all = share.reserve(usize::MAX).await;
    sender.write_all(b"2J\0\0\0\x07\0\0\0\x02{}").await.unwrap();
    // Longer than a silence and a window may be.
    for _ in 0..200 {
        sender.read_exact(&mut ack).await.unwrap();
        assert_eq!(&ack, b"2A\0\0\0\0");
    }
    drop(all);
    while ack == *b"2A\0\0\0\0" {
        sender.read_exact(&mut ack).await.unwrap();
    }
    assert_eq!(&ack, b"2A\0\0\0\x07");
    assert_eq!(bus.records(TOPIC_RAW).len(), 1);
    drop(sender);
    serving.await.unwrap();
}
