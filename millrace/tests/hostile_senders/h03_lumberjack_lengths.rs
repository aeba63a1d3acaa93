//! 3: a Lumberjack frame that declares 4 GiB, or a window of 2³²-1 events.

use crate::Attack;
use crate::senders::talk;
use crate::target::Target;

pub(crate) const ATTACKS: &[Attack] = &[Attack {
    name: "lengths of four gigabytes",
    run: false_lengths,
    counted_by: &[
        "millrace_gateway_limit_hits_total{door=\"beats\",limit=\"frame_length\"}",
        "millrace_gateway_limit_hits_total{door=\"beats\",limit=\"window_events\"}",
    ],
}];

fn false_lengths(target: &Target) {
    for frame in [
        &b"2W\0\0\0\x012J\0\0\0\x01\xff\xff\xff\xff{"[..],
        b"2W\0\0\0\x012C\xff\xff\xff\xff",
        b"2W\xff\xff\xff\xff2J\0\0\0\x01\0\0\0\x02{}",
    ] {
        assert_eq!(talk(target.beats(), frame), "", "it is closed without an acknowledgement");
    }
}
