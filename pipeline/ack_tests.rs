use super::*;
use std::sync::mpsc::{Receiver, sync_channel};

fn request() -> (Ack, Receiver<Outcome>, Counter) {
    let (sent, received) = sync_channel(4);
    let lost = Counter::default();
    let done = move |outcome| sent.send(outcome).expect("the test still listens");
    (Ack::with_reservations(done, lost.clone(), Vec::new()), received, lost)
}

#[test]
fn one_share_gives_the_outcome_of_the_request() {
    let (ack, outcome, _) = request();
    ack.resolve(Outcome::Ok);
    assert_eq!(outcome.try_recv(), Ok(Outcome::Ok));
}

#[test]
fn a_request_is_done_only_when_its_last_share_is_resolved() {
    let (ack, outcome, _) = request();
    let second = ack.share();
    ack.resolve(Outcome::Ok);
    assert!(outcome.try_recv().is_err());
    second.resolve(Outcome::Ok);
    assert_eq!(outcome.try_recv(), Ok(Outcome::Ok));
    assert!(outcome.try_recv().is_err(), "done runs once");
}

#[test]
fn the_worst_outcome_wins_in_any_order() {
    let all = [Outcome::Ok, Outcome::retryable("later"), Outcome::permanent("never")];
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        let (ack, outcome, _) = request();
        let shares = [ack.share(), ack.share(), ack];
        for (share, i) in shares.into_iter().zip(order) {
            share.resolve(all[i].clone());
        }
        assert_eq!(outcome.try_recv(), Ok(Outcome::permanent("never")), "order {order:?}");
    }
}

#[test]
fn of_two_retryable_shares_the_longer_pause_counts() {
    let (ack, outcome, _) = request();
    let second = ack.share();
    ack.resolve(Outcome::Retryable { message: "a".into(), after: Some(Duration::from_secs(1)) });
    second.resolve(Outcome::Retryable { message: "b".into(), after: Some(Duration::from_secs(3)) });
    assert_eq!(outcome.try_recv(), Ok(Outcome::Retryable { message: "a".into(), after: Some(Duration::from_secs(3)) }));
}

#[test]
fn a_lost_share_makes_the_request_retryable_and_is_counted() {
    let (ack, outcome, lost) = request();
    drop(ack.share());
    ack.resolve(Outcome::Ok);
    assert!(matches!(outcome.try_recv(), Ok(Outcome::Retryable { .. })));
    assert_eq!(lost.get(), 1);
}

#[test]
fn a_merged_share_gives_its_outcome_to_every_request() {
    let (first, of_first, _) = request();
    let (second, of_second, _) = request();
    let merged = Ack::merge(vec![first, second]);
    let split = merged.share();
    merged.resolve(Outcome::Ok);
    assert!(of_first.try_recv().is_err());
    split.resolve(Outcome::retryable("full"));
    assert_eq!(of_first.try_recv(), Ok(Outcome::retryable("full")));
    assert_eq!(of_second.try_recv(), Ok(Outcome::retryable("full")));
}

#[test]
fn a_lost_merged_share_is_counted_once() {
    let (first, of_first, lost) = request();
    let (second, of_second, _) = request();
    drop(Ack::merge(vec![first, second]));
    assert!(matches!(of_first.try_recv(), Ok(Outcome::Retryable { .. })));
    assert!(matches!(of_second.try_recv(), Ok(Outcome::Retryable { .. })));
    assert_eq!(lost.get(), 1);
}

#[test]
fn shares_resolved_on_several_threads_give_one_outcome() {
    let (ack, outcome, _) = request();
    std::thread::scope(|scope| {
        for i in 0..8 {
            let share = ack.share();
            scope.spawn(move || share.resolve(if i == 5 { Outcome::retryable("five") } else { Outcome::Ok }));
        }
        ack.resolve(Outcome::Ok);
    });
    assert_eq!(outcome.try_recv(), Ok(Outcome::retryable("five")));
    assert!(outcome.try_recv().is_err());
}
