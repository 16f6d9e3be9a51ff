//! What every component of the registries must do, found by walking them: nobody is listed by hand.
//!
//! Its folder has its name, its README names every setting, its defaults build, each of its mistakes is refused, unknown
//! keys are refused with a place, and it lives through real captures without losing count.

mod examples;
mod life;
mod settings;

use chaperone::pipeline::registry::{AnyConfig, Kind, Meta};
use chaperone::pipeline::{BuildContext, Clock, ConfigError};
use chaperone_config::{Node, Problems};
use std::path::PathBuf;

/// Builds an instance and lets it go.
type Build = Box<dyn Fn(AnyConfig, &BuildContext) -> Result<(), ConfigError>>;

/// One registry entry, whatever its kind.
struct Component {
    meta: Meta,
    parse: fn(&Node, &str) -> Result<AnyConfig, Problems>,
    build: Build,
    schema: fn() -> schemars::Schema,
}

impl Component {
    /// `processors/gen_ai_cost`.
    fn folder(&self) -> PathBuf {
        let kind = match self.meta.kind {
            Kind::Receiver => "receivers",
            Kind::Processor => "processors",
            Kind::Connector => "connectors",
            Kind::Exporter => "exporters",
            Kind::Extension => "extensions",
        };
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(kind).join(self.meta.name)
    }

    /// Parses and builds; every problem as text.
    fn try_build(&self, yaml: &str) -> Result<(), String> {
        chaperone_genai::keys::install();
        let node = if yaml.trim().is_empty() {
            Node::null()
        } else {
            Node::parse(yaml, "test.yaml").map_err(|error| error.to_string())?
        };
        let config = (self.parse)(&node, self.meta.name).map_err(|error| error.to_string())?;
        let ctx = BuildContext::for_tests(self.meta.name, Clock::manual(1));
        (self.build)(config, &ctx).map_err(|error| error.to_string())
    }
}

/// Every component there is.
fn components() -> Vec<Component> {
    let registry = chaperone::built_in();
    macro_rules! of {
        ($entries:expr) => {
            $entries.iter().map(|entry| Component {
                meta: entry.meta,
                parse: entry.parse,
                build: Box::new(|config, ctx| (entry.build)(config, ctx).map(|_| ())),
                schema: entry.schema,
            })
        };
    }
    let mut all: Vec<Component> = of!(registry.receivers).collect();
    all.extend(of!(registry.processors));
    all.extend(of!(registry.connectors));
    all.extend(of!(registry.exporters));
    all.extend(of!(registry.extensions));
    assert!(all.len() > 15, "the registries are empty");
    all
}
