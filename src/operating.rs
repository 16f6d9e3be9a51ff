//! A collector in operation: started, reloaded when asked or when its files change, ended when asked.
//!
//! A configuration that is read again is checked and started beside the running one before anything changes; on any error
//! the running one goes on, and the problems are told as at a start.

use crate::app::{self, Loaded};
use crate::cli::RunArgs;
use crate::hash_key;
use crate::inputs::Inputs;
use crate::own_metrics::OwnMetrics;
use crate::signals::{Asked, Signals};
use crate::summary::{self, Summary};
use crate::telemetry::Logs;
use crate::watch::Watch;
use anyhow::{Context, Result};
use chaperone_config::{Document, Problems};
use chaperone_pipeline::engine::{Graph, ReloadError, Reloaded, Running, SharedState};
use chaperone_pipeline::{Clock, Counter, Gauge, Kind, Meta, Registry, Telemetry};
use std::time::Duration;
use tokio::time::Instant;
use tracing::{error, info, warn};

/// From the first signal to the moment when what is left is given up: orchestrators usually kill after 30 s.
const SHUTDOWN_DEADLINE: Duration = Duration::from_secs(25);

/// How long requests under way, held data and queues of what a reload takes away may take to end.
const RELOAD_PATIENCE: Duration = Duration::from_secs(25);

/// What was read, and with what it runs.
pub(crate) struct Operating<'a> {
    args: &'a RunArgs,
    registry: &'a Registry,
    logs: Logs,
    watch: Watch,
    running: Running,
    shared: SharedState,
    own_metrics: OwnMetrics,
    clock: Clock,
    figures: Figures,
}

/// What own metrics tell about reloads.
struct Figures {
    applied: Counter,
    unchanged: Counter,
    refused: Counter,
    successful: Gauge,
    last_success: Gauge,
}

/// How a reload ended.
enum Ended {
    Applied(Reloaded),
    /// Asked to end meanwhile, at that time.
    Stop(&'static str, Instant),
}

/// Runs until a signal asks for the end.
pub(crate) async fn run(args: &RunArgs, registry: &Registry, loaded: Loaded, inputs: Inputs, logs: Logs) -> Result<()> {
    let mut signals = Signals::listen().context("cannot listen to signals")?;
    info!(version = env!("CARGO_PKG_VERSION"), "starting chaperone");
    warn_of_old_names(&loaded.document, registry);
    let (clock, telemetry) = (Clock::system(), Telemetry::default());
    let settings = app::settings(clock.clone(), telemetry.clone(), hash_key::of_run(&loaded.document)?);
    let shared = settings.shared.clone();
    shared.status().set_about(app::about(&loaded, registry));
    let graph = Graph::build(&loaded.document, registry, settings)?;
    let warnings = loaded.problems.iter().chain(graph.warnings().iter()).inspect(|warning| eprintln!("{warning}")).count();
    let mut own_metrics = OwnMetrics::new(&telemetry)?;
    let wanted = own_metrics.open(&loaded.telemetry).await?;
    own_metrics.follow(wanted).await;
    let running = tokio::select! {
        started = graph.start() => started.map_err(anyhow::Error::from).context("cannot start")?,
        signal = signals.end() => {
            info!(signal, "received a signal before everything was started");
            return Ok(());
        },
    };
    let watch = Watch::of(if args.no_watch { Inputs::default() } else { inputs });
    let summary = Summary {
        document: &loaded.document,
        sources: &sources(args),
        watched: !watch.is_empty(),
        announcements: &running.take_announcements(),
        own_metrics: &own_metrics.addresses(),
        warnings,
    };
    eprint!("{}", summary.text(summary::is_colourful()));
    info!("everything is ready, running and processing data");
    let figures = Figures::new(&telemetry);
    figures.succeeded(&clock);
    let mut operating = Operating { args, registry, logs, watch, running, shared, own_metrics, clock, figures };
    let (signal, asked) = operating.until_the_end(&mut signals).await;
    info!(signal, "received a signal, shutting down");
    operating.end(asked, signals).await
}

/// What the configuration came from, for people.
fn sources(args: &RunArgs) -> Vec<String> {
    let mut sources = args.config.config.clone();
    if sources.is_empty() {
        let here = std::path::Path::new("collector.yaml").exists();
        sources.push(if here { "collector.yaml" } else { "the built-in collector.yaml" }.to_owned());
    }
    match args.config.set.len() {
        0 => {}
        1 => sources.push("1 setting of the command line".to_owned()),
        more => sources.push(format!("{more} settings of the command line")),
    }
    sources
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

impl Operating<'_> {
    /// Reloads whenever there is a reason to, one after the other, until a signal asks for the end; gives its name and when
    /// it came.
    async fn until_the_end(&mut self, signals: &mut Signals) -> (&'static str, Instant) {
        loop {
            let watched = !self.watch.is_empty();
            let reason = tokio::select! {
                asked = signals.next() => match asked {
                    Asked::End(signal) => return (signal, Instant::now()),
                    Asked::Reload => "SIGHUP".to_owned(),
                },
                files = self.watch.changed(), if watched => format!("{} changed", files.join(", ")),
            };
            info!(reason, "reading the configuration again");
            match self.reload(signals).await {
                Ok(Ended::Stop(signal, asked)) => return (signal, asked),
                Ok(Ended::Applied(reloaded)) if reloaded.is_nothing() => {
                    self.figures.unchanged.add(1);
                    self.figures.succeeded(&self.clock);
                    info!("the configuration was read again, nothing in it changed for the components");
                }
                Ok(Ended::Applied(reloaded)) => {
                    self.figures.applied.add(1);
                    self.figures.succeeded(&self.clock);
                    let announcements = self.running.take_announcements();
                    let text = summary::of_reload(&reloaded, &announcements, &[], summary::is_colourful());
                    eprint!("{text}");
                    info!(kept = reloaded.kept, "the configuration was read again and is in force");
                }
                Err(reason) => {
                    self.figures.refused.add(1);
                    self.figures.successful.set(0);
                    match reason.downcast_ref::<Problems>() {
                        Some(problems) => eprintln!("{problems}"),
                        None => eprintln!("error: {reason:#}"),
                    }
                    error!("the configuration was not taken over, the collector goes on with the one it had");
                }
            }
        }
    }

    async fn reload(&mut self, signals: &mut Signals) -> Result<Ended> {
        let inputs = Inputs::default();
        let loaded = app::load_from(&self.args.config, self.registry, &inputs);
        if !self.args.no_watch {
            // Also of one that is wrong: the next change may put it right.
            self.watch.follow(inputs);
        }
        let loaded = loaded?;
        let wanted = self.own_metrics.open(&loaded.telemetry).await?;
        let hurry = self.running.hurry();
        let mut asked = None;
        let reloaded = {
            let reload = self.running.reload(&loaded.document, self.registry, RELOAD_PATIENCE);
            let mut reload = std::pin::pin!(reload);
            loop {
                tokio::select! {
                    reloaded = &mut reload => break reloaded,
                    signal = signals.end() => {
                        if asked.is_some() {
                            end_at_once(signal);
                        }
                        asked = Some((signal, Instant::now()));
                        hurry.within(SHUTDOWN_DEADLINE);
                    }
                }
            }
        };
        if let Some((signal, at)) = asked {
            return Ok(Ended::Stop(signal, at));
        }
        let reloaded = reloaded.map_err(|error| match error {
            ReloadError::Problems(problems) => anyhow::Error::from(problems),
            ReloadError::Start(error) => anyhow::Error::from(error).context("cannot start"),
        })?;
        let before = self.own_metrics.addresses();
        self.own_metrics.follow(wanted).await;
        for address in self.own_metrics.addresses().iter().filter(|address| !before.contains(address)) {
            eprintln!("own metrics: exposed at {address}");
        }
        self.logs.follow(&loaded.telemetry.logs);
        loaded.problems.iter().chain(&reloaded.warnings).for_each(|warning| eprintln!("{warning}"));
        self.shared.status().set_about(app::about(&loaded, self.registry));
        Ok(Ended::Applied(reloaded))
    }

    /// Shuts down within what is left of the deadline; a second signal ends at once.
    async fn end(self, asked: Instant, mut signals: Signals) -> Result<()> {
        let Operating { running, own_metrics, .. } = self;
        let graceful = async {
            running.shutdown(SHUTDOWN_DEADLINE.saturating_sub(asked.elapsed())).await;
            own_metrics.stop().await;
        };
        tokio::select! {
            () = graceful => {
                info!("shutdown complete");
                Ok(())
            }
            signal = signals.end() => end_at_once(signal),
        }
    }
}

fn end_at_once(signal: &'static str) -> ! {
    error!(signal, "received a second signal, ending at once: what was in memory is lost");
    std::process::exit(1)
}

impl Figures {
    fn new(telemetry: &Telemetry) -> Figures {
        let reloads = |outcome| {
            let help = "Times the configuration was read again, by what became of it.";
            telemetry.counter("chaperone_config_reloads", help, &[("outcome", outcome)])
        };
        let gauge = |name, help| telemetry.gauge(name, help, &[]);
        Figures {
            applied: reloads("applied"),
            unchanged: reloads("unchanged"),
            refused: reloads("refused"),
            successful: gauge("chaperone_config_last_reload_successful", "Whether the configuration read last is in force."),
            last_success: gauge(
                "chaperone_config_last_success_timestamp_seconds",
                "When the configuration in force was read, in seconds since 1970.",
            ),
        }
    }
    fn succeeded(&self, clock: &Clock) {
        self.successful.set(1);
        self.last_success.set(clock.now().unix_ns / 1_000_000_000);
    }
}
