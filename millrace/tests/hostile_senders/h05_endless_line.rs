//! 5: half a gigabyte without the end of a line.

use std::io::Write;
use std::net::Shutdown;

use crate::Attack;
use crate::senders::{connect, rest};
use crate::support::eventually;
use crate::target::Target;

pub(crate) const ATTACKS: &[Attack] = &[Attack {
    name: "a line without end",
    run: endless_line,
    counted_by: &["millrace_door_refused_records_total{door=\"tcp\",kind=\"too_large\"}"],
}];

/// More than memory may rise.
const MEGABYTES: usize = 512;

fn endless_line(target: &Target) {
    let mut stream = connect(target.tcp());
    let block = vec![b'x'; 1 << 20];
    for _ in 0..MEGABYTES {
        stream.write_all(&block).expect("the door reads on");
    }
    stream.write_all(b"\n{\"message\":\"afterwards\"}\n").expect("the door reads on");
    stream.shutdown(Shutdown::Write).expect("an end");
    assert_eq!(rest(&mut stream), "");
    eventually("the next line is whole", || match target.platform.count("message:afterwards") {
        1 => Ok(()),
        other => Err(format!("{other} found")),
    });
}
