//! Hostile senders against the doors, over real sockets: each is refused and counted, memory stays
//! within the budget, and others are served meanwhile.
//!
//! One file for each input of the project's list that reaches a door, by its number; two where it comes over very
//! different doors.

#![expect(clippy::unwrap_used, reason = "a test that panics has failed, which is what it is for")]

mod h01_decompression_bomb;
mod h02_nested_compression;
mod h03_lumberjack_lengths;
mod h04_lumberjack_windows;
mod h05_endless_line;
mod h06_false_length;
mod h07_deep_nesting;
mod h08_many_keys;
mod h09_strange_bytes;
mod h12_names_of_things;
mod h13_forged_lines;
mod h20_tokens;
mod h21_revoked_tokens;
mod h22_floods;
mod h22_smuggling;
mod h23_slow_and_many;
mod h23_unfinished;
mod h24_spoofed_datagrams;
mod h25_times;
mod h26_hot_tenant;

mod bystander;
mod http2;
mod memory;
#[path = "../support/mod.rs"]
mod support;
mod syslog;
