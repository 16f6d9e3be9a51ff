//! The open file: whole payloads only, and a new file when this one is full.

use super::config::Config;
use super::rotation;
use chaperone_pipeline::StartError;
use std::fs::{File as StdFile, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

/// The open file and its length as far as whole payloads go.
pub(super) struct Sink {
    pub(super) file: StdFile,
    pub(super) path: PathBuf,
    pub(super) length: u64,
    pub(super) rotation: Option<rotation::Rotation>,
}

impl Sink {
    pub(super) fn open(config: &Config) -> Result<Sink, StartError> {
        let path = Path::new(&config.path);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Some(folder) = folder {
            if config.create_directory {
                std::fs::create_dir_all(folder).map_err(|error| {
                    StartError::caused_by(format!("cannot make the folder `{}`: {error}", folder.display()), error)
                })?;
            } else if !folder.is_dir() {
                let message = format!("the folder `{}` does not exist; `create_directory: true` makes it", folder.display());
                return Err(StartError::new(message));
            }
        }
        let fault = |error: std::io::Error| StartError::caused_by(format!("cannot open `{}`: {error}", config.path), error);
        let file = open(path).map_err(fault)?;
        let rotation = config.rotation.get().cloned();
        // Rotation is there to keep things: a restart must not empty the file that it would have kept.
        if !config.append && rotation.is_none() {
            file.set_len(0).map_err(fault)?;
        }
        let length = file.metadata().map_err(fault)?.len();
        Ok(Sink { file, path: path.to_owned(), length, rotation })
    }

    /// Writes one payload, to a new file when this one would become larger than it may. A payload is never divided.
    pub(super) fn append(&mut self, payload: &[u8], now_unix_ns: u64) -> std::io::Result<()> {
        if let Some(rotation) = &self.rotation
            && self.length > 0
            && self.length + payload.len() as u64 > rotation.max_bytes()
        {
            let backup = rotation.set_aside(&self.path, now_unix_ns)?;
            match open(&self.path) {
                Ok(file) => self.file = file,
                Err(error) => {
                    // The next attempt finds everything as it was.
                    let _ = std::fs::rename(&backup, &self.path);
                    return Err(error);
                }
            }
            self.length = 0;
            rotation.remove_old(&self.path, now_unix_ns);
        }
        if let Err(error) = self.file.write_all(payload) {
            // Without this a reader would find half a request in front of the next one. Pipes cannot be cut; they fail here.
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.length += payload.len() as u64;
        Ok(())
    }

    pub(super) fn sync(&self) {
        if let Err(error) = self.file.sync_data() {
            tracing::warn!(%error, path = %self.path.display(), "could not flush the file to its disk");
        }
    }
}

fn open(path: &Path) -> std::io::Result<StdFile> {
    OpenOptions::new().create(true).append(true).open(path)
}
