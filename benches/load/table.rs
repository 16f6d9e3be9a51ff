//! Medians, spread and bars as a table.

/// Middle, least and greatest of some figures.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub least: f64,
    pub most: f64,
}

impl Spread {
    /// `None` of no figures.
    pub fn of(figures: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (least, most) = (*sorted.first()?, *sorted.last()?);
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 };
        Some(Spread { median, least, most })
    }
}

/// Prints rows as a Markdown table whose columns are aligned.
pub fn print(header: &[&str], rows: &[Vec<String>]) {
    let widths: Vec<usize> = (0..header.len())
        .map(|at| rows.iter().filter_map(|row| row.get(at)).map(String::len).chain([header[at].len()]).max().unwrap_or(0))
        .collect();
    let line = |cells: &[&str]| {
        let cells = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        println!("| {} |", cells.collect::<Vec<_>>().join(" | "));
    };
    line(header);
    line(&widths.iter().map(|width| &DASHES[..(*width).min(DASHES.len())]).collect::<Vec<_>>());
    for row in rows {
        line(&row.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

const DASHES: &str = "----------------------------------------------------------------";

/// A figure beside what it must not exceed.
pub fn verdict(figure: f64, bar: Option<f64>) -> String {
    match bar {
        None => "-".to_owned(),
        Some(bar) if figure <= bar => format!("<= {bar}: met"),
        Some(bar) => format!("<= {bar}: MISSED by {:.0} %", (figure / bar - 1.0) * 100.0),
    }
}

/// A ratio beside what it must reach.
pub fn verdict_at_least(figure: f64, bar: Option<f64>) -> String {
    match bar {
        None => "-".to_owned(),
        Some(bar) if figure >= bar => format!(">= {bar}: met"),
        Some(bar) => format!(">= {bar}: MISSED"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_stands_in_the_middle() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]), Some(Spread { median: 2.0, least: 1.0, most: 3.0 }));
        assert_eq!(Spread::of([4.0, 1.0]).unwrap().median, 2.5);
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn a_bar_is_met_up_to_its_own_value() {
        assert_eq!(verdict(0.8, Some(0.8)), "<= 0.8: met");
        assert_eq!(verdict(1.6, Some(0.8)), "<= 0.8: MISSED by 100 %");
        assert_eq!(verdict_at_least(7.0, Some(7.0)), ">= 7: met");
    }
}
