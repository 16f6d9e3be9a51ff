//! A whole batch through detection and mapping: the scope is looked at once, each record once.

use super::made_logs::MadeLogs;
use super::normalize::normalize_of;
use super::origin::Origin;
use super::{Counts, Custom, Dialect, Options, Plan, ScopeVerdict, detect};
use chaperone_proto::{Data, Logs};

/// Which dialects are normalised, and how.
#[derive(Debug, Clone, Default)]
pub struct Normalizer {
    /// Dialects a user named with their options; empty = all dialects with [`Normalizer::options`].
    sources: Vec<(Dialect, Options)>,
    options: Options,
    custom: Vec<Custom>,
}

/// What a batch held: a line a dialect that occurred.
#[derive(Debug, Default)]
pub struct Report {
    /// Dialect and what happened to the attributes of its records.
    pub by_dialect: Vec<(Dialect, Counts)>,
    /// Log records made beside logs: decisions and approvals that they report.
    pub made: Option<Logs>,
    /// Log records with neither a time nor an observed time: their event time is when they came.
    pub logs_without_time: u64,
}

impl Report {
    fn add(&mut self, dialect: Dialect, counts: Counts) {
        let at = self.by_dialect.iter().position(|(known, _)| *known == dialect);
        let at = at.unwrap_or_else(|| {
            self.by_dialect.push((dialect, Counts::default()));
            self.by_dialect.len() - 1
        });
        if let Some((_, sum)) = self.by_dialect.get_mut(at) {
            sum.mapped += counts.mapped;
            sum.kept += counts.kept;
            sum.dropped += counts.dropped;
            sum.failed += counts.failed;
        }
    }
}

impl Normalizer {
    /// All dialects, originals kept or removed.
    pub fn all(options: Options) -> Normalizer {
        super::install();
        Normalizer { options, ..Normalizer::default() }
    }
    /// Only these dialects, beside the conventions' own; and mappings of the user's own.
    pub fn of(sources: Vec<(Dialect, Options)>, custom: Vec<Custom>) -> Normalizer {
        super::install();
        Normalizer { sources, options: Options::default(), custom }
    }

    pub(super) fn options_of(&self, dialect: Dialect) -> Option<Options> {
        if self.sources.is_empty() {
            return Some(self.options);
        }
        let named = self.sources.iter().find(|(known, _)| *known == dialect).map(|(_, options)| *options);
        named.or_else(|| matches!(dialect.id(), "otel-genai" | "generic").then_some(self.options))
    }

    pub(super) fn map_custom(&self, data: &mut Data, at: usize) {
        self.custom.iter().for_each(|custom| custom.map(data, at));
    }

    /// Normalises every record of a batch. Metrics pass.
    pub fn normalize(&self, data: &mut Data) -> Report {
        let mut report = Report::default();
        let mut plan = Plan::default();
        let mut made = MadeLogs::default();
        let mut origin: Option<Origin> = None;
        let mut scope: Option<(usize, ScopeVerdict)> = None;
        for at in 0..data.records() {
            self.map_custom(data, at);
            let record = data.record(at);
            let index = record.scope().index();
            if scope.as_ref().is_none_or(|(known, _)| *known != index) {
                scope = Some((index, ScopeVerdict::of(record.scope())));
            }
            let Some(dialect) = scope.as_ref().and_then(|(_, verdict)| detect(record, verdict)) else { continue };
            let Some(options) = self.options_of(dialect) else { continue };
            if record.as_log().is_some_and(|log| log.time_ns() == 0 && log.observed_time_ns() == 0) {
                report.logs_without_time += 1;
            }
            plan.clear();
            let known = origin.filter(|origin| origin.is_of(record, dialect));
            let origin = origin.insert(known.unwrap_or_else(|| Origin::of(record, dialect)));
            normalize_of(record, origin, options, &mut plan);
            report.add(dialect, plan.counts);
            if !plan.is_empty() {
                plan.apply(&mut data.edit(at));
                if let Some(log) = data.record(at).as_log() {
                    made.add(log, &plan);
                }
            }
        }
        report.made = made.finish();
        report
    }
}
