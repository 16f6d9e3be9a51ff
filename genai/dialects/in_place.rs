//! Values that stand under their canonical key, spelled canonically: most of a record that follows the conventions.
//!
//! They need no look beyond this one: other sources of the key see that it is there.
//! Of a key that occurs more than once the first value that says something decides, here as everywhere.

use super::mapping::Transform;
use super::words;
use chaperone_proto::{Entry, ValueRef};

/// Most of one record; what comes after them gets a whole look.
const MOST: usize = 32;

/// The keys of one record that were found canonical.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Bits of ids, which share them: only a hit is looked for.
    mask: u128,
    ids: [u16; MOST],
    len: usize,
}

impl Settled {
    /// Whether a value under its canonical key needs no more, because it is canonical or one before it was.
    pub(crate) fn settles(&mut self, entry: Entry<'_>, transform: Transform) -> bool {
        let Some(id) = entry.id() else { return false };
        let bit = 1 << (id.0 & 127);
        if let Some(slot) = self.ids.get_mut(self.len)
            && is_canonical(entry, transform)
        {
            *slot = id.0;
            self.len += 1;
            self.mask |= bit;
            return true;
        }
        self.mask & bit != 0 && self.ids.iter().take(self.len).any(|known| *known == id.0)
    }
}

fn is_canonical(entry: Entry<'_>, transform: Transform) -> bool {
    match transform {
        Transform::Int => matches!(plain(entry), Some(ValueRef::Int(_))),
        Transform::Double => matches!(plain(entry), Some(ValueRef::Double(_))),
        Transform::Copy => entry.text_bytes().is_some_and(|text| !words::is_redacted_bytes(text)),
        Transform::Url => {
            let is_address = |text: &[u8]| !words::is_redacted_bytes(text) && !text.windows(3).any(|three| three == b"://");
            entry.text_bytes().is_some_and(is_address)
        }
        Transform::Finish => words::are_finish_reasons(entry.value()),
        _ => false,
    }
}

fn plain(entry: Entry<'_>) -> Option<ValueRef<'_>> {
    entry.is_plain().then(|| entry.value())
}
