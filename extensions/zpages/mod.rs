//! `zpages`: pages about the running collector, made by the server as plain HTML, or as JSON with `?format=json`.
//!
//! They tell what own metrics and the status board know and compute nothing of their own. No page changes anything, and
//! none fetches anything from elsewhere. Left out: `tracez`, since the collector makes no spans of its own.

mod config;
mod figures;
mod html;
mod pages;
#[cfg(test)]
mod tests;

pub use config::Config;

use crate::serve::{self, Ask, PageServer, Pages, Place};
use chaperone_net::Body;
use chaperone_pipeline::status::StatusBoard;
use chaperone_pipeline::{
    BoxFuture, BuildContext, Clock, ConfigError, Extension, ExtensionFactory, Host, Meta, Now, Stability, StartError, Telemetry,
};
use figures::Figures;
use http::header::{CONTENT_SECURITY_POLICY, HeaderValue};
use http::{Method, Response, StatusCode};
use std::sync::Arc;

/// The extension.
pub struct Zpages {
    config: Config,
    clock: Clock,
    server: PageServer,
}

struct Answers {
    board: StatusBoard,
    telemetry: Telemetry,
    clock: Clock,
    started: Now,
    has_figures: bool,
}

impl ExtensionFactory for Zpages {
    type Config = Config;
    const META: Meta = Meta::extension("zpages", "Shows pipelines, components and feature gates of the running collector")
        .stability(Stability::Alpha)
        .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Extension>, ConfigError> {
        Ok(Arc::new(Zpages { config, clock: ctx.clock().clone(), server: PageServer::default() }))
    }
}

impl Extension for Zpages {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), StartError>> {
        Box::pin(async move {
            let answers = Answers {
                board: host.status().clone(),
                telemetry: host.telemetry().clone(),
                clock: self.clock.clone(),
                started: self.clock.now(),
                has_figures: self.config.expvar.enabled,
            };
            let Config { endpoint, transport, tls, .. } = &self.config;
            let place = Place { endpoint, transport: *transport, tls };
            let address = self.server.start(host, place, Arc::new(answers)).await?;
            host.announce(&format!("pages at http://{address}/debug/servicez"));
            Ok(())
        })
    }
    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.server.stop())
    }
}

impl Answers {
    fn of(&self, ask: &Ask) -> Response<Body> {
        if ask.method != Method::GET && ask.method != Method::HEAD {
            return serve::refusal(StatusCode::METHOD_NOT_ALLOWED);
        }
        let Answers { board, telemetry, started, .. } = self;
        let facts = pages::Facts { board, telemetry, started: *started, now: self.clock.now() };
        let (name, value) = match ask.path.strip_prefix("/debug/").unwrap_or_default() {
            "servicez" => ("servicez", pages::service(&facts)),
            // The Collector's name of the page, and the one that says what it is.
            "pipelinez" | "pipelines" => ("pipelines", pages::pipelines(&facts)),
            "extensionz" => ("extensionz", pages::extensions(&facts)),
            "featurez" => ("featurez", pages::features(&facts)),
            "expvarz" if self.has_figures => return serve::json(StatusCode::OK, &Figures::now(telemetry).json()),
            _ => return serve::refusal(StatusCode::NOT_FOUND),
        };
        if ask.parameter("format") == Some("json") {
            return serve::json(StatusCode::OK, &value);
        }
        let mut answer = serve::answer(StatusCode::OK, "text/html; charset=utf-8", pages::html(name, &value));
        // Names of components come from the configuration; nothing in a page may run or fetch whatever they hold.
        let nothing = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, nothing);
        answer
    }
}

impl Pages for Answers {
    fn answer(self: Arc<Self>, ask: Ask) -> BoxFuture<'static, Response<Body>> {
        Box::pin(std::future::ready(self.of(&ask)))
    }
}
