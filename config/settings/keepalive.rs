//! The `keepalive` blocks of gRPC clients and servers, with the Collector's own keys.
//!
//! A zero in a server's block means what gRPC means by it: no limit, or its own default.

use crate::{Duration, Optional, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Pings that find a dead connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClientKeepalive {
    /// Time without anything received before a ping.
    pub time: Duration,
    /// How long its answer may take before the connection is given up.
    pub timeout: Duration,
    /// Also pings while no request is in flight.
    pub permit_without_stream: bool,
}

impl Default for ClientKeepalive {
    fn default() -> Self {
        ClientKeepalive { time: Duration::from_secs(10), timeout: Duration::from_secs(10), permit_without_stream: false }
    }
}

impl ClientKeepalive {
    /// Adds what is wrong with the block; call it within its scope.
    pub fn check(&self, problems: &mut Problems) {
        for (field, value) in [("time", self.time), ("timeout", self.timeout)] {
            if value.get().is_zero() {
                problems.error(field, "must be positive");
            }
        }
    }
}

/// How long a server keeps connections.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerKeepalive {
    /// When connections end, and how dead ones are found.
    pub server_parameters: Optional<ServerParameters>,
    /// What clients may do to keep their connections.
    pub enforcement_policy: Optional<EnforcementPolicy>,
}

impl Default for ServerKeepalive {
    fn default() -> Self {
        ServerKeepalive {
            server_parameters: Optional::Present(ServerParameters::default()),
            enforcement_policy: Optional::Present(EnforcementPolicy::default()),
        }
    }
}

/// When connections end, and how dead ones are found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ServerParameters {
    /// A connection without a request for this time is closed; 0 = after five minutes over HTTP/1, never over HTTP/2.
    pub max_connection_idle: Duration,
    /// A connection of this age takes no further request; 0 = never. A tenth more or less, so that clients do not come
    /// back all at once.
    pub max_connection_age: Duration,
    /// How long after that its requests may take before it is cut; 0 = as long as they need.
    pub max_connection_age_grace: Duration,
    /// Time without anything received before the client is asked whether it is there; 0 = two minutes.
    pub time: Duration,
    /// How long its answer may take; 0 = twenty seconds.
    pub timeout: Duration,
}

/// What clients may do to keep their connections.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct EnforcementPolicy {
    /// Shortest time between two pings of a client. Accepted; pings are not counted.
    pub min_time: Duration,
    /// Lets clients ping without a request in flight. Accepted; they always may.
    pub permit_without_stream: bool,
}

impl ServerKeepalive {
    /// Adds what is wrong with the block; call it within its scope.
    pub fn check(&self, problems: &mut Problems) {
        if self.enforcement_policy.get().is_some_and(|policy| *policy != EnforcementPolicy::default()) {
            let message = "clients that ping too often are not sent away: this block has no effect";
            problems.warning("enforcement_policy", message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Node, UserConfig, parse_settings, read_settings};

    #[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    struct Both {
        client: Optional<ClientKeepalive>,
        server: Optional<ServerKeepalive>,
    }

    impl UserConfig for Both {
        fn check(&self, problems: &mut Problems) {
            if let Some(client) = self.client.get() {
                problems.within("client", |problems| client.check(problems));
            }
            if let Some(server) = self.server.get() {
                problems.within("server", |problems| server.check(problems));
            }
        }
    }

    #[test]
    fn a_block_has_its_defaults_and_says_what_has_no_effect() {
        let node = Node::parse("{client: , server: {enforcement_policy: {min_time: 10s}}}", "t.yaml").unwrap();
        let mut problems = Problems::new();
        let both: Both = read_settings(&node, "", &mut problems).unwrap();
        assert_eq!(both.client, Optional::Present(ClientKeepalive::default()));
        assert_eq!(both.server.get().unwrap().server_parameters, Optional::Present(ServerParameters::default()));
        assert!(problems.to_string().starts_with("warning: clients that ping too often are not sent away"), "{problems}");
    }

    #[test]
    fn a_client_must_know_when_to_ping() {
        for yaml in ["{client: {time: 0s}}", "{client: {timeout: 0s}}"] {
            let problems = parse_settings::<Both>(&Node::parse(yaml, "t.yaml").unwrap(), "").unwrap_err();
            assert!(problems.to_string().starts_with("error: must be positive"), "{problems}");
        }
    }
}
