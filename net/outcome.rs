//! What became of a request, as HTTP status and gRPC code: the one table both transports use.

use crate::{ReceiveError, RpcStatus};
use chaperone_pipeline::Refused;
use http::StatusCode;
use std::time::Duration;
use tonic::Code;

/// An error on its way to a client of either transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WireOutcome {
    /// gRPC code.
    pub code: Code,
    /// For the client.
    pub message: String,
    /// The pause asked for.
    pub retry_after: Option<Duration>,
}

/// Pause that is suggested when bytes being received are over the budget: bodies come and go quickly.
const BUDGET_PAUSE: Duration = Duration::from_secs(1);

impl WireOutcome {
    /// Without a pause.
    pub fn new(code: Code, message: impl Into<String>) -> WireOutcome {
        WireOutcome { code, message: message.into(), retry_after: None }
    }

    /// The HTTP status that OTLP gives this gRPC code.
    pub fn http_status(&self) -> StatusCode {
        match self.code {
            Code::Cancelled | Code::DeadlineExceeded | Code::Aborted | Code::OutOfRange | Code::Unavailable | Code::DataLoss => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
            Code::InvalidArgument => StatusCode::BAD_REQUEST,
            Code::Unauthenticated => StatusCode::UNAUTHORIZED,
            Code::PermissionDenied => StatusCode::FORBIDDEN,
            Code::Unimplemented => StatusCode::NOT_FOUND,
            Code::Ok => StatusCode::OK,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Value of `Retry-After`, on the two statuses that have it: whole seconds, rounded up, so that nobody comes early.
    pub fn http_retry_after(&self) -> Option<u64> {
        let status = self.http_status();
        let carries = status == StatusCode::SERVICE_UNAVAILABLE || status == StatusCode::TOO_MANY_REQUESTS;
        self.retry_after.filter(|_| carries).map(|after| after.as_secs() + u64::from(after.subsec_nanos() > 0))
    }

    /// As `google.rpc.Status`.
    pub fn rpc(&self) -> RpcStatus {
        RpcStatus { code: self.code as i32, message: self.message.clone(), retry_after: self.retry_after }
    }

    /// As tonic's status; a pause travels in its details.
    pub fn into_tonic(self) -> tonic::Status {
        match self.retry_after {
            Some(_) => {
                let details = self.rpc().to_protobuf();
                tonic::Status::with_details(self.code, self.message, details)
            }
            None => tonic::Status::new(self.code, self.message),
        }
    }

    /// A body that was not received over HTTP. Too large is a bad request there.
    pub fn of_http_body(error: &ReceiveError) -> WireOutcome {
        match error {
            ReceiveError::TooLarge { .. } => WireOutcome::new(Code::InvalidArgument, "http: request body too large"),
            other => WireOutcome::of_body(other),
        }
    }

    /// A message that was not received over gRPC. Too large has no retry information: clients must not repeat it.
    pub fn of_grpc_message(error: &ReceiveError) -> WireOutcome {
        match error {
            ReceiveError::TooLarge { limit } => {
                WireOutcome::new(Code::ResourceExhausted, format!("grpc: received message larger than max {limit}"))
            }
            other => WireOutcome::of_body(other),
        }
    }

    fn of_body(error: &ReceiveError) -> WireOutcome {
        match error {
            ReceiveError::OverBudget => {
                WireOutcome { code: Code::ResourceExhausted, message: error.to_string(), retry_after: Some(BUDGET_PAUSE) }
            }
            ReceiveError::TooSlow | ReceiveError::Disconnected(_) => WireOutcome::new(Code::Unavailable, error.to_string()),
            ReceiveError::TooLarge { .. } | ReceiveError::Corrupt { .. } => {
                WireOutcome::new(Code::InvalidArgument, error.to_string())
            }
        }
    }
}

impl From<Refused> for WireOutcome {
    fn from(refused: Refused) -> WireOutcome {
        let text = refused.to_string();
        let (code, retry_after) = match refused {
            Refused::Malformed { .. } => (Code::InvalidArgument, None),
            Refused::NotServed { .. } => (Code::Unimplemented, None),
            // Clients repeat RESOURCE_EXHAUSTED only when they are told when: without a pause it must be UNAVAILABLE.
            Refused::Overloaded { after: Some(after), .. } => (Code::ResourceExhausted, Some(after)),
            Refused::Overloaded { after: None, .. } => (Code::Unavailable, None),
            Refused::Retryable { after, .. } => (Code::Unavailable, after),
            Refused::Permanent { .. } => (Code::Internal, None),
        };
        WireOutcome { code, message: text, retry_after }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(refused: Refused, status: u16, code: Code, retry_after: Option<u64>) {
        let outcome = WireOutcome::from(refused.clone());
        assert_eq!(outcome.http_status().as_u16(), status, "{refused:?}");
        assert_eq!(outcome.code, code, "{refused:?}");
        assert_eq!(outcome.http_retry_after(), retry_after, "{refused:?}");
    }

    #[test]
    fn every_refusal_has_its_status_and_code() {
        let message = || "why".to_owned();
        let soon = Some(Duration::from_millis(1200));
        check(Refused::Malformed { message: message() }, 400, Code::InvalidArgument, None);
        check(Refused::NotServed { signal: "logs" }, 404, Code::Unimplemented, None);
        check(Refused::Overloaded { message: message(), after: soon }, 429, Code::ResourceExhausted, Some(2));
        check(Refused::Overloaded { message: message(), after: None }, 503, Code::Unavailable, None);
        check(Refused::Retryable { message: message(), after: soon }, 503, Code::Unavailable, Some(2));
        check(Refused::Permanent { message: message() }, 500, Code::Internal, None);
    }

    #[test]
    fn over_the_budget_tells_when_to_come_back_and_too_large_does_not() {
        let busy = WireOutcome::of_grpc_message(&ReceiveError::OverBudget);
        assert_eq!((busy.code, busy.retry_after.is_some()), (Code::ResourceExhausted, true));
        assert!(!busy.into_tonic().details().is_empty());
        let large = WireOutcome::of_grpc_message(&ReceiveError::TooLarge { limit: 5 });
        assert_eq!((large.code, large.retry_after), (Code::ResourceExhausted, None));
        assert!(large.into_tonic().details().is_empty());
        assert_eq!(WireOutcome::of_http_body(&ReceiveError::TooLarge { limit: 5 }).http_status(), StatusCode::BAD_REQUEST);
    }
}
