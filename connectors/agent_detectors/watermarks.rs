//! How far each tenant's senders have come: the greatest end of a step seen, less the lateness.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Most tenants; beyond it the one furthest behind is forgotten, which makes its next steps set a new mark.
const TENANTS: usize = 10_000;

/// Greatest event time by tenant.
#[derive(Debug, Default)]
pub struct Watermarks {
    greatest_ns: Mutex<HashMap<String, u64>>,
}

impl Watermarks {
    /// Notes an end; gives the tenant's watermark.
    pub fn passed(&self, tenant: &str, end_ns: u64, lateness_ns: u64) -> u64 {
        let mut greatest = self.greatest_ns.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = match greatest.get_mut(tenant) {
            Some(mark) => mark,
            None => {
                if greatest.len() >= TENANTS {
                    let behind = greatest.iter().min_by_key(|(_, mark)| **mark).map(|(tenant, _)| tenant.clone());
                    behind.and_then(|tenant| greatest.remove(&tenant));
                }
                greatest.entry(tenant.to_owned()).or_default()
            }
        };
        *mark = end_ns.max(*mark);
        mark.saturating_sub(lateness_ns)
    }
}
