//! Certificates for tests: an authority made on the spot, and what it signs, as files in a folder of its own.

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// An authority. Its files go with it.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: Certificate,
    folder: TempDir,
}

/// Files of a certificate and of its key.
#[derive(Debug, Clone)]
pub struct Identity {
    /// Path of the certificate.
    pub cert_file: String,
    /// Path of the key.
    pub key_file: String,
}

impl Default for Authority {
    fn default() -> Self {
        Authority::new()
    }
}

impl Authority {
    /// Makes one that nobody else knows.
    pub fn new() -> Authority {
        let folder = TempDir::new().expect("a temporary folder");
        let mut params = CertificateParams::new(Vec::new()).expect("invariant: no name is wrong");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        // Two authorities of one name could not be told apart.
        params.distinguished_name.push(DnType::CommonName, folder.path().display().to_string());
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("invariant: the parameters are good");
        Authority { issuer: Issuer::new(params, key), certificate, folder }
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("a file in a temporary folder");
        path.display().to_string()
    }

    /// File of its own certificate, for those who trust it.
    pub fn ca_file(&self) -> String {
        self.file("ca.pem", &self.certificate.pem())
    }

    /// A certificate for `host` in files of that `name`, which it replaces if they exist.
    pub fn signed(&self, name: &str, host: &str) -> Identity {
        let params = CertificateParams::new(vec![host.to_owned()]).expect("a name or an address");
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("invariant: the parameters are good");
        Identity {
            cert_file: self.file(&format!("{name}.pem"), &certificate.pem()),
            key_file: self.file(&format!("{name}.key"), &key.serialize_pem()),
        }
    }
}
