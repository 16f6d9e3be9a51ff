//! Reads the tab-separated tables of `genai/data/`: lines beginning with `#` and empty lines are skipped.

/// The rows of an embedded table, each with exactly `columns` cells (missing ones are empty).
pub(crate) fn rows(text: &'static str, columns: usize) -> impl Iterator<Item = Vec<&'static str>> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).map(move |line| {
        let mut cells: Vec<&'static str> = line.split('\t').collect();
        cells.resize(columns, "");
        cells
    })
}
