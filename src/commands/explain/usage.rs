//! How a record's tokens were counted: what was reported, what the input includes, and whose they are.

use super::account::settings;
use chaperone_genai::dialects::{Inclusive, UsageAt};
use chaperone_genai::keys;
use chaperone_genai::usage::{self, BasisReason, Call, Identity, MatchRule, Reported, Role, Window};
use chaperone_proto::{RecordRef, ValueRef};
use serde::Serialize;
use std::collections::HashMap;

/// The account of a record's usage.
#[derive(Debug, Serialize)]
pub struct Usage {
    /// What the record is for counting.
    pub role: &'static str,
    /// Records of this dialect that may own tokens.
    pub usage_at: String,
    /// Counts as they were reported.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_map")]
    pub reported: Vec<(&'static str, u64)>,
    /// Canonical input and output, and their parts.
    #[serde(skip_serializing_if = "Vec::is_empty", serialize_with = "as_map")]
    pub canonical: Vec<(&'static str, u64)>,
    pub basis: Option<String>,
    pub basis_because: Option<String>,
    /// `self`, `aggregate`, `duplicate`.
    pub scope: Option<String>,
    pub scope_because: Option<String>,
    pub resent: bool,
    /// `reported`, `estimated`, `missing`.
    pub source: Option<String>,
    pub requests: Option<i64>,
}

/// Names in the order in which they are told.
fn as_map<S: serde::Serializer>(counts: &[(&'static str, u64)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(counts.iter().copied())
}

/// Calls that own their tokens, by the name under which duplicates point to them.
#[derive(Default)]
pub struct Owners(HashMap<String, Call>);

impl Owners {
    /// The account of a record; `None` where there is nothing to count.
    pub fn usage(&mut self, stepped: RecordRef<'_>, costed: RecordRef<'_>, sender: u64) -> Option<Usage> {
        let settings = settings(stepped);
        let reported = Reported::read(stepped.attrs());
        let role = usage::role(stepped, &reported, settings);
        let attrs = costed.attrs();
        let scope = attrs.str(keys::CHAPERONE_USAGE_SCOPE).map(str::to_owned);
        if scope.is_none() && !reported.is_present() {
            return None;
        }
        let canonical = usage::usage_of(stepped, &reported, settings);
        let provider = stepped.attrs().str(keys::GEN_AI_PROVIDER_NAME).unwrap_or("");
        let reason = canonical.map(|_| usage::basis_reason(&reported, settings.inclusive, provider));
        let may_own = role == (Role::Call { may_own: true });
        let call = Call::of(stepped, sender, canonical.as_ref(), may_own);
        let owner = attrs.str(keys::CHAPERONE_USAGE_DUPLICATE_OF);
        let because = scope.as_deref().and_then(|scope| self.because(scope, role, settings.cumulative, owner, &call));
        if scope.as_deref() == Some("self")
            && let Some(identity) = Identity::of(stepped)
        {
            self.0.insert(identity.text(), call);
        }
        Some(Usage {
            role: role_word(role),
            usage_at: settings.usage_at.iter().map(at_word).collect::<Vec<_>>().join(", "),
            reported: counts(&reported),
            canonical: canonical.map(|usage| parts(&usage)).unwrap_or_default(),
            basis: canonical.map(|usage| usage.basis.as_str().to_owned()),
            basis_because: reason.map(|reason| reason_words(reason, provider)),
            scope,
            scope_because: because,
            resent: attrs.get(keys::CHAPERONE_USAGE_RESENT).and_then(ValueRef::as_bool) == Some(true),
            source: attrs.str(keys::CHAPERONE_USAGE_SOURCE).map(str::to_owned),
            requests: attrs.int(keys::CHAPERONE_LLM_REQUESTS),
        })
    }

    fn because(&self, scope: &str, role: Role, cumulative: bool, owner: Option<&str>, call: &Call) -> Option<String> {
        match (scope, owner) {
            ("self", _) => Some("no record of the same call came before".to_owned()),
            ("aggregate", _) if cumulative => Some("it sums up earlier runs too".to_owned()),
            ("aggregate", _) => Some("it sums up what is below it".to_owned()),
            ("duplicate", Some(owner)) => {
                let rule = self.0.get(owner).map_or("a link through its trace", |held| rule(held, call));
                Some(format!("{owner} told of the call before: {rule}"))
            }
            ("duplicate", None) if matches!(role, Role::Call { may_own: false }) => {
                Some("records of its kind repeat what others of this dialect carry".to_owned())
            }
            _ => None,
        }
    }
}

/// By which rule two records are one call: the window is asked again, with these two alone.
fn rule(owner: &Call, call: &Call) -> &'static str {
    let mut window = Window::default();
    window.call(owner.clone(), None);
    match window.matching(call) {
        Some((_, MatchRule::Ids)) => "the same request or response id",
        Some((_, MatchRule::Place)) => "the same span in another signal",
        Some((_, MatchRule::Look)) => "equal tokens, model and time from another emitter",
        None => "a link through its trace",
    }
}

fn role_word(role: Role) -> &'static str {
    match role {
        Role::Call { may_own: true } => "call",
        Role::Call { may_own: false } => "call that owns nothing",
        Role::Aggregate => "aggregate",
        Role::Tool => "tool",
        Role::Other => "other",
        Role::Untracked => "message of a call",
    }
}

fn at_word(at: &UsageAt) -> String {
    match at {
        UsageAt::Call => "spans of calls".to_owned(),
        UsageAt::Agent => "spans of agents".to_owned(),
        UsageAt::Log(name) => format!("log {name}"),
    }
}

fn counts(reported: &Reported) -> Vec<(&'static str, u64)> {
    let all = [
        ("input", reported.input),
        ("output", reported.output),
        ("cache_read", Some(reported.cache_read).filter(|n| *n > 0)),
        ("cache_write", reported.cache_write),
        ("cache_write_5m", reported.cache_write_5m),
        ("cache_write_1h", reported.cache_write_1h),
        ("reasoning", Some(reported.reasoning).filter(|n| *n > 0)),
        ("audio_input", Some(reported.audio_input).filter(|n| *n > 0)),
        ("audio_output", Some(reported.audio_output).filter(|n| *n > 0)),
        ("image_input", Some(reported.image_input).filter(|n| *n > 0)),
        ("image_output", Some(reported.image_output).filter(|n| *n > 0)),
        ("total", reported.total),
    ];
    all.into_iter().filter_map(|(name, count)| Some((name, count?))).collect()
}

fn parts(usage: &usage::Usage) -> Vec<(&'static str, u64)> {
    let tokens = &usage.tokens;
    let always = [("input", tokens.input), ("output", tokens.output)];
    let more = [
        ("uncached_input", usage.uncached_input()),
        ("cache_read", tokens.cache_read),
        ("cache_write_5m", tokens.cache_write_5m),
        ("cache_write_1h", tokens.cache_write_1h),
        ("reasoning", tokens.reasoning),
    ];
    always.into_iter().chain(more.into_iter().filter(|(_, count)| *count > 0)).collect()
}

fn reason_words(reason: BasisReason, provider: &str) -> String {
    match reason {
        BasisReason::NoCache => "no cached tokens are reported".to_owned(),
        BasisReason::MoreThanInput => "more cached tokens than input: they stand beside it, and were added".to_owned(),
        BasisReason::TotalCountsThemApart => {
            "the reported total counts cached tokens beside the input: they were added".to_owned()
        }
        BasisReason::Uncached { exclusive: true } => {
            "the sender's input is what was not cached: cached tokens were added".to_owned()
        }
        BasisReason::Uncached { exclusive: false } => {
            "the sender says what was not cached: input is that and the cached".to_owned()
        }
        BasisReason::Dialect(Inclusive::No) => "this dialect reports input without cached tokens: they were added".to_owned(),
        BasisReason::Dialect(_) => "this dialect reports input with cached tokens".to_owned(),
        BasisReason::Provider { exclusive: true } => format!("{provider} reports input without cached tokens: they were added"),
        BasisReason::Provider { exclusive: false } => format!("{provider} reports input with cached tokens"),
        BasisReason::Nothing => "neither the numbers nor the dialect tell: taken with cached tokens".to_owned(),
    }
}
