//! OTLP metric and label names to Prometheus names: underscores, unit and type suffixes.
//!
//! Source: what the Collector's exporter served, seen on 0.157.

/// The name of a family: cleaned, with its unit, and `_total` or `_ratio` where they belong.
pub fn metric(namespace: &str, name: &str, unit: &str, monotonic_sum: bool, gauge: bool) -> String {
    let mut words: Vec<&str> =
        name.split(|c: char| !c.is_ascii_alphanumeric() && c != ':').filter(|word| !word.is_empty()).collect();
    let (main, per) = unit_words(unit);
    if let Some(main) = &main {
        // A unit word that is in the name already moves to the end.
        words.retain(|word| word != main);
        words.push(main);
    }
    if let Some(per) = &per {
        words.retain(|word| word != per);
        words.push("per");
        words.push(per);
    }
    if monotonic_sum {
        words.retain(|word| *word != "total");
        words.push("total");
    }
    if unit == "1" && gauge {
        words.retain(|word| *word != "ratio");
        words.push("ratio");
    }
    let mut out = words.join("_");
    if !namespace.is_empty() {
        out = format!("{namespace}_{out}");
    }
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert(0, '_');
    }
    out
}

/// The words of a unit: before and after the slash.
fn unit_words(unit: &str) -> (Option<String>, Option<String>) {
    let (main, per) = unit.split_once('/').unwrap_or((unit, ""));
    (unit_word(main, MAIN), unit_word(per, PER))
}

fn unit_word(unit: &str, table: &[(&str, &str)]) -> Option<String> {
    let unit = unit.trim();
    if unit.is_empty() || unit == "1" || unit.contains('{') {
        return None;
    }
    let known = table.iter().find(|(short, _)| *short == unit).map(|(_, word)| (*word).to_owned());
    let word = known.unwrap_or_else(|| unit.chars().filter(|c| c.is_ascii_alphanumeric()).collect());
    (!word.is_empty()).then_some(word)
}

const MAIN: &[(&str, &str)] = &[
    ("d", "days"),
    ("h", "hours"),
    ("min", "minutes"),
    ("s", "seconds"),
    ("ms", "milliseconds"),
    ("us", "microseconds"),
    ("ns", "nanoseconds"),
    ("By", "bytes"),
    ("KiBy", "kibibytes"),
    ("MiBy", "mebibytes"),
    ("GiBy", "gibibytes"),
    ("TiBy", "tibibytes"),
    ("KBy", "kilobytes"),
    ("MBy", "megabytes"),
    ("GBy", "gigabytes"),
    ("TBy", "terabytes"),
    ("m", "meters"),
    ("V", "volts"),
    ("A", "amperes"),
    ("J", "joules"),
    ("W", "watts"),
    ("g", "grams"),
    ("Cel", "celsius"),
    ("Hz", "hertz"),
    ("%", "percent"),
];

const PER: &[(&str, &str)] = &[
    ("s", "second"),
    ("m", "minute"),
    ("min", "minute"),
    ("h", "hour"),
    ("d", "day"),
    ("w", "week"),
    ("mo", "month"),
    ("y", "year"),
];

/// A label name: everything but letters, digits and underscores becomes an underscore.
pub fn label(name: &str) -> String {
    let clean: String = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    if clean.starts_with(|c: char| c.is_ascii_digit()) {
        return format!("key_{clean}");
    }
    if clean.starts_with('_') && !clean.starts_with("__") {
        return format!("key{clean}");
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("mem.used", "By", false, true, "mem_used_bytes")]
    #[case("queue.size", "{items}", false, true, "queue_size")]
    #[case("cost", "{USD}", false, true, "cost")]
    #[case("cost2", "USD", false, true, "cost2_USD")]
    #[case("tok.per", "{token}/s", false, true, "tok_per_per_second")]
    #[case("rate.speed", "m/s", false, true, "rate_speed_meters_per_second")]
    #[case("two__under..dots", "1/s", false, true, "two_under_dots_per_second")]
    #[case("temp", "Cel", false, true, "temp_celsius")]
    #[case("pct", "%", false, true, "pct_percent")]
    #[case("already_seconds", "s", false, true, "already_seconds")]
    #[case("ratio.x", "1", false, true, "x_ratio")]
    #[case("http.requests", "1", true, false, "http_requests_total")]
    #[case("x_total", "", true, false, "x_total")]
    #[case("dur.total", "ms", true, false, "dur_milliseconds_total")]
    #[case("9weird.n\u{e4}me!x", "ms", false, true, "_9weird_n_me_x_milliseconds")]
    fn names_are_those_of_the_collector(
        #[case] name: &str,
        #[case] unit: &str,
        #[case] monotonic: bool,
        #[case] gauge: bool,
        #[case] expected: &str,
    ) {
        assert_eq!(metric("", name, unit, monotonic, gauge), expected);
    }

    #[rstest]
    #[case("a b", "a_b")]
    #[case("1st", "key_1st")]
    #[case("gen_ai.request.model", "gen_ai_request_model")]
    fn labels_are_those_of_the_collector(#[case] name: &str, #[case] expected: &str) {
        assert_eq!(label(name), expected);
    }
}
