//! The real binary is reloaded and ended while clients send: nothing that it acknowledged is lost.
//!
//! Clients over HTTP and gRPC send numbered spans and note which were acknowledged; a file and a server note which arrived.
//! CI runs 10 reloads and 3 stops; `CHAPERONE_RELOADS` and `CHAPERONE_STOPS` ask for more.

mod load;
mod reloads;
mod senders;
mod stops;
mod telling;

/// What an environment variable says, or what CI does.
fn count(variable: &str, otherwise: usize) -> usize {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}
