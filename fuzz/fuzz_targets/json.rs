//! Any text as OTLP/JSON of one of the signals.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| checks::json::check(input));
