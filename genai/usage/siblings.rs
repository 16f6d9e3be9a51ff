//! One call told by two instrumentations that stand side by side and share neither usage nor response id.
//!
//! Most often the call failed: then nobody reports usage, and both records look like calls of their own.
//! They are one when they lie below the same span, come from different scopes, ended alike, name one model, and overlap in time.
//! Each call takes one record of each other scope: two calls at the same time stay two.

/// What is compared of a call's span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub trace: [u8; 16],
    pub parent: Option<[u8; 8]>,
    /// Hash of the instrumentation's name.
    pub scope: u64,
    /// Hash of the model that was asked for.
    pub model: u64,
    pub start_ns: u64,
    pub end_ns: u64,
    pub failed: bool,
    /// It says what was used: never a repetition here.
    pub measured: bool,
}

/// Which of these calls repeat another one, by position.
pub(super) fn repeats(calls: &[Option<Place>]) -> Vec<bool> {
    let mut order: Vec<(usize, Place)> = calls.iter().enumerate().filter_map(|(at, place)| Some((at, (*place)?))).collect();
    order.sort_by_key(|(_, place)| (!place.measured, place.start_ns, place.scope));
    let mut repeated = vec![false; calls.len()];
    let mut owners: Vec<(Place, Vec<u64>)> = Vec::new();
    for (at, place) in order {
        let owner = owners.iter_mut().find(|(owner, taken)| is_same(owner, &place) && !taken.contains(&place.scope));
        match owner.filter(|_| !place.measured) {
            Some((_, taken)) => {
                taken.push(place.scope);
                if let Some(repeated) = repeated.get_mut(at) {
                    *repeated = true;
                }
            }
            None => owners.push((place, vec![place.scope])),
        }
    }
    repeated
}

fn is_same(owner: &Place, other: &Place) -> bool {
    let alike = owner.trace == other.trace && owner.parent == other.parent && owner.model == other.model;
    alike && owner.failed == other.failed && owner.start_ns <= other.end_ns && other.start_ns <= owner.end_ns
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(scope: u64, start_ns: u64, end_ns: u64) -> Option<Place> {
        let parent = Some([1; 8]);
        Some(Place { trace: [1; 16], parent, scope, model: 1, start_ns, end_ns, failed: true, measured: false })
    }

    #[test]
    fn failed_calls_of_two_scopes_side_by_side_are_one() {
        assert_eq!(repeats(&[place(1, 10, 20), place(2, 11, 19)]), [false, true]);
        assert_eq!(repeats(&[place(2, 11, 19), place(1, 10, 20)]), [true, false], "in any order");
    }

    #[test]
    fn calls_that_differ_in_anything_are_two() {
        let one = place(1, 10, 20);
        let other = |change: fn(&mut Place)| {
            let mut place = place(2, 11, 19);
            place.iter_mut().for_each(change);
            repeats(&[one, place])
        };
        let two = [false, false];
        assert_eq!(other(|place| place.scope = 1), two, "two calls of one instrumentation");
        assert_eq!(other(|place| place.failed = false), two);
        assert_eq!(other(|place| place.model = 2), two);
        assert_eq!(other(|place| place.parent = None), two);
        assert_eq!(other(|place| (place.start_ns, place.end_ns) = (21, 29)), two, "the next attempt");
        assert_eq!(repeats(&[one, None]), two);
    }

    #[test]
    fn two_calls_at_the_same_time_stay_two() {
        let calls = [place(1, 10, 20), place(1, 10, 20), place(2, 11, 19), place(2, 11, 19)];
        assert_eq!(repeats(&calls), [false, false, true, true]);
    }

    #[test]
    fn a_call_that_says_what_it_used_owns() {
        let mut measured = place(2, 11, 19);
        measured.iter_mut().for_each(|place| place.measured = true);
        assert_eq!(repeats(&[place(1, 10, 20), measured]), [true, false]);
    }
}
