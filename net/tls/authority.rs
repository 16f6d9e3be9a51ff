//! An authority for tests, and what it signs, as files in a folder that goes with it.

use chaperone_config::{ClientTls, ServerTls};
use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use std::path::PathBuf;
use tempfile::TempDir;

/// An authority, and a folder for what it signs.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
    folder: TempDir,
}

impl Authority {
    pub(crate) fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let folder = tempfile::tempdir().unwrap();
        // Two authorities of one name could not be told apart.
        params.distinguished_name.push(DnType::CommonName, folder.path().to_str().unwrap());
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        Authority { issuer: Issuer::new(params, key), certificate, folder }
    }

    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path: PathBuf = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A path where nothing is.
    pub(crate) fn missing(&self) -> String {
        self.folder.path().join("missing.pem").to_str().unwrap().to_owned()
    }

    pub(crate) fn ca_file(&self) -> String {
        self.file("ca.pem", &self.pem())
    }

    /// Files of a certificate for `host` and its key, good between two years.
    pub(crate) fn signed(&self, name: &str, host: &str, years: (i32, i32)) -> (String, String) {
        let mut params = CertificateParams::new(vec![host.to_owned()]).unwrap();
        params.not_before = rcgen::date_time_ymd(years.0, 1, 1);
        params.not_after = rcgen::date_time_ymd(years.1, 1, 1);
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (self.file(&format!("{name}.pem"), &certificate.pem()), self.file(&format!("{name}.key"), &key.serialize_pem()))
    }

    pub(crate) fn server(&self, host: &str) -> ServerTls {
        let (cert_file, key_file) = self.signed("server", host, GOOD);
        ServerTls { cert_file, key_file, ..ServerTls::default() }
    }

    pub(crate) fn client(&self) -> ClientTls {
        ClientTls { ca_file: self.ca_file(), ..ClientTls::default() }
    }
}

/// The years of a certificate that is good.
pub(crate) const GOOD: (i32, i32) = (2020, 2090);
