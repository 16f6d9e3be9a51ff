//! OTLP/gRPC: which service a path names, and the empty answer.

use super::config::Grpc;
use super::intake::{Arrived, Intake};
use bytes::Bytes;
use chaperone_net::grpc::{Message, MessageLimits, unary, unimplemented};
use chaperone_net::{Body, Handler, Pace, Peer, WireOutcome, body};
use chaperone_pipeline::{BoxFuture, Encoding};
use chaperone_proto::Signal;
use http::header::CONTENT_TYPE;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use std::sync::Arc;

/// The methods that there are, as paths.
pub(super) const METHODS: [&str; 3] = [
    "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
    "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
    "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
];

pub(super) struct GrpcHandler {
    // Shared with the calls in flight.
    intake: Arc<Intake>,
    limits: MessageLimits,
}

impl GrpcHandler {
    pub(super) fn new(intake: Intake, settings: &Grpc) -> GrpcHandler {
        let limits = MessageLimits { max_bytes: settings.max_bytes(), pace: Pace::SLOWEST };
        GrpcHandler { intake: Arc::new(intake), limits }
    }

    async fn answer(&self, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        let content_type = request.headers().get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
        if !content_type.starts_with(b"application/grpc") {
            let mut response = Response::new(body::empty());
            *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return response;
        }
        let signal = match self.route(request.uri().path()) {
            Ok(signal) => signal,
            Err(message) => return unimplemented(message),
        };
        let charge = match self.intake.charge() {
            Ok(charge) => charge,
            Err(failed) => {
                self.intake.count(&failed);
                return chaperone_net::grpc::refusal(WireOutcome::of_grpc_message(&failed));
            }
        };
        let authority = request.uri().authority().cloned();
        let (intake, counting) = (Arc::clone(&self.intake), Arc::clone(&self.intake));
        let call = move |message: Message<_>| async move {
            let Message { body, headers, meter: charge } = message;
            let (headers, authority) = (&headers, authority.as_ref());
            let arrived = Arrived { signal, encoding: Encoding::Protobuf, body, charge, headers, authority, peer };
            // The answer is a message without fields: nothing was rejected.
            intake.submit(arrived).await.map(|()| Bytes::new()).map_err(WireOutcome::into_tonic)
        };
        unary(request, self.limits, charge, move |error| counting.count(error), call).await
    }

    fn route(&self, path: &str) -> Result<Signal, String> {
        let Some((service, method)) = path.trim_start_matches('/').rsplit_once('/') else {
            return Err(format!("malformed method name: \"{path}\""));
        };
        let signal = match service {
            "opentelemetry.proto.collector.trace.v1.TraceService" => Signal::Traces,
            "opentelemetry.proto.collector.metrics.v1.MetricsService" => Signal::Metrics,
            "opentelemetry.proto.collector.logs.v1.LogsService" => Signal::Logs,
            _ => return Err(format!("unknown service {service}")),
        };
        if !self.intake.serves(signal) {
            return Err(format!("unknown service {service}"));
        }
        if method != "Export" {
            return Err(format!("unknown method {method} for service {service}"));
        }
        Ok(signal)
    }
}

impl Handler for GrpcHandler {
    fn handle(self: Arc<Self>, request: Request<Incoming>, peer: Peer) -> BoxFuture<'static, Response<Body>> {
        Box::pin(async move { self.answer(request, peer).await })
    }
}
