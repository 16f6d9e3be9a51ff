//! Unary gRPC calls whose messages stay bytes: tonic does framing, status and trailers; nothing is decoded here.
//!
//! A wrapper under tonic reads the prefix of the message: it knows the length before the first byte of it, refuses what
//! is over the limit (tonic's own answer is OUT_OF_RANGE, which clients repeat), charges it, and watches its progress.
//! It clears the compressed flag, so that the message comes through as sent and is decompressed by `compression`,
//! where every block is charged.

use crate::collect::{Pace, Progress};
use crate::compression::{BodyEncoding, decompress_off_thread};
use crate::{Body, BoxError, Meter, ReceiveError, WireOutcome};
use bytes::{Buf, BufMut, Bytes};
use futures_util::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    meter: M,
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
    // Shared by the body wrapper, which charges, and the call, which takes the meter over when the message is complete.
    let arrival = Mutex::new(Arrival { meter: Some(meter), compressed: false });
    let shared = Arc::new(Shared { arrival, failed: Box::new(failed) });
    let call = Call { handler: Some(handler), headers: parts.headers.clone(), shared: Arc::clone(&shared), encoding, limits };
    let body = tonic::body::Body::new(checked(body, shared, encoding, limits));
    let mut grpc = tonic::server::Grpc::new(RawCodec).max_decoding_message_size(usize::MAX);
    into_body(grpc.unary(call, Request::from_parts(parts, body)).await)
}

fn into_body(response: Response<tonic::body::Body>) -> Response<Body> {
    response.map(|body| body.map_err(BoxError::from).boxed_unsync())
}

struct Shared<M> {
    arrival: Mutex<Arrival<M>>,
    failed: Box<dyn Fn(&ReceiveError) + Send + Sync>,
}

struct Arrival<M> {
    meter: Option<M>,
    compressed: bool,
}

impl<M> Shared<M> {
    fn arrival(&self) -> MutexGuard<'_, Arrival<M>> {
        self.arrival.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of a failure and gives what the client is told.
    fn failure(&self, error: &ReceiveError) -> WireOutcome {
        (self.failed)(error);
        WireOutcome::of_grpc_message(error)
    }
}

/// The body as tonic reads it: prefix checked, flag cleared, length charged, progress watched.
fn checked<M: Meter + 'static>(
    body: Incoming,
    shared: Arc<Shared<M>>,
    encoding: BodyEncoding,
    limits: MessageLimits,
) -> impl http_body::Body<Data = Bytes, Error = Status> {
    let state =
        Wrapped { body, progress: Progress::new(limits.pace), prefix: Vec::with_capacity(PREFIX), ahead: Bytes::new(), left: 0 };
    let frames = futures_util::stream::try_unfold(state, move |mut state| {
        let shared = Arc::clone(&shared);
        async move {
            let next = state.next(&shared, encoding, limits).await.map_err(WireOutcome::into_tonic)?;
            Ok::<_, Status>(next.map(|frame| (frame, state)))
        }
    });
    StreamBody::new(frames)
}

/// One byte of flag, four of length.
const PREFIX: usize = 5;

struct Wrapped {
    body: Incoming,
    progress: Progress,
    /// What has come of the prefix.
    prefix: Vec<u8>,
    /// Bytes of the message that came in one frame with the end of the prefix.
    ahead: Bytes,
    /// Bytes of the message still to come.
    left: usize,
}

impl Wrapped {
    async fn next<M: Meter>(
        &mut self,
        shared: &Shared<M>,
        encoding: BodyEncoding,
        limits: MessageLimits,
    ) -> Result<Option<Frame<Bytes>>, WireOutcome> {
        if !self.ahead.is_empty() {
            let ahead = std::mem::take(&mut self.ahead);
            return self.part(ahead).map(Some);
        }
        loop {
            let arrived = self.progress.next(&mut self.body).await;
            let Some(frame) = arrived.map_err(|error| shared.failure(&error))? else { return Ok(None) };
            let mut data = match frame.into_data() {
                Ok(data) => data,
                Err(trailers) => return Ok(Some(trailers)),
            };
            if self.prefix.len() == PREFIX {
                return self.part(data).map(Some);
            }
            self.prefix.extend_from_slice(&data.split_to(data.len().min(PREFIX - self.prefix.len())));
            if self.prefix.len() == PREFIX {
                self.left = open(&self.prefix, shared, encoding, limits)?;
                self.ahead = data;
                return Ok(Some(Frame::data(cleared(&self.prefix))));
            }
        }
    }

    fn part(&mut self, data: Bytes) -> Result<Frame<Bytes>, WireOutcome> {
        match self.left.checked_sub(data.len()) {
            Some(left) => {
                self.left = left;
                Ok(Frame::data(data))
            }
            None => Err(WireOutcome::new(Code::Unimplemented, "a unary call has one request message")),
        }
    }
}

/// The same prefix, saying "not compressed".
fn cleared(prefix: &[u8]) -> Bytes {
    let mut cleared = prefix.to_vec();
    if let Some(flag) = cleared.first_mut() {
        *flag = 0;
    }
    cleared.into()
}

/// Checks the prefix and charges the message; gives its length.
fn open<M: Meter>(
    mut prefix: &[u8],
    shared: &Shared<M>,
    encoding: BodyEncoding,
    limits: MessageLimits,
) -> Result<usize, WireOutcome> {
    let flag = prefix.get_u8();
    let length = prefix.get_u32() as usize;
    let compressed = match flag {
        0 => false,
        1 if encoding != BodyEncoding::Identity => true,
        1 => return Err(WireOutcome::new(Code::Internal, "grpc: compressed flag set with identity or empty encoding")),
        _ => return Err(WireOutcome::new(Code::Internal, format!("grpc: received unexpected payload format {flag}"))),
    };
    if length > limits.max_bytes {
        let mut outcome = shared.failure(&ReceiveError::TooLarge { limit: limits.max_bytes });
        outcome.message = format!("grpc: received message larger than max ({length} vs. {})", limits.max_bytes);
        return Err(outcome);
    }
    let mut arrival = shared.arrival();
    arrival.compressed = compressed;
    if arrival.meter.as_mut().is_some_and(|meter| !meter.grow(length)) {
        return Err(shared.failure(&ReceiveError::OverBudget));
    }
    Ok(length)
}

/// The call as tonic runs it, once.
struct Call<M, F> {
    handler: Option<F>,
    headers: HeaderMap,
    shared: Arc<Shared<M>>,
    encoding: BodyEncoding,
    limits: MessageLimits,
}

impl<M, F, Fut> tonic::server::UnaryService<Bytes> for Call<M, F>
where
    M: Meter + 'static,
    F: FnOnce(Message<M>) -> Fut + Send + 'static,
    Fut: Future<Output = Result<Bytes, Status>> + Send + 'static,
{
    type Response = Bytes;
    type Future = BoxFuture<'static, Result<tonic::Response<Bytes>, Status>>;

    fn call(&mut self, request: tonic::Request<Bytes>) -> Self::Future {
        let handler = self.handler.take().expect("invariant: a unary call is made once");
        let (headers, limits, encoding) = (std::mem::take(&mut self.headers), self.limits, self.encoding);
        let (meter, compressed) = {
            let mut arrival = self.shared.arrival();
            (arrival.meter.take().expect("invariant: taken once, by the one call"), arrival.compressed)
        };
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let encoding = if compressed { encoding } else { BodyEncoding::Identity };
            let decompressed = decompress_off_thread(request.into_inner(), encoding, limits.max_bytes, meter).await;
            let (body, meter) = decompressed.map_err(|error| after_decompression(&shared, &error).into_tonic())?;
            handler(Message { body, headers, meter }).await.map(tonic::Response::new)
        })
    }
}

fn after_decompression<M>(shared: &Shared<M>, error: &ReceiveError) -> WireOutcome {
    let mut outcome = shared.failure(error);
    if let ReceiveError::TooLarge { limit } = error {
        outcome.message = format!("grpc: received message after decompression larger than max {limit}");
    }
    outcome
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
