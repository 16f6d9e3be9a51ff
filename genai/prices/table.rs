//! A price list: providers, models, dated prices and variants.
//!
//! The embedded one is read from its compact text and keeps slices of it; lists of users are read by [`super::file`].
//! Matching a name is the work of [`super::lookup`].

use super::rates::Rates;
use std::borrow::Cow;
use std::sync::LazyLock;

/// A slice of the embedded list, or text of its own.
pub(super) type Text = Cow<'static, str>;

/// Name and version of the embedded list, as it stands in `chaperone.cost.price_id`.
pub const VERSION: &str = "genai-prices@0.2.3";

/// A price list.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceTable {
    /// Name and version, as it stands in `chaperone.cost.price_id`.
    pub(super) name: Text,
    pub(super) providers: Vec<Provider>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Provider {
    pub(super) id: Text,
    /// Names by which a model is recognised as this provider's when nobody says who provides it.
    pub(super) model_match: Text,
    /// Providers whose entries hold for models this one offers without an entry of its own.
    pub(super) fallback: Vec<Text>,
    pub(super) models: Vec<Model>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Model {
    pub(super) id: Text,
    pub(super) pattern: Text,
    pub(super) context_window: Option<u32>,
    pub(super) prices: Vec<(Since, Rates)>,
    pub(super) variants: Vec<Variant>,
}

/// Rates for a way of asking: batch, service tier, speed.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Variant {
    pub(super) key: Text,
    pub(super) value: Text,
    pub(super) since: Since,
    pub(super) rates: Rates,
}

/// When a price holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Since {
    Always,
    /// From this day on (days since 1970, UTC).
    Day(i64),
    /// Between these minutes of the day (UTC); over midnight when the end comes first.
    Minutes(u32, u32),
}

impl Since {
    /// Whether it holds at a time in nanoseconds since 1970.
    pub(super) fn holds(self, unix_ns: u64) -> bool {
        let minutes = unix_ns / 60_000_000_000;
        match self {
            Since::Always => true,
            Since::Day(day) => (minutes / 1440) as i64 >= day,
            Since::Minutes(from, to) => {
                let now = (minutes % 1440) as u32;
                if to < from { now >= from || now < to } else { (from..to).contains(&now) }
            }
        }
    }

    /// In words, as in the compact list; `None` = always.
    pub(super) fn text(self) -> Option<String> {
        let clock = |minutes: u32| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        match self {
            Since::Always => None,
            Since::Day(day) => Some(date(day)),
            Since::Minutes(from, to) => Some(format!("{}-{} UTC", clock(from), clock(to))),
        }
    }

    pub(super) fn parse(cell: &str) -> Option<Since> {
        if cell == "-" {
            return Some(Since::Always);
        }
        if let Some((from, to)) = cell.split_once('-').filter(|_| cell.contains(':')) {
            let minute =
                |text: &str| text.split_once(':').and_then(|(h, m)| Some(h.parse::<u32>().ok()? * 60 + m.parse::<u32>().ok()?));
            return Some(Since::Minutes(minute(from)?, minute(to)?));
        }
        let mut parts = cell.splitn(3, '-').map(str::parse::<i64>);
        let (year, month, day) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
        Some(Since::Day(days_since_1970(year, month, day)))
    }
}

/// Days of the Gregorian calendar; months count from March so that the leap day comes last.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

/// The date of a day since 1970, `2024-07-18`.
fn date(day: i64) -> String {
    let from_march = day + 719_468;
    let era = from_march.div_euclid(146_097);
    let of_era = from_march.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{:02}", of_year - (153 * march_month + 2) / 5 + 1)
}

/// The list that is part of the binary.
pub fn embedded() -> &'static PriceTable {
    static TABLE: LazyLock<PriceTable> = LazyLock::new(|| {
        let text = include_str!("../data/prices.tsv");
        PriceTable::parse(text).expect("invariant: data/prices.tsv was written by `cargo xtask prices`")
    });
    &TABLE
}

impl PriceTable {
    /// Reads a list in the format of `data/prices.tsv`. `None` when a line is not understood.
    pub(super) fn parse(text: &'static str) -> Option<PriceTable> {
        let mut providers: Vec<Provider> = Vec::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let mut cells = line.split('\t');
            let kind = cells.next()?;
            let (first, second, third) = (cells.next()?, cells.next()?, cells.next());
            if kind == "P" {
                let fallback = third?.split(',').filter(|id| *id != "-").map(Cow::Borrowed).collect();
                providers.push(Provider { id: first.into(), model_match: second.into(), fallback, models: Vec::new() });
                continue;
            }
            let models = &mut providers.last_mut()?.models;
            match kind {
                "M" => {
                    let context_window = third?.parse().ok();
                    let (prices, variants) = (Vec::new(), Vec::new());
                    models.push(Model { id: first.into(), pattern: second.into(), context_window, prices, variants });
                }
                "R" => models.last_mut()?.prices.push((Since::parse(first)?, Rates::parse(second)?)),
                "V" => {
                    let (key, value) = first.split_once('=')?;
                    let (since, rates) = (Since::parse(second)?, Rates::parse(third?)?);
                    models.last_mut()?.variants.push(Variant { key: key.into(), value: value.into(), since, rates });
                }
                _ => return None,
            }
        }
        Some(PriceTable { name: VERSION.into(), providers })
    }

    /// Name and version, as it stands in `chaperone.cost.price_id`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of models.
    pub fn models(&self) -> usize {
        self.providers.iter().map(|provider| provider.models.len()).sum()
    }

    pub(super) fn provider(&self, id: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| provider.id == id)
    }
}
