//! OTLP/HTTP: the checks in the order that clients know, and the way of a body into the pipelines.
//!
//! Preflight, content encoding, path, method, content type, body: whatever fails first is answered, and nothing after it
//! is looked at. A path that is not served costs nothing: its body is not read.

mod answers;
mod cors;
mod encodings;
mod media_type;
mod routes;

use super::config::Http;
use super::intake::{Arrived, Intake};
use answers::{error, not_found, plain, redirect, success};
use bytes::Bytes;
use chaperone_net::client::parse_headers;
use chaperone_net::compression::decompress_off_thread;
use chaperone_net::{Body, BodyEncoding, Handler, Pace, Peer, ReceiveError, WireOutcome, collect, discard};
use chaperone_pipeline::BoxFuture;
use chaperone_pipeline::entrance::Charge;
use cors::Policy;
use encodings::Encodings;
use http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, EXPECT, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Method, Request, Response, StatusCode, Version};
use hyper::body::Incoming;
pub(super) use routes::Routes;
use routes::Way;
use std::sync::Arc;
use std::time::Duration;
use tonic::Code;

pub(super) struct HttpHandler {
    intake: Intake,
    routes: Routes,
    encodings: Encodings,
    cors: Option<Policy>,
    response_headers: HeaderMap,
    keeps_alive: bool,
    /// From a request's headers to the end of its body.
    read_timeout: Option<Duration>,
    max_bytes: usize,
}

impl HttpHandler {
    pub(super) fn new(intake: Intake, settings: &Http) -> HttpHandler {
        let served = settings.paths().into_iter().filter(|(signal, ..)| intake.serves(*signal));
        HttpHandler {
            routes: Routes::new(served.map(|(signal, _, path)| (path, signal))),
            encodings: Encodings::new(settings.compression_algorithms.as_deref()),
            cors: settings.cors.get().and_then(Policy::new),
            response_headers: parse_headers(settings.response_headers.iter()).unwrap_or_default(),
            keeps_alive: settings.keep_alives_enabled,
            read_timeout: Some(settings.read_timeout.get()).filter(|timeout| !timeout.is_zero()),
            max_bytes: settings.max_bytes(),
            intake,
        }
    }

    /// The answer with what every answer carries.
    async fn dressed(&self, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let (parts, mut body) = request.into_parts();
        let mut response = match &self.cors {
            None => self.answer(&parts, &mut body, peer).await,
            Some(cors) if cors::is_preflight(&parts.method, &parts.headers) => cors.preflight(&parts.headers),
            Some(cors) => {
                let mut response = self.answer(&parts, &mut body, peer).await;
                response.headers_mut().extend(cors.marks(&parts.method, &parts.headers));
                response
            }
        };
        // Who waits to be told to go on has not sent a body; over HTTP/2 nobody is reset.
        let is_sending = parts.version <= Version::HTTP_11 && !parts.headers.contains_key(EXPECT);
        if is_sending && response.status() != StatusCode::OK {
            discard(body, self.max_bytes.saturating_mul(2)).await;
        }
        let headers = response.headers_mut();
        for (name, value) in &self.response_headers {
            headers.entry(name).or_insert_with(|| value.clone());
        }
        if !self.keeps_alive && parts.version <= Version::HTTP_11 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    async fn answer(&self, parts: &Parts, body: &mut Incoming, peer: Peer) -> Response<Body> {
        let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| media_type::encoding(value.to_str().ok()?));
        let packed = match self.encodings.of(parts.headers.get(CONTENT_ENCODING)) {
            Ok(packed) => packed,
            Err(name) => {
                let message = format!("unsupported Content-Encoding: {name}");
                return error(content_type, &WireOutcome::new(Code::InvalidArgument, message));
            }
        };
        let signal = match self.routes.way(&parts.uri) {
            Way::To(signal) => signal,
            Way::Elsewhere(location) => return redirect(&location),
            Way::Nowhere => return not_found(),
        };
        if parts.method != Method::POST {
            return plain(StatusCode::METHOD_NOT_ALLOWED, "405 method not allowed, supported: [POST]");
        }
        let Some(encoding) = content_type else {
            let message = "415 unsupported media type, supported: [application/json, application/x-protobuf]";
            return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, message);
        };
        let taken = match self.receive(body, packed).await {
            Ok((body, charge)) => {
                let (headers, authority) = (&parts.headers, parts.uri.authority());
                self.intake.submit(Arrived { signal, encoding, body, charge, headers, authority, peer }).await
            }
            Err(failed) => {
                self.intake.count(&failed);
                Err(WireOutcome::of_http_body(&failed))
            }
        };
        match taken {
            Ok(()) => success(encoding),
            Err(outcome) => error(content_type, &outcome),
        }
    }

    /// The body in one piece, without its encoding.
    async fn receive(&self, body: &mut Incoming, packed: BodyEncoding) -> Result<(Bytes, Charge), ReceiveError> {
        let mut charge = self.intake.charge()?;
        let arriving = collect(body, self.max_bytes, &mut charge, Pace::SLOWEST);
        let body = match self.read_timeout {
            None => arriving.await?,
            Some(timeout) => tokio::time::timeout(timeout, arriving).await.unwrap_or(Err(ReceiveError::TooSlow))?,
        };
        decompress_off_thread(body, packed, self.max_bytes, charge).await
    }
}

impl Handler for HttpHandler {
    fn handle(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move { self.dressed(request, peer).await })
    }
}
