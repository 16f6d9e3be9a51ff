//! Real handshakes on loopback between our client and our server, with certificates made for the test.

use super::authority::{Authority, GOOD};
use super::*;
use crate::stream::{Socket, Stream};
use chaperone_config::{ClientTls, Duration as Interval, Secret, ServerTls};
use rcgen::{BasicConstraints, CertificateParams, IsCa, KeyPair};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};

/// What became of a handshake on both sides: the protocol agreed on, or why there is no connection.
struct Handshake {
    client: Result<String, String>,
    server: Result<String, String>,
}

impl Handshake {
    fn refused_by_client(&self) -> &str {
        self.client.as_ref().expect_err("the client takes the server")
    }
    fn refused_by_server(&self) -> &str {
        self.server.as_ref().expect_err("the server takes the client")
    }
    fn is_good(&self) -> bool {
        self.client.is_ok() && self.server.is_ok()
    }
}

/// Shakes hands with `host` and says a word each way, so that a refusal after the handshake is seen too.
async fn shake(server: &TlsServer, client: &TlsClient, host: &str) -> Handshake {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let there = Socket::Tcp(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap());
    let here = Socket::Tcp(listener.accept().await.unwrap().0);
    shake_over(server, client, host, here, there).await
}

async fn shake_over(server: &TlsServer, client: &TlsClient, host: &str, here: Socket, there: Socket) -> Handshake {
    let serving = async {
        let stream = server.accept(here).await.map_err(|(error, _)| error.to_string())?;
        talk(stream).await
    };
    let calling = async {
        let stream = client.connect(there, host).await.map_err(|error| error.to_string())?;
        talk(stream).await
    };
    let (server, client) = tokio::join!(serving, calling);
    Handshake { client, server }
}

async fn talk(mut stream: Stream) -> Result<String, String> {
    let protocol = match &stream {
        Stream::Tls(stream) => {
            let (_, connection) = stream.get_ref();
            let agreed = connection.alpn_protocol().map_or(String::new(), |name| String::from_utf8_lossy(name).into_owned());
            format!("{:?} {agreed}", connection.protocol_version().unwrap())
        }
        Stream::Plain(_) => "clear text".to_owned(),
    };
    let said = async {
        stream.write_all(b"word").await?;
        stream.flush().await?;
        stream.read_exact(&mut [0; 4]).await
    };
    said.await.map(|_| protocol).map_err(|error| error.to_string())
}

fn both(server: ServerTls, client: ClientTls) -> (TlsServer, TlsClient) {
    (TlsServer::load(server, HTTP).unwrap(), TlsClient::new(client, HTTP))
}

#[tokio::test]
async fn a_server_that_the_authority_vouches_for_is_taken_and_http_2_agreed_on() {
    let authority = Authority::new();
    let (server, client) = both(authority.server("localhost"), authority.client());
    let shaken = shake(&server, &client, "localhost").await;
    assert_eq!(shaken.client.as_deref(), Ok("TLSv1_3 h2"));
    assert_eq!(shaken.server.as_deref(), Ok("TLSv1_3 h2"));
    let old = TlsClient::new(authority.client(), HTTP1);
    assert_eq!(shake(&server, &old, "localhost").await.client.as_deref(), Ok("TLSv1_3 http/1.1"));
}

#[tokio::test]
async fn an_address_is_a_name_too() {
    let authority = Authority::new();
    let (server, client) = both(authority.server("127.0.0.1"), authority.client());
    assert!(shake(&server, &client, "127.0.0.1").await.is_good());
    let (server, client) = both(authority.server("::1"), authority.client());
    assert!(shake(&server, &client, "[::1]").await.is_good());
}

#[tokio::test]
async fn a_stranger_an_expired_server_and_one_of_another_name_are_refused() {
    let (authority, other) = (Authority::new(), Authority::new());
    let (server, client) = both(authority.server("localhost"), other.client());
    assert!(shake(&server, &client, "localhost").await.refused_by_client().contains("UnknownIssuer"));

    let (cert_file, key_file) = authority.signed("old", "localhost", (2019, 2020));
    let (server, client) = both(ServerTls { cert_file, key_file, ..ServerTls::default() }, authority.client());
    let expired = shake(&server, &client, "localhost").await;
    assert!(expired.refused_by_client().contains("certificate expired"), "{:?}", expired.client);

    let (server, client) = both(authority.server("other.example"), authority.client());
    let named = shake(&server, &client, "localhost").await;
    assert!(named.refused_by_client().contains("not valid for name"), "{:?}", named.client);
    let known_as = ClientTls { server_name_override: "other.example".to_owned(), ..authority.client() };
    assert!(shake(&server, &TlsClient::new(known_as, HTTP), "localhost").await.is_good());
    let careless = ClientTls { insecure_skip_verify: true, ..ClientTls::default() };
    assert!(shake(&server, &TlsClient::new(careless, HTTP), "localhost").await.is_good());
}

#[tokio::test]
async fn the_systems_authorities_do_not_vouch_for_a_test() {
    let authority = Authority::new();
    let server = TlsServer::load(authority.server("localhost"), HTTP).unwrap();
    let shaken = shake(&server, &TlsClient::new(ClientTls::default(), HTTP), "localhost").await;
    // A machine without authorities cannot check anything, and says so.
    let why = shaken.refused_by_client();
    assert!(why.contains("UnknownIssuer") || why.contains("the system has no certificates"), "{why}");
    let more = ClientTls { include_system_ca_certs_pool: true, ..authority.client() };
    assert!(shake(&server, &TlsClient::new(more, HTTP), "localhost").await.is_good());
}

#[tokio::test]
async fn a_self_signed_certificate_is_trusted_by_name_even_as_an_authority() {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let own = |certificate: &str, key: &KeyPair| ServerTls {
        cert_pem: Secret::from(certificate),
        key_pem: Secret::from(key.serialize_pem()),
        ..ServerTls::default()
    };
    let trusting = ClientTls { ca_pem: Secret::from(certificate.as_str()), ..ClientTls::default() };
    let (server, client) = both(own(&certificate, &key), trusting.clone());
    assert!(shake(&server, &client, "localhost").await.is_good());
    let named = shake(&server, &client, "other.example").await;
    assert!(named.refused_by_client().contains("not valid for name"), "{:?}", named.client);
    // Another one for the same name is not the one that was named.
    let other = KeyPair::generate().unwrap();
    let impostor = params.self_signed(&other).unwrap().pem();
    let (server, client) = both(own(&impostor, &other), trusting);
    assert!(!shake(&server, &client, "localhost").await.is_good());
    // Nor is one that was good once.
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    params.not_before = rcgen::date_time_ymd(2019, 1, 1);
    let expired = params.self_signed(&key).unwrap().pem();
    let trusting = ClientTls { ca_pem: Secret::from(expired.as_str()), ..ClientTls::default() };
    let (server, client) = both(own(&expired, &key), trusting);
    let refused = shake(&server, &client, "localhost").await;
    assert!(refused.refused_by_client().contains("expired"), "{:?}", refused.client);
}

#[tokio::test]
async fn a_server_that_asks_for_certificates_takes_only_clients_of_its_authority() {
    let authority = Authority::new();
    let asking = ServerTls { client_ca_file: authority.ca_file(), ..authority.server("localhost") };
    let showing = |(cert_file, key_file): (String, String)| ClientTls { cert_file, key_file, ..authority.client() };
    let (server, client) = both(asking, showing(authority.signed("agent", "agent", GOOD)));
    assert!(shake(&server, &client, "localhost").await.is_good());

    let nobody = shake(&server, &TlsClient::new(authority.client(), HTTP), "localhost").await;
    assert!(nobody.refused_by_server().contains("peer sent no certificates"), "{:?}", nobody.server);
    let stranger = TlsClient::new(showing(Authority::new().signed("agent", "agent", GOOD)), HTTP);
    // The stranger's folder is gone with it: the files cannot be read.
    assert!(shake(&server, &stranger, "localhost").await.refused_by_client().contains("cannot read"));
    let other = Authority::new();
    let stranger = TlsClient::new(showing(other.signed("agent", "agent", GOOD)), HTTP);
    assert!(shake(&server, &stranger, "localhost").await.refused_by_server().contains("UnknownIssuer"));
    let expired = TlsClient::new(showing(authority.signed("old", "agent", (2019, 2020))), HTTP);
    assert!(shake(&server, &expired, "localhost").await.refused_by_server().contains("certificate expired"));
}

#[tokio::test]
async fn versions_are_obeyed_on_both_sides() {
    let authority = Authority::new();
    let old = ClientTls { max_version: "1.2".to_owned(), ..authority.client() };
    let (server, client) = both(authority.server("localhost"), old);
    assert_eq!(shake(&server, &client, "localhost").await.client.as_deref(), Ok("TLSv1_2 h2"));
    let modern = ServerTls { min_version: "1.3".to_owned(), ..authority.server("localhost") };
    let server = TlsServer::load(modern, HTTP).unwrap();
    let refused = shake(&server, &client, "localhost").await;
    assert!(refused.refused_by_server().contains("peer is incompatible"), "{:?}", refused.server);
    assert!(refused.refused_by_client().contains("ProtocolVersion"), "{:?}", refused.client);
}

#[tokio::test]
async fn a_suite_that_was_chosen_is_the_one_used() {
    let authority = Authority::new();
    let chosen = ClientTls {
        max_version: "1.2".to_owned(),
        cipher_suites: vec!["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384".to_owned()],
        ..authority.client()
    };
    let (server, client) = both(authority.server("localhost"), chosen.clone());
    assert!(shake(&server, &client, "localhost").await.is_good());
    // The certificate's key is for ECDSA: a suite for RSA cannot be agreed on.
    let wrong = ClientTls { cipher_suites: vec!["TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384".to_owned()], ..chosen };
    assert!(!shake(&server, &TlsClient::new(wrong, HTTP), "localhost").await.is_good());
}

#[tokio::test]
async fn a_certificate_that_was_rotated_is_picked_up_and_a_broken_one_is_not() {
    let authority = Authority::new();
    let often = Interval::from(Duration::from_nanos(1));
    let (server, client) = both(ServerTls { reload_interval: often, ..authority.server("before.example") }, authority.client());
    assert!(shake(&server, &client, "before.example").await.is_good());
    authority.signed("server", "after.example", GOOD);
    assert!(shake(&server, &client, "after.example").await.is_good());
    authority.file("server.key", "broken");
    assert!(shake(&server, &client, "after.example").await.is_good(), "a broken key took the server down");
}

#[tokio::test]
async fn without_an_interval_nothing_is_read_again() {
    let authority = Authority::new();
    let (server, client) = both(authority.server("before.example"), authority.client());
    authority.signed("server", "after.example", GOOD);
    assert!(shake(&server, &client, "before.example").await.is_good());
}

#[tokio::test]
async fn a_clients_rotated_certificate_is_picked_up() {
    let authority = Authority::new();
    let asking = ServerTls { client_ca_file: authority.ca_file(), ..authority.server("localhost") };
    let (cert_file, key_file) = authority.signed("agent", "agent", (2019, 2020));
    let reload_interval = Interval::from(Duration::from_nanos(1));
    let (server, client) = both(asking, ClientTls { cert_file, key_file, reload_interval, ..authority.client() });
    assert!(!shake(&server, &client, "localhost").await.is_good());
    authority.signed("agent", "agent", GOOD);
    assert!(shake(&server, &client, "localhost").await.is_good());
}

#[tokio::test(start_paused = true)]
async fn a_changed_file_of_client_authorities_is_picked_up() {
    let (before, after) = (Authority::new(), Authority::new());
    let watched = before.ca_file();
    let asking = ServerTls { client_ca_file: watched.clone(), client_ca_file_reload: true, ..before.server("localhost") };
    let agent = |authority: &Authority| {
        let (cert_file, key_file) = authority.signed("agent", "agent", GOOD);
        TlsClient::new(ClientTls { cert_file, key_file, ..before.client() }, HTTP)
    };
    let (old, new) = (agent(&before), agent(&after));
    old.load().unwrap();
    new.load().unwrap();
    let server = TlsServer::load(asking, HTTP).unwrap();
    assert!(shake(&server, &old, "localhost").await.is_good());
    // Files of the same length and time look the same; two authorities are more.
    std::fs::write(&watched, format!("{}{}", after.pem(), Authority::new().pem())).unwrap();
    tokio::time::advance(Duration::from_secs(2)).await;
    assert!(shake(&server, &new, "localhost").await.is_good());
    assert!(!shake(&server, &old, "localhost").await.is_good());
}

#[tokio::test]
async fn unix_sockets_are_secured_alike() {
    let authority = Authority::new();
    let (server, client) = both(authority.server("localhost"), authority.client());
    let (here, there) = UnixStream::pair().unwrap();
    assert!(shake_over(&server, &client, "localhost", Socket::Unix(here), Socket::Unix(there)).await.is_good());
}

#[test]
fn what_cannot_be_loaded_says_which_setting_and_why() {
    let authority = Authority::new();
    let good = authority.server("localhost");
    let missing = authority.missing();
    let text = authority.file("text.pem", "no certificate");
    let other = authority.signed("other", "localhost", GOOD).1;
    for (settings, expected) in [
        (ServerTls { cert_file: missing.clone(), ..good.clone() }, format!("cannot read `{missing}` of `cert_file`")),
        (ServerTls { cert_file: text.clone(), ..good.clone() }, "`cert_file` holds no certificate".to_owned()),
        (ServerTls { key_file: text.clone(), ..good.clone() }, "`key_file` holds no private key".to_owned()),
        (ServerTls { key_file: other, ..good.clone() }, "`cert_file` cannot be used".to_owned()),
        (ServerTls { client_ca_file: text, ..good.clone() }, "`client_ca_file` holds no certificate".to_owned()),
        (ServerTls { cipher_suites: vec!["X".to_owned()], ..good }, "invalid TLS cipher suite: \"X\"".to_owned()),
    ] {
        let error = TlsServer::load(settings, HTTP).unwrap_err().to_string();
        assert!(error.contains(&expected), "{error}");
    }
    let client = TlsClient::new(ClientTls { ca_file: missing.clone(), ..ClientTls::default() }, HTTP);
    let error = client.load().unwrap_err();
    assert_eq!(error.to_string(), format!("cannot read `{missing}` of `ca_file`"));
    assert!(std::error::Error::source(&error).unwrap().to_string().contains("No such file"), "{error:?}");
}
