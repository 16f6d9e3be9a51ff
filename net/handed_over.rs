//! Sockets that outlive the server that bound them: a reload hands them from one component to the next.
//!
//! The successor accepts from the same socket while its predecessor still does, so that at no moment a connection is
//! refused; those that nobody accepted yet wait in the socket, and are the successor's when the other stops.

use crate::listen::{Bound, resolve, unix_path};
use crate::{BindError, ListenAddress, Listener};
use chaperone_config::{Endpoint, Transport};
use chaperone_pipeline::Host;
use std::sync::Arc;

impl Listener {
    /// Opens a socket for a component; the one at this address, if a component that is being replaced holds it.
    pub async fn bind_for(host: &Host, transport: Transport, endpoint: &Endpoint) -> Result<Listener, BindError> {
        let listener = match inherited(host, transport, endpoint).await? {
            Some(listener) => listener,
            None => Listener::bind_on(transport, endpoint).await?,
        };
        if let Some(bound) = &listener.left {
            host.bequeath(&name(listener.address()), bound);
        }
        Ok(listener)
    }
}

fn name(address: &ListenAddress) -> String {
    format!("socket {address}")
}

async fn inherited(host: &Host, transport: Transport, endpoint: &Endpoint) -> Result<Option<Listener>, BindError> {
    let addresses: Vec<ListenAddress> = match transport {
        Transport::Unix => vec![ListenAddress::Unix(unix_path(endpoint.as_str()).to_owned())],
        _ => resolve(transport, endpoint).await?.into_iter().map(ListenAddress::Tcp).collect(),
    };
    for address in addresses {
        let left: Option<Arc<Bound>> = host.inherit(&name(&address));
        if let Some(bound) = left {
            let bind = |source| BindError::Bind { endpoint: endpoint.as_str().to_owned(), source };
            return bound.listener(address).map(Some).map_err(bind);
        }
    }
    Ok(None)
}
