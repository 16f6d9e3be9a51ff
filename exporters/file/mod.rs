//! The `file` exporter: requests as OTLP/JSON lines or as length-prefixed protobuf, one file for all signals,
//! set aside when it is full if the settings say so.
//!
//! A request is written by one call and is either in the file whole or not at all: after a failed write (a full disk)
//! the file is cut back to where it was. What was acknowledged has been handed to the operating system, not to the disk.

mod config;
mod rotation;
mod sink;
#[cfg(test)]
mod tests;

pub use config::{Compression, Config, Format};

use bytes::Bytes;
use chaperone_net::{BodyEncoding, compress};
use chaperone_pipeline::{
    BoxFuture, BuildContext, Chunk, ConfigError, ExportContext, ExportError, Exported, Exporter, ExporterFactory, Front, Host,
    Meta, Signals, Stability, StartError,
};
use sink::Sink;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Factory of the exporter.
pub struct File;

impl ExporterFactory for File {
    type Config = Config;
    const META: Meta =
        Meta::exporter("file", "Writes requests to a file, as OTLP/JSON lines or protobuf.", Signals::ALL, Front::DIRECT)
            .stability(Stability::Alpha)
            .readme(include_str!("README.md"));

    fn build(config: Config, _ctx: &BuildContext) -> Result<Arc<dyn Exporter>, ConfigError> {
        Ok(Arc::new(FileExporter { config, running: OnceLock::new() }))
    }
}

struct FileExporter {
    config: Config,
    running: OnceLock<Running>,
}

struct Running {
    host: Host,
    // Shared with the blocking threads that write.
    sink: Arc<Mutex<Sink>>,
}

impl Exporter for FileExporter {
    fn start<'a>(&'a self, host: &'a Host) -> BoxFuture<'a, Result<(), StartError>> {
        Box::pin(async move {
            let config = self.config.clone();
            let sink = host.blocking(move || Sink::open(&config)).await?;
            host.announce(&format!("writing to {}", self.config.path));
            let _ = self.running.set(Running { host: host.clone(), sink: Arc::new(Mutex::new(sink)) });
            Ok(())
        })
    }

    fn export<'a>(&'a self, chunks: &'a [Chunk], cx: ExportContext) -> BoxFuture<'a, Result<Exported, ExportError>> {
        Box::pin(async move {
            let Some(Running { host, sink }) = self.running.get() else {
                return Err(ExportError::retryable("the file is not open yet"));
            };
            let (chunks, format, compression) = (chunks.to_vec(), self.config.format, self.config.compression);
            let sink = Arc::clone(sink);
            host.blocking(move || {
                let mut payload = Vec::new();
                for chunk in &chunks {
                    render(chunk, format, compression, &mut payload)?;
                }
                let mut sink = sink.lock().unwrap_or_else(PoisonError::into_inner);
                sink.append(&payload, cx.now.unix_ns).map_err(|error| ExportError::Retryable {
                    message: format!("cannot write to `{}`", sink.path.display()),
                    after: None,
                    source: Some(error.into()),
                })
            })
            .await
            .map(|()| Exported::default())
        })
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            if let Some(Running { host, sink }) = self.running.get() {
                let sink = Arc::clone(sink);
                host.blocking(move || sink.lock().unwrap_or_else(PoisonError::into_inner).sync()).await;
            }
        })
    }
}

/// Appends one request as the settings want it.
fn render(chunk: &Chunk, format: Format, compression: Compression, out: &mut Vec<u8>) -> Result<(), ExportError> {
    let mut pieces = match format {
        Format::Proto => chunk.body.clone(),
        Format::Json => {
            let undecodable = |error: chaperone_proto::DecodeError| ExportError::Permanent {
                message: "a queued request cannot be decoded".to_owned(),
                source: Some(error.into()),
            };
            let mut json = Vec::with_capacity(chunk.bytes() * 2);
            chunk.decode().map_err(undecodable)?.write_json(&mut json);
            vec![Bytes::from(json)]
        }
    };
    if compression == Compression::Zstd {
        let packed = compress(&pieces, BodyEncoding::Zstd);
        pieces = vec![packed.map_err(|error| ExportError::permanent(format!("cannot compress: {error}")))?];
    }
    let prefixed = format == Format::Proto || compression == Compression::Zstd;
    if prefixed {
        let length: usize = pieces.iter().map(Bytes::len).sum();
        let length =
            u32::try_from(length).map_err(|_| ExportError::permanent("a request of more than 4 GiB has no length prefix"))?;
        out.extend_from_slice(&length.to_be_bytes());
    }
    pieces.iter().for_each(|piece| out.extend_from_slice(piece));
    if !prefixed {
        out.push(b'\n');
    }
    Ok(())
}
