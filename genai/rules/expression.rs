//! Conditions of rules: comparisons of what detectors found, joined by `&&` and `||`.
//!
//! The grammar is a small part of what conditions will be; everything else is refused with its place in the text.
//! A detector that found nothing makes its comparison false; a finding without the value leaves it undecided.

/// Longest condition in bytes.
pub const LONGEST: usize = 4096;
/// Most comparisons and joints of one condition.
pub const MOST_NODES: usize = 500;

/// What findings say, by detector id: every finding has `score` and `count`, these have more (contracts, section 3).
pub const DETECTORS: &[(&str, &[&str])] = &[
    ("loop", &["period", "repeats", "wasted_tokens", "wasted_cost"]),
    ("oscillation", &["period", "repeats", "wasted_tokens", "wasted_cost"]),
    ("infinite_retry", &["same_error"]),
    ("no_progress", &["steps", "novelty"]),
    ("timeout_cascade", &["depth", "count", "ratio"]),
    ("contention", &["agents", "writers", "wait_p95"]),
    ("deadlock", &["cycle_length", "wait_s"]),
    ("delegation_depth", &["depth", "recursion", "fan_out"]),
    ("cost_spike", &["window_cost", "baseline", "ratio", "extra"]),
    ("fleet_cost", &["window_cost", "baseline", "ratio", "extra"]),
    ("token_explosion", &["input", "output", "session_total", "doubling_calls"]),
    ("tool_abuse", &["rate", "limit"]),
    ("capability_drift", &["jsd", "psi", "drop"]),
    ("error_rate", &["errors", "calls", "wilson_low"]),
    ("prompt_injection", &["signals", "confirmed"]),
    ("data_exfiltration", &["fingerprints", "bytes"]),
    ("cascading_failure", &["failed_agents"]),
    ("ungrounded_output", &[]),
    ("collusion", &[]),
    ("escalation", &[]),
    ("context_rot", &[]),
    ("stuck", &[]),
];

/// The fields of a detector's findings, if there is such a detector.
pub fn fields(detector: &str) -> Option<impl Iterator<Item = &'static str>> {
    let (_, values) = DETECTORS.iter().find(|(id, _)| *id == detector)?;
    Some(["score", "count"].into_iter().chain(values.iter().copied()))
}

/// A condition.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    /// `detector('x').field <op> number`
    Compare(Comparison),
    /// All of them.
    And(Vec<Expression>),
    /// Any of them.
    Or(Vec<Expression>),
}

/// One comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// Detector id.
    pub detector: String,
    /// Field of its findings.
    pub field: String,
    /// How they are compared.
    pub operator: Operator,
    /// With what.
    pub number: f64,
}

/// A comparison's operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

/// What is known about a field when a condition is decided.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Known {
    /// The detector found nothing.
    NoFinding,
    /// It found something, but does not know this.
    NoValue,
    /// The value.
    Value(f64),
}

/// Why a text is no condition.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ExpressionError {
    /// Characters before the fault.
    pub at: usize,
    /// Lower case, no full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Expression {
    /// Reads a condition.
    pub fn parse(text: &str) -> Result<Expression, ExpressionError> {
        super::expression_parser::parse(text)
    }

    /// Decides the condition; `None` when a value is missing that matters.
    pub fn decide(&self, look_up: &dyn Fn(&str, &str) -> Known) -> Option<bool> {
        match self {
            Expression::Compare(comparison) => comparison.decide(look_up),
            Expression::And(all) => {
                let decided: Vec<_> = all.iter().map(|one| one.decide(look_up)).collect();
                if decided.contains(&Some(false)) { Some(false) } else { decided.into_iter().try_fold(true, |_, one| one) }
            }
            Expression::Or(any) => {
                let decided: Vec<_> = any.iter().map(|one| one.decide(look_up)).collect();
                if decided.contains(&Some(true)) { Some(true) } else { decided.into_iter().try_fold(false, |_, one| one) }
            }
        }
    }

    /// All comparisons in order.
    pub fn comparisons(&self) -> Vec<&Comparison> {
        match self {
            Expression::Compare(comparison) => vec![comparison],
            Expression::And(several) | Expression::Or(several) => several.iter().flat_map(Expression::comparisons).collect(),
        }
    }
}

impl Comparison {
    fn decide(&self, look_up: &dyn Fn(&str, &str) -> Known) -> Option<bool> {
        match look_up(&self.detector, &self.field) {
            Known::NoFinding => Some(false),
            Known::NoValue => None,
            Known::Value(value) => Some(self.operator.holds(value, self.number)),
        }
    }
}

impl Operator {
    /// Whether `left <op> right`.
    pub fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Operator::Less => left < right,
            Operator::LessOrEqual => left <= right,
            Operator::Greater => left > right,
            Operator::GreaterOrEqual => left >= right,
            Operator::Equal => left == right,
            Operator::NotEqual => left != right,
        }
    }
}
