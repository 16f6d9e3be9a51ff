//! The registry of extensions, in the order of the docs. One folder a component, named as in `collector.yaml`.
//!
//! They run beside the flow and never see a batch: answers to health checks, pages about the collector, stores for state.

mod file_storage;
mod health_check;
#[cfg(all(feature = "pprof", unix))]
mod pprof;
mod serve;
mod zpages;

use chaperone_pipeline::ExtensionEntry;

/// All extensions.
pub const ALL: &[ExtensionEntry] = &[
    ExtensionEntry::of::<health_check::HealthCheck>(),
    ExtensionEntry::of::<zpages::Zpages>(),
    #[cfg(all(feature = "pprof", unix))]
    ExtensionEntry::of::<pprof::Pprof>(),
    ExtensionEntry::of::<file_storage::FileStorage>(),
];
