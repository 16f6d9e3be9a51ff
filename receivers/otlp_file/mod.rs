//! The `otlp_file` receiver: recorded OTLP enters the pipelines once, in order, as if it had just been sent.
//!
//! One request is on its way at a time: a full queue or a memory limit slows the reading down instead of losing data.
//! What cannot be read or is refused for good is counted with its reason and does not stop the rest.
//! Files that grow or appear later are not watched.

mod config;
mod counters;
mod glob;
mod player;
pub mod recording;
#[cfg(test)]
mod tests;

pub use config::Config;

use chaperone_pipeline::{
    BoxFuture, BuildContext, ConfigError, Entrance, Host, Meta, Receiver, ReceiverFactory, Signals, Stability, StartError,
};
use player::Player;
use recording::{Recording, RecordingError};
use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::oneshot;

/// Factory of the receiver.
pub struct OtlpFile;

impl ReceiverFactory for OtlpFile {
    type Config = Config;
    const META: Meta = Meta::receiver("otlp_file", "Replays recorded OTLP from files.", Signals::ALL)
        .stability(Stability::Alpha)
        .readme(include_str!("README.md"));

    fn build(config: Config, _ctx: &BuildContext) -> Result<Arc<dyn Receiver>, ConfigError> {
        Ok(Arc::new(OtlpFileReceiver { config, ended: Mutex::default() }))
    }
}

struct OtlpFileReceiver {
    config: Config,
    /// Resolves when nothing more will be handed in.
    ended: Mutex<Option<oneshot::Receiver<()>>>,
}

impl OtlpFileReceiver {
    async fn open(&self, host: &Host, entrance: Entrance) -> Result<(), StartError> {
        let include = self.config.include.clone();
        let found = host.blocking(move || find(&include)).await;
        let recordings = found.map_err(|error| StartError::caused_by(error.to_string(), error))?;
        let files = recordings.len();
        host.announce(&format!("replaying {files} {}", if files == 1 { "file" } else { "files" }));
        let player = Player::new(host, entrance, self.config.retry_on_failure.clone());
        let (ending, ended) = oneshot::channel();
        *self.ended.lock().unwrap_or_else(PoisonError::into_inner) = Some(ended);
        let stopping = host.clone();
        host.spawn(async move {
            tokio::select! {
                () = player.play(recordings) => {}
                () = stopping.stopping() => {}
            }
            drop(ending);
        });
        Ok(())
    }
}

/// Every recording that the settings name, once.
fn find(include: &[String]) -> Result<Vec<Recording>, RecordingError> {
    let mut found = Vec::new();
    for entry in include {
        let path = PathBuf::from(entry);
        // A file may be called like a pattern.
        if glob::is_pattern(entry) && !path.exists() {
            let matching = recording::among(&glob::expand(entry)?)?;
            if matching.is_empty() {
                return Err(RecordingError::NoMatch { pattern: entry.clone() });
            }
            found.extend(matching);
        } else {
            found.extend(recording::find(&[path])?);
        }
    }
    let mut seen = HashSet::new();
    found.retain(|recording| seen.insert(recording.path.clone()));
    Ok(found)
}

impl Receiver for OtlpFileReceiver {
    fn start<'a>(&'a self, host: &'a Host, entrance: Entrance) -> BoxFuture<'a, Result<(), StartError>> {
        Box::pin(self.open(host, entrance))
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(async move {
            if let Some(ended) = ended {
                // Told by being dropped.
                let _ = ended.await;
            }
        })
    }
}
