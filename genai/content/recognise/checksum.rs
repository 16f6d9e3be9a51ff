//! Check digits and checksums of numbers people carry, each by its published rule.

/// Luhn: payment cards, Canadian, Swedish and South African numbers.
pub(super) fn luhn(digits: &[u8]) -> bool {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(i, digit)| {
            let digit = u32::from(*digit);
            match (i % 2, digit * 2) {
                (0, _) => digit,
                (_, double) if double > 9 => double - 9,
                (_, double) => double,
            }
        })
        .sum();
    !digits.is_empty() && sum.is_multiple_of(10)
}

/// Weighted sum of the leading digits.
pub(super) fn weighted(digits: &[u8], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| u32::from(*digit) * weight).sum()
}

/// ISO 7064 mod 97-10 over letters and digits, as IBANs have it (the first four characters moved to the end).
pub(super) fn mod97(text: &[u8]) -> Option<u32> {
    let (head, tail) = (text.get(..4)?, text.get(4..)?);
    tail.iter().chain(head).try_fold(0u32, |rest, byte| match byte {
        b'0'..=b'9' => Some((rest * 10 + u32::from(byte - b'0')) % 97),
        b'A'..=b'Z' => Some((rest * 100 + u32::from(byte - b'A') + 10) % 97),
        b'a'..=b'z' => Some((rest * 100 + u32::from(byte - b'a') + 10) % 97),
        _ => None,
    })
}

/// ISO 7064 mod 11,10: the German tax number.
pub(super) fn mod11_10(digits: &[u8]) -> bool {
    let Some((last, front)) = digits.split_last() else { return false };
    let product = front.iter().fold(10u32, |product, digit| {
        let sum = match (u32::from(*digit) + product) % 10 {
            0 => 10,
            sum => sum,
        };
        sum * 2 % 11
    });
    (11 - product) % 10 == u32::from(*last)
}

const TIMES: [[u8; 10]; 10] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [1, 2, 3, 4, 0, 6, 7, 8, 9, 5],
    [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
    [3, 4, 0, 1, 2, 8, 9, 5, 6, 7],
    [4, 0, 1, 2, 3, 9, 5, 6, 7, 8],
    [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
    [6, 5, 9, 8, 7, 1, 0, 4, 3, 2],
    [7, 6, 5, 9, 8, 2, 1, 0, 4, 3],
    [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
    [9, 8, 7, 6, 5, 4, 3, 2, 1, 0],
];
const PERMUTED: [u8; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];

/// Verhoeff: the Indian Aadhaar number.
pub(super) fn verhoeff(digits: &[u8]) -> bool {
    let mut check = 0u8;
    for (i, digit) in digits.iter().rev().enumerate() {
        let permuted = (0..i % 8).fold(*digit, |digit, _| PERMUTED.get(usize::from(digit)).copied().unwrap_or(0));
        check = TIMES.get(usize::from(check)).and_then(|row| row.get(usize::from(permuted))).copied().unwrap_or(1);
    }
    check == 0 && !digits.is_empty()
}

/// CRC-32 (IEEE), bit by bit: it runs on a few tokens, never on a text.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

/// The last six characters of a GitHub or npm token: the CRC of what stands before, in base 62.
pub(super) fn ends_in_crc(body: &[u8]) -> bool {
    const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let Some((front, check)) = body.len().checked_sub(6).and_then(|at| body.split_at_checked(at)) else { return false };
    let mut crc = crc32(front);
    let mut expected = [b'0'; 6];
    for slot in expected.iter_mut().rev() {
        *slot = BASE62.get((crc % 62) as usize).copied().unwrap_or(b'0');
        crc /= 62;
    }
    expected == *check
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(text: &str) -> Vec<u8> {
        text.bytes().filter(u8::is_ascii_digit).map(|byte| byte - b'0').collect()
    }

    #[test]
    fn published_examples_have_right_checks_and_a_changed_digit_has_not() {
        assert!(luhn(&digits("4111 1111 1111 1111")) && !luhn(&digits("4111 1111 1111 1112")));
        assert_eq!(mod97(b"GB82WEST12345698765432"), Some(1));
        assert_ne!(mod97(b"GB82WEST12345698765431"), Some(1));
        assert!(mod11_10(&digits("86095742719")) && !mod11_10(&digits("86095742718")));
        assert!(verhoeff(&digits("2363")) && !verhoeff(&digits("2364")));
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
    }
}
