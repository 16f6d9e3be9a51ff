//! Price lists that users bring: JSON as LiteLLM or genai-prices publish it, told apart by their shape.
//!
//! Both lists change weekly, the embedded one with each release; a file of the user's comes before it.
//! An entry that is not understood is left out and counted, the rest of the file holds: one odd model must not unprice all.

use super::table::PriceTable;
use super::{genai_prices, litellm};
use serde_json::Value;

/// A list from a file, and what of it could not be used.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceFile {
    /// What can be asked.
    pub table: PriceTable,
    /// Models left out because their entry was not understood; models without a price of tokens are not counted.
    pub skipped: Vec<String>,
}

/// A price file that cannot be used at all.
#[derive(Debug, thiserror::Error)]
pub enum PriceFileError {
    /// It is not JSON.
    #[error("it is not JSON")]
    Json(#[source] serde_json::Error),
    /// It is JSON of something else.
    #[error("it is neither a list of LiteLLM (models with `litellm_provider`) nor of genai-prices (providers with `models`)")]
    Unknown,
    /// Not one model of it has a price of tokens.
    #[error("no model in it has a price of tokens")]
    Empty,
}

/// Reads a list. `name` is what stands before provider and model in `chaperone.cost.price_id`.
pub fn read_price_file(text: &str, name: &str) -> Result<PriceFile, PriceFileError> {
    let json: Value = serde_json::from_str(text).map_err(PriceFileError::Json)?;
    let providers = match &json {
        Value::Array(providers) => Some(providers),
        Value::Object(map) => map.get("providers").and_then(Value::as_array),
        _ => None,
    };
    let has = |value: &Value, key: &str| value.get(key).is_some();
    let (providers, skipped) = match (providers, &json) {
        (Some(providers), _) if providers.iter().any(|provider| has(provider, "models")) => genai_prices::read(providers),
        (None, Value::Object(models)) if models.values().any(|model| has(model, "litellm_provider")) => litellm::read(models),
        _ => return Err(PriceFileError::Unknown),
    };
    let table = PriceTable { name: name.to_owned().into(), providers };
    if table.models() == 0 {
        return Err(PriceFileError::Empty);
    }
    Ok(PriceFile { table, skipped })
}
