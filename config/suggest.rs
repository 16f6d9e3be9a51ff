//! "Did you mean": the known word nearest to an unknown one.
//!
//! The distance counts inserted, removed, replaced and swapped neighbouring characters; `-` and `_` and case are the same.

/// The nearest of `known`, if it is near enough to be what was meant.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = normal(word);
    let allowed = (word.len() / 3).clamp(1, 4);
    known
        .into_iter()
        .map(|candidate| (distance(&word, &normal(candidate)), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// A hint for an unknown word: the nearest known one, else all of them if they are few.
pub fn hint(word: &str, known: &[&str]) -> Option<String> {
    if let Some(near) = nearest(word, known.iter().copied()) {
        return Some(format!("did you mean `{near}`?"));
    }
    one_of(known)
}

/// `known: ...`, unless there are none or too many for a line.
pub(crate) fn one_of(known: &[&str]) -> Option<String> {
    let mut sorted: Vec<String> = known.iter().map(|word| format!("`{word}`")).collect();
    sorted.sort();
    (1..=24).contains(&sorted.len()).then(|| format!("known here: {}", sorted.join(", ")))
}

fn normal(word: &str) -> Vec<char> {
    word.chars().map(|c| if c == '-' { '_' } else { c.to_ascii_lowercase() }).collect()
}

fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let replaced = above[j] + usize::from(l != r);
            let mut best = replaced.min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *l == right[j - 1] && left[i - 1] == *r {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["redact", "batch", "send_batch_size", "endpoint"];
        assert_eq!(nearest("redcat", known), Some("redact"));
        assert_eq!(nearest("send-batch-size", known), Some("send_batch_size"));
        assert_eq!(nearest("endpont", known), Some("endpoint"));
        assert_eq!(nearest("Endpoint", known), Some("endpoint"));
        assert_eq!(nearest("colour", known), None);
    }

    #[test]
    fn without_a_near_word_the_known_ones_are_listed() {
        assert_eq!(hint("thrift", &["http", "grpc"]).as_deref(), Some("known here: `grpc`, `http`"));
        assert_eq!(hint("x", &[]), None);
    }
}
