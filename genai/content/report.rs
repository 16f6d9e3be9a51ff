//! What the policy did to a batch, in counts.

use super::recognise::Kind;

/// Why a value was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Removed {
    /// It is what somebody said, or what a tool was given or gave.
    Content,
    /// It may hold keys to something.
    Secret,
    /// It names a person, and identities are to be dropped.
    Identity,
    /// The user's settings name its key.
    Denied,
    /// Its key itself holds what a recogniser finds.
    KeyName,
    /// It could not be read: bytes that are no text, or nested too deep.
    Unreadable,
}

impl Removed {
    /// All reasons in order.
    pub const ALL: [Removed; 6] =
        [Removed::Content, Removed::Secret, Removed::Identity, Removed::Denied, Removed::KeyName, Removed::Unreadable];

    /// Name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Removed::Content => "content",
            Removed::Secret => "secret",
            Removed::Identity => "identity",
            Removed::Denied => "denied",
            Removed::KeyName => "key_name",
            Removed::Unreadable => "unreadable",
        }
    }
}

/// What was done to a batch.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Values removed, by the position of [`Removed`].
    pub removed: [u64; Removed::ALL.len()],
    /// Values replaced by a note of their size.
    pub masked: u64,
    /// Identities replaced by a pseudonym.
    pub hashed: u64,
    /// Values cut to the bytes they may have.
    pub cut: u64,
    /// Places in texts that were masked, by the position of [`Kind`].
    pub recognised: [u64; Kind::ALL.len()],
}

impl Report {
    /// Values removed, whatever the reason.
    pub fn removed(&self) -> u64 {
        self.removed.iter().sum()
    }
    pub(super) fn remove(&mut self, reason: Removed) {
        if let Some(count) = self.removed.get_mut(reason as usize) {
            *count += 1;
        }
    }
    pub(super) fn recognise(&mut self, kind: Kind) {
        if let Some(count) = self.recognised.get_mut(kind.position()) {
            *count += 1;
        }
    }
}
