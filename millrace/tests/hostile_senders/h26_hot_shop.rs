//! 26: one shop that sends nearly all of the load, from many connections.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::Attack;
use crate::senders::connect_all;
use crate::support::eventually;
use crate::target::Target;

pub(crate) const ATTACKS: &[Attack] = &[Attack {
    name: "a shop that pours",
    run: pour,
    counted_by: &[WAITS, "millrace_door_accepted_records_total{door=\"tcp\"}"],
}];

const WAITS: &str = "millrace_gateway_quota_wait_seconds_count{shop=\"hot\"}";
const CONNECTIONS: usize = 40;
/// What the shop may send, as the target is set, and what each connection may bring before that is known.
const EVENTS_PER_SECOND: f64 = 5_000.0;
const BLOCK_EVENTS: f64 = 256.0;

fn pour(target: &Target) {
    let token = target.give("hot");
    let (begun, before) = (Instant::now(), target.accepted("tcp"));
    let streams = connect_all(2, target.tcp(), CONNECTIONS);
    // A kilobyte each.
    let line = format!("{{\"pad\":\"{}\"}}\n", "x".repeat(1_013));
    let lines: Arc<str> = line.repeat(64).into();
    let pouring: Vec<JoinHandle<()>> =
        streams.iter().map(|stream| pour_into(stream, &token, &lines)).collect();
    eventually("its senders wait", || match target.metric(WAITS) {
        waits if waits > 20.0 => Ok(()),
        waits => Err(format!("{waits} have")),
    });
    let taken = target.accepted("tcp") - before;
    // Its rate, what may come at once after a silence, and what came before anybody knew how much that is.
    let most = EVENTS_PER_SECOND * (begun.elapsed().as_secs_f64() + 1.0);
    let most = most + CONNECTIONS as f64 * BLOCK_EVENTS;
    assert!(taken > 0.0 && taken <= most, "{taken} events, and at most {most} may be");
    for stream in &streams {
        drop(stream.shutdown(Shutdown::Both));
    }
    for one in pouring {
        one.join().expect("it ends with its connection");
    }
}

/// Sends the token and then lines until the connection ends.
fn pour_into(stream: &TcpStream, token: &str, lines: &Arc<str>) -> JoinHandle<()> {
    let mut stream = stream.try_clone().expect("a handle");
    let (token, lines) = (format!("{token}\n"), Arc::clone(lines));
    thread::spawn(move || {
        let mut written = stream.write_all(token.as_bytes());
        while written.is_ok() {
            written = stream.write_all(lines.as_bytes());
        }
    })
}
