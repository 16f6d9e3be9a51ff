//! Any bytes as a compressed body.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::compressed::check(input));
