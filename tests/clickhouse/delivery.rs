//! Deliveries that are repeated, split, refused, or meet tables that somebody else made.

use crate::json::Json;
use crate::support::{Store, traces};
use chaperone_pipeline::ExportError;
use chaperone_proto::Data;
use std::io::Write;
use std::sync::{Arc, Mutex};

const DAY: u64 = 86_400_000_000_000;
const START: u64 = 20_454 * DAY;

/// One request with a span for each start time.
fn spans(starts: &[u64]) -> Data {
    let spans: Vec<String> = starts
        .iter()
        .enumerate()
        .map(|(i, start)| {
            format!(
                r#"{{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"{:016x}","name":"s","startTimeUnixNano":"{start}",
                "endTimeUnixNano":"{}"}}"#,
                i + 1,
                start + 5
            )
        })
        .collect();
    let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(","));
    traces(body.as_bytes(), true)
}

#[tokio::test]
async fn a_repeated_delivery_is_stored_once_in_tables_and_views() {
    let store = Store::start().await;
    let requests = [spans(&[START, START + 1]), spans(&[START + DAY])];
    for _ in 0..3 {
        store.try_deliver(&requests, 7).await.unwrap();
    }
    assert_eq!(store.number("SELECT count() FROM {db}.otel_traces").await, 3);
    // The view writes a row for each trace and block: two days, two blocks.
    assert_eq!(store.number("SELECT count() FROM {db}.otel_traces_trace_id_ts").await, 2);
}

#[tokio::test]
async fn a_delivery_that_failed_half_way_is_completed_and_nothing_is_doubled() {
    let store = Store::start().await;
    // A view of somebody else, which fails for the second of three days.
    store.query("CREATE TABLE {db}.other (Day UInt8) ENGINE = MergeTree ORDER BY Day").await;
    store
        .query(
            "CREATE MATERIALIZED VIEW {db}.other_mv TO {db}.other AS SELECT throwIf(toDate(Timestamp) = '2026-01-02') AS Day FROM {db}.otel_traces",
        )
        .await;
    let requests = [spans(&[START, START + DAY, START + 2 * DAY])];
    let error = store.try_deliver(&requests, 7).await.unwrap_err();
    assert!(matches!(error, ExportError::Retryable { .. }), "{error:?}");
    store.query("DROP TABLE {db}.other_mv").await;
    store.try_deliver(&requests, 7).await.unwrap();
    assert_eq!(store.number("SELECT count() FROM {db}.otel_traces").await, 3);
    assert_eq!(store.number("SELECT uniqExact(SpanId) FROM {db}.otel_traces").await, 3);
    assert_eq!(store.number("SELECT count() FROM {db}.otel_traces_trace_id_ts").await, 3);
}

#[tokio::test]
async fn a_server_that_is_gone_is_tried_again_and_stops_a_start_that_makes_tables() {
    use chaperone_testkit::clickhouse::ClickHouse;
    let server = ClickHouse::start().unwrap();
    let store = Store::at(&server.url(), "");
    store.try_start().await.unwrap();
    store.try_deliver(&[spans(&[START])], 1).await.unwrap();
    let url = server.url();
    drop(server);
    let error = store.try_deliver(&[spans(&[START])], 2).await.unwrap_err();
    assert!(matches!(error, ExportError::Retryable { .. }), "{error:?}");
    let error = Store::at(&url, "").try_start().await.unwrap_err();
    assert!(error.message.contains("cannot make the tables in ClickHouse"), "{}", error.message);
}

#[tokio::test]
async fn equal_spans_of_another_batch_are_stored_again() {
    let store = Store::start().await;
    store.try_deliver(&[spans(&[START])], 1).await.unwrap();
    store.try_deliver(&[spans(&[START])], 2).await.unwrap();
    assert_eq!(store.number("SELECT count() FROM {db}.otel_traces").await, 2);
    assert_eq!(store.number("SELECT count() FROM {db}.otel_traces_trace_id_ts").await, 2);
}

#[tokio::test]
async fn each_day_is_one_part() {
    let store = Store::start().await;
    store.deliver(&[spans(&[START, START + DAY, START + 2 * DAY, START + DAY])]).await;
    let parts = "SELECT partition, rows FROM system.parts WHERE database = '{db}' AND table = 'otel_traces' AND active";
    let found: Vec<(Json, Json)> =
        store.rows(parts).await.iter().map(|row| (row.get("partition").clone(), row.get("rows").clone())).collect();
    let expected = [("2026-01-01", 1), ("2026-01-02", 2), ("2026-01-03", 1)];
    assert_eq!(found, expected.map(|(day, rows)| (Json::from(day), Json::Uint(rows))));
}

#[tokio::test]
async fn a_large_block_is_stored_as_one_part_and_once() {
    let store = Store::start().await;
    let starts: Vec<u64> = (0..2_500).map(|i| START + i).collect();
    let requests: Vec<Data> = (0..20).map(|_| spans(&starts)).collect();
    for _ in 0..2 {
        store.try_deliver(&requests, 7).await.unwrap();
    }
    assert_eq!(store.number("SELECT count() FROM {db}.otel_traces").await, 50_000);
    let parts = "SELECT count() FROM system.parts WHERE database = '{db}' AND table = 'otel_traces'";
    assert_eq!(store.number(parts).await, 1);
    assert_eq!(store.number("SELECT count() FROM {db}.otel_traces_trace_id_ts").await, 1);
}

#[tokio::test]
async fn a_table_that_lacks_columns_gets_those_it_has() {
    let store = Store::build("");
    store.query("CREATE DATABASE {db}").await;
    store
        .query(
            "CREATE TABLE {db}.otel_traces (Timestamp DateTime64(9), TraceId String, SpanId String, Duration Int64, Mine UInt8 DEFAULT 7) \
             ENGINE = MergeTree PARTITION BY toDate(Timestamp) ORDER BY Timestamp",
        )
        .await;
    store.try_start().await.unwrap();
    store.deliver(&[spans(&[START])]).await;
    let rows = store.rows("SELECT SpanId, Duration, Mine FROM {db}.otel_traces").await;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get("SpanId"), &Json::from("0000000000000001"));
    assert_eq!(rows[0].get("Duration"), &Json::Uint(5));
    assert_eq!(rows[0].get("Mine"), &Json::Uint(7));
}

#[tokio::test]
async fn without_create_schema_the_exporter_waits_for_tables() {
    let store = Store::build("create_schema: false");
    store.try_start().await.unwrap();
    let error = store.try_deliver(&[spans(&[START])], 1).await.unwrap_err();
    assert!(matches!(error, ExportError::Retryable { .. }), "{error:?}");
    let other = Store::start().await;
    store.query("CREATE DATABASE {db}").await;
    for table in ["otel_traces", "agent_llm_calls"] {
        store.query(&format!("CREATE TABLE {{db}}.{table} AS {}.{table}", other.database)).await;
    }
    store.try_deliver(&[spans(&[START])], 1).await.unwrap();
    assert_eq!(store.number("SELECT count() FROM {db}.otel_traces").await, 1);
}

#[tokio::test]
async fn a_dropped_table_is_tried_again() {
    let store = Store::start().await;
    store.query("DROP TABLE {db}.otel_traces_trace_id_ts_mv").await;
    store.query("DROP TABLE {db}.otel_traces").await;
    let error = store.try_deliver(&[spans(&[START])], 1).await.unwrap_err();
    assert!(matches!(&error, ExportError::Retryable { .. }), "{error:?}");
    assert!(error.to_string().contains("code 60"), "{error}");
}

#[tokio::test]
async fn a_user_with_a_password_may_write_and_a_wrong_password_stops_the_start() {
    use chaperone_testkit::clickhouse::ClickHouse;
    let login = |password: &str| format!("username: {}\npassword: {password}", ClickHouse::USER);
    Store::build(&login(ClickHouse::PASSWORD)).try_start().await.unwrap();
    let error = Store::build(&login("wrong")).try_start().await.unwrap_err();
    assert!(error.source.unwrap().to_string().contains("516"));
}

#[tokio::test]
async fn a_ttl_is_written_into_the_tables_it_makes() {
    let store = Store::build("ttl: 720h");
    store.try_start().await.unwrap();
    let table = store.query("SHOW CREATE TABLE {db}.otel_traces").await;
    assert!(table.contains("TTL toDateTime(Timestamp) + toIntervalDay(30)"), "{table}");
}

#[tokio::test]
async fn uncompressed_blocks_arrive_as_well() {
    let store = Store::build("compress: none");
    store.try_start().await.unwrap();
    store.deliver(&[spans(&[START])]).await;
    assert_eq!(store.number("SELECT count() FROM {db}.otel_traces").await, 1);
}

/// What the exporter says at its start about repeated deliveries.
async fn said_at_start(store: &Store) -> String {
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    store.try_start().await.unwrap();
    drop(guard);
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    text.lines().filter(|line| line.contains("exactly once")).collect()
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_exporter_says_at_start_whether_it_stores_exactly_once() {
    let said = said_at_start(&Store::build("")).await;
    assert!(said.contains("exactly once: yes"), "{said}");
}

#[tokio::test]
async fn it_says_which_tables_forget_what_was_stored() {
    let store = Store::build("");
    store.query("CREATE DATABASE {db}").await;
    // A look-up that somebody made without a window of tokens, behind the view.
    store
        .query("CREATE TABLE {db}.otel_traces_trace_id_ts (TraceId String, Start DateTime, End DateTime) ENGINE = MergeTree ORDER BY TraceId")
        .await;
    let said = said_at_start(&store).await;
    let expected = format!("`{}`.`otel_traces_trace_id_ts` keeps the tokens of 0 blocks", store.database);
    assert!(said.contains("exactly once: no") && said.contains(&expected), "{said}");
}
