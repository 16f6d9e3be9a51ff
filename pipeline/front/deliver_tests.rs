//! Pauses between attempts; whole deliveries are tested in `engine/tests/queue.rs`.

use super::*;

#[test]
fn pauses_grow_to_the_longest_and_chance_moves_each_by_half() {
    let settings = RetryConfig::default();
    let mut pause = Pause::new(&settings);
    let seconds: Vec<f64> = (0..7).map(|_| pause.next(0.5).as_secs_f64()).collect();
    assert_eq!(seconds, [5.0, 7.5, 11.25, 16.875, 25.3125, 30.0, 30.0]);
    assert_eq!(Pause::new(&settings).next(0.0), Duration::from_millis(2500));
    assert!(Pause::new(&settings).next(0.999_999).as_secs_f64() < 7.5);
}

#[test]
fn a_multiplier_of_zero_or_of_any_size_is_survived() {
    for multiplier in [0.0, 1e300] {
        let settings = RetryConfig { multiplier, ..RetryConfig::default() };
        let mut pause = Pause::new(&settings);
        for _ in 0..5 {
            assert!(pause.next(0.5) <= Duration::from_secs(30));
        }
    }
}
