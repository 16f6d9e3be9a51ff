//! How a step failed: type, code, stage, and whether trying again may help.
//!
//! Reads the error's type, the HTTP status, the status message and a recorded exception, in this order; words of a closed lexicon
//! decide. An error type that fits no word passes as a code of its own, spelled in snake case.

use super::kind::StepKind;
use crate::keys;
use chaperone_proto::{RecordRef, ValueRef};
use std::borrow::Cow;

/// A failure in our words (contracts, section 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// `tool` `model` `retrieval` `orchestration` `policy` `_OTHER`.
    pub kind: &'static str,
    /// Code of the type's list, or a custom one.
    pub code: Cow<'static, str>,
    /// `validation` `execution` `generation` `planning`.
    pub stage: &'static str,
    /// Whether trying again may help; `None` when nothing tells.
    pub retryable: Option<bool>,
}

const LONGEST_CUSTOM_CODE: usize = 64;

/// Whether a record says that the operation failed.
pub fn is_error(record: RecordRef<'_>) -> bool {
    let failed = record.as_span().is_some_and(|span| span.status_code() == 2);
    failed || record.attrs().str(keys::ERROR_TYPE).is_some_and(|kind| !kind.is_empty())
}

/// The failure of a record. `None` when it did not fail.
pub fn failure(record: RecordRef<'_>, step: StepKind) -> Option<Failure> {
    if !is_error(record) {
        return None;
    }
    let kind = match step {
        StepKind::Llm | StepKind::Embedding => "model",
        StepKind::Tool => "tool",
        StepKind::Retrieval | StepKind::Memory => "retrieval",
        StepKind::Agent | StepKind::Workflow | StepKind::Plan => "orchestration",
        StepKind::Guardrail => "policy",
        StepKind::Evaluation | StepKind::Human | StepKind::Respond | StepKind::Other => "_OTHER",
    };
    let evidence = Evidence::of(record);
    let cause = evidence.cause();
    let code = cause.and_then(|cause| code(kind, cause)).map(Cow::Borrowed).unwrap_or_else(|| evidence.fallback(kind));
    let stage = match (kind, cause) {
        (_, Some(Cause::Invalid | Cause::ContextLength)) => "validation",
        ("model", _) => "generation",
        ("orchestration", _) if step == StepKind::Plan => "planning",
        _ => "execution",
    };
    let retryable = cause.and_then(|cause| match cause {
        Cause::RateLimit | Cause::Timeout | Cause::Server | Cause::Connection => Some(true),
        Cause::Auth | Cause::Quota | Cause::ContextLength | Cause::ContentFilter | Cause::Constraint => Some(false),
        Cause::Invalid | Cause::NotFound | Cause::Cancelled | Cause::MaxSteps | Cause::State => None,
    });
    Some(Failure { kind, code, stage, retryable })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    RateLimit,
    Quota,
    ContextLength,
    ContentFilter,
    Timeout,
    Auth,
    Connection,
    Server,
    Invalid,
    NotFound,
    Cancelled,
    MaxSteps,
    State,
    Constraint,
}

/// Earlier words win: a quota error is also a 429, a context length error also a bad request.
const WORDS: &[(Cause, &[&str])] = &[
    (Cause::Quota, &["insufficient_quota", "quota exceeded", "quota_exceeded", "billing", "credit balance"]),
    (Cause::RateLimit, &["rate limit", "rate_limit", "ratelimit", "too many requests", "toomanyrequests", "throttl"]),
    (Cause::ContextLength, &["context_length", "context length", "context window", "maximum context", "prompt is too long"]),
    (Cause::ContentFilter, &["content_filter", "contentfilter", "content filter", "content management policy", "safety"]),
    (Cause::Timeout, &["timeout", "timed out", "timedout", "deadline_exceeded", "deadline exceeded", "etimedout"]),
    (
        Cause::MaxSteps,
        &[
            "max_turns",
            "maxturns",
            "max turns",
            "max_iterations",
            "max iterations",
            "max_retries",
            "recursion limit",
            "graphrecursion",
        ],
    ),
    (Cause::Cancelled, &["cancelled", "canceled", "aborted"]),
    (
        Cause::Auth,
        &["authentication", "unauthorized", "permission", "forbidden", "access denied", "accessdenied", "invalid api key"],
    ),
    (Cause::Connection, &["connection", "econnrefused", "econnreset", "dns", "unreachable", "network", "socket"]),
    (Cause::Constraint, &["constraint", "guardrail", "tripwire", "policy violation"]),
    (Cause::State, &["invalid_state", "invalid state", "illegalstate"]),
    (
        Cause::Invalid,
        &["validation", "json", "parse", "schema", "invalid_output", "unexpected_model_behavior", "invalid response"],
    ),
    (Cause::NotFound, &["no_results", "no results", "notfound", "not found"]),
    (
        Cause::Server,
        &[
            "internal_server",
            "internalserver",
            "internal server",
            "server_error",
            "servererror",
            "server error",
            "overloaded",
            "unavailable",
            "bad gateway",
        ],
    ),
];

fn of_status(status: i64) -> Option<Cause> {
    Some(match status {
        429 => Cause::RateLimit,
        408 | 504 => Cause::Timeout,
        401 | 403 => Cause::Auth,
        404 => Cause::NotFound,
        413 => Cause::ContextLength,
        422 => Cause::Invalid,
        500..=599 => Cause::Server,
        _ => return None,
    })
}

fn code(kind: &str, cause: Cause) -> Option<&'static str> {
    Some(match (kind, cause) {
        (_, Cause::Timeout) => "timeout",
        (_, Cause::Cancelled) => "cancelled",
        ("orchestration", Cause::MaxSteps) => "max_retries_exceeded",
        ("orchestration", Cause::State) => "invalid_state",
        ("orchestration" | "policy", Cause::Constraint) => "constraint_violation",
        ("retrieval", Cause::NotFound) => "no_results",
        ("retrieval", Cause::Invalid) => "invalid_query",
        ("tool", Cause::Invalid) => "invalid_response",
        ("model", Cause::Invalid) => "invalid_output",
        (_, Cause::RateLimit) => "rate_limit",
        (_, Cause::Quota) => "quota_exceeded",
        (_, Cause::ContextLength) => "context_length_exceeded",
        (_, Cause::ContentFilter) => "content_filter",
        (_, Cause::Auth) => "auth_error",
        (_, Cause::Connection) => "connection_error",
        ("tool", Cause::Server) => "api_error",
        (_, Cause::Server) => "server_error",
        _ => return None,
    })
}

struct Evidence<'a> {
    error_type: &'a str,
    status: Option<i64>,
    message: &'a str,
    exception_type: &'a str,
    exception_message: &'a str,
}

impl<'a> Evidence<'a> {
    fn of(record: RecordRef<'a>) -> Evidence<'a> {
        let attrs = record.attrs();
        let error_type = attrs.str(keys::ERROR_TYPE).unwrap_or("");
        let status = attrs.get(keys::HTTP_RESPONSE_STATUS_CODE).and_then(ValueRef::as_int).or_else(|| error_type.parse().ok());
        let mut found = Evidence {
            error_type,
            status,
            message: record.as_span().map_or("", |span| span.status_message()),
            exception_type: attrs.str(keys::EXCEPTION_TYPE).unwrap_or(""),
            exception_message: attrs.str(keys::EXCEPTION_MESSAGE).unwrap_or(""),
        };
        let exception = record.as_span().and_then(|span| span.events().find(|event| event.name() == "exception"));
        if let Some(exception) = exception {
            found.exception_type = exception.attrs().str(keys::EXCEPTION_TYPE).unwrap_or(found.exception_type);
            found.exception_message = exception.attrs().str(keys::EXCEPTION_MESSAGE).unwrap_or(found.exception_message);
        }
        found
    }

    /// The surest word first: a context length error is a 400 whose message says why.
    fn cause(&self) -> Option<Cause> {
        let texts = [self.error_type, self.exception_type, self.message, self.exception_message].map(str::to_ascii_lowercase);
        let says = |words: &[&str], text: &str| words.iter().any(|word| text.contains(word));
        let in_text = |text: &String| WORDS.iter().find(|(_, words)| says(words, text)).map(|(cause, _)| *cause);
        let exact =
            texts.iter().find_map(|text| in_text(text).filter(|cause| matches!(cause, Cause::Quota | Cause::ContextLength)));
        exact.or_else(|| self.status.and_then(of_status)).or_else(|| texts.iter().find_map(in_text))
    }

    fn fallback(&self, kind: &str) -> Cow<'static, str> {
        let own = [self.error_type, self.exception_type].into_iter().find(|name| !name.is_empty() && *name != "_OTHER");
        let default = || match kind {
            "tool" => "api_error",
            "orchestration" => "uncaught_exception",
            _ => "_OTHER",
        };
        own.and_then(snake_case).map_or_else(|| Cow::Borrowed(default()), Cow::Owned)
    }
}

/// `openai.BadRequestError` as `bad_request_error`. `None` for what is no class name.
fn snake_case(name: &str) -> Option<String> {
    let last = name.rsplit(['.', ':', '/']).next().unwrap_or(name);
    let is_name =
        last.len() <= LONGEST_CUSTOM_CODE && last.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if !is_name || last.is_empty() || last.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut out = String::new();
    let mut before_is_lower = false;
    for c in last.chars() {
        if c.is_ascii_uppercase() && before_is_lower {
            out.push('_');
        }
        before_is_lower = c.is_ascii_lowercase() || c.is_ascii_digit();
        out.push(if c == '-' { '_' } else { c.to_ascii_lowercase() });
    }
    Some(out)
}
