-- Views for people: times as text, money summed, only what counts.

CREATE VIEW runs_overview AS
SELECT
    strftime('%Y-%m-%d %H:%M:%S', start_ns / 1000000000, 'unixepoch') AS started,
    agent_name AS agent,
    status,
    round(duration_ns / 1e9, 3) AS seconds,
    llm_calls,
    tool_calls,
    errors,
    input_tokens,
    output_tokens,
    round(cost_usd, 6) AS cost_usd,
    cost_is_lower_bound,
    models,
    findings,
    run_id
FROM runs
ORDER BY start_ns DESC;

CREATE VIEW cost_by_model AS
SELECT
    date(timestamp_ns / 1000000000, 'unixepoch') AS day,
    agent_name AS agent,
    provider,
    CASE response_model WHEN '' THEN request_model ELSE response_model END AS model,
    sum(requests) AS calls,
    sum(input_tokens) AS input_tokens,
    sum(output_tokens) AS output_tokens,
    round(sum(cost_usd), 6) AS cost_usd,
    sum(cost_source = 'unpriced') AS unpriced_calls
FROM llm_calls
WHERE usage_scope = 'self'
GROUP BY 1, 2, 3, 4;

CREATE VIEW alerts_now AS
SELECT
    alert_id,
    rule,
    state,
    severity,
    agent_name AS agent,
    run_id,
    strftime('%Y-%m-%d %H:%M:%S', at_ns / 1000000000, 'unixepoch') AS since,
    json_extract(annotations, '$.summary') AS summary
FROM (SELECT *, row_number() OVER (PARTITION BY alert_id ORDER BY at_ns DESC, seq DESC) AS latest FROM alerts)
WHERE latest = 1;
