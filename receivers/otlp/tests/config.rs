//! Settings: defaults and mistakes.

use super::node;
use crate::otlp::config::{Config, Grpc, Http};
use chaperone_config::{ByteSize, Optional, parse_settings};

fn parse(yaml: &str) -> Result<Config, String> {
    parse_settings(&node(yaml), "receivers.otlp").map_err(|problems| problems.to_string())
}

#[test]
fn the_example_turns_both_protocols_on_with_their_defaults() {
    let config = parse(include_str!("../testdata/default.yaml")).unwrap();
    assert_eq!(config.protocols.grpc, Optional::Present(Grpc::default()));
    assert_eq!(config.protocols.http, Optional::Present(Http::default()));
    let grpc = config.protocols.grpc.get().unwrap();
    assert_eq!((grpc.endpoint.as_str(), grpc.max_bytes()), ("localhost:4317", 4 << 20));
    let http = config.protocols.http.get().unwrap();
    assert_eq!((http.endpoint.as_str(), http.max_bytes()), ("localhost:4318", 20 << 20));
}

#[test]
fn a_protocol_without_its_key_is_off() {
    let config = parse("protocols: {http: {max_request_body_size: 1MiB}}").unwrap();
    assert_eq!(config.protocols.grpc, Optional::Absent);
    assert_eq!(config.protocols.http.get().unwrap().max_request_body_size, ByteSize::mib(1));
}

#[test]
fn mistakes_are_told() {
    for (yaml, message) in [
        (include_str!("../testdata/invalid_no_protocol.yaml"), "must specify at least one protocol when using the OTLP receiver"),
        (include_str!("../testdata/invalid_unknown_protocol.yaml"), "thrift"),
        (
            include_str!("../testdata/invalid_message_size.yaml"),
            "invalid max_recv_msg_size_mib value, must be between 1 and 8796093022207: -1",
        ),
        (include_str!("../testdata/invalid_endpoint.yaml"), "`somewhere` is not an address to listen on"),
        (include_str!("../testdata/invalid_path.yaml"), "invalid HTTP URL path set for signal"),
        (include_str!("../testdata/invalid_auth.yaml"), "the authenticator `basicauth/server` cannot be used"),
        (include_str!("../testdata/invalid_algorithm.yaml"), "unsupported compression type \"brotli\""),
        (include_str!("../testdata/invalid_tls.yaml"), "TLS configuration must include both certificate and key"),
        (include_str!("../testdata/invalid_same_address.yaml"), "`localhost:4317` is the address of `grpc` too"),
        (include_str!("../testdata/invalid_same_path.yaml"), "`v1/traces` is the path of another signal"),
    ] {
        let problems = parse(yaml).unwrap_err();
        assert!(problems.contains(message), "{problems}");
    }
}
