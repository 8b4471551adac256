//! Waiting for one of several people: Erlang's formula C.

use crate::{StatsError, real};

/// Most people of a team.
pub const PEOPLE_MAX: u64 = 100_000;

/// A team whose work arrives at random: `people` share what would keep `load` of them busy all the time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Team {
    load: f64,
    people: u64,
    wait_probability: f64,
}

impl Team {
    /// Returns a team with so much load in erlangs: arrivals in a time times the mean handling time, in the same unit.
    ///
    /// Source: Gross et al., *Fundamentals of Queueing Theory* (2008), section 2.3, by the recursion of formula B.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a load that is negative or not finite; [`StatsError::Overloaded`] unless there are more
    /// people than load, because the queue would grow for ever, and beyond [`PEOPLE_MAX`].
    pub fn new(load: f64, people: u64) -> Result<Self, StatsError> {
        // Not `load < 0.0`: a NaN is no load either.
        if !(load >= 0.0 && load.is_finite()) {
            return Err(StatsError::Value(load));
        }
        if load >= real(people) || people > PEOPLE_MAX {
            return Err(StatsError::Overloaded { load, people });
        }
        let lost = (1..=people).fold(1.0, |lost, person| load * lost / (real(person) + load * lost));
        let wait_probability = lost / (1.0 - load / real(people) * (1.0 - lost));
        Ok(Self { load, people, wait_probability })
    }

    /// Returns the smallest team in which at least this share of the work waits no longer than `within`, both times in the
    /// same unit.
    ///
    /// # Errors
    /// As [`Team::new`], [`StatsError::Overloaded`] if [`PEOPLE_MAX`] people do not serve so well, and [`StatsError::Value`] of
    /// a share outside of `[0, 1)` or a time that is negative or not finite.
    pub fn for_service(load: f64, share: f64, within: f64, handling: f64) -> Result<Self, StatsError> {
        if !(0.0..1.0).contains(&share) {
            return Err(StatsError::Value(share));
        }
        if !(load >= 0.0 && load < real(PEOPLE_MAX)) {
            return Err(StatsError::Value(load));
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just now")]
        let fewest = load as u64 + 1;
        let serves =
            |people: u64| Self::new(load, people).and_then(|team| Ok(team.service_level(within, handling)? >= share));
        let (mut low, mut high) = (fewest, PEOPLE_MAX);
        while low < high {
            let middle = low + (high - low) / 2;
            if serves(middle)? {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        if serves(low)? { Self::new(load, low) } else { Err(StatsError::Overloaded { load, people: PEOPLE_MAX }) }
    }

    /// Returns how many people there are.
    pub fn people(self) -> u64 {
        self.people
    }

    /// Returns the probability that a piece of work has to wait.
    pub fn wait_probability(self) -> f64 {
        self.wait_probability
    }

    /// Returns the share of their time that people work, in `0.0..1.0`.
    pub fn occupancy(self) -> f64 {
        self.load / real(self.people)
    }

    /// Returns the share of the work that waits no longer than `within`, with the mean `handling` time in the same unit.
    ///
    /// # Errors
    /// [`StatsError::Value`] of a time that is negative or not finite, or of a handling time of 0.
    pub fn service_level(self, within: f64, handling: f64) -> Result<f64, StatsError> {
        check_times(within, handling)?;
        Ok(1.0 - self.wait_probability * (-(real(self.people) - self.load) * (within / handling)).exp())
    }

    /// Returns the mean wait of all work, with the mean `handling` time, in its unit.
    ///
    /// # Errors
    /// As [`Team::service_level`].
    pub fn mean_wait(self, handling: f64) -> Result<f64, StatsError> {
        check_times(0.0, handling)?;
        Ok(self.wait_probability * handling / (real(self.people) - self.load))
    }
}

fn check_times(within: f64, handling: f64) -> Result<(), StatsError> {
    let time = |time: f64| time >= 0.0 && time.is_finite();
    match (time(within), time(handling) && handling > 0.0) {
        (true, true) => Ok(()),
        (false, _) => Err(StatsError::Value(within)),
        (true, false) => Err(StatsError::Value(handling)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::prelude::*;

    use super::*;
    use crate::random::Random;

    #[test]
    fn erlang_c_equals_its_reference() {
        // 10 erlangs, a handling time of 180 s, 20 s to answer.
        for (people, wait, level, mean, occupancy) in
            [(14, 0.1741, 0.8884, 7.84, 0.7143), (13, 0.2853, 0.7956, 17.12, 0.7692)]
        {
            let team = Team::new(10.0, people).unwrap();
            assert!((team.wait_probability() - wait).abs() < 5e-5 && (team.occupancy() - occupancy).abs() < 5e-5);
            assert!((team.service_level(20.0, 180.0).unwrap() - level).abs() < 5e-5);
            assert!((team.mean_wait(180.0).unwrap() - mean).abs() < 5e-3);
        }
        assert_eq!(Team::for_service(10.0, 0.8, 20.0, 180.0).unwrap().people(), 14);
        assert_eq!(Team::for_service(0.0, 0.8, 20.0, 180.0).unwrap().people(), 1);
    }

    #[test]
    fn a_team_that_would_have_to_be_larger_than_any_is_refused() {
        assert_eq!(
            Team::for_service(99_999.5, 0.99, 0.0, 1.0),
            Err(StatsError::Overloaded { load: 99_999.5, people: PEOPLE_MAX })
        );
    }

    #[test]
    fn a_team_that_never_catches_up_is_refused() {
        assert_eq!(Team::new(10.0, 10), Err(StatsError::Overloaded { load: 10.0, people: 10 }));
        assert_eq!(Team::new(-1.0, 10), Err(StatsError::Value(-1.0)));
        assert!(Team::new(f64::NAN, 10).is_err() && Team::for_service(f64::INFINITY, 0.8, 1.0, 1.0).is_err());
        let team = Team::new(1.0, 2).unwrap();
        assert_eq!(team.mean_wait(0.0), Err(StatsError::Value(0.0)));
        assert!(team.service_level(f64::NAN, 1.0).is_err());
    }

    #[test]
    fn a_simulated_queue_waits_as_long_as_it_should() {
        // Three people, two erlangs: each arrival goes to whoever is free first.
        let mut random = Random::new(5);
        let mut span = |mean: f64| -mean * (1.0 - random.share()).ln();
        let (mut now, mut free, mut waited, mut late, rounds) = (0.0_f64, [0.0_f64; 3], 0.0, 0.0, 200_000);
        for _ in 0..rounds {
            now += span(0.5);
            free.sort_unstable_by(f64::total_cmp);
            let wait = (free[0] - now).max(0.0);
            waited += wait;
            late += f64::from(wait > 0.0);
            free[0] = now + wait + span(1.0);
        }
        let team = Team::new(2.0, 3).unwrap();
        assert!((late / f64::from(rounds) - team.wait_probability()).abs() < 0.01);
        assert!((waited / f64::from(rounds) - team.mean_wait(1.0).unwrap()).abs() < 0.02);
    }

    proptest! {
        #[test]
        fn figures_stay_in_range_and_more_people_wait_less(load in 0.0..500.0_f64, more in 1_u64..50, within in 0.0..10.0_f64) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small and not negative")]
            let people = load as u64 + more;
            let (team, larger) = (Team::new(load, people).unwrap(), Team::new(load, people + 1).unwrap());
            prop_assert!((0.0..=1.0).contains(&team.wait_probability()) && (0.0..1.0).contains(&team.occupancy()));
            prop_assert!(larger.wait_probability() <= team.wait_probability());
            prop_assert!(larger.service_level(within, 1.0).unwrap() >= team.service_level(within, 1.0).unwrap());
            prop_assert!(team.mean_wait(1.0).unwrap() >= 0.0);
        }
    }
}
