//! Which spans, log records and data points are meant by `include` and `exclude`.
//!
//! Conditions that speak of another signal (the body of a span) are refused when the pipeline is built, as in the
//! Collector; of data points it refuses none, and what cannot be true of them matches nothing.

use super::config::{AttributeMatch, LibraryMatch, MatchConfig, SeverityMatch};
use super::subject::Subject;
use crate::attribute_values::{from_json, text_of};
use chaperone_pipeline::{ConfigError, Signals};
use chaperone_proto::Value;
use regex::Regex;

/// Records that are meant.
#[derive(Debug)]
pub(super) struct Matcher {
    services: Option<Texts>,
    span_names: Option<Texts>,
    span_kinds: Option<Texts>,
    attributes: Vec<Attribute>,
    resources: Vec<Attribute>,
    libraries: Vec<(Text, Option<Text>)>,
    log_bodies: Option<Texts>,
    log_severity_texts: Option<Texts>,
    log_severity: Option<SeverityMatch>,
    metric_names: Option<Texts>,
}

/// A text that is looked for.
#[derive(Debug)]
enum Text {
    Equal(String),
    Pattern(Regex),
}

/// Any of several texts.
#[derive(Debug)]
struct Texts(Vec<Text>);

#[derive(Debug)]
struct Attribute {
    key: String,
    value: Option<Wanted>,
}

#[derive(Debug)]
enum Wanted {
    Value(Value),
    Pattern(Regex),
}

impl Text {
    fn matches(&self, text: &str) -> bool {
        match self {
            Text::Equal(wanted) => wanted == text,
            Text::Pattern(pattern) => pattern.is_match(text),
        }
    }
}

impl Texts {
    fn matches(&self, text: Option<&str>) -> bool {
        text.is_some_and(|text| self.0.iter().any(|wanted| wanted.matches(text)))
    }
}

impl Attribute {
    fn matches(&self, value: Option<Value>) -> bool {
        match (&self.value, value) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(Wanted::Value(wanted)), Some(value)) => *wanted == value,
            (Some(Wanted::Pattern(pattern)), Some(value)) => pattern.is_match(&text_of(&value)),
        }
    }
}

/// Makes texts of settings, of the type that `match_type` says.
struct Maker<'c> {
    match_type: &'c str,
    field: &'c str,
}

impl Maker<'_> {
    fn text(&self, what: &str, text: &str) -> Result<Text, ConfigError> {
        match self.match_type {
            "strict" => Ok(Text::Equal(text.to_owned())),
            _ => self.pattern(what, text).map(Text::Pattern),
        }
    }
    fn pattern(&self, what: &str, text: &str) -> Result<Regex, ConfigError> {
        let failed = |why: String| ConfigError::at(self.field, format!("error creating {what} filters: {why}"));
        if self.match_type != "regexp" {
            let valid = "valid types are: [regexp strict]";
            return Err(failed(format!("unrecognized match_type: '{}', {valid}", self.match_type)));
        }
        Regex::new(text).map_err(|error| failed(error.to_string()))
    }
    fn texts(&self, what: &str, texts: &[String]) -> Result<Option<Texts>, ConfigError> {
        if texts.is_empty() {
            return Ok(None);
        }
        texts.iter().map(|text| self.text(what, text)).collect::<Result<_, _>>().map(|texts| Some(Texts(texts)))
    }
    fn attributes(&self, what: &str, configs: &[AttributeMatch]) -> Result<Vec<Attribute>, ConfigError> {
        if !configs.is_empty() {
            // Without a value an attribute needs no text, so its match type would not be looked at.
            self.text(what, "")?;
        }
        configs.iter().map(|config| self.attribute(what, config)).collect()
    }
    fn attribute(&self, what: &str, config: &AttributeMatch) -> Result<Attribute, ConfigError> {
        if config.key.is_empty() {
            return Err(ConfigError::at(self.field, format!("error creating {what} filters: can't have empty key")));
        }
        let value = match &config.value {
            None => None,
            Some(value) if self.match_type == "strict" => Some(Wanted::Value(from_json(value))),
            Some(value) => Some(Wanted::Pattern(self.pattern(what, &text_of(&from_json(value)))?)),
        };
        Ok(Attribute { key: config.key.clone(), value })
    }
    fn library(&self, config: &LibraryMatch) -> Result<(Text, Option<Text>), ConfigError> {
        let version = config.version.as_ref().map(|version| self.text("library version", version)).transpose()?;
        Ok((self.text("library name", &config.name)?, version))
    }
}

/// Whether conditions can be true of all signals that come.
fn fits(config: &MatchConfig, signals: Signals) -> Result<(), String> {
    let about_logs = [
        ("log_bodies", !config.log_bodies.is_empty()),
        ("log_severity_texts", !config.log_severity_texts.is_empty()),
        ("log_severity_number", config.log_severity_number.is_some()),
    ];
    let about_spans = !config.span_names.is_empty() || !config.span_kinds.is_empty() || !config.services.is_empty();
    if signals.traces
        && let Some((name, _)) = about_logs.iter().find(|(_, is_set)| *is_set)
    {
        return Err(format!("{name} should not be specified for trace spans"));
    }
    if signals.logs && about_spans {
        return Err("neither services nor span_names should be specified for log records".to_owned());
    }
    Ok(())
}

impl Matcher {
    /// Checks settings; `field` is `include` or `exclude`.
    pub(super) fn new(config: &MatchConfig, field: &str, signals: Signals) -> Result<Matcher, ConfigError> {
        fits(config, signals).map_err(|message| ConfigError::at(field, message))?;
        let maker = Maker { match_type: &config.match_type, field };
        let matcher = Matcher {
            services: maker.texts("service name", &config.services)?,
            span_names: maker.texts("span name", &config.span_names)?,
            span_kinds: maker.texts("span kind", &config.span_kinds)?,
            attributes: maker.attributes("attribute", &config.attributes)?,
            resources: maker.attributes("resource", &config.resources)?,
            libraries: config.libraries.iter().map(|library| maker.library(library)).collect::<Result<_, _>>()?,
            log_bodies: maker.texts("log record body", &config.log_bodies)?,
            log_severity_texts: maker.texts("log record severity text", &config.log_severity_texts)?,
            log_severity: config.log_severity_number.clone(),
            metric_names: maker.texts("metric name", &config.metric_names)?,
        };
        if matcher.is_empty() {
            // Two blanks, as the Collector writes it.
            let message = "at least one of \"attributes\", \"libraries\",  or \"resources\" field must be specified";
            return Err(ConfigError::at(field, message));
        }
        Ok(matcher)
    }

    fn is_empty(&self) -> bool {
        let texts = [&self.services, &self.span_names, &self.span_kinds, &self.log_bodies];
        let more = [&self.log_severity_texts, &self.metric_names];
        texts.iter().chain(&more).all(|texts| texts.is_none())
            && self.attributes.is_empty()
            && self.resources.is_empty()
            && self.libraries.is_empty()
            && self.log_severity.is_none()
    }

    /// Whether a record or data point is meant.
    pub(super) fn matches(&self, subject: &impl Subject) -> bool {
        let text = |wanted: &Option<Texts>, text: Option<&str>| wanted.as_ref().is_none_or(|wanted| wanted.matches(text));
        let severity = |wanted: &SeverityMatch| match subject.severity() {
            None => false,
            Some(0) => wanted.match_undefined,
            Some(number) => number >= wanted.min,
        };
        let service = |wanted: &Texts| {
            let service = subject.resource_attribute("service.name");
            wanted.matches(service.as_ref().map(text_of).as_deref())
        };
        let library = |(name, version): &(Text, Option<Text>)| {
            let (scope, its_version) = subject.scope();
            name.matches(scope) && version.as_ref().is_none_or(|wanted| wanted.matches(its_version))
        };
        text(&self.span_names, subject.span_name())
            && text(&self.span_kinds, subject.span_kind())
            && text(&self.log_bodies, subject.body())
            && text(&self.log_severity_texts, subject.severity_text())
            && text(&self.metric_names, subject.metric_name())
            && self.log_severity.as_ref().is_none_or(severity)
            && self.services.as_ref().is_none_or(service)
            && (self.libraries.is_empty() || self.libraries.iter().any(library))
            && self.attributes.iter().all(|wanted| wanted.matches(subject.attribute(&wanted.key)))
            && self.resources.iter().all(|wanted| wanted.matches(subject.resource_attribute(&wanted.key)))
    }
}
