//! Writes `genai/data/prices.tsv` from a published list: `cargo xtask prices FILE NAME@VERSION`.

use chaperone_genai::prices::{compact, read_price_file};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [from, name, to] = args.as_slice() else { return Err("usage: compact_prices FILE NAME@VERSION TO".into()) };
    let file = read_price_file(&std::fs::read_to_string(from)?, name)?;
    for model in &file.skipped {
        eprintln!("left out: {model}");
    }
    let comment = format!("{name}, MIT licence: prices.LICENSE. Written by `cargo xtask prices`.");
    std::fs::write(to, compact(&file.table, &comment))?;
    eprintln!("{} models, {} left out", file.table.models(), file.skipped.len());
    Ok(())
}
