//! Names of versions, cipher suites and groups as Go spells them, and what the provider has of them.
//!
//! Only suites of TLS 1.2 can be chosen: those of 1.3 are all good and always on, in Go too.

use super::TlsError;
use rustls::crypto::{CryptoProvider, ring};
use rustls::{NamedGroup, SupportedCipherSuite, SupportedProtocolVersion};
use std::sync::Arc;

/// Suites that Go knows and the provider does not have: block ciphers in CBC mode and RSA key exchange.
const NOT_HAD: [&str; 16] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_RC4_128_SHA",
    "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_RC4_128_SHA",
    "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA",
    "TLS_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA",
    "TLS_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_RSA_WITH_RC4_128_SHA",
];

/// Go writes suites of TLS 1.3 without the number.
fn name(suite: &SupportedCipherSuite) -> String {
    format!("{:?}", suite.suite()).replace("TLS13_", "TLS_")
}

/// The provider, restricted to what is named; empty lists restrict nothing.
pub(super) fn provider(suites: &[String], groups: &[String]) -> Result<Arc<CryptoProvider>, TlsError> {
    let mut provider = ring::default_provider();
    if !suites.is_empty() {
        let is_known = |wanted: &String| {
            NOT_HAD.contains(&wanted.as_str()) || provider.cipher_suites.iter().any(|known| name(known) == *wanted)
        };
        if let Some(unknown) = suites.iter().find(|wanted| !is_known(wanted)) {
            return Err(TlsError::Suite(unknown.clone()));
        }
        let missing: Vec<&str> = suites.iter().map(String::as_str).filter(|wanted| NOT_HAD.contains(wanted)).collect();
        if missing.len() == suites.len() {
            return Err(TlsError::NoSuite);
        }
        if !missing.is_empty() {
            tracing::warn!(suites = missing.join(", "), "these cipher suites are not to be had, the others are used");
        }
        let is_13 = |suite: &SupportedCipherSuite| suite.tls13().is_some();
        provider.cipher_suites.retain(|known| is_13(known) || suites.contains(&name(known)));
    }
    if !groups.is_empty() {
        let wanted = groups.iter().map(|group| group_named(group)).collect::<Result<Vec<_>, _>>()?;
        provider.kx_groups.retain(|known| wanted.contains(&known.name()));
        provider.kx_groups.sort_by_key(|known| wanted.iter().position(|wanted| *wanted == known.name()));
    }
    Ok(Arc::new(provider))
}

fn group_named(name: &str) -> Result<NamedGroup, TlsError> {
    match name {
        "X25519" => Ok(NamedGroup::X25519),
        "P256" => Ok(NamedGroup::secp256r1),
        "P384" => Ok(NamedGroup::secp384r1),
        _ => Err(TlsError::Curve(name.to_owned())),
    }
}

/// The versions from `min` to `max`, which were checked with the settings.
pub(super) fn versions(min: &str, max: &str) -> &'static [&'static SupportedProtocolVersion] {
    use rustls::version::{TLS12, TLS13};
    static NEW: [&SupportedProtocolVersion; 1] = [&TLS13];
    static OLD: [&SupportedProtocolVersion; 1] = [&TLS12];
    static BOTH: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
    match (min, max) {
        ("1.3", _) => &NEW,
        (_, "1.2") => &OLD,
        _ => &BOTH,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn suites_of_tls_1_2_are_chosen_and_those_of_1_3_stay() {
        let all = provider(&[], &[]).unwrap();
        assert_eq!(all.cipher_suites.len(), 9);
        let chosen = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA"];
        let some = provider(&owned(&chosen), &[]).unwrap();
        let names: Vec<String> = some.cipher_suites.iter().map(name).collect();
        assert_eq!(names.iter().filter(|name| name.starts_with("TLS_ECDHE")).collect::<Vec<_>>(), [chosen[0]]);
        assert_eq!(names.len(), 4);
        provider(&owned(&["TLS_AES_128_GCM_SHA256"]), &[]).unwrap();
    }

    #[test]
    fn what_nobody_knows_and_what_is_not_had_is_told() {
        let unknown = provider(&owned(&["TLS_NULL"]), &[]).unwrap_err();
        assert_eq!(unknown.to_string(), "invalid TLS cipher suite: \"TLS_NULL\"");
        let none = provider(&owned(&["TLS_RSA_WITH_AES_128_CBC_SHA"]), &[]).unwrap_err();
        assert!(matches!(none, TlsError::NoSuite), "{none}");
        let curve = provider(&[], &owned(&["P521"])).unwrap_err();
        assert!(matches!(curve, TlsError::Curve(_)), "{curve}");
    }

    #[test]
    fn groups_are_used_in_the_order_written() {
        let provider = provider(&[], &owned(&["P384", "X25519"])).unwrap();
        let names: Vec<NamedGroup> = provider.kx_groups.iter().map(|group| group.name()).collect();
        assert_eq!(names, [NamedGroup::secp384r1, NamedGroup::X25519]);
    }
}
