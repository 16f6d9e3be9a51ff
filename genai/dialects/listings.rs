//! Lists of tools and of documents, in the conventions' shape.
//!
//! Tools come as OpenAI's `{type, function: {...}}`, Anthropic's and the AI SDK's with a schema of the input, Haystack's with `data`, each
//! perhaps as JSON text; documents as LangChain's `page_content`, Haystack's and others' `content` or `text`, with a score or without.

use super::json_paths::parse;
use chaperone_proto::ValueRef;
use serde_json::{Map, Value as Json};

type Object = Map<String, Json>;

/// `gen_ai.tool.definitions`; `None` if the value is no list of tools.
pub(crate) fn definitions(value: ValueRef<'_>) -> Option<String> {
    let tools: Vec<Json> = items(value, "tools")?.into_iter().flat_map(declared).filter_map(definition).collect();
    (!tools.is_empty()).then(|| Json::Array(tools).to_string())
}

fn definition(tool: Json) -> Option<Json> {
    let mut tool = match tool {
        Json::Object(tool) => tool,
        Json::String(text) => match parse(&text).filter(Json::is_object) {
            Some(tool) => return definition(tool),
            // A name alone: Strands.
            None if text.len() <= 64 && !text.contains([' ', '{']) => Object::from_iter([("name".to_owned(), Json::from(text))]),
            None => return None,
        },
        _ => return None,
    };
    for inside in ["function", "data", "toolSpec"] {
        if let Some(Json::Object(inner)) = tool.get_mut(inside) {
            return plain_definition(std::mem::take(inner), "function");
        }
    }
    let kind = tool.get("type").and_then(Json::as_str).unwrap_or("function").to_owned();
    plain_definition(tool, &kind)
}

/// Gemini declares several functions as one tool.
fn declared(mut tool: Json) -> Vec<Json> {
    for list in ["function_declarations", "functionDeclarations"] {
        if let Some(Json::Array(functions)) = tool.get_mut(list).map(Json::take) {
            return functions;
        }
    }
    vec![tool]
}

fn plain_definition(mut tool: Object, kind: &str) -> Option<Json> {
    let mut out = Object::new();
    out.insert("type".to_owned(), Json::from(kind));
    out.insert("name".to_owned(), tool.remove("name").filter(Json::is_string)?);
    for (key, spellings) in [
        ("description", &["description"][..]),
        ("parameters", &["parameters", "inputSchema", "input_schema", "parameters_json_schema"][..]),
    ] {
        if let Some(value) = spellings.iter().find_map(|name| tool.remove(*name)).filter(|value| !value.is_null()) {
            out.insert(key.to_owned(), value);
        }
    }
    Some(Json::Object(out))
}

/// The same from a list of messages of which some hold a tool instead of a text: LangChain's callbacks send tools so.
pub(crate) fn definitions_among(value: ValueRef<'_>) -> Option<String> {
    let contents = items(value, "messages")?.into_iter().filter_map(|mut message| message.get_mut("content").map(Json::take));
    let tools: Vec<Json> = contents.filter(is_function).filter_map(definition).collect();
    (!tools.is_empty()).then(|| Json::Array(tools).to_string())
}

/// Whether a message's content is a tool.
pub(crate) fn is_function(content: &Json) -> bool {
    content.get("type").and_then(Json::as_str) == Some("function") && content.get("function").is_some_and(Json::is_object)
}

/// Numbers in a vector, or in the first of several; each may be JSON text.
pub(crate) fn dimensions(value: ValueRef<'_>) -> Option<i64> {
    let json = match value {
        ValueRef::Str(text) => parse(text)?,
        other => crate::record::plain(other),
    };
    let first = json.as_array()?.first()?;
    let vector = match first {
        Json::Array(inner) => inner.clone(),
        Json::String(text) => parse(text)?.as_array()?.clone(),
        _ => json.as_array()?.clone(),
    };
    (!vector.is_empty() && vector.iter().all(Json::is_number)).then_some(vector.len() as i64)
}

/// `gen_ai.retrieval.documents`; `None` if the value is no list. An empty list is one: nothing was found.
pub(crate) fn documents(value: ValueRef<'_>) -> Option<String> {
    let documents = items(value, "documents")?.into_iter().filter_map(document).collect();
    Some(Json::Array(documents).to_string())
}

fn document(document: Json) -> Option<Json> {
    let mut document = match document {
        Json::Object(document) => document,
        Json::String(text) => match parse(&text) {
            Some(Json::Object(document)) => document,
            _ => Object::from_iter([("content".to_owned(), Json::from(text))]),
        },
        _ => return None,
    };
    // LlamaIndex: a node with its score.
    if let Some(Json::Object(mut node)) = document.remove("node") {
        node.extend(document.remove("score").map(|score| ("score".to_owned(), score)));
        document = node;
    }
    let mut out = Object::new();
    for (key, spellings) in [
        ("id", &["id", "id_", "doc_id", "document_id"][..]),
        ("score", &["score", "similarity"]),
        ("content", &["page_content", "content", "text"]),
        ("metadata", &["metadata", "meta"]),
    ] {
        if let Some(value) = spellings.iter().find_map(|name| document.remove(*name)).filter(|value| !value.is_null()) {
            out.insert(key.to_owned(), value);
        }
    }
    Some(Json::Object(out))
}

/// The items of a list, or of the list that an object holds under this name.
fn items(value: ValueRef<'_>, name: &str) -> Option<Vec<Json>> {
    let json = match value {
        ValueRef::Str(text) => parse(text)?,
        other => crate::record::plain(other),
    };
    match json {
        Json::Array(items) => Some(items),
        Json::Object(mut object) => match object.remove(name)? {
            Json::Array(items) => Some(items),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_of_all_providers_look_alike() {
        let expected = r#"[{"description":"d","name":"f","parameters":{"type":"object"},"type":"function"}]"#;
        for text in [
            r#"[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}}]"#,
            r#"["{\"type\":\"function\",\"name\":\"f\",\"description\":\"d\",\"inputSchema\":{\"type\":\"object\"}}"]"#,
            r#"[{"name":"f","description":"d","input_schema":{"type":"object"}}]"#,
            r#"{"tools":[{"type":"haystack.tools.tool.Tool","data":{"name":"f","description":"d","parameters":{"type":"object"}}}]}"#,
        ] {
            assert_eq!(definitions(ValueRef::Str(text)).as_deref(), Some(expected), "{text}");
        }
        let declared = r#"[{"function_declarations":[{"name":"f"}]},"g"]"#;
        let expected = r#"[{"name":"f","type":"function"},{"name":"g","type":"function"}]"#;
        assert_eq!(definitions(ValueRef::Str(declared)).as_deref(), Some(expected));
        for text in ["[]", "no", "{}", r#"[{"type":"function"}]"#] {
            assert_eq!(definitions(ValueRef::Str(text)), None, "{text}");
        }
    }

    #[test]
    fn documents_keep_what_the_conventions_name() {
        let langchain = r#"[{"page_content":"a","metadata":{"id":"doc-1"},"id":"7","type":"Document"}]"#;
        assert_eq!(
            documents(ValueRef::Str(langchain)).as_deref(),
            Some(r#"[{"content":"a","id":"7","metadata":{"id":"doc-1"}}]"#)
        );
        let haystack = r#"{"documents":[{"id":"doc-3","content":"b","score":4.5,"embedding":null}]}"#;
        assert_eq!(documents(ValueRef::Str(haystack)).as_deref(), Some(r#"[{"content":"b","id":"doc-3","score":4.5}]"#));
        assert_eq!(documents(ValueRef::Str("[]")).as_deref(), Some("[]"), "nothing was found");
        assert_eq!(documents(ValueRef::Str("\"a\"")), None);
    }

    #[test]
    fn tools_among_messages_are_told_from_results_of_tools() {
        let text = r#"[{"role":"user","content":"hi"},{"role":"tool","content":"{\"name\":\"Jane\"}"},
            {"role":"tool","content":{"type":"function","function":{"name":"f"}}}]"#;
        assert_eq!(definitions_among(ValueRef::Str(text)).as_deref(), Some(r#"[{"name":"f","type":"function"}]"#));
    }

    #[test]
    fn the_length_of_a_vector_is_its_dimension() {
        assert_eq!(dimensions(ValueRef::Str("[0.5,1,2]")), Some(3));
        assert_eq!(dimensions(ValueRef::Str(r#"["[0.5,1]","[1,2]"]"#)), Some(2));
        assert_eq!(dimensions(ValueRef::Str(r#"["a"]"#)), None);
    }
}
