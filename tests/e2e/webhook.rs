//! The example with a webhook: the alert arrives, signed, once.

use crate::walk::generate;
use anyhow::{Context, Result};
use chaperone_testkit::collector::Collector;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};

const EXAMPLE: &str = include_str!("../../examples/webhook/collector.yaml");
const SECRET: &str = "a secret of the test";

struct Post {
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Post {
    fn header(&self, name: &str) -> Result<&str> {
        let found = self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str()).with_context(|| format!("no header `{name}`"))
    }
}

/// A server that takes posts and answers 200.
fn receiver() -> Result<(String, Receiver<Post>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    let (sender, posts) = sync_channel(16);
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(std::io::Result::ok) {
            if let Ok(post) = take(stream)
                && sender.send(post).is_err()
            {
                return;
            }
        }
    });
    Ok((address, posts))
}

fn take(stream: TcpStream) -> Result<Post> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None => break,
        }
    }
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.context("a post without length")?.1.parse()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    reader.into_inner().write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")?;
    Ok(Post { headers, body })
}

#[test]
fn the_alert_arrives_once_with_a_valid_signature() -> Result<()> {
    let (address, posts) = receiver()?;
    let mut collector = Collector::start(
        env!("CARGO_BIN_EXE_chaperone"),
        EXAMPLE,
        &[
            "receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0",
            "receivers.otlp.protocols.http.endpoint=127.0.0.1:0",
            &format!("exporters.webhook.url=http://{address}/alerts"),
            &format!("exporters.webhook.secret={SECRET}"),
        ],
    )?;
    generate("loop", &collector.otlp_http()?)?;

    let post = posts.recv_timeout(chaperone_testkit::collector::PATIENCE).context("no alert was posted")?;
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes())?;
    mac.update(post.header("X-Chaperone-Timestamp")?.as_bytes());
    mac.update(b".");
    mac.update(&post.body);
    let expected: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(post.header("X-Chaperone-Signature")?, format!("sha256={expected}"));

    let alert: serde_json::Value = serde_json::from_slice(&post.body)?;
    assert_eq!(alert["rule"], "agent-dead-loop");
    assert_eq!(alert["state"], "firing");
    assert!(!post.header("Idempotency-Key")?.is_empty());

    // The delivery is reported through `own_events`, which the example prints.
    collector.wait_for_line("delivered")?;
    crate::finish(collector)?;
    let repeated = posts.try_iter().filter(|post| post.body.windows(8).any(|part| part == b"\"firing\"")).count();
    assert_eq!(repeated, 0, "an alert fires once");
    Ok(())
}
