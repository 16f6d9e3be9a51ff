//! What an agent did: the kind of a step, who did it, which tools were asked for and run, and how it failed.
//!
//! Everything is read from canonical attributes and messages; nothing is guessed by a model, and what is derived says so.
//! State is small and bounded: who is whose ancestor ([`Lineage`]) and which call ids were told about ([`CallMemory`]).
//!
//! Left out: tokens and cost (`usage`, `prices`), and what needs a whole run (`runs`).

mod calls;
mod derived;
mod digest;
mod facts;
mod failure;
mod framework_tools;
mod handovers;
mod kind;
mod lineage;
mod messages;
mod offers;
mod shape;
mod signals;
mod telling;
mod tools;
mod write;

pub use calls::{ArgumentsKey, Asked, CallKey, CallMemory, Held, IN_MESSAGES, Named, Run, Told};
pub use digest::{Digester, Digests};
pub use facts::{CallEvent, Facts, ToolFacts};
pub use failure::{Failure, failure, is_error};
pub use framework_tools::{HandOver, hand_over, is_framework_tool};
pub use handovers::{Evidence, HandOvers, HandedOver};
pub use kind::{StepKind, kind};
pub use lineage::{AgentName, Edge, Lineage, Node};
pub use messages::{Conversation, RequestedCall, ToolOutcome};
pub use shape::shape;
pub use signals::{Signal, Thresholds, signals};
pub use tools::{Hints, Offered, ToolKind, offered_tools, resource, tool_kind};
pub use write::{Event, Pairs, Said, attributes, events, is_written, write, write_logs};

#[cfg(test)]
mod failure_tests;
#[cfg(test)]
mod record_tests;
#[cfg(test)]
mod tests;
