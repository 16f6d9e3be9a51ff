//! `chaperone docs`: the README of a component, as it was when this binary was built.
//!
//! A name that several sections have (`otlp` is a receiver and another spelling of an exporter) gives the component that is
//! really called so; `exporters/otlp` says which is meant.

use crate::cli::{Done, print};
use anyhow::{Result, bail};
use chaperone_config::suggest;
use chaperone_pipeline::{Kind, Meta, Registry};
use clap::Args;

/// Which component.
#[derive(Debug, Args)]
pub struct DocsArgs {
    /// A component such as `otlp_http`, or `exporters/otlp_http`; without it all are listed
    name: Option<String>,
}

pub(crate) fn docs(args: &DocsArgs, registry: &Registry) -> Done {
    match &args.name {
        Some(name) => print(&readmes(name, registry)?),
        None => print(&list(registry)),
    }
}

fn section(kind: Kind) -> String {
    format!("{}s", kind.word())
}

fn list(registry: &Registry) -> String {
    let width = registry.metas().map(|meta| meta.name.len()).max().unwrap_or_default() + "processors/".len();
    registry
        .metas()
        .map(|meta| format!("{:width$}  {}\n", format!("{}/{}", section(meta.kind), meta.name), meta.summary))
        .collect()
}

fn readmes(asked: &str, registry: &Registry) -> Result<String> {
    let (wanted, name) = match asked.split_once('/') {
        Some((section, name)) => (Some(section), name),
        None => (None, asked),
    };
    let in_section = |meta: &&Meta| wanted.is_none_or(|wanted| section(meta.kind) == wanted);
    let mut found: Vec<&Meta> = registry.metas().filter(in_section).filter(|meta| meta.name == name).collect();
    if found.is_empty() {
        found = registry.metas().filter(in_section).filter(|meta| meta.aliases.contains(&name)).collect();
    }
    if found.is_empty() {
        let names: Vec<&str> = registry.metas().map(|meta| meta.name).collect();
        match suggest::hint(name, &names).filter(|hint| hint.starts_with("did you mean")) {
            Some(hint) => bail!("there is no component `{asked}`\n  hint: {hint}"),
            None => bail!("there is no component `{asked}`\n  hint: `chaperone docs` lists them all"),
        }
    }
    Ok(found.into_iter().map(readme).collect::<Vec<_>>().join("\n"))
}

/// What a component brings; one of somebody else's may bring nothing.
fn readme(meta: &Meta) -> String {
    if !meta.readme.is_empty() {
        return meta.readme.to_owned();
    }
    format!("# {}\n\n{}\nIt brings no documentation; `schema config` describes its settings.\n", meta.name, meta.summary)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_component_is_listed_and_has_its_readme() {
        let registry = crate::built_in();
        let list = list(&registry);
        for meta in registry.metas() {
            let name = format!("{}/{}", section(meta.kind), meta.name);
            assert!(list.contains(&format!("{name} ")), "{name}");
            assert_eq!(readmes(&name, &registry).unwrap(), meta.readme, "{name}");
        }
    }

    #[test]
    fn a_name_wins_over_another_spelling() {
        let registry = crate::built_in();
        let of = |asked: &str| readmes(asked, &registry).unwrap().lines().next().unwrap_or_default().to_owned();
        assert_eq!(of("otlp"), of("receivers/otlp"));
        assert_eq!(of("otlphttp"), of("exporters/otlp_http"));
        assert_ne!(of("otlphttp"), of("otlp"));
    }

    #[test]
    fn a_component_without_documentation_says_so() {
        let mut entry = crate::built_in().exporters[0];
        entry.meta = Meta { name: "ours", aliases: &[], summary: "Does it.", readme: "", ..entry.meta };
        let registry = Registry { exporters: Box::leak(Box::new([entry])), ..Registry::NONE };
        let told = readmes("ours", &registry).unwrap();
        assert!(told.starts_with("# ours\n\nDoes it.\n") && told.contains("schema config"), "{told}");
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_nearest() {
        let registry = crate::built_in();
        let error = readmes("otlp_htp", &registry).unwrap_err().to_string();
        assert_eq!(error, "there is no component `otlp_htp`\n  hint: did you mean `otlp_http`?");
        assert!(readmes("processors/otlp_http", &registry).is_err());
    }
}
