//! From the names telemetry carries to the names of the price list.
//!
//! Providers: semantic-convention ids are mapped before matching, since the list's own matching takes `azure.ai.openai` for OpenAI.
//! Models: prefixes, quotes, paths and spellings are cleaned; dates are left, since dated names are in the list.

use std::borrow::Cow;

/// How a provider bills.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Billing<'a> {
    /// By tokens, under this id of the price list.
    List(&'a str),
    /// By a subscription: credits, not tokens.
    Subscription,
    /// The model runs on the user's own machines: free or not, the list cannot know.
    SelfHosted,
    /// Unknown, a framework or a store: the model's name must tell.
    Unknown,
}

/// The billing of a `gen_ai.provider.name`.
pub fn billing(provider: &str) -> Billing<'_> {
    match provider {
        "" => Billing::Unknown,
        "openai.responses" | "openai.chat" => Billing::List("openai"),
        "gemini" | "vertex_ai" | "google" => Billing::List("google"),
        "aws.bedrock" | "bedrock" | "aws" | "amazon-bedrock" => Billing::List("aws"),
        "azure" | "azure_openai" => Billing::List("azure"),
        "x_ai" | "xai" | "x-ai" => Billing::List("x-ai"),
        "mistral_ai" | "mistral" | "mistralai" => Billing::List("mistral"),
        "moonshot_ai" | "moonshotai" | "moonshot" => Billing::List("moonshotai"),
        "github" | "github_copilot" | "github-copilot" | "copilot" | "cursor" => Billing::Subscription,
        "ollama" | "vllm" | "lmstudio" | "lm_studio" | "llama.cpp" | "llamacpp" | "llamafile" | "localai" | "tgi" | "mlx" => {
            Billing::SelfHosted
        }
        known @ ("openai"
        | "anthropic"
        | "cohere"
        | "groq"
        | "deepseek"
        | "perplexity"
        | "openrouter"
        | "together"
        | "fireworks"
        | "cerebras"
        | "novita"
        | "baseten"
        | "databricks"
        | "cloudflare"
        | "minimax"
        | "voyageai"
        | "zai"
        | "zhipuai"
        | "ovhcloud"
        | "huggingface_together"
        | "modal"
        | "avian"
        | "arcee"
        | "meta"
        | "typesafe"
        | "elevenlabs") => Billing::List(known),
        other if other.starts_with("gcp.") => Billing::List("google"),
        other if other.starts_with("azure.ai.") => Billing::List("azure"),
        _ => Billing::Unknown,
    }
}

/// A model name ready for matching, and the provider that a prefix of it named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CleanModel<'a> {
    /// Lower case, without quotes, blanks, known provider prefix and resource path.
    pub name: Cow<'a, str>,
    /// What a prefix (`azure/`, `bedrock/`) said about who bills.
    pub billing: Option<Billing<'a>>,
}

/// Cleans a model name: quotes, blanks, case, resource paths, ARNs and known provider prefixes.
pub fn clean_model(raw: &str) -> CleanModel<'_> {
    let trimmed = raw.trim().trim_matches(['"', '\'']).trim();
    let mut name: Cow<'_, str> =
        if trimmed.bytes().any(|b| b.is_ascii_uppercase()) { trimmed.to_ascii_lowercase().into() } else { trimmed.into() };
    if let Some(bare) = bare_resource(&name) {
        name = Cow::Owned(bare.to_owned());
    }
    let mut billing = None;
    // `litellm_proxy/openai/gpt-4o`: prefixes may stand in a row; the first that says who bills decides.
    while let Some((prefix, rest)) = name.split_once('/') {
        let Some(said) = prefix_billing(prefix) else { break };
        billing = billing.or(said);
        let keeps_maker = matches!(said, Some(Billing::List("openrouter" | "together" | "fireworks" | "novita")));
        name = Cow::Owned(rest.to_owned());
        if keeps_maker {
            break;
        }
    }
    CleanModel { name, billing }
}

/// `None`: no provider's prefix. `Some(None)`: a gateway's, which says nothing about who bills.
fn prefix_billing(prefix: &str) -> Option<Option<Billing<'static>>> {
    Some(match prefix {
        "litellm_proxy" | "litellm" | "proxy" => None,
        "openai" => Some(Billing::List("openai")),
        "anthropic" => Some(Billing::List("anthropic")),
        "azure" | "azure_ai" => Some(Billing::List("azure")),
        "bedrock" | "bedrock_converse" => Some(Billing::List("aws")),
        "vertex_ai" | "gemini" | "google" | "google-gla" | "google-vertex" | "vertex" => Some(Billing::List("google")),
        "cohere" => Some(Billing::List("cohere")),
        "groq" => Some(Billing::List("groq")),
        "mistral" => Some(Billing::List("mistral")),
        "deepseek" => Some(Billing::List("deepseek")),
        "xai" | "x-ai" | "x_ai" => Some(Billing::List("x-ai")),
        "perplexity" => Some(Billing::List("perplexity")),
        "openrouter" => Some(Billing::List("openrouter")),
        "together_ai" | "together" => Some(Billing::List("together")),
        "fireworks_ai" | "fireworks" => Some(Billing::List("fireworks")),
        "novita" => Some(Billing::List("novita")),
        "github_copilot" | "copilot" | "cursor" => Some(Billing::Subscription),
        "ollama" | "ollama_chat" | "vllm" | "hosted_vllm" | "lm_studio" | "llamafile" => Some(Billing::SelfHosted),
        _ => return None,
    })
}

/// The last element of `models/...`, `publishers/.../models/...`, `projects/...` and of Bedrock ARNs that name a model.
fn bare_resource(name: &str) -> Option<&str> {
    let is_path = name.starts_with("models/") || name.starts_with("publishers/") || name.starts_with("projects/");
    let is_named_arn = name.starts_with("arn:") && (name.contains(":foundation-model/") || name.contains(":inference-profile/"));
    if is_path || is_named_arn { name.rsplit('/').next() } else { None }
}

/// `name` without a date at its end: `-2024-07-18`, `-20250929`, `@20250929`.
pub(super) fn without_date(name: &str) -> Option<&str> {
    let bytes = name.as_bytes();
    let digits = |from: usize, to: usize| bytes.get(from..to).is_some_and(|part| part.iter().all(u8::is_ascii_digit));
    let n = name.len();
    if n > 9 && digits(n - 8, n) && matches!(bytes.get(n - 9), Some(b'-' | b'@')) {
        return name.get(..n - 9);
    }
    let is_dashed = n > 11
        && digits(n - 2, n)
        && digits(n - 5, n - 3)
        && digits(n - 10, n - 6)
        && [n - 3, n - 6, n - 11].iter().all(|at| bytes.get(*at) == Some(&b'-'));
    if is_dashed { name.get(..n - 11) } else { None }
}

/// `-20250929` at the end as `-2025-09-29`.
pub(super) fn with_dashed_date(name: &str) -> Option<String> {
    let bare = without_date(name)?;
    let date = name.get(bare.len() + 1..)?;
    (date.len() == 8).then(|| format!("{bare}-{}-{}-{}", &date[..4], &date[4..6], &date[6..]))
}

/// What two records call the same model: cleaned, without provider prefix and date.
pub fn same_model_key(raw: &str) -> String {
    let clean = clean_model(raw);
    let last = clean.name.rsplit('/').next().unwrap_or(&clean.name);
    without_date(last).unwrap_or(last).replace('.', "-")
}
