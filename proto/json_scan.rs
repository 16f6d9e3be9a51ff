//! A pull scanner over JSON text: strings, numbers and structure, with line and column in every error.

use crate::DecodeError;
use std::borrow::Cow;

/// A place in a JSON text.
pub(crate) struct Scanner<'a> {
    text: &'a [u8],
    pub pos: usize,
    depth: usize,
    max_depth: usize,
    /// What a refusal names: levels of values, not of JSON.
    limit: usize,
    /// Strings in which half a surrogate pair was replaced by U+FFFD.
    pub repaired: usize,
}

impl<'a> Scanner<'a> {
    /// `limit`: levels of arrays and maps that one value may have.
    pub fn new(text: &'a [u8], limit: usize) -> Scanner<'a> {
        // Some writers put a byte order mark first.
        let pos = if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        // A level of a value takes up to three levels of JSON; ten stand above values.
        let max_depth = 16 + limit.saturating_mul(3);
        Scanner { text, pos, depth: 0, max_depth, limit, repaired: 0 }
    }

    #[cold]
    pub fn error(&self, at: usize, message: &str) -> DecodeError {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        let column = 1 + before.iter().rev().take_while(|byte| **byte != b'\n').count();
        DecodeError::Json { line, column, message: message.to_owned() }
    }

    /// The next byte that is not white space.
    pub fn peek(&mut self) -> Option<u8> {
        while let Some(byte) = self.text.get(self.pos) {
            if !matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
                return Some(*byte);
            }
            self.pos += 1;
        }
        None
    }

    pub fn expect(&mut self, byte: u8) -> Result<(), DecodeError> {
        if self.peek() == Some(byte) {
            self.pos += 1;
            return Ok(());
        }
        Err(self.error(self.pos, &format!("expected `{}`", char::from(byte))))
    }

    /// Nothing may follow the request.
    pub fn end(&mut self) -> Result<(), DecodeError> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.error(self.pos, "unexpected text after the request")),
        }
    }

    /// Enters an object or an array.
    pub fn open(&mut self, bracket: u8) -> Result<(), DecodeError> {
        self.expect(bracket)?;
        self.depth += 1;
        if self.depth > self.max_depth {
            return Err(DecodeError::TooDeep { limit: self.limit });
        }
        Ok(())
    }

    /// Whether another member follows; leaves the object or array when none does.
    pub fn more(&mut self, first: &mut bool, bracket: u8) -> Result<bool, DecodeError> {
        let next = self.peek();
        if next == Some(bracket) {
            self.pos += 1;
            self.depth -= 1;
            return Ok(false);
        }
        if !std::mem::take(first) {
            self.expect(b',')?;
            // A comma before the closing bracket is not JSON.
            if self.peek() == Some(bracket) {
                return Err(self.error(self.pos, "expected another member"));
            }
        }
        Ok(true)
    }

    /// Whether the value is `null`, which is then stepped over.
    pub fn null(&mut self) -> bool {
        self.peek() == Some(b'n') && self.word(b"null")
    }

    fn word(&mut self, word: &[u8]) -> bool {
        let found = self.text.get(self.pos..).is_some_and(|rest| rest.starts_with(word));
        if found {
            self.pos += word.len();
        }
        found
    }

    pub fn boolean(&mut self) -> Result<bool, DecodeError> {
        self.peek();
        if self.word(b"true") {
            return Ok(true);
        }
        if self.word(b"false") {
            return Ok(false);
        }
        Err(self.error(self.pos, "expected `true` or `false`"))
    }

    /// A string; bytes that are not UTF-8 are left to the index.
    pub fn text(&mut self) -> Result<Cow<'a, [u8]>, DecodeError> {
        let start = match self.peek() {
            Some(b'"') => self.pos + 1,
            _ => return Err(self.error(self.pos, "expected a string")),
        };
        let rest = self.text.get(start..).unwrap_or_default();
        let stop = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
        let plain = rest.get(..stop.unwrap_or(rest.len())).unwrap_or_default();
        self.pos = start + plain.len();
        if self.text.get(self.pos) == Some(&b'"') {
            self.pos += 1;
            return Ok(Cow::Borrowed(plain));
        }
        self.text_with_escapes(plain.to_vec()).map(Cow::Owned)
    }

    fn text_with_escapes(&mut self, mut out: Vec<u8>) -> Result<Vec<u8>, DecodeError> {
        let before = self.repaired;
        loop {
            let Some(&byte) = self.text.get(self.pos) else {
                return Err(self.error(self.pos, "unfinished string"));
            };
            self.pos += 1;
            match byte {
                b'"' => {
                    self.repaired = self.repaired.min(before + 1);
                    return Ok(out);
                }
                b'\\' => {
                    let letter = self.escape()?;
                    out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
                }
                0..0x20 => return Err(self.error(self.pos - 1, "control character in a string")),
                byte => out.push(byte),
            }
        }
    }

    fn escape(&mut self) -> Result<char, DecodeError> {
        let at = self.pos;
        self.pos += 1;
        Ok(match self.text.get(at) {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => self.unicode()?,
            _ => return Err(self.error(at, "unknown escape")),
        })
    }

    fn unicode(&mut self) -> Result<char, DecodeError> {
        let high = self.four_digits()?;
        if let Some(letter) = char::from_u32(high) {
            return Ok(letter);
        }
        let after = self.pos;
        if high < 0xdc00 && self.word(b"\\u") {
            let low = self.four_digits()?;
            if (0xdc00..0xe000).contains(&low)
                && let Some(letter) = char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))
            {
                return Ok(letter);
            }
            // The second escape is a letter of its own.
            self.pos = after;
        }
        self.repaired += 1;
        Ok(char::REPLACEMENT_CHARACTER)
    }

    fn four_digits(&mut self) -> Result<u32, DecodeError> {
        let digits = self.text.get(self.pos..self.pos + 4).unwrap_or_default();
        let mut value = 0;
        for digit in digits {
            match char::from(*digit).to_digit(16) {
                Some(digit) => value = value << 4 | digit,
                None => return Err(self.error(self.pos, "expected four hexadecimal digits")),
            }
        }
        if digits.len() < 4 {
            return Err(self.error(self.pos, "expected four hexadecimal digits"));
        }
        self.pos += 4;
        Ok(value)
    }

    /// The letters of a number, bare or in quotes.
    fn number(&mut self) -> Result<Cow<'a, [u8]>, DecodeError> {
        if self.peek() == Some(b'"') {
            return self.text();
        }
        let rest = self.text.get(self.pos..).unwrap_or_default();
        let len = rest.iter().take_while(|byte| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E')).count();
        let number = rest.get(..len).unwrap_or_default();
        if !well_formed(number) {
            return Err(self.error(self.pos, "expected a number"));
        }
        self.pos += len;
        Ok(Cow::Borrowed(number))
    }

    /// An integer as number or string of digits: no fraction, no exponent.
    pub fn integer<T: TryFrom<i128>>(&mut self) -> Result<T, DecodeError> {
        self.peek();
        let at = self.pos;
        let digits = self.number()?;
        let signed = T::try_from(-1).is_ok();
        let bare = if signed { digits.strip_prefix(b"-").or(digits.strip_prefix(b"+")) } else { None };
        let plain = bare.unwrap_or(&digits);
        let whole = !plain.is_empty() && plain.iter().all(u8::is_ascii_digit);
        let number = std::str::from_utf8(&digits).ok().filter(|_| whole).and_then(|text| text.parse::<i128>().ok());
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(|| self.error(at, "not an integer of this field's range"))
    }

    /// A double as number or string; as a string also `NaN`, `Infinity`, `-Infinity` and the like.
    pub fn double(&mut self) -> Result<f64, DecodeError> {
        self.peek();
        let at = self.pos;
        let digits = self.number()?;
        let text = std::str::from_utf8(&digits).unwrap_or_default();
        let named = text.bytes().any(|byte| matches!(byte, b'n' | b'N'));
        // A number too large for a double is not infinite.
        let number = text.parse::<f64>().ok().filter(|number| named || number.is_finite());
        number.ok_or_else(|| self.error(at, "not a number"))
    }

    /// Steps over a value that nobody here reads.
    pub fn skip_value(&mut self) -> Result<(), DecodeError> {
        match self.peek() {
            Some(b'{') => {
                self.open(b'{')?;
                let mut first = true;
                while self.more(&mut first, b'}')? {
                    self.text()?;
                    self.expect(b':')?;
                    self.skip_value()?;
                }
            }
            Some(b'[') => {
                self.open(b'[')?;
                let mut first = true;
                while self.more(&mut first, b']')? {
                    self.skip_value()?;
                }
            }
            Some(b'"') => drop(self.text()?),
            Some(b't' | b'f') => drop(self.boolean()?),
            Some(b'n') if self.null() => {}
            _ => drop(self.number()?),
        }
        Ok(())
    }
}

/// Whether the letters are a number of JSON: no leading zeros, digits on both sides of the point.
fn well_formed(number: &[u8]) -> bool {
    let digits = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut rest = number.strip_prefix(b"-").unwrap_or(number);
    let whole = digits(rest);
    if whole == 0 || (whole > 1 && rest.starts_with(b"0")) {
        return false;
    }
    rest = rest.get(whole..).unwrap_or_default();
    if let Some(fraction) = rest.strip_prefix(b".") {
        let len = digits(fraction);
        if len == 0 {
            return false;
        }
        rest = fraction.get(len..).unwrap_or_default();
    }
    if let Some(exponent) = rest.strip_prefix(b"e").or_else(|| rest.strip_prefix(b"E")) {
        let exponent = exponent.strip_prefix(b"+").or_else(|| exponent.strip_prefix(b"-")).unwrap_or(exponent);
        return !exponent.is_empty() && digits(exponent) == exponent.len();
    }
    rest.is_empty()
}
