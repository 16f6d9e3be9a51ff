//! Any bytes as a serialized logs request, and edits of it.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::records::logs(input));
