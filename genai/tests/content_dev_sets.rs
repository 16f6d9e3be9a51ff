//! Recognisers against labelled development sets that stay outside the project for their licences.
//!
//! `CHAPERONE_DETECT_SETS` names the folder that holds `presidio_pii` and `secrets`; without it the tests say so and are skipped.
//! A third of each set, chosen by a hash of the record's id, was held out while the recognisers were tuned; both parts are printed.
//! Of people's data what has a form counts: names and postal addresses need a language model.

use chaperone_genai::content::recognise::{Kind, Recognizers};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::PathBuf;

const VARIABLE: &str = "CHAPERONE_DETECT_SETS";

fn records(set: &str) -> Option<Vec<Json>> {
    let Some(folder) = std::env::var_os(VARIABLE) else {
        eprintln!("SKIPPED: {VARIABLE} does not name the folder of the development sets");
        return None;
    };
    let path = PathBuf::from(folder).join(set).join("dev.jsonl");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Some(text.lines().map(|line| serde_json::from_str(line).expect("a record a line")).collect())
}

fn is_held_out(record: &Json) -> bool {
    Sha256::digest(record["id"].as_str().expect("an id"))[0].is_multiple_of(3)
}

/// True and false positives and negatives.
#[derive(Debug, Default, Clone, Copy)]
struct Score {
    hit: usize,
    wrong: usize,
    missed: usize,
}

impl Score {
    fn precision(self) -> f64 {
        self.hit as f64 / (self.hit + self.wrong).max(1) as f64
    }
    fn recall(self) -> f64 {
        self.hit as f64 / (self.hit + self.missed).max(1) as f64
    }
    fn f1(self) -> f64 {
        2.0 * self.hit as f64 / (2 * self.hit + self.wrong + self.missed).max(1) as f64
    }
    fn line(self, name: &str) -> String {
        let (p, r, f) = (self.precision(), self.recall(), self.f1());
        format!(
            "{name:<28} precision {p:.3} recall {r:.3} F1 {f:.4} ({} hit, {} wrong, {} missed)",
            self.hit, self.wrong, self.missed
        )
    }
}

/// Labels of the set that have a form, and the kind they are.
const LABELS: [(&str, Kind); 7] = [
    ("CREDIT_CARD", Kind::Card),
    ("PHONE_NUMBER", Kind::Phone),
    ("EMAIL_ADDRESS", Kind::Email),
    ("US_SSN", Kind::NationalId),
    ("US_DRIVER_LICENSE", Kind::NationalId),
    ("IBAN_CODE", Kind::Iban),
    ("IP_ADDRESS", Kind::Ip),
];

/// Spans count when kind and text are the same, up to separators at the ends.
fn score_people(records: &[Json], held_out: Option<bool>, by_kind: &mut BTreeMap<String, Score>) -> Score {
    let recognizers = Recognizers::all();
    let tell = std::env::var_os("CHAPERONE_DETECT_TELL").is_some();
    let mut total = Score::default();
    for record in records.iter().filter(|record| held_out.is_none_or(|part| is_held_out(record) == part)) {
        let text = record["content"].as_str().expect("a text");
        let mut hits = Vec::new();
        recognizers.find(text, &mut hits);
        let mut open: Vec<(&str, Kind, &str)> = Vec::new();
        for span in record["spans"].as_array().expect("spans") {
            let (label, value) = (span["type"].as_str().expect("a type"), span["value"].as_str().expect("a value"));
            if let Some((label, kind)) = LABELS.iter().find(|(name, _)| *name == label) {
                open.push((label, *kind, value));
            }
        }
        for hit in &hits {
            let found = text.get(hit.start..hit.end).expect("whole characters");
            let same = |wanted: &str, found: &str| {
                let bare = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
                bare(wanted) == bare(found)
            };
            match open.iter().position(|(_, kind, value)| *kind == hit.kind && same(value, found)) {
                Some(i) => {
                    let (label, ..) = open.remove(i);
                    total.hit += 1;
                    by_kind.entry(label.to_owned()).or_default().hit += 1;
                }
                None => {
                    total.wrong += 1;
                    by_kind.entry(hit.kind.name().to_owned()).or_default().wrong += 1;
                    if tell && held_out.is_none() {
                        eprintln!("WRONG {:?} {} `{found}` in {text:?}", hit.kind, hit.rule);
                    }
                }
            }
        }
        for (label, _, value) in open {
            total.missed += 1;
            by_kind.entry(label.to_owned()).or_default().missed += 1;
            if tell && held_out.is_none() {
                eprintln!("MISSED {label} `{value}` in {text:?}");
            }
        }
    }
    total
}

#[test]
fn what_names_people_and_has_a_form_is_found() {
    let Some(records) = records("presidio_pii") else { return };
    let mut worst = 1.0f64;
    for (part, held_out) in [("all", None), ("tuned on", Some(false)), ("held out", Some(true))] {
        let mut by_kind = BTreeMap::new();
        let total = score_people(&records, held_out, &mut by_kind);
        eprintln!("{}", total.line(&format!("presidio_pii, {part}")));
        for (kind, score) in &by_kind {
            eprintln!("    {}", score.line(kind));
        }
        worst = worst.min(total.f1());
    }
    assert!(worst >= 0.94, "{worst}");
}

/// A record counts as a whole: whether a secret is in it.
fn score_secrets(records: &[Json], held_out: Option<bool>, by_source: &mut BTreeMap<String, Score>) -> Score {
    let recognizers = Recognizers::all();
    let tell = std::env::var_os("CHAPERONE_DETECT_TELL").is_some();
    let mut total = Score::default();
    for record in records.iter().filter(|record| held_out.is_none_or(|part| is_held_out(record) == part)) {
        let text = record["content"].as_str().expect("a text");
        let mut hits = Vec::new();
        recognizers.find(text, &mut hits);
        let found = hits.iter().find(|hit| hit.kind.is_secret());
        let source = by_source.entry(record["source"].as_str().expect("a source").to_owned()).or_default();
        let (slot, part) = match (record["label"].as_i64() == Some(1), found) {
            (true, Some(_)) => (&mut total.hit, &mut source.hit),
            (true, None) => (&mut total.missed, &mut source.missed),
            (false, Some(_)) => (&mut total.wrong, &mut source.wrong),
            (false, None) => continue,
        };
        *slot += 1;
        *part += 1;
        let wrong = (record["label"].as_i64() == Some(1)) != found.is_some();
        if tell && wrong && held_out.is_none() {
            let found = found.map(|hit| (hit.rule, text.get(hit.start..hit.end)));
            eprintln!("{} {:?} {found:?} {:?}", record["label"], record["rule"].as_str(), text.get(..text.len().min(260)));
        }
    }
    total
}

#[test]
fn texts_with_secrets_are_told_from_those_without() {
    let Some(records) = records("secrets") else { return };
    let mut worst = 1.0f64;
    for (part, held_out) in [("all", None), ("tuned on", Some(false)), ("held out", Some(true))] {
        let mut by_source = BTreeMap::new();
        let total = score_secrets(&records, held_out, &mut by_source);
        eprintln!("{}", total.line(&format!("secrets, {part}")));
        for (source, score) in &by_source {
            eprintln!("    {}", score.line(source));
        }
        worst = worst.min(total.f1());
    }
    assert!(worst >= 0.97, "{worst}");
}
