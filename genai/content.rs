//! What may leave the process of what agents said: the content policy (contracts, section 5).
//!
//! Every key has a class; content goes and leaves its size and a keyed digest, or stays with people and secrets masked in it.
//! Secrets always go, identities become pseudonyms; keys nobody knows pass while they are short and no recogniser fires.
//! Names, status messages, events, links, resources, scopes and bodies of logs obey the same rules.

mod apply;
mod class;
mod digest;
mod json;
mod judge;
mod key_rules;
mod mask;
mod memo;
mod policy;
pub mod recognise;
mod report;
mod text;

pub use digest::pseudonym;
pub use key_rules::KeyRules;
pub use policy::{Caps, Identity, Mode, Policy};
pub use report::{Removed, Report};
