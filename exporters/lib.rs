//! The registry of exporters, in the order of the docs. One folder a component, named as in `collector.yaml`.

mod clickhouse;
mod console_alerts;
mod debug;
mod file;
mod nop;
mod otlp_grpc;
mod otlp_http;
mod prometheus;
#[cfg(feature = "sqlite")]
mod sqlite;
mod webhook;

use chaperone_pipeline::ExporterEntry;

/// All exporters.
pub const ALL: &[ExporterEntry] = &[
    ExporterEntry::of::<otlp_http::OtlpHttp>(),
    ExporterEntry::of::<otlp_grpc::OtlpGrpc>(),
    ExporterEntry::of::<debug::Debug>(),
    ExporterEntry::of::<file::File>(),
    ExporterEntry::of::<nop::Nop>(),
    #[cfg(feature = "sqlite")]
    ExporterEntry::of::<sqlite::Sqlite>(),
    ExporterEntry::of::<clickhouse::ClickHouse>(),
    ExporterEntry::of::<prometheus::Prometheus>(),
    ExporterEntry::of::<webhook::Webhook>(),
    ExporterEntry::of::<console_alerts::ConsoleAlerts>(),
];
