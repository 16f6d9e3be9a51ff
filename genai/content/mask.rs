//! Masks what recognisers find in texts and values, and leaves the rest: also in JSON inside text, and in JSON inside that.
//!
//! A masked place becomes its kind and a keyed pseudonym, `<EMAIL_3f2a1c>`: equal within a conversation, so that it still reads.
//! What cannot be read goes.

use super::digest::pseudonym;
use super::json::{self, Token};
use super::recognise::{Hit, Kind, Recognizers, SHAPE};
use super::report::{Removed, Report};
use super::text::removed;
use chaperone_proto::{Value, ValueRef};

/// JSON inside JSON that is opened, and values inside values.
const DEEPEST: usize = 8;
const DEEPEST_VALUE: usize = 32;

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Looks {
    /// Everything.
    All,
    /// In names and other metadata: only what has an unmistakable shape, and no addresses of machines.
    Shapes,
    /// In ids: the same without numbers, which ids may be.
    Ids,
}

/// Masks by one set of recognisers, with one key of pseudonyms.
pub(super) struct Masker<'p> {
    pub(super) recognizers: &'p Recognizers,
    /// Pseudonyms are equal under equal keys.
    pub(super) key: [u8; 32],
    pub(super) looks: Looks,
}

impl Masker<'_> {
    /// The text with what was found masked; `None` where nothing was.
    pub(super) fn text(&self, name: &str, text: &str, report: &mut Report) -> Option<String> {
        if self.looks != Looks::All && !is_suspect(text.as_bytes()) && !self.recognizers.has_own() {
            return None;
        }
        self.text_at(name, text, 0, report)
    }

    /// Whether anything would be masked.
    pub(super) fn fires(&self, text: &str) -> bool {
        self.text("", text, &mut Report::default()).is_some()
    }

    fn text_at(&self, name: &str, text: &str, depth: usize, report: &mut Report) -> Option<String> {
        let hits = self.hits(name, text);
        let is_json = json::looks_like_json(text);
        if !is_json || (hits.is_empty() && !text.contains('\\')) {
            return (!hits.is_empty()).then(|| self.replace(text, &hits, report));
        }
        if depth >= DEEPEST {
            report.remove(Removed::Unreadable);
            return Some(removed(text.len()));
        }
        let walked = json::rewrite(text, |token| match token {
            // Names of members are names, but for a few.
            Token::Name(name) if !is_suspect(name.as_bytes()) && !self.recognizers.has_own() => None,
            Token::Name(name) => self.text_at("", &name, depth + 1, report),
            Token::Text { name, text } => self.text_at(name, &text, depth + 1, report),
            Token::Number { name, text } => {
                let hits = self.hits(name, text);
                (!hits.is_empty()).then(|| self.replace(text, &hits, report))
            }
        });
        if hits.is_empty() {
            return walked;
        }
        // What only shows across tokens, and text between them that is no JSON.
        let rest = self.hits(name, walked.as_deref().unwrap_or(text));
        if rest.is_empty() { walked } else { Some(self.replace(walked.as_deref().unwrap_or(text), &rest, report)) }
    }

    fn hits(&self, name: &str, text: &str) -> Vec<Hit<'_>> {
        let mut hits = Vec::new();
        self.recognizers.find_named(if self.looks == Looks::All { name } else { "" }, text, &mut hits);
        // An id may be nothing but digits; what has a blank in it is no id.
        let may_be_id = self.looks == Looks::Ids && !text.contains(' ');
        let is_number = |kind: Kind| may_be_id && matches!(kind, Kind::Phone | Kind::Card | Kind::NationalId);
        hits.retain(|hit| match self.looks {
            Looks::All => true,
            Looks::Shapes | Looks::Ids => {
                hit.kind != Kind::Ip && (hit.score >= SHAPE || hit.kind == Kind::Secret) && !is_number(hit.kind)
            }
        });
        hits
    }

    fn replace(&self, text: &str, hits: &[Hit<'_>], report: &mut Report) -> String {
        let mut out = String::with_capacity(text.len());
        let mut copied = 0;
        for hit in hits {
            report.recognise(hit.kind);
            out.push_str(text.get(copied..hit.start).unwrap_or_default());
            let found = text.get(hit.start..hit.end).unwrap_or_default();
            self.stand_in(&mut out, hit, found);
            copied = hit.end;
        }
        out.push_str(text.get(copied..).unwrap_or_default());
        out
    }

    /// `<EMAIL_3f2a1c>`: written the same however the found text was spelled.
    fn stand_in(&self, out: &mut String, hit: &Hit<'_>, found: &str) {
        let spelled = match hit.kind {
            Kind::Email => found.replace("%40", "@").to_lowercase(),
            Kind::Phone | Kind::Card | Kind::Iban | Kind::NationalId => {
                found.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect()
            }
            _ => found.to_owned(),
        };
        let digest = pseudonym(&self.key, &spelled);
        out.push('<');
        let label = if hit.kind == Kind::Custom { hit.rule } else { hit.kind.name() };
        out.extend(label.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }));
        out.push('_');
        out.push_str(digest.get(..6).unwrap_or_default());
        out.push('>');
    }

    /// A value with what was found masked; `None` where nothing was.
    pub(super) fn value(&self, name: &str, value: ValueRef<'_>, report: &mut Report) -> Option<Value> {
        self.value_at(name, value, 0, report)
    }

    fn value_at(&self, name: &str, value: ValueRef<'_>, depth: usize, report: &mut Report) -> Option<Value> {
        match value {
            ValueRef::Empty | ValueRef::Double(_) | ValueRef::Bool(_) => None,
            ValueRef::Int(number) if self.looks == Looks::All && number.unsigned_abs() > 9_999_999 => {
                let written = number.to_string();
                let hits = self.hits(name, &written);
                (!hits.is_empty()).then(|| Value::Str(self.replace(&written, &hits, report)))
            }
            ValueRef::Int(_) => None,
            ValueRef::Str(text) => self.text(name, text, report).map(Value::Str),
            ValueRef::Bytes(bytes) => {
                report.remove(Removed::Unreadable);
                Some(Value::Str(removed(bytes.len())))
            }
            ValueRef::Array(_) | ValueRef::Map(_) if depth >= DEEPEST_VALUE => {
                report.remove(Removed::Unreadable);
                Some(Value::Str(removed(0)))
            }
            ValueRef::Array(items) => {
                let masked: Vec<_> = items.iter().map(|item| self.value_at(name, item, depth + 1, report)).collect();
                masked.iter().any(Option::is_some).then(|| {
                    Value::Array(
                        items.iter().zip(masked).map(|(item, masked)| masked.unwrap_or_else(|| item.to_value())).collect(),
                    )
                })
            }
            ValueRef::Map(pairs) => {
                let mut changed = false;
                let mut masked = Vec::new();
                for (name, value) in pairs.iter() {
                    let new_name = self.text("", name, report);
                    let new_value = self.value_at(name, value, depth + 1, report);
                    changed |= new_name.is_some() || new_value.is_some();
                    masked.push((new_name.unwrap_or_else(|| name.to_owned()), new_value.unwrap_or_else(|| value.to_value())));
                }
                changed.then_some(Value::Map(masked))
            }
        }
    }
}

const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const MARK: u8 = 3;

/// What a byte is to [`is_suspect`].
const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        kinds[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' => LETTER,
            b'0'..=b'9' => DIGIT,
            b'@' | b'=' | b'%' => MARK,
            _ => 0,
        };
        byte += 1;
    }
    kinds
};

/// Whether all bytes are hexadecimal digits, eight at a time.
fn is_hex(bytes: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const TOPS: u64 = ONES * 0x80;
    // Of bytes below 0x80: the top bit says that it is `least` or more.
    let from = |word: u64, least: u8| word + ONES * u64::from(0x80 - least);
    let is_hex_word = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        if word & TOPS != 0 {
            return false;
        }
        let digit = from(word, b'0') & !from(word, b'9' + 1);
        let lower = word | (ONES * 0x20);
        let letter = from(lower, b'a') & !from(lower, b'f' + 1);
        (digit | letter) & TOPS == TOPS
    };
    let (words, rest) = bytes.as_chunks::<8>();
    words.iter().all(is_hex_word) && rest.iter().all(u8::is_ascii_hexdigit)
}

/// Whether a short text of metadata is worth a closer look: an `@`, an address, many digits, or a long run of letters and digits.
/// Most names and ids of enumerations end here.
pub(super) fn is_suspect(bytes: &[u8]) -> bool {
    const RUN: usize = 14;
    const DIGITS: usize = 7;
    // Digests and ids of traces: the commonest long values, and nothing can be told from them.
    if matches!(bytes.len(), 32 | 64) && is_hex(bytes) {
        return false;
    }
    let (mut run, mut digits) = (0, 0);
    for byte in bytes {
        match KINDS[usize::from(*byte)] {
            LETTER => run += 1,
            DIGIT => {
                run += 1;
                digits += 1;
            }
            MARK => return true,
            _ => run = 0,
        }
        if run >= RUN {
            return true;
        }
    }
    digits >= DIGITS || bytes.len() > 64
}

#[cfg(test)]
mod tests {
    use super::is_hex;

    #[test]
    fn hexadecimal_digits_are_told_from_every_other_byte_at_every_place() {
        for byte in 0..=u8::MAX {
            for at in 0..11 {
                let mut text = *b"0123456789a";
                text[at] = byte;
                assert_eq!(is_hex(&text), byte.is_ascii_hexdigit(), "{byte:#x} at {at}");
            }
        }
        assert!(is_hex(b"") && is_hex(b"ABCDEFabcdef0189"));
    }
}
