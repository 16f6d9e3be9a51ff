//! Logs as one JSON object a line, in the Collector's shape: `level`, `ts`, `msg`, then the fields.

use serde_json::{Map, Value};
use std::fmt;
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Formats events as JSON lines, each with some fields of its own.
pub(super) struct JsonLines {
    initial: Map<String, Value>,
}

impl JsonLines {
    pub fn new(initial: Map<String, Value>) -> JsonLines {
        JsonLines { initial }
    }
}

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, _: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut line = Line { message: String::new(), fields: self.initial.clone() };
        event.record(&mut line);
        let level = event.metadata().level().as_str().to_ascii_lowercase();
        // By hand, so that what people look for first comes first.
        let text = |text: &str| Value::from(text).to_string();
        write!(writer, "{{\"level\":{},\"ts\":{},\"msg\":{}", text(&level), text(&time), text(&line.message))?;
        for (name, value) in &line.fields {
            write!(writer, ",{}:{value}", text(name))?;
        }
        writeln!(writer, "}}")
    }
}

/// What an event carries.
struct Line {
    message: String,
    fields: Map<String, Value>,
}

impl Line {
    fn put(&mut self, field: &Field, value: Value) {
        match (field.name(), value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => drop(self.fields.insert(name.to_owned(), value)),
        }
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};

    /// What was written, shared with the subscriber.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_an_object_with_the_collectors_names() {
        let written = Written::default();
        let initial = Map::from_iter([("site".to_owned(), Value::from("lab"))]);
        let make = {
            let written = written.clone();
            move || written.clone()
        };
        let subscriber = tracing_subscriber::fmt().event_format(JsonLines::new(initial)).with_writer(make).finish();
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(exporter = %"otlp_http", attempt = 2, late = true, "export \"failed\"\n");
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert!(text.starts_with("{\"level\":\"warn\",\"ts\":\"") && text.ends_with("}\n"), "{text}");
        let line: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["msg"], &line["exporter"]), (&Value::from("export \"failed\"\n"), &Value::from("otlp_http")));
        assert_eq!((&line["attempt"], &line["late"], &line["site"]), (&Value::from(2), &Value::from(true), &Value::from("lab")));
    }
}
