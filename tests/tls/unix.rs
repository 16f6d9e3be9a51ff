//! One collector behind another, with a Unix socket between them.

use crate::{agent, finish, gateway, post, span, wait_for};
use anyhow::Result;
use std::os::unix::fs::PermissionsExt;

#[test]
fn data_pass_over_a_unix_socket_that_goes_with_its_collector() -> Result<()> {
    let gateway = gateway("{grpc: {transport: unix, endpoint: otlp.sock}}")?;
    let socket = gateway.file("otlp.sock");
    assert_eq!(std::fs::metadata(&socket)?.permissions().mode() & 0o777, 0o660);
    let settings = format!("{{endpoint: 'unix://{}', tls: {{insecure: true}}, compression: snappy}}", socket.display());
    let mut agent = agent(&[("otlp_grpc", settings)])?;
    assert_eq!(post(&agent.otlp_http()?, &span("local"))?, "HTTP/1.1 200 OK");
    wait_for(&gateway, "local", 1)?;
    finish(agent)?;
    let (folder, name) = (gateway.folder().to_owned(), socket.clone());
    finish(gateway)?;
    assert!(!folder.exists() || !name.exists(), "the socket outlived its collector");
    Ok(())
}
