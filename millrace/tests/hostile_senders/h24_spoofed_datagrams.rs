//! 24: floods of datagrams, and the hope that they are answered.

use std::io::ErrorKind;
use std::net::UdpSocket;

use rustix::process::{Pid, Signal, kill_process};

use crate::Attack;
use crate::support::eventually;
use crate::target::Target;

pub(crate) const ATTACKS: &[Attack] = &[Attack {
    name: "datagrams without end",
    run: datagrams,
    counted_by: &[
        "millrace_gateway_received_bytes_total{door=\"udp\"}",
        "millrace_door_accepted_records_total{door=\"udp\"}",
        DROPPED,
    ],
}];

const DROPPED: &str = "millrace_gateway_udp_dropped_datagrams_total{door=\"udp\"}";

fn datagrams(target: &Target) {
    let sockets: Vec<UdpSocket> =
        (0..50).map(|_| UdpSocket::bind("127.0.0.1:0").expect("a socket")).collect();
    let send = |number: usize, datagram: &[u8]| {
        let socket = &sockets[number % sockets.len()];
        socket.send_to(datagram, target.udp()).expect("it is sent");
    };
    for number in 0..100_000 {
        send(number, b"\n\n\n");
    }
    // What comes faster than the door reads is the kernel's to drop, and the door's to count. So that it is faster on
    // every machine the process stands still for a moment.
    let process = i32::try_from(target.platform.process_id()).ok().and_then(Pid::from_raw);
    let process = process.expect("a process");
    kill_process(process, Signal::STOP).expect("it is ours");
    for number in 0..5_000 {
        send(number, &[b'\n'; 1_000]);
    }
    kill_process(process, Signal::CONT).expect("it is ours");
    assert!(target.metric(DROPPED) > 0.0, "what was dropped is counted at once");
    let before = target.accepted("udp");
    eventually("it reads on", || {
        // The first ones may find the buffer full still.
        send(0, b"{\"n\":1}");
        if target.accepted("udp") > before { Ok(()) } else { Err("nothing came".to_owned()) }
    });
    for socket in &sockets {
        socket.set_nonblocking(true).expect("a setting of every socket");
        let answer = socket.recv(&mut [0; 16]).expect_err("datagrams are never answered");
        assert_eq!(answer.kind(), ErrorKind::WouldBlock);
    }
}
