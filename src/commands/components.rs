//! `chaperone components`: every component of this binary as YAML on standard output.
//!
//! The shape is the Collector's, sorted by name, with the other spellings and a summary beside it.

use crate::cli::{Done, Program};
use chaperone_pipeline::{Kind, Meta, Registry, Stability};
use chaperone_proto::Signal;
use std::fmt::Write;
use std::io::Write as _;

pub(crate) fn components(registry: &Registry, program: Program) -> Done {
    std::io::stdout().write_all(listing(registry, program).as_bytes())?;
    Ok(())
}

fn listing(registry: &Registry, program: Program) -> String {
    let mut out = format!(
        "buildinfo:\n  command: {}\n  description: {}\n  version: {}\n",
        program.name,
        env!("CARGO_PKG_DESCRIPTION"),
        program.version
    );
    let sections = [
        (Kind::Receiver, "receivers"),
        (Kind::Processor, "processors"),
        (Kind::Exporter, "exporters"),
        (Kind::Connector, "connectors"),
        (Kind::Extension, "extensions"),
    ];
    for (kind, section) in sections {
        let mut metas: Vec<&Meta> = registry.metas().filter(|meta| meta.kind == kind).collect();
        metas.sort_by_key(|meta| meta.name);
        let _ = writeln!(out, "{section}:{}", if metas.is_empty() { " []" } else { "" });
        for meta in metas {
            component(meta, &mut out);
        }
    }
    out
}

fn component(meta: &Meta, out: &mut String) {
    let _ = writeln!(out, "  - name: {}", meta.name);
    let _ = writeln!(out, "    summary: {}", quoted(meta.summary));
    if !meta.aliases.is_empty() {
        let _ = writeln!(out, "    aliases: [{}]", meta.aliases.join(", "));
    }
    out.push_str("    stability:\n");
    let level = |supported| if supported { stability(meta.stability) } else { "Undefined" };
    if meta.kind == Kind::Extension {
        let _ = writeln!(out, "      extension: {}", stability(meta.stability));
        return;
    }
    if meta.kind != Kind::Connector {
        for signal in [Signal::Logs, Signal::Metrics, Signal::Traces] {
            let _ = writeln!(out, "      {}: {}", signal.name(), level(meta.signals.has(signal)));
        }
        return;
    }
    for from in [Signal::Logs, Signal::Metrics, Signal::Traces] {
        for to in [Signal::Logs, Signal::Metrics, Signal::Traces] {
            let made = meta.derives.has(to) || (from == to && meta.passes.has(to));
            let _ = writeln!(out, "      {}-to-{}: {}", from.name(), to.name(), level(meta.signals.has(from) && made));
        }
    }
}

fn stability(stability: Stability) -> &'static str {
    match stability {
        Stability::Development => "Development",
        Stability::Alpha => "Alpha",
        Stability::Stable => "Stable",
    }
}

/// A YAML text in double quotes.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chaperone_config::Node;

    #[test]
    fn the_listing_is_yaml_and_names_every_component_once() {
        let registry = crate::built_in();
        let tree = Node::parse(&listing(&registry, Program { name: "chaperone", version: "1.0" }), "components").unwrap();
        let sections = ["receivers", "processors", "exporters", "connectors", "extensions"];
        let mut listed: Vec<String> = sections
            .iter()
            .flat_map(|section| tree.get(section).into_iter().flat_map(Node::items))
            .filter_map(|item| item.get("name")?.text().map(str::to_owned))
            .collect();
        let mut known: Vec<String> = registry.metas().map(|meta| meta.name.to_owned()).collect();
        listed.sort();
        known.sort();
        assert_eq!(listed, known);
    }

    #[test]
    fn a_connector_says_what_it_makes_of_what() {
        let takes = chaperone_pipeline::Signals { traces: true, metrics: false, logs: false };
        let meta = Meta::connector("c", "Says \"x\".", takes, takes, chaperone_pipeline::Signals::METRICS);
        let mut out = String::new();
        component(&meta, &mut out);
        assert!(out.contains("summary: \"Says \\\"x\\\".\""), "{out}");
        assert!(out.contains("traces-to-metrics: Development") && out.contains("traces-to-traces: Development"), "{out}");
        assert!(out.contains("traces-to-logs: Undefined") && out.contains("logs-to-logs: Undefined"), "{out}");
    }
}
