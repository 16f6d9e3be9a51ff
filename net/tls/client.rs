//! TLS of a client: whom it trusts, by which name it knows the server, and what it shows of itself.

use super::material::{Source, authorities};
use super::pinned::Pinned;
use super::{TlsError, suites};
use crate::BoxError;
use crate::stream::{Socket, Stream};
use chaperone_config::ClientTls;
use rustls::ClientConfig;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tracing::{info, warn};

/// TLS that a client speaks; clones share it.
#[derive(Clone)]
pub struct TlsClient {
    // Shared by the connections of a client.
    inner: Arc<Inner>,
}

struct Inner {
    settings: ClientTls,
    protocols: &'static [&'static [u8]],
    /// Read at start, or by the first connection.
    loaded: Mutex<Option<Loaded>>,
}

struct Loaded {
    // Shared by the connections that began while it was in force.
    config: Arc<ClientConfig>,
    at: Instant,
}

impl fmt::Debug for TlsClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TlsClient").field(&self.inner.settings).finish()
    }
}

impl TlsClient {
    /// Reads nothing yet.
    ///
    /// As in the Collector, a block that says `insecure` and names no authority counts for nothing else: where an address
    /// asks for TLS nevertheless, the server must be one that the system trusts.
    pub fn new(settings: ClientTls, protocols: &'static [&'static [u8]]) -> TlsClient {
        let settings = if settings.insecure && !settings.has_ca() { ClientTls::default() } else { settings };
        TlsClient { inner: Arc::new(Inner { settings, protocols, loaded: Mutex::new(None) }) }
    }

    /// Reads what the settings name, so that a mistake is told at start. Blocks while it does.
    pub fn load(&self) -> Result<(), TlsError> {
        let config = Arc::new(build(&self.inner.settings, self.inner.protocols)?);
        *self.loaded() = Some(Loaded { config, at: Instant::now() });
        Ok(())
    }

    /// The same, off the thread that serves sockets.
    pub(crate) async fn prepare(&self) -> Result<(), TlsError> {
        let reader = self.clone();
        match tokio::task::spawn_blocking(move || reader.load()).await {
            Ok(result) => result,
            // Nothing in it panics; what did is found again by the first connection.
            Err(_panicked) => Ok(()),
        }
    }

    /// Whether the settings name files or text to read, which is a reason to read them even before TLS is needed.
    pub(crate) fn names_files(&self) -> bool {
        let settings = &self.inner.settings;
        settings.has_ca() || !settings.cert_file.is_empty() || !settings.cert_pem.is_empty()
    }

    /// Shakes hands with the server that `host` names.
    pub(crate) async fn connect(&self, socket: Socket, host: &str) -> Result<Stream, BoxError> {
        let config = self.current().await?;
        let name = &self.inner.settings.server_name_override;
        let name = if name.is_empty() { host } else { name };
        let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
        let name = ServerName::try_from(name.to_owned())?;
        let stream = TlsConnector::from(config).connect(name, socket).await?;
        Ok(Stream::Tls(Box::new(stream.into())))
    }

    /// What is in force, read again where it is time.
    async fn current(&self) -> Result<Arc<ClientConfig>, TlsError> {
        let (known, is_due) = self.known();
        if let Some(known) = known
            && !is_due
        {
            return Ok(known);
        }
        let failure = self.prepare().await.err();
        if is_due && failure.is_none() {
            info!("the certificates of a client were read again");
        }
        match (self.known().0, failure) {
            (Some(known), None) => Ok(known),
            (Some(known), Some(error)) => {
                warn!(%error, "a client's certificates could not be read again, the old ones stay");
                Ok(known)
            }
            (None, Some(error)) => Err(error),
            (None, None) => Err(TlsError::Empty { key: "cert_file", what: "certificate" }),
        }
    }

    /// What is in force, and whether it must be read again, which is told only once.
    fn known(&self) -> (Option<Arc<ClientConfig>>, bool) {
        let interval = self.inner.settings.reload_interval.get();
        let mut loaded = self.loaded();
        let Some(loaded) = loaded.as_mut() else { return (None, false) };
        let now = Instant::now();
        let is_due = !interval.is_zero() && now.duration_since(loaded.at) >= interval;
        if is_due {
            loaded.at = now;
        }
        (Some(Arc::clone(&loaded.config)), is_due)
    }

    fn loaded(&self) -> MutexGuard<'_, Option<Loaded>> {
        self.inner.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn build(settings: &ClientTls, protocols: &[&[u8]]) -> Result<ClientConfig, TlsError> {
    let provider = suites::provider(&settings.cipher_suites, &settings.curve_preferences)?;
    let versions = suites::versions(&settings.min_version, &settings.max_version);
    let verifier: Arc<dyn ServerCertVerifier> = if settings.insecure_skip_verify {
        Arc::new(AnyServer(Arc::clone(&provider)))
    } else {
        let source = Source { key: "ca_file", file: &settings.ca_file, pem: &settings.ca_pem };
        let trusted = authorities(source, settings.include_system_ca_certs_pool)?;
        let usual = WebPkiServerVerifier::builder_with_provider(trusted.roots.into(), Arc::clone(&provider)).build()?;
        let pinned: Pinned<dyn ServerCertVerifier> = Pinned { named: trusted.named, usual };
        Arc::new(pinned)
    };
    let builder = ClientConfig::builder_with_provider(provider);
    let builder = builder.with_protocol_versions(versions).map_err(TlsError::unusable("cipher_suites"))?;
    let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
    let certificate = Source { key: "cert_file", file: &settings.cert_file, pem: &settings.cert_pem };
    let mut config = if certificate.is_set() {
        let key = Source { key: "key_file", file: &settings.key_file, pem: &settings.key_pem }.private_key()?;
        let shown = builder.with_client_auth_cert(certificate.certificates()?, key);
        shown.map_err(TlsError::unusable("cert_file"))?
    } else {
        builder.with_no_client_auth()
    };
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    Ok(config)
}

/// Takes any certificate, because the settings say so. That the server has its key is proved nevertheless.
#[derive(Debug)]
struct AnyServer(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyServer {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
