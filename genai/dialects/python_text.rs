//! What Python prints for its values, read leniently: literals, calls of classes, `key=value` text, enums.
//!
//! Emitters send `str()` and `repr()` of dictionaries and of their own objects where JSON was meant: LiteLLM's usage, CrewAI's
//! totals, messages of Haystack, smolagents and AutoGen.
//! A call `Name(a=1)` becomes an object of its named arguments with the class under [`CLASS`]; an enum `<Role.USER: 'user'>` its
//! value; anything else in angle brackets stays text. Text cut in the middle gives what was complete.

use serde_json::{Map, Number, Value};

/// Member of an object that holds the name of its class.
pub(crate) const CLASS: &str = "__class__";

/// Deeper values are dropped.
const DEEPEST: usize = 48;

/// JSON, else what Python prints; `None` for plain text.
pub(crate) fn structured(text: &str) -> Option<Value> {
    let trimmed = text.trim_start();
    if trimmed.starts_with(['{', '[', '"'])
        && let Some(value) = serde_json::from_str(trimmed).ok().or_else(|| super::cut_json::parse(trimmed))
    {
        return Some(value);
    }
    parse(trimmed)
}

/// A structured Python value: a list, dictionary, tuple, call or `key=value` text. `None` for anything else.
pub(crate) fn parse(text: &str) -> Option<Value> {
    let mut reader = Reader { text, at: 0, cut: false };
    reader.blanks();
    let value = match reader.peek()? {
        '{' | '[' | '(' => reader.value(0)?,
        first if is_word(first) => {
            let word = reader.word();
            match reader.peek()? {
                '(' if word.starts_with(|first: char| first.is_ascii_uppercase()) => reader.call(word, 0)?,
                '=' => {
                    reader.at = 0;
                    reader.blanks();
                    Value::Object(reader.fields(None, 0)?)
                }
                _ => return None,
            }
        }
        _ => return None,
    };
    reader.blanks();
    (reader.cut || reader.peek().is_none()).then_some(value)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// The text ended inside a value.
    cut: bool,
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }
    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }
    fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.at += next.len_utf8();
        Some(next)
    }
    fn take(&mut self, wanted: char) -> bool {
        let found = self.peek() == Some(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }
    fn blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }
    /// A name, with dots: `datetime.datetime`, `FinishReason.STOP`.
    fn word(&mut self) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c: char| !is_word(c) && c != '.').unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or("")
    }
    /// Notes that the text ended.
    fn ended(&mut self) -> bool {
        let ended = self.at >= self.text.len();
        self.cut |= ended;
        ended
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        self.blanks();
        match self.peek()? {
            '{' => self.braces(depth),
            '[' => self.list('[', ']', depth),
            '(' => self.list('(', ')', depth),
            '<' => self.angle(depth),
            quote @ ('\'' | '"') => self.string(quote).map(Value::String),
            '-' | '+' | '.' => Some(self.number()),
            digit if digit.is_ascii_digit() => Some(self.number()),
            first if is_word(first) => self.named(depth),
            _ => None,
        }
    }

    fn number(&mut self) -> Value {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_'))).unwrap_or(rest.len());
        self.at += end.max(1);
        let text = rest.get(..end).unwrap_or("").replace('_', "");
        match (text.parse::<i64>(), text.parse::<f64>()) {
            (Ok(whole), _) => Value::from(whole),
            (_, Ok(real)) => Number::from_f64(real).map_or(Value::Null, Value::Number),
            _ => Value::String(text),
        }
    }

    fn named(&mut self, depth: usize) -> Option<Value> {
        let word = self.word();
        match (word, self.peek()) {
            ("b" | "r" | "u" | "f" | "rb" | "br", Some(quote @ ('\'' | '"'))) => self.string(quote).map(Value::String),
            (_, Some('(')) => self.call(word, depth),
            ("True" | "true", _) => Some(Value::Bool(true)),
            ("False" | "false", _) => Some(Value::Bool(false)),
            ("None" | "null" | "nan" | "inf", _) => Some(Value::Null),
            // The name of an enum's member or of a constant; prose in brackets is no list of names.
            _ if word.contains('.') || word.starts_with(|first: char| first.is_ascii_uppercase()) => Some(Value::from(word)),
            _ => None,
        }
    }

    fn call(&mut self, name: &str, depth: usize) -> Option<Value> {
        let start = self.at;
        self.take('(');
        self.blanks();
        let named = {
            let mut ahead = Reader { text: self.text, at: self.at, cut: false };
            !ahead.word().is_empty() && ahead.take('=')
        };
        if named {
            let mut object = self.fields(Some(')'), depth + 1)?;
            object.insert(CLASS.to_owned(), Value::from(name));
            return Some(Value::Object(object));
        }
        self.at = start;
        self.list('(', ')', depth)
    }

    /// `a=1, b=2)` or `a=1 b=2` up to the end of the text.
    fn fields(&mut self, close: Option<char>, depth: usize) -> Option<Map<String, Value>> {
        let mut object = Map::new();
        loop {
            self.blanks();
            while self.take(',') {
                self.blanks();
            }
            if close.is_some_and(|close| self.take(close)) {
                return Some(object);
            }
            if self.at >= self.text.len() {
                self.cut |= close.is_some();
                return Some(object);
            }
            let name = self.word();
            self.blanks();
            if name.is_empty() || !self.take('=') {
                return if self.ended() { Some(object) } else { None };
            }
            match self.value(depth + 1) {
                Some(value) => object.insert(name.to_owned(), value),
                None if self.ended() => return Some(object),
                None => return None,
            };
        }
    }

    /// A dictionary, or a set, which becomes a list.
    fn braces(&mut self, depth: usize) -> Option<Value> {
        self.take('{');
        let (mut object, mut items) = (Map::new(), Vec::new());
        loop {
            self.blanks();
            while self.take(',') {
                self.blanks();
            }
            if self.take('}') || self.ended() {
                let is_set = object.is_empty() && !items.is_empty();
                return Some(if is_set { Value::Array(items) } else { Value::Object(object) });
            }
            let Some(key) = self.value(depth + 1) else { return if self.ended() { Some(Value::Object(object)) } else { None } };
            self.blanks();
            if !self.take(':') {
                items.push(key);
                continue;
            }
            let name = match key {
                Value::String(name) => name,
                other => other.to_string(),
            };
            match self.value(depth + 1) {
                Some(value) => object.insert(name, value),
                None if self.ended() => return Some(Value::Object(object)),
                None => return None,
            };
        }
    }

    fn list(&mut self, open: char, close: char, depth: usize) -> Option<Value> {
        self.take(open);
        let mut items = Vec::new();
        loop {
            self.blanks();
            while self.take(',') {
                self.blanks();
            }
            if self.take(close) || self.ended() {
                return Some(Value::Array(items));
            }
            // `Name(1, key=2)`: the name of a later argument is of no use here.
            let before = self.at;
            let word = self.word();
            if word.is_empty() || !self.take('=') {
                self.at = before;
            }
            match self.value(depth + 1) {
                Some(value) => items.push(value),
                None if self.ended() => return Some(Value::Array(items)),
                None => return None,
            }
        }
    }

    /// `<Role.USER: 'user'>` is its value, `<class 'int'>` and `<object at 0x7f>` are text.
    fn angle(&mut self, outside: usize) -> Option<Value> {
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(c) = self.next() {
            match c {
                '<' => depth += 1,
                '>' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                break;
            }
        }
        if depth > 0 {
            self.cut = true;
            return None;
        }
        let text = self.text.get(start..self.at).unwrap_or("");
        let inner = text.trim_start_matches('<').trim_end_matches('>');
        let value = inner.split_once(": ").and_then(|(_, value)| Reader { text: value, at: 0, cut: false }.value(outside + 1));
        Some(value.unwrap_or_else(|| Value::from(text)))
    }

    fn string(&mut self, quote: char) -> Option<String> {
        self.take(quote);
        let mut text = String::new();
        loop {
            // Most of a text is no escape: whole runs are copied.
            let rest = self.rest();
            let run = rest.find([quote, '\\']).unwrap_or(rest.len());
            text.push_str(rest.get(..run).unwrap_or(""));
            self.at += run;
            if self.ended() {
                return None;
            }
            if self.next() == Some(quote) {
                return Some(text);
            }
            match self.next()? {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                'x' => text.push(self.code(2)?),
                'u' => text.push(self.code(4)?),
                'U' => text.push(self.code(8)?),
                same @ ('\\' | '\'' | '"') => text.push(same),
                other => text.extend(['\\', other]),
            }
        }
    }

    fn code(&mut self, digits: usize) -> Option<char> {
        let hex = self.rest().get(..digits)?;
        self.at += digits;
        u32::from_str_radix(hex, 16).ok().and_then(char::from_u32).or(Some('\u{fffd}'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn literals_are_the_values_they_print() {
        for (text, value) in [
            ("{'a': 1, 'b': None, \"c\": [True, 1.5, 'x\\'y']}", json!({"a": 1, "b": null, "c": [true, 1.5, "x'y"]})),
            ("{'tokens': {'cached': 768}, 'empty': {}}", json!({"tokens": {"cached": 768}, "empty": {}})),
            ("('a', -2)", json!(["a", -2])),
            ("{'a', 'b'}", json!(["a", "b"])),
            ("{'t': '\\u00e9\\n\\x41', 'raw': b'q'}", json!({"t": "\u{e9}\nA", "raw": "q"})),
        ] {
            assert_eq!(parse(text), Some(value), "{text}");
        }
    }

    #[test]
    fn printed_objects_are_their_named_fields() {
        let text = "ChatCompletion(id='c-1', choices=[Choice(finish_reason='stop', index=0)], at=datetime.datetime(2026, 1, 2))";
        let value = json!({
            "id": "c-1", "at": [2026, 1, 2], "__class__": "ChatCompletion",
            "choices": [{"finish_reason": "stop", "index": 0, "__class__": "Choice"}],
        });
        assert_eq!(parse(text), Some(value));
        let role = parse("ChatMessage(role=<MessageRole.SYSTEM: 'system'>, kind=<class 'int'>, word=FinishReason.STOP)");
        let value = json!({"role": "system", "kind": "<class 'int'>", "word": "FinishReason.STOP", "__class__": "ChatMessage"});
        assert_eq!(role, Some(value));
    }

    #[test]
    fn fields_without_a_class_are_an_object() {
        let text = "total_tokens=1114 prompt_tokens=1011 successful_requests=1";
        assert_eq!(parse(text), Some(json!({"total_tokens": 1114, "prompt_tokens": 1011, "successful_requests": 1})));
        let text = "content='Sunny, 21 C' name='get_weather' tool_call_id='call_1' kwargs={}";
        let value = json!({"content": "Sunny, 21 C", "name": "get_weather", "tool_call_id": "call_1", "kwargs": {}});
        assert_eq!(parse(text), Some(value));
    }

    #[test]
    fn text_cut_in_the_middle_gives_what_was_complete() {
        assert_eq!(parse("{'a': 1, 'b': [2, 3, 'cu"), Some(json!({"a": 1, "b": [2, 3]})));
        assert_eq!(parse("Usage(a=1, b='cu"), Some(json!({"a": 1, "__class__": "Usage"})));
    }

    #[test]
    fn plain_text_is_no_value() {
        for text in ["", "Sunny", "call me (later)", "a = b?", "{not json", "1 + 1", "ok", "Paris (France)", "x=1 and more text"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn values_within_values_without_end_are_given_up() {
        for (open, close) in [("[", "]"), ("{'a': ", "}"), ("(", ")"), ("A(a=", ")"), ("<a: ", ">"), ("[<a: ", ">]")] {
            for close in [close, ""] {
                let text = format!("[{}1{}]", open.repeat(20_000), close.repeat(20_000));
                parse(&text);
            }
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_and_any_beginning_of_one_is_read(text in "[a-zA-Z0-9 '\"{}()<>\\[\\]=:,.\\\\\u{e9}-]{0,64}", cut in 0_usize..64) {
            parse(&text);
            structured(text.split_at_checked(cut).map_or(&text, |(start, _)| start));
        }
    }

    #[test]
    fn json_is_read_before_python() {
        assert_eq!(structured(r#"{"a": null}"#), Some(json!({"a": null})));
        assert_eq!(structured("{'a': None}"), Some(json!({"a": null})));
        assert_eq!(structured("plain"), None);
    }
}
