//! Random draws from a seed, and the texts made from them.

/// A small generator (splitmix64): equal seeds give equal payloads on every machine.
pub struct Draw(pub u64);

impl Draw {
    /// The next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    /// A number below `end`.
    pub fn below(&mut self, end: u64) -> u64 {
        self.bits() % end
    }
    /// True in `percent` of 100 cases.
    pub fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
    /// One of some texts.
    pub fn one_of(&mut self, choices: &[&'static str]) -> &'static str {
        choices[self.below(choices.len() as u64) as usize]
    }
    /// `len` hexadecimal digits.
    pub fn hex(&mut self, len: usize) -> String {
        (0..len).map(|_| char::from(b"0123456789abcdef"[self.below(16) as usize])).collect()
    }
    /// Random bytes of an id.
    pub fn id(&mut self, len: usize) -> Vec<u8> {
        (0..len).map(|_| self.below(255) as u8 + 1).collect()
    }
    /// Prose of about `len` bytes; one text in ten has letters that are not ASCII, scattered as in a European language.
    pub fn prose(&mut self, len: usize) -> String {
        let foreign = self.percent(10);
        let mut text = String::with_capacity(len + 16);
        while text.len() < len {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(self.one_of(if foreign { &FOREIGN } else { &PLAIN }));
        }
        let mut end = len;
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        text.truncate(end);
        if foreign && text.is_ascii() {
            text.truncate(len.saturating_sub(2));
            text.push('\u{e9}');
        }
        text
    }
}

const PLAIN: [&str; 16] = [
    "the", "customer", "asked", "about", "order", "4711", "and", "its", "delivery", "date", "please", "check", "whether",
    "refund", "was", "sent",
];
const FOREIGN: [&str; 16] = [
    "die",
    "Kundin",
    "fragt",
    "nach",
    "Bestellung",
    "4711",
    "und",
    "dem",
    "Datum",
    "der",
    "Lieferung",
    "pr\u{fc}fe",
    "ob",
    "R\u{fc}ckzahlung",
    "\u{fc}berwiesen",
    "ist",
];
