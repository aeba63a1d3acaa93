//! A connection that the memory of the door keeps waiting, and one whose sender keeps the door waiting.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bus::TOPIC_RAW;
use service::{Context, Span};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};
use tokio_util::sync::CancellationToken;

use super::Connection;
use crate::beats::DOOR;
use crate::budget::Share;
use crate::config::{BeatsConfig, Config};
use crate::connections::tests::admission;
use crate::intake::Intake;
use crate::intake::tests::{ScriptedBus, foundation};

/// A connection that is served, and its sender.
struct Rig {
    bus: Arc<ScriptedBus>,
    context: Context,
    share: Share,
    sender: DuplexStream,
    serving: JoinHandle<()>,
}

fn rig(config: BeatsConfig) -> Rig {
    rig_of(&Config::default(), config)
}

fn rig_of(settings: &Config, config: BeatsConfig) -> Rig {
    let bus = Arc::new(ScriptedBus::default());
    let context = Context::default();
    let foundation = foundation(settings, &bus, &context);
    let intake = Intake::new(DOOR, &foundation);
    let admission = admission(&foundation.budget);
    let share = admission.guest.share.clone();
    let (sender, stream) = tokio::io::duplex(1 << 10);
    let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 5_044));
    let (identity, config) = (intake.anonymous(), Arc::new(config));
    let connection = Connection::new(stream, peer, admission, identity, &intake, &config);
    let serving = tokio::spawn(connection.serve(CancellationToken::new()));
    Rig { bus, context, share, sender, serving }
}

impl Rig {
    /// Waits until the door has closed, without an acknowledgement, because it was kept waiting.
    async fn expect_sent_away(mut self) {
        assert_eq!(self.sender.read(&mut [0; 6]).await.unwrap(), 0);
        self.serving.await.unwrap();
        let hits = "millrace_gateway_limit_hits_total{door=\"beats\",limit=\"idle_timeout\"} 1";
        assert!(self.context.metrics.text().contains(hits));
    }
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_memory_and_holds_none_is_told_to_wait_and_not_sent_away() {
    let Rig { bus, share, mut sender, serving, .. } = rig(BeatsConfig::default());
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

#[tokio::test(start_paused = true)]
async fn a_silent_sender_is_sent_away() {
    let config = BeatsConfig::default();
    let idle = config.idle_timeout.0;
    let rig = rig(config);
    let begun = Instant::now();
    rig.expect_sent_away().await;
    let took = begun.elapsed();
    assert!((idle..idle + Duration::from_secs(1)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_sender_that_trickles_and_never_ends_its_window_is_sent_away() {
    let keep_alive_interval = Span::from_secs(3_600);
    let config = BeatsConfig { keep_alive_interval, ..BeatsConfig::default() };
    let (idle, whole) = (config.idle_timeout.0, config.window_timeout.0);
    let mut rig = rig(config);
    let begun = Instant::now();
    let mut ticks = interval(idle / 2);
    // A window of 50,000 events, which would go on for days.
    let frames = [b"2W\0\0\xc3\x50".to_vec(), b"2J\0\0\0\x01\0\0\0\x02{}".repeat(1_000)].concat();
    for byte in frames {
        ticks.tick().await;
        if rig.sender.write_all(&[byte]).await.is_err() {
            break;
        }
    }
    // It counts from when the window's head has come whole.
    let took = begun.elapsed();
    assert!((whole..whole + idle * 4).contains(&took), "{took:?}");
    assert!(rig.bus.records(TOPIC_RAW).is_empty());
    rig.expect_sent_away().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_the_quota_of_its_shop_is_told_to_wait_and_loses_nothing() {
    let mut settings = Config::default();
    settings.quota.events_per_second = Some(1);
    settings.quota.burst = Some(Span::from_secs(1));
    let Rig { bus, mut sender, serving, .. } = rig_of(&settings, BeatsConfig::default());
    let mut ack = [0; 6];
    let event = |sequence: u8| [&b"2J\0\0\0"[..], &[sequence], b"\0\0\0\x02{}"].concat();
    let window = [b"2W\0\0\0\x64".to_vec(), (1..=100).flat_map(event).collect()].concat();
    sender.write_all(&window).await.unwrap();
    while ack != *b"2A\0\0\0\x64" {
        sender.read_exact(&mut ack).await.unwrap();
    }
    // Longer than a sender may be silent, and a window of it is not even read.
    let begun = Instant::now();
    let mut keep_alives = 0;
    sender.write_all(&[&b"2W\0\0\0\x01"[..], &event(7)].concat()).await.unwrap();
    sender.read_exact(&mut ack).await.unwrap();
    assert_eq!(bus.records(TOPIC_RAW).len(), 100, "there is more than a minute to wait");
    while ack == *b"2A\0\0\0\0" {
        keep_alives += 1;
        sender.read_exact(&mut ack).await.unwrap();
    }
    assert_eq!(&ack, b"2A\0\0\0\x07");
    let waited = begun.elapsed();
    assert!((Duration::from_secs(98)..Duration::from_secs(101)).contains(&waited), "{waited:?}");
    assert!(keep_alives >= 30, "{keep_alives}");
    assert_eq!(bus.records(TOPIC_RAW).len(), 101);
    drop(sender);
    serving.await.unwrap();
}
