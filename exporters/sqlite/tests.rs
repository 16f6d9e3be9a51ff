//! The exporter over a real file, read back through a connection of its own.

use super::*;
use chaperone_genai::keys;
use chaperone_pipeline::{Batch, Clock, MemoryStorage, Now};
use chaperone_proto::{Data, Limits, LogsBuilder, Traces, Value, ValueIn};
use chaperone_store::{Row, rows};
use rusqlite::Connection;
use std::time::Duration;

const SPAN_START: u64 = 1_767_225_600_000_000_000;

struct Store {
    folder: tempfile::TempDir,
    exporter: Arc<dyn Exporter>,
}

impl Store {
    async fn start() -> Store {
        keys::install();
        let folder = tempfile::tempdir().unwrap();
        let exporter = start_at(folder.path().join("below/chaperone.db").to_str().unwrap()).await.unwrap();
        Store { folder, exporter }
    }
    async fn export(&self, data: Data) -> Exported {
        let chunks = [Chunk::encode(&Batch::new(data))];
        self.exporter.export(&chunks, context()).await.unwrap()
    }
    fn read<T: rusqlite::types::FromSql>(&self, sql: &str) -> T {
        let connection = Connection::open(self.folder.path().join("below/chaperone.db")).unwrap();
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

async fn start_at(path: &str) -> Result<Arc<dyn Exporter>, StartError> {
    let clock = Clock::manual(SPAN_START);
    let config = Config { path: path.to_owned(), ..Config::default() };
    let exporter = Sqlite::build(config, &BuildContext::for_tests("sqlite", clock.clone())).unwrap();
    exporter.start(&Host::for_tests(clock, Arc::new(MemoryStorage::default()))).await?;
    Ok(exporter)
}

fn context() -> ExportContext {
    ExportContext { batch_id: 1, attempt: 1, timeout: Duration::from_secs(5), now: Now::default() }
}

/// One span of a call: 1000 input tokens (200 of them read from a cache), 50 output tokens, 0.0125 USD.
fn call(resent: bool) -> Data {
    let body = format!(
        r#"{{"resourceSpans":[{{"resource":{{"attributes":[{{"key":"service.name","value":{{"stringValue":"shop"}}}},
        {{"key":"deployment.environment.name","value":{{"stringValue":"prod"}}}}]}},"scopeSpans":[{{"spans":[{{
        "traceId":"5b8efff798038103d269b633813fc60c","spanId":"00000000000000a1","name":"chat m",
        "startTimeUnixNano":"{SPAN_START}","endTimeUnixNano":"{}","status":{{"code":2}},"attributes":[
        {{"key":"chaperone.step.kind","value":{{"stringValue":"llm"}}}},
        {{"key":"gen_ai.response.model","value":{{"stringValue":"m-1"}}}},
        {{"key":"gen_ai.usage.input_tokens","value":{{"intValue":"1000"}}}},
        {{"key":"gen_ai.usage.cache_read.input_tokens","value":{{"intValue":"200"}}}},
        {{"key":"gen_ai.usage.output_tokens","value":{{"intValue":"50"}}}},
        {{"key":"chaperone.usage.scope","value":{{"stringValue":"self"}}}},
        {{"key":"chaperone.usage.resent","value":{{"boolValue":{resent}}}}},
        {{"key":"chaperone.cost.total","value":{{"doubleValue":0.0125}}}},
        {{"key":"chaperone.cost.source","value":{{"stringValue":"computed"}}}}],
        "events":[
        {{"timeUnixNano":"5","name":"chaperone.tool_call","attributes":[
          {{"key":"gen_ai.tool.name","value":{{"stringValue":"search"}}}},{{"key":"gen_ai.tool.call.id","value":{{"stringValue":"c1"}}}},
          {{"key":"chaperone.tool.source","value":{{"stringValue":"requested"}}}}]}},
        {{"timeUnixNano":"6","name":"chaperone.tool_call","attributes":[
          {{"key":"gen_ai.tool.name","value":{{"stringValue":"search"}}}},
          {{"key":"chaperone.tool.source","value":{{"stringValue":"requested"}}}}]}}]
        }}]}}]}}]}}"#,
        SPAN_START + 2_000_000_000
    );
    Data::Traces(Traces::decode_json(body.as_bytes(), &Limits::default()).unwrap())
}

fn run(version: i64, status: &str) -> Data {
    let mut logs = LogsBuilder::new(&[("service.name", ValueIn::Str("shop"))], "agent_runs");
    logs.record(SPAN_START)
        .event_name("chaperone.run")
        .attr(keys::CHAPERONE_RUN_ID, "r1")
        .attr(keys::CHAPERONE_RUN_VERSION, version)
        .attr(keys::CHAPERONE_RUN_STATUS, status)
        .attr(keys::CHAPERONE_RUN_START, SPAN_START as i64)
        .attr(keys::CHAPERONE_RUN_END, SPAN_START as i64 + 3_000_000_000)
        .attr(keys::CHAPERONE_RUN_COST, 0.25)
        .attr(keys::CHAPERONE_RUN_LLM_CALLS, 12)
        .attr(keys::CHAPERONE_RUN_MODELS, ["m-1", "m-2"].as_slice());
    Data::Logs(logs.finish())
}

#[tokio::test]
async fn a_call_is_stored_with_its_buckets_cost_and_requested_tools() {
    let store = Store::start().await;
    assert_eq!(store.export(call(false)).await, Exported::default());
    let text: String = store.read(
        "SELECT agent_name || '|' || environment || '|' || signal || '|' || trace_id || '|' || run_id || '|' || cost_source FROM llm_calls",
    );
    assert_eq!(text, "shop|prod|span|5b8efff798038103d269b633813fc60c|5b8efff798038103d269b633813fc60c|computed");
    assert_eq!(store.read::<i64>("SELECT input_tokens FROM llm_calls"), 1000);
    assert_eq!(store.read::<i64>("SELECT uncached_tokens FROM llm_calls"), 800);
    assert_eq!(store.read::<i64>("SELECT duration_ns FROM llm_calls"), 2_000_000_000);
    assert!(store.read::<bool>("SELECT is_error FROM llm_calls"));
    assert_eq!(store.read::<f64>("SELECT cost_usd FROM llm_calls"), 0.0125);
    assert_eq!(store.read::<i64>("SELECT count(*) FROM tool_calls WHERE source = 'requested' AND tool_name = 'search'"), 2);
}

#[tokio::test]
async fn what_is_sent_twice_is_stored_once_and_the_first_copy_stays() {
    let store = Store::start().await;
    store.export(call(false)).await;
    store.export(call(false)).await;
    store.export(call(true)).await;
    assert_eq!(store.read::<i64>("SELECT count(*) FROM llm_calls"), 1);
    assert!(!store.read::<bool>("SELECT resent FROM llm_calls"));
    assert_eq!(store.read::<i64>("SELECT count(*) FROM tool_calls"), 2);
}

#[tokio::test]
async fn a_resent_copy_counts_when_the_first_never_came() {
    let store = Store::start().await;
    store.export(call(true)).await;
    assert_eq!(store.read::<i64>("SELECT sum(output_tokens) FROM llm_calls WHERE usage_scope = 'self'"), 50);
}

#[tokio::test]
async fn the_greatest_version_of_a_run_wins_in_any_order() {
    let store = Store::start().await;
    store.export(run(2, "failure")).await;
    store.export(run(1, "running")).await;
    assert_eq!(store.read::<i64>("SELECT count(*) FROM runs"), 1);
    assert_eq!(store.read::<String>("SELECT status FROM runs"), "failure");
    assert_eq!(store.read::<String>("SELECT models FROM runs_overview"), r#"["m-1","m-2"]"#);
    assert_eq!(store.read::<String>("SELECT started FROM runs_overview"), "2026-01-01 00:00:00");
    assert_eq!(store.read::<f64>("SELECT cost_usd FROM runs_overview"), 0.25);
}

#[tokio::test]
async fn findings_alerts_and_deliveries_have_a_row_each() {
    let store = Store::start().await;
    let mut logs = LogsBuilder::new(&[], "test");
    let key =
        Value::Map(vec![("agent".to_owned(), Value::Str("planner".to_owned())), ("run".to_owned(), Value::Str("r1".to_owned()))]);
    for count in [3, 12, 5] {
        logs.record(SPAN_START)
            .event_name("chaperone.finding")
            .attr(keys::CHAPERONE_FINDING_ID, "f1")
            .attr(keys::CHAPERONE_FINDING_DETECTOR, "loop")
            .attr(keys::CHAPERONE_FINDING_SEVERITY, "high")
            .attr(keys::CHAPERONE_FINDING_COUNT, count)
            .attr(keys::CHAPERONE_FINDING_KEY, &key);
    }
    for (seq, state) in [(1, "pending"), (2, "firing"), (2, "firing"), (3, "resolved")] {
        logs.record(SPAN_START + seq as u64)
            .event_name("chaperone.alert")
            .attr(keys::CHAPERONE_ALERT_ID, "a1")
            .attr(keys::CHAPERONE_ALERT_STATE, state)
            .attr(keys::CHAPERONE_ALERT_SEQ, seq)
            .attr(keys::CHAPERONE_ALERT_IDEMPOTENCY_KEY, format!("a1/{state}/{seq}").as_str());
    }
    for attempt in [1, 2] {
        logs.record(SPAN_START)
            .event_name("chaperone.notification")
            .attr(keys::CHAPERONE_NOTIFICATION_ALERT_ID, "a1")
            .attr(keys::CHAPERONE_NOTIFICATION_CHANNEL, "webhook")
            .attr(keys::CHAPERONE_NOTIFICATION_ATTEMPT, attempt)
            .attr(keys::CHAPERONE_NOTIFICATION_LATENCY, 0.25);
    }
    let logs = Data::Logs(logs.finish());
    store.export(logs.clone()).await;
    store.export(logs).await;
    assert_eq!(store.read::<i64>("SELECT count FROM findings WHERE agent_name = 'planner' AND run_id = 'r1'"), 12);
    assert_eq!(store.read::<i64>("SELECT count(*) FROM alerts"), 3);
    assert_eq!(store.read::<String>("SELECT state FROM alerts_now"), "resolved");
    assert_eq!(store.read::<i64>("SELECT count(*) FROM notifications"), 2);
    assert_eq!(store.read::<i64>("SELECT sum(latency_ms) FROM notifications"), 500);
}

#[tokio::test]
async fn a_chunk_that_cannot_be_read_is_rejected_and_the_others_are_stored() {
    let store = Store::start().await;
    let mut broken = Chunk::encode(&Batch::new(call(false)));
    broken.body = vec![vec![0x0a, 0x7f].into()];
    let chunks = [broken, Chunk::encode(&Batch::new(call(false)))];
    let exported = store.exporter.export(&chunks, context()).await.unwrap();
    assert_eq!(exported.rejected, 1);
    assert_eq!(store.read::<i64>("SELECT count(*) FROM llm_calls"), 1);
}

#[tokio::test]
async fn a_file_of_a_newer_version_stops_the_start() {
    let store = Store::start().await;
    let path = store.folder.path().join("below/chaperone.db");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = start_at(path.to_str().unwrap()).await.err().unwrap();
    assert!(error.source.unwrap().to_string().contains("its schema is 99"));
}

#[tokio::test]
async fn a_locked_file_is_tried_again() {
    let store = Store::start().await;
    let path = store.folder.path().join("below/chaperone.db");
    let clock = Clock::manual(SPAN_START);
    let config = Config { path: path.to_str().unwrap().to_owned(), busy_timeout: chaperone_config::Duration::from_millis(1) };
    let exporter = Sqlite::build(config, &BuildContext::for_tests("sqlite", clock.clone())).unwrap();
    exporter.start(&Host::for_tests(clock, Arc::new(MemoryStorage::default()))).await.unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = exporter.export(&[Chunk::encode(&Batch::new(call(false)))], context()).await.unwrap_err();
    assert!(matches!(error, ExportError::Retryable { .. }), "{error:?}");
    other.execute_batch("ROLLBACK").unwrap();
    exporter.export(&[Chunk::encode(&Batch::new(call(false)))], context()).await.unwrap();
    assert_eq!(store.read::<i64>("SELECT count(*) FROM llm_calls"), 1);
}

#[tokio::test]
async fn every_row_type_has_exactly_the_columns_of_its_table() {
    let store = Store::start().await;
    let connection = Connection::open(store.folder.path().join("below/chaperone.db")).unwrap();
    check::<rows::RunRow<'_>>(&connection);
    check::<rows::LlmCallRow<'_>>(&connection);
    check::<rows::ToolCallRow<'_>>(&connection);
    check::<rows::FindingRow<'_>>(&connection);
    check::<rows::AlertRow<'_>>(&connection);
    check::<rows::NotificationRow<'_>>(&connection);
}

fn check<R: Row>(connection: &Connection) {
    let mut statement = connection.prepare("SELECT name, type FROM pragma_table_info(?)").unwrap();
    let rows = statement.query_map([R::SQLITE_TABLE], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))).unwrap();
    let found: Vec<(String, String)> = rows.map(Result::unwrap).collect();
    let expected: Vec<(String, String)> = R::COLUMNS.iter().map(|c| (c.sqlite.to_owned(), c.sqlite_type.to_owned())).collect();
    assert_eq!(found, expected, "{}", R::SQLITE_TABLE);
}
