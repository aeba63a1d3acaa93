//! 4: sequence numbers that roll over, windows within windows, empty ones without end, and events that no window
//! announced.

use std::io::Write;

use crate::Attack;
use crate::senders::{ack, connect, rest};
use crate::target::Target;

pub(crate) const ATTACKS: &[Attack] = &[Attack {
    name: "windows and numbers that do not fit",
    run: windows,
    counted_by: &[
        "millrace_gateway_limit_hits_total{door=\"beats\",limit=\"protocol\"}",
        "millrace_door_accepted_records_total{door=\"beats\"}",
    ],
}];

/// Windows without events, which are answered one by one.
const EMPTY_WINDOWS: usize = 10_000;

fn window(events: u32) -> Vec<u8> {
    [&b"2W"[..], &events.to_be_bytes()].concat()
}

fn event(number: u32) -> Vec<u8> {
    [&b"2J"[..], &number.to_be_bytes(), b"\0\0\0\x02{}"].concat()
}

fn windows(target: &Target) {
    let before = target.accepted("beats");
    let mut stream = connect(target.beats());
    for numbers in [[u32::MAX - 1, u32::MAX], [0, 1]] {
        let events = numbers.map(event).concat();
        stream.write_all(&[window(2), events].concat()).expect("the door reads");
        assert_eq!(next(&mut stream), numbers[1], "the sender's own number");
    }
    let within = [window(9), event(5), window(1), event(1)].concat();
    stream.write_all(&within).expect("the door reads");
    assert_eq!((next(&mut stream), next(&mut stream)), (5, 1));
    stream.write_all(&window(0).repeat(EMPTY_WINDOWS)).expect("the door reads");
    for _ in 0..EMPTY_WINDOWS {
        assert_eq!(ack(&mut stream), 0);
    }
    stream.write_all(&event(2)).expect("the door reads");
    assert_eq!(rest(&mut stream), "", "what no window announced ends the connection");
    assert!(target.accepted("beats") >= before + 6.0, "none of the others is lost");
}

/// The next acknowledgement that is no keep-alive.
fn next(stream: &mut std::net::TcpStream) -> u32 {
    loop {
        if let number @ 1.. = ack(stream) {
            return number;
        }
    }
}
