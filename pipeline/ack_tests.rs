//! Rules of acknowledgement: one by one, and at random against a model.

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

/// A small generator, so that a failing sequence can be told by its number.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides
    }
}

/// Shares of several requests are split, merged, resolved and lost at random; a model knows for every live share which
/// requests it stands for.
#[test]
fn every_request_gets_one_outcome_and_it_is_the_worst_of_all_that_stood_for_it() {
    const REQUESTS: usize = 3;
    for seed in 0..3000 {
        let mut dice = Dice(seed);
        let told: Arc<Mutex<Vec<Vec<Outcome>>>> = Arc::new(Mutex::new(vec![Vec::new(); REQUESTS]));
        let mut worst = vec![Outcome::Ok; REQUESTS];
        // Each live share with the requests it stands for.
        let mut live: Vec<(Ack, Vec<usize>)> = Vec::new();
        for request in 0..REQUESTS {
            let told = Arc::clone(&told);
            live.push((Ack::new(move |outcome| told.lock().unwrap()[request].push(outcome)), vec![request]));
        }
        for step in 0..40 {
            if live.is_empty() {
                break;
            }
            let at = dice.roll(live.len());
            match dice.roll(if step < 30 { 5 } else { 2 }) {
                0 | 1 => {
                    let (ack, of) = live.swap_remove(at);
                    let outcome = match dice.roll(6) {
                        0 => Outcome::permanent("p"),
                        1 => Outcome::retryable("r"),
                        _ => Outcome::Ok,
                    };
                    let lost = dice.roll(12) == 0;
                    let counts = if lost { Outcome::retryable("lost") } else { outcome.clone() };
                    for request in &of {
                        worst[*request] = worst[*request].clone().or_worse(counts.clone());
                    }
                    if lost { drop(ack) } else { ack.resolve(outcome) }
                }
                2 | 3 => {
                    let (ack, of) = &live[at];
                    let share = (ack.share(), of.clone());
                    live.push(share);
                }
                _ => {
                    let count = 1 + dice.roll(live.len());
                    let (acks, of): (Vec<Ack>, Vec<Vec<usize>>) = live.drain(..count).unzip();
                    live.push((Ack::merge(acks), of.concat()));
                }
            }
            for request in 0..REQUESTS {
                let open = live.iter().any(|(_, of)| of.contains(&request));
                let count = told.lock().unwrap()[request].len();
                assert_eq!(count, usize::from(!open), "seed {seed}, step {step}, request {request}");
            }
        }
        for (ack, _) in live {
            ack.resolve(Outcome::Ok);
        }
        for (request, outcomes) in told.lock().unwrap().iter().enumerate() {
            let ranks: Vec<u8> = outcomes.iter().map(Outcome::rank).collect();
            assert_eq!(ranks, [worst[request].rank()], "seed {seed}, request {request}");
        }
    }
}
