//! `prometheus`: serves the last value of every series at `/metrics`, for scrapers to pull.
//!
//! Names, labels and types are those of the Collector's exporter of this name.
//! Only the text format is spoken; exponential histograms are served by sum and count.

mod config;
mod convert;
mod names;
mod series;
#[cfg(test)]
mod tests;

pub use config::Config;

use chaperone_config::Transport;
use chaperone_net::{Body, Handler, Listener, Peer, Server, ServerSettings};
use chaperone_pipeline::{
    BoxFuture, BuildContext, Chunk, Clock, ConfigError, ExportContext, ExportError, Exported, Exporter, ExporterFactory, Front,
    Host, Meta, Signals, Stability, StartError, exposition,
};
use chaperone_proto::Data;
use http::{Request, Response, StatusCode, header};
use hyper::body::Incoming;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long requests in flight may take when the collector stops.
const STOP_DEADLINE: Duration = Duration::from_secs(2);

/// The exporter.
pub struct Prometheus {
    // Shared by the exporter, which writes, and the server, which reads.
    page: Arc<Page>,
    server: Mutex<Option<Server>>,
}

/// What is served.
struct Page {
    config: Config,
    clock: Clock,
    store: Mutex<series::Store>,
}

impl ExporterFactory for Prometheus {
    type Config = Config;
    const META: Meta = Meta::exporter("prometheus", "Serves metrics for Prometheus to scrape", Signals::METRICS, Front::DIRECT)
        .stability(Stability::Development)
        .readme(include_str!("README.md"));

    fn build(config: Config, ctx: &BuildContext) -> Result<Arc<dyn Exporter>, ConfigError> {
        let page = Page { config, clock: ctx.clock().clone(), store: Mutex::default() };
        Ok(Arc::new(Prometheus { page: Arc::new(page), server: Mutex::new(None) }))
    }
}

impl Exporter for Prometheus {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), StartError>> {
        Box::pin(async move {
            let endpoint = &self.page.config.endpoint;
            let listener = Listener::bind_for(host, Transport::Tcp, endpoint)
                .await
                .map_err(|error| StartError::caused_by(format!("cannot serve metrics on `{}`", endpoint.as_str()), error))?;
            host.announce(&format!("serving metrics at http://{}/metrics", listener.address()));
            let settings = ServerSettings::http(16);
            let server = Server::start(listener, settings, Arc::clone(&self.page));
            *lock(&self.server) = Some(server);
            Ok(())
        })
    }

    fn export<'a>(&'a self, chunks: &'a [Chunk], cx: ExportContext) -> BoxFuture<'a, Result<Exported, ExportError>> {
        Box::pin(async move {
            let mut exported = Exported::default();
            for chunk in chunks {
                let data = chunk.decode().map_err(|error| ExportError::permanent(format!("cannot decode metrics: {error}")))?;
                let Data::Metrics(metrics) = data else { continue };
                let mut store = lock(&self.page.store);
                let rejected = convert::take(&self.page.config, &mut store, &metrics.to_request(), cx.now.mono);
                exported.rejected += rejected.points;
                exported.message = rejected.message.or(exported.message);
            }
            Ok(exported)
        })
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            let server = lock(&self.server).take();
            if let Some(server) = server {
                server.stop(STOP_DEADLINE).await;
            }
        })
    }
}

impl Page {
    fn text(&self) -> String {
        let mut store = lock(&self.store);
        let oldest = self.clock.now().mono.saturating_sub(self.config.metric_expiration.get());
        store.expire(oldest);
        let families = store.families(&self.config.namespace, self.config.send_timestamps);
        drop(store);
        let mut out = String::new();
        exposition::write(&families, &mut out);
        out
    }
}

impl Handler for Page {
    fn handle(self: Arc<Self>, request: Request<Incoming>, _peer: Peer) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move {
            let found = request.uri().path() == "/metrics";
            let (status, text) = if found { (StatusCode::OK, self.text()) } else { (StatusCode::NOT_FOUND, String::new()) };
            let mut response = Response::new(chaperone_net::body::full(text));
            *response.status_mut() = status;
            let kind = header::HeaderValue::from_static(exposition::CONTENT_TYPE);
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
