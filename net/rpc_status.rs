//! `google.rpc.Status`, in protobuf and JSON: what OTLP error bodies and gRPC error details are made of.

use bytes::Bytes;
use prost::Message;
use std::time::Duration;

const RETRY_INFO: &str = "type.googleapis.com/google.rpc.RetryInfo";

/// An error as a peer reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RpcStatus {
    /// gRPC code.
    pub code: i32,
    /// What happened.
    pub message: String,
    /// The pause asked for.
    pub retry_after: Option<Duration>,
}

#[derive(Clone, PartialEq, Message)]
struct StatusMessage {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
    #[prost(message, repeated, tag = "3")]
    details: Vec<AnyMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct AnyMessage {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(bytes = "bytes", tag = "2")]
    value: Bytes,
}

#[derive(Clone, PartialEq, Message)]
struct RetryInfoMessage {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<DurationMessage>,
}

#[derive(Clone, PartialEq, Message)]
struct DurationMessage {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

impl RpcStatus {
    /// Protobuf.
    pub fn to_protobuf(&self) -> Bytes {
        let details = self.retry_after.map(|after| {
            let retry_delay = Some(DurationMessage { seconds: after.as_secs() as i64, nanos: after.subsec_nanos() as i32 });
            AnyMessage { type_url: RETRY_INFO.to_owned(), value: RetryInfoMessage { retry_delay }.encode_to_vec().into() }
        });
        let status = StatusMessage { code: self.code, message: self.message.clone(), details: details.into_iter().collect() };
        status.encode_to_vec().into()
    }

    /// JSON, as the protobuf mapping has it.
    pub fn to_json(&self) -> Bytes {
        let mut status = serde_json::json!({ "code": self.code, "message": self.message });
        if let Some(after) = self.retry_after {
            let delay = format!("{}s", after.as_secs_f64());
            let details = serde_json::json!([{ "@type": RETRY_INFO, "retryDelay": delay }]);
            status.as_object_mut().expect("invariant: made as an object above").insert("details".to_owned(), details);
        }
        status.to_string().into()
    }

    /// Reads protobuf; `None` when it is not a status.
    pub fn from_protobuf(body: &[u8]) -> Option<RpcStatus> {
        let status = StatusMessage::decode(body).ok()?;
        let retry_after = status.details.iter().find(|detail| detail.type_url == RETRY_INFO).and_then(|detail| {
            // Retry information without a delay says "at once".
            let delay = RetryInfoMessage::decode(detail.value.clone()).ok()?.retry_delay.unwrap_or_default();
            Some(Duration::new(u64::try_from(delay.seconds).ok()?, u32::try_from(delay.nanos).ok()?))
        });
        Some(RpcStatus { code: status.code, message: status.message, retry_after })
    }

    /// Reads JSON; `None` when it is not a status.
    pub fn from_json(body: &[u8]) -> Option<RpcStatus> {
        let status: serde_json::Value = serde_json::from_slice(body).ok()?;
        let code = status.get("code")?.as_i64().and_then(|code| i32::try_from(code).ok())?;
        let message = status.get("message").and_then(|message| message.as_str()).unwrap_or_default().to_owned();
        Some(RpcStatus { code, message, retry_after: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_with_a_pause_comes_back_from_protobuf() {
        let status = RpcStatus { code: 8, message: "busy".into(), retry_after: Some(Duration::from_millis(1500)) };
        assert_eq!(RpcStatus::from_protobuf(&status.to_protobuf()), Some(status));
    }

    #[test]
    fn retry_information_without_a_delay_is_a_pause_of_nothing() {
        let detail = AnyMessage { type_url: RETRY_INFO.to_owned(), value: Bytes::new() };
        let status = StatusMessage { code: 8, message: String::new(), details: vec![detail] };
        assert_eq!(RpcStatus::from_protobuf(&status.encode_to_vec()).unwrap().retry_after, Some(Duration::ZERO));
    }

    #[test]
    fn json_has_the_names_of_the_protobuf_mapping() {
        let status = RpcStatus { code: 14, message: "a \"b\"".into(), retry_after: Some(Duration::from_secs(2)) };
        let json: serde_json::Value = serde_json::from_slice(&status.to_json()).unwrap();
        assert_eq!(json["code"], 14);
        assert_eq!(json["message"], "a \"b\"");
        assert_eq!(json["details"][0]["retryDelay"], "2s");
    }

    #[test]
    fn a_status_without_a_pause_has_no_details() {
        let status = RpcStatus { code: 3, message: "bad".into(), retry_after: None };
        assert_eq!(&status.to_json()[..], br#"{"code":3,"message":"bad"}"#);
    }
}
