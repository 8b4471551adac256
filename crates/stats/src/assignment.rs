//! The best way to give cases to people, exactly.
//!
//! Only pairs that are possible are given, so that the work grows with them and not with cases times people.

use std::{cmp::Reverse, collections::BinaryHeap};

use crate::StatsError;

/// Most cases and most people of one batch.
pub const SIDE_MAX: usize = 1 << 20;
/// Largest cost of a pair, either way.
pub const COST_MAX: i64 = 1 << 40;

/// A person who could take a case, and what that would cost; less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The person, from 0.
    pub person: usize,
    /// In any unit, at most [`COST_MAX`] either way.
    pub cost: i64,
}

/// Returns for each case the person who takes it, or nothing if nobody can.
///
/// `cases` holds for each case who could take it, `capacities` for each person how many cases they can take. As many cases
/// as possible are given, and among all ways to do so it is one of the cheapest. The same input gives the same answer; of
/// equally cheap ways no promise is made which one it is. Time grows with cases times candidates in the worst case.
/// Source: shortest augmenting paths with potentials; Ahuja, Magnanti and Orlin, *Network Flows* (1993), section 12.4.
///
/// # Errors
/// [`StatsError::TooManyClasses`] above [`SIDE_MAX`] cases or people, [`StatsError::UnknownClass`] of a person without a
/// capacity, [`StatsError::Cost`].
pub fn assign(cases: &[Vec<Candidate>], capacities: &[usize]) -> Result<Vec<Option<usize>>, StatsError> {
    for found in [cases.len(), capacities.len()] {
        if found > SIDE_MAX {
            return Err(StatsError::TooManyClasses { found, max: SIDE_MAX });
        }
    }
    for candidate in cases.iter().flatten() {
        if candidate.person >= capacities.len() {
            return Err(StatsError::UnknownClass { class: candidate.person, classes: capacities.len() });
        }
        if candidate.cost.unsigned_abs() > COST_MAX.unsigned_abs() {
            return Err(StatsError::Cost(candidate.cost));
        }
    }
    let mut matching = Matching {
        cases,
        capacities,
        taken: vec![Vec::new(); capacities.len()],
        holder: vec![None; cases.len()],
        case_price: vec![0; cases.len()],
        person_price: vec![0; capacities.len()],
        distance: vec![i128::MAX; capacities.len()],
        by: vec![0; capacities.len()],
    };
    for case in 0..cases.len() {
        matching.give(case);
    }
    Ok(matching.holder)
}

/// What it costs to leave a case lying: more than any rearrangement of all others could.
const LEFT: i128 = 1 << 64;

/// A matching that is the cheapest of the cases given so far, and the prices that prove it: no pair costs less than its
/// case's price and its person's price together, those matched cost just that, and people with room have no price.
struct Matching<'a> {
    cases: &'a [Vec<Candidate>],
    capacities: &'a [usize],
    taken: Vec<Vec<usize>>,
    holder: Vec<Option<usize>>,
    case_price: Vec<i128>,
    person_price: Vec<i128>,
    /// How far each person is from the case being given; kept between cases to save its making.
    distance: Vec<i128>,
    /// The case over which each person was reached.
    by: Vec<usize>,
}

/// Where the shortest way ends.
enum End {
    /// With a person who has room.
    Person(usize),
    /// With a case that is left lying.
    Case(usize),
}

impl Matching<'_> {
    /// Gives one more case, moving others where that is cheaper.
    fn give(&mut self, case: usize) {
        let over = |candidate: &Candidate| i128::from(candidate.cost) - self.person_price[candidate.person];
        self.case_price[case] = self.cases[case].iter().map(over).min().unwrap_or(LEFT).min(LEFT);

        let mut heap = BinaryHeap::new();
        let (mut reached, mut settled) = (Vec::new(), Vec::new());
        let mut left = (LEFT - self.case_price[case], case);
        self.relax(case, 0, &mut heap, &mut reached);
        let (end, length) = loop {
            let Some(Reverse((distance, person))) = heap.pop() else { break (End::Case(left.1), left.0) };
            if distance >= left.0 {
                break (End::Case(left.1), left.0);
            }
            if distance > self.distance[person] {
                continue;
            }
            if self.taken[person].len() < self.capacities[person] {
                break (End::Person(person), distance);
            }
            settled.push(person);
            for place in 0..self.taken[person].len() {
                let other = self.taken[person][place];
                left = left.min((distance + LEFT - self.case_price[other], other));
                self.relax(other, distance, &mut heap, &mut reached);
            }
        };

        self.case_price[case] += length;
        for &person in &settled {
            let change = length - self.distance[person];
            self.person_price[person] -= change;
            for &other in &self.taken[person] {
                self.case_price[other] += change;
            }
        }
        let mut to = match end {
            End::Person(person) => Some(person),
            End::Case(lying) => self.release(lying),
        };
        while let Some(person) = to {
            let mover = self.by[person];
            let before = self.release(mover);
            self.holder[mover] = Some(person);
            self.taken[person].push(mover);
            to = if mover == case { None } else { before };
        }
        for person in reached {
            self.distance[person] = i128::MAX;
        }
    }

    /// Takes a case from whoever holds it, and returns who that was.
    fn release(&mut self, case: usize) -> Option<usize> {
        let person = self.holder[case].take()?;
        self.taken[person].retain(|taken| *taken != case);
        Some(person)
    }

    /// Shortens the way to everybody who could take a case that lies at this distance.
    fn relax(
        &mut self,
        case: usize,
        distance: i128,
        heap: &mut BinaryHeap<Reverse<(i128, usize)>>,
        reached: &mut Vec<usize>,
    ) {
        for candidate in &self.cases[case] {
            let person = candidate.person;
            let beyond = i128::from(candidate.cost) - self.case_price[case] - self.person_price[person];
            let way = distance + beyond;
            if way < self.distance[person] {
                if self.distance[person] == i128::MAX {
                    reached.push(person);
                }
                self.distance[person] = way;
                self.by[person] = case;
                heap.push(Reverse((way, person)));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::random::Random;

    fn to(person: usize, cost: i64) -> Candidate {
        Candidate { person, cost }
    }

    /// Returns how many cases are given and what that costs, checking that everybody can do what they are given.
    fn worth(cases: &[Vec<Candidate>], capacities: &[usize], given: &[Option<usize>]) -> (usize, i64) {
        let mut room = capacities.to_vec();
        let mut cost = 0;
        for (case, person) in given.iter().enumerate().filter_map(|(case, person)| Some((case, (*person)?))) {
            room[person] = room[person].checked_sub(1).unwrap();
            cost += cases[case]
                .iter()
                .filter(|candidate| candidate.person == person)
                .map(|candidate| candidate.cost)
                .min()
                .unwrap();
        }
        (given.iter().flatten().count(), cost)
    }

    /// Returns the same of the best way, found by trying all.
    fn best(cases: &[Vec<Candidate>], room: &mut [usize]) -> (usize, i64) {
        let Some((case, rest)) = cases.split_first() else { return (0, 0) };
        let better =
            |one: (usize, i64), other: (usize, i64)| if (other.0, -other.1) > (one.0, -one.1) { other } else { one };
        let mut found = best(rest, room);
        for candidate in case {
            if room[candidate.person] > 0 {
                room[candidate.person] -= 1;
                let (given, cost) = best(rest, room);
                room[candidate.person] += 1;
                found = better(found, (given + 1, cost + candidate.cost));
            }
        }
        found
    }

    #[test]
    fn the_cheapest_way_may_give_nobody_their_favourite() {
        let cases = [vec![to(0, 1), to(1, 2)], vec![to(0, 2), to(1, 9)], vec![to(1, 3)]];
        assert_eq!(assign(&cases, &[1, 2]).unwrap(), [Some(1), Some(0), Some(1)]);
    }

    #[test]
    fn as_many_cases_as_possible_are_given_before_cost_counts() {
        let cases = [vec![to(0, 1), to(1, 1_000)], vec![to(0, 5)], vec![to(0, 4)], vec![]];
        assert_eq!(assign(&cases, &[1, 1]).unwrap(), [Some(1), None, Some(0), None]);
        assert_eq!(assign(&cases, &[0, 0]).unwrap(), [None; 4]);
        assert_eq!(assign(&[], &[]).unwrap(), []);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(assign(&[vec![to(1, 0)]], &[1]), Err(StatsError::UnknownClass { class: 1, classes: 1 }));
        assert_eq!(assign(&[vec![to(0, i64::MIN)]], &[1]), Err(StatsError::Cost(i64::MIN)));
    }

    #[test]
    fn a_batch_of_a_thousand_cases_is_given_within_capacity() {
        let mut random = Random::new(4);
        let cases: Vec<Vec<Candidate>> = (0..1_000)
            .map(|_| {
                let person = |random: &mut Random| usize::try_from(random.below(50)).unwrap();
                (0..8).map(|_| to(person(&mut random), i64::try_from(random.below(1_000)).unwrap())).collect()
            })
            .collect();
        let capacities = [18; 50];
        let given = assign(&cases, &capacities).unwrap();
        assert_eq!(worth(&cases, &capacities, &given).0, 900);
    }

    proptest! {
        #[test]
        fn no_way_of_all_is_better(
            cases in vec(vec((0_usize..4, -9_i64..10), 0..4), 0..6),
            capacities in vec(0_usize..3, 4),
        ) {
            let cases: Vec<Vec<Candidate>> =
                cases.iter().map(|case| case.iter().map(|&(person, cost)| to(person, cost)).collect()).collect();
            let given = assign(&cases, &capacities).unwrap();
            prop_assert_eq!(worth(&cases, &capacities, &given), best(&cases, &mut capacities.clone()));
        }
    }
}
