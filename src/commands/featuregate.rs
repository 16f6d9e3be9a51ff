//! `chaperone featuregate`: the gates that `--feature-gates` knows, as a table.

use crate::cli::{Done, print};
use crate::gates::{self, Gate};
use clap::Args;

/// Which gates.
#[derive(Debug, Args)]
pub struct FeaturegateArgs {
    /// The id of one gate; all unless given
    id: Option<String>,
}

pub(crate) fn featuregate(args: &FeaturegateArgs, texts: &[String]) -> Done {
    let states = gates::parse(texts)?;
    let gates: Vec<&Gate> = match &args.id {
        Some(id) => vec![gates::find(id)?],
        None => gates::ALL.iter().collect(),
    };
    let width = gates.iter().map(|gate| gate.id.len()).max().unwrap_or_default();
    let mut table = format!("{:width$}  ENABLED  STAGE  DESCRIPTION\n", "ID");
    for gate in gates {
        let enabled = (gate.is_on)(&states).to_string();
        table += &format!("{:width$}  {enabled:7}  {:5}  {}\n", gate.id, gate.stage, gate.description);
    }
    print(&table)
}
