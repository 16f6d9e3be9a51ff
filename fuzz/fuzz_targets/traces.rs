//! Any bytes as a serialized traces request, and edits of it.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::records::traces(input));
