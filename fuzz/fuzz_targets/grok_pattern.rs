#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| millrace_fuzz::grok_pattern::hold(data));
