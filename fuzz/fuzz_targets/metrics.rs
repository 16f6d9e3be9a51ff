//! Any bytes as a serialized metrics request.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::metrics::check(input));
