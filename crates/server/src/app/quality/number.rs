//! How experts measure: by how much each reads too high or too low, and how widely her readings lie around that.

use remit_stats::truth::number::{NumberReader, Reading, fit_numbers};
use serde::{Deserialize, Serialize};

use super::{CONFIDENCE, Level, WANTED, sheet::Sheet};

/// How one expert measures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Measures {
    /// Readings it rests on.
    pub n: u64,
    /// By how much she reads above the right number on average, in the unit of the question. Where no right number is known,
    /// above the number that all readings of a case suggest: what all readers share cannot be seen then.
    pub bias: f64,
    /// Its 95 % interval.
    pub bias_interval: Option<(f64, f64)>,
    /// Standard deviation of her readings around that.
    pub spread: f64,
    /// Its 95 % interval.
    pub spread_interval: Option<(f64, f64)>,
}

/// What readings of numbers were held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct HeldAgainst {
    /// What.
    pub yardstick: NumberYardstick,
    /// On how many cases.
    pub cases: u64,
}

/// What tells how far a number is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NumberYardstick {
    /// Reference answers.
    Reference,
    /// Each other, on cases with three or more.
    EachOther,
}

/// How each person of a sheet measures, and against what.
pub(super) struct Measured {
    pub(super) against: HeldAgainst,
    pub(super) people: Vec<Option<Measures>>,
}

/// Returns how each person measures: against reference answers where [`WANTED`] cases have one, or else against each other
/// where as many have three readings; nothing where there is neither, or answers are no numbers.
pub(super) fn of(sheet: &Sheet) -> Option<Measured> {
    if sheet.classes.level() != Level::Interval {
        return None;
    }
    let value = |class: Option<usize>| class.and_then(|class| sheet.classes.value(class));
    let known: Vec<Option<f64>> = sheet.known.iter().map(|known| value(known.reference)).collect();
    let number = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
    let measured = |yardstick: NumberYardstick, chosen: &dyn Fn(usize, usize) -> bool, known: &[Option<f64>]| {
        let (mut cases, mut readings) = (0, Vec::new());
        for marks in sheet.by_case() {
            let case = marks[0].case;
            let people = marks.iter().filter(|mark| mark.human()).count();
            if !chosen(case, people) {
                continue;
            }
            cases += 1;
            let given = marks.iter().filter(|mark| yardstick == NumberYardstick::Reference || mark.human());
            readings.extend(given.filter_map(|mark| {
                let value = sheet.classes.value(mark.class)?;
                Some(Reading { task: number(case), worker: number(mark.person), value })
            }));
        }
        if cases < WANTED {
            return None;
        }
        let fitted = fit_numbers(sheet.cases.len(), sheet.people.len(), &readings, known).ok()?;
        let people = fitted.readers.into_iter().map(|reader| reader.and_then(Measures::of)).collect();
        Some(Measured { against: HeldAgainst { yardstick, cases }, people })
    };
    measured(NumberYardstick::Reference, &|case, _| known[case].is_some(), &known)
        .or_else(|| measured(NumberYardstick::EachOther, &|_, people| people >= 3, &[]))
}

impl Measures {
    /// Returns the figures of a reader; of one with a single reading no spread is known.
    fn of(reader: NumberReader) -> Option<Self> {
        let ends = |interval: remit_stats::interval::Interval| (interval.lower, interval.upper);
        (reader.readings >= 2).then(|| Self {
            n: reader.readings.into(),
            bias: reader.bias,
            bias_interval: reader.bias_interval(CONFIDENCE).ok().map(ends),
            spread: reader.spread,
            spread_interval: reader.spread_interval(CONFIDENCE).ok().map(ends),
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use remit_stats::random::Random;

    use super::{
        super::{classes::tests::number, sheet::tests::sheet},
        *,
    };

    /// Three readers: one true to 0.2, one who reads 2 too high, one who is off by up to 4 either way.
    fn cases(n: usize, known: bool) -> Vec<(Vec<String>, Option<String>)> {
        let mut random = Random::new(5);
        let mut case = |_| {
            let truth = 50.0 + 100.0 * random.share();
            let mut off = |most: f64| most * (2.0 * random.share() - 1.0);
            let read = [truth + off(0.2), truth + 2.0 + off(0.2), truth + off(4.0)];
            (read.map(|value| format!("{value:.2}")).to_vec(), known.then(|| format!("{truth:.2}")))
        };
        (0..n).map(&mut case).collect()
    }

    #[test]
    fn a_reader_who_reads_high_and_one_who_scatters_are_told_apart() {
        let found = of(&sheet(&number("0.5"), &cases(80, true))).unwrap();
        assert_eq!(found.against, HeldAgainst { yardstick: NumberYardstick::Reference, cases: 80 });
        let [plain, high, wide] = [0, 1, 2].map(|person| found.people[person].unwrap());
        assert!(plain.bias.abs() < 0.1 && (high.bias - 2.0).abs() < 0.1, "{plain:?} {high:?}");
        assert!(
            wide.spread > 5.0 * plain.spread
                && wide.bias_interval.is_some_and(|(lower, upper)| lower < 0.0 && upper > 0.0)
        );
        assert!(high.bias_interval.is_some_and(|(lower, upper)| lower < 2.0 && upper > 1.9 && lower > 1.5));
        assert_eq!(plain.n, 80);
    }

    #[test]
    fn without_right_numbers_readers_are_held_against_each_other_and_with_few_cases_nothing_is_said() {
        let found = of(&sheet(&number("0.5"), &cases(30, false))).unwrap();
        assert_eq!(found.against, HeldAgainst { yardstick: NumberYardstick::EachOther, cases: 30 });
        let bias = |person: usize| found.people[person].unwrap().bias;
        assert!(bias(1) - bias(0) > 1.5, "{} {}", bias(1), bias(0));
        assert!(of(&sheet(&number("0.5"), &cases(29, false))).is_none());
        assert!(of(&sheet(&number("0.5"), &cases(29, true))).is_none());
        let two: Vec<_> = cases(80, false).into_iter().map(|(given, known)| (given[..2].to_vec(), known)).collect();
        assert!(of(&sheet(&number("0.5"), &two)).is_none(), "two readers do not show who is right");
    }
}
