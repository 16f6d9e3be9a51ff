//! Certificates, keys and authorities, read from files or from the settings themselves.

use super::TlsError;
use chaperone_config::Secret;
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::borrow::Cow;

/// A file, and the same as text, of which one may be set.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    /// The setting of the file.
    pub key: &'static str,
    pub file: &'a str,
    pub pem: &'a Secret,
}

impl Source<'_> {
    pub(super) fn is_set(&self) -> bool {
        !self.file.is_empty() || !self.pem.is_empty()
    }

    fn read(&self) -> Result<Cow<'_, [u8]>, TlsError> {
        if self.file.is_empty() {
            return Ok(Cow::Borrowed(self.pem.expose().as_bytes()));
        }
        let failed = |source| TlsError::File { key: self.key, path: self.file.to_owned(), source };
        std::fs::read(self.file).map(Cow::Owned).map_err(failed)
    }

    /// All certificates in it, at least one.
    pub(super) fn certificates(&self) -> Result<Vec<CertificateDer<'static>>, TlsError> {
        let text = self.read()?;
        let empty = || TlsError::Empty { key: self.key, what: "certificate" };
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
        found.ok().filter(|found| !found.is_empty()).ok_or_else(empty)
    }

    /// The first private key in it.
    pub(super) fn private_key(&self) -> Result<PrivateKeyDer<'static>, TlsError> {
        PrivateKeyDer::from_pem_slice(&self.read()?).map_err(|_| TlsError::Empty { key: self.key, what: "private key" })
    }
}

/// Who is trusted.
pub(super) struct Authorities {
    pub(super) roots: RootCertStore,
    /// Those that the settings name: one that is shown by the other side itself is trusted as it is.
    pub(super) named: Vec<CertificateDer<'static>>,
}

/// The authorities of a source, and those of the system where wanted, or where the source is not set.
pub(super) fn authorities(source: Source<'_>, system: bool) -> Result<Authorities, TlsError> {
    let mut roots = RootCertStore::empty();
    let mut named = Vec::new();
    if source.is_set() {
        named = source.certificates()?;
        let (usable, _) = roots.add_parsable_certificates(named.iter().cloned());
        if usable == 0 {
            return Err(TlsError::Empty { key: source.key, what: "certificate" });
        }
    }
    if system || !source.is_set() {
        let found = rustls_native_certs::load_native_certs();
        let (usable, _) = roots.add_parsable_certificates(found.certs);
        if usable == 0 && named.is_empty() {
            let reason = found.errors.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let reason = if reason.is_empty() { "no file of them was found".to_owned() } else { reason };
            return Err(TlsError::NoSystemAuthorities { reason });
        }
    }
    Ok(Authorities { roots, named })
}
