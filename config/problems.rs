//! Everything that is wrong with a configuration, collected before anything is reported.
//!
//! A problem is an error or a warning with a message, the place in the source, the path of the setting, and a hint.
//! `Display` is the form in which the command line prints them.
//! Text from a secret never belongs into a message: whoever writes one names the key instead.

use std::fmt;

/// A place in a source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// Name of the source as the user gave it.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// Whether it stops the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// Reported, and the configuration is used.
    Warning,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Error or warning.
    pub severity: Severity,
    /// Lower case, no full stop, values in backticks.
    pub message: String,
    /// Where, when known.
    pub location: Option<Location>,
    /// `exporters.otlp_http.endpoint`, list positions as `[2]`.
    pub path: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{kind}: {}", self.message)?;
        match (&self.location, self.path.is_empty()) {
            (Some(location), true) => write!(f, "\n  --> {location}")?,
            (Some(location), false) => write!(f, "\n  --> {location}  {}", self.path)?,
            (None, false) => write!(f, "\n  --> {}", self.path)?,
            (None, true) => {}
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  hint: {hint}")?;
        }
        Ok(())
    }
}

/// Collects problems; carries the path at which they arise.
#[derive(Debug, Default)]
pub struct Problems {
    list: Vec<Problem>,
    /// Path segments of the value being checked.
    scope: Vec<String>,
}

impl Problems {
    /// An empty collection.
    pub fn new() -> Problems {
        Problems::default()
    }
    /// Adds a problem as it is.
    pub fn push(&mut self, problem: Problem) {
        self.list.push(problem);
    }
    /// Adds an error at `field` (dotted path below the current scope, empty = the scope itself). For `UserConfig::check`.
    pub fn error(&mut self, field: &str, message: impl Into<String>) {
        self.add(Severity::Error, field, message.into(), None);
    }
    /// The same with a hint.
    pub fn error_hint(&mut self, field: &str, message: impl Into<String>, hint: impl Into<String>) {
        self.add(Severity::Error, field, message.into(), Some(hint.into()));
    }
    /// Adds a warning at `field`.
    pub fn warning(&mut self, field: &str, message: impl Into<String>) {
        self.add(Severity::Warning, field, message.into(), None);
    }
    /// Runs `f` with `field` appended to the scope: for nested settings.
    pub fn within(&mut self, field: &str, f: impl FnOnce(&mut Problems)) {
        self.scope.push(field.to_owned());
        f(self);
        self.scope.pop();
    }
    fn add(&mut self, severity: Severity, field: &str, message: String, hint: Option<String>) {
        let mut path = String::new();
        for segment in &self.scope {
            path = join(&path, segment);
        }
        let path = join(&path, field);
        self.list.push(Problem { severity, message, location: None, path, hint });
    }
    /// Takes over the problems of another collection.
    pub fn extend(&mut self, other: Problems) {
        self.list.extend(other.list);
    }
    /// Whether any error was found.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|problem| problem.severity == Severity::Error)
    }
    /// All problems in the order found.
    pub fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.list.iter()
    }
    /// For editing positions into problems found by `check`.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Problem> {
        self.list.iter_mut()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }
    /// Puts them in the order of the source: by line and column within a source, those without a place at the end.
    ///
    /// The sort is stable, so that problems of one place keep the order in which they were found.
    pub fn sort_by_place(&mut self) {
        self.list.sort_by(|left, right| match (&left.location, &right.location) {
            (Some(left), Some(right)) => left.cmp(right),
            (Some(_), None) => std::cmp::Ordering::Less,
            (None, Some(_)) => std::cmp::Ordering::Greater,
            (None, None) => std::cmp::Ordering::Equal,
        });
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Problems { list: vec![problem], scope: Vec::new() }
    }
}

impl fmt::Display for Problems {
    /// Every problem as `error: message`, `  --> file:line:column  path`, `  hint: ...`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// Appends a segment to a dotted path; list positions (`[2]`) take no dot.
pub(crate) fn join(path: &str, segment: &str) -> String {
    match (path.is_empty(), segment.is_empty()) {
        (_, true) => path.to_owned(),
        (true, false) => segment.to_owned(),
        (false, false) if segment.starts_with('[') => format!("{path}{segment}"),
        (false, false) => format!("{path}.{segment}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_printed_with_place_path_and_hint() {
        let problem = Problem {
            severity: Severity::Error,
            message: "unknown processor `redcat`".to_owned(),
            location: Some(Location { file: "collector.yaml".to_owned(), line: 31, column: 9 }),
            path: "service.pipelines.traces.processors[2]".to_owned(),
            hint: Some("did you mean `redact`? it is defined on line 18".to_owned()),
        };
        let expected = "error: unknown processor `redcat`\n  --> collector.yaml:31:9  service.pipelines.traces.processors[2]\n  \
                        hint: did you mean `redact`? it is defined on line 18";
        assert_eq!(Problems::from(problem).to_string(), expected);
    }

    #[test]
    fn nested_scopes_make_the_path() {
        let mut problems = Problems::new();
        problems.within("protocols", |problems| {
            problems.within("grpc", |problems| problems.error("endpoint", "is empty"));
            problems.within("[2]", |problems| problems.warning("", "is odd"));
        });
        assert_eq!(problems.to_string(), "error: is empty\n  --> protocols.grpc.endpoint\nwarning: is odd\n  --> protocols[2]");
        assert!(problems.has_errors());
    }
}
