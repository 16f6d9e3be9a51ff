//! A closed run as a log record with event name `chaperone.run` (contracts, section 3).

use super::Tracked;
use chaperone_genai::runs::{Edge, StepFact, Summary};
use chaperone_genai::{event_names, keys};
use chaperone_pipeline::{Batch, Now, Outbox};
use chaperone_proto::{Data, LogRecordBuilder, LogsBuilder, Value, ValueIn};

/// Severity INFO.
const INFO: i32 = 9;
/// Severity ERROR: the run failed.
const ERROR: i32 = 17;

/// Records of closed runs on their way into one batch.
#[derive(Default)]
pub struct Records(Option<LogsBuilder>);

impl Records {
    /// Adds the record of a run, under its next version.
    pub fn add(&mut self, tracked: &mut Tracked, now: Now) {
        let summary = tracked.run.summary();
        let about = [
            ("service.name", ValueIn::Str(&summary.about.service)),
            ("deployment.environment.name", ValueIn::Str(&summary.about.environment)),
        ];
        let resource: Vec<_> = about.into_iter().filter(|(_, value)| !matches!(value, ValueIn::Str(""))).collect();
        let builder = match &mut self.0 {
            Some(builder) => {
                builder.resource(&resource);
                builder
            }
            None => self.0.insert(LogsBuilder::new(&resource, "chaperone/agent_runs")),
        };
        tracked.version = next_version(tracked.version, now);
        tracked.changed = false;
        write(builder, tracked, &summary, now);
    }

    /// Gives them out; nothing when there are none.
    pub fn derive(self, out: &mut Outbox) {
        if let Some(builder) = self.0 {
            out.derive(Batch::new(Data::Logs(builder.finish())));
        }
    }
}

/// Greater than every version before, also than those of an earlier process: seconds since 1970 in the upper half.
fn next_version(last: u64, now: Now) -> u64 {
    let epoch = (now.unix_ns / 1_000_000_000) << 32;
    (last + 1).max(epoch | 1)
}

fn write(builder: &mut LogsBuilder, tracked: &Tracked, summary: &Summary, now: Now) {
    let run = &tracked.run;
    let about = &summary.about;
    let failed = summary.status == chaperone_genai::runs::Status::Failure;
    let mut record = builder.record(run.end_ns);
    record
        .event_name(event_names::RUN)
        .observed_time_ns(now.unix_ns)
        .severity(if failed { ERROR } else { INFO }, if failed { "ERROR" } else { "INFO" })
        .body(&sentence(summary))
        .ids(run.trace_id, None)
        .attr(keys::CHAPERONE_RUN_ID, &run.id)
        .attr(keys::CHAPERONE_RUN_VERSION, tracked.version as i64)
        .attr(keys::CHAPERONE_RUN_STATUS, summary.status.name())
        .attr(keys::CHAPERONE_RUN_FIRST_SEEN, run.first_seen_ns as i64)
        .attr(keys::CHAPERONE_RUN_START, run.start_ns as i64)
        .attr(keys::CHAPERONE_RUN_END, run.end_ns as i64);
    for (key, text) in [
        (keys::CHAPERONE_RUN_SESSION_ID, &about.session_id),
        (keys::CHAPERONE_RUN_USER_HASH, &about.user_hash),
        (keys::CHAPERONE_RUN_AGENT_NAME, &about.agent_name),
        (keys::CHAPERONE_RUN_AGENT_VERSION, &about.agent_version),
        (keys::CHAPERONE_RUN_SERVICE, &about.service),
        (keys::CHAPERONE_RUN_ENVIRONMENT, &about.environment),
        (keys::CHAPERONE_RUN_TEAM, &about.team),
        (keys::CHAPERONE_TENANT, &about.tenant),
        (keys::CHAPERONE_RUN_FINISH_REASON, &run.finish_reason.1),
    ] {
        if !text.is_empty() {
            record.attr(key, text);
        }
    }
    if let Some(trace) = run.trace_id {
        let hex: String = trace.iter().map(|byte| format!("{byte:02x}")).collect();
        record.attr(keys::CHAPERONE_RUN_TRACE_ID, &hex);
    }
    numbers(&mut record, tracked, summary);
    lists(&mut record, summary);
}

fn numbers(record: &mut LogRecordBuilder<'_>, tracked: &Tracked, summary: &Summary) {
    let run = &tracked.run;
    let usage = summary.usage;
    for (key, number) in [
        (keys::CHAPERONE_RUN_SPANS, run.spans),
        (keys::CHAPERONE_RUN_STEPS, summary.steps),
        (keys::CHAPERONE_RUN_LLM_CALLS, summary.llm_calls),
        (keys::CHAPERONE_RUN_TOOL_CALLS, summary.tool_calls),
        (keys::CHAPERONE_RUN_TOOL_CALLS_REQUESTED, summary.tool_calls_requested),
        (keys::CHAPERONE_RUN_RETRIES, summary.retries),
        (keys::CHAPERONE_RUN_ERRORS, summary.errors),
        (keys::CHAPERONE_RUN_RECOVERED_ERRORS, summary.recovered_errors),
        (keys::CHAPERONE_RUN_TIMEOUTS, run.timeouts),
        (keys::CHAPERONE_RUN_APPROVALS, run.approvals),
        (keys::CHAPERONE_RUN_LATE_SPANS, run.late_spans),
        (keys::CHAPERONE_RUN_DELEGATION_DEPTH, summary.delegation_depth),
        (keys::CHAPERONE_RUN_TOKENS_INPUT, usage.input),
        (keys::CHAPERONE_RUN_TOKENS_OUTPUT, usage.output),
        (keys::CHAPERONE_RUN_TOKENS_CACHE_READ, usage.cache_read),
        (keys::CHAPERONE_RUN_TOKENS_CACHE_WRITE_5M, usage.cache_write_5m),
        (keys::CHAPERONE_RUN_TOKENS_CACHE_WRITE_1H, usage.cache_write_1h),
        (keys::CHAPERONE_RUN_TOKENS_REASONING, usage.reasoning),
        (keys::CHAPERONE_RUN_UNPRICED_CALLS, summary.unpriced_calls),
    ] {
        record.attr(key, number as i64);
    }
    record
        .attr(keys::CHAPERONE_RUN_COST, summary.cost_nanos as f64 / 1e9)
        .attr(keys::CHAPERONE_RUN_COST_IS_LOWER_BOUND, summary.cost_is_lower_bound)
        .attr(keys::CHAPERONE_RUN_USAGE_FROM_AGGREGATE, summary.usage_from_aggregate)
        .attr(keys::CHAPERONE_RUN_STEPS_TRUNCATED, run.steps_truncated);
}

fn lists(record: &mut LogRecordBuilder<'_>, summary: &Summary) {
    for (key, names) in [
        (keys::CHAPERONE_RUN_MODELS, &summary.models),
        (keys::CHAPERONE_RUN_TOOLS, &summary.tools),
        (keys::CHAPERONE_RUN_AGENTS, &summary.agents),
        (keys::CHAPERONE_RUN_FINDINGS, &summary.findings),
        (keys::CHAPERONE_RUN_TAGS, &summary.tags),
        (keys::CHAPERONE_RUN_ALIASES, &summary.aliases),
    ] {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        record.attr(key, names.as_slice());
    }
    record.attr(keys::CHAPERONE_RUN_EDGES, &Value::Array(summary.edges.iter().map(edge).collect()));
    record.attr(keys::CHAPERONE_RUN_STEP_FACTS, &Value::Array(summary.step_facts.iter().map(step_fact).collect()));
}

fn edge(edge: &Edge) -> Value {
    Value::Map(vec![
        ("from".to_owned(), Value::Str(edge.from.clone())),
        ("to".to_owned(), Value::Str(edge.to.clone())),
        ("relation".to_owned(), Value::Str(edge.relation.to_owned())),
        ("calls".to_owned(), Value::Int(edge.calls as i64)),
        ("errors".to_owned(), Value::Int(edge.errors as i64)),
        ("duration_ns".to_owned(), Value::Int(edge.duration_ns as i64)),
    ])
}

fn step_fact(fact: &StepFact) -> Value {
    Value::Map(vec![
        ("record_id".to_owned(), Value::Str(fact.record_id.clone())),
        ("seq".to_owned(), Value::Int(fact.seq as i64)),
        ("kind".to_owned(), Value::Str(fact.kind.clone())),
        ("self_ns".to_owned(), Value::Int(fact.self_ns as i64)),
        ("repeat".to_owned(), Value::Int(fact.repeat as i64)),
        ("attempt".to_owned(), Value::Int(i64::from(fact.attempt))),
        ("recovered".to_owned(), Value::Bool(fact.recovered)),
    ])
}

/// `run of agent support: success, 3 model calls, 3 tool calls, 3384 tokens, $0.000651`.
fn sentence(summary: &Summary) -> String {
    let agent = match summary.about.agent_name.as_str() {
        "" => String::new(),
        name => format!(" of agent {name}"),
    };
    let tokens = summary.usage.input + summary.usage.output;
    let at_least = if summary.cost_is_lower_bound { "at least " } else { "" };
    let tools = if summary.tool_calls > 0 { summary.tool_calls } else { summary.tool_calls_requested };
    format!(
        "run{agent}: {}, {} model calls, {tools} tool calls, {tokens} tokens, {at_least}${:.6}",
        summary.status.name(),
        summary.llm_calls,
        summary.cost_nanos as f64 / 1e9,
    )
}
