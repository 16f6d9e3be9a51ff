//! The mapping table, compiled: what each source key of a dialect means.
//!
//! `genai/data/dialects/` has a table a dialect with one row a source key; rows of `common.tsv` hold for every dialect, a dialect's
//! own rows win over them. Adding a dialect is adding a table, and a [`Transform`] where a table cannot say it.

use super::Dialect;
use super::fast_map::FastMap;
use super::json_paths::{self, PathRows};
use super::named_rows::{NamedRows, RowsOfName};
use super::pattern::{Pattern, PatternIndex};
use super::table;
use crate::keys::{self, Class};
use chaperone_proto::{KeyId, RecordRef};
use std::sync::LazyLock;

/// How a value becomes the target's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transform {
    /// Stays under its own key.
    Keep,
    /// Removed: it may hold secrets.
    Drop,
    /// Only for consistency; never added up.
    Check,
    /// The same value.
    Copy,
    /// A constant of the table.
    Constant(&'static str),
    Int,
    Double,
    /// Milliseconds, given as seconds.
    Milliseconds,
    /// A number beside others of its target: they are added up.
    Sum,
    /// A count from zero, given as one from one.
    Ordinal,
    /// A status code that says the operation failed.
    StatusError,
    /// A list of one word, a constant of the table.
    ConstantList(&'static str),
    /// Labelled text of a coding agent: the messages in it.
    Sections,
    /// The same: the text behind the first label.
    Section,
    /// Google's content lists, also under the conventions' keys.
    GeminiInput,
    GeminiOutput,
    List,
    Finish,
    Provider,
    Stream,
    OutputType,
    Arguments,
    Result,
    Url,
    /// `llm.model_name`: the model that answered, and the one asked for where nobody says.
    Model,
    /// A step's kind, by a map of `operations.tsv`.
    Operation(&'static str),
    /// The same, from an emitter whose own kind is right where the operation it sends is not.
    Kind(&'static str),
    /// The same, where nothing else tells the kind.
    KindElse(&'static str),
    /// System instructions: parts, or their text.
    Instructions,
    /// A list in one text, its items separated by commas.
    Split,
    /// True or false, also as text.
    Bool,
    /// The text of a query inside an object that holds it.
    Query,
    /// The name in a tool's description.
    ToolOf,
    /// How many items such a list has.
    Count,
    /// A model's name without the provider in front.
    Unprefixed,
    /// Conversations in one attribute, see `message_lists`.
    EventList,
    Conversation,
    RawRequest,
    FunctionCall,
    /// An object of values by name, each under the conventions' prefix for a prompt's variables.
    PromptVariables,
    /// Name of what the step runs: a model, a tool, an agent, a workflow.
    Subject,
    /// Name of the agent or workflow that a step belongs to, which `entity.type` tells apart.
    Owner,
    IndexedInput,
    IndexedOutput,
    IndexedTools,
    IndexedDocuments,
    Evaluations,
    JsonInput,
    JsonOutput,
    BlobInput,
    BlobOutput,
    Parameters,
    ToolParameters,
    Embedding,
    Metadata,
    Association,
    EntityName,
    EntityVersion,
    ToolName,
    RouteSource,
    RouteTarget,
    UsageText,
    /// A usage object, see `usage_object`.
    UsageObject,
    UsageParts,
    UsageBuckets,
    /// A part of the one answer, see `answer`.
    AnswerText,
    AnswerReasoning,
    AnswerCalls,
    AnswerJson,
    /// A time (nanoseconds, or a date and time as text), given as seconds since the span began.
    SinceStart,
    /// A number or truth value where the value is this word (a star stands for what it begins or ends with): `when:WORD=N`.
    When(&'static str, When),
    /// An object's `total`, else the sum of its numbers.
    Total,
    /// Tool definitions in any provider's shape.
    Definitions,
    /// Documents that a retriever found.
    Documents,
    /// One entry of a user's metadata, under a prefix.
    MetadataEntry,
    /// Results of the tool calls that one step ran.
    ToolResults,
    /// `ERROR`, `failed` and the like make the span one that failed.
    Level,
    /// What a failed span says.
    StatusMessage,
    /// Tool definitions that stand among a request's messages.
    DefinitionsAmong,
    /// The length of an embedding.
    Dimensions,
    /// Messages of a whole run, for its root where that has none.
    LateInput,
    LateOutput,
    /// What follows the first word.
    AfterWord,
    /// An assessment as JSON: an evaluation event.
    Assessment,
}

impl Transform {
    fn parse(text: &'static str) -> Transform {
        match text {
            "keep" => Transform::Keep,
            "drop" => Transform::Drop,
            "check" => Transform::Check,
            "copy" => Transform::Copy,
            "int" => Transform::Int,
            "double" => Transform::Double,
            "ms" => Transform::Milliseconds,
            "sum" => Transform::Sum,
            "ordinal" => Transform::Ordinal,
            "status-error" => Transform::StatusError,
            "sections" => Transform::Sections,
            "section" => Transform::Section,
            "gemini-input" => Transform::GeminiInput,
            "gemini-output" => Transform::GeminiOutput,
            "list" => Transform::List,
            "finish" => Transform::Finish,
            "provider" => Transform::Provider,
            "stream" => Transform::Stream,
            "output-type" => Transform::OutputType,
            "arguments" => Transform::Arguments,
            "result" => Transform::Result,
            "url" => Transform::Url,
            "model" => Transform::Model,
            "indexed-input" => Transform::IndexedInput,
            "indexed-output" => Transform::IndexedOutput,
            "indexed-tools" => Transform::IndexedTools,
            "indexed-documents" => Transform::IndexedDocuments,
            "evaluations" => Transform::Evaluations,
            "json-input" => Transform::JsonInput,
            "json-output" => Transform::JsonOutput,
            "blob-input" => Transform::BlobInput,
            "blob-output" => Transform::BlobOutput,
            "parameters" => Transform::Parameters,
            "tool-parameters" => Transform::ToolParameters,
            "embedding" => Transform::Embedding,
            "metadata" => Transform::Metadata,
            "association" => Transform::Association,
            "entity-name" => Transform::EntityName,
            "entity-version" => Transform::EntityVersion,
            "tool-name" => Transform::ToolName,
            "route-source" => Transform::RouteSource,
            "route-target" => Transform::RouteTarget,
            "usage-text" => Transform::UsageText,
            "instructions" => Transform::Instructions,
            "split" => Transform::Split,
            "bool" => Transform::Bool,
            "query" => Transform::Query,
            "tool-of" => Transform::ToolOf,
            "count" => Transform::Count,
            "unprefixed" => Transform::Unprefixed,
            "event-list" => Transform::EventList,
            "conversation" => Transform::Conversation,
            "raw-request" => Transform::RawRequest,
            "function-call" => Transform::FunctionCall,
            "prompt-variables" => Transform::PromptVariables,
            "subject" => Transform::Subject,
            "owner" => Transform::Owner,
            "usage-object" => Transform::UsageObject,
            "usage-parts" => Transform::UsageParts,
            "usage-buckets" => Transform::UsageBuckets,
            "answer-text" => Transform::AnswerText,
            "answer-reasoning" => Transform::AnswerReasoning,
            "answer-calls" => Transform::AnswerCalls,
            "answer-json" => Transform::AnswerJson,
            "since-start" => Transform::SinceStart,
            "total" => Transform::Total,
            "definitions" => Transform::Definitions,
            "documents" => Transform::Documents,
            "metadata-entry" => Transform::MetadataEntry,
            "tool-results" => Transform::ToolResults,
            "level" => Transform::Level,
            "status-message" => Transform::StatusMessage,
            "definitions-among" => Transform::DefinitionsAmong,
            "dimensions" => Transform::Dimensions,
            "late-input" => Transform::LateInput,
            "late-output" => Transform::LateOutput,
            "after-word" => Transform::AfterWord,
            "assessment" => Transform::Assessment,
            _ => match text.split_once([':', '=']) {
                Some(("", constant)) => Transform::Constant(constant),
                Some(("list", word)) => Transform::ConstantList(word),
                Some(("operation", map)) => Transform::Operation(map),
                Some(("kind", map)) => Transform::Kind(map),
                Some(("kind-else", map)) => Transform::KindElse(map),
                Some(("when", rest)) => Transform::when(rest),
                _ => panic!("invariant: `{text}` in genai/data/dialects is a transform"),
            },
        }
    }
}

/// What `when:WORD=N` gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    Int(i64),
    Bool(bool),
}

impl Transform {
    fn when(text: &'static str) -> Transform {
        let (word, value) = text.split_once('=').expect("invariant: `when:WORD=N` has a value");
        let truth = value.parse().ok().map(When::Bool);
        let value = truth.or_else(|| value.parse().ok().map(When::Int));
        Transform::When(word, value.expect("invariant: the N of `when:WORD=N` is a number, true or false"))
    }
}

/// Records that a row holds for: `TRANSFORM@call` in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Only {
    /// Model requests and embeddings, also where only a step's kind says so.
    Call,
    Tool,
    Retrieval,
    Agent,
}

impl Only {
    fn parse(text: &str) -> Only {
        match text {
            "call" => Only::Call,
            "tool" => Only::Tool,
            "retrieval" => Only::Retrieval,
            "agent" => Only::Agent,
            _ => panic!("invariant: `@{text}` in genai/data/dialects is @call, @tool, @retrieval or @agent"),
        }
    }
    /// Whether a record of this operation or kind is one.
    pub(crate) fn holds(self, operation: &str, kind: &str) -> bool {
        match self {
            Only::Call => crate::record::is_call_operation(operation) || matches!(kind, "llm" | "embedding"),
            Only::Tool => operation == "execute_tool",
            Only::Retrieval => operation == "retrieval",
            Only::Agent => matches!(operation, "invoke_agent" | "create_agent"),
        }
    }
}

/// Class of a source key; `None` = content if the value is text, else meta.
pub(crate) type SourceClass = Option<Class>;

/// One row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    pub(crate) target: Option<KeyId>,
    pub(crate) transform: Transform,
    pub(crate) class: SourceClass,
    /// Of several sources of one target the lowest wins.
    pub(crate) rank: u32,
    /// The source begins here: what follows is the index of an indexed key.
    pub(crate) prefix_len: usize,
    /// Records it holds for; any.
    pub(crate) only: Option<Only>,
}

/// An attribute of a span event that is a source.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventRule {
    pub(crate) event: &'static str,
    pub(crate) key: &'static str,
    pub(crate) rule: Rule,
}

/// The rows of one dialect, without those of `*`.
#[derive(Debug, Default)]
struct Rules {
    exact: FastMap<Rule>,
    prefixes: PatternIndex<Rule>,
    events: Vec<EventRule>,
    span_names: Vec<(Pattern, Rule)>,
    /// Exact rules of keys with an id, by id.
    by_id: Vec<Option<Rule>>,
    named: NamedRows,
    paths: Vec<PathRows>,
}

#[derive(Debug, Default)]
pub(crate) struct Mapping {
    common: Rules,
    own: Vec<Rules>,
    /// Keys of any dialect that hold content, identities or secrets: emitters put them on each other's spans.
    travelling: Classes,
}

#[derive(Debug, Default)]
struct Classes {
    exact: FastMap<SourceClass>,
    prefixes: PatternIndex<SourceClass>,
}

static MAPPING: LazyLock<Mapping> = LazyLock::new(|| {
    keys::install();
    let mut mapping = Mapping {
        common: Rules::default(),
        own: Dialect::all().map(|_| Rules::default()).collect(),
        travelling: Classes::default(),
    };
    let all = table::MAPPINGS.iter().flat_map(|(dialect, text)| table::rows(text, 4).map(move |row| (*dialect, row)));
    for (order, (dialect, row)) in all.enumerate() {
        let [source, target, transform, class] = row[..] else { continue };
        let rules = match Dialect::by_id(dialect) {
            Some(dialect) => mapping.own.get_mut(dialect.index()),
            None => Some(&mut mapping.common),
        };
        let rules = rules.expect("invariant: every dialect has its rules");
        let (transform, only) = transform.split_once('@').map_or((transform, None), |(transform, only)| (transform, Some(Only::parse(only))));
        let transform = Transform::parse(transform);
        let rule = Rule {
            target: Some(target).filter(|target| *target != "-").map(chaperone_proto::keys::intern),
            transform,
            class: read_class(class),
            rank: tier(source, transform) * 10_000 + order as u32,
            prefix_len: source.trim_end_matches('*').len(),
            only,
        };
        rules.insert(source, rule);
        mapping.travelling.insert_private(source, rule.class);
    }
    mapping
});

fn read_class(text: &str) -> SourceClass {
    match text {
        "meta" => Some(Class::Meta),
        "identity" => Some(Class::Identity),
        "content" => Some(Class::Content),
        "secret" => Some(Class::Secret),
        _ => None,
    }
}

/// Conventions' own keys before native typed ones, those before blobs, those before span events.
fn tier(source: &str, transform: Transform) -> u32 {
    match transform {
        _ if source.starts_with("event:") => 4,
        Transform::BlobInput | Transform::BlobOutput => 3,
        _ if keys::is_convention(source) => 1,
        _ => 2,
    }
}

impl Classes {
    fn insert(&mut self, source: &'static str, class: SourceClass) {
        if source.ends_with('*') {
            self.prefixes.insert(Pattern::parse(source), class);
        } else {
            self.exact.insert(source, class);
        }
    }
    /// Keeps what is not metadata. Keys of the conventions have rows of their own for every dialect.
    fn insert_private(&mut self, source: &'static str, class: SourceClass) {
        if class != Some(Class::Meta) && !keys::is_convention(source) && !source.contains([':', '#', '?']) {
            self.insert(source, class);
        }
    }
    fn find(&self, name: &str) -> Option<SourceClass> {
        self.exact.get(name).or_else(|| self.prefixes.fitting(name).next()).copied()
    }
}

impl Rules {
    fn insert(&mut self, source: &'static str, rule: Rule) {
        if self.named.insert(source, rule) {
            return;
        }
        if let Some((key, path)) = json_paths::split(source) {
            json_paths::insert(&mut self.paths, key, path, rule);
            // What is taken out of a value stays in it.
            if self.exact.get(key).is_none() {
                self.insert(key, Rule { target: None, transform: Transform::Keep, only: None, ..rule });
            }
            return;
        }
        if let Some((event, key)) = source.strip_prefix("event:").and_then(|rest| rest.split_once('#')) {
            self.events.push(EventRule { event, key, rule });
        } else if let Some(name) = source.strip_prefix("name:") {
            self.span_names.push((Pattern::parse(name), rule));
        } else if source.ends_with('*') {
            self.prefixes.insert(Pattern::parse(source), rule);
        } else {
            let id = usize::from(chaperone_proto::keys::intern(source).0);
            if self.by_id.len() <= id {
                self.by_id.resize(id + 1, None);
            }
            if let Some(slot) = self.by_id.get_mut(id) {
                *slot = Some(rule);
            }
            self.exact.insert(source, rule);
        }
    }
    fn find(&self, id: Option<KeyId>, name: &str) -> Option<&Rule> {
        let by_id = id.and_then(|id| self.by_id.get(usize::from(id.0)).and_then(Option::as_ref));
        // A key that code names and this table does not is no exact source; one without an id may have been indexed before
        // the table was read.
        let exact = by_id.or_else(|| if id.is_none() { self.exact.get(name) } else { None });
        exact.or_else(|| self.prefixes.fitting(name).next())
    }
}

impl Mapping {
    pub(crate) fn get() -> &'static Mapping {
        &MAPPING
    }
    /// The row for a key of a dialect's record: the dialect's own exact or longest-named row, else that of every dialect.
    pub(crate) fn find(&self, dialect: Dialect, id: Option<KeyId>, name: &str) -> Option<&Rule> {
        let own = self.own.get(dialect.index()).and_then(|rules| rules.find(id, name));
        own.or_else(|| self.common.find(id, name))
    }
    /// The class of a key of a dialect's record, if a table knows the key: the outer option.
    pub(crate) fn class(&self, dialect: Dialect, id: Option<KeyId>, name: &str) -> Option<SourceClass> {
        let own = self.own.get(dialect.index()).and_then(|rules| rules.find(id, name)).map(|rule| rule.class);
        let common = || self.common.find(id, name).map(|rule| rule.class);
        own.or_else(common).or_else(|| self.travelling.find(name))
    }
    pub(crate) fn events(&self, dialect: Dialect) -> impl Iterator<Item = &EventRule> {
        self.own.get(dialect.index()).into_iter().chain([&self.common]).flat_map(|rules| &rules.events)
    }
    /// Rows that take values out of JSON: the dialect's own, then those of every dialect.
    pub(crate) fn paths(&self, dialect: Dialect) -> impl Iterator<Item = &PathRows> {
        self.own.get(dialect.index()).into_iter().chain([&self.common]).flat_map(|rules| &rules.paths)
    }
    /// The dialect's rows for records of this one's name, and the name.
    pub(crate) fn named<'a>(&self, dialect: Dialect, record: RecordRef<'a>) -> Option<(&RowsOfName, &'a str)> {
        self.own.get(dialect.index())?.named.of(record, dialect)
    }
    pub(crate) fn span_name(&self, dialect: Dialect, name: &str) -> Option<&Rule> {
        let names = self.own.get(dialect.index()).map_or(&[][..], |rules| rules.span_names.as_slice());
        names.iter().find(|(pattern, _)| pattern.fits(name)).map(|(_, rule)| rule)
    }
}
