//! Memory that the machine has already when a measurement begins.
//!
//! A virtual machine gets a page from its host when it touches it first, and may give it back once it is free. That
//! costs more than what is measured of writing it, and is none of the gateway's.

use std::env;
use std::fs::File;
use std::io::Write;
use std::time::Duration;

/// What a gateway writes to its log in a second at most, about.
const BYTES_PER_SECOND: f64 = 1e9;
const BLOCK_BYTES: usize = 1 << 20;

/// Has as many pages of the kernel's cache touched as a log of such a time has, with a file that is gone then.
///
/// # Panics
/// There is no room on the disk of the system's folder for temporary files.
pub fn warm_memory(time: Duration) {
    let path = env::temp_dir().join(format!("millrace-bench-{}", std::process::id()));
    let mut file = File::create(&path).expect("a file");
    let block = vec![0; BLOCK_BYTES];
    let blocks = (time.as_secs_f64() * BYTES_PER_SECOND) as usize / BLOCK_BYTES;
    let written = (0..blocks).try_for_each(|_| file.write_all(&block));
    drop(file);
    std::fs::remove_file(&path).expect("the file is there");
    written.expect("room on the disk");
}
