//! Chaperone as a library: everything the binary does, over the registries it is given.
//!
//! A binary with components of its own:
//!
//! ```no_run
//! use chaperone::pipeline::Registry;
//!
//! fn main() -> std::process::ExitCode {
//!     // `ProcessorEntry::of::<Mine>()` is one line of a registry.
//!     let mine = Registry { processors: &[], ..Registry::NONE };
//!     chaperone::run(chaperone::extended(chaperone::built_in(), mine))
//! }
//! ```
//!
//! `docs/extending.md` tells how components are written; `examples/custom-collector` is such a binary.
//!
//! Left out: everything a component could hold.

mod app;
mod cli;
mod commands;
mod entropy;
mod gates;
mod hash_key;
mod inputs;
mod operating;
mod own_metrics;
mod progress;
mod recorded;
mod signals;
mod sources;
mod summary;
mod telemetry;
mod watch;
mod yaml;

pub use app::{check, check_within, default_config};
pub use chaperone_config as config;
pub use chaperone_pipeline as pipeline;
pub use chaperone_proto as proto;

use chaperone_pipeline::Registry;
use chaperone_pipeline::registry::Entry;
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
///
/// A component of `more` takes the place of the one in `base` that is called as it is.
pub fn extended(base: Registry, more: Registry) -> Registry {
    fn joined<P: ?Sized>(base: &'static [Entry<P>], more: &'static [Entry<P>]) -> &'static [Entry<P>] {
        if more.is_empty() {
            return base;
        }
        let kept = base.iter().filter(|known| !more.iter().any(|entry| known.is_called(entry.meta.name)));
        let both: Vec<Entry<P>> = kept.chain(more).copied().collect();
        Box::leak(both.into_boxed_slice())
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
    run_as("chaperone", env!("CARGO_PKG_VERSION"), registry)
}

/// As [`run`], for a binary that has a name and a version of its own.
pub fn run_as(name: &'static str, version: &'static str, registry: Registry) -> ExitCode {
    chaperone_genai::keys::install();
    cli::main(cli::Program { name, version }, registry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaperone_pipeline::{ExporterEntry, Meta};

    fn named(name: &'static str, summary: &'static str) -> Registry {
        let mut entry: ExporterEntry = built_in().exporters[0];
        entry.meta = Meta { name, aliases: &[], summary, ..entry.meta };
        Registry { exporters: Box::leak(Box::new([entry])), ..Registry::NONE }
    }

    #[test]
    fn a_registry_is_extended_by_components_of_others() {
        let both = extended(built_in(), named("ours", ""));
        assert_eq!(both.exporters.len(), built_in().exporters.len() + 1);
        assert_eq!(both.exporters.last().map(|entry| entry.meta.name), Some("ours"));
        assert_eq!(both.receivers.len(), built_in().receivers.len());
    }

    #[test]
    fn a_component_of_the_same_name_takes_the_place_of_the_built_in_one() {
        let both = extended(built_in(), named("debug", "ours"));
        let found: Vec<_> = both.exporters.iter().filter(|entry| entry.is_called("debug")).collect();
        assert_eq!(found.iter().map(|entry| entry.meta.summary).collect::<Vec<_>>(), ["ours"]);
        assert_eq!(both.exporters.len(), built_in().exporters.len());
    }
}
