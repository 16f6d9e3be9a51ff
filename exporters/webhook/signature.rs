//! The signature of a post: HMAC-SHA256 over the time of sending and the body, so that an old post cannot be replayed.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// Value of the signature header for `<timestamp>.<body>`.
pub(super) fn sign(secret: &[u8], timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).expect("invariant: HMAC takes keys of any length");
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    let mut text = String::from("sha256=");
    for byte in mac.finalize().into_bytes() {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::sign;

    #[test]
    fn the_signature_is_that_of_other_programs() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac 'it is a secret'
        let signed = sign(b"it is a secret", "1700000000", br#"{"a":1}"#);
        assert_eq!(signed, "sha256=e13ca661150ed628f4ae657a91356a99ce1d89519ed99c20a90f567c6f061275");
    }
}
