//! OTLP/HTTP: routes, checks in the order that clients know, and answers in the request's encoding.
//!
//! 404, 405 and 415 are plain text; every other error is a `google.rpc.Status`, in JSON if the request names no type.

use super::config::{Http, slashed};
use super::intake::{Arrived, Intake};
use bytes::Bytes;
use chaperone_net::compression::decompress_off_thread;
use chaperone_net::{Body, BodyEncoding, Handler, Pace, ReceiveError, WireOutcome, body, collect};
use chaperone_pipeline::{BoxFuture, Encoding};
use chaperone_proto::Signal;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use std::net::SocketAddr;
use std::sync::Arc;
use tonic::Code;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

pub(super) struct HttpHandler {
    intake: Intake,
    routes: [(String, Signal); 3],
    max_bytes: usize,
}

impl HttpHandler {
    pub(super) fn new(intake: Intake, settings: &Http) -> HttpHandler {
        let routes = [
            (slashed(&settings.traces_url_path), Signal::Traces),
            (slashed(&settings.metrics_url_path), Signal::Metrics),
            (slashed(&settings.logs_url_path), Signal::Logs),
        ];
        HttpHandler { intake, routes, max_bytes: settings.max_bytes() }
    }

    async fn answer(&self, request: Request<Incoming>, peer: SocketAddr) -> Response<Body> {
        let (parts, body) = request.into_parts();
        let content_type = content_type(&parts.headers);
        let Some(packed) = BodyEncoding::from_header(parts.headers.get(CONTENT_ENCODING)) else {
            let name = String::from_utf8_lossy(parts.headers.get(CONTENT_ENCODING).map_or(b"", HeaderValue::as_bytes));
            let message = format!("unsupported Content-Encoding: {name}");
            return error(content_type, &WireOutcome::new(Code::InvalidArgument, message));
        };
        let route = self.routes.iter().find(|(path, _)| path == parts.uri.path());
        let Some(signal) = route.map(|(_, signal)| *signal).filter(|signal| self.intake.serves(*signal)) else {
            return not_found();
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
        peer: SocketAddr,
    ) -> Result<(), WireOutcome> {
        let turned_away = |error: ReceiveError| {
            self.intake.count(&error);
            WireOutcome::of_http_body(&error)
        };
        let mut charge = self.intake.charge().ok_or_else(|| WireOutcome::of_http_body(&ReceiveError::OverBudget))?;
        let body = collect(body, self.max_bytes, &mut charge, Pace::SLOWEST).await.map_err(turned_away)?;
        let decompressed = decompress_off_thread(body, packed, self.max_bytes, charge).await;
        let (body, charge) = decompressed.map_err(turned_away)?;
        self.intake.submit(Arrived { signal, encoding, body, charge, headers, peer }).await
    }
}

impl Handler for HttpHandler {
    fn handle(self: Arc<Self>, request: Request<Incoming>, peer: SocketAddr) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move { self.answer(request, peer).await })
    }
}

/// The encoding that the request names; case does not matter, parameters are skipped if they are well formed.
fn content_type(headers: &HeaderMap) -> Option<Encoding> {
    let text = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let mut parts = text.split(';').map(str::trim);
    let media_type = parts.next()?;
    let well_formed = |parameter: &str| parameter.split_once('=').is_some_and(|(name, _)| !name.trim().is_empty());
    if !parts.filter(|parameter| !parameter.is_empty()).all(well_formed) {
        return None;
    }
    if media_type.eq_ignore_ascii_case(PROTOBUF) {
        Some(Encoding::Protobuf)
    } else if media_type.eq_ignore_ascii_case(JSON) {
        Some(Encoding::Json)
    } else {
        None
    }
}

fn name_of(encoding: Encoding) -> HeaderValue {
    HeaderValue::from_static(match encoding {
        Encoding::Protobuf => PROTOBUF,
        Encoding::Json => JSON,
    })
}

fn with_body(status: StatusCode, content_type: HeaderValue, content: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(body::full(content));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// An `Export...ServiceResponse` without partial success: everything was taken.
fn success(encoding: Encoding) -> Response<Body> {
    let content = match encoding {
        Encoding::Protobuf => "",
        Encoding::Json => "{}",
    };
    with_body(StatusCode::OK, name_of(encoding), content)
}

fn error(encoding: Option<Encoding>, outcome: &WireOutcome) -> Response<Body> {
    let encoding = encoding.unwrap_or(Encoding::Json);
    let content = match encoding {
        Encoding::Protobuf => outcome.rpc().to_protobuf(),
        Encoding::Json => outcome.rpc().to_json(),
    };
    let mut response = with_body(outcome.http_status(), name_of(encoding), content);
    if let Some(seconds) = outcome.http_retry_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn plain(status: StatusCode, message: &'static str) -> Response<Body> {
    with_body(status, HeaderValue::from_static("text/plain"), message)
}

fn not_found() -> Response<Body> {
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    let mut response = with_body(StatusCode::NOT_FOUND, content_type, "404 page not found\n");
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
