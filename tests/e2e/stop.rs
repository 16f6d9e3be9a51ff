//! Starting and stopping: what is wrong is said, and what was acknowledged is stored before the end.

use crate::start;
use crate::walk::generate;
use anyhow::Result;
use chaperone_testkit::collector::Collector;
use rusqlite::{Connection, OpenFlags};

#[test]
fn what_was_acknowledged_is_stored_when_the_collector_is_asked_to_end() -> Result<()> {
    let mut collector = start(&[])?;
    generate("normal", &collector.otlp_http()?)?;
    let status = collector.stop()?;
    assert!(status.success(), "ended with {status}:\n{}", collector.output().join("\n"));
    let database = collector.file("data/chaperone.db");
    let connection = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let count = |query: &str| connection.query_row(query, [], |row| row.get::<_, i64>(0));
    let traces = count("SELECT count(DISTINCT trace_id) FROM llm_calls")?;
    assert!(traces > 0, "model calls were acknowledged and are not stored");
    assert_eq!(count("SELECT count(*) FROM runs")?, traces, "open runs are closed at the end");
    Ok(())
}

#[test]
fn a_port_that_is_taken_is_said_clearly() -> Result<()> {
    let taken = std::net::TcpListener::bind("127.0.0.1:0")?;
    let endpoint = format!("receivers.otlp.protocols.http.endpoint={}", taken.local_addr()?);
    let sets = ["receivers.otlp.protocols.grpc.endpoint=127.0.0.1:0", "exporters.prometheus.endpoint=127.0.0.1:0", &endpoint];
    let started = Collector::start(env!("CARGO_BIN_EXE_chaperone"), crate::DEFAULT_CONFIG, &sets);
    let error = format!("{:#}", started.err().expect("it must not start"));
    assert!(error.contains(&taken.local_addr()?.to_string()), "{error}");
    Ok(())
}
