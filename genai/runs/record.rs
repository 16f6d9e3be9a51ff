//! Adding one enriched record to a run.

use super::step::{Kind, Step, Usage};
use super::{MOST_RECORDS, Run, remember};
use crate::{dialects, event_names, keys, record};
use chaperone_proto::{Attrs, KeyId, RecordRef};

/// `SPAN_FLAGS_CONTEXT_IS_REMOTE_MASK` of OTLP: the parent is in another process.
const PARENT_IS_REMOTE: u32 = 0x200;

impl Run {
    /// A span that is no GenAI step lends its place in the tree: what lies between a wrapper and its call.
    pub fn lend_place(&mut self, record: RecordRef<'_>) {
        if self.seen.len() < MOST_RECORDS {
            self.totals.add(record);
        }
    }

    /// Adds a record that the normaliser recognised; false when it was added before, or the run is full.
    ///
    /// `most_steps`: steps this run may keep. `pseudonym` gives the keyed digest of an identity.
    pub fn add(&mut self, record: RecordRef<'_>, most_steps: usize, pseudonym: impl Fn(&str) -> String) -> bool {
        let record_id = record::id(record);
        let Ok(identity) = u128::from_str_radix(&record_id, 16) else { return false };
        if self.seen.len() >= MOST_RECORDS {
            self.steps_truncated = true;
            return false;
        }
        if !self.seen.insert(identity) {
            return false;
        }
        self.totals.add(record);
        let attrs = record.attrs();
        let step = step(record, &record_id);
        self.times(record, step.start_ns, step.end_ns);
        self.about(record, &step, pseudonym);
        self.events(record);
        if step.is_span {
            self.spans += 1;
        }
        if attrs.str(keys::CHAPERONE_FAILURE_CODE) == Some("timeout") {
            self.timeouts += 1;
        }
        match step.kind {
            Kind::Llm | Kind::Embedding => remember(&mut self.names.models, record::model(record).unwrap_or_default()),
            Kind::Tool => remember(&mut self.names.tools, &step.name),
            Kind::Agent | Kind::Other => {}
        }
        remember(&mut self.names.agents, &step.agent);
        if step.kind == Kind::Llm
            && step.end_ns >= self.finish_reason.0
            && let Some(reason) = record::finish_reasons(record).into_iter().next()
        {
            self.finish_reason = (step.end_ns, reason.to_string());
        }
        self.keep(step, most_steps);
        true
    }

    fn keep(&mut self, step: Step, most_steps: usize) {
        // Logs that are no step (messages, events) were read above and need no place.
        if !step.is_span && step.kind == Kind::Other {
            return;
        }
        if self.steps.len() >= most_steps {
            self.steps_truncated = true;
            return;
        }
        if let Some(span) = step.span.filter(|_| step.is_span) {
            self.by_span.insert(span, self.steps.len());
        }
        self.steps.push(step);
    }

    pub(super) fn step_of_span(&self, span: [u8; 8]) -> Option<usize> {
        self.by_span.get(&span).copied()
    }

    fn times(&mut self, record: RecordRef<'_>, start_ns: u64, end_ns: u64) {
        let event_ns = record::event_time_ns(record);
        if self.first_seen_ns == 0 {
            self.first_seen_ns = event_ns;
        }
        if start_ns != 0 && (self.start_ns == 0 || start_ns < self.start_ns) {
            self.start_ns = start_ns;
        }
        self.end_ns = self.end_ns.max(end_ns);
        if self.trace_id.is_none() {
            self.trace_id = record.trace_id();
        }
        // A record whose run id is not its trace ties the two together.
        if let Some(trace) = record.trace_id() {
            let trace = record::hex(&trace);
            if trace != self.id {
                remember(&mut self.names.aliases, &trace);
            }
        }
    }

    fn about(&mut self, record: RecordRef<'_>, step: &Step, pseudonym: impl Fn(&str) -> String) {
        let (attrs, resource) = (record.attrs(), record.resource().attrs());
        let either = |own: KeyId, other: KeyId| attrs.str(own).or_else(|| resource.str(own)).or_else(|| resource.str(other));
        let about = &mut self.about;
        fill(&mut about.session_id, attrs.str(keys::GEN_AI_CONVERSATION_ID));
        fill(&mut about.service, resource.str(keys::SERVICE_NAME));
        fill(&mut about.environment, either(keys::CHAPERONE_AGENT_ENVIRONMENT, keys::DEPLOYMENT_ENVIRONMENT_NAME));
        fill(&mut about.team, either(keys::CHAPERONE_TEAM, keys::CHAPERONE_TEAM));
        fill(&mut about.tenant, either(keys::CHAPERONE_TENANT, keys::CHAPERONE_TENANT));
        fill(&mut about.agent_version, either(keys::GEN_AI_AGENT_VERSION, keys::SERVICE_VERSION));
        if about.user_hash.is_empty()
            && let Some(user) = attrs.str(keys::USER_ID)
        {
            about.user_hash = pseudonym(user);
        }
        if about.agent_name.is_empty() || (step.kind == Kind::Agent && step.parent.is_none() && !step.name.is_empty()) {
            let name = if step.kind == Kind::Agent { &step.name } else { &step.agent };
            if !name.is_empty() {
                name.clone_into(&mut about.agent_name);
            }
        }
        if let Some(tags) = attrs.get(keys::CHAPERONE_TAGS)
            && let chaperone_proto::ValueRef::Array(tags) = tags
        {
            tags.iter().filter_map(|tag| tag.as_str()).for_each(|tag| remember(&mut self.names.tags, tag));
        }
    }

    /// What the record carries as span events, or is itself as a log.
    fn events(&mut self, record: RecordRef<'_>) {
        match record {
            RecordRef::Span(span) => span.events().for_each(|event| self.event(event.name(), event.attrs(), true)),
            RecordRef::Log(log) => self.event(log.event_name(), log.attrs(), false),
        }
    }

    fn event(&mut self, name: &str, attrs: Attrs<'_>, on_span: bool) {
        match name {
            event_names::TOOL_CALL => remember(&mut self.names.tools, attrs.str(keys::GEN_AI_TOOL_NAME).unwrap_or_default()),
            event_names::APPROVAL => {
                self.approved.add(attrs.str(keys::CHAPERONE_DECISION_SUBJECT_ID), on_span);
                self.approvals = self.approved.count();
            }
            event_names::DECISION if attrs.str(keys::CHAPERONE_DECISION_TYPE) == Some("handoff") => {
                let from = attrs.str(keys::CHAPERONE_HANDOFF_SOURCE).unwrap_or_default();
                let to = attrs.str(keys::CHAPERONE_HANDOFF_TARGET).unwrap_or_default();
                let delegates = attrs.str(keys::CHAPERONE_HANDOFF_TYPE) == Some("delegate");
                if self.names.handoffs.len() < super::MOST_NAMES {
                    self.names.handoffs.push((from.to_owned(), to.to_owned(), delegates));
                }
            }
            _ => {}
        }
    }
}

fn step(record: RecordRef<'_>, record_id: &str) -> Step {
    let attrs = record.attrs();
    let kind_word = record::step_kind(record).unwrap_or("other");
    let kind = Kind::of(kind_word);
    let text = |key: KeyId| attrs.str(key).unwrap_or_default().to_owned();
    let name = match kind {
        Kind::Tool => text(keys::GEN_AI_TOOL_NAME),
        Kind::Agent => text(keys::GEN_AI_AGENT_NAME),
        Kind::Llm | Kind::Embedding => record::model(record).unwrap_or_default().to_owned(),
        Kind::Other => text(keys::CHAPERONE_STEP_NAME),
    };
    let (parent, start_ns, end_ns, error) = match record {
        RecordRef::Span(span) => {
            let is_local = span.flags() & PARENT_IS_REMOTE == 0;
            let error = span.status_code() == 2 || attrs.get(keys::ERROR_TYPE).is_some();
            (span.parent_span_id().filter(|_| is_local), span.start_ns(), span.end_ns(), error)
        }
        RecordRef::Log(log) => {
            let at = record::event_time_ns(record);
            (log.span_id(), at, at, attrs.get(keys::ERROR_TYPE).is_some())
        }
    };
    let scope = attrs.str(keys::CHAPERONE_USAGE_SCOPE).unwrap_or_default();
    let settings = record::dialect(record).map(|dialect| dialects::settings(dialect, record.scope().name()));
    Step {
        record_id: record_id.to_owned(),
        is_span: record.as_span().is_some(),
        span: record.span_id(),
        parent,
        kind,
        kind_word: kind_word.to_owned(),
        name,
        agent: text(keys::GEN_AI_AGENT_NAME),
        start_ns,
        end_ns,
        error,
        attempt: attrs.int(keys::CHAPERONE_STEP_ATTEMPT).and_then(|attempt| u32::try_from(attempt).ok()).unwrap_or(1),
        owns: scope == "self",
        names_owner: attrs.get(keys::CHAPERONE_USAGE_DUPLICATE_OF).is_some(),
        duplicate: scope == "duplicate" || attrs.str(keys::CHAPERONE_TOOL_SCOPE) == Some("duplicate"),
        aggregate: scope == "aggregate",
        cumulative: settings.is_some_and(|settings| settings.cumulative),
        usage: usage(attrs),
        cost_nanos: attrs.get(keys::CHAPERONE_COST_TOTAL).and_then(|cost| cost.as_f64()).map(|cost| (cost * 1e9).round() as i128),
        // An aggregate covers as many as it says; most do not say.
        requests: attrs
            .int(keys::CHAPERONE_LLM_REQUESTS)
            .and_then(|requests| u32::try_from(requests).ok())
            .unwrap_or(u32::from(scope != "aggregate")),
        arguments: text(keys::CHAPERONE_TOOL_ARGUMENTS_SHAPE_HASH),
    }
}

fn usage(attrs: Attrs<'_>) -> Option<Usage> {
    let number = |key: KeyId| attrs.int(key).and_then(|tokens| u64::try_from(tokens).ok());
    let (input, output) = (number(keys::GEN_AI_USAGE_INPUT_TOKENS), number(keys::GEN_AI_USAGE_OUTPUT_TOKENS));
    if input.is_none() && output.is_none() {
        return None;
    }
    let write_1h = number(keys::CHAPERONE_USAGE_CACHE_WRITE_1H_TOKENS).unwrap_or_default();
    let write = number(keys::GEN_AI_USAGE_CACHE_WRITE_INPUT_TOKENS).unwrap_or_default();
    Some(Usage {
        input: input.unwrap_or_default(),
        output: output.unwrap_or_default(),
        cache_read: number(keys::GEN_AI_USAGE_CACHE_READ_INPUT_TOKENS).unwrap_or_default(),
        cache_write_5m: number(keys::CHAPERONE_USAGE_CACHE_WRITE_5M_TOKENS).unwrap_or(write.saturating_sub(write_1h)),
        cache_write_1h: write_1h,
        reasoning: number(keys::GEN_AI_USAGE_REASONING_OUTPUT_TOKENS).unwrap_or_default(),
    })
}

fn fill(field: &mut String, value: Option<&str>) {
    if field.is_empty()
        && let Some(value) = value
    {
        value.clone_into(field);
    }
}
