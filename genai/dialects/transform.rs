//! What a row of a mapping table does with its value: the transforms by the names that tables give them.
//!
//! Where they are carried out: `values` (one value), `gather` (collectors), `content`, `record_values` and others (the whole record).
//! A name may end in `@call`, `@tool`, `@retrieval` or `@agent`: the row then holds only for such records.

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
    /// The same: the text behind the first label, as a tool's arguments or result.
    SectionArguments,
    SectionResult,
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
    /// As `Kind`, and words that the map does not know say nothing.
    KindKnown(&'static str),
    /// System instructions: parts, or their text.
    Instructions,
    /// A list in one text, its items separated by commas.
    Split,
    /// True or false, also as text.
    Bool,
    /// A name, from a key that may hold any text: what is longer than a name is none.
    Name,
    /// The text of a query inside an object that holds it.
    Query,
    /// The name in a tool's description.
    ToolOf,
    /// Why an answer ended, from the provider's choices.
    Ending,
    /// Blocks of the one answer.
    AnswerBlocks,
    /// What a decision model answered, by question.
    DecisionAnswers,
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
    /// Calls of an answer whose text stands elsewhere.
    OutputCalls,
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
    /// An error's class name; of a sentence only that there was an error.
    ErrorType,
}

impl Transform {
    pub(crate) fn parse(text: &'static str) -> Transform {
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
            "section-arguments" => Transform::SectionArguments,
            "section-result" => Transform::SectionResult,
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
            "output-calls" => Transform::OutputCalls,
            "instructions" => Transform::Instructions,
            "split" => Transform::Split,
            "bool" => Transform::Bool,
            "name" => Transform::Name,
            "query" => Transform::Query,
            "tool-of" => Transform::ToolOf,
            "count" => Transform::Count,
            "ending" => Transform::Ending,
            "answer-blocks" => Transform::AnswerBlocks,
            "decision-answers" => Transform::DecisionAnswers,
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
            "error-type" => Transform::ErrorType,
            _ => match text.split_once([':', '=']) {
                Some(("", constant)) => Transform::Constant(constant),
                Some(("list", word)) => Transform::ConstantList(word),
                Some(("operation", map)) => Transform::Operation(map),
                Some(("kind", map)) => Transform::Kind(map),
                Some(("kind-else", map)) => Transform::KindElse(map),
                Some(("kind-known", map)) => Transform::KindKnown(map),
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
    Word(&'static str),
}

impl Transform {
    fn when(text: &'static str) -> Transform {
        let (word, value) = text.split_once('=').expect("invariant: `when:WORD=N` has a value");
        let truth = value.parse().ok().map(When::Bool);
        let value = truth.or_else(|| value.parse().ok().map(When::Int)).unwrap_or(When::Word(value));
        Transform::When(word, value)
    }
}

/// Which rows hold for one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holding([bool; 4]);

impl Holding {
    /// For a record of this operation or kind.
    pub(crate) fn of(operation: &str, kind: &str) -> Holding {
        Holding([Only::Call, Only::Tool, Only::Retrieval, Only::Agent].map(|only| only.holds(operation, kind)))
    }
    pub(crate) fn has(self, only: Only) -> bool {
        self.0.get(only as usize) == Some(&true)
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
    pub(crate) fn parse(text: &str) -> Only {
        match text {
            "call" => Only::Call,
            "tool" => Only::Tool,
            "retrieval" => Only::Retrieval,
            "agent" => Only::Agent,
            _ => panic!("invariant: `@{text}` in genai/data/dialects is @call, @tool, @retrieval or @agent"),
        }
    }
    /// Whether a record of this operation or kind is one.
    fn holds(self, operation: &str, kind: &str) -> bool {
        match self {
            Only::Call => crate::record::is_call_operation(operation) || matches!(kind, "llm" | "embedding"),
            Only::Tool => operation == "execute_tool",
            Only::Retrieval => operation == "retrieval",
            Only::Agent => matches!(operation, "invoke_agent" | "create_agent"),
        }
    }
}
