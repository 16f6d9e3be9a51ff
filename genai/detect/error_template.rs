//! Error texts as templates: what stays when numbers, ids and quoted values are taken out.
//!
//! Two failures with the same template count as the same failure, whatever request id the server put into its text.
//! At most the first 512 characters are read.

use std::hash::{DefaultHasher, Hash, Hasher};

const READ_CHARS: usize = 512;

/// The text with every number, hexadecimal word and quoted value replaced by `#`, in lower case, white space collapsed.
pub fn template(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(READ_CHARS));
    let mut word = String::new();
    let mut quote: Option<char> = None;
    for c in text.chars().take(READ_CHARS) {
        if let Some(open) = quote {
            if c == open {
                quote = None;
            }
            continue;
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
            continue;
        }
        flush(&mut word, &mut out);
        // An apostrophe inside a word (`can't`) opens no quotation.
        let opens = matches!(c, '"' | '`') || (c == '\'' && !out.ends_with(|last: char| last.is_alphanumeric()));
        if opens {
            quote = Some(c);
            out.push('#');
        } else if c.is_whitespace() {
            if !out.ends_with(' ') {
                out.push(' ');
            }
        } else {
            out.push(c);
        }
    }
    flush(&mut word, &mut out);
    out.trim().to_owned()
}

/// Digest of an error: its type and the template of its text. Never 0.
pub fn digest(error_type: &str, text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    error_type.hash(&mut hasher);
    template(text).hash(&mut hasher);
    hasher.finish().max(1)
}

/// Ends a word: one that holds a digit is volatile.
fn flush(word: &mut String, out: &mut String) {
    if word.is_empty() {
        return;
    }
    if word.chars().any(|c| c.is_ascii_digit()) {
        out.push('#');
    } else {
        out.push_str(word);
    }
    word.clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_ids_and_quoted_values_do_not_make_another_error() {
        let first = template("HTTP 503 Service Unavailable id=49741");
        assert_eq!(first, "http # service unavailable id=#");
        assert_eq!(first, template("HTTP 503  Service Unavailable id=9782"));
        assert_eq!(template("no key 'a b' in table \"x\""), template("no key 'c' in table \"yy\""));
    }

    #[test]
    fn another_text_or_type_is_another_error() {
        assert_ne!(digest("timeout", "gave up"), digest("timeout", "refused"));
        assert_ne!(digest("timeout", "gave up"), digest("api_error", "gave up"));
    }

    #[test]
    fn an_apostrophe_inside_a_word_quotes_nothing() {
        assert_eq!(template("can't reach host"), "can't reach host");
    }

    #[test]
    fn a_quotation_that_never_ends_is_no_error() {
        assert_eq!(template("broken \"text"), "broken #");
    }
}
