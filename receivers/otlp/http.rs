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
use chaperone_net::{Body, BodyEncoding, Handler, Pace, Peer, ReceiveError, WireOutcome, collect};
use chaperone_pipeline::entrance::Charge;
use chaperone_pipeline::{BoxFuture, Encoding};
use chaperone_proto::Signal;
use cors::Policy;
use encodings::Encodings;
use http::header::{CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderValue};
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
        let version = request.version();
        let mut response = match &self.cors {
            None => self.answer(request, peer).await,
            Some(cors) if cors::is_preflight(request.method(), request.headers()) => cors.preflight(request.headers()),
            Some(cors) => {
                let marks = cors.marks(request.method(), request.headers());
                let mut response = self.answer(request, peer).await;
                response.headers_mut().extend(marks);
                response
            }
        };
        let headers = response.headers_mut();
        for (name, value) in &self.response_headers {
            headers.entry(name).or_insert_with(|| value.clone());
        }
        if !self.keeps_alive && version <= Version::HTTP_11 {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }

    async fn answer(&self, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let (parts, body) = request.into_parts();
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
        match self.take(signal, encoding, packed, body, parts.headers, peer).await {
            Ok(()) => success(encoding),
            Err(outcome) => error(content_type, &outcome),
        }
    }

    async fn take(
        &self,
        signal: Signal,
        encoding: Encoding,
        packed: BodyEncoding,
        body: Incoming,
        headers: HeaderMap,
        peer: Peer,
    ) -> Result<(), WireOutcome> {
        let turned_away = |error: ReceiveError| {
            self.intake.count(&error);
            WireOutcome::of_http_body(&error)
        };
        let mut charge = self.intake.charge().ok_or_else(|| WireOutcome::of_http_body(&ReceiveError::OverBudget))?;
        let body = self.collect(body, &mut charge).await.map_err(turned_away)?;
        let decompressed = decompress_off_thread(body, packed, self.max_bytes, charge).await;
        let (body, charge) = decompressed.map_err(turned_away)?;
        self.intake.submit(Arrived { signal, encoding, body, charge, headers, peer }).await
    }
}

impl HttpHandler {
    async fn collect(&self, body: Incoming, charge: &mut Charge) -> Result<Bytes, ReceiveError> {
        let arriving = collect(body, self.max_bytes, charge, Pace::SLOWEST);
        match self.read_timeout {
            None => arriving.await,
            Some(timeout) => tokio::time::timeout(timeout, arriving).await.unwrap_or(Err(ReceiveError::TooSlow)),
        }
    }
}

impl Handler for HttpHandler {
    fn handle(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move { self.dressed(request, peer).await })
    }
}
