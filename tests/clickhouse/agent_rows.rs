//! `agent_llm_calls`: rows of enriched records, read back.

use crate::json::Json;
use crate::support::{Store, traces};
use chaperone_proto::Data;
use chaperone_store::{Row, rows::LlmCallRow};

/// An enriched call with every kind of column in use.
fn call() -> Data {
    traces(
        br#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}}]},
        "scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"00000000000000a1","name":"chat",
        "startTimeUnixNano":"1767225600123456789","endTimeUnixNano":"1767225602123456789","attributes":[
        {"key":"chaperone.step.kind","value":{"stringValue":"llm"}},
        {"key":"gen_ai.response.model","value":{"stringValue":"m-1"}},
        {"key":"gen_ai.usage.input_tokens","value":{"intValue":"1000"}},
        {"key":"gen_ai.usage.cache_read.input_tokens","value":{"intValue":"200"}},
        {"key":"chaperone.usage.raw","value":{"kvlistValue":{"values":[
          {"key":"prompt_tokens","value":{"intValue":"1000"}},{"key":"cached","value":{"intValue":"200"}}]}}},
        {"key":"gen_ai.response.time_to_first_chunk","value":{"doubleValue":0.25}},
        {"key":"gen_ai.response.finish_reasons","value":{"arrayValue":{"values":[{"stringValue":"stop"}]}}},
        {"key":"chaperone.cost.total","value":{"doubleValue":0.000123456789}},
        {"key":"chaperone.cost.source","value":{"stringValue":"computed"}},
        {"key":"chaperone.llm.context_ratio","value":{"doubleValue":0.5}},
        {"key":"chaperone.content.hash","value":{"stringValue":"000102030405060708090a0b0c0d0e0f"}},
        {"key":"chaperone.usage.resent","value":{"boolValue":true}}]}]}]}]}"#,
        true,
    )
}

#[tokio::test]
async fn a_call_is_read_back_as_it_was_enriched() {
    let store = Store::start().await;
    store.deliver(&[call()]).await;
    let rows = store
        .rows(
            "SELECT toString(Timestamp) AS Time, Signal, AgentName, ResponseModel, InputTokens, UncachedTokens, CacheReadTokens, UsageRaw, \
             TtftNs, DurationNs, FinishReason, toString(CostUsd) AS Cost, CostSource, UsageScope, Resent, FirstCopy, Measured, \
             toString(ContextUsedRatio) AS Ratio, lower(hex(PromptHash)) AS Prompt, Requests, AttemptNo, RunId FROM {db}.agent_llm_calls",
        )
        .await;
    let expected: Json = serde_json::from_str(
        r#"{"Time":"2026-01-01 00:00:00.123456789","Signal":"span","AgentName":"shop","ResponseModel":"m-1","InputTokens":1000,
        "UncachedTokens":800,"CacheReadTokens":200,"UsageRaw":{"cached":200,"prompt_tokens":1000},"TtftNs":250000000,
        "DurationNs":2000000000,"FinishReason":"stop","Cost":"0.000123456789","CostSource":"computed","UsageScope":"self",
        "Resent":true,"FirstCopy":0,"Measured":true,"Ratio":"0.5","Prompt":"000102030405060708090a0b0c0d0e0f","Requests":1,
        "AttemptNo":1,"RunId":"5b8efff798038103d269b633813fc60c"}"#,
    )
    .unwrap();
    assert_eq!(rows, [expected]);
}

#[tokio::test]
async fn a_plain_span_gives_no_call() {
    let store = Store::start().await;
    let body = br#"{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"5b8efff798038103d269b633813fc60c",
        "spanId":"00000000000000a1","name":"GET /","startTimeUnixNano":"1767225600123456789"}]}]}]}"#;
    store.deliver(&[traces(body, true)]).await;
    assert_eq!(store.number("SELECT count() FROM {db}.otel_traces").await, 1);
    assert_eq!(store.number("SELECT count() FROM {db}.agent_llm_calls").await, 0);
}

#[tokio::test]
async fn the_columns_of_the_row_have_the_types_of_the_table() {
    let store = Store::start().await;
    let columns = store.rows("SELECT name, type FROM system.columns WHERE database = '{db}' AND table = 'agent_llm_calls'").await;
    for column in LlmCallRow::COLUMNS {
        let found = columns.iter().find(|row| row.get("name") == &Json::from(column.clickhouse));
        let found = found.unwrap_or_else(|| panic!("the table has no `{}`", column.clickhouse));
        assert_eq!(found.get("type"), &Json::from(column.clickhouse_type), "{}", column.clickhouse);
    }
}
