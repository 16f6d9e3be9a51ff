//! OTLP/JSON: any text is refused with a place or becomes a request that goes out as JSON and comes back.

use crate::ops::KEYS;
use crate::records::{LIMITS, json_and_back};
use chaperone_proto::{Data, DecodeError, Limits, Signal, keys};

/// The first byte chooses the signal.
pub fn check(input: &[u8]) {
    keys::install(&KEYS);
    let Some((first, text)) = input.split_first() else { return };
    let signal = Signal::ALL[usize::from(*first) % Signal::ALL.len()];
    match Data::decode_json(signal, text, &LIMITS) {
        Ok(data) => {
            let body = data.encode().concat();
            let again = Data::decode(signal, body.into(), &Limits::NONE).expect("we read what we encode");
            assert_eq!(again.items(), data.items());
            json_and_back(&data);
        }
        Err(DecodeError::Json { line, column, message }) => {
            assert!(line > 0 && column > 0 && !message.is_empty());
            assert!(line <= 1 + text.iter().filter(|byte| **byte == b'\n').count());
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}
