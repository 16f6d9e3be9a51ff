//! How far each tenant's senders have come: the greatest end of a step seen, less the lateness.

use chaperone_genai::detect::Observed;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Most tenants; beyond it the one furthest behind is forgotten, which makes its next steps set a new mark.
const TENANTS: usize = 10_000;

/// Greatest event time by tenant.
#[derive(Debug, Default)]
pub struct Watermarks {
    greatest_ns: Mutex<HashMap<String, u64>>,
}

/// What a tenant's senders had passed before a batch, and have passed with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watermark {
    /// A step that ended before this, and comes only now, is late.
    pub before_ns: u64,
    /// What ended before this may be judged.
    pub after_ns: u64,
}

impl Watermarks {
    /// Notes the ends of the steps of a batch; gives the watermark of each step's tenant.
    pub fn pass(&self, steps: &[Observed], lateness: Duration) -> Vec<Watermark> {
        if steps.is_empty() {
            return Vec::new();
        }
        let lateness_ns = lateness.as_nanos() as u64;
        let mut greatest = self.greatest_ns.lock().unwrap_or_else(PoisonError::into_inner);
        let mark = |greatest: &HashMap<String, u64>, step: &Observed| {
            greatest.get(&step.key.tenant).copied().unwrap_or(0).saturating_sub(lateness_ns)
        };
        let before: Vec<u64> = steps.iter().map(|step| mark(&greatest, step)).collect();
        for step in steps {
            match greatest.get_mut(&step.key.tenant) {
                Some(mark) => *mark = step.step.end_ns.max(*mark),
                None => {
                    bound(&mut greatest);
                    greatest.insert(step.key.tenant.clone(), step.step.end_ns);
                }
            }
        }
        let with_after = |(before_ns, step): (u64, &Observed)| Watermark { before_ns, after_ns: mark(&greatest, step) };
        before.into_iter().zip(steps).map(with_after).collect()
    }
}

fn bound(greatest: &mut HashMap<String, u64>) {
    if greatest.len() >= TENANTS
        && let Some(behind) = greatest.iter().min_by_key(|(_, mark)| **mark).map(|(tenant, _)| tenant.clone())
    {
        greatest.remove(&behind);
    }
}
