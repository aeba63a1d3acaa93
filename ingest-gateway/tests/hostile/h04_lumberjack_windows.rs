//! 4: sequence numbers that roll over, windows within windows, and events that no window announced.

use crate::bystander::Bystander;
use crate::memory::{alone, rise_during};
use crate::support::lumberjack::{Sender, event, window};
use crate::support::{Gateway, eventually};

#[tokio::test]
async fn hostile_04_acknowledgements_are_the_senders_own_numbers_over_a_roll_over() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let mut sender = Sender::connect(gateway.beats).await;
    let numbers = [u32::MAX - 1, u32::MAX, 0, 1];
    let events: Vec<Vec<u8>> = numbers.iter().map(|number| event(*number, "{}")).collect();
    sender.send(&[window(2), events[..2].concat()].concat()).await;
    assert_eq!(sender.ack().await, u32::MAX);
    sender.send(&[window(2), events[2..].concat()].concat()).await;
    assert_eq!(sender.ack().await, 1);
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_04_a_window_within_a_window_ends_the_first_with_what_has_come() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let mut sender = Sender::connect(gateway.beats).await;
    sender
        .send(&[window(9), event(5, "{\"a\":1}"), window(1), event(1, "{\"b\":1}")].concat())
        .await;
    assert_eq!((sender.ack().await, sender.ack().await), (5, 1));
    assert_eq!(gateway.bus.texts(), ["{\"a\":1}", "{\"b\":1}"]);
    gateway.stop().await;
}

#[tokio::test]
async fn hostile_04_more_events_than_announced_end_the_connection() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let mut sender = Sender::connect(gateway.beats).await;
    sender.send(&event(1, "{}")).await;
    assert_eq!(sender.rest().await, b"");
    let mut sender = Sender::connect(gateway.beats).await;
    sender.send(&[window(1), event(1, "{}")].concat()).await;
    assert_eq!(sender.ack().await, 1);
    sender.send(&event(2, "{}")).await;
    assert_eq!(sender.rest().await, b"");
    assert_eq!(gateway.limit_hits("beats", "protocol"), 2.0);
    assert_eq!(gateway.bus.records().len(), 1);
    gateway.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_04_a_flood_of_empty_windows_holds_nothing_and_is_answered() {
    let _alone = alone().await;
    let gateway = Gateway::start(|_| {}).await;
    let bystander = Bystander::start(&gateway);
    let mut sender = Sender::connect(gateway.beats).await;
    let attack = async {
        sender.send(&window(0).repeat(10_000)).await;
        for _ in 0..10_000 {
            assert_eq!(sender.next_ack().await, (b'2', 0));
        }
    };
    let ((), rise) = rise_during(attack).await;
    assert!(rise < 16 << 20, "{rise} bytes");
    bystander.was_served(&gateway).await;
    let held = || gateway.metric("millrace_gateway_reading_held_bytes");
    eventually("memory is given back", || held() == 0.0).await;
    gateway.stop().await;
}
