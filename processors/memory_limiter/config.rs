//! Settings of the `memory_limiter` processor.

use chaperone_config::{Duration, Problems, UserConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Settings of the processor.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// How often usage is looked at to log and to report it. Required. Refusing does not wait for it.
    pub check_interval: Duration,
    /// Most memory in MiB. Wins over `limit_percentage`.
    pub limit_mib: u32,
    /// Room below the limit: data are refused above `limit_mib - spike_limit_mib`. 0 means a fifth of the limit.
    pub spike_limit_mib: u32,
    /// Most memory as a percentage of what the process may have: its control group's limit, else the machine's memory.
    pub limit_percentage: u32,
    /// Room below the limit as a percentage. 0 means a fifth of the limit.
    pub spike_limit_percentage: u32,
}

/// Above `soft` data are refused; `hard` is what the user set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Limits {
    pub(super) soft: u64,
    pub(super) hard: u64,
}

impl Config {
    /// The limits in bytes. `total` is asked only when a percentage counts.
    pub(super) fn limits<E>(&self, total: impl FnOnce() -> Result<u64, E>) -> Result<Limits, E> {
        let (hard, spike) = if self.limit_mib > 0 {
            (u64::from(self.limit_mib) << 20, u64::from(self.spike_limit_mib) << 20)
        } else {
            let total = total()?;
            let share = |percentage: u32| (u128::from(total) * u128::from(percentage) / 100) as u64;
            (share(self.limit_percentage), share(self.spike_limit_percentage))
        };
        let spike = if spike == 0 { hard / 5 } else { spike };
        Ok(Limits { soft: hard.saturating_sub(spike), hard })
    }
}

impl UserConfig for Config {
    fn check(&self, problems: &mut Problems) {
        if self.check_interval.get().is_zero() {
            problems.error_hint("check_interval", "'check_interval' must be greater than zero", "`1s` is a good value");
        }
        if self.limit_mib == 0 && self.limit_percentage == 0 {
            problems.error("limit_mib", "'limit_mib' or 'limit_percentage' must be greater than zero");
        }
        if self.limit_percentage > 100 || self.spike_limit_percentage > 100 {
            let key = if self.limit_percentage > 100 { "limit_percentage" } else { "spike_limit_percentage" };
            let message =
                "'limit_percentage' and 'spike_limit_percentage' must be greater than zero and less than or equal to hundred";
            problems.error(key, message);
        }
        if self.limit_mib > 0 && self.spike_limit_mib >= self.limit_mib {
            problems.error("spike_limit_mib", "'spike_limit_mib' must be smaller than 'limit_mib'");
        }
        if self.limit_percentage > 0 && self.spike_limit_percentage >= self.limit_percentage {
            let message = "'spike_limit_percentage' must be smaller than 'limit_percentage'";
            problems.error("spike_limit_percentage", message);
        }
    }
}
