//! Writes a price list in the compact form of `data/prices.tsv`, which [`super::table`] reads.

use super::rates::{Rate, RateKind, Rates};
use super::table::{PriceTable, Since};
use std::fmt::Write;

const HEAD: &str = "\
# USD per million tokens (`requests`: per thousand). `rate/start:price` = the whole request above `start` input tokens.
# P provider, model match, fallback providers / M model, match, context window / R since or hours, rates / V when, since, rates
# Match: `|` between alternatives, `&` in one: =equals ^prefix $suffix *contains #pattern (# one digit) ~pattern prefix !not.
";

/// The list as text, with a comment about where it is from.
pub fn compact(table: &PriceTable, comment: &str) -> String {
    let mut text = format!("# {comment}\n{HEAD}");
    let mut line = |line: String| writeln!(text, "{line}").expect("invariant: writing to a string");
    for provider in &table.providers {
        let fallback = if provider.fallback.is_empty() { "-".to_owned() } else { provider.fallback.join(",") };
        line(format!("P\t{}\t{}\t{fallback}", provider.id, provider.model_match));
        for model in &provider.models {
            let window = model.context_window.map_or("-".to_owned(), |tokens| tokens.to_string());
            line(format!("M\t{}\t{}\t{window}", model.id, model.pattern));
            for (since, held) in &model.prices {
                line(format!("R\t{}\t{}", since_cell(*since), rates_cell(held)));
            }
            for variant in &model.variants {
                let (since, held) = (since_cell(variant.since), rates_cell(&variant.rates));
                line(format!("V\t{}={}\t{since}\t{held}", variant.key, variant.value));
            }
        }
    }
    text
}

fn since_cell(since: Since) -> String {
    match since {
        Since::Always => "-".to_owned(),
        Since::Day(day) => {
            let (year, month, day) = date(day);
            format!("{year:04}-{month:02}-{day:02}")
        }
        Since::Minutes(from, to) => format!("{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60),
    }
}

/// Year, month and day of a number of days since 1970: the reverse of what [`super::table`] reads.
fn date(days: i64) -> (i64, i64, i64) {
    // Counted from 1 March of the year 0, in cycles of 400 years.
    let days = days + 719_468;
    let (cycle, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year + cycle * 400 + i64::from(month <= 2), month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

fn rates_cell(rates: &Rates) -> String {
    let cell = |(kind, rate): &(RateKind, Rate)| {
        let tiers: String = rate.tiers.iter().map(|(start, price)| format!("/{start}:{}", usd(*price))).collect();
        format!("{}={}{tiers}", kind.word(), usd(rate.base))
    };
    let cells: Vec<String> = rates.iter().map(cell).collect();
    if cells.is_empty() { "-".to_owned() } else { cells.join(" ") }
}

/// Nano-dollars as dollars, without zeros at the end.
fn usd(nano: i64) -> String {
    let text = format!("{}.{:09}", nano / 1_000_000_000, nano % 1_000_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::super::table::{PriceTable, embedded};
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let text: &'static str = compact(embedded(), "test").leak();
        let again = PriceTable::parse(text).expect("a list");
        assert!(again == *embedded(), "the list changed");
    }

    #[test]
    fn days_are_dates() {
        for (days, expected) in [(0, (1970, 1, 1)), (20_512, (2026, 2, 28)), (20_513, (2026, 3, 1)), (19_782, (2024, 2, 29))] {
            assert_eq!(date(days), expected);
        }
    }
}
