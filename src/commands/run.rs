//! `chaperone run`: builds the graph, starts it, and runs until a signal asks for the end.
//!
//! Components say on standard error where they listen, store and expose; the log says the rest.

use crate::cli::{Done, RunArgs};
use crate::own_metrics::OwnMetrics;
use crate::signals::Signals;
use crate::{app, hash_key, telemetry};
use anyhow::{Context, Result};
use chaperone_config::Document;
use chaperone_pipeline::engine::{Graph, Running};
use chaperone_pipeline::{Clock, Kind, Meta, Registry, Telemetry};
use std::time::Duration;
use tracing::{error, info, warn};

/// From the first signal to the moment when what is left is given up: orchestrators usually kill after 30 s.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(25);

pub(crate) fn run(args: &RunArgs, registry: &Registry) -> Done {
    let loaded = app::load(&args.config, registry)?;
    telemetry::start_logs(&loaded.telemetry.logs);
    for warning in loaded.problems.iter() {
        eprintln!("{warning}");
    }
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().thread_name("chaperone");
    if let Some(workers) = args.workers {
        builder.worker_threads(workers.get());
    }
    let runtime = builder.build().context("cannot start the runtime")?;
    let done = runtime.block_on(run_until_signal(&loaded, registry));
    // Tasks that ignore the stop must not keep the process.
    runtime.shutdown_timeout(Duration::from_secs(1));
    done
}

async fn run_until_signal(loaded: &app::Loaded, registry: &Registry) -> Done {
    let mut signals = Signals::listen().context("cannot listen to signals")?;
    info!(version = env!("CARGO_PKG_VERSION"), "starting chaperone");
    warn_of_old_names(&loaded.document, registry);
    let clock = Clock::system();
    let telemetry = Telemetry::default();
    let settings = app::settings(clock, telemetry.clone(), hash_key::of_run(&loaded.document)?);
    settings.shared.status().set_about(app::about(loaded, registry));
    let graph = Graph::build(&loaded.document, registry, settings)?;
    for warning in graph.warnings().iter() {
        eprintln!("{warning}");
    }
    let own_metrics = OwnMetrics::start(&loaded.telemetry, &telemetry).await?;
    let running = tokio::select! {
        started = graph.start() => started.map_err(anyhow::Error::from).context("cannot start")?,
        signal = signals.end() => {
            info!(signal, "received a signal before everything was started");
            return Ok(());
        },
    };
    for said in running.take_announcements() {
        eprintln!("{}: {}", said.component, said.what);
    }
    info!("everything is ready, running and processing data");
    let signal = signals.end().await;
    info!(signal, "received a signal, shutting down");
    end(running, own_metrics, signals).await
}

/// Other spellings work for good, but documentation and examples name components by their own.
fn warn_of_old_names(document: &Document, registry: &Registry) {
    let sections = [
        (Kind::Receiver, &document.receivers),
        (Kind::Processor, &document.processors),
        (Kind::Connector, &document.connectors),
        (Kind::Exporter, &document.exporters),
        (Kind::Extension, &document.extensions),
    ];
    for (kind, section) in sections {
        for (id, _) in section {
            let has_alias = |meta: &&Meta| meta.kind == kind && meta.name != id.kind && meta.aliases.contains(&id.kind.as_str());
            if let Some(meta) = registry.metas().find(has_alias) {
                warn!(component = %id, "`{}` is an old name, use `{}`", id.kind, meta.name);
            }
        }
    }
}

/// Shuts down within the deadline; a second signal ends at once.
async fn end(running: Running, own_metrics: OwnMetrics, mut signals: Signals) -> Result<()> {
    let graceful = async {
        running.shutdown(SHUTDOWN_DEADLINE).await;
        own_metrics.stop().await;
    };
    tokio::select! {
        () = graceful => {
            info!("shutdown complete");
            Ok(())
        }
        signal = signals.end() => {
            error!(signal, "received a second signal, ending at once: what was in memory is lost");
            std::process::exit(1)
        }
    }
}
