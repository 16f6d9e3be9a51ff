//! Blocks of clients that name extensions which are not to be had yet: accepted in form, refused by name.
//!
//! So a `collector.yaml` of the Collector is told what is missing instead of that its keys are unknown.

use crate::{Optional, Problems};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What proves who sends. Not to be had yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClientAuth {
    /// Id of the extension.
    pub authenticator: String,
}

/// One extension that sees every request. Not to be had yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClientMiddleware {
    /// Id of the extension.
    pub id: String,
}

impl ClientAuth {
    /// Adds that the block `auth` cannot be used; call it within the scope of the component.
    pub fn check(auth: &Optional<ClientAuth>, problems: &mut Problems) {
        if let Some(auth) = auth.get() {
            let name = &auth.authenticator;
            let message = format!("the authenticator `{name}` cannot be used: there are no authenticating extensions yet");
            problems.error_hint("auth", message, "until they come, use `headers` for a token, or a certificate in `tls`");
        }
    }
}

impl ClientMiddleware {
    /// Adds that the block `middlewares` cannot be used; call it within the scope of the component.
    pub fn check(middlewares: &[ClientMiddleware], problems: &mut Problems) {
        if let Some(first) = middlewares.first() {
            let message = format!("the middleware `{}` cannot be used: there are no such extensions yet", first.id);
            problems.error("middlewares", message);
        }
    }
}
