//! Windows of Lumberjack.

use bus::Codec;
use service::{ByteSize, Span};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::lumberjack::{Sender, batch, compressed, event, frame, window};
use crate::support::{Gateway, Mode, SOON, eventually};

fn events(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{{\"n\":{n},\"message\":\"{}\"}}", "x".repeat(n % 700))).collect()
}

#[tokio::test]
async fn a_window_is_acknowledged_with_its_last_number_when_it_is_durable() {
    let gateway = Gateway::start(|_| {}).await;
    let mut sender = Sender::connect(gateway.beats).await;
    sender.send(&[window(2), event(41, "{\"a\":1}"), event(42, "{\"b\":2}")].concat()).await;
    assert_eq!(sender.next_ack().await, (b'2', 42));
    assert_eq!(gateway.bus.texts(), ["{\"a\":1}", "{\"b\":2}"]);
    let records = gateway.bus.records();
    assert_eq!((&*records[0].listener, records[0].codec), ("beats", Codec::Json));
    assert_eq!((&*records[0].shop, &*records[0].source), ("default", "127.0.0.1"));
    assert_eq!(records[0].routing_key, records[1].routing_key);
    assert_ne!(records[0].id, records[1].id);

    sender.send(&batch(&events(3_000))).await;
    assert_eq!(sender.ack().await, 3_000);
    assert_eq!(gateway.bus.texts()[2..], events(3_000), "all of them, once, in order");
    sender.send(&window(0)).await;
    assert_eq!(sender.next_ack().await, (b'2', 0));
    assert_eq!(gateway.door("beats").accepted, 3_002);
    drop(sender);
    let held = || gateway.metric("millrace_gateway_reading_held_bytes");
    let open = || gateway.metric("millrace_gateway_connections{door=\"beats\"}");
    eventually("memory and places are given back", || held() == 0.0 && open() == 0.0).await;
    gateway.stop().await;
}

#[tokio::test]
async fn windows_in_flight_are_acknowledged_in_order() {
    let gateway = Gateway::start(|_| {}).await;
    let mut sender = Sender::connect(gateway.beats).await;
    let windows: Vec<Vec<u8>> = (1..=50).map(|size| batch(&events(size))).collect();
    sender.send(&windows.concat()).await;
    for size in 1..=50 {
        assert_eq!(sender.ack().await, size);
    }
    assert_eq!(gateway.bus.records().len(), 50 * 51 / 2);
    gateway.stop().await;
}

#[tokio::test]
async fn version_1_is_spoken_to_those_who_speak_it() {
    let gateway = Gateway::start(|_| {}).await;
    let mut sender = Sender::connect(gateway.beats).await;
    let mut line = frame(b"1D", &[7, 2], b"");
    for text in ["file", "/var/log/shop.log", "line", "GET \"/\""] {
        line.extend_from_slice(&(text.len() as u32).to_be_bytes());
        line.extend_from_slice(text.as_bytes());
    }
    sender.send(&[frame(b"1W", &[1], b""), compressed(&line)].concat()).await;
    assert_eq!(sender.next_ack().await, (b'1', 7));
    let object = "{\"file\":\"/var/log/shop.log\",\"line\":\"GET \\\"/\\\"\"}";
    assert_eq!(gateway.bus.texts(), [object]);
    gateway.stop().await;
}

#[tokio::test]
async fn while_the_log_hangs_the_sender_hears_of_it_and_is_not_read() {
    let gateway = Gateway::start(|config| {
        config.beats.keep_alive_interval = Span::from_millis(20);
        config.beats.idle_timeout = Span::from_millis(60);
    })
    .await;
    gateway.bus.set_mode(Mode::Hangs);
    let mut sender = Sender::connect(gateway.beats).await;
    sender.send(&batch(&events(10))).await;
    for _ in 0..10 {
        assert_eq!(sender.next_ack().await, (b'2', 0), "longer than a silence may be");
    }
    let (mut answers, mut requests) = sender.0.into_split();
    // 25 MB, not compressed.
    let pouring = tokio::spawn(async move {
        let mut bytes = window(500);
        for (index, payload) in events(500).iter().enumerate() {
            bytes.extend(event(index as u32 + 1, payload));
        }
        for _ in 0..200 {
            requests.write_all(&bytes).await.unwrap();
        }
        requests
    });
    let received = || gateway.metric("millrace_gateway_received_bytes_total{door=\"beats\"}");
    let mut before = -1.0;
    // Keep-alives go on; between two of them nothing more is read at last.
    let mut answer = [0; 6];
    while received() != before {
        before = received();
        for _ in 0..10 {
            answers.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, *b"2A\0\0\0\0");
        }
    }
    assert!(received() < 4_000_000.0, "the door has read {} bytes that it cannot keep", received());
    assert!(gateway.metric("millrace_gateway_reading_held_bytes") < 8_000_000.0);
    assert_eq!(gateway.door("beats").accepted, 0);
    assert!(!pouring.is_finished());

    gateway.bus.set_mode(Mode::Works);
    let mut acks = Vec::new();
    while acks.len() < 201 {
        answers.read_exact(&mut answer).await.unwrap();
        acks.extend(Some(u32::from_be_bytes(answer[2..].try_into().unwrap())).filter(|n| *n > 0));
    }
    assert_eq!((acks[0], acks[200]), (10, 500));
    assert_eq!(gateway.door("beats").accepted, 10 + 500 * 200);
    drop(pouring.await.unwrap());
    gateway.stop().await;
}

#[tokio::test]
async fn without_room_a_window_waits_and_nothing_is_acknowledged() {
    let gateway = Gateway::start(|config| {
        config.beats.keep_alive_interval = Span::from_millis(20);
    })
    .await;
    gateway.bus.set_mode(Mode::Full);
    let mut sender = Sender::connect(gateway.beats).await;
    sender.send(&batch(&events(3))).await;
    assert_eq!(sender.next_ack().await, (b'2', 0));
    assert_eq!(gateway.door("beats").accepted, 0);
    eventually("it is counted as busy", || gateway.busy("beats") == 1).await;
    gateway.bus.set_mode(Mode::Works);
    assert_eq!(sender.ack().await, 3);
    assert_eq!(gateway.bus.texts(), events(3));
    gateway.stop().await;
}

#[tokio::test]
async fn an_event_that_is_too_long_is_a_dead_letter_and_does_not_hold_up_the_others() {
    let gateway = Gateway::start(|config| config.line_bytes_max = ByteSize(1 << 10)).await;
    let mut sender = Sender::connect(gateway.beats).await;
    let long = format!("{{\"a\":\"{}\"}}", "x".repeat(5_000));
    sender.send(&batch(&["{}".to_owned(), long.clone(), "{\"b\":1}".to_owned()])).await;
    assert_eq!(sender.ack().await, 3, "it would come again for ever otherwise");
    assert_eq!(gateway.bus.texts(), ["{}", "{\"b\":1}"]);
    let letters = gateway.bus.letters();
    assert_eq!((letters[0].kind.as_str(), letters[0].payload_bytes), ("too_large", 5_008));
    assert_eq!(gateway.door("beats").refused["too_large"], 1);
    gateway.stop().await;
}

#[tokio::test]
async fn what_is_read_and_no_event_comes_of_is_held_no_more() {
    let gateway = Gateway::start(|_| {}).await;
    let mut sender = Sender::connect(gateway.beats).await;
    let windows = window(5).repeat(100_000);
    sender.send(&windows).await;
    let received = || gateway.metric("millrace_gateway_received_bytes_total{door=\"beats\"}");
    let held = || gateway.metric("millrace_gateway_reading_held_bytes");
    let all = windows.len() as f64;
    eventually("it is read and let go", || received() == all && held() == 0.0).await;
    sender.send(&[window(1), event(1, "{}")].concat()).await;
    assert_eq!(sender.ack().await, 1);
    eventually("the event is let go", || held() == 0.0).await;
    gateway.stop().await;
}

#[tokio::test]
async fn an_event_larger_than_the_memory_of_its_address_is_a_dead_letter() {
    let gateway = Gateway::start(|_| {}).await;
    let mut sender = Sender::connect(gateway.beats).await;
    let length_bytes = 30 << 20;
    // One before it, which is not acknowledged until it has come.
    let head = frame(b"2J", &[2, length_bytes], b"");
    sender.send(&[window(2), event(1, "{\"a\":1}"), head].concat()).await;
    let blanks = vec![b' '; 1 << 20];
    for _ in 0..30 {
        sender.send(&blanks).await;
    }
    assert_eq!(sender.ack().await, 2);
    assert_eq!(gateway.bus.texts(), ["{\"a\":1}"]);
    let letters = gateway.bus.letters();
    assert_eq!(letters[0].kind, "too_large");
    assert_eq!(letters[0].payload_bytes, u64::from(length_bytes));
    let held = || gateway.metric("millrace_gateway_reading_held_bytes");
    eventually("all of it is let go", || held() == 0.0).await;
    gateway.stop().await;
}

#[tokio::test]
async fn a_part_of_a_window_is_not_acknowledged_when_the_sender_goes_away() {
    let gateway = Gateway::start(|_| {}).await;
    let mut sender = Sender::connect(gateway.beats).await;
    sender.send(&batch(&events(2))).await;
    assert_eq!(sender.ack().await, 2);
    sender.send(&[window(3), event(1, "{}"), event(2, "{}")].concat()).await;
    sender.0.shutdown().await.unwrap();
    assert_eq!(sender.rest().await, b"");
    assert_eq!(gateway.bus.texts(), events(2), "the sender has the rest, and sends it again");
    gateway.stop().await;
}

#[tokio::test]
async fn windows_that_came_whole_before_a_broken_frame_are_finished() {
    let gateway = Gateway::start(|_| {}).await;
    let mut sender = Sender::connect(gateway.beats).await;
    sender.send(&[batch(&events(2)), frame(b"2W", &[u32::MAX], b"")].concat()).await;
    assert_eq!(sender.ack().await, 2);
    assert_eq!(sender.rest().await, b"", "then the sender is refused");
    assert_eq!(gateway.limit_hits("beats", "window_events"), 1.0);
    assert_eq!(gateway.bus.texts(), events(2));
    gateway.stop().await;
}

#[tokio::test]
async fn a_stop_finishes_whole_windows_and_leaves_the_others_to_their_senders() {
    let gateway = Gateway::start(|config| {
        config.beats.keep_alive_interval = Span::from_millis(20);
    })
    .await;
    let mut idle = Sender::connect(gateway.beats).await;
    idle.send(&[window(2), event(1, "{\"half\":1}")].concat()).await;
    gateway.bus.set_mode(Mode::Hangs);
    let mut busy = Sender::connect(gateway.beats).await;
    busy.send(&batch(&events(5))).await;
    assert_eq!(busy.next_ack().await, (b'2', 0), "its window is in hand");
    let bus = gateway.bus.clone();
    let stopping = tokio::spawn(gateway.stop());
    let rest = idle.rest().await;
    assert!(rest.chunks(6).all(|ack| ack == b"2A\0\0\0\0"), "{rest:?}");
    bus.set_mode(Mode::Works);
    assert_eq!(busy.ack().await, 5);
    assert_eq!(busy.rest().await, b"");
    stopping.await.unwrap();
    assert_eq!(bus.texts(), events(5));
}

#[tokio::test]
async fn what_the_log_does_not_take_before_a_stop_is_not_acknowledged_and_not_lost() {
    let gateway = Gateway::start(|config| config.drain_timeout = Span::from_millis(50)).await;
    gateway.bus.set_mode(Mode::Full);
    let mut sender = Sender::connect(gateway.beats).await;
    sender.send(&batch(&events(5))).await;
    eventually("it is in hand", || gateway.busy("beats") == 1).await;
    let lost = gateway.metric("millrace_gateway_lost_records_total{door=\"beats\"}");
    let bus = tokio::time::timeout(SOON, gateway.stop()).await.unwrap();
    assert_eq!((lost, sender.rest().await), (0.0, Vec::new()));
    assert_eq!(bus.records().len(), 0);
}

#[tokio::test]
async fn a_silent_sender_is_sent_away() {
    let gateway = Gateway::start(|config| {
        config.beats.idle_timeout = Span::from_millis(100);
    })
    .await;
    assert_eq!(Sender::connect(gateway.beats).await.rest().await, b"");
    assert_eq!(gateway.limit_hits("beats", "idle_timeout"), 1.0);
    gateway.stop().await;
}
