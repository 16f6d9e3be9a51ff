//! Match clauses of genai-prices as the conditions of [`super::pattern`]: trees become alternatives, and the few kinds of
//! regular expressions that name models (anchors, digits, one of several letters, optional and alternative parts) are spelt out.
//!
//! Names are lower-case when they are matched. What cannot be spelt out in a few alternatives is not understood.

use serde_json::Value;

/// No expression of the list needs more alternatives than this.
const MAX_ALTERNATIVES: usize = 256;

/// A clause as alternatives joined by `|`; `None` when it is not understood.
pub(super) fn pattern(clause: &Value) -> Option<String> {
    let alternatives = alternatives(clause)?;
    (!alternatives.is_empty()).then(|| alternatives.join("|"))
}

fn alternatives(clause: &Value) -> Option<Vec<String>> {
    let text = |key: &str| clause.get(key).and_then(Value::as_str);
    let parts = |keys: [&str; 2]| keys.iter().find_map(|key| clause.get(*key)).and_then(Value::as_array);
    for (key, sign) in [("equals", '='), ("starts_with", '^'), ("ends_with", '$'), ("contains", '*')] {
        if let Some(text) = text(key) {
            return Some(vec![format!("{sign}{}", plain(text)?)]);
        }
    }
    if let Some(regex) = text("regex") {
        return expression(regex);
    }
    if let Some(parts) = parts(["or", "or_"]) {
        let all: Vec<Vec<String>> = parts.iter().map(alternatives).collect::<Option<_>>()?;
        return Some(all.concat());
    }
    let mut joined = vec![String::new()];
    for part in parts(["and", "and_"])? {
        let right = alternatives(part)?;
        joined = joined
            .iter()
            .flat_map(|left| {
                right.iter().map(move |right| if left.is_empty() { right.clone() } else { format!("{left}&{right}") })
            })
            .collect();
        if joined.len() > MAX_ALTERNATIVES {
            return None;
        }
    }
    Some(joined)
}

/// Lower case, and free of the signs that patterns are made of.
fn plain(text: &str) -> Option<String> {
    (!text.contains(['|', '&', '\t', '\n'])).then(|| text.to_ascii_lowercase())
}

/// The alternatives of a regular expression.
fn expression(regex: &str) -> Option<Vec<String>> {
    // Not a speech model: `-tts` at the end or before another dash.
    if regex == "^(?!.*-[tT][tT][sS](?:$|-))" {
        return Some(vec!["!$-tts&!*-tts-".to_owned()]);
    }
    let body = regex.strip_prefix('^')?;
    // Not below a maker: no slash. All the spelt-out alternatives are prefixes without one.
    let body = body.strip_prefix("(?![^/]+/)").unwrap_or(body);
    let (body, is_whole) = body.strip_suffix('$').map_or((body, false), |body| (body, true));
    let mut rest = body.chars().peekable();
    let forms = choice(&mut rest)?;
    if rest.peek().is_some() {
        return None;
    }
    let condition = |form: String| {
        let sign = if is_whole { '#' } else { '~' };
        plain(&form).map(|form| format!("{sign}{form}"))
    };
    let mut conditions = forms.into_iter().map(condition).collect::<Option<Vec<_>>>()?;
    conditions.sort();
    conditions.dedup();
    Some(conditions)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// `a|b|c` up to the end or a closing parenthesis. `#` is one digit.
fn choice(rest: &mut Chars<'_>) -> Option<Vec<String>> {
    let mut all = Vec::new();
    loop {
        all.extend(sequence(rest)?);
        if rest.next_if_eq(&'|').is_none() {
            return (all.len() <= MAX_ALTERNATIVES).then_some(all);
        }
    }
}

fn sequence(rest: &mut Chars<'_>) -> Option<Vec<String>> {
    let mut forms = vec![String::new()];
    while let Some(next) = rest.peek().copied().filter(|next| !matches!(next, '|' | ')')) {
        rest.next();
        let mut piece = match next {
            '(' => {
                if rest.next_if_eq(&'?').is_some() {
                    rest.next_if_eq(&':')?;
                }
                let inner = choice(rest)?;
                rest.next_if_eq(&')')?;
                inner
            }
            '[' => letters(rest)?,
            '\\' => match rest.next()? {
                'd' => vec!["#".to_owned()],
                sign if !sign.is_ascii_alphanumeric() => vec![sign.to_string()],
                _ => return None,
            },
            // `#` would be taken for a digit.
            '.' | '*' | '+' | '?' | '{' | '}' | ']' | '^' | '$' | '#' => return None,
            letter => vec![letter.to_ascii_lowercase().to_string()],
        };
        if rest.next_if_eq(&'?').is_some() {
            piece.push(String::new());
        } else if rest.next_if_eq(&'{').is_some() {
            let count: String = std::iter::from_fn(|| rest.next_if(char::is_ascii_digit)).collect();
            rest.next_if_eq(&'}')?;
            let count = count.parse::<usize>().ok().filter(|count| *count <= 16)?;
            piece = piece.iter().map(|piece| piece.repeat(count)).collect();
        }
        forms = forms.iter().flat_map(|form| piece.iter().map(move |piece| format!("{form}{piece}"))).collect();
        if forms.len() > MAX_ALTERNATIVES {
            return None;
        }
    }
    Some(forms)
}

/// `[134]`: one of these, without ranges and negations.
fn letters(rest: &mut Chars<'_>) -> Option<Vec<String>> {
    let mut all = Vec::new();
    loop {
        match rest.next()? {
            ']' => return Some(all),
            '^' | '\\' | '#' => return None,
            // A dash is itself at either end only.
            '-' if !all.is_empty() && rest.peek() != Some(&']') => return None,
            letter => all.push(letter.to_ascii_lowercase().to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::pattern::fits;
    use super::*;
    use serde_json::json;

    fn check(regex: &str, yes: &[&str], no: &[&str]) {
        let pattern = pattern(&json!({"regex": regex})).unwrap_or_else(|| panic!("{regex} is not understood"));
        for name in yes {
            assert!(fits(&pattern, name), "{regex} as {pattern} does not fit {name}");
        }
        for name in no {
            assert!(!fits(&pattern, name), "{regex} as {pattern} fits {name}");
        }
    }

    #[test]
    fn expressions_of_model_names_are_spelt_out() {
        check(r"^gpt-5\.5-\d{4}-\d{2}-\d{2}$", &["gpt-5.5-2026-04-23"], &["gpt-5-5-2026-04-23", "gpt-5.5-2026-04-23-x"]);
        check(r"^claude-opus-5[-@]\d{8}$", &["claude-opus-5-20260101", "claude-opus-5@20260101"], &["claude-opus-5"]);
        check(r"^(typesafe/)?jev-1\.13(-\d{8})?$", &["jev-1.13", "typesafe/jev-1.13-20260101"], &["jev-1.13-x"]);
        check("^o[134]", &["o1", "o3-mini"], &["o2", "xo1"]);
        check(r"^composer-2\.5\[fast=false\]$", &["composer-2.5[fast=false]"], &["composer-2.5"]);
        check("^(?!.*-[tT][tT][sS](?:$|-))", &["gemini-2.5-pro"], &["gemini-2.5-pro-tts", "gemini-tts-1"]);
        let mistral = "^(?![^/]+/)(?:labs-)?(?:(?:mi|code)stral|mixtral|open-(?:mistral|mixtral))";
        check(mistral, &["mistral-small", "labs-codestral-1", "open-mixtral-8x7b"], &["x/mistral", "open-x"]);
    }

    #[test]
    fn what_cannot_be_spelt_out_is_not_guessed() {
        for regex in ["gpt", "^gpt-.*", "^a+", r"^\w", "^[a-z]", "^(a", "^a)", "^a{99}", "^(?!x)y"] {
            assert_eq!(pattern(&json!({"regex": regex})), None, "{regex}");
        }
        assert_eq!(pattern(&json!({"sounds_like": "gpt"})), None);
    }

    #[test]
    fn trees_become_alternatives() {
        let clause = json!({"and": [{"or": [{"starts_with": "A"}, {"equals": "b"}]}, {"contains": "x"}]});
        assert_eq!(pattern(&clause).as_deref(), Some("^a&*x|=b&*x"));
    }
}
