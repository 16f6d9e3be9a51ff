//! `cargo xtask corpus [PREFIX]`: every capture through the graph, compared with what its wire carries, a row a framework.
//!
//! The comparison is the test `facts` of the connectors (`tests/facts`), which prints each difference and writes what it compared;
//! this adds its lines up. A cell is `equal/of`: captures that have something of the kind, and of these the equal ones.

use crate::root;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

const TEST: [&str; 8] = ["test", "--package", "chaperone-connectors", "--test", "facts", "--", "--nocapture", "--quiet"];

/// Sums and cells of a framework.
#[derive(Default)]
struct Row {
    captures: u64,
    equal: u64,
    sums: Vec<u64>,
    /// (equal, of).
    cells: Vec<(u64, u64)>,
}

/// Runs the comparison for the captures that begin with `prefix` and prints the table.
pub fn run(prefix: &str) -> Result<()> {
    let file = std::env::temp_dir().join(format!("chaperone-corpus-{}.tsv", std::process::id()));
    let mut test = Command::new("cargo");
    test.args(TEST).current_dir(root()).env("CHAPERONE_CORPUS", prefix).env("CHAPERONE_CORPUS_TABLE", &file);
    let status = test.status().context("cannot run `cargo`")?;
    let written = fs::read_to_string(&file).context("the comparison wrote no table")?;
    fs::remove_file(&file).context("cannot remove the table")?;
    print!("{}", table(&written)?);
    if !status.success() {
        bail!("captures differ from their facts otherwise than tests/facts/OPEN.tsv says");
    }
    Ok(())
}

/// The table in text.
fn table(written: &str) -> Result<String> {
    let mut lines = written.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let head = lines.next().context("the comparison wrote an empty table")?;
    let sums = head.iter().filter(|name| name.starts_with("sum ")).count();
    let (names, kinds) = (head.get(2..2 + sums), head.get(2 + sums..));
    let (names, kinds) = (names.context("no sums")?, kinds.context("no kinds")?);
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    let mut all = Row::default();
    for line in lines {
        let (Some(framework), Some(numbers), Some(cells)) = (line.get(1), line.get(2..2 + sums), line.get(2 + sums..)) else {
            bail!("a line of the table is cut off");
        };
        rows.entry(framework).or_default().add(numbers, cells)?;
        all.add(numbers, cells)?;
    }
    let mut heading = vec!["framework".to_owned(), "captures".to_owned()];
    heading.extend(names.iter().map(|name| name.trim_start_matches("sum ").to_owned()));
    heading.extend(kinds.iter().map(|kind| (*kind).to_owned()));
    let mut printed = vec![heading];
    printed.extend(rows.iter().map(|(framework, row)| row.words(framework)));
    printed.push(all.words("all"));
    Ok(aligned(&printed))
}

impl Row {
    fn add(&mut self, numbers: &[&str], cells: &[&str]) -> Result<()> {
        self.sums.resize(numbers.len(), 0);
        self.cells.resize(cells.len(), (0, 0));
        self.captures += 1;
        self.equal += u64::from(!cells.contains(&"!"));
        for (sum, number) in self.sums.iter_mut().zip(numbers) {
            *sum += number.parse::<u64>().context("a sum is no number")?;
        }
        for (count, cell) in self.cells.iter_mut().zip(cells) {
            count.0 += u64::from(*cell == "=");
            count.1 += u64::from(*cell != "-");
        }
        Ok(())
    }

    fn words(&self, framework: &str) -> Vec<String> {
        let mut words = vec![framework.to_owned(), format!("{}/{}", self.equal, self.captures)];
        words.extend(self.sums.iter().map(u64::to_string));
        words.extend(self.cells.iter().map(|(equal, of)| if *of == 0 { "-".to_owned() } else { format!("{equal}/{of}") }));
        words
    }
}

/// Columns as wide as their widest word; the first to the left, the others to the right.
fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |at: usize| rows.iter().filter_map(|row| row.get(at)).map(String::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        for (at, (word, width)) in row.iter().zip(&widths).enumerate() {
            let cell = if at == 0 { format!("{word:<width$}") } else { format!("  {word:>width$}") };
            text += &cell;
        }
        text = text.trim_end().to_owned() + "\n";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRITTEN: &str = "capture\tframework\tsum calls\ttokens\tfinish\n\
        a-chat\ta\t1\t=\t-\n\
        a-loop\ta\t2\t!\t=\n\
        b-chat\tb\t4\t=\t=\n";

    #[test]
    fn a_framework_adds_up_its_captures() {
        let table = table(WRITTEN).unwrap();
        let rows: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[0], ["framework", "captures", "calls", "tokens", "finish"]);
        assert_eq!(rows[1], ["a", "1/2", "3", "1/2", "1/1"]);
        assert_eq!(rows[2], ["b", "1/1", "4", "1/1", "1/1"]);
        assert_eq!(rows[3], ["all", "2/3", "7", "2/3", "2/2"]);
    }

    #[test]
    fn a_line_that_is_cut_off_is_an_error() {
        assert!(table("capture\tframework\tsum calls\ttokens\na-chat\ta\n").is_err());
    }
}
