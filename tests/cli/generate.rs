//! `generate` against something that is not a collector.

use crate::outcome;
use std::io::{Read, Write};
use std::net::TcpListener;

#[test]
fn nobody_listening_is_said_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    // A port that was free a moment ago and that nobody listens at.
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (code, out, err) = outcome(folder.path(), &["generate", "--endpoint", &format!("http://{address}")]);
    assert_eq!((code, out.as_str()), (1, ""));
    assert!(err.starts_with(&format!("error: cannot send to http://{address}: is a collector listening there?")), "{err}");
}

#[test]
fn a_refusal_is_told_with_its_status() {
    let folder = tempfile::tempdir().unwrap();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}/", server.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let (mut stream, _) = server.accept().unwrap();
        let mut request = [0; 4096];
        let read = stream.read(&mut request).unwrap();
        stream.write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        String::from_utf8_lossy(&request[..read]).into_owned()
    });
    let (code, _, err) = outcome(folder.path(), &["generate", "--scenario", "loop", "--seed", "1", "--endpoint", &endpoint]);
    assert_eq!(code, 1);
    assert!(err.contains("the answer is 503 Service Unavailable"), "{err}");
    assert!(answering.join().unwrap().starts_with("POST /v1/traces HTTP/1.1\r\n"));
}

#[test]
fn unknown_scenarios_and_endpoints_without_a_scheme_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = outcome(folder.path(), &["generate", "--scenario", "nope"]);
    assert!(code == 1 && err.contains("[possible values: normal, loop]"), "{err}");
    let (code, _, err) = outcome(folder.path(), &["generate", "--endpoint", "localhost:4318"]);
    assert!(code == 1 && err.starts_with("error: cannot use the endpoint: `localhost:4318` is not a valid URL"), "{err}");
}
