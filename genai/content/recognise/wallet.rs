//! Addresses of crypto currencies: base58 with its SHA-256 checksum, bech32 with its own, and Ethereum's 40 hexadecimal digits.

use sha2::{Digest, Sha256};

/// Which currency's address a word is.
pub(super) fn currency(word: &[u8]) -> Option<&'static str> {
    match word {
        [b'0', b'x', rest @ ..] if rest.len() == 40 && rest.iter().all(u8::is_ascii_hexdigit) => {
            // A digest of 40 digits in one letter case is as likely; an address is mixed, or says what it is elsewhere.
            Some("ethereum")
        }
        [b'b' | b'B', b'c' | b'C', b'1', ..] | [b'l' | b'L', b't' | b'T', b'c' | b'C', b'1', ..] if bech32(word) => {
            Some("bitcoin")
        }
        [b'1' | b'3' | b'L' | b'M' | b'D' | b'T', ..] if (26..=35).contains(&word.len()) && base58check(word, BITCOIN) => {
            Some("base58")
        }
        [b'r', ..] if (25..=35).contains(&word.len()) && base58check(word, RIPPLE) => Some("ripple"),
        _ => None,
    }
}

const BITCOIN: &[u8; 58] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
const RIPPLE: &[u8; 58] = b"rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";

/// 25 bytes of which the last four are the head of a double SHA-256 over the others.
fn base58check(word: &[u8], alphabet: &[u8; 58]) -> bool {
    let mut number = [0u8; 25];
    for byte in word {
        let Some(digit) = alphabet.iter().position(|letter| letter == byte) else { return false };
        let mut carry = digit;
        for slot in number.iter_mut().rev() {
            carry += usize::from(*slot) * 58;
            *slot = (carry & 0xff) as u8;
            carry >>= 8;
        }
        if carry != 0 {
            return false;
        }
    }
    let (body, check) = number.split_at(21);
    let twice = Sha256::digest(Sha256::digest(body));
    twice.get(..4) == Some(check)
}

fn bech32(word: &[u8]) -> bool {
    const LETTERS: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let lower = word.to_ascii_lowercase();
    let Some(separator) = lower.iter().rposition(|byte| *byte == b'1') else { return false };
    let (Some(prefix), Some(data)) = (lower.get(..separator), lower.get(separator + 1..)) else { return false };
    if !(14..=90).contains(&lower.len()) {
        return false;
    }
    let mut check = 1u32;
    let mut feed = |value: u8| {
        const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
        let top = check >> 25;
        check = ((check & 0x01ff_ffff) << 5) ^ u32::from(value);
        for (bit, constant) in GENERATOR.iter().enumerate() {
            if (top >> bit) & 1 == 1 {
                check ^= constant;
            }
        }
    };
    prefix.iter().for_each(|byte| feed(byte >> 5));
    feed(0);
    prefix.iter().for_each(|byte| feed(byte & 31));
    for byte in data {
        let Some(value) = LETTERS.iter().position(|letter| letter == byte) else { return false };
        feed(value as u8);
    }
    // The constants of the first form and of the one for later witness versions.
    check == 1 || check == 0x2bc8_30a3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_with_right_checksums_are_told_from_others() {
        assert_eq!(currency(b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa"), Some("base58"));
        assert_eq!(currency(b"1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb"), None);
        assert_eq!(currency(b"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"), Some("bitcoin"));
        assert_eq!(currency(b"bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdp"), None);
        assert_eq!(currency(b"0x52908400098527886E0F7030069857D2E4169EE7"), Some("ethereum"));
        assert_eq!(currency(b"rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh"), Some("ripple"));
    }
}
