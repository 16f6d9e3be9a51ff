//! `health_check`: answers whether the collector is ready, and on request how each of its components is.
//!
//! Ready means that every receiver listens and nobody has asked for the end. The first version of the answers is the
//! Collector's `health_check` to the letter; `http` turns on those of its second version.
//! Left out: the gRPC health service.

mod config;
mod health;
#[cfg(test)]
mod tests;

pub use config::Config;

use crate::serve::{self, Ask, PageServer, Pages, Place};
use chaperone_config::Duration;
use chaperone_net::Body;
use chaperone_pipeline::status::{StatusBoard, StatusEvent};
use chaperone_pipeline::{
    BoxFuture, BuildContext, Clock, ConfigError, Extension, ExtensionFactory, Host, Meta, Now, Stability, StartError, Status,
};
use config::{ComponentHealth, Http};
use health::Health;
use http::header::{CONNECTION, HeaderValue};
use http::{Response, StatusCode};
use serde_json::{Map, Value, json};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// The extension.
pub struct HealthCheck {
    server: PageServer,
    // Shared with the server.
    answers: Arc<Answers>,
}

struct Answers {
    config: Config,
    second: Option<Http>,
    clock: Clock,
    started: OnceLock<Now>,
    phase: Mutex<Phase>,
    /// Known from the start on.
    board: OnceLock<StatusBoard>,
}

/// Whether the collector takes requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Starting,
    /// Since when.
    Ready(Now),
    Stopping,
}

impl ExtensionFactory for HealthCheck {
    type Config = Config;
    const META: Meta = Meta::extension("health_check", "Answers whether the collector is ready and how its components are")
        .aliases(&["healthcheckv2"])
        .stability(Stability::Alpha)
        .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Extension>, ConfigError> {
        let answers = Answers {
            second: config.second(),
            config,
            clock: ctx.clock().clone(),
            started: OnceLock::new(),
            phase: Mutex::new(Phase::Starting),
            board: OnceLock::new(),
        };
        Ok(Arc::new(HealthCheck { server: PageServer::default(), answers: Arc::new(answers) }))
    }
}

impl Extension for HealthCheck {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), StartError>> {
        Box::pin(async move {
            let answers = &self.answers;
            let _ = (answers.started.set(answers.clock.now()), answers.board.set(host.status().clone()));
            let (place, path) = answers.place();
            let address = self.server.start(host, place, Arc::clone(answers)).await?;
            host.announce(&format!("health at http://{address}{path}"));
            Ok(())
        })
    }
    fn ready(&self) {
        *self.answers.phase() = Phase::Ready(self.answers.clock.now());
    }
    fn not_ready(&self) {
        *self.answers.phase() = Phase::Stopping;
    }
    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.server.stop())
    }
}

impl Answers {
    fn phase(&self) -> std::sync::MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self) -> (Place<'_>, &str) {
        match &self.second {
            Some(http) => {
                let path = if http.status.enabled { http.status.path.as_str() } else { "" };
                (Place { endpoint: &http.endpoint, transport: http.transport, tls: &http.tls }, path)
            }
            None => {
                let Config { endpoint, transport, tls, path, .. } = &self.config;
                (Place { endpoint, transport: *transport, tls }, path)
            }
        }
    }

    fn of(&self, ask: &Ask) -> Response<Body> {
        match &self.second {
            None if self.config.path == "/" || self.config.path == ask.path => self.first(),
            Some(http) if http.status.enabled && http.status.path == ask.path => self.status(ask),
            Some(http) if http.config.enabled && http.config.path == ask.path => self.configuration(),
            _ => serve::refusal(StatusCode::NOT_FOUND),
        }
    }

    /// The answer of the first version.
    fn first(&self) -> Response<Body> {
        let since = if let Phase::Ready(since) = *self.phase() { Some(since) } else { None };
        let status = if since.is_some() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        if let Some(texts) = self.config.response_body.get() {
            let text = if since.is_some() { &texts.healthy } else { &texts.unhealthy };
            return serve::answer(status, "text/plain; charset=utf-8", text.clone());
        }
        // In the order of the Collector's fields, which a map would not keep.
        let (word, up_since, uptime) = match since {
            Some(since) => {
                let uptime = Duration::from(self.clock.now().mono.saturating_sub(since.mono)).to_string();
                ("Server available", serve::rfc3339(since.unix_ns), uptime)
            }
            None => ("Server not available", "0001-01-01T00:00:00Z".to_owned(), String::new()),
        };
        let text = format!(r#"{{"status":"{word}","upSince":"{up_since}","uptime":"{uptime}"}}"#);
        serve::answer(status, "application/json", text)
    }

    /// The answer of the second version.
    fn status(&self, ask: &Ask) -> Response<Body> {
        let mut whole = self.board.get().and_then(health::of_collector).unwrap_or_else(|| self.nothing());
        // What the engine said of the whole, which it knows before its last and after its first component.
        let phase = *self.phase();
        let said = match phase {
            Phase::Starting => Some(Status::Starting),
            Phase::Stopping if whole.event.status != Status::Stopped => Some(Status::Stopping),
            _ => None,
        };
        if let Some(status) = said {
            whole.event = StatusEvent { status, message: None, since: whole.event.since };
        }
        let pipeline = ask.parameter("pipeline").unwrap_or_default();
        let verbose = ask.parameter("verbose").is_some_and(|value| value != "false");
        let Some(health) = health::scope(whole, pipeline) else { return serve::refusal(StatusCode::NOT_FOUND) };
        let is_healthy = self.is_healthy(&health.event);
        let status = match health.event.status {
            _ if !is_healthy => StatusCode::INTERNAL_SERVER_ERROR,
            Status::Ok | Status::RecoverableError | Status::PermanentError => StatusCode::OK,
            Status::Starting | Status::Stopping | Status::Stopped => StatusCode::SERVICE_UNAVAILABLE,
        };
        let mut value = self.value(&health, verbose);
        if let (Some(started), Value::Object(fields)) = (self.started.get(), &mut value) {
            fields.insert("start_time".to_owned(), json!(serve::rfc3339(started.unix_ns)));
        }
        serve::json(status, &value)
    }

    fn nothing(&self) -> Health {
        let since = self.started.get().copied().unwrap_or_default();
        Health { event: StatusEvent { status: Status::Starting, message: None, since }, parts: Default::default() }
    }

    fn value(&self, health: &Health, verbose: bool) -> Value {
        let event = &health.event;
        let mut fields = Map::new();
        fields.insert("healthy".to_owned(), json!(self.is_healthy(event)));
        fields.insert("status".to_owned(), json!(event.status.name()));
        if let Some(message) = &event.message {
            fields.insert("error".to_owned(), json!(message));
        }
        fields.insert("status_time".to_owned(), json!(serve::rfc3339(event.since.unix_ns)));
        fields.insert("attributes".to_owned(), json!({}));
        if verbose && !health.parts.is_empty() {
            let parts: Map<_, _> = health.parts.iter().map(|(name, part)| (name.clone(), self.value(part, true))).collect();
            fields.insert("components".to_owned(), Value::Object(parts));
        }
        Value::Object(fields)
    }

    fn is_healthy(&self, event: &StatusEvent) -> bool {
        let Some(ComponentHealth { include_permanent_errors, include_recoverable_errors, recovery_duration }) =
            self.config.component_health.get()
        else {
            return true;
        };
        match event.status {
            Status::PermanentError => !include_permanent_errors,
            Status::RecoverableError if *include_recoverable_errors => {
                self.clock.now().mono < event.since.mono + recovery_duration.get()
            }
            _ => true,
        }
    }

    fn configuration(&self) -> Response<Body> {
        match self.board.get().map(StatusBoard::about) {
            Some(about) if !about.config.is_null() => serve::json(StatusCode::OK, &about.config),
            _ => serve::refusal(StatusCode::SERVICE_UNAVAILABLE),
        }
    }
}

impl Pages for Answers {
    fn answer(self: Arc<Self>, ask: Ask) -> BoxFuture<'static, Response<Body>> {
        let mut answer = self.of(&ask);
        // Whoever asks comes once in a while: its connection is not worth keeping.
        answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        Box::pin(std::future::ready(answer))
    }
}
