//! What components say about themselves, and the slices in which they are listed.

use crate::component::{Exporter, ExporterFactory, Processor, ProcessorFactory, Receiver, ReceiverFactory};
use crate::extension::{Extension, ExtensionFactory};
use crate::{BuildContext, ConfigError};
use chaperone_config::{Node, Problems, effective_settings, parse_settings, read_settings};
use chaperone_proto::Signal;
use std::sync::Arc;

/// The sections of `collector.yaml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// `receivers:`
    Receiver,
    /// `processors:`
    Processor,
    /// `connectors:`
    Connector,
    /// `exporters:`
    Exporter,
    /// `extensions:`
    Extension,
}

/// How settled a component is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stability {
    /// May change in any release.
    Development,
    /// Complete, may change with notice.
    Alpha,
    /// Settled.
    Stable,
}

/// A set of signals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Signals {
    /// Spans.
    pub traces: bool,
    /// Metrics.
    pub metrics: bool,
    /// Logs.
    pub logs: bool,
}

impl Signals {
    /// None.
    pub const NONE: Signals = Signals { traces: false, metrics: false, logs: false };
    /// All three.
    pub const ALL: Signals = Signals { traces: true, metrics: true, logs: true };
    /// Spans and log records.
    pub const RECORDS: Signals = Signals { traces: true, metrics: false, logs: true };
    /// Logs only.
    pub const LOGS: Signals = Signals { traces: false, metrics: false, logs: true };
    /// Metrics only.
    pub const METRICS: Signals = Signals { traces: false, metrics: true, logs: false };
    /// Whether a signal is in it.
    pub const fn has(self, signal: Signal) -> bool {
        match signal {
            Signal::Traces => self.traces,
            Signal::Metrics => self.metrics,
            Signal::Logs => self.logs,
        }
    }
}

/// Defaults of the shared exporter front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Front {
    /// Whether there is a queue unless the user turns it off. Without one the request waits for the delivery.
    pub queue: bool,
    /// Whether failed deliveries are retried.
    pub retry: bool,
    /// Time for one delivery.
    pub timeout_ms: u64,
    /// Longest time data wait to be batched; 0 = sent as they come.
    pub flush_ms: u64,
}

impl Front {
    /// Deliveries over a network: queue, retry, 5 s.
    pub const NETWORK: Front = Front { queue: true, retry: true, timeout_ms: 5000, flush_ms: 200 };
    /// Deliveries inside the process or to standard output: no queue, no retry.
    pub const DIRECT: Front = Front { queue: false, retry: false, timeout_ms: 5000, flush_ms: 0 };
}

/// What a component says about itself.
#[derive(Debug, Clone, Copy)]
pub struct Meta {
    /// Section.
    pub kind: Kind,
    /// Type in `collector.yaml` and name of its folder.
    pub name: &'static str,
    /// Other spellings that are accepted.
    pub aliases: &'static [&'static str],
    /// One sentence.
    pub summary: &'static str,
    /// How settled it is.
    pub stability: Stability,
    /// Signals it takes (receivers: gives).
    pub signals: Signals,
    /// Signals it passes with their acknowledgement.
    pub passes: Signals,
    /// Signals a connector makes.
    pub derives: Signals,
    /// Front of an exporter.
    pub front: Front,
    /// Whether an extension keeps state for others: what `storage` settings may name.
    pub stores: bool,
    /// Its README.
    pub readme: &'static str,
}

impl Meta {
    /// A receiver of these signals.
    pub const fn receiver(name: &'static str, summary: &'static str, signals: Signals) -> Meta {
        Meta::of(Kind::Receiver, name, summary, signals, Signals::NONE, Signals::NONE)
    }
    /// A processor of these signals, which passes them all.
    pub const fn processor(name: &'static str, summary: &'static str, signals: Signals) -> Meta {
        Meta::of(Kind::Processor, name, summary, signals, signals, Signals::NONE)
    }
    /// A connector: takes, passes with acknowledgement, makes.
    pub const fn connector(name: &'static str, summary: &'static str, takes: Signals, passes: Signals, derives: Signals) -> Meta {
        Meta::of(Kind::Connector, name, summary, takes, passes, derives)
    }
    /// An exporter of these signals.
    pub const fn exporter(name: &'static str, summary: &'static str, signals: Signals, front: Front) -> Meta {
        let mut meta = Meta::of(Kind::Exporter, name, summary, signals, Signals::NONE, Signals::NONE);
        meta.front = front;
        meta
    }
    /// An extension.
    pub const fn extension(name: &'static str, summary: &'static str) -> Meta {
        Meta::of(Kind::Extension, name, summary, Signals::NONE, Signals::NONE, Signals::NONE)
    }
    /// An extension that keeps state for others.
    pub const fn stores(mut self) -> Meta {
        self.stores = true;
        self
    }
    const fn of(
        kind: Kind,
        name: &'static str,
        summary: &'static str,
        signals: Signals,
        passes: Signals,
        derives: Signals,
    ) -> Meta {
        Meta {
            kind,
            name,
            aliases: &[],
            summary,
            stability: Stability::Development,
            signals,
            passes,
            derives,
            front: Front::DIRECT,
            stores: false,
            readme: "",
        }
    }
    /// With other spellings.
    pub const fn aliases(mut self, aliases: &'static [&'static str]) -> Meta {
        self.aliases = aliases;
        self
    }
    /// With a stability.
    pub const fn stability(mut self, stability: Stability) -> Meta {
        self.stability = stability;
        self
    }
    /// With its README.
    pub const fn readme(mut self, readme: &'static str) -> Meta {
        self.readme = readme;
        self
    }
}

/// Checked settings of which only the factory knows the type.
pub type AnyConfig = Box<dyn std::any::Any + Send>;
type Parse = fn(&Node, &str) -> Result<AnyConfig, Problems>;
type Read = fn(&Node, &str, &mut Problems) -> Option<AnyConfig>;
type Effective = fn(&Node, &str, bool, &mut Problems) -> Option<serde_json::Value>;
type Build<P> = fn(AnyConfig, &BuildContext) -> Result<Arc<P>, ConfigError>;

/// One line of a registry.
pub struct Entry<P: ?Sized + 'static> {
    /// What it says about itself.
    pub meta: Meta,
    /// Reads and checks settings.
    pub parse: Parse,
    /// The same with warnings kept; `None` if there are errors.
    pub read: Read,
    /// The settings in force, defaults filled in; secrets are shown only if the flag says so.
    pub effective: Effective,
    /// Builds an instance from what `parse` gave.
    pub build: Build<P>,
    /// JSON schema of the settings.
    pub schema: fn() -> schemars::Schema,
}

// By hand, because deriving would ask the same of the trait object.
impl<P: ?Sized + 'static> Clone for Entry<P> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<P: ?Sized + 'static> Copy for Entry<P> {}

impl<P: ?Sized + 'static> Entry<P> {
    /// Whether users may write this word: its name or an alias.
    pub fn is_called(&self, word: &str) -> bool {
        self.meta.name == word || self.meta.aliases.contains(&word)
    }
}

/// A processor or connector in a registry.
pub type ProcessorEntry = Entry<dyn Processor>;
/// An exporter in a registry.
pub type ExporterEntry = Entry<dyn Exporter>;
/// A receiver in a registry.
pub type ReceiverEntry = Entry<dyn Receiver>;
/// An extension in a registry.
pub type ExtensionEntry = Entry<dyn Extension>;

macro_rules! entry_of {
    ($trait:ident, $factory:ident) => {
        impl Entry<dyn $trait> {
            /// The entry of a factory.
            pub const fn of<F: $factory>() -> Self {
                Entry {
                    meta: F::META,
                    parse: |node, path| parse_settings::<F::Config>(node, path).map(|config| Box::new(config) as AnyConfig),
                    read: |node, path, problems| {
                        read_settings::<F::Config>(node, path, problems).map(|config| Box::new(config) as AnyConfig)
                    },
                    effective: effective_settings::<F::Config>,
                    build: |config, ctx| {
                        let config = config.downcast::<F::Config>().expect("invariant: `parse` of the same entry made this");
                        F::build(*config, ctx)
                    },
                    schema: || schemars::schema_for!(F::Config),
                }
            }
        }
    };
}
entry_of!(Processor, ProcessorFactory);
entry_of!(Exporter, ExporterFactory);
entry_of!(Receiver, ReceiverFactory);
entry_of!(Extension, ExtensionFactory);

/// All components a binary has, in the order of the docs.
#[derive(Clone, Copy)]
pub struct Registry {
    /// Receivers.
    pub receivers: &'static [ReceiverEntry],
    /// Processors.
    pub processors: &'static [ProcessorEntry],
    /// Connectors.
    pub connectors: &'static [ProcessorEntry],
    /// Exporters.
    pub exporters: &'static [ExporterEntry],
    /// Extensions.
    pub extensions: &'static [ExtensionEntry],
}

impl Registry {
    /// No components: what a third party's own begin with.
    pub const NONE: Registry = Registry { receivers: &[], processors: &[], connectors: &[], exporters: &[], extensions: &[] };
    /// What every component says about itself.
    pub fn metas(&self) -> impl Iterator<Item = &'static Meta> {
        self.receivers
            .iter()
            .map(|entry| &entry.meta)
            .chain(self.processors.iter().map(|entry| &entry.meta))
            .chain(self.connectors.iter().map(|entry| &entry.meta))
            .chain(self.exporters.iter().map(|entry| &entry.meta))
            .chain(self.extensions.iter().map(|entry| &entry.meta))
    }
}
