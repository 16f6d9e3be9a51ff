//! Room in a queue: one by one, and at random against a model.

use super::*;

fn budget(max_bytes: usize, max_length: usize, measure: Measure) -> (Arc<Budget>, Arc<Accounted>) {
    let accounted = Arc::new(Accounted::default());
    (Arc::new(Budget::new(0, max_bytes, max_length, measure, Arc::clone(&accounted))), accounted)
}

#[test]
fn requests_may_fill_nine_tenths_and_derived_data_the_rest() {
    let (budget, _) = budget(100, 1000, Measure::Requests);
    let _room = budget.reserve(90, || 1).expect("nine tenths");
    assert_eq!(budget.reserve(1, || 1).err(), Some(Full::Bytes));
    assert_eq!(budget.take_derived(10, 1), Ok(()));
    assert_eq!(budget.take_derived(1, 1), Err(Full::Bytes));
    assert_eq!(budget.take_derived(101, 1), Err(Full::TooLarge));
    assert_eq!(budget.reserve(91, || 1).err(), Some(Full::TooLarge), "waiting would not help");
}

#[test]
fn what_was_admitted_is_taken_whatever_its_size_and_the_next_admission_sees_it() {
    let (budget, accounted) = budget(100, 1000, Measure::Requests);
    let room = budget.reserve(10, || 1).expect("room");
    budget.take(500, 3);
    drop(room);
    assert_eq!((budget.bytes(), accounted.total()), (500, 500));
    assert_eq!(budget.reserve(1, || 1).err(), Some(Full::Bytes));
    budget.give_back(500, 3, true);
    assert!(budget.is_empty() && budget.reserve(90, || 1).is_ok());
}

#[test]
fn the_length_is_measured_as_the_queue_says() {
    for (measure, size) in [(Measure::Requests, 1), (Measure::Items, 7), (Measure::Bytes, 20)] {
        let (budget, _) = budget(1000, size, measure);
        let room = budget.reserve(20, || 7).expect("empty");
        assert_eq!(budget.size(), size, "reserved room counts");
        budget.take(20, 7);
        drop(room);
        assert_eq!(budget.size(), size);
        assert_eq!(budget.reserve(1, || 1).err(), Some(Full::Length));
    }
}

#[test]
fn a_request_larger_than_the_queue_is_told_apart_from_one_that_has_to_wait() {
    for (measure, bytes, items) in [(Measure::Items, 10, 8), (Measure::Bytes, 8, 1)] {
        let (budget, _) = budget(1000, 7, measure);
        assert_eq!(budget.reserve(bytes, || items).err(), Some(Full::TooLarge), "{measure:?}");
        assert_eq!(budget.ask(1, bytes, || items), Err(Full::TooLarge), "{measure:?}");
        assert_eq!((budget.ask(1, 7, || 7), budget.ask(2, 4, || 4)), (Ok(()), Err(Full::TooLarge)), "{measure:?}");
    }
    let (budget, _) = budget(1000, 7, Measure::Items);
    let _room = budget.reserve(1, || 4).expect("empty");
    assert_eq!(budget.reserve(1, || 4).err(), Some(Full::Length), "four and four are more than seven");
    assert!(budget.reserve(1, || 3).is_ok());
}

#[test]
fn items_are_counted_only_where_they_are_what_counts() {
    for measure in [Measure::Requests, Measure::Bytes] {
        let (budget, _) = budget(1000, 1000, measure);
        assert!(budget.reserve(10, || panic!("a walk over the body for nothing")).is_ok());
    }
}

/// At any time the account is the sum of what lives, and no reservation passes the limit.
#[test]
fn the_account_is_the_sum_of_what_lives() {
    for seed in 0..500u64 {
        let (budget, accounted) = budget(1000, 12, Measure::Requests);
        let mut state = seed;
        let mut roll = |sides: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % sides
        };
        let mut reserved: Vec<(Reservation, usize)> = Vec::new();
        let mut taken: Vec<(usize, usize)> = Vec::new();
        for _ in 0..200 {
            let bytes = roll(400) as usize;
            let sum = |reserved: &[(Reservation, usize)], taken: &[(usize, usize)]| {
                reserved.iter().map(|(_, bytes)| bytes).sum::<usize>() + taken.iter().map(|(bytes, _)| bytes).sum::<usize>()
            };
            match roll(5) {
                0 | 1 => {
                    let (before, length) = (sum(&reserved, &taken), reserved.len() + taken.len());
                    let fits = before + bytes <= 900 && length < 12;
                    let room = budget.reserve(bytes, || 1);
                    assert_eq!(room.is_ok(), fits, "seed {seed}");
                    reserved.extend(room.map(|room| (room, bytes)));
                }
                2 if !reserved.is_empty() => {
                    // The encoded size differs from the reserved one.
                    let (room, _) = reserved.swap_remove(roll(reserved.len() as u64) as usize);
                    budget.take(bytes, 1);
                    drop(room);
                    taken.push((bytes, 1));
                }
                3 if budget.take_derived(bytes, 2).is_ok() => taken.push((bytes, 2)),
                _ if !taken.is_empty() => {
                    let (bytes, items) = taken.swap_remove(0);
                    budget.give_back(bytes, items, true);
                }
                _ => {}
            }
            assert_eq!(accounted.total(), sum(&reserved, &taken), "seed {seed}");
            assert_eq!(budget.size(), reserved.len() + taken.len(), "seed {seed}");
        }
    }
}
