#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| millrace_fuzz::bulk_action::hold(data));
