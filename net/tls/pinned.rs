//! A certificate that is trusted by name: the other side shows the very certificate that the settings name.
//!
//! Self-signed certificates are mostly made as authorities, and as such the chain check refuses them as somebody's
//! own certificate. Go takes them, and so do we: name and time are checked, and the handshake proves that the key is there.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use std::sync::Arc;

/// Checks what `usual` refuses against the certificates that are named.
#[derive(Debug)]
pub(super) struct Pinned<V: ?Sized> {
    pub(super) named: Vec<CertificateDer<'static>>,
    // One a configuration; shared with nobody else.
    pub(super) usual: Arc<V>,
}

impl<V: ?Sized> Pinned<V> {
    /// Whether a refusal is only about a named certificate being an authority.
    fn names(&self, shown: &CertificateDer<'_>, refusal: &Error) -> bool {
        // The library tells of it by this text alone.
        let is_about_use = matches!(refusal, Error::InvalidCertificate(CertificateError::Other(other))
            if other.to_string().contains("CaUsedAsEndEntity"));
        is_about_use && self.named.iter().any(|named| named == shown)
    }
}

impl ServerCertVerifier for Pinned<dyn ServerCertVerifier> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let usual = self.usual.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        match usual {
            Err(refusal) if self.names(end_entity, &refusal) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                validity::check(end_entity, now)?;
                Ok(ServerCertVerified::assertion())
            }
            other => other,
        }
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, cert, dss)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, cert, dss)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

impl ClientCertVerifier for Pinned<dyn ClientCertVerifier> {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.usual.root_hint_subjects()
    }
    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        match self.usual.verify_client_cert(end_entity, intermediates, now) {
            Err(refusal) if self.names(end_entity, &refusal) => {
                validity::check(end_entity, now)?;
                Ok(ClientCertVerified::assertion())
            }
            other => other,
        }
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls12_signature(message, cert, dss)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual.verify_tls13_signature(message, cert, dss)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}

/// From when to when a certificate is good: the one thing of it that no library function tells.
mod validity {
    use crate::retry_after::days_since_1970;
    use rustls::pki_types::{CertificateDer, UnixTime};
    use rustls::{CertificateError, Error};

    const SEQUENCE: u8 = 0x30;
    const VERSION: u8 = 0xa0;
    const UTC_TIME: u8 = 0x17;
    const GENERALIZED_TIME: u8 = 0x18;

    pub(super) fn check(certificate: &CertificateDer<'_>, now: UnixTime) -> Result<(), Error> {
        let (from, to) = of(certificate).ok_or(Error::InvalidCertificate(CertificateError::BadEncoding))?;
        // The message names no times: the caller's log has the peer, and an operator the certificate.
        match now.as_secs() {
            now if now < from => Err(Error::InvalidCertificate(CertificateError::NotValidYet)),
            now if now > to => Err(Error::InvalidCertificate(CertificateError::Expired)),
            _ => Ok(()),
        }
    }

    /// First and last second.
    fn of(certificate: &[u8]) -> Option<(u64, u64)> {
        let (_, outer, _) = element(certificate)?;
        let (_, mut fields, _) = element(outer)?;
        // Version, where it is written; then serial number, signature algorithm and issuer.
        if *fields.first()? == VERSION {
            fields = element(fields)?.2;
        }
        for _ in 0..3 {
            fields = element(fields)?.2;
        }
        let (tag, times, _) = element(fields)?;
        let (from_tag, from, rest) = element(times)?;
        let (to_tag, to, _) = element(rest)?;
        (tag == SEQUENCE).then_some((seconds(from_tag, from)?, seconds(to_tag, to)?))
    }

    /// Tag and content of the first element, and what follows it.
    fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
        let (tag, rest) = bytes.split_first()?;
        let (first, rest) = rest.split_first()?;
        let (length, rest) = if *first < 0x80 {
            (usize::from(*first), rest)
        } else {
            let (digits, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            if digits.len() > 4 {
                return None;
            }
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        Some((*tag, content, rest))
    }

    /// `YYMMDDHHMMSSZ` or `YYYYMMDDHHMMSSZ` as seconds since 1970.
    fn seconds(tag: u8, text: &[u8]) -> Option<u64> {
        let text = std::str::from_utf8(text).ok()?.strip_suffix('Z')?;
        let (year, rest) = match tag {
            UTC_TIME => {
                let (year, rest) = text.split_at_checked(2)?;
                let year: i64 = year.parse().ok()?;
                (if year < 50 { 2000 + year } else { 1900 + year }, rest)
            }
            GENERALIZED_TIME => {
                let (year, rest) = text.split_at_checked(4)?;
                (year.parse().ok()?, rest)
            }
            _ => return None,
        };
        let mut numbers = [0_i64; 5];
        let mut rest = rest;
        for number in &mut numbers {
            let (digits, left) = rest.split_at_checked(2)?;
            *number = digits.parse().ok()?;
            rest = left;
        }
        let [month, day, hour, minute, second] = numbers;
        u64::try_from(days_since_1970(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second).ok()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn times_of_certificates_are_read() {
            for (tag, text, expected) in [
                (UTC_TIME, "700101000000Z", Some(0)),
                (UTC_TIME, "240229120001Z", Some(1_709_208_001)),
                (UTC_TIME, "491231235959Z", Some(2_524_607_999)),
                (GENERALIZED_TIME, "20500101000000Z", Some(2_524_608_000)),
                (GENERALIZED_TIME, "20010909014640Z", Some(1_000_000_000)),
                (GENERALIZED_TIME, "19691231235959Z", None),
                (UTC_TIME, "7001010000Z", None),
                (0x04, "700101000000Z", None),
            ] {
                assert_eq!(seconds(tag, text.as_bytes()), expected, "{text}");
            }
        }

        #[test]
        fn what_is_cut_short_is_no_certificate() {
            let made = rcgen::generate_simple_self_signed(vec!["h".to_owned()]).unwrap();
            let whole = made.cert.der().to_vec();
            assert!(of(&whole).is_some_and(|(from, to)| from < to));
            for length in 0..60 {
                assert_eq!(of(&whole[..length]), None);
            }
        }
    }
}
