//! One coefficient of given counts, laid out so that it can be computed again for the same patterns shown more or less often.

use super::{
    Counts, Scale, Undefined, Weights, beyond_chance,
    counts::{Cell, values},
    scale::within_one,
};
use crate::{StatsError, real};

/// A coefficient of agreement among any number of raters.
#[derive(Debug, Clone, PartialEq)]
pub enum Coefficient {
    /// The share of pairs of values that agree within a unit; nothing is taken off for chance.
    ShareAgreed,
    /// Krippendorff's alpha; chance is what the paired values give when mixed over the units.
    Alpha(Scale),
    /// Fleiss' kappa of units with the same number of values.
    Fleiss,
    /// Gwet's AC1, or AC2 if the weights let unlike classes agree in part; all declared classes count, used or not.
    ///
    /// Source: Gwet, Br. J. Math. Stat. Psychol. 61 (2008), 29–48, and (2014), chapters 4 and 5.
    Gwet(Weights),
    /// Brennan and Prediger's coefficient; chance is each declared class as likely as any other.
    ///
    /// Source: Brennan and Prediger, Educ. Psychol. Meas. 41 (1981), 687–699.
    BrennanPrediger(Weights),
}

/// A coefficient with everything about the patterns that does not change with how often they are shown.
#[derive(Debug)]
pub(crate) struct Figure<'a> {
    counts: &'a Counts,
    kind: Kind,
    /// Each pattern's own disagreement, in the measure of the coefficient; empty if it changes.
    own: Vec<f64>,
}

#[derive(Debug)]
enum Kind {
    Share,
    Fleiss,
    Alpha(Distance),
    Gwet(Weights),
    Even(Weights),
}

/// How far apart classes lie.
#[derive(Debug)]
enum Distance {
    Unlike,
    /// Squared difference of values.
    Squared(Vec<f64>),
    /// Squared difference of ranks, which depend on how common each class is.
    Ranks,
    /// Anything else, by pairs of classes.
    Table(Scale),
}

impl<'a> Figure<'a> {
    pub(super) fn new(counts: &'a Counts, coefficient: &Coefficient) -> Result<Self, StatsError> {
        let fit = |weights: &Weights| {
            let (found, wanted) = (weights.classes(), counts.classes());
            if found == wanted { Ok(weights.clone()) } else { Err(StatsError::Shape { found, wanted }) }
        };
        Ok(match coefficient {
            Coefficient::ShareAgreed => Self::share(counts),
            Coefficient::Fleiss => Self::fleiss(counts),
            Coefficient::Alpha(scale) => {
                scale.check(counts.classes())?;
                Self::alpha(counts, scale)
            }
            Coefficient::Gwet(weights) => Self::weighted(counts, fit(weights)?, Kind::Gwet),
            Coefficient::BrennanPrediger(weights) => Self::weighted(counts, fit(weights)?, Kind::Even),
        })
    }

    pub(super) fn share(counts: &'a Counts) -> Self {
        Self { counts, kind: Kind::Share, own: of_each(counts, |pattern, m| unlike(pattern, m) / (m * (m - 1.0))) }
    }

    pub(super) fn fleiss(counts: &'a Counts) -> Self {
        Self { kind: Kind::Fleiss, ..Self::share(counts) }
    }

    /// The scale must fit.
    pub(super) fn alpha(counts: &'a Counts, scale: &Scale) -> Self {
        let distance = match scale {
            Scale::Nominal => Distance::Unlike,
            Scale::Ordinal => Distance::Ranks,
            Scale::Interval(values) => Distance::Squared(stretched(counts, values)),
            Scale::Ratio(_) | Scale::Custom(_) => Distance::Table(scale.clone()),
        };
        let own = match &distance {
            Distance::Unlike => of_each(counts, |pattern, m| unlike(pattern, m) / (m - 1.0)),
            Distance::Squared(values) => of_each(counts, |pattern, m| spread(pattern, m, values) / (m - 1.0)),
            Distance::Table(scale) => {
                of_each(counts, |pattern, m| by_pairs(pattern, |a, b| apart(scale, a, b)) / (m - 1.0))
            }
            Distance::Ranks => Vec::new(),
        };
        Self { counts, kind: Kind::Alpha(distance), own }
    }

    fn weighted(counts: &'a Counts, weights: Weights, kind: impl FnOnce(Weights) -> Kind) -> Self {
        let own = of_each(counts, |pattern, m| by_pairs(pattern, |a, b| 1.0 - weights.of_pair(a, b)) / (m * (m - 1.0)));
        Self { counts, kind: kind(weights), own }
    }

    /// Returns the coefficient of the counts themselves.
    pub(crate) fn value(&self) -> Result<f64, Undefined> {
        self.value_of(&self.counts.times())
    }

    /// Returns the coefficient if each pattern were shown so many `times`.
    pub(crate) fn value_of(&self, times: &[u64]) -> Result<f64, Undefined> {
        let pairable: u64 = self.shown(times).filter(|(pattern, _)| values(pattern) >= 2).map(|(_, times)| times).sum();
        if pairable == 0 {
            return Err(Undefined::NoPairs);
        }
        let sum = |own: &[f64]| own.iter().zip(times).map(|(own, &times)| own * real(times)).sum::<f64>();
        let mean = || sum(&self.own) / real(pairable);
        match &self.kind {
            Kind::Share => Ok((1.0 - mean()).clamp(0.0, 1.0)),
            Kind::Fleiss => {
                let mut sizes = self.shown(times).map(|(pattern, _)| values(pattern)).filter(|values| *values >= 2);
                let size = sizes.next();
                if sizes.any(|other| Some(other) != size) {
                    return Err(Undefined::UnequalValues);
                }
                let (totals, total) = self.totals(times);
                let expected = totals.iter().map(|class| class / total * ((total - class) / total)).sum();
                Ok(beyond_chance(mean(), expected)?.max(-1.0))
            }
            Kind::Alpha(distance) => {
                let (totals, total) = self.totals(times);
                if totals.iter().filter(|count| **count > 0.0).nth(1).is_none() {
                    return Err(Undefined::OneClass);
                }
                let (observed, expected) = match distance {
                    Distance::Unlike => (sum(&self.own), totals.iter().map(|class| class * (total - class)).sum()),
                    Distance::Squared(values) => (sum(&self.own), spread_of(&totals, total, values)),
                    Distance::Ranks => {
                        let ranks = ranks(&totals, total);
                        let own = of_each(self.counts, |pattern, m| spread(pattern, m, &ranks) / (m - 1.0));
                        (sum(&own), spread_of(&totals, total, &ranks))
                    }
                    Distance::Table(scale) => (sum(&self.own), mixed(&totals, |a, b| apart(scale, a, b))),
                };
                let value = beyond_chance(observed * (total - 1.0), expected)?;
                Ok(if matches!(distance, Distance::Table(_)) { value } else { value.max(-1.0) })
            }
            Kind::Gwet(weights) => beyond_chance(mean(), 1.0 - self.gwet_chance(weights, times)?),
            Kind::Even(weights) => beyond_chance(mean(), 1.0 - even_chance(weights)),
        }
    }

    /// Returns Gwet's linearised standard error of the coefficient.
    pub(crate) fn standard_error(&self) -> Result<f64, StatsError> {
        let times = self.counts.times();
        let value = self.value_of(&times)?;
        // Where gaps do not tell how common a class is, units without a pair take no part.
        let all = matches!(self.kind, Kind::Gwet(_) | Kind::Even(_));
        let units: u64 =
            self.shown(&times).filter(|(pattern, _)| all || values(pattern) >= 2).map(|(_, times)| times).sum();
        let pairable = real(self.counts.pairable());
        if units < 2 {
            return Err(StatsError::NoSpread);
        }
        let influence: Vec<f64> = match &self.kind {
            Kind::Share => self.own.iter().map(|own| 1.0 - own).collect(),
            Kind::Alpha(distance) => self.alpha_influence(distance, &times),
            Kind::Fleiss | Kind::Gwet(_) | Kind::Even(_) => {
                let (chance, chance_of) = self.chance(&times)?;
                let each = self.shown(&times).enumerate().map(|(place, (pattern, _))| {
                    let agreed = if values(pattern) >= 2 { 1.0 - self.own[place] - chance } else { 0.0 };
                    let chance_of = chance_of.get(place).copied().unwrap_or(chance);
                    real(units) / pairable * agreed / (1.0 - chance)
                        - 2.0 * (1.0 - value) * (chance_of - chance) / (1.0 - chance)
                });
                each.collect()
            }
        };
        let mean = if let Kind::Alpha(_) = self.kind {
            let sum: f64 = self
                .shown(&times)
                .zip(&influence)
                .filter(|((pattern, _), _)| values(pattern) >= 2)
                .map(|((_, times), x)| real(times) * x)
                .sum();
            sum / real(units)
        } else {
            value
        };
        let squares = self.shown(&times).zip(&influence).filter(|((pattern, _), _)| all || values(pattern) >= 2);
        let squares: f64 = squares.map(|((_, times), x)| real(times) * (x - mean) * (x - mean)).sum();
        Ok((squares / real(units) / (real(units) - 1.0)).sqrt())
    }

    /// Returns agreement by chance and, for each pattern, the part it has in that; nothing if all have the same.
    fn chance(&self, times: &[u64]) -> Result<(f64, Vec<f64>), Undefined> {
        match &self.kind {
            Kind::Even(weights) => Ok((even_chance(weights), Vec::new())),
            Kind::Gwet(weights) => {
                let shares = self.class_shares(times)?;
                let factor = gwet_factor(weights)?;
                let each =
                    self.shown(times).map(|(pattern, _)| mean_over(pattern, |class| factor * (1.0 - shares[class])));
                Ok((self.gwet_chance(weights, times)?, each.collect()))
            }
            Kind::Share | Kind::Fleiss | Kind::Alpha(_) => {
                let (totals, total) = self.totals(times);
                let each = self.shown(times).map(|(pattern, _)| mean_over(pattern, |class| totals[class] / total));
                Ok((totals.iter().map(|class| (class / total).powi(2)).sum(), each.collect()))
            }
        }
    }

    /// Returns the influence of a unit of each pattern on alpha: Gwet (2014), section 5.3.4, in distances.
    fn alpha_influence(&self, distance: &Distance, times: &[u64]) -> Vec<f64> {
        let (totals, total) = self.totals(times);
        let pairable = real(self.counts.pairable());
        let size = total / pairable;
        let ranks = ranks(&totals, total);
        let values_of = match distance {
            Distance::Squared(values) => values,
            Distance::Ranks | Distance::Unlike | Distance::Table(_) => &ranks,
        };
        let mean: f64 = totals.iter().zip(values_of).map(|(count, value)| count / total * value).sum();
        let variance: f64 =
            totals.iter().zip(values_of).map(|(count, value)| count / total * (value - mean).powi(2)).sum();
        // How far each class lies from all values, on average.
        let from_all = |class: usize| match distance {
            Distance::Unlike => 1.0 - totals[class] / total,
            Distance::Squared(_) | Distance::Ranks => (values_of[class] - mean).powi(2) + variance,
            Distance::Table(scale) => (0..totals.len())
                .filter(|&other| totals[other] > 0.0)
                .map(|other| totals[other] / total * apart(scale, class, other))
                .sum(),
        };
        let expected: f64 = (0..totals.len())
            .filter(|&class| totals[class] > 0.0)
            .map(|class| totals[class] / total * from_all(class))
            .sum();
        let own = match distance {
            Distance::Ranks => of_each(self.counts, |pattern, m| spread(pattern, m, &ranks) / (m - 1.0)),
            Distance::Unlike | Distance::Squared(_) | Distance::Table(_) => self.own.clone(),
        };
        let observed: f64 = own.iter().zip(times).map(|(own, &times)| own * real(times)).sum::<f64>() / total;
        let ratio = observed / expected;
        let each = self.shown(times).zip(&own).map(|((pattern, _), own)| {
            let m = real(values(pattern));
            if m < 2.0 {
                return 0.0;
            }
            let (more, chance) = ((m - size) / size, mean_over(pattern, from_all) * m / size);
            let observed = own / size - observed * more;
            let chance = chance - expected * more;
            1.0 - observed / expected + 2.0 * ratio * (chance - expected) / expected
        });
        each.collect()
    }

    /// Returns how many paired values each class has, and all have together.
    fn totals(&self, times: &[u64]) -> (Vec<f64>, f64) {
        let mut totals = vec![0.0; self.counts.classes()];
        for (pattern, times) in self.shown(times).filter(|(pattern, _)| values(pattern) >= 2) {
            for &(class, count) in pattern {
                totals[class as usize] += real(times) * f64::from(count);
            }
        }
        let total = totals.iter().sum();
        (totals, total)
    }

    /// Returns the mean share of each class over all units that have a value.
    fn class_shares(&self, times: &[u64]) -> Result<Vec<f64>, Undefined> {
        let units = real(times.iter().sum());
        let mut shares = vec![0.0; self.counts.classes()];
        for (pattern, times) in self.shown(times) {
            let part = real(times) / real(values(pattern)) / units;
            for &(class, count) in pattern {
                shares[class as usize] += part * f64::from(count);
            }
        }
        if units > 0.0 { Ok(shares) } else { Err(Undefined::NoPairs) }
    }

    fn gwet_chance(&self, weights: &Weights, times: &[u64]) -> Result<f64, Undefined> {
        let shares = self.class_shares(times)?;
        Ok(gwet_factor(weights)? * shares.iter().map(|share| share * (1.0 - share)).sum::<f64>())
    }

    fn shown<'t>(&self, times: &'t [u64]) -> impl Iterator<Item = (&'a [Cell], u64)> + use<'a, 't> {
        self.counts.patterns().zip(times).map(|((pattern, _), &times)| (pattern, times))
    }
}

/// Returns what a function gives for each pattern and its number of values; 0 where there is nothing to compare.
fn of_each(counts: &Counts, own: impl Fn(&[Cell], f64) -> f64) -> Vec<f64> {
    let each = counts.patterns().map(|(pattern, _)| {
        let values = values(pattern);
        if values >= 2 { own(pattern, real(values)) } else { 0.0 }
    });
    each.collect()
}

/// Returns the ordered pairs of unlike values of a pattern with `m` values.
fn unlike(pattern: &[Cell], m: f64) -> f64 {
    pattern.iter().map(|&(_, count)| f64::from(count) * (m - f64::from(count))).sum()
}

/// Returns the sum of squared differences over the ordered pairs of values of a pattern.
fn spread(pattern: &[Cell], m: f64, values: &[f64]) -> f64 {
    let Some(&(first, _)) = pattern.first() else { return 0.0 };
    // Differences from one of the values, so that equal values spread by exactly nothing.
    let from_first = |class: u32| values[class as usize] - values[first as usize];
    let mean: f64 = pattern.iter().map(|&(class, count)| f64::from(count) * from_first(class)).sum::<f64>() / m;
    2.0 * m * pattern.iter().map(|&(class, count)| f64::from(count) * (from_first(class) - mean).powi(2)).sum::<f64>()
}

/// Returns the same over all values together.
fn spread_of(totals: &[f64], total: f64, values: &[f64]) -> f64 {
    let Some(first) = totals.iter().position(|count| *count > 0.0) else { return 0.0 };
    let each = || totals.iter().zip(values).map(|(count, value)| (count, value - values[first]));
    let mean: f64 = each().map(|(count, value)| count / total * value).sum();
    2.0 * total * each().map(|(count, value)| count * (value - mean).powi(2)).sum::<f64>()
}

/// Returns the sum of distances over the ordered pairs of values of a pattern.
fn by_pairs(pattern: &[Cell], distance: impl Fn(usize, usize) -> f64) -> f64 {
    let mut sum = 0.0;
    for (place, &(first, some)) in pattern.iter().enumerate() {
        for &(second, more) in &pattern[place + 1..] {
            sum += 2.0 * f64::from(some) * f64::from(more) * distance(first as usize, second as usize);
        }
    }
    sum
}

/// Returns the same over all values together.
fn mixed(totals: &[f64], distance: impl Fn(usize, usize) -> f64) -> f64 {
    let used: Vec<(usize, f64)> = totals.iter().copied().enumerate().filter(|(_, count)| *count > 0.0).collect();
    let mut sum = 0.0;
    for (place, &(first, some)) in used.iter().enumerate() {
        for &(second, more) in &used[place + 1..] {
            sum += 2.0 * some * more * distance(first, second);
        }
    }
    sum
}

/// Returns the distance of two classes on a scale that has no shorter way.
fn apart(scale: &Scale, first: usize, second: usize) -> f64 {
    match scale {
        Scale::Nominal | Scale::Ordinal => f64::from(first != second),
        Scale::Interval(values) => (values[first] - values[second]).powi(2),
        Scale::Ratio(values) => {
            let sum = values[first] + values[second];
            if sum > 0.0 { ((values[first] - values[second]) / sum).powi(2) } else { 0.0 }
        }
        Scale::Custom(distances) => distances.between(first, second),
    }
}

/// Returns the middle of each class's ranks, as a share: the ordinal distance of Krippendorff is their squared difference.
fn ranks(totals: &[f64], total: f64) -> Vec<f64> {
    let mut below = 0.0;
    let each = totals.iter().map(|count| {
        let middle = (below + count / 2.0) / total;
        below += count;
        middle
    });
    each.collect()
}

/// Returns the values of the classes that are used moved into `0.0..=1.0`; those of the others stay out of every sum.
fn stretched(counts: &Counts, values: &[f64]) -> Vec<f64> {
    let mut used = vec![false; values.len()];
    for &(class, _) in counts.patterns().flat_map(|(pattern, _)| pattern) {
        used[class as usize] = true;
    }
    let Some(some) = used.iter().position(|used| *used) else { return vec![0.0; values.len()] };
    let kept: Vec<f64> =
        values.iter().zip(&used).map(|(value, used)| if *used { *value } else { values[some] }).collect();
    within_one(&kept).unwrap_or_default()
}

fn gwet_factor(weights: &Weights) -> Result<f64, Undefined> {
    let classes = real(weights.classes() as u64);
    if classes < 2.0 { Err(Undefined::OneClass) } else { Ok(weights.total() / (classes * (classes - 1.0))) }
}

fn even_chance(weights: &Weights) -> f64 {
    let classes = real(weights.classes() as u64);
    weights.total() / (classes * classes)
}

/// Returns the mean of a class's number over the values of a pattern.
fn mean_over(pattern: &[Cell], of: impl Fn(usize) -> f64) -> f64 {
    let sum: f64 = pattern.iter().map(|&(class, count)| f64::from(count) * of(class as usize)).sum();
    sum / real(values(pattern))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may stop at once")]

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::agreement::{COUNTED_CLASSES_MAX, Distances};

    fn counts(classes: usize, units: &[Vec<u32>]) -> Counts {
        let mut counts = Counts::new(classes).unwrap();
        for unit in units {
            counts.add(unit).unwrap();
        }
        counts
    }

    const RATERS: [&str; 4] = ["123321412...", "1233224125.3", ".3332342251.", "12332441251."];

    /// The example of Krippendorff (2011), section C: four raters, twelve units, with gaps.
    fn krippendorff_2011() -> Counts {
        let mut counts = Counts::new(5).unwrap();
        for place in 0..12 {
            let given = RATERS.iter().filter_map(|rater| rater.chars().nth(place)?.to_digit(10));
            counts.add_values(&mut given.map(|class| class - 1).collect::<Vec<_>>()).unwrap();
        }
        counts
    }

    /// The tables of two raters by two classes as counts.
    fn two_by_two(cells: [u32; 4]) -> Counts {
        let mut counts = Counts::new(2).unwrap();
        for (unit, times) in [[2, 0], [1, 1], [1, 1], [0, 2]].iter().zip(cells) {
            (0..times).for_each(|_| counts.add(unit).unwrap());
        }
        counts
    }

    fn grades() -> Vec<f64> {
        vec![1.0, 2.0, 3.0, 4.0, 5.0]
    }

    #[track_caller]
    fn assert_value(counts: &Counts, coefficient: &Coefficient, value: f64) {
        let found = counts.value(coefficient).unwrap();
        assert!((found - value).abs() < 1e-6, "{coefficient:?}: {found} for {value}");
    }

    #[track_caller]
    fn assert_error(counts: &Counts, coefficient: &Coefficient, error: f64) {
        let found = counts.standard_error(coefficient).unwrap();
        assert!((found - error).abs() < 1e-8, "{coefficient:?}: standard error {found} for {error}");
    }

    #[test]
    fn alpha_equals_krippendorffs_example_at_every_level() {
        // To six digits also krippendorff 0.9.0.
        let counts = krippendorff_2011();
        assert!((counts.alpha().unwrap() - 0.743_421).abs() < 1e-6);
        assert_value(&counts, &Coefficient::Alpha(Scale::Nominal), 0.743_421);
        assert_value(&counts, &Coefficient::Alpha(Scale::Ordinal), 0.815_388);
        assert_value(&counts, &Coefficient::Alpha(Scale::Interval(grades())), 0.849_107);
        assert_value(&counts, &Coefficient::Alpha(Scale::Ratio(grades())), 0.797_403);
        // A table of the same distances goes the long way to the same place.
        let squares = Distances::of(5, |first, second| real((second - first).pow(2) as u64)).unwrap();
        assert_value(&counts, &Coefficient::Alpha(Scale::Custom(squares)), 0.849_107);
        assert_eq!((counts.units(), counts.pairable(), counts.values()), (12, 11, 41));
        assert_eq!(counts.fleiss(), Err(Undefined::UnequalValues));
    }

    #[test]
    fn standard_errors_and_gwets_coefficients_equal_irrcac() {
        // irrCAC 0.4.4, `CAC(..., digits=10)`: value and standard error. For alpha with gaps it mixes two agreements, one
        // with and one without the term for small samples; its error is that of the one without.
        let counts = krippendorff_2011();
        let linear = || Weights::linear(&grades()).unwrap();
        let quadratic = || Weights::quadratic(&grades()).unwrap();
        let (identity, ordinal) = (|| Weights::identity(5).unwrap(), || Weights::ordinal(5).unwrap());
        for (coefficient, value, error) in [
            (Coefficient::Gwet(identity()), 0.775_444_068_1, 0.142_949_950_6),
            (Coefficient::Gwet(linear()), 0.858_739_136_4, 0.117_329_021_9),
            (Coefficient::Gwet(quadratic()), 0.914_000_723_6, 0.103_962_244_6),
            (Coefficient::Gwet(ordinal()), 0.898_939_769_9, 0.106_903_524_3),
            (Coefficient::BrennanPrediger(identity()), 0.772_727_272_7, 0.144_716_619_9),
            (Coefficient::BrennanPrediger(linear()), 0.848_484_848_5, 0.123_356_124_5),
            (Coefficient::BrennanPrediger(quadratic()), 0.901_515_151_5, 0.110_894_375),
            (Coefficient::Alpha(Scale::Nominal), 0.743_421_052_6, 0.145_478_717_2),
            (Coefficient::Alpha(Scale::Interval(grades())), 0.849_107_142_9, 0.129_051_199_9),
        ] {
            assert_value(&counts, &coefficient, value);
            assert_error(&counts, &coefficient, error);
        }
        // What irrCAC calls ordinal alpha goes by Gwet's weights: not Krippendorff's metric.
        let gwet = Distances::of(5, |first, second| 1.0 - ordinal().of_pair(first, second)).unwrap();
        assert_value(&counts, &Coefficient::Alpha(Scale::Custom(gwet.clone())), 0.833_638_025_6);
        assert_error(&counts, &Coefficient::Alpha(Scale::Custom(gwet)), 0.130_987_596_3);
    }

    #[test]
    fn the_prevalence_paradox_is_shown_by_both_coefficients() {
        // Feinstein and Cicchetti (1990): 94 % agreed, and kappa is below chance. irrCAC 0.4.4.
        let rare = two_by_two([118, 5, 2, 0]);
        let ac1 = Coefficient::Gwet(Weights::identity(2).unwrap());
        assert_value(&rare, &ac1, 0.940_776_337_6);
        assert_error(&rare, &ac1, 0.023_056_964_3);
        assert_value(&rare, &Coefficient::Fleiss, -0.028_806_584_4);
        assert_error(&rare, &Coefficient::Fleiss, 0.010_927_143_4);
        assert_value(&rare, &Coefficient::Alpha(Scale::Nominal), -0.024_691_358);
        let even = two_by_two([20, 5, 10, 15]);
        assert_value(&even, &ac1, 0.405_940_594_1);
        assert_error(&even, &ac1, 0.131_473_088_8);
        assert_error(&even, &Coefficient::BrennanPrediger(Weights::identity(2).unwrap()), 0.130_930_734_1);
        assert_value(&even, &Coefficient::ShareAgreed, 0.7);
        // 0.7 (1 - 0.7) over 49: the unbiased standard error of a share.
        assert_error(&even, &Coefficient::ShareAgreed, (0.21_f64 / 49.0).sqrt());
    }

    #[test]
    fn congers_kappa_equals_irrcac() {
        let counts = krippendorff_2011();
        let by_rater = RATERS.map(|rater| {
            let mut given = vec![0; 5];
            rater.chars().filter_map(|class| class.to_digit(10)).for_each(|class| given[class as usize - 1] += 1);
            given
        });
        assert!((counts.conger(&by_rater).unwrap() - 0.762_066_893_7).abs() < 1e-9);
        assert_eq!(counts.conger(&by_rater[..1]), Err(StatsError::Shape { found: 1, wanted: 2 }));
        assert_eq!(two_by_two([9, 0, 0, 0]).conger(&[vec![9, 0], vec![9, 0]]), Err(Undefined::OneClass.into()));
    }

    #[test]
    fn fleiss_kappa_equals_its_own_example() {
        // Fleiss (1971), table 1: thirty patients, six psychiatrists, five diagnoses; .430. irrCAC 0.4.4 for the error.
        let patients = "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 00501 \
                        30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006";
        let units: Vec<Vec<u32>> = patients
            .split_whitespace()
            .map(|unit| unit.chars().filter_map(|count| count.to_digit(10)).collect())
            .collect();
        let counts = counts(5, &units);
        assert!((counts.fleiss().unwrap() - 0.430_244_520_1).abs() < 1e-9);
        assert_error(&counts, &Coefficient::Fleiss, 0.054_198_935_5);
    }

    #[test]
    fn fleiss_kappa_equals_the_example_of_ten_units_and_fourteen_raters() {
        // The worked example of the article "Fleiss' kappa", Wikipedia: mean P 0.378, chance 0.213, kappa 0.210.
        let counts = counts(
            5,
            &[
                vec![0, 0, 0, 0, 14],
                vec![0, 2, 6, 4, 2],
                vec![0, 0, 3, 5, 6],
                vec![0, 3, 9, 2, 0],
                vec![2, 2, 8, 1, 1],
                vec![7, 7, 0, 0, 0],
                vec![3, 2, 6, 3, 0],
                vec![2, 5, 3, 2, 2],
                vec![6, 5, 2, 1, 0],
                vec![0, 2, 2, 3, 7],
            ],
        );
        assert!((counts.share_agreed().unwrap() - 0.378).abs() < 5e-4);
        assert!((counts.fleiss().unwrap() - 0.210).abs() < 5e-4);
    }

    #[test]
    fn one_class_throughout_is_undefined_rather_than_perfect() {
        let counts = counts(2, &[vec![2, 0], vec![3, 0], vec![0, 1]]);
        assert_eq!(counts.alpha(), Err(Undefined::OneClass));
        assert_eq!(counts.share_agreed(), Ok(1.0));
        for scale in [Scale::Ordinal, Scale::Interval(vec![0.1, 0.7]), Scale::Ratio(vec![0.1, 0.7])] {
            assert_eq!(counts.value(&Coefficient::Alpha(scale)), Err(Undefined::OneClass.into()));
        }
        // Two classes of one value do not differ either.
        let equal = Coefficient::Alpha(Scale::Interval(vec![0.7, 0.7]));
        assert_eq!(two_by_two([3, 1, 0, 2]).value(&equal), Err(Undefined::OneClass.into()));
        // Gwet's coefficients have a value: the class that nobody used was declared.
        assert_value(&counts, &Coefficient::Gwet(Weights::identity(2).unwrap()), 1.0);
        let single = self::counts(1, &[vec![2]]);
        assert_eq!(single.value(&Coefficient::Gwet(Weights::identity(1).unwrap())), Err(Undefined::OneClass.into()));
        assert_eq!(single.standard_error(&Coefficient::ShareAgreed), Err(StatsError::NoSpread));
    }

    #[test]
    fn nothing_to_compare_is_undefined() {
        let counts = counts(2, &[vec![1, 0], vec![0, 0], vec![0, 1]]);
        assert_eq!((counts.units(), counts.pairable()), (3, 0));
        assert_eq!((counts.alpha(), counts.fleiss()), (Err(Undefined::NoPairs), Err(Undefined::NoPairs)));
        assert_eq!(counts.share_agreed(), Err(Undefined::NoPairs));
        let gwet = Coefficient::Gwet(Weights::identity(2).unwrap());
        assert_eq!(counts.value(&gwet), Err(Undefined::NoPairs.into()));
        assert_eq!(Counts::new(0).unwrap().value(&Coefficient::Alpha(Scale::Ordinal)), Err(Undefined::NoPairs.into()));
    }

    #[test]
    fn what_does_not_fit_is_refused_and_changes_nothing() {
        let (found, max) = (usize::MAX, COUNTED_CLASSES_MAX);
        assert_eq!(Counts::new(found), Err(StatsError::TooManyClasses { found, max }));
        let mut counts = Counts::new(2).unwrap();
        assert_eq!(counts.add(&[1]), Err(StatsError::Shape { found: 1, wanted: 2 }));
        assert_eq!(counts.add_values(&mut [2, 0]), Err(StatsError::UnknownClass { class: 2, classes: 2 }));
        assert_eq!(counts.units(), 0);
        let gwet = Coefficient::Gwet(Weights::identity(3).unwrap());
        assert_eq!(counts.value(&gwet), Err(StatsError::Shape { found: 3, wanted: 2 }));
        let alpha = |scale| counts.value(&Coefficient::Alpha(scale));
        assert_eq!(alpha(Scale::Interval(vec![1.0, f64::INFINITY])), Err(StatsError::Value(f64::INFINITY)));
        assert_eq!(alpha(Scale::Ratio(vec![1.0, -2.0])), Err(StatsError::Value(-2.0)));
        assert_eq!(Weights::of(2, |_, _| 1.5), Err(StatsError::Value(1.5)));
        assert_eq!(Distances::of(2, |_, _| -0.5), Err(StatsError::Value(-0.5)));
        assert!(matches!(Weights::linear(&[f64::NAN]), Err(StatsError::Value(_))));
    }

    const CLASSES: usize = 3;

    fn any_count() -> impl Strategy<Value = u32> {
        prop_oneof![4 => 0_u32..4, 1 => any::<u32>(), 1 => Just(u32::MAX)]
    }

    /// Equal but for the order of summation.
    fn same(left: &Result<f64, StatsError>, right: &Result<f64, StatsError>) -> bool {
        match (left, right) {
            (Ok(left), Ok(right)) => (left - right).abs() <= 1e-9,
            (left, right) => left == right,
        }
    }

    /// Every coefficient, for classes with these values.
    fn every(values: &[f64]) -> Vec<Coefficient> {
        let size: Vec<f64> = values.iter().map(|value| value.abs()).collect();
        vec![
            Coefficient::ShareAgreed,
            Coefficient::Fleiss,
            Coefficient::Alpha(Scale::Nominal),
            Coefficient::Gwet(Weights::identity(values.len()).unwrap()),
            Coefficient::BrennanPrediger(Weights::identity(values.len()).unwrap()),
            Coefficient::Alpha(Scale::Interval(values.to_vec())),
            Coefficient::Alpha(Scale::Ratio(size)),
            Coefficient::Gwet(Weights::quadratic(values).unwrap()),
            Coefficient::BrennanPrediger(Weights::linear(values).unwrap()),
            Coefficient::Alpha(Scale::Ordinal),
        ]
    }

    proptest! {
        #[test]
        fn figures_are_numbers_and_ignore_the_order_of_units_and_classes(
            units in vec(vec(any_count(), CLASSES), 0..12),
            values in vec(prop_oneof![-3.0..3.0_f64, -1e300..1e300_f64, Just(0.0)], CLASSES),
            order in Just((0..CLASSES).collect::<Vec<_>>()).prop_shuffle(),
        ) {
            let straight = counts(CLASSES, &units);
            let relabelled: Vec<Vec<u32>> =
                units.iter().rev().map(|unit| order.iter().map(|&class| unit[class]).collect()).collect();
            let relabelled = counts(CLASSES, &relabelled);
            let moved: Vec<f64> = order.iter().map(|&class| values[class]).collect();
            for (place, (coefficient, other)) in every(&values).iter().zip(every(&moved)).enumerate() {
                let value = straight.value(coefficient);
                if let Ok(value) = value {
                    prop_assert!(value.is_finite() && value <= 1.0, "{:?} {}", coefficient, value);
                    prop_assert!(place > 2 || value >= -1.0, "{:?} {}", coefficient, value);
                }
                if let Ok(error) = straight.standard_error(coefficient) {
                    prop_assert!(error.is_finite() && error >= 0.0, "{:?} {}", coefficient, error);
                }
                // The ordinal scale is about the order of the classes, so that another order is another figure.
                let other = if matches!(other, Coefficient::Alpha(Scale::Ordinal)) { straight.value(&other) } else { relabelled.value(&other) };
                prop_assert!(same(&value, &other), "{:?}: {:?} {:?}", coefficient, value, other);
            }
            prop_assert!(straight.pairable() <= straight.units());
        }

        #[test]
        fn two_raters_without_gaps_have_the_fleiss_that_alpha_comes_near(classes in vec((0_u32..3, 0_u32..3), 2..40)) {
            let mut counts = Counts::new(CLASSES).unwrap();
            for (first, second) in &classes {
                counts.add_values(&mut [*first, *second]).unwrap();
            }
            // Krippendorff (2011): alpha is 1 - (1 - kappa) (n - 1) / n over n values.
            let n = real(counts.values());
            if let (Ok(fleiss), Ok(alpha)) = (counts.fleiss(), counts.alpha()) {
                prop_assert!((alpha - (1.0 - (1.0 - fleiss) * (n - 1.0) / n)).abs() < 1e-9);
            }
        }
    }
}
