//! An alert as one line for a person: `11:02:03Z FIRING high agent-dead-loop session=... : summary`.

use chaperone_genai::detect::Severity;
use chaperone_genai::rules::{Alert, State};

const RESET: &str = "\u{1b}[0m";
const RED: &str = "\u{1b}[31m";
const BOLD_RED: &str = "\u{1b}[1;31m";
const YELLOW: &str = "\u{1b}[33m";
const GREEN: &str = "\u{1b}[32m";
const VALUE_CHARS: usize = 64;
const SUMMARY_CHARS: usize = 300;

/// The line, with its end.
pub fn line(alert: &Alert, is_coloured: bool) -> String {
    let state = alert.state.name().to_ascii_uppercase();
    let state = if is_coloured { format!("{}{state}{RESET}", colour(alert)) } else { state };
    let time = time(alert.last_seen_ns);
    let labels: String = alert.labels.iter().map(|(name, value)| format!(" {name}={}", plain(value, VALUE_CHARS))).collect();
    let count = if alert.occurrences > 1 { format!(" ({} times)", alert.occurrences) } else { String::new() };
    let summary = plain(&alert.summary, SUMMARY_CHARS);
    format!("{time} {state} {} {}{labels}: {summary}{count}\n", alert.severity.name(), alert.rule)
}

fn colour(alert: &Alert) -> &'static str {
    match (alert.state, alert.severity) {
        (State::Resolved, _) => GREEN,
        (_, Severity::Critical) => BOLD_RED,
        (_, Severity::High) => RED,
        _ => YELLOW,
    }
}

/// Text of senders must not move the cursor or end the line.
fn plain(text: &str, chars: usize) -> String {
    let clean: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    if clean.chars().count() <= chars {
        return clean;
    }
    clean.chars().take(chars - 3).chain("...".chars()).collect()
}

/// Date and time of day in UTC.
fn time(unix_ns: u64) -> String {
    let time = jiff::Timestamp::from_nanosecond(i128::from(unix_ns)).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(951_782_400_000_000_000), "2000-02-29T00:00:00Z");
        assert_eq!(time(1_795_258_799_999_999_999), "2026-11-21T10:59:59Z");
        assert_eq!(time(4_107_542_400_000_000_000), "2100-03-01T00:00:00Z");
    }

    #[test]
    fn control_characters_of_senders_do_not_reach_the_terminal() {
        assert_eq!(plain("a\u{1b}[2J\nb", 64), "a [2J b");
        assert_eq!(plain("abcdef", 5), "ab...");
    }
}
