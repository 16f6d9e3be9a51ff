//! All rules with all their instances: takes findings and the time, gives alerts.
//!
//! The number of instances is bounded: over it the longest quiet one goes, alerts that fire last, and it is counted.
//! Time is the caller's clock, not event time: old data that is sent today is news today.
//! What changed since the last checkpoint is handed out as JSON by key; the same goes in again after a restart.

use super::alert::Alert;
use super::instance::{Instance, Phase};
use super::model::{Enabled, Group, Rule};
use crate::detect::Finding;
use crate::record::hex;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Version of the JSON of instances.
pub const STATE_VERSION: u32 = 1;

/// Bounds of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineSettings {
    /// A finding that was not told again for this long is over.
    pub finding_lasts: Duration,
    /// Most combinations of rule and key.
    pub max_instances: usize,
}

impl Default for EngineSettings {
    fn default() -> EngineSettings {
        EngineSettings { finding_lasts: Duration::from_secs(15 * 60), max_instances: 10_000 }
    }
}

/// What the engine did, for counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Instances removed because there were too many.
    pub evicted: u64,
    /// Alerts that shadow rules would have told.
    pub shadowed: u64,
}

/// Rules and their instances.
#[derive(Debug, Default)]
pub struct Engine {
    groups: Vec<Evaluated>,
    settings: EngineSettings,
    /// By rule id and fingerprint.
    instances: BTreeMap<(String, String), Instance>,
    changed: BTreeSet<(String, String)>,
    counts: Counts,
}

#[derive(Debug)]
struct Evaluated {
    group: Group,
    last_ns: u64,
}

/// What changed: key of the instance, and its state as JSON (`None` when it is gone).
pub type Change = (String, Option<String>);

impl Engine {
    /// An engine without state.
    pub fn new(groups: Vec<Group>, settings: EngineSettings) -> Engine {
        let groups = groups.into_iter().map(|group| Evaluated { group, last_ns: 0 }).collect();
        Engine { groups, settings, ..Engine::default() }
    }

    /// Takes a finding in: every rule that reads its detector is evaluated for its key.
    pub fn finding(&mut self, finding: &Finding, now_ns: u64, out: &mut Vec<Alert>) {
        let before_ns = self.before(now_ns);
        let Engine { groups, instances, changed, counts, .. } = self;
        for rule in rules(groups) {
            if !rule.when.comparisons().iter().any(|comparison| comparison.detector == finding.detector) {
                continue;
            }
            let labels = labels(rule, finding);
            let fingerprint = fingerprint(&rule.id, &labels);
            let key = (rule.id.clone(), fingerprint.clone());
            let instance = instances.entry(key.clone()).or_insert_with(|| Instance::new(labels, fingerprint));
            instance.hold(finding, now_ns);
            let mut told = Vec::new();
            instance.evaluate(rule, now_ns, before_ns, true, &mut told);
            give(rule, told, counts, out);
            changed.insert(key);
        }
        self.evict();
    }

    /// Lets time pass: groups whose interval is over are evaluated.
    pub fn tick(&mut self, now_ns: u64, out: &mut Vec<Alert>) {
        let before_ns = self.before(now_ns);
        let Engine { groups, instances, changed, counts, .. } = self;
        for evaluated in groups {
            if now_ns.saturating_sub(evaluated.last_ns) < evaluated.group.interval.as_nanos() as u64 {
                continue;
            }
            evaluated.last_ns = now_ns;
            for rule in evaluated.group.rules.iter().filter(|rule| rule.enabled != Enabled::No) {
                for (key, instance) in of_rule(instances, &rule.id) {
                    let before = instance.clone();
                    let mut told = Vec::new();
                    instance.evaluate(rule, now_ns, before_ns, false, &mut told);
                    give(rule, told, counts, out);
                    instance.forget(before_ns);
                    if *instance != before {
                        changed.insert(key.clone());
                    }
                }
            }
        }
        self.instances.retain(|key, instance| {
            let over = instance.is_over();
            if over {
                self.changed.insert(key.clone());
            }
            !over
        });
    }

    /// Takes an instance of an earlier process in. False when it cannot be read or its rule is gone.
    pub fn restore(&mut self, key: &str, version: u32, json: &str) -> bool {
        let Some((rule, fingerprint)) = key.rsplit_once('/') else { return false };
        let is_known = rules(&self.groups).any(|known| known.id == rule);
        match serde_json::from_str::<Instance>(json) {
            Ok(instance) if version == STATE_VERSION && is_known && instance.fingerprint == fingerprint => {
                self.instances.insert((rule.to_owned(), fingerprint.to_owned()), instance);
                true
            }
            _ => false,
        }
    }

    /// What changed since the last call.
    pub fn take_changes(&mut self) -> Vec<Change> {
        let state = |key: &(String, String)| {
            let json = self
                .instances
                .get(key)
                .map(|instance| serde_json::to_string(instance).expect("invariant: an instance holds nothing that JSON cannot"));
            (format!("{}/{}", key.0, key.1), json)
        };
        let changes = self.changed.iter().map(state).collect();
        self.changed.clear();
        changes
    }

    /// Takes changes back that could not be stored: they are handed out again.
    pub fn put_back(&mut self, changes: &[Change]) {
        let keys = changes.iter().filter_map(|(key, _)| key.rsplit_once('/'));
        self.changed.extend(keys.map(|(rule, fingerprint)| (rule.to_owned(), fingerprint.to_owned())));
    }

    /// Whether something changed since it was last handed out.
    pub fn has_changes(&self) -> bool {
        !self.changed.is_empty()
    }

    /// Instances, and how many of them fire.
    pub fn sizes(&self) -> (usize, usize) {
        let firing = self.instances.values().filter(|instance| matches!(instance.phase, Phase::Firing { .. })).count();
        (self.instances.len(), firing)
    }

    /// What the engine did since the last call.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    fn before(&self, now_ns: u64) -> u64 {
        now_ns.saturating_sub(self.settings.finding_lasts.as_nanos() as u64)
    }

    fn evict(&mut self) {
        while self.instances.len() > self.settings.max_instances {
            let fires = |instance: &Instance| matches!(instance.phase, Phase::Firing { .. });
            let quietest = self.instances.iter().min_by_key(|(_, instance)| (fires(instance), instance.told_ns()));
            let Some(key) = quietest.map(|(key, _)| key.clone()) else { return };
            self.instances.remove(&key);
            self.changed.insert(key);
            self.counts.evicted += 1;
        }
    }
}

fn rules(groups: &[Evaluated]) -> impl Iterator<Item = &Rule> {
    groups.iter().flat_map(|evaluated| &evaluated.group.rules).filter(|rule| rule.enabled != Enabled::No)
}

fn of_rule<'a>(
    instances: &'a mut BTreeMap<(String, String), Instance>,
    rule: &str,
) -> impl Iterator<Item = (&'a (String, String), &'a mut Instance)> {
    let rule = rule.to_owned();
    instances.range_mut((rule.clone(), String::new())..).take_while(move |((id, _), _)| *id == rule)
}

fn give(rule: &Rule, told: Vec<Alert>, counts: &mut Counts, out: &mut Vec<Alert>) {
    if rule.enabled == Enabled::Shadow {
        counts.shadowed += told.len() as u64;
    } else {
        out.extend(told);
    }
}

/// The rule's `by`, from the finding's key. Tenants never share an alert.
fn labels(rule: &Rule, finding: &Finding) -> Vec<(String, String)> {
    let mut names: Vec<&str> = rule.by.iter().map(String::as_str).chain(["tenant"]).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().filter_map(|name| Some((name.to_owned(), finding.key_part(name)?.to_owned()))).collect()
}

fn fingerprint(rule: &str, labels: &[(String, String)]) -> String {
    let mut hasher = blake3::Hasher::new();
    let texts = labels.iter().flat_map(|(name, value)| [name.as_str(), value.as_str()]);
    for text in [rule].into_iter().chain(texts) {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    }
    let mut digest = [0; 8];
    hasher.finalize_xof().fill(&mut digest);
    hex(&digest)
}
