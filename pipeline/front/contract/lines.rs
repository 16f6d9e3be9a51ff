//! 2.2 and 2.3: the lines that operators look for in the log.

use super::*;
use crate::Outcome;

async fn said(front: &str, answers: Vec<Answer>) -> Vec<String> {
    let book = LogBook::open();
    let house = with(front).await;
    house.script("net").say(answers);
    house.send(3).await;
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    house.shutdown(Duration::from_secs(1)).await;
    book.with("Exporting failed.")
}

#[tokio::test(start_paused = true)]
async fn r2_2_10_a_failure_that_is_repeated_is_told_with_the_pause() {
    let lines = said(&format!("{SINGLE}, retry_on_failure: {{randomization_factor: 0}}"), later(1)).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in ["INFO ", "message=Exporting failed. Will retry the request after interval.", " error=busy", " interval=5s"] {
        assert!(lines[0].contains(part), "{part} is not in {lines:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn r2_2_11_data_that_are_dropped_are_told_with_their_number() {
    let lines = said(SINGLE, vec![Answer::Never]).await;
    assert_eq!(lines.len(), 1, "{lines:?}");
    let error = " error=not retryable error: Permanent error: bad data";
    for part in ["ERROR ", "message=Exporting failed. Dropping data.", error, " dropped_items=3"] {
        assert!(lines[0].contains(part), "{part} is not in {lines:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn r2_2_12_data_whose_sender_hears_of_it_are_rejected_and_the_line_says_what_would_help() {
    let off = "sending_queue: {enabled: false}";
    let lines = said(off, vec![Answer::Never]).await;
    assert!(lines[0].contains(" rejected_items=3") && lines[0].contains("Exporting failed. Rejecting data."), "{lines:?}");
    assert!(
        lines[0].contains("Rejecting data. Try enabling sending_queue to survive temporary failures. exporter="),
        "{lines:?}"
    );
    let lines = said(&format!("{off}, retry_on_failure: {{enabled: false}}"), later(1)).await;
    let hint = "Try enabling retry_on_failure config option to retry on retryable errors. Try enabling sending_queue";
    assert!(lines.len() == 1 && lines[0].contains(hint), "{lines:?}");
    let lines = said("sending_queue: {wait_for_result: true}", vec![Answer::Never]).await;
    assert!(lines[0].contains("Rejecting data.") && !lines[0].contains("Try enabling"), "{lines:?}");
}

#[tokio::test(start_paused = true)]
async fn r2_3_15_a_full_queue_is_told_and_a_flood_of_lines_is_thinned_out() {
    let book = LogBook::open();
    let house = with("sending_queue: {queue_size: 1}").await;
    house.script("net").say([Answer::Gate]);
    assert_eq!(house.send(1).await, Outcome::Ok);
    for _ in 0..200 {
        assert_eq!(house.send(2).await, Outcome::retryable("sending queue is full"));
    }
    let lines = book.with("Exporting failed. Rejecting data.");
    assert_eq!(lines.len(), 11, "ten and the hundredth after them");
    assert!(lines[0].contains(" error=sending queue is full") && lines[0].contains(" rejected_items=2"), "{lines:?}");
    house.script("net").gate.add_permits(1);
    house.shutdown(Duration::from_secs(1)).await;
}
