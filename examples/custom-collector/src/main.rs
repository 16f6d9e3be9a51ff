//! Everything Chaperone does, and two components of our own: the processor `stamp` and the exporter `tally`.

mod stamp;
mod tally;

use chaperone::pipeline::{ExporterEntry, ProcessorEntry, Registry};

const MINE: Registry = Registry {
    processors: &[ProcessorEntry::of::<stamp::Stamp>()],
    exporters: &[ExporterEntry::of::<tally::Tally>()],
    ..Registry::NONE
};

fn main() -> std::process::ExitCode {
    let all = chaperone::extended(chaperone::built_in(), MINE);
    chaperone::run_as("custom-collector", env!("CARGO_PKG_VERSION"), all)
}
