//! Components for tests of the engine: each does one thing, as its settings or its script say.

use super::script::{LocalFactory, NetFactory, VoidFactory};
use crate::registry::Entry;
use crate::{
    Ack, Batch, BoxFuture, BuildContext, ConfigError, Entrance, Exporter, Host, Meta, Next, Now, Outbox, ProcessError, Processor,
    ProcessorFactory, Receiver, ReceiverFactory, Refusal, Registry, RequestSize, Signals, StartError,
};
use chaperone_config::{Problems, UserConfig};
use chaperone_proto::Data;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};
use std::time::Duration;

pub(crate) static REGISTRY: Registry = Registry {
    receivers: RECEIVERS,
    processors: PROCESSORS,
    connectors: CONNECTORS,
    exporters: EXPORTERS,
    extensions: super::beside::EXTENSIONS,
};
static RECEIVERS: &[Entry<dyn Receiver>] =
    &[Entry::<dyn Receiver>::of::<TapsFactory>(), Entry::<dyn Receiver>::of::<OwnEvents>()];
static PROCESSORS: &[Entry<dyn Processor>] = &[
    Entry::<dyn Processor>::of::<ActFactory>(),
    Entry::<dyn Processor>::of::<TracesOnly>(),
    Entry::<dyn Processor>::of::<Keep>(),
    Entry::<dyn Processor>::of::<Scale>(),
];
static CONNECTORS: &[Entry<dyn Processor>] = &[
    Entry::<dyn Processor>::of::<ForwardFactory>(),
    Entry::<dyn Processor>::of::<CopyFactory>(),
    Entry::<dyn Processor>::of::<CountFactory>(),
    Entry::<dyn Processor>::of::<Trickle>(),
];
static EXPORTERS: &[Entry<dyn Exporter>] = &[
    Entry::<dyn Exporter>::of::<NetFactory>(),
    Entry::<dyn Exporter>::of::<LocalFactory>(),
    Entry::<dyn Exporter>::of::<VoidFactory>(),
];

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Nothing {}
impl UserConfig for Nothing {}

/// Where the started receiver `taps` leaves its entrance for the test.
pub(crate) type Taps = Mutex<Option<Entrance>>;

struct TapsFactory(Arc<Taps>);
impl ReceiverFactory for TapsFactory {
    type Config = Nothing;
    const META: Meta = Meta::receiver("taps", "Lets tests in.", Signals::ALL).aliases(&["tap"]);
    fn build(_: Nothing, ctx: &BuildContext) -> Result<Arc<dyn Receiver>, ConfigError> {
        Ok(Arc::new(TapsFactory(ctx.shared(Taps::default))))
    }
}
impl Receiver for TapsFactory {
    fn start<'a>(&'a self, _: &'a Host, entrance: Entrance) -> BoxFuture<'a, Result<(), StartError>> {
        *self.0.lock().unwrap() = Some(entrance);
        Box::pin(async { Ok(()) })
    }
    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

struct OwnEvents;
impl ReceiverFactory for OwnEvents {
    type Config = Nothing;
    const META: Meta = Meta::receiver("own_events", "Reports.", Signals::LOGS);
    fn build(_: Nothing, _: &BuildContext) -> Result<Arc<dyn Receiver>, ConfigError> {
        Ok(Arc::new(OwnEvents))
    }
}
impl Receiver for OwnEvents {
    fn start<'a>(&'a self, _: &'a Host, _: Entrance) -> BoxFuture<'a, Result<(), StartError>> {
        Box::pin(async { Ok(()) })
    }
    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// What `act` does with a batch.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    #[default]
    Pass,
    /// Passes the first record, drops the others.
    First,
    /// Passes each record as a batch of its own.
    Split,
    /// Holds until the next tick; then passes all that is held as one batch.
    Merge,
    /// Holds, and never lets go of the share; the drain loses it.
    Lose,
    /// Gives nothing out and says nothing about it.
    Swallow,
    FailRetryable,
    FailPermanent,
    Panic,
    /// Says no at admission.
    Refuse,
    RefuseToBuild,
    RefuseToStart,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ActConfig {
    pub what: What,
    pub limit: u32,
}
impl UserConfig for ActConfig {
    fn check(&self, problems: &mut Problems) {
        if self.limit > 100 {
            problems.error("limit", "`limit` is over 100");
        }
    }
}

struct ActFactory {
    what: What,
    held: Mutex<Vec<(Batch, Ack)>>,
}
impl ProcessorFactory for ActFactory {
    type Config = ActConfig;
    const META: Meta = Meta::processor("act", "Does what it is told.", Signals::ALL);
    fn build(config: ActConfig, _: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        if config.what == What::RefuseToBuild {
            return Err(ConfigError::at("what", "cannot be built"));
        }
        Ok(Arc::new(ActFactory { what: config.what, held: Mutex::default() }))
    }
}

fn some(data: &Data, indexes: &[u32]) -> Data {
    match data {
        Data::Logs(logs) => Data::Logs(logs.extract(indexes)),
        Data::Traces(traces) => Data::Traces(traces.extract(indexes)),
        Data::Metrics(metrics) => Data::Metrics(metrics.clone()),
    }
}

impl Processor for ActFactory {
    fn start(&self, _: &Host) -> Result<(), StartError> {
        if self.what == What::RefuseToStart { Err(StartError::new("it was told so")) } else { Ok(()) }
    }
    fn admit(&self, _: &RequestSize) -> Result<(), Refusal> {
        match self.what {
            What::Refuse => Err(Refusal { reason: "told_so", message: "not now".into(), after: Some(Duration::from_secs(2)) }),
            _ => Ok(()),
        }
    }
    fn process(&self, batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        let (signal, items) = (batch.signal(), batch.items());
        match self.what {
            What::Pass | What::Refuse | What::RefuseToBuild | What::RefuseToStart => out.pass(batch),
            What::First => {
                out.pass(Batch::new(some(&batch.data, &[0])));
                out.drop_items(signal, items - 1, "not_first");
            }
            What::Split => {
                for i in 0..items as u32 {
                    out.pass(Batch::new(some(&batch.data, &[i])));
                }
            }
            What::Merge | What::Lose => {
                let ack = out.hold(signal, items);
                self.held.lock().unwrap().push((batch, ack));
            }
            What::Swallow => {}
            What::FailRetryable => {
                out.pass(batch);
                return Err(ProcessError::Retryable { message: "later".into(), after: None });
            }
            What::FailPermanent => return Err(ProcessError::Permanent { message: "never".into() }),
            What::Panic => panic!("told to"),
        }
        Ok(())
    }
    fn tick(&self, _: Now, out: &mut Outbox) -> Next {
        let held = std::mem::take(&mut *self.held.lock().unwrap());
        if self.what == What::Lose {
            // The shares go with the batches, unresolved; their items stay counted as held.
            drop(held);
            return Next::Done;
        }
        give_out(held, out);
        Next::After(Duration::from_secs(1))
    }
    fn drain(&self, _: Now, out: &mut Outbox) -> Next {
        give_out(std::mem::take(&mut *self.held.lock().unwrap()), out);
        Next::Done
    }
}

/// All held batches as one, with one share for all.
fn give_out(held: Vec<(Batch, Ack)>, out: &mut Outbox) {
    if held.is_empty() {
        return;
    }
    let (batches, acks): (Vec<Batch>, Vec<Ack>) = held.into_iter().unzip();
    let body = batches.iter().flat_map(|batch| batch.data.encode()).collect::<Vec<_>>().concat();
    let merged = Data::decode(batches[0].signal(), body.into(), &Default::default()).expect("requests can be concatenated");
    out.pass_held(Batch::new(merged), Ack::merge(acks));
}

struct TracesOnly;
impl ProcessorFactory for TracesOnly {
    type Config = Nothing;
    const META: Meta = Meta::processor("traces_only", "Passes traces.", Signals { traces: true, metrics: false, logs: false });
    fn build(_: Nothing, _: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        Ok(Arc::new(TracesOnly))
    }
}
impl Processor for TracesOnly {
    fn process(&self, batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        out.pass(batch);
        Ok(())
    }
}

/// Asks for a store, and passes.
struct Keep(Option<String>);
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct KeepConfig {
    storage: Option<String>,
}
impl UserConfig for KeepConfig {}
impl ProcessorFactory for Keep {
    type Config = KeepConfig;
    const META: Meta = Meta::processor("keep", "Keeps state.", Signals::ALL);
    fn build(config: KeepConfig, ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        ctx.check_storage(config.storage.as_deref())?;
        Ok(Arc::new(Keep(config.storage)))
    }
}
impl Processor for Keep {
    fn start(&self, host: &Host) -> Result<(), StartError> {
        host.storage(self.0.as_deref()).map(drop)
    }
    fn process(&self, batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        out.pass(batch);
        Ok(())
    }
}

/// What `scale` read: accounted bytes while a batch was worked on.
pub(crate) type Read = Mutex<Vec<usize>>;

/// Weighs the process while it works on a batch.
struct Scale(Arc<Read>, std::sync::OnceLock<Host>);
impl ProcessorFactory for Scale {
    type Config = Nothing;
    const META: Meta = Meta::processor("scale", "Weighs.", Signals::ALL);
    fn build(_: Nothing, ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        Ok(Arc::new(Scale(ctx.shared(Read::default), std::sync::OnceLock::new())))
    }
}
impl Processor for Scale {
    fn start(&self, host: &Host) -> Result<(), StartError> {
        let _ = self.1.set(host.clone());
        Ok(())
    }
    fn process(&self, batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        self.0.lock().unwrap().extend(self.1.get().map(Host::accounted_bytes));
        out.pass(batch);
        Ok(())
    }
}

struct ForwardFactory;
impl ProcessorFactory for ForwardFactory {
    type Config = Nothing;
    const META: Meta = Meta::connector("forward", "Passes.", Signals::ALL, Signals::ALL, Signals::NONE);
    fn build(_: Nothing, _: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        Ok(Arc::new(ForwardFactory))
    }
}
impl Processor for ForwardFactory {
    fn process(&self, batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        out.pass(batch);
        Ok(())
    }
}

/// Derives a copy of every batch at once.
struct CopyFactory;
impl ProcessorFactory for CopyFactory {
    type Config = Nothing;
    const META: Meta = Meta::connector("copy", "Derives a copy.", Signals::RECORDS, Signals::NONE, Signals::LOGS);
    fn build(_: Nothing, _: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        Ok(Arc::new(CopyFactory))
    }
}
impl Processor for CopyFactory {
    fn process(&self, batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        out.derive(batch);
        Ok(())
    }
}

/// Makes one record, when nothing new has come for a minute, about how many it saw.
#[derive(Default)]
struct CountFactory(Mutex<(usize, Duration)>);
impl ProcessorFactory for CountFactory {
    type Config = Nothing;
    const META: Meta = Meta::connector("count", "Counts.", Signals::RECORDS, Signals::NONE, Signals::LOGS);
    fn build(_: Nothing, _: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        Ok(Arc::new(CountFactory::default()))
    }
}
impl Processor for CountFactory {
    fn process(&self, batch: Batch, out: &mut Outbox) -> Result<(), ProcessError> {
        let mut seen = self.0.lock().unwrap();
        *seen = (seen.0 + batch.items(), out.now().mono);
        Ok(())
    }
    fn tick(&self, now: Now, out: &mut Outbox) -> Next {
        let mut seen = self.0.lock().unwrap();
        if seen.0 == 0 {
            return Next::Done;
        }
        if now.mono >= seen.1 + Duration::from_secs(60) {
            out.derive(Batch::new(Data::Logs(super::records(1, now.unix_ns))));
            seen.0 = 0;
        }
        Next::After(Duration::from_secs(1))
    }
}

/// Counts records, and gives out one for each at the drain, one a piece.
#[derive(Default)]
struct Trickle(Mutex<usize>);
impl ProcessorFactory for Trickle {
    type Config = Nothing;
    const META: Meta = Meta::connector("trickle", "Gives out at the end.", Signals::LOGS, Signals::NONE, Signals::LOGS);
    fn build(_: Nothing, _: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError> {
        Ok(Arc::new(Trickle::default()))
    }
}
impl Processor for Trickle {
    fn process(&self, batch: Batch, _: &mut Outbox) -> Result<(), ProcessError> {
        *self.0.lock().unwrap() += batch.items();
        Ok(())
    }
    fn drain(&self, now: Now, out: &mut Outbox) -> Next {
        let mut left = self.0.lock().unwrap();
        if *left == 0 {
            return Next::Done;
        }
        *left -= 1;
        out.derive(Batch::new(Data::Logs(super::records(1, now.unix_ns))));
        Next::Again
    }
}
