//! Everything that is wrong with a configuration, collected before anything is reported.

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

/// Collects problems; carries the path and position at which they arise.
#[derive(Debug, Default)]
pub struct Problems {
    list: Vec<Problem>,
    /// Path segments of the value being checked, and how to find positions below it.
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
        let mut path = self.scope.join(".");
        if !field.is_empty() {
            if !path.is_empty() {
                path.push('.');
            }
            path.push_str(field);
        }
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
}

impl fmt::Display for Problems {
    /// Every problem as `error: message`, `  --> file:line:column  path`, `  hint: ...`.
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}

impl std::error::Error for Problems {}
