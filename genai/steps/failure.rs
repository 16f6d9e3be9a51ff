//! How a step failed: type, code, stage, and whether trying again may help.
//!
//! Reads the error's type, HTTP and gRPC status, the status message, a recorded exception and the finish reason.
//! `data/failure_words.tsv` says which words mean which cause, and which of them are asked first; `data/failure_causes.tsv` what a cause
//! is called by the kind of step. An error type that fits no word passes as a code of its own, spelled in snake case.

use super::kind::StepKind;
use crate::dialects::table::rows;
use crate::keys;
use crate::record::finish_reasons;
use chaperone_proto::{RecordRef, ValueRef};
use serde_json::Value as Json;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::LazyLock;

/// A failure in our words (contracts, section 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// `tool` `model` `retrieval` `orchestration` `policy` `budget` `user` `_OTHER`.
    pub kind: &'static str,
    /// Code of the type's list, or a custom one.
    pub code: Cow<'static, str>,
    /// `planning` `validation` `execution` `generation` `delivery`.
    pub stage: &'static str,
    /// Whether trying again may help; `None` when nothing tells.
    pub retryable: Option<bool>,
}

const LONGEST_CUSTOM_CODE: usize = 64;
/// Of a message, so much is searched for words: causes stand at its beginning, and bodies of answers may follow.
const SEARCHED: usize = 2048;

static TABLE: LazyLock<Table> = LazyLock::new(Table::read);

/// Words and causes; a cause is its place in `causes`.
struct Table {
    causes: Vec<Cause>,
    sure: Vec<(&'static str, usize)>,
    words: Vec<(&'static str, usize)>,
    types: HashMap<&'static str, usize>,
    finish: HashMap<&'static str, usize>,
    status: HashMap<i64, usize>,
    grpc: HashMap<i64, usize>,
}

struct Cause {
    name: &'static str,
    retryable: Option<bool>,
    stage: Option<&'static str>,
    kind: Option<&'static str>,
    /// For model, tool, retrieval, orchestration, and anything else.
    codes: [Option<&'static str>; 5],
}

impl Table {
    fn read() -> Table {
        let said = |cell: &'static str| Some(cell).filter(|cell| *cell != "-");
        let cause = |row: Vec<&'static str>| {
            let [name, retryable, stage, kind, codes @ ..] = &row[..] else { panic!("invariant: a cause has nine columns") };
            let retryable = said(retryable).map(|word| word == "yes");
            let mut by_kind = [None; 5];
            by_kind.iter_mut().zip(codes).for_each(|(to, code)| *to = said(code));
            Cause { name, retryable, stage: said(stage), kind: said(kind), codes: by_kind }
        };
        let causes: Vec<Cause> = rows(include_str!("../data/failure_causes.tsv"), 9).map(cause).collect();
        let mut table = Table {
            causes,
            sure: Vec::new(),
            words: Vec::new(),
            types: HashMap::new(),
            finish: HashMap::new(),
            status: HashMap::new(),
            grpc: HashMap::new(),
        };
        for row in rows(include_str!("../data/failure_words.tsv"), 3) {
            let [kind, says, cause] = row[..] else { continue };
            let cause = table.causes.iter().position(|known| known.name == cause).expect("invariant: words name causes");
            let number = || says.parse().expect("invariant: statuses are numbers");
            match kind {
                "sure" => table.sure.push((says, cause)),
                "word" => table.words.push((says, cause)),
                "type" => drop(table.types.insert(says, cause)),
                "finish" => drop(table.finish.insert(says, cause)),
                "status" => drop(table.status.insert(number(), cause)),
                "grpc" => drop(table.grpc.insert(number(), cause)),
                other => panic!("invariant: {other} is a kind of words"),
            }
        }
        table
    }

    fn of_status(&self, status: i64) -> Option<usize> {
        let server =
            || (500..600).contains(&status).then(|| self.causes.iter().position(|cause| cause.name == "server")).flatten();
        self.status.get(&status).copied().or_else(server)
    }
}

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
    let (own, column) = match step {
        StepKind::Llm | StepKind::Embedding => ("model", 0),
        StepKind::Tool => ("tool", 1),
        StepKind::Retrieval | StepKind::Memory => ("retrieval", 2),
        StepKind::Agent | StepKind::Workflow | StepKind::Plan => ("orchestration", 3),
        StepKind::Guardrail => ("policy", 4),
        StepKind::Human => ("user", 4),
        StepKind::Evaluation | StepKind::Respond | StepKind::Other => ("_OTHER", 4),
    };
    let evidence = Evidence::of(record);
    let cause = evidence.cause().and_then(|cause| TABLE.causes.get(cause));
    let kind = cause.and_then(|cause| cause.kind).unwrap_or(own);
    let code = cause.and_then(|cause| *cause.codes.get(column)?);
    let stage = cause.and_then(|cause| cause.stage).unwrap_or(match step {
        StepKind::Llm | StepKind::Embedding => "generation",
        StepKind::Plan => "planning",
        StepKind::Respond => "delivery",
        _ => "execution",
    });
    let code = code.map_or_else(|| evidence.fallback(own), Cow::Borrowed);
    Some(Failure { kind, code, stage, retryable: cause.and_then(|cause| cause.retryable) })
}

#[derive(Default)]
struct Evidence<'a> {
    error_type: &'a str,
    status: Option<i64>,
    grpc: Option<i64>,
    message: &'a str,
    exception_type: &'a str,
    exception_message: &'a str,
    /// What a failed tool gave back: often the error's text.
    result: &'a str,
    finish: Vec<&'a str>,
}

impl<'a> Evidence<'a> {
    fn of(record: RecordRef<'a>) -> Evidence<'a> {
        let attrs = record.attrs();
        let error_type = attrs.str(keys::ERROR_TYPE).unwrap_or("");
        let number = |key| attrs.get(key).and_then(ValueRef::as_int);
        let mut found = Evidence {
            error_type,
            status: number(keys::HTTP_RESPONSE_STATUS_CODE).or_else(|| error_type.parse().ok()),
            grpc: number(keys::RPC_GRPC_STATUS_CODE),
            message: record.as_span().map_or("", |span| span.status_message()),
            exception_type: attrs.str(keys::EXCEPTION_TYPE).unwrap_or(""),
            exception_message: attrs.str(keys::EXCEPTION_MESSAGE).unwrap_or(""),
            result: attrs.str(keys::GEN_AI_TOOL_CALL_RESULT).unwrap_or(""),
            finish: finish_reasons(record),
        };
        let is_exception = |name: &str| matches!(name, "exception" | keys::EVENT_OPERATION_EXCEPTION);
        let exception = record.as_span().and_then(|span| span.events().find(|event| is_exception(event.name())));
        if let Some(exception) = exception {
            found.exception_type = exception.attrs().str(keys::EXCEPTION_TYPE).unwrap_or(found.exception_type);
            found.exception_message = exception.attrs().str(keys::EXCEPTION_MESSAGE).unwrap_or(found.exception_message);
        }
        found
    }

    /// The surest evidence first: a context length error is a 400 whose message says why.
    fn cause(&self) -> Option<usize> {
        let table = &*TABLE;
        let texts = [self.error_type, self.exception_type, self.message, self.exception_message, self.result];
        let texts = texts.map(|text| beginning(text).to_ascii_lowercase());
        let find =
            |words: &[(&str, usize)], text: &str| words.iter().find(|(word, _)| text.contains(word)).map(|(_, cause)| *cause);
        let of_type = |name: &str| table.types.get(folded_type(name).as_str()).copied();
        let sure = texts.iter().find_map(|text| find(&table.sure, text));
        sure.or_else(|| of_type(self.error_type))
            .or_else(|| of_type(self.exception_type))
            .or_else(|| table.of_status(self.status?))
            .or_else(|| table.grpc.get(&self.grpc?).copied())
            .or_else(|| texts.iter().find_map(|text| table.of_status(status_in(text)?)))
            .or_else(|| texts.iter().find_map(|text| find(&table.words, text)))
            .or_else(|| self.finish.iter().find_map(|reason| table.finish.get(reason).copied()))
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

/// The code of a tool's failure of which only its result tells.
pub(super) fn code_of_result(result: &Json) -> Option<&'static str> {
    let text = result.as_str().map_or_else(|| result.to_string(), str::to_owned);
    let evidence = Evidence { result: &text, ..Evidence::default() };
    TABLE.causes.get(evidence.cause()?)?.codes.get(1).copied().flatten()
}

fn beginning(text: &str) -> &str {
    let end = (0..=SEARCHED.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    text.get(..end).unwrap_or(text)
}

/// `openai.RateLimitError` and `rate_limit_error` alike as `ratelimit`.
fn folded_type(name: &str) -> String {
    let last = name.rsplit(['.', ':', '/']).next().unwrap_or(name);
    // What the AI SDK of JavaScript puts in front of its errors.
    let last = last.strip_prefix("AI_").unwrap_or(last);
    let mut folded: String = last.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    while let Some(rest) = folded.strip_suffix("error").or_else(|| folded.strip_suffix("exception")) {
        folded.truncate(rest.len());
    }
    folded
}

/// What stands before a status in messages of clients.
const BEFORE_STATUS: [&str; 9] = [
    "error code: ",
    "status code: ",
    "status code ",
    "status_code=",
    "status_code: ",
    "status=",
    "http ",
    "http/1.1 ",
    "code': ",
];

/// An HTTP status in a message, in lower case: `error code: 429 - {...}`, `503 service unavailable`.
fn status_in(text: &str) -> Option<i64> {
    let at = |rest: &str| {
        let digits = rest.get(..3).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()))?;
        let ends = rest.as_bytes().get(3).is_none_or(|byte| !byte.is_ascii_alphanumeric());
        digits.parse().ok().filter(|status| ends && (400..600).contains(status))
    };
    let behind = |marker: &&str| text.split_once(marker).and_then(|(_, rest)| at(rest));
    BEFORE_STATUS.iter().find_map(behind).or_else(|| at(text))
}
