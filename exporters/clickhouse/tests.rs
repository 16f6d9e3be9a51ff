//! Blocks of a delivery, without a server: how it is cut, and that it is cut the same way every time.

use super::blocks::{Limits, Prepared, prepare};
use super::tables::{Table, Tables};
use super::token;
use chaperone_pipeline::{Batch, Chunk};
use chaperone_proto::{Data, Limits as Decoding, Signal};

const DAY: u64 = 86_400_000_000_000;

/// One request with a span for each start time; each carries a text of so many bytes.
fn chunk(starts: &[u64], bytes: usize) -> Chunk {
    chaperone_genai::keys::install();
    let text = "x".repeat(bytes);
    let spans: Vec<String> = starts
        .iter()
        .map(|start| {
            format!(
                r#"{{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"00000000000000a1","name":"s","startTimeUnixNano":"{start}",
                "attributes":[{{"key":"text","value":{{"stringValue":"{text}"}}}}]}}"#
            )
        })
        .collect();
    let body = format!(r#"{{"resourceSpans":[{{"scopeSpans":[{{"spans":[{}]}}]}}]}}"#, spans.join(","));
    Chunk::encode(&Batch::new(Data::decode_json(Signal::Traces, body.as_bytes(), &Decoding::default()).unwrap()))
}

fn blocks(chunks: &[Chunk], limits: Limits) -> Vec<Prepared> {
    prepare(chunks, &Tables::with_all_columns(), limits).blocks
}

fn places(blocks: &[Prepared]) -> Vec<(u64, u32, usize)> {
    blocks.iter().map(|block| (block.day, block.number, block.rows)).collect()
}

#[test]
fn a_delivery_is_one_block_a_day() {
    let chunks = [chunk(&[1, 2 * DAY], 1), chunk(&[DAY, 2 * DAY + 1, 5], 1)];
    let blocks = blocks(&chunks, Limits::default());
    assert_eq!(places(&blocks), [(0, 0, 2), (1, 0, 1), (2, 0, 2)]);
    assert!(blocks.iter().all(|block| block.table == Table::Traces));
}

#[test]
fn a_day_over_a_limit_is_several_blocks_with_tokens_of_their_own() {
    let spans = [chunk(&[1, 2, 3, 4, 5], 100)];
    let by_rows = blocks(&spans, Limits { rows: 2, bytes: usize::MAX });
    assert_eq!(places(&by_rows), [(0, 0, 2), (0, 1, 2), (0, 2, 1)]);
    let by_bytes = blocks(&spans, Limits { rows: usize::MAX, bytes: 600 });
    assert_eq!(by_bytes.iter().map(|block| block.rows).sum::<usize>(), 5);
    assert!(by_bytes.len() > 1);
    let mut tokens: Vec<String> = by_rows.iter().map(|block| token(1, "otel_traces", block)).collect();
    tokens.extend(by_rows.iter().map(|block| token(2, "otel_traces", block)));
    tokens.extend(by_rows.iter().map(|block| token(1, "other", block)));
    tokens.sort();
    tokens.dedup();
    assert_eq!(tokens.len(), 9);
}

#[test]
fn the_same_chunks_give_the_same_bytes() {
    let chunks = [chunk(&[1, DAY, 2], 10), chunk(&[DAY + 1], 300)];
    let first = blocks(&chunks, Limits::default());
    let second = blocks(&chunks, Limits::default());
    assert_eq!(first.len(), 2);
    for (first, second) in first.iter().zip(&second) {
        assert_eq!(first.bytes, second.bytes);
        assert_eq!(token(7, "t", first), token(7, "t", second));
    }
}

#[test]
fn a_chunk_that_cannot_be_read_is_rejected_and_the_others_are_kept() {
    let mut broken = chunk(&[1, 2], 1);
    broken.body = vec![vec![0x0a, 0x7f].into()];
    let delivery = prepare(&[broken, chunk(&[3], 1)], &Tables::with_all_columns(), Limits::default());
    assert_eq!(delivery.rejected, 2);
    assert!(delivery.message.is_some());
    assert_eq!(places(&delivery.blocks), [(0, 0, 1)]);
}
