//! Match clauses of the price list: does a model's name mean this entry?
//!
//! `|` separates alternatives, `&` the conditions of one alternative.
//! A condition is `=equals`, `^prefix`, `$suffix`, `*contains`, `#pattern` (`#` stands for one digit), `~pattern` at the start
//! of the name, or `!` and the negation of one of these.
//! Clauses are evaluated on their text: the caller remembers what it found, so each name is matched once.

/// Whether `name` (lower case) fits one of the alternatives. `-` fits nothing.
pub(super) fn fits(clause: &str, name: &str) -> bool {
    clause != "-" && clause.split('|').any(|alternative| alternative.split('&').all(|condition| holds(condition, name)))
}

fn holds(condition: &str, name: &str) -> bool {
    let Some(kind) = condition.chars().next() else { return false };
    let text = condition.get(kind.len_utf8()..).unwrap_or("");
    match kind {
        '=' => name == text,
        '^' => name.starts_with(text),
        '$' => name.ends_with(text),
        '*' => name.contains(text),
        '#' => name.len() == text.len() && digits_fit(text, name),
        '~' => name.len() >= text.len() && digits_fit(text, name),
        '!' => !holds(text, name),
        _ => false,
    }
}

fn digits_fit(pattern: &str, name: &str) -> bool {
    let mut pairs = pattern.bytes().zip(name.bytes());
    pairs.all(|(wanted, got)| if wanted == b'#' { got.is_ascii_digit() } else { wanted == got })
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn each_kind_of_condition_is_understood() {
        assert!(fits("=gpt-4o|^claude-3", "gpt-4o"));
        assert!(fits("=gpt-4o|^claude-3", "claude-3-opus"));
        assert!(!fits("=gpt-4o|^claude-3", "gpt-4o-mini"));
        assert!(fits("*nova-lite", "us.amazon.nova-lite-v1:0"));
        assert!(fits("#gpt-5.5-####-##-##", "gpt-5.5-2026-04-23"));
        assert!(!fits("#gpt-5.5-####-##-##", "gpt-5.5-2026-04-23-x"));
        assert!(fits("~gemini-3.5-flash-#", "gemini-3.5-flash-001"));
        assert!(!fits("-", "-"));
    }

    #[test]
    fn a_speech_model_is_not_the_text_model_of_the_same_name() {
        let clause = "^gemini-2.5-pro&!$-tts&!*-tts-";
        assert!(fits(clause, "gemini-2.5-pro-preview"));
        assert!(!fits(clause, "gemini-2.5-pro-tts"));
        assert!(!fits(clause, "gemini-2.5-pro-tts-preview"));
    }
}
