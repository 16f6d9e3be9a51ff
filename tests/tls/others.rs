//! Python's `ssl` as the other side.

use crate::{BINARY, finish, gateway, server_tls, span, wait_for};
use anyhow::{Context, Result, bail};
use chaperone_testkit::certificates::Authority;
use std::process::Command;

/// Posts standard input as JSON and prints the status and the version of TLS, or why there is none.
const CLIENT: &str = r#"
import http.client, ssl, sys
port, ca, cert, key, newest = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
if cert:
    context.load_cert_chain(cert, key)
if newest == "1.2":
    context.maximum_version = ssl.TLSVersion.TLSv1_2
try:
    connection = http.client.HTTPSConnection("localhost", int(port), context=context, timeout=60)
    connection.request("POST", "/v1/traces", sys.stdin.buffer.read(), {"content-type": "application/json"})
    print(connection.getresponse().status, end=" ")
except (OSError, http.client.HTTPException) as error:
    print("failed", error)
    sys.exit()
print(connection.sock.version() if connection.sock else "")
"#;

struct Client<'a> {
    port: String,
    ca: &'a str,
}

impl Client<'_> {
    fn post(&self, body: &str, identity: (&str, &str), newest: &str) -> Result<String> {
        use std::io::Write;
        let mut python = Command::new("python3");
        python.args(["-c", CLIENT, &self.port, self.ca, identity.0, identity.1, newest]);
        python.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
        let mut child = python.spawn().context("python3 is needed")?;
        child.stdin.take().context("a pipe")?.write_all(body.as_bytes())?;
        let output = child.wait_with_output()?;
        if !output.status.success() {
            bail!("python3 ended with {}", output.status);
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }
}

#[test]
fn openssl_is_served_with_the_right_certificate_and_version_only() -> Result<()> {
    let authority = Authority::new();
    let (ca, own) = (authority.ca_file(), authority.signed("agent", "agent"));
    let tls = server_tls(&authority.signed("gateway", "localhost"), &ca);
    let known = (own.cert_file.as_str(), own.key_file.as_str());

    let mut both = gateway(&format!("{{http: {{endpoint: 'localhost:0', tls: {tls}}}}}"))?;
    let port = |address: String| address.rsplit_once(':').map(|(_, port)| port.to_owned()).unwrap_or_default();
    let client = Client { port: port(both.otlp_http()?), ca: &ca };
    assert_eq!(client.post(&span("new"), known, "")?, "200 TLSv1.3");
    assert_eq!(client.post(&span("old"), known, "1.2")?, "200 TLSv1.2");
    let unknown = client.post(&span("unknown"), ("", ""), "")?;
    assert!(unknown.starts_with("failed"), "a client without a certificate was served: {unknown}");
    wait_for(&both, "new", 1)?;
    wait_for(&both, "old", 1)?;
    wait_for(&both, "unknown", 0)?;
    finish(both)?;

    let modern = tls.replace('}', ", min_version: '1.3'}");
    let mut modern = gateway(&format!("{{http: {{endpoint: 'localhost:0', tls: {modern}}}}}"))?;
    let client = Client { port: port(modern.otlp_http()?), ca: &ca };
    let refused = client.post(&span("old"), known, "1.2")?;
    assert!(refused.starts_with("failed") && refused.to_lowercase().contains("version"), "{refused}");
    assert_eq!(client.post(&span("new"), known, "")?, "200 TLSv1.3");
    finish(modern)
}

/// A server that prints its port, then takes one POST a connection and prints its path and the client's common name.
const SERVER: &str = r#"
import http.server, ssl, sys
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        self.rfile.read(int(self.headers["content-length"]))
        names = self.connection.getpeercert()["subjectAltName"]
        print(self.path, names[0][1], self.connection.version(), flush=True)
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()
    def log_message(self, *arguments):
        pass
cert, key, ca = sys.argv[1:]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=ca)
context.load_cert_chain(cert, key)
context.verify_mode = ssl.CERT_REQUIRED
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
print(server.server_address[1], flush=True)
server.serve_forever()
"#;

#[test]
fn a_server_of_openssl_is_sent_to_with_a_certificate() -> Result<()> {
    use std::io::{BufRead, BufReader};
    let authority = Authority::new();
    let (ca, own, there) = (authority.ca_file(), authority.signed("agent", "agent"), authority.signed("server", "localhost"));
    let mut python = Command::new("python3");
    python.args(["-c", SERVER, &there.cert_file, &there.key_file, &ca]).stdout(std::process::Stdio::piped());
    let mut server = python.spawn().context("python3 is needed")?;
    let mut lines = BufReader::new(server.stdout.take().context("a pipe")?).lines();
    let port = lines.next().context("a port")??;
    let settings = format!("{{endpoint: 'https://localhost:{port}', tls: {}}}", crate::client_tls(&own, &ca));
    let mut agent = crate::agent(&[("otlp_http", settings)])?;
    crate::post(&agent.otlp_http()?, &span("sent"))?;
    let seen = lines.next().context("a request")??;
    let ended = finish(agent);
    server.kill()?;
    server.wait()?;
    assert_eq!(seen, "/v1/traces agent TLSv1.3");
    assert!(BINARY.contains("chaperone"));
    ended
}
