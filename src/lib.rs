//! Chaperone as a library: everything the binary does, over the registries it is given.
//!
//! A binary with components of its own:
//!
//! ```no_run
//! use chaperone::pipeline::Registry;
//!
//! fn main() -> std::process::ExitCode {
//!     let mine = Registry { receivers: &[], processors: &[], connectors: &[], exporters: &[], extensions: &[] };
//!     chaperone::run(chaperone::extended(chaperone::built_in(), mine))
//! }
//! ```
//!
//! Left out: everything a component could hold.

mod app;
mod cli;
mod commands;
mod entropy;
mod gates;
mod hash_key;
mod own_metrics;
mod progress;
mod recorded;
mod signals;
mod sources;
mod telemetry;
mod yaml;

pub use app::{check, check_within, default_config};
pub use chaperone_config as config;
pub use chaperone_pipeline as pipeline;

use chaperone_pipeline::Registry;
use std::process::ExitCode;

/// The components of this repository.
pub fn built_in() -> Registry {
    Registry {
        receivers: chaperone_receivers::ALL,
        processors: chaperone_processors::ALL,
        connectors: chaperone_connectors::ALL,
        exporters: chaperone_exporters::ALL,
        extensions: chaperone_extensions::ALL,
    }
}

/// One registry with the components of both. Called once a process: what it makes is never freed.
pub fn extended(base: Registry, more: Registry) -> Registry {
    fn joined<T: Copy>(base: &'static [T], more: &'static [T]) -> &'static [T] {
        if more.is_empty() { base } else { Box::leak([base, more].concat().into_boxed_slice()) }
    }
    Registry {
        receivers: joined(base.receivers, more.receivers),
        processors: joined(base.processors, more.processors),
        connectors: joined(base.connectors, more.connectors),
        exporters: joined(base.exporters, more.exporters),
        extensions: joined(base.extensions, more.extensions),
    }
}

/// Does what the command line of this process says, and gives its exit code.
///
/// 0: done, also after SIGTERM or SIGINT; 1: the command line or the configuration was refused, the start failed, or a
/// second signal ended it at once.
pub fn run(registry: Registry) -> ExitCode {
    chaperone_genai::keys::install();
    cli::main(registry)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registry_is_extended_by_components_of_others() {
        let more =
            Registry { receivers: &[], processors: &[], connectors: &[], exporters: &built_in().exporters[..1], extensions: &[] };
        let both = extended(built_in(), more);
        assert_eq!(both.exporters.len(), built_in().exporters.len() + 1);
        assert_eq!(both.exporters.last().map(|entry| entry.meta.name), built_in().exporters.first().map(|entry| entry.meta.name));
        assert_eq!(both.receivers.len(), built_in().receivers.len());
    }
}
