//! Unary gRPC calls whose messages stay bytes: the message is read here, statuses and their headers are tonic's.
//!
//! Reading the message needs no more than its prefix: it tells the length before the first byte, so that what is over
//! the limit is refused (tonic's own answer is OUT_OF_RANGE, which clients repeat), the rest is charged and gets a
//! buffer of its size, and every frame is copied once, while it is near the core. What is compressed is decompressed by
//! `compression`, where every block is charged.

use crate::buffers::Filling;
use crate::collect::{Pace, Progress};
use crate::compression::{BodyEncoding, decompress_off_thread};
use crate::{Body, BoxError, Meter, ReceiveError, WireOutcome};
use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::{Code, Status};

/// One request message, decompressed, with what was charged for it.
pub struct Message<M> {
    /// The serialized message.
    pub body: Bytes,
    /// Headers of the call.
    pub headers: HeaderMap,
    /// What was charged; ends when it is dropped.
    pub meter: M,
}

/// What calls are held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MessageLimits {
    /// Largest message, before and after decompression.
    pub max_bytes: usize,
    /// Slowest sender that is waited for.
    pub pace: Pace,
}

/// The answer to a call of something that is not served.
pub fn unimplemented(message: String) -> Response<Body> {
    refusal(WireOutcome::new(Code::Unimplemented, message))
}

/// The answer to a call that is refused before its message is read.
pub fn refusal(outcome: WireOutcome) -> Response<Body> {
    into_body(outcome.into_tonic().into_http::<tonic::body::Body>())
}

/// Serves one unary call: `handler` gets the message and gives the serialized answer; `failed` is told of a message
/// that could not be received.
pub async fn unary<M, F, Fut>(
    request: Request<Incoming>,
    limits: MessageLimits,
    mut meter: M,
    failed: impl Fn(&ReceiveError) + Send + Sync + 'static,
    handler: F,
) -> Response<Body>
where
    M: Meter + 'static,
    F: FnOnce(Message<M>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Bytes, Status>> + Send + 'static,
{
    let (mut parts, body) = request.into_parts();
    let announced = parts.headers.remove("grpc-encoding");
    let Some(encoding) = BodyEncoding::from_grpc_header(announced.as_ref()) else {
        let name = String::from_utf8_lossy(announced.as_ref().map_or(b"", |value| value.as_bytes())).into_owned();
        return unimplemented(format!("grpc: Decompressor is not installed for grpc-encoding \"{name}\""));
    };
    let (message, compressed) = match receive(body, encoding, limits, &mut meter).await {
        Ok(received) => received,
        Err(fault) => return refusal(fault.tell(&failed)),
    };
    let encoding = if compressed { encoding } else { BodyEncoding::Identity };
    let (body, meter) = match decompress_off_thread(message, encoding, limits.max_bytes, meter).await {
        Ok(decompressed) => decompressed,
        Err(error) => return refusal(after_decompression(error).tell(&failed)),
    };
    match handler(Message { body, headers: parts.headers, meter }).await {
        Ok(answer) => answered(&answer),
        Err(status) => into_body(status.into_http()),
    }
}

fn into_body(response: Response<tonic::body::Body>) -> Response<Body> {
    response.map(|body| body.map_err(BoxError::from).boxed_unsync())
}

/// One message, then the status in the trailers.
fn answered(message: &Bytes) -> Response<Body> {
    let mut framed = BytesMut::with_capacity(PREFIX + message.len());
    framed.put_u8(0);
    framed.put_u32(u32::try_from(message.len()).expect("invariant: answers are small"));
    framed.put_slice(message);
    let trailers = HeaderMap::from_iter([(HeaderName::from_static("grpc-status"), HeaderValue::from_static("0"))]);
    let body = Full::new(framed.freeze()).with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(body.map_err(|never| match never {}).boxed_unsync());
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

/// Why a message was not received.
struct Fault {
    outcome: WireOutcome,
    /// Told to whoever counts; faults of the protocol are not counted.
    error: Option<ReceiveError>,
}

impl Fault {
    fn protocol(code: Code, message: impl Into<String>) -> Fault {
        Fault { outcome: WireOutcome::new(code, message), error: None }
    }

    fn tell(self, failed: &impl Fn(&ReceiveError)) -> WireOutcome {
        if let Some(error) = &self.error {
            failed(error);
        }
        self.outcome
    }
}

impl From<ReceiveError> for Fault {
    fn from(error: ReceiveError) -> Fault {
        Fault { outcome: WireOutcome::of_grpc_message(&error), error: Some(error) }
    }
}

fn after_decompression(error: ReceiveError) -> Fault {
    let too_large = match &error {
        ReceiveError::TooLarge { limit } => Some(format!("grpc: received message after decompression larger than max {limit}")),
        _ => None,
    };
    let mut fault = Fault::from(error);
    if let Some(message) = too_large {
        fault.outcome.message = message;
    }
    fault
}

/// One byte of flag, four of length.
const PREFIX: usize = 5;

/// Reads the one message of a call, to the end of the stream; tells whether it is compressed.
async fn receive<M: Meter>(
    mut body: Incoming,
    encoding: BodyEncoding,
    limits: MessageLimits,
    meter: &mut M,
) -> Result<(Bytes, bool), Fault> {
    let mut progress = Progress::new(limits.pace);
    let mut prefix = [0; PREFIX];
    let mut prefixed = 0;
    let mut begun: Option<Begun> = None;
    while let Some(frame) = progress.next(&mut body).await? {
        let Ok(mut data) = frame.into_data() else { continue };
        let message = match &mut begun {
            Some(message) => message,
            None => {
                let (_, free) = prefix.split_at_mut(prefixed);
                let take = free.len().min(data.len());
                let (target, _) = free.split_at_mut(take);
                data.copy_to_slice(target);
                prefixed += take;
                if prefixed < PREFIX {
                    continue;
                }
                begun.insert(open(&prefix, encoding, limits, meter)?)
            }
        };
        if data.len() > message.length - message.filling.len() {
            return Err(Fault::protocol(Code::Unimplemented, "a unary call has one request message"));
        }
        message.filling.put(&data);
    }
    match begun {
        Some(message) if message.filling.len() == message.length => Ok((message.filling.finish(), message.compressed)),
        Some(_) => Err(Fault::protocol(Code::Internal, "grpc: the request message is cut short")),
        None => Err(Fault::protocol(Code::Internal, "grpc: the request message is missing")),
    }
}

/// A message whose prefix was read.
struct Begun {
    length: usize,
    compressed: bool,
    filling: Filling,
}

/// Checks the prefix, charges the message and makes room for it.
fn open<M: Meter>(mut prefix: &[u8], encoding: BodyEncoding, limits: MessageLimits, meter: &mut M) -> Result<Begun, Fault> {
    let flag = prefix.get_u8();
    let length = prefix.get_u32() as usize;
    let compressed = match flag {
        0 => false,
        1 if encoding != BodyEncoding::Identity => true,
        1 => return Err(Fault::protocol(Code::Internal, "grpc: compressed flag set with identity or empty encoding")),
        _ => return Err(Fault::protocol(Code::Internal, format!("grpc: received unexpected payload format {flag}"))),
    };
    if length > limits.max_bytes {
        let mut fault = Fault::from(ReceiveError::TooLarge { limit: limits.max_bytes });
        fault.outcome.message = format!("grpc: received message larger than max ({length} vs. {})", limits.max_bytes);
        return Err(fault);
    }
    if !meter.grow(length) {
        return Err(ReceiveError::OverBudget.into());
    }
    Ok(Begun { length, compressed, filling: Filling::of(length) })
}

/// Gives messages on as they are.
#[derive(Debug, Clone, Copy)]
pub struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = RawCodec;
    type Decoder = RawCodec;

    fn encoder(&mut self) -> RawCodec {
        RawCodec
    }

    fn decoder(&mut self) -> RawCodec {
        RawCodec
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, message: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(message.copy_to_bytes(message.remaining())))
    }
}
