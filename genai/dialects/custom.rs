//! Mappings of the user's own: the value of one key becomes another's, on records and on the events of spans.
//!
//! Where the source goes and its target is free, the attribute is renamed in the index and its value never touched.

use super::Options;
use chaperone_proto::{Attrs, AttrsMut, Data, KeyId, RecordRef, Value};

/// A mapping of the user's own: the value of one key becomes another's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Custom {
    /// Source key.
    pub from: KeyId,
    /// Target key.
    pub to: KeyId,
    /// Removal of the source, replacement of a target that is there.
    pub options: Options,
}

/// What is done with one set of attributes.
enum Change {
    Rename,
    Set(Value),
    Remove,
}

impl Custom {
    fn change(&self, attrs: Attrs<'_>) -> Option<Change> {
        let value = attrs.get(self.from)?;
        let is_free = !attrs.has(self.to);
        match (is_free || self.options.overwrite, self.options.remove_originals) {
            (true, true) if is_free => Some(Change::Rename),
            (true, _) => Some(Change::Set(value.to_value())),
            (false, true) => Some(Change::Remove),
            (false, false) => None,
        }
    }
    fn apply(&self, change: Change, mut attrs: AttrsMut<'_>) {
        match change {
            Change::Rename => {
                attrs.rename(self.from, self.to);
            }
            Change::Set(value) => {
                attrs.set(self.to, &value);
                if self.options.remove_originals {
                    attrs.remove(self.from);
                }
            }
            Change::Remove => {
                attrs.remove(self.from);
            }
        }
    }
    /// On one record of a batch and its events.
    pub(super) fn map(&self, data: &mut Data, at: usize) {
        if let Some(change) = self.change(data.record(at).attrs()) {
            self.apply(change, data.edit(at).attrs_mut());
        }
        let RecordRef::Span(span) = data.record(at) else { return };
        let changes: Vec<(usize, Change)> =
            span.events().enumerate().filter_map(|(event, found)| Some((event, self.change(found.attrs())?))).collect();
        for (event, change) in changes {
            if let Some(attrs) = data.edit(at).event_attrs(event) {
                self.apply(change, attrs);
            }
        }
    }
}
