//! `agent_llm_calls` of agents that call one tool for ever: captures through the processors that understand them.

use crate::json::Json;
use crate::pipeline::Pipeline;
use crate::support::{query, rows};
use chaperone_testkit::corpus;

/// The frameworks' own loops, in three dialects, by two providers.
const LOOPS: [&str; 6] = [
    "otel-openai-v2-loop",
    "otel-anthropic-loop",
    "openinference-openai-loop",
    "openinference-anthropic-loop",
    "openllmetry-openai-loop",
    "openllmetry-anthropic-loop",
];

const ENRICHING: [&str; 3] = ["gen_ai_normalizer", "gen_ai_steps", "gen_ai_cost"];

#[tokio::test]
async fn calls_and_tokens_of_real_loops_equal_their_ground_truth() {
    for name in LOOPS {
        let capture = corpus::load(name).unwrap();
        let pipeline = Pipeline::start(&ENRICHING).await;
        for request in capture.requests.iter().filter(|request| request.signal != "metrics") {
            pipeline.submit(request.signal, request.body.clone(), request.json).await;
        }
        let totals = capture.totals();
        let expected =
            ["llm_ok", "prompt_tokens_incl_cache", "output_tokens_incl_reasoning"].map(|field| totals[field].as_u64().unwrap());
        let sums = "SELECT sumIf(Requests, NOT IsError), sum(InputTokens), sum(OutputTokens) FROM {db}.agent_llm_calls FINAL \
                    WHERE UsageScope = 'self' AND UsageSource != 'missing' FORMAT TSV";
        let found: Vec<u64> =
            query(&pipeline.database, sums).await.split_whitespace().map(|number| number.parse().unwrap()).collect();
        assert_eq!(found, expected, "{name}");
        // One run, priced, by one agent: the service, where the framework names none.
        let facts = rows(
            &pipeline.database,
            "SELECT DISTINCT RunId != '' AS run, AgentName != '' AS agent, CostSource, CostUsd > 0 AS priced FROM {db}.agent_llm_calls FINAL \
             WHERE UsageScope = 'self' AND UsageSource != 'missing'",
        );
        let expected: Json = serde_json::from_str(r#"{"run":1,"agent":1,"CostSource":"computed","priced":1}"#).unwrap();
        assert_eq!(facts.await, [expected], "{name}");
        pipeline.stop().await;
    }
}
