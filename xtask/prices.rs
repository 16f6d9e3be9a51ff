//! Writes the embedded price list anew from a published one. The file is fetched by whoever runs this, never by us.

use crate::run;
use anyhow::Result;

/// Reads `file`, as genai-prices or LiteLLM publish it, and writes `genai/data/prices.tsv`. `name`: such as `genai-prices@0.2.3`.
pub fn prices(file: &str, name: &str) -> Result<()> {
    let to = "genai/data/prices.tsv";
    run("cargo", &["run", "--quiet", "--package", "chaperone-genai", "--example", "compact_prices", "--", file, name, to])
}
