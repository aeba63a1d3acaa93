//! 3: a Lumberjack frame that declares 4 GiB, or a window of 2³²-1 events.

use crate::bystander::Bystander;
use crate::memory::{alone, rise_during};
use crate::support::Gateway;
use crate::support::lumberjack::{Sender, batch, event, frame, window};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_03_a_length_is_refused_before_anything_is_allocated() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let huge = u32::MAX;
    let cases = [
        (frame(b"2W", &[huge], b""), "window_events"),
        ([window(1), frame(b"2J", &[1, huge], b"{\"a\":")].concat(), "frame_length"),
        ([window(1), frame(b"2C", &[huge], b"x\x9c")].concat(), "frame_length"),
        ([window(1), frame(b"1D", &[1, huge], b"")].concat(), "frame_length"),
        ([window(1), frame(b"1D", &[1, 1, huge], b"key")].concat(), "frame_length"),
    ];
    for (bytes, limit) in cases {
        let before = gateway.limit_hits("beats", limit);
        let attack = async {
            let mut sender = Sender::connect(gateway.beats).await;
            sender.send(&bytes).await;
            sender.rest().await
        };
        let (answer, rise) = rise_during(attack).await;
        assert_eq!(answer, b"", "{limit}: it is closed without an acknowledgement");
        assert!(rise < 8 << 20, "{limit}: {rise} bytes");
        assert_eq!(gateway.limit_hits("beats", limit), before + 1.0);
    }
    let mut next = Sender::connect(gateway.beats).await;
    next.send(&batch(&["{\"a\":1}".to_owned()])).await;
    assert_eq!(next.ack().await, 1, "the next connection is served");
    bystander.was_served(&gateway).await;
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_03_a_false_length_takes_what_follows_into_the_event_and_no_further() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let mut sender = Sender::connect(gateway.beats).await;
    // It says 20 bytes and has 2: the next frame is swallowed, and what comes then is no frame.
    let bytes = [window(3), frame(b"2J", &[1, 20], b"{}"), event(2, "{}"), event(3, "{}")].concat();
    sender.send(&bytes).await;
    assert_eq!(sender.rest().await, b"");
    assert_eq!(gateway.limit_hits("beats", "protocol"), 1.0);
    assert_eq!(gateway.bus.records().len(), 0);
    gateway.stop().await;
}
