//! The `otlp` receiver: OTLP by gRPC and HTTP, protobuf and JSON, gzip and zstd.
//!
//! It knows routes, content types and what answers look like; sockets, framing and compression are `net`'s, decoding
//! and everything after it is the entrance's. One instance an id, for all signals.

mod config;
mod grpc;
mod http;
mod intake;
#[cfg(test)]
mod tests;

pub use config::Config;

use chaperone_config::{Endpoint, ServerTls, Transport};
use chaperone_net::figures::{Measured, Place, Serves};
use chaperone_net::server::ConnectionCounters;
use chaperone_net::tls::{self, TlsServer};
use chaperone_net::{Handler, Listener, Server, ServerSettings};
use chaperone_pipeline::{
    BoxFuture, BuildContext, ConfigError, Entrance, Host, Meta, Receiver, ReceiverFactory, Signals, Stability, StartError,
};
use intake::Intake;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tracing::warn;

/// How long requests in flight may take when the receiver stops.
const STOP_DEADLINE: Duration = Duration::from_secs(10);

/// Factory of the receiver.
pub struct Otlp;

impl ReceiverFactory for Otlp {
    type Config = Config;
    const META: Meta = Meta::receiver("otlp", "Receives OTLP by gRPC and HTTP.", Signals::ALL)
        .stability(Stability::Alpha)
        .readme(include_str!("README.md"));

    fn build(config: Config, _ctx: &BuildContext) -> Result<Arc<dyn Receiver>, ConfigError> {
        Ok(Arc::new(OtlpReceiver { config, servers: Mutex::default() }))
    }
}

struct OtlpReceiver {
    config: Config,
    servers: Mutex<Vec<Server>>,
}

impl OtlpReceiver {
    async fn open(&self, host: &Host, entrance: Entrance) -> Result<(), StartError> {
        // All sockets are opened, and all certificates read, before the first is served: a taken port must not leave half
        // a receiver.
        let grpc = match self.config.protocols.grpc.get() {
            Some(settings) => Some((settings, bind(host, settings.transport, &settings.endpoint).await?, grpc_server(settings)?)),
            None => None,
        };
        let http = match self.config.protocols.http.get() {
            Some(settings) => Some((settings, bind(host, settings.transport, &settings.endpoint).await?, http_server(settings)?)),
            None => None,
        };
        if let Some((settings, listener, protocol)) = grpc {
            let intake = Intake::new(host, entrance.clone(), "grpc", settings.include_metadata);
            let serves = Serves::Grpc(grpc::METHODS.map(str::to_owned).to_vec());
            self.serve(host, listener, serves, protocol, grpc::GrpcHandler::new(intake, settings));
        }
        if let Some((settings, listener, protocol)) = http {
            if let Some(ignored) = settings.cors.get().and_then(config::Cors::ignored) {
                warn!(receiver = %host.id(), "{ignored}");
            }
            let intake = Intake::new(host, entrance, "http", settings.include_metadata);
            let rooted = |path: &str| format!("/{}", path.trim_start_matches('/'));
            let serves = Serves::Http(settings.paths().into_iter().map(|(.., path)| rooted(path)).collect());
            self.serve(host, listener, serves, protocol, http::HttpHandler::new(intake, settings));
        }
        Ok(())
    }

    fn serve(&self, host: &Host, listener: Listener, serves: Serves, mut protocol: ServerSettings, handler: impl Handler) {
        let name = if matches!(serves, Serves::Grpc(_)) { "grpc" } else { "http" };
        let receiver = host.id().to_string();
        let labels = [("receiver", receiver.as_str()), ("protocol", name)];
        protocol.counters = Some(ConnectionCounters::new(host.telemetry(), &labels));
        let address = listener.address().clone();
        let place = Place::of(&address, protocol.tls.is_some());
        let handler = Measured::new(handler, host.telemetry(), place, serves);
        let server = Server::start(listener, protocol, Arc::new(handler));
        self.servers.lock().unwrap_or_else(PoisonError::into_inner).push(server);
        if let Some(port) = address.port() {
            // With port 0 nobody could know where to send otherwise.
            let help = "Port on which a receiver listens.";
            host.telemetry().gauge("chaperone_receiver_port", help, &labels).set(port.into());
        }
        host.announce(&format!("listening for OTLP/{} on {address}", if name == "grpc" { "gRPC" } else { "HTTP" }));
    }
}

fn grpc_server(settings: &config::Grpc) -> Result<ServerSettings, StartError> {
    let mut server = ServerSettings::grpc(settings.max_streams());
    if let Some(keepalive) = settings.keepalive.get() {
        server = server.keepalive(keepalive);
    }
    server.tls = load(settings.tls.get(), tls::GRPC)?;
    Ok(server)
}

fn http_server(settings: &config::Http) -> Result<ServerSettings, StartError> {
    let mut server = ServerSettings::http(config::DEFAULT_STREAMS);
    let or_read = |set: Duration| if set.is_zero() { settings.read_timeout.get() } else { set };
    server.header_timeout = or_read(settings.read_header_timeout.get());
    server.idle_timeout = or_read(settings.idle_timeout.get());
    server.write_timeout = settings.write_timeout.get();
    server.keep_alives = settings.keep_alives_enabled;
    server.tls = load(settings.tls.get(), tls::HTTP)?;
    Ok(server)
}

fn load(settings: Option<&ServerTls>, protocols: &'static [&'static [u8]]) -> Result<Option<TlsServer>, StartError> {
    let loaded = settings.map(|settings| TlsServer::load(settings.clone(), protocols)).transpose();
    loaded.map_err(|error| StartError::caused_by("failed to load TLS config", error))
}

async fn bind(host: &Host, transport: Transport, endpoint: &Endpoint) -> Result<Listener, StartError> {
    Listener::bind_for(host, transport, endpoint).await.map_err(|error| StartError::caused_by("it has no socket", error))
}

impl Receiver for OtlpReceiver {
    fn start<'a>(&'a self, host: &'a Host, entrance: Entrance) -> BoxFuture<'a, Result<(), StartError>> {
        Box::pin(self.open(host, entrance))
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        let servers = std::mem::take(&mut *self.servers.lock().unwrap_or_else(PoisonError::into_inner));
        Box::pin(async move {
            futures_util::future::join_all(servers.into_iter().map(|server| server.stop(STOP_DEADLINE))).await;
        })
    }
}
