//! The `debug` exporter: what flows, for a person to read.
//!
//! It shows content as it is: prompts too, above verbosity `basic`. Put it behind `gen_ai_content` where that matters.

mod config;
mod detailed;
mod detailed_metrics;
mod normal;
mod sampling;
#[cfg(test)]
mod tests;
mod text;

pub use config::{Config, Verbosity};

use chaperone_pipeline::{
    BoxFuture, BuildContext, Chunk, ConfigError, ExportContext, ExportError, Exported, Exporter, ExporterFactory, Front, Meta,
    Now, Signals, Stability,
};
use chaperone_proto::Signal;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use sampling::Sampling;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// Factory of the exporter.
pub struct Debug;

impl ExporterFactory for Debug {
    type Config = Config;
    const META: Meta = Meta::exporter("debug", "Writes what flows for a person to read.", Signals::ALL, Front::DIRECT)
        .stability(Stability::Alpha)
        .readme(include_str!("README.md"));

    fn build(config: Config, _ctx: &BuildContext) -> Result<Arc<dyn Exporter>, ConfigError> {
        let sampling = Mutex::new(Sampling::new(config.sampling_initial, config.sampling_thereafter));
        Ok(Arc::new(DebugExporter { config, sampling }))
    }
}

struct DebugExporter {
    config: Config,
    sampling: Mutex<Sampling>,
}

impl DebugExporter {
    fn show(&self, chunk: &Chunk, now: Now) -> Result<(), ExportError> {
        if !self.sampling.lock().unwrap_or_else(PoisonError::into_inner).take(now) {
            return Ok(());
        }
        let Shown { title, counts, detail } = shown(chunk, self.config.verbosity)?;
        let counts: Vec<String> = counts.iter().map(|(what, count)| format!("\"{what}\": {count}")).collect();
        let counts = counts.join(", ");
        if self.config.use_internal_logger {
            tracing::info!("{title} {{{counts}}}");
            if !detail.is_empty() {
                tracing::info!("{detail}");
            }
            return Ok(());
        }
        // One write, so that lines of requests do not mix.
        let text =
            if detail.is_empty() { format!("{title}\t{{{counts}}}\n") } else { format!("{title}\t{{{counts}}}\n{detail}\n") };
        std::io::stdout().lock().write_all(text.as_bytes()).map_err(|error| ExportError::Permanent {
            message: "cannot write to standard output".to_owned(),
            source: Some(error.into()),
        })
    }
}

/// One request, as text.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    title: &'static str,
    counts: Vec<(&'static str, usize)>,
    detail: String,
}

fn shown(chunk: &Chunk, verbosity: Verbosity) -> Result<Shown, ExportError> {
    let body = chunk.contiguous();
    let detail = |normal: &dyn Fn() -> String, detailed: &dyn Fn() -> String| match verbosity {
        Verbosity::Basic => String::new(),
        Verbosity::Normal => normal(),
        Verbosity::Detailed => detailed(),
    };
    Ok(match chunk.signal {
        Signal::Traces => {
            let request = ExportTraceServiceRequest::decode(body).map_err(undecodable)?;
            Shown {
                title: "Traces",
                counts: vec![("resource spans", request.resource_spans.len()), ("spans", chunk.items)],
                detail: detail(&|| normal::traces(&request), &|| detailed::traces(&request)),
            }
        }
        Signal::Logs => {
            let request = ExportLogsServiceRequest::decode(body).map_err(undecodable)?;
            Shown {
                title: "Logs",
                counts: vec![("resource logs", request.resource_logs.len()), ("log records", chunk.items)],
                detail: detail(&|| normal::logs(&request), &|| detailed::logs(&request)),
            }
        }
        Signal::Metrics => {
            let request = ExportMetricsServiceRequest::decode(body).map_err(undecodable)?;
            let scopes = request.resource_metrics.iter().flat_map(|resource| &resource.scope_metrics);
            let metrics = scopes.map(|scope| scope.metrics.len()).sum();
            Shown {
                title: "Metrics",
                counts: vec![
                    ("resource metrics", request.resource_metrics.len()),
                    ("metrics", metrics),
                    ("data points", chunk.items),
                ],
                detail: detail(&|| normal::metrics(&request), &|| detailed_metrics::metrics(&request)),
            }
        }
    })
}

fn undecodable(error: prost::DecodeError) -> ExportError {
    ExportError::Permanent { message: "a request cannot be decoded".to_owned(), source: Some(error.into()) }
}

impl Exporter for DebugExporter {
    fn export<'a>(&'a self, chunks: &'a [Chunk], cx: ExportContext) -> BoxFuture<'a, Result<Exported, ExportError>> {
        Box::pin(async move {
            for chunk in chunks {
                self.show(chunk, cx.now)?;
            }
            Ok(Exported::default())
        })
    }
}
