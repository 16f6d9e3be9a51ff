//! What both transports share: charging a body, telling who sent it, handing it in, counting what is turned away.

use bytes::Bytes;
use chaperone_net::{Peer, ReceiveError, WireOutcome};
use chaperone_pipeline::entrance::Charge;
use chaperone_pipeline::{ClientInfo, Counter, Encoding, Entrance, Host, Payload};
use chaperone_proto::Signal;
use http::HeaderMap;
use http::header::HOST;
use http::uri::Authority;
use std::sync::Arc;

/// The door of one protocol of one receiver.
pub(super) struct Intake {
    entrance: Entrance,
    transport: &'static str,
    include_metadata: bool,
    turned_away: TurnedAway,
}

/// Requests that never came to the entrance, by reason: how many items they held, nobody knows.
struct TurnedAway {
    too_large: Counter,
    over_budget: Counter,
    too_slow: Counter,
    corrupt: Counter,
    disconnected: Counter,
}

impl Intake {
    pub(super) fn new(host: &Host, entrance: Entrance, transport: &'static str, include_metadata: bool) -> Intake {
        let receiver = host.id().to_string();
        let counter = |reason: &str| {
            let labels = [("receiver", receiver.as_str()), ("transport", transport), ("reason", reason)];
            host.telemetry().counter("chaperone_receiver_unread_requests", "Requests turned away before they were read.", &labels)
        };
        let turned_away = TurnedAway {
            too_large: counter("too_large"),
            over_budget: counter("over_budget"),
            too_slow: counter("too_slow"),
            corrupt: counter("corrupt"),
            disconnected: counter("disconnected"),
        };
        Intake { entrance, transport, include_metadata, turned_away }
    }

    pub(super) fn serves(&self, signal: Signal) -> bool {
        self.entrance.serves(signal)
    }

    /// A charge of nothing yet, for the body to grow.
    pub(super) fn charge(&self) -> Result<Charge, ReceiveError> {
        self.entrance.charge(0).ok_or(ReceiveError::OverBudget)
    }

    /// Counts a body that was not received.
    pub(super) fn count(&self, error: &ReceiveError) {
        let counter = match error {
            ReceiveError::TooLarge { .. } => &self.turned_away.too_large,
            ReceiveError::OverBudget => &self.turned_away.over_budget,
            ReceiveError::TooSlow => &self.turned_away.too_slow,
            ReceiveError::Corrupt { .. } => &self.turned_away.corrupt,
            ReceiveError::Disconnected(_) => &self.turned_away.disconnected,
        };
        counter.add(1);
    }

    /// Hands one body in and waits for its acknowledgement. The charge becomes the room reserved for it.
    pub(super) async fn submit(&self, request: Arrived<'_>) -> Result<(), WireOutcome> {
        let Arrived { signal, encoding, body, charge, headers, authority, peer } = request;
        let client = Some(Arc::new(self.client(headers, authority, peer)));
        let payload = Payload { signal, encoding, body, transport: self.transport, client };
        self.entrance.submit_charged(payload, charge).await.map_err(WireOutcome::from)
    }

    fn client(&self, headers: &HeaderMap, authority: Option<&Authority>, peer: Peer) -> ClientInfo {
        let mut metadata = Vec::new();
        if self.include_metadata {
            // Names are lower case in `HeaderMap`; a value that is not text has no use in a setting.
            let texts = headers.iter().filter_map(|(name, value)| Some((name, value.to_str().ok()?)));
            metadata.extend(texts.map(|(name, value)| (name.as_str().to_owned(), value.to_owned())));
            // HTTP/2 has no such header, and settings shall not depend on the version.
            if let Some(authority) = authority.filter(|_| !headers.contains_key(HOST)) {
                metadata.push((HOST.as_str().to_owned(), authority.to_string()));
            }
        }
        ClientInfo { address: peer.address.map(|address| address.to_string()), metadata, tenant: None }
    }
}

/// A complete, uncompressed body.
pub(super) struct Arrived<'a> {
    pub(super) signal: Signal,
    pub(super) encoding: Encoding,
    pub(super) body: Bytes,
    pub(super) charge: Charge,
    pub(super) headers: &'a HeaderMap,
    /// The host that the client asked for, where its headers do not say.
    pub(super) authority: Option<&'a Authority>,
    pub(super) peer: Peer,
}
