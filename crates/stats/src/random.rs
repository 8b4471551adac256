//! Random numbers whose stream depends on nothing but a seed.

use crate::{real, special::binomial_term, truth::math::ln};

/// A small generator: the same seed gives the same numbers.
///
/// Source: Steele, Lea and Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014 (`SplitMix64`).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// Returns the generator of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns the next number, any of `u64` being as likely as any other.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mixed(self.0)
    }

    /// Returns a number below `bound`, or 0 if `bound` is; its bias is at most `bound / 2^64`.
    pub fn below(&mut self, bound: u64) -> u64 {
        self.bits().carrying_mul(bound, 0).1
    }

    /// Returns a number in `0.0..1.0`, a multiple of 2^-53.
    pub fn share(&mut self) -> f64 {
        real(self.bits() >> 11) / real(1 << 53)
    }

    /// Returns a number of the exponential distribution with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -ln(1.0 - self.share())
    }

    /// Brings things into a random order, any being as likely as any other.
    ///
    /// Source: Durstenfeld, Algorithm 235, Commun. ACM 7 (1964), 420.
    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for last in (1..things.len()).rev() {
            #[expect(clippy::cast_possible_truncation, reason = "at most `last`")]
            let other = self.below(last as u64 + 1) as usize;
            things.swap(last, other);
        }
    }

    /// Returns how many of `n` trials hit, each with probability `p`; a `p` outside of `0.0..=1.0` counts as the nearer end.
    ///
    /// Walks outward from the likeliest number, so that its cost grows with the standard deviation, not with `n`.
    /// Source: Kemp, Commun. Stat. Theory Methods 15 (1986), 805–813.
    pub fn binomial(&mut self, n: u64, p: f64) -> u64 {
        if p > 0.5 {
            return n - self.binomial(n, 1.0 - p);
        }
        if n == 0 || p <= 0.0 || p.is_nan() {
            return 0;
        }
        let odds = p / (1.0 - p);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lies between 0 and n")]
        let mode = (((real(n) + 1.0) * p) as u64).min(n);
        let (mut high, mut low) = (mode, mode);
        let mut left = self.share();
        let mut at_high = binomial_term(mode, n, p);
        let mut at_low = at_high;
        left -= at_high;
        while left >= 0.0 && at_high + at_low > f64::EPSILON / 64.0 {
            if high < n {
                at_high *= real(n - high) / real(high + 1) * odds;
                high += 1;
                left -= at_high;
                if left < 0.0 {
                    return high;
                }
            } else {
                at_high = 0.0;
            }
            if low > 0 {
                at_low *= real(low) / real(n - low + 1) / odds;
                low -= 1;
                left -= at_low;
                if left < 0.0 {
                    return low;
                }
            } else {
                at_low = 0.0;
            }
        }
        mode
    }

    /// Returns how often each of several kinds comes up in `draws` draws, given how often each came up in as many before.
    ///
    /// The result has one number for each of `times`, and they sum to `draws`, or to 0 if all of `times` are 0.
    pub fn multinomial(&mut self, draws: u64, times: &[u64]) -> Vec<u64> {
        let mut found = vec![0; times.len()];
        let (mut draws, mut total) = (draws, times.iter().sum::<u64>());
        // One draw at a time is cheaper where nearly every kind is a kind of its own.
        if total / 4 < times.len() as u64 && draws <= total {
            let kinds: Vec<usize> =
                times.iter().enumerate().flat_map(|(kind, &times)| (0..times).map(move |_| kind)).collect();
            for _ in 0..draws {
                if let Some(&kind) = usize::try_from(self.below(total)).ok().and_then(|place| kinds.get(place)) {
                    found[kind] += 1;
                }
            }
            return found;
        }
        for (found, &times) in found.iter_mut().zip(times) {
            if total == 0 {
                break;
            }
            *found = if times == total { draws } else { self.binomial(draws, real(times) / real(total)) };
            draws -= *found;
            total -= times;
        }
        found
    }
}

/// Returns a number in which each bit depends on every bit of the one given: the finaliser of `SplitMix64`, one to one.
pub fn mixed(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generator_equals_its_reference() {
        // The output for seed 1234567 of the authors' C code, as listed at Rosetta Code, "Pseudo-random numbers".
        let mut random = Random::new(1_234_567);
        let found = [(); 3].map(|()| random.bits());
        assert_eq!(found, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    /// Returns mean and variance of some draws.
    fn moments(draws: &[u64]) -> (f64, f64) {
        let n = real(draws.len() as u64);
        let mean = draws.iter().map(|&draw| real(draw)).sum::<f64>() / n;
        (mean, draws.iter().map(|&draw| (real(draw) - mean).powi(2)).sum::<f64>() / (n - 1.0))
    }

    #[test]
    fn binomial_draws_have_mean_and_variance_of_their_law() {
        let mut random = Random::new(7);
        for (n, p) in [(1, 0.3), (10, 0.5), (40, 0.9), (1_000, 0.001), (200_000, 0.2), (1_000_000_000, 1e-8)] {
            let draws: Vec<u64> = (0..4_000).map(|_| random.binomial(n, p)).collect();
            let (mean, variance) = moments(&draws);
            let (wanted, spread) = (real(n) * p, real(n) * p * (1.0 - p));
            assert!((mean - wanted).abs() < 4.0 * (spread / 4_000.0).sqrt(), "{n} {p}: mean {mean}");
            assert!((variance / spread - 1.0).abs() < 0.2, "{n} {p}: variance {variance} for {spread}");
            assert!(draws.iter().all(|&draw| draw <= n));
        }
    }

    #[test]
    fn certain_and_impossible_hits_need_no_luck() {
        let mut random = Random::new(1);
        let found = [0.0, -1.0, f64::NAN, 1.0, 2.0].map(|p| random.binomial(9, p));
        assert_eq!(found, [0, 0, 0, 9, 9]);
        assert_eq!((random.binomial(0, 0.5), random.below(0)), (0, 0));
    }

    #[test]
    fn a_multinomial_draw_is_fair_and_complete_drawn_either_way() {
        let mut random = Random::new(3);
        // Few kinds with many each, and many kinds with one each.
        for times in [vec![700, 200, 0, 100], vec![1; 1_000]] {
            let mut sums = vec![0; times.len()];
            for _ in 0..2_000 {
                let found = random.multinomial(1_000, &times);
                assert_eq!(found.iter().sum::<u64>(), 1_000);
                for (sum, found) in sums.iter_mut().zip(found) {
                    *sum += found;
                }
            }
            for (&sum, &times) in sums.iter().zip(&times) {
                let wanted = 2_000.0 * real(times);
                assert!((real(sum) - wanted).abs() <= 5.0 * wanted.sqrt(), "{sum} for {wanted}");
            }
        }
        assert_eq!(random.multinomial(5, &[0, 0]), [0, 0]);
        assert_eq!(random.multinomial(5, &[]), Vec::<u64>::new());
    }
}
