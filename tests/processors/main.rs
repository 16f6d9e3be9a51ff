//! Processors in real graphs, where what they promise to senders can be seen: in by HTTP, out to a fake backend.

#![expect(clippy::unwrap_used, reason = "helpers of a test panic as the test itself would")]

mod batch;
mod house;
