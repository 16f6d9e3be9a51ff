//! How random a text looks, and whether it only stands for a secret.

/// Shannon entropy in bits a byte.
pub(super) fn entropy(bytes: &[u8]) -> f32 {
    let mut counts = [0u16; 256];
    for byte in bytes.iter().take(usize::from(u16::MAX)) {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = bytes.len().min(usize::from(u16::MAX)) as f32;
    let share = |count: &u16| {
        let share = f32::from(*count) / total;
        -share * share.log2()
    };
    counts.iter().filter(|count| **count > 0).map(share).sum()
}

/// Words that stand where a secret would, in lower case.
const STAND_INS: [&str; 34] = [
    "your_",
    "your-",
    "yourapi",
    "yourkey",
    "yoursecret",
    "yourtoken",
    "yourpass",
    "example",
    "placeholder",
    "changeme",
    "change_me",
    "change-me",
    "replace_",
    "replace-",
    "insert",
    "redacted",
    "removed",
    "masked",
    "dummy",
    "xxxx",
    "****",
    "....",
    "<",
    "${",
    "$(",
    "{{",
    "%s",
    "os.environ",
    "process.env",
    "getenv",
    "todo",
    "undefined",
    "-here",
    "_here",
];

/// Words that are a whole value and no secret.
const WORDS: [&str; 16] = [
    "null", "none", "nil", "true", "false", "string", "required", "optional", "bearer", "basic", "password", "secret", "token",
    "api_key", "apikey", "test",
];

/// Whether a text only holds a secret's place.
pub(super) fn is_stand_in(value: &[u8]) -> bool {
    let Some(first) = value.first() else { return true };
    let lower = value.to_ascii_lowercase();
    let contains = |word: &str| lower.windows(word.len()).any(|part| part == word.as_bytes());
    value.iter().all(|byte| byte == first)
        || WORDS.iter().any(|word| lower == word.as_bytes())
        || (first == &b'$'
            && value.get(1).is_some_and(|byte| byte.is_ascii_uppercase())
            && value.iter().all(|b| b.is_ascii_uppercase() || matches!(b, b'$' | b'_')))
        || STAND_INS.iter().any(|word| contains(word))
}

/// Words joined by hyphens, as names have them: `sk-learn-text-classifier`.
pub(super) fn is_kebab(bytes: &[u8]) -> bool {
    let mut parts = bytes.split(|byte| matches!(byte, b'-' | b'_'));
    bytes.contains(&b'-') && parts.all(|part| part.iter().all(u8::is_ascii_lowercase))
}
