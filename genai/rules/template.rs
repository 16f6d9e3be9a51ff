//! Texts of alerts with places for values: `{{agent}} repeated {{cycle}} {{repeats}} times, ${{wasted_cost|4}} wasted`.
//!
//! A place names a key, a value of a finding, or `detector.value`; `|digits` rounds.
//! What is not known when the text is filled reads `n/a`: an alert is told even when a detail is missing.

/// A text with places.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Template {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Place { name: String, digits: Option<usize> },
}

/// What fills a place.
#[derive(Debug, Clone, PartialEq)]
pub enum Filling {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct TemplateError {
    /// Characters before the fault.
    pub at: usize,
    /// Lower case, no full stop.
    pub message: String,
}

impl Template {
    /// Reads a template. `is_known`: whether a name can be filled in.
    pub fn parse(text: &str, is_known: &dyn Fn(&str) -> bool) -> Result<Template, TemplateError> {
        let mut parts = Vec::new();
        let mut rest = text;
        let mut at = 0;
        while let Some((before, after)) = rest.split_once("{{") {
            at += before.chars().count();
            let Some((inside, behind)) = after.split_once("}}") else {
                return Err(TemplateError { at, message: "`{{` without `}}`".to_owned() });
            };
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(place(inside, is_known).map_err(|message| TemplateError { at: at + 2, message })?);
            at += 4 + inside.chars().count();
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Template { parts })
    }

    /// Fills the places.
    pub fn fill(&self, look_up: &dyn Fn(&str) -> Option<Filling>) -> String {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Place { name, digits } => match look_up(name) {
                    Some(Filling::Text(text)) => out.push_str(&text),
                    Some(Filling::Number(number)) => out.push_str(&written(number, *digits)),
                    None => out.push_str("n/a"),
                },
            }
        }
        out
    }
}

fn place(inside: &str, is_known: &dyn Fn(&str) -> bool) -> Result<Part, String> {
    let (name, digits) = match inside.split_once('|') {
        Some((name, digits)) => (name.trim(), Some(digits.trim())),
        None => (inside.trim(), None),
    };
    let digits = match digits.map(str::parse::<usize>) {
        None => None,
        Some(Ok(digits)) if digits <= 9 => Some(digits),
        Some(_) => return Err("after `|` comes a number of digits from 0 to 9".to_owned()),
    };
    if !is_known(name) {
        return Err(format!("`{name}` is not a name that a message can show"));
    }
    Ok(Part::Place { name: name.to_owned(), digits })
}

fn written(number: f64, digits: Option<usize>) -> String {
    match digits {
        Some(digits) => format!("{number:.digits$}"),
        None if number.fract() == 0.0 && number.abs() < 9e15 => format!("{}", number as i64),
        None => format!("{number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> Result<String, TemplateError> {
        let template = Template::parse(text, &|name| ["agent", "cost", "n", "gone"].contains(&name))?;
        Ok(template.fill(&|name| match name {
            "agent" => Some(Filling::Text("planner".to_owned())),
            "cost" => Some(Filling::Number(1.23456)),
            "n" => Some(Filling::Number(12.0)),
            _ => None,
        }))
    }

    #[test]
    fn names_are_filled_and_numbers_rounded() {
        assert_eq!(fill("{{agent}} spent ${{cost|2}} in {{ n }} calls").unwrap(), "planner spent $1.23 in 12 calls");
    }

    #[test]
    fn what_is_not_known_when_filling_reads_not_available() {
        assert_eq!(fill("{{gone|2}} wasted").unwrap(), "n/a wasted");
    }

    #[test]
    fn faults_are_told_with_their_place() {
        let check = |text: &str, at: usize, part: &str| {
            let error = fill(text).unwrap_err();
            assert_eq!(error.at, at, "{text}");
            assert!(error.message.contains(part), "{error}");
        };
        check("ab {{nobody}}", 5, "`nobody`");
        check("ab {{agent", 3, "without");
        check("{{cost|two}}", 2, "digits");
        check("{{agent}} {{c5/base|1}}", 12, "`c5/base`");
    }
}
