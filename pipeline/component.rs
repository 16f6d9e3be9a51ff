//! The three component traits and their factories.

use crate::{Batch, BoxFuture, BuildContext, Chunk, ConfigError, Entrance, Host, Meta, Now, Outbox, RequestSize};
use chaperone_config::UserConfig;
use chaperone_proto::Signal;
use std::sync::Arc;
use std::time::Duration;

/// Declares a processor or connector: its name, its settings, and how to build it.
pub trait ProcessorFactory: 'static {
    /// What the user writes.
    type Config: UserConfig;
    /// Name, signals, summary.
    const META: Meta;
    /// Must not do I/O: files and sockets are opened in `start`.
    fn build(config: Self::Config, ctx: &BuildContext) -> Result<Arc<dyn Processor>, ConfigError>;
}

/// Declares an exporter.
pub trait ExporterFactory: 'static {
    /// What the user writes, without the keys of the shared front.
    type Config: UserConfig;
    /// Name, signals, summary, front.
    const META: Meta;
    /// Must not do I/O.
    fn build(config: Self::Config, ctx: &BuildContext) -> Result<Arc<dyn Exporter>, ConfigError>;
}

/// Declares a receiver.
pub trait ReceiverFactory: 'static {
    /// What the user writes.
    type Config: UserConfig;
    /// Name, signals, summary.
    const META: Meta;
    /// Must not do I/O.
    fn build(config: Self::Config, ctx: &BuildContext) -> Result<Arc<dyn Receiver>, ConfigError>;
}

/// A running processor or connector: synchronous, shared by all cores.
pub trait Processor: Send + Sync {
    /// Restores checkpoints, opens files; never on a data thread.
    fn start(&self, _host: &Host) -> Result<(), StartError> {
        Ok(())
    }
    /// May refuse a request before anything was changed by it (memory limiter, rate limits). Changes no state.
    fn admit(&self, _size: &RequestSize) -> Result<(), Refusal> {
        Ok(())
    }
    /// Told how many items a request had that `admit` refused: for own metrics.
    fn refused(&self, _signal: Signal, _items: usize) {}
    /// Works on one batch. The runner keeps the acknowledgement: `Err` or a panic throws `out` away and resolves it.
    fn process(&self, batch: Batch, out: &mut Outbox) -> Result<(), ProcessError>;
    /// Called when it asked to be (first after a second, floor 10 ms); `Again` if there is more than one bounded piece of work.
    fn tick(&self, _now: Now, _out: &mut Outbox) -> Next {
        Next::After(Duration::from_secs(1))
    }
    /// Shutdown or replacement: give out what is held, one bounded piece a call, until `Done`.
    fn drain(&self, _now: Now, _out: &mut Outbox) -> Next {
        Next::Done
    }
    /// A reload replaces this by an instance of the same id: give out what that one does not take over, as `drain` does.
    ///
    /// What lies in `BuildContext::shared` is the successor's already, and should stay.
    fn hand_over(&self, now: Now, out: &mut Outbox) -> Next {
        self.drain(now, out)
    }
    /// A reload is about to start an instance of the same id beside this one: store what that one restores.
    fn checkpoint(&self, _now: Now) {}
}

/// Sends chunks somewhere. Retry, queue, batching, time-out and breaker are the front's, not its own.
pub trait Exporter: Send + Sync {
    /// Opens what it needs.
    fn start<'a>(&'a self, _host: &'a Host) -> BoxFuture<'a, Result<(), StartError>> {
        Box::pin(async { Ok(()) })
    }
    /// Sends chunks of one signal; `cx` tells the sealed batch's id, the attempt and the deadline.
    fn export<'a>(&'a self, chunks: &'a [Chunk], cx: ExportContext) -> BoxFuture<'a, Result<Exported, ExportError>>;
    /// Whether it throws everything away: then nothing is encoded and queued for it, and `export` is never called.
    fn discards(&self) -> bool {
        false
    }
    /// Flushes and closes.
    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
    /// Where data of a signal go, as labels of what is counted as sent or failed: `server_address`, `server_port`, `url_path`.
    fn destination(&self, _signal: Signal) -> Vec<(&'static str, String)> {
        Vec::new()
    }
}

/// Takes data in and hands it to `Entrance`, which admits, indexes and runs it.
pub trait Receiver: Send + Sync {
    /// Listens; returns when it does.
    fn start<'a>(&'a self, host: &'a Host, entrance: Entrance) -> BoxFuture<'a, Result<(), StartError>>;
    /// Stops accepting and waits for requests in flight.
    fn stop(&self) -> BoxFuture<'_, ()>;
}

/// When a component wants to be called again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// After this time.
    After(Duration),
    /// At once: there is more.
    Again,
    /// Not any more.
    Done,
}

/// A request refused before anything was done with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// A word of a closed set, for a metric label.
    pub reason: &'static str,
    /// For the client.
    pub message: String,
    /// When to try again.
    pub after: Option<Duration>,
}

/// Why a batch was not processed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProcessError {
    /// The client may send it again.
    #[error("{message}")]
    Retryable {
        /// For the client.
        message: String,
        /// Suggested pause.
        after: Option<Duration>,
    },
    /// Sending it again will not help.
    #[error("{message}")]
    Permanent {
        /// For the client.
        message: String,
    },
}

/// A component could not start.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StartError {
    /// What could not be done.
    pub message: String,
    /// Why.
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl StartError {
    /// Without a cause.
    pub fn new(message: impl Into<String>) -> StartError {
        StartError { message: message.into(), source: None }
    }
    /// With its cause.
    pub fn caused_by(message: impl Into<String>, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StartError {
        StartError { message: message.into(), source: Some(source.into()) }
    }
}

/// One delivery.
#[derive(Debug, Clone, Copy)]
pub struct ExportContext {
    /// Id of the sealed batch: the same on every attempt.
    pub batch_id: u128,
    /// From 1.
    pub attempt: u32,
    /// How long the front waits.
    pub timeout: Duration,
    /// When the delivery began.
    pub now: Now,
}

/// A delivery that succeeded, perhaps not for all items.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exported {
    /// Items the destination rejected for good.
    pub rejected: usize,
    /// What it said about them.
    pub message: Option<String>,
}

/// A delivery that failed.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Try again.
    #[error("{message}")]
    Retryable {
        /// What happened.
        message: String,
        /// Pause the destination asked for.
        after: Option<Duration>,
        /// Why.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
    /// Never try again: the items are dropped and counted.
    #[error("{message}")]
    Permanent {
        /// What happened.
        message: String,
        /// Why.
        #[source]
        source: Option<Box<dyn std::error::Error + Send + Sync>>,
    },
}

impl ExportError {
    /// Retryable, without a pause asked for.
    pub fn retryable(message: impl Into<String>) -> ExportError {
        ExportError::Retryable { message: message.into(), after: None, source: None }
    }
    /// Permanent.
    pub fn permanent(message: impl Into<String>) -> ExportError {
        ExportError::Permanent { message: message.into(), source: None }
    }
}
