//! Closed vocabularies: providers, finish reasons, kinds of steps. Each is a table in `genai/data/`.

use super::fast_map::FastMap;
use super::table;
use chaperone_proto::ValueRef;
use std::sync::LazyLock;

static PROVIDERS: LazyLock<FastMap<&'static str>> = LazyLock::new(|| pairs(include_str!("../data/providers.tsv")));
static FINISH: LazyLock<FastMap<&'static str>> = LazyLock::new(|| pairs(include_str!("../data/finish_reasons.tsv")));
static STEPS: LazyLock<FastMap<Steps>> = LazyLock::new(|| {
    let rows = table::rows(include_str!("../data/operations.tsv"), 5);
    let step = |row: Vec<&'static str>| {
        let [map, native, operation, own_operation, kind] = row[..] else {
            panic!("invariant: rows of operations.tsv have five columns")
        };
        Step { map, native, operation, own_operation, kind }
    };
    let mut maps: FastMap<Steps> = FastMap::default();
    for step in rows.map(step) {
        let of_map = maps.entry(step.map).or_default();
        of_map.equal.entry(step.native).or_insert(step);
        if step.native.starts_with('*') || step.native.ends_with('*') {
            of_map.starred.push(step);
        }
    }
    maps
});

/// The steps of one map: by their words, and those whose words have a star.
#[derive(Debug, Default)]
struct Steps {
    equal: FastMap<Step>,
    starred: Vec<Step>,
}

fn pairs(text: &'static str) -> FastMap<&'static str> {
    table::rows(text, 2).filter_map(|row| Some((*row.first()?, *row.get(1)?))).collect()
}

/// What a dialect's word for a step means.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Step {
    map: &'static str,
    native: &'static str,
    operation: &'static str,
    own_operation: &'static str,
    kind: &'static str,
}

impl Step {
    pub(crate) fn find(map: &str, native: &str) -> Option<Step> {
        let steps = STEPS.get(map)?;
        steps.equal.get(native).or_else(|| steps.starred.iter().find(|step| step.fits(native))).copied()
    }
    /// A native word of the table may begin or end with a star.
    fn fits(&self, native: &str) -> bool {
        match (self.native.strip_prefix('*'), self.native.strip_suffix('*')) {
            (Some(end), _) => native.ends_with(end),
            (_, Some(start)) => native.starts_with(start),
            _ => false,
        }
    }
    /// Operation of the conventions.
    pub(crate) fn operation(self, is_root: bool) -> Option<&'static str> {
        match self.operation.strip_prefix("root:") {
            Some(operation) => Some(operation).filter(|_| is_root),
            None => Some(self.operation).filter(|operation| *operation != "-"),
        }
    }
    /// Operation of ours where the conventions have none.
    pub(crate) fn own_operation(self) -> Option<&'static str> {
        Some(self.own_operation).filter(|operation| *operation != "-")
    }
    /// Kind of step where no operation tells it.
    pub(crate) fn kind(self) -> Option<&'static str> {
        Some(self.kind).filter(|kind| *kind != "-")
    }
}

/// What an emitter's provider or system field says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Provider {
    /// A provider, spelled canonically.
    Known(&'static str),
    /// A framework, a store: no provider.
    None,
    /// Nothing the table knows: taken as it is.
    Other,
}

pub(crate) fn provider(native: &str) -> Provider {
    // Most are spelled as the table spells them.
    match PROVIDERS.get(native) {
        Some(&"-") => return Provider::None,
        Some(canonical) => return Provider::Known(canonical),
        None => {}
    }
    let lower = native.to_ascii_lowercase();
    // The AI SDK names the provider's interface too: `anthropic.messages`, `google.vertex.chat`.
    let without_interface = || {
        let (provider, interface) = lower.rsplit_once('.')?;
        INTERFACES.contains(&interface).then(|| PROVIDERS.get(provider))?
    };
    match PROVIDERS.get(lower.as_str()).or_else(without_interface) {
        Some(&"-") => Provider::None,
        Some(canonical) => Provider::Known(canonical),
        None => Provider::Other,
    }
}

const INTERFACES: [&str; 12] = [
    "chat",
    "messages",
    "responses",
    "completion",
    "completions",
    "embedding",
    "embeddings",
    "textembedding",
    "text-embedding",
    "image",
    "speech",
    "transcription",
];

/// Whether a provider field names Azure's agent service, which says where models run but not which.
pub(crate) fn is_azure(native: &str) -> bool {
    ["az.ai.", "azure.ai.", "microsoft.foundry"].iter().any(|prefix| native.starts_with(prefix))
}

/// The provider a model's name tells, where the provider field does not.
pub(crate) fn provider_of_model(model: &str) -> Option<&'static str> {
    let lower = model.to_ascii_lowercase();
    if let Some((prefix, _)) = lower.split_once('/')
        && let Provider::Known(known) = provider(prefix)
    {
        return Some(known);
    }
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| lower.starts_with(prefix));
    if begins(&["gpt-", "o1", "o3", "o4", "chatgpt", "text-embedding-", "davinci", "babbage"]) {
        Some("openai")
    } else if begins(&["claude"]) {
        Some("anthropic")
    } else if begins(&["gemini"]) {
        Some("gcp.gemini")
    } else if begins(&["mistral", "mixtral", "codestral", "ministral"]) {
        Some("mistral_ai")
    } else if begins(&["command", "embed-english", "embed-multilingual"]) {
        Some("cohere")
    } else if begins(&["deepseek"]) {
        Some("deepseek")
    } else if begins(&["grok"]) {
        Some("x_ai")
    } else if begins(&["sonar"]) {
        Some("perplexity")
    } else {
        None
    }
}

/// The canonical word for why a generation ended; unknown words as they are.
/// Members of enums lose their class (`FinishReason.TOOL_CALLS`); the table's words are known in capitals too.
pub(crate) fn finish_reason(native: &str) -> &str {
    let word = native.rsplit_once('.').filter(|(class, _)| class.ends_with("eason")).map_or(native, |(_, word)| word);
    let known = FINISH.get(word).or_else(|| FINISH.get(word.to_ascii_lowercase().as_str()));
    known.copied().unwrap_or(word)
}

/// Whether a list of words for why generations ended is spelled canonically.
pub(crate) fn are_finish_reasons(value: ValueRef<'_>) -> bool {
    let ValueRef::Array(items) = value else { return false };
    items.iter().all(|item| {
        item.as_str().is_some_and(|word| FINISH.get(word).map_or_else(|| finish_reason(word) == word, |known| *known == word))
    })
}

/// Words with which emitters say that something failed.
pub(crate) fn is_failure(word: &str) -> bool {
    ["error", "errored", "fail", "failed", "failure"].iter().any(|failure| failure.eq_ignore_ascii_case(word))
}

/// Whether a text can be the name of a tool, an agent or a guardrail: one short line.
pub(crate) fn is_name(text: &str) -> bool {
    text.len() <= 64 && !text.contains(['\n', '{', '"'])
}

/// Whether a text can be the name of an error's class or its code: no sentence, which may hold anything.
pub(crate) fn is_class_name(text: &str) -> bool {
    let is_of_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':');
    text.len() <= 64 && !text.is_empty() && text.bytes().all(is_of_name)
}

/// Texts that stand for content an emitter took out.
pub(crate) fn is_redacted(text: &str) -> bool {
    is_redacted_bytes(text.as_bytes())
}

/// The same for a text that was not read yet.
#[inline]
pub(crate) fn is_redacted_bytes(text: &[u8]) -> bool {
    match text.first() {
        None => true,
        Some(b'<' | b'[' | b'_' | b'{' | b'N') => {
            matches!(text, b"<REDACTED>" | b"[REDACTED]" | b"__REDACTED__" | b"{}" | b"N/A")
        }
        Some(_) => false,
    }
}
