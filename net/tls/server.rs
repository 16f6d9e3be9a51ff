//! TLS of a server: its certificate, what it asks of clients, and both read again while it runs.

use super::material::{Source, authorities};
use super::pinned::Pinned;
use super::{TlsError, suites};
use crate::stream::{Socket, Stream};
use chaperone_config::{Secret, ServerTls};
use rustls::ServerConfig;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;
use tracing::{info, warn};

/// How often a file that shall be watched is looked at, at most.
const LOOK: Duration = Duration::from_secs(1);

/// TLS that a server speaks; clones share it.
#[derive(Clone)]
pub struct TlsServer {
    // Shared by the connections of a server.
    inner: Arc<Inner>,
}

struct Inner {
    settings: ServerTls,
    protocols: &'static [&'static [u8]],
    state: Mutex<State>,
}

struct State {
    // Shared by the connections that began while it was in force.
    config: Arc<ServerConfig>,
    loaded: Instant,
    looked: Instant,
    client_ca: Option<Stamp>,
}

impl fmt::Debug for TlsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsServer").field(&self.inner.settings).finish()
    }
}

/// By what a changed file is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
}

fn stamp(path: &str) -> Option<Stamp> {
    let found = std::fs::metadata(Path::new(path)).ok()?;
    Some(Stamp { modified: found.modified().ok(), length: found.len() })
}

impl TlsServer {
    /// Reads what the settings name. Blocks while it does.
    pub fn load(settings: ServerTls, protocols: &'static [&'static [u8]]) -> Result<TlsServer, TlsError> {
        let client_ca = stamp(&settings.client_ca_file);
        let config = Arc::new(build(&settings, protocols)?);
        let now = Instant::now();
        let state = Mutex::new(State { config, loaded: now, looked: now, client_ca });
        Ok(TlsServer { inner: Arc::new(Inner { settings, protocols, state }) })
    }

    /// Shakes hands; a failure gives the socket back, over which the client can still be let read why.
    pub(crate) async fn accept(&self, socket: Socket) -> Result<Stream, (std::io::Error, Socket)> {
        let config = self.current().await;
        let stream = TlsAcceptor::from(config).accept(socket).into_fallible().await?;
        Ok(Stream::Tls(Box::new(stream.into())))
    }

    /// What is in force, read again where it is time.
    async fn current(&self) -> Arc<ServerConfig> {
        if self.is_due() {
            // Shared with the thread that reads, so that no socket waits for a disk.
            let inner = Arc::clone(&self.inner);
            let read = tokio::task::spawn_blocking(move || {
                (stamp(&inner.settings.client_ca_file), build(&inner.settings, inner.protocols))
            });
            match read.await {
                Ok((client_ca, Ok(config))) => {
                    let mut state = self.state();
                    state.config = Arc::new(config);
                    state.client_ca = client_ca;
                    info!("the certificates of a server were read again");
                }
                Ok((client_ca, Err(error))) => {
                    // The same broken file is not read again before it changes.
                    self.state().client_ca = client_ca;
                    warn!(%error, "a server's certificates could not be read again, the old ones stay");
                }
                Err(error) => warn!(%error, "a server's certificates could not be read again, the old ones stay"),
            }
        }
        Arc::clone(&self.state().config)
    }

    /// Whether files must be read again now; tells so only once.
    fn is_due(&self) -> bool {
        let settings = &self.inner.settings;
        let now = Instant::now();
        let mut state = self.state();
        let interval = settings.reload_interval.get();
        let has_files = !settings.cert_file.is_empty() || !settings.key_file.is_empty();
        if !interval.is_zero() && has_files && now.duration_since(state.loaded) >= interval {
            state.loaded = now;
            return true;
        }
        if settings.client_ca_file_reload && !settings.client_ca_file.is_empty() && now.duration_since(state.looked) >= LOOK {
            state.looked = now;
            return stamp(&settings.client_ca_file) != state.client_ca;
        }
        false
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn build(settings: &ServerTls, protocols: &[&[u8]]) -> Result<ServerConfig, TlsError> {
    let provider = suites::provider(&settings.cipher_suites, &settings.curve_preferences)?;
    let versions = suites::versions(&settings.min_version, &settings.max_version);
    let certificate = Source { key: "cert_file", file: &settings.cert_file, pem: &settings.cert_pem }.certificates()?;
    let key = Source { key: "key_file", file: &settings.key_file, pem: &settings.key_pem }.private_key()?;
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_protocol_versions(versions).map_err(TlsError::unusable("cipher_suites"))?;
    let builder = if settings.client_ca_file.is_empty() {
        builder.with_no_client_auth()
    } else {
        let none = Secret::default();
        let source = Source { key: "client_ca_file", file: &settings.client_ca_file, pem: &none };
        let trusted = authorities(source, settings.include_system_ca_certs_pool)?;
        let usual: Arc<dyn ClientCertVerifier> =
            WebPkiClientVerifier::builder_with_provider(trusted.roots.into(), provider).build()?;
        let verifier: Pinned<dyn ClientCertVerifier> = Pinned { named: trusted.named, usual };
        builder.with_client_cert_verifier(Arc::new(verifier))
    };
    let mut config = builder.with_single_cert(certificate, key).map_err(TlsError::unusable("cert_file"))?;
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}
