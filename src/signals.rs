//! Signals of the operating system: SIGHUP asks for the configuration to be read again, SIGTERM and SIGINT for the end.
//!
//! The first of them asks for a graceful end, the second ends at once.

use anyhow::Result;

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// To end; the signal's name.
    End(&'static str),
    /// To read the configuration again.
    #[cfg_attr(not(unix), expect(dead_code, reason = "there is no such signal here"))]
    Reload,
}

/// The signals that this process listens to, from the moment it is made.
pub(crate) struct Signals {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    pub fn listen() -> Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
    /// Waits for the next signal. Several SIGHUPs that nobody waited for are one.
    pub async fn next(&mut self) -> Asked {
        tokio::select! {
            biased;
            _ = self.terminate.recv() => Asked::End("SIGTERM"),
            _ = self.interrupt.recv() => Asked::End("SIGINT"),
            _ = self.hangup.recv() => Asked::Reload,
        }
    }
    /// Waits for a request to end and gives its name. A SIGHUP meanwhile is kept for `next`.
    pub async fn end(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    pub fn listen() -> Result<Signals> {
        Ok(Signals {})
    }
    /// Waits for the next signal.
    pub async fn next(&mut self) -> Asked {
        Asked::End(self.end().await)
    }
    /// Waits for a request to end and gives its name.
    pub async fn end(&mut self) -> &'static str {
        let _ = tokio::signal::ctrl_c().await;
        "ctrl-c"
    }
}
