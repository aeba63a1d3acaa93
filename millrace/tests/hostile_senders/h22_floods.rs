//! 22: floods of HTTP/2.

use std::io::Write;

use crate::Attack;
use crate::senders::connect;
use crate::target::Target;

pub(crate) const ATTACKS: &[Attack] = &[
    Attack { name: "resets without end", run: rapid_reset, counted_by: ENDED },
    Attack { name: "headers without end", run: continuations, counted_by: ENDED },
];

const ENDED: &[&str] = &["millrace_gateway_limit_hits_total{door=\"http\",limit=\"protocol\"}"];

/// Pieces that no door takes.
const PIECES_MAX: u32 = 200_000;

const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// POST / from the static table of HPACK, and an authority.
const POST: &[u8] = b"\x83\x86\x84\x41\x01a";

fn frame(kind: u8, flags: u8, id: u32, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u32).to_be_bytes();
    let head = [length[1], length[2], length[3], kind, flags];
    [&head[..], &id.to_be_bytes(), payload].concat()
}

/// Sends an opening, and then one piece after the other until the door closes the connection.
fn flood(target: &Target, piece: impl Fn(u32) -> Vec<u8>) {
    let mut stream = connect(target.http());
    let opening = [&b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..], &frame(SETTINGS, 0, 0, b"")].concat();
    stream.write_all(&opening).expect("the door reads");
    let taken = (0..PIECES_MAX).take_while(|number| stream.write_all(&piece(*number)).is_ok());
    assert!(taken.count() < PIECES_MAX as usize, "the door takes it without end");
}

fn rapid_reset(target: &Target) {
    flood(target, |number| {
        let id = 2 * number + 1;
        // The reset stands right behind the request.
        [frame(HEADERS, END_HEADERS, id, POST), frame(RST_STREAM, 0, id, &[0, 0, 0, 8])].concat()
    });
}

fn continuations(target: &Target) {
    // A header of a hundred bytes that nobody remembers, a hundred times.
    let field = [&b"\0\x01x\x64"[..], &[b'y'; 100]].concat();
    let fields = field.repeat(100);
    flood(target, |number| match number {
        0 => frame(HEADERS, 0, 1, POST),
        _ => frame(CONTINUATION, 0, 1, &fields),
    });
}
