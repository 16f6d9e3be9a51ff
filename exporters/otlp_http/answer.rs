//! What an OTLP/HTTP server's answer means: taken, taken in part, worth another try, or refused for good.

use chaperone_net::{HttpResponse, RpcStatus, retry_after};
use chaperone_pipeline::{ExportError, Exported};
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use prost::Message;

/// Judges the answer that `url` gave at `now_unix`.
pub(super) fn judge(url: &str, response: &HttpResponse, now_unix: u64) -> Result<Exported, ExportError> {
    let status = response.status;
    if status.is_success() {
        return taken(response);
    }
    let mut message = format!("error exporting items, request to {url} responded with HTTP Status Code {}", status.as_u16());
    if let Some(said) = status_message(response) {
        message.push_str(&format!(", Message={said}"));
    }
    let retryable =
        [StatusCode::TOO_MANY_REQUESTS, StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT];
    if !retryable.contains(&status) {
        return Err(ExportError::permanent(message));
    }
    // Only these two statuses define the header.
    let may_ask = status == StatusCode::TOO_MANY_REQUESTS || status == StatusCode::SERVICE_UNAVAILABLE;
    let asked = response.headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    let after = asked.filter(|_| may_ask).and_then(|value| retry_after::parse(value, now_unix));
    Err(ExportError::Retryable { message, after, source: None })
}

fn is(response: &HttpResponse, media_type: &str) -> bool {
    let content_type = response.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    content_type.split(';').next().is_some_and(|named| named.trim().eq_ignore_ascii_case(media_type))
}

fn status_message(response: &HttpResponse) -> Option<String> {
    let status = if is(response, "application/json") {
        RpcStatus::from_json(&response.body)
    } else if is(response, "application/x-protobuf") {
        RpcStatus::from_protobuf(&response.body)
    } else {
        None
    };
    status.map(|status| status.message).filter(|message| !message.is_empty())
}

/// Rejected items of a success. A body of another type (a proxy's page) says nothing; a protobuf body that is none is
/// an error, because then nobody knows what was taken.
fn taken(response: &HttpResponse) -> Result<Exported, ExportError> {
    let (rejected, said) = if is(response, "application/x-protobuf") {
        // The three signals' answers differ in names only, not on the wire.
        let answer = ExportTraceServiceResponse::decode(response.body.clone()).map_err(|error| ExportError::Permanent {
            message: format!("error parsing protobuf response: {error}"),
            source: Some(error.into()),
        })?;
        answer.partial_success.map(|partial| (partial.rejected_spans, partial.error_message)).unwrap_or_default()
    } else if is(response, "application/json") {
        json_partial_success(&response.body).unwrap_or_default()
    } else {
        (0, String::new())
    };
    let rejected = usize::try_from(rejected).unwrap_or(0);
    if rejected > 0 || !said.is_empty() {
        tracing::warn!(rejected, message = %said, "the destination took a request in part");
    }
    Ok(Exported { rejected, message: (!said.is_empty()).then_some(said) })
}

fn json_partial_success(body: &[u8]) -> Option<(i64, String)> {
    let answer: serde_json::Value = serde_json::from_slice(body).ok()?;
    let partial = answer.get("partialSuccess")?;
    let counts = ["rejectedSpans", "rejectedDataPoints", "rejectedLogRecords"];
    // 64-bit numbers are text in the protobuf mapping; some servers write numbers.
    let rejected = counts.iter().find_map(|key| partial.get(key)).and_then(|count| match count {
        serde_json::Value::String(text) => text.parse().ok(),
        other => other.as_i64(),
    });
    let said = partial.get("errorMessage").and_then(|said| said.as_str()).unwrap_or_default();
    Some((rejected.unwrap_or(0), said.to_owned()))
}
