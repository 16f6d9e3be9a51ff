//! Recognisers: where in a text people, accounts and secrets stand, of what kind, and how sure that is.
//!
//! One implementation for everybody: the content policy masks what it finds, detectors follow it.
//! Two passes over the bytes find candidates: one automaton over all anchors (how secrets begin, what announces one), and one loop
//! over digits and `@`. Only a candidate costs more: a shape, a checksum, a look at the words in front.
//! Names of people and postal addresses need a language model and are not recognised.

mod alnum;
mod anchors;
mod announced;
mod bytes;
mod checksum;
mod custom;
mod digits;
mod email;
mod entropy;
mod ip;
mod links;
mod long_number;
mod national;
mod phone;
mod secrets;
#[cfg(test)]
mod tests;
mod wallet;

pub use custom::{CustomError, MAX_CANARIES, MAX_PATTERN_BYTES, MAX_RECOGNIZERS};
pub(super) use long_number::has_long_number;

use super::memo::Memos;
use custom::Custom;

/// What was recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// A telephone number.
    Phone,
    /// The number of a payment card: issuer's range and Luhn digit.
    Card,
    /// An international bank account number: length of its country and mod 97.
    Iban,
    /// A number a state gave to a person: checksum, or shape and the words in front.
    NationalId,
    /// A public IP address.
    Ip,
    /// An address of a crypto currency, by its checksum where it has one.
    Wallet,
    /// User and password inside an address.
    Login,
    /// An issuer's token by its shape, or a value whose name announces a secret.
    Secret,
    /// A private key in PEM.
    PrivateKey,
    /// A JSON web token.
    Jwt,
    /// A planted marker: it should be nowhere.
    Canary,
    /// What a recogniser of the user's found.
    Custom,
}

impl Kind {
    /// All kinds in order.
    pub const ALL: [Kind; 13] = [
        Kind::Email,
        Kind::Phone,
        Kind::Card,
        Kind::Iban,
        Kind::NationalId,
        Kind::Ip,
        Kind::Wallet,
        Kind::Login,
        Kind::Secret,
        Kind::PrivateKey,
        Kind::Jwt,
        Kind::Canary,
        Kind::Custom,
    ];

    /// Name in settings and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Email => "email",
            Kind::Phone => "phone",
            Kind::Card => "card",
            Kind::Iban => "iban",
            Kind::NationalId => "national_id",
            Kind::Ip => "ip",
            Kind::Wallet => "wallet",
            Kind::Login => "login",
            Kind::Secret => "secret",
            Kind::PrivateKey => "private_key",
            Kind::Jwt => "jwt",
            Kind::Canary => "canary",
            Kind::Custom => "custom",
        }
    }

    /// The kind of a name in settings.
    pub fn by_name(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it gives access rather than naming somebody.
    pub fn is_secret(self) -> bool {
        matches!(self, Kind::Login | Kind::Secret | Kind::PrivateKey | Kind::Jwt | Kind::Canary)
    }

    pub(crate) fn position(self) -> usize {
        self as usize
    }
}

/// A place in a text where something was recognised.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit<'r> {
    /// First byte.
    pub start: usize,
    /// Behind the last byte.
    pub end: usize,
    /// Of what kind.
    pub kind: Kind,
    /// Which recogniser: the issuer of a secret, the country of a number, the name of a user's recogniser.
    pub rule: &'r str,
    /// How sure: 1.0 = by a checksum of 16 bits and more, 0.9 = by an unmistakable shape, 0.6 = by shape and context.
    pub score: f32,
}

/// Surest score of a recogniser that needs no context.
pub const CERTAIN: f32 = 1.0;
/// An unmistakable shape, or a short checksum.
pub const SHAPE: f32 = 0.9;
/// A shape that other texts may have, with words around it that say what it is.
pub const CONTEXT: f32 = 0.6;

/// A set of recognisers.
#[derive(Debug, Clone, Default)]
pub struct Recognizers {
    skip: [bool; Kind::ALL.len()],
    custom: Custom,
    /// What this set found in texts that came before.
    memos: Memos,
}

impl Recognizers {
    /// All that are built in.
    pub fn all() -> Recognizers {
        Recognizers::default()
    }

    /// Leaves out a kind.
    pub fn skip(&mut self, kind: Kind) {
        self.renew();
        if let Some(skip) = self.skip.get_mut(kind.position()) {
            *skip = true;
        }
    }

    /// Adds a recogniser of the user's: what fits `pattern` (a regular expression) is of kind `custom` with `name` as its rule.
    pub fn add(&mut self, name: &str, pattern: &str) -> Result<(), CustomError> {
        self.renew();
        self.custom.add(name, pattern)
    }

    /// Texts that are to be found wherever they stand, as kind `canary`; letter case counts.
    pub fn set_canaries(&mut self, canaries: &[String]) -> Result<(), CustomError> {
        self.renew();
        self.custom.set_canaries(canaries)
    }

    /// What fits one of these patterns as a whole is never a hit, whichever recogniser found it.
    pub fn allow(&mut self, pattern: &str) -> Result<(), CustomError> {
        self.renew();
        self.custom.allow(pattern)
    }

    /// Whoever looks for other things finds other things.
    fn renew(&mut self) {
        self.memos = Memos::default();
    }

    pub(super) fn memos(&self) -> &Memos {
        &self.memos
    }

    /// Whether there are recognisers of the user's, which may find anything anywhere.
    pub(crate) fn has_own(&self) -> bool {
        !self.custom.is_empty()
    }

    /// Everything that is recognised in `text`, in order, without overlaps.
    ///
    /// Where two recognisers overlap the hit covers both and is of the surer one's kind.
    pub fn find<'r>(&'r self, text: &str, into: &mut Vec<Hit<'r>>) {
        self.find_named("", text, into);
    }

    /// The same for the value of something with a name: the name counts as the words in front.
    pub fn find_named<'r>(&'r self, name: &str, text: &str, into: &mut Vec<Hit<'r>>) {
        into.clear();
        let text_in = bytes::Text { name, text, bytes: text.as_bytes() };
        if text.len() >= SHORTEST {
            anchors::find(&text_in, into);
            digits::find(&text_in, into);
            announced::find_named(&text_in, into);
        }
        self.custom.find(text, into);
        if into.is_empty() {
            return;
        }
        into.retain(|hit| !self.skip.get(hit.kind.position()).copied().unwrap_or(false));
        into.retain(|hit| text.get(hit.start..hit.end).is_some_and(|found| !self.custom.allows(found)));
        merge(into);
    }

    /// Whether anything is recognised.
    pub fn fires(&self, text: &str) -> bool {
        let mut hits = Vec::new();
        self.find(text, &mut hits);
        !hits.is_empty()
    }
}

/// Nothing shorter is recognised, but for a user's own.
const SHORTEST: usize = 4;

/// Orders hits and joins those that overlap.
fn merge(hits: &mut Vec<Hit<'_>>) {
    hits.sort_by(|a, b| a.start.cmp(&b.start).then(b.end.cmp(&a.end)).then(b.score.total_cmp(&a.score)));
    hits.dedup_by(|next, first| {
        if next.start >= first.end {
            return false;
        }
        first.end = first.end.max(next.end);
        if next.score > first.score {
            (first.kind, first.rule, first.score) = (next.kind, next.rule, next.score);
        }
        true
    });
}
