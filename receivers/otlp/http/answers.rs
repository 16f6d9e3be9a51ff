//! What answers over HTTP look like.
//!
//! 404, 405 and 415 are plain text; every other error is a `google.rpc.Status` in the request's content type, and in JSON
//! if the request names none that is known.

use bytes::Bytes;
use chaperone_net::{Body, WireOutcome, body};
use chaperone_pipeline::Encoding;
use http::header::{CONTENT_TYPE, HeaderValue, LOCATION, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS};
use http::{Response, StatusCode};

pub(super) const PROTOBUF: &str = "application/x-protobuf";
pub(super) const JSON: &str = "application/json";

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
pub(super) fn success(encoding: Encoding) -> Response<Body> {
    let content = match encoding {
        Encoding::Protobuf => "",
        Encoding::Json => "{}",
    };
    with_body(StatusCode::OK, name_of(encoding), content)
}

pub(super) fn error(encoding: Option<Encoding>, outcome: &WireOutcome) -> Response<Body> {
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

pub(super) fn plain(status: StatusCode, message: &'static str) -> Response<Body> {
    with_body(status, HeaderValue::from_static("text/plain"), message)
}

pub(super) fn not_found() -> Response<Body> {
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    let mut response = with_body(StatusCode::NOT_FOUND, content_type, "404 page not found\n");
    response.headers_mut().insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// Sends the client on with its method and body.
pub(super) fn redirect(location: &str) -> Response<Body> {
    let Ok(location) = HeaderValue::from_str(location) else { return not_found() };
    let mut response = Response::new(body::empty());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    response.headers_mut().insert(LOCATION, location);
    response
}
