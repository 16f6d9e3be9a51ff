//! What may leave the process of what agents said: the content policy (contracts, section 5).
//!
//! Every key has a class; content goes and leaves its size and a keyed digest, secrets always go, identities become pseudonyms.
//! Keys nobody knows pass while they are short and nothing in them looks like a person, a secret or a long number.
//! Span names, status messages, events, links, resources and bodies of logs obey the same rules.

mod class;
mod digest;
mod policy;
mod recognise;
mod text;

pub use digest::pseudonym;
pub use policy::{Identity, Mode, Policy, Report};
