//! tmp
use crate::schema::Message;
pub(crate) fn write(_s: &'static Message, _bytes: &[u8], _out: &mut Vec<u8>) {}
