//! Feature gates: rules that are off unless `--feature-gates` turns them on.
//!
//! Ids and meaning are the Collector's where it has the gate; gates that would change nothing here are not known.

use anyhow::{Result, bail};
use chaperone_config::{Gates, suggest};

/// A gate and where it takes effect.
pub(crate) struct Gate {
    pub id: &'static str,
    pub stage: &'static str,
    pub description: &'static str,
    pub is_on: fn(&Gates) -> bool,
    set: fn(&mut Gates, bool),
}

/// Every gate, sorted by id.
pub(crate) const ALL: &[Gate] = &[
    Gate {
        id: "confmap.enableMergeAppendOption",
        stage: "Alpha",
        description: "A later source adds to service::extensions and to receivers and exporters of pipelines instead of replacing them",
        is_on: |gates| gates.append_lists,
        set: |gates, on| gates.append_lists = on,
    },
    Gate {
        id: "service.AllowNoPipelines",
        stage: "Alpha",
        description: "A service without pipelines is accepted",
        is_on: |gates| gates.allow_no_pipelines,
        set: |gates, on| gates.allow_no_pipelines = on,
    },
];

/// The gate of an id.
pub(crate) fn find(id: &str) -> Result<&'static Gate> {
    if let Some(gate) = ALL.iter().find(|gate| gate.id == id) {
        return Ok(gate);
    }
    let known: Vec<&str> = ALL.iter().map(|gate| gate.id).collect();
    match suggest::hint(id, &known) {
        Some(hint) => bail!("no such feature gate `{id}`\n  hint: {hint}"),
        None => bail!("no such feature gate `{id}`"),
    }
}

/// What `--feature-gates` says: `a,+b,-c`; later ones win.
pub(crate) fn parse(texts: &[String]) -> Result<Gates> {
    let mut gates = Gates::default();
    let words = texts.iter().flat_map(|text| text.split(',')).map(str::trim).filter(|word| !word.is_empty());
    for word in words {
        let (on, id) = match word.strip_prefix('-') {
            Some(id) => (false, id),
            None => (true, word.strip_prefix('+').unwrap_or(word)),
        };
        (find(id)?.set)(&mut gates, on);
    }
    Ok(gates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_turned_on_and_off_in_order() {
        let parsed = |texts: &[&str]| parse(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        let both = parsed(&["confmap.enableMergeAppendOption,+service.AllowNoPipelines"]).unwrap();
        assert_eq!(both, Gates { append_lists: true, allow_no_pipelines: true });
        let one = parsed(&["service.AllowNoPipelines", "-service.AllowNoPipelines, +confmap.enableMergeAppendOption"]).unwrap();
        assert_eq!(one, Gates { append_lists: true, allow_no_pipelines: false });
        assert_eq!(parsed(&[]).unwrap(), Gates::default());
    }

    #[test]
    fn an_unknown_gate_is_refused_with_the_nearest() {
        let message = parse(&["service.AllowNoPipeline".to_owned()]).unwrap_err().to_string();
        assert_eq!(message, "no such feature gate `service.AllowNoPipeline`\n  hint: did you mean `service.AllowNoPipelines`?");
    }

    #[test]
    fn every_gate_sets_what_it_shows() {
        assert!(ALL.is_sorted_by_key(|gate| gate.id));
        for gate in ALL {
            let gates = parse(&[gate.id.to_owned()]).unwrap();
            assert!((gate.is_on)(&gates) && !(gate.is_on)(&Gates::default()), "{}", gate.id);
        }
    }
}
