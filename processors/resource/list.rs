//! The attributes of a record's resource, as a list that actions work on.

use crate::attribute_actions::AttributeList;
use chaperone_proto::record::Edit;
use chaperone_proto::{KeyId, RecordMut, Value, ValueRef};

/// The resource of this record.
pub(super) struct OfResource<'a>(pub RecordMut<'a>);

impl AttributeList for OfResource<'_> {
    fn has(&self, key: KeyId) -> bool {
        self.0.as_ref().resource().attrs().get(key).is_some()
    }
    fn get(&self, key: KeyId) -> Option<Value> {
        self.0.as_ref().resource().attrs().get(key).map(ValueRef::to_value)
    }
    /// As with records, only the first of several pairs with this key stays.
    fn replace(&mut self, key: KeyId, value: &Value) {
        let mut seen = false;
        self.0.map_resource_attrs(|found, _| match found.id == Some(key) {
            false => Edit::Keep,
            true if std::mem::replace(&mut seen, true) => Edit::Remove,
            true => Edit::Replace(value.clone()),
        });
    }
    fn append(&mut self, key: KeyId, value: &Value) {
        self.0.append_resource_attr(key, value);
    }
    fn remove(&mut self, key: KeyId) {
        self.0.map_resource_attrs(|found, _| if found.id == Some(key) { Edit::Remove } else { Edit::Keep });
    }
    fn edit(&mut self, wanted: &dyn Fn(&str) -> bool, edit: &dyn Fn(Value) -> Edit) {
        self.0.map_resource_attrs(|key, value| if wanted(key.name) { edit(value.to_value()) } else { Edit::Keep });
    }
}
