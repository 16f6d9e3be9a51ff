//! `chaperone run`: reads the configuration, makes the runtime, and operates the collector until a signal asks for the end.

use crate::cli::{Done, RunArgs};
use crate::inputs::Inputs;
use crate::{app, operating, telemetry};
use anyhow::Context;
use chaperone_pipeline::Registry;
use std::time::Duration;

pub(crate) fn run(args: &RunArgs, registry: &Registry) -> Done {
    let inputs = Inputs::default();
    let loaded = app::load_from(&args.config, registry, &inputs)?;
    let logs = telemetry::start_logs(&loaded.telemetry.logs);
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().thread_name("chaperone");
    if let Some(workers) = args.workers {
        builder.worker_threads(workers.get());
    }
    let runtime = builder.build().context("cannot start the runtime")?;
    let done = runtime.block_on(operating::run(args, registry, loaded, inputs, logs));
    // Tasks that ignore the stop must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}
