//! Terms, tails and quantiles of the normal, beta, F, binomial and hypergeometric laws.
//!
//! Binomial terms are built from small deviations, never from differences of large logarithms, so that they keep twelve
//! digits and more for any number of trials.

use std::f64::consts::PI;

use crate::real;

/// Steps after which a continued fraction is as good as it gets; reached beyond some 10^9 trials only.
const STEPS_MAX: u32 = 200_000;

/// Returns the standard normal quantile of `p` in `(0, 1)`, to about one part in 10^16.
///
/// Source: Wichura, Algorithm AS 241 (PPND16), Appl. Stat. 37 (1988), 477–484.
#[expect(clippy::unreadable_literal, clippy::excessive_precision, reason = "coefficients stand as printed")]
pub(crate) fn normal_quantile(p: f64) -> f64 {
    let q = p - 0.5;
    if q.abs() <= 0.425 {
        let r = 0.180625 - q * q;
        return q * polynomial(
            [
                3.3871328727963666080e0,
                1.3314166789178437745e2,
                1.9715909503065514427e3,
                1.3731693765509461125e4,
                4.5921953931549871457e4,
                6.7265770927008700853e4,
                3.3430575583588128105e4,
                2.5090809287301226727e3,
            ],
            r,
        ) / polynomial(
            [
                1.0,
                4.2313330701600911252e1,
                6.8718700749205790830e2,
                5.3941960214247511077e3,
                2.1213794301586595867e4,
                3.9307895800092710610e4,
                2.8729085735721942674e4,
                5.2264952788528545610e3,
            ],
            r,
        );
    }
    let r = (-p.min(1.0 - p).ln()).sqrt();
    let size = if r <= 5.0 {
        let r = r - 1.6;
        polynomial(
            [
                1.42343711074968357734e0,
                4.63033784615654529590e0,
                5.76949722146069140550e0,
                3.64784832476320460504e0,
                1.27045825245236838258e0,
                2.41780725177450611770e-1,
                2.27238449892691845833e-2,
                7.74545014278341407640e-4,
            ],
            r,
        ) / polynomial(
            [
                1.0,
                2.05319162663775882187e0,
                1.67638483018380384940e0,
                6.89767334985100004550e-1,
                1.48103976427480074590e-1,
                1.51986665636164571966e-2,
                5.47593808499534494600e-4,
                1.05075007164441684324e-9,
            ],
            r,
        )
    } else {
        let r = r - 5.0;
        polynomial(
            [
                6.65790464350110377720e0,
                5.46378491116411436990e0,
                1.78482653991729133580e0,
                2.96560571828504891230e-1,
                2.65321895265761230930e-2,
                1.24266094738807843860e-3,
                2.71155556874348757815e-5,
                2.01033439929228813265e-7,
            ],
            r,
        ) / polynomial(
            [
                1.0,
                5.99832206555887937690e-1,
                1.36929880922735805310e-1,
                1.48753612908506148525e-2,
                7.86869131145613259100e-4,
                1.84631831751005468180e-5,
                1.42151175831644588870e-7,
                2.04426310338993978564e-15,
            ],
            r,
        )
    };
    size.copysign(q)
}

/// Returns the polynomial at `r`, its coefficients in rising order.
fn polynomial(coefficients: [f64; 8], r: f64) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, coefficient| sum * r + coefficient)
}

/// Returns the standard normal probability below `z`.
///
/// By the incomplete gamma function's relation to a beta law it would need a limit; this is the continued fraction and the
/// series of Abramowitz and Stegun, 26.2.10 and 26.2.14, good to about one part in 10^14.
pub(crate) fn normal_below(z: f64) -> f64 {
    let size = z.abs();
    if size > 38.5 {
        return if z > 0.0 { 1.0 } else { 0.0 };
    }
    let density = (-0.5 * size * size).exp() / (2.0 * PI).sqrt();
    if size < 3.0 {
        let (mut term, mut sum, mut odd) = (size, size, 1.0);
        while term > sum * 1e-17 {
            odd += 2.0;
            term *= size * size / odd;
            sum += term;
        }
        return 0.5 + (density * sum).copysign(z);
    }
    let fraction = (1..=160).rev().fold(size, |below, step| size + f64::from(step) / below);
    let beyond = density / fraction;
    if z > 0.0 { 1.0 - beyond } else { beyond }
}

/// Returns the logarithm of the gamma function of `x > 0`.
fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut product) = (x, 1.0);
    while x < 16.0 {
        product *= x;
        x += 1.0;
    }
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln() + stirling_series(x) - product.ln()
}

/// Returns `ln(gamma(n + 1))` less Stirling's formula for it, for `n > 0`.
fn stirling_error(n: f64) -> f64 {
    if n > 16.0 { stirling_series(n) } else { ln_gamma(n + 1.0) - (n + 0.5) * n.ln() + n - 0.5 * (2.0 * PI).ln() }
}

/// Source: Abramowitz and Stegun, *Handbook of Mathematical Functions* (1964), 6.1.41.
fn stirling_series(n: f64) -> f64 {
    let square = n * n;
    (1.0 / 12.0 - (1.0 / 360.0 - (1.0 / 1260.0 - (1.0 / 1680.0 - 1.0 / 1188.0 / square) / square) / square) / square)
        / n
}

/// Returns `x ln(x / mean) + mean - x` without loss where `x` is near the mean.
fn deviance(x: f64, mean: f64) -> f64 {
    if (x - mean).abs() >= 0.1 * (x + mean) {
        return x * (x / mean).ln() + mean - x;
    }
    let ratio = (x - mean) / (x + mean);
    let mut sum = (x - mean) * ratio;
    let mut power = 2.0 * x * ratio;
    let mut odd = 1.0;
    loop {
        power *= ratio * ratio;
        odd += 2.0;
        let next = sum + power / odd;
        if (next - sum).abs() <= 0.0 {
            return next;
        }
        sum = next;
    }
}

/// Returns `p^x q^(n-x)` times the binomial coefficient, for real `0 <= x <= n` and `p + q = 1`.
///
/// Source: Loader, *Fast and Accurate Computation of Binomial Probabilities* (2000).
fn term(x: f64, n: f64, p: f64, q: f64) -> f64 {
    let certain = |sure: bool| if sure { 1.0 } else { 0.0 };
    if p <= 0.0 || n <= 0.0 {
        return certain(x <= 0.0);
    }
    if q <= 0.0 {
        return certain(x >= n);
    }
    if x <= 0.0 {
        return if p < 0.1 { (-deviance(n, n * q) - n * p).exp() } else { (n * q.ln()).exp() };
    }
    if x >= n {
        return if q < 0.1 { (-deviance(n, n * p) - n * q).exp() } else { (n * p.ln()).exp() };
    }
    let exponent =
        stirling_error(n) - stirling_error(x) - stirling_error(n - x) - deviance(x, n * p) - deviance(n - x, n * q);
    // The root is taken of three factors: their product could leave the range.
    exponent.exp() / ((2.0 * PI).sqrt() * x.sqrt() * ((n - x) / n).sqrt())
}

/// Returns the probability of exactly `x` hits in `n` trials, each with probability `p` in `0.0..=1.0`.
pub(crate) fn binomial_term(x: u64, n: u64, p: f64) -> f64 {
    if x > n { 0.0 } else { term(real(x), real(n), p, 1.0 - p) }
}

/// Returns the probability of at most `x` hits in `n` trials.
pub(crate) fn binomial_at_most(x: u64, n: u64, p: f64) -> f64 {
    if x >= n { 1.0 } else { beta_below(real(n - x), real(x) + 1.0, 1.0 - p, p).0 }
}

/// Returns the probability below and above `x` of the beta law with `a, b > 0`; `y` is `1 - x`. Good to twelve digits up to
/// some 10^6, to nine up to 10^8.
///
/// Source: the continued fraction of DiDonato and Morris, ACM Trans. Math. Softw. 18 (1992), 360–373, section 4, its
/// even and odd parts in turn as in Press et al., *Numerical Recipes* (2007), 6.4, by the method of Lentz.
pub(crate) fn beta_below(a: f64, b: f64, x: f64, y: f64) -> (f64, f64) {
    if x <= 0.0 {
        return (0.0, 1.0);
    }
    if y <= 0.0 {
        return (1.0, 0.0);
    }
    if x > (a + 1.0) / (a + b + 2.0) {
        let (above, below) = beta_below(b, a, y, x);
        return (below, above);
    }
    let below = (beta_weight(a, b, x, y) / a / fraction(a, b, x)).min(1.0);
    (below, 1.0 - below)
}

/// Returns `x^a y^b / B(a, b)`.
fn beta_weight(a: f64, b: f64, x: f64, y: f64) -> f64 {
    term(a, a + b, x, y) * a * (b / (a + b))
}

fn fraction(a: f64, b: f64, x: f64) -> f64 {
    let away = |value: f64| if value.abs() < f64::MIN_POSITIVE { f64::MIN_POSITIVE } else { value };
    let mut above = 1.0;
    let mut below = 1.0 / away(1.0 - (a + b) * x / (a + 1.0));
    let mut product = 1.0 / below;
    for step in 1..STEPS_MAX {
        let step = f64::from(step);
        let twice = a + 2.0 * step;
        let even = step * (b - step) * x / ((twice - 1.0) * twice);
        let odd = -(a + step) * (a + b + step) * x / (twice * (twice + 1.0));
        for part in [even, odd] {
            below = 1.0 / away(1.0 + part * below);
            above = away(1.0 + part / above);
            product /= below * above;
        }
        if (below * above - 1.0).abs() < 2.0 * f64::EPSILON {
            break;
        }
    }
    product
}

/// Returns the `x` below which the beta law with `a, b > 0` has this probability, in `(0, 1)`.
///
/// Exact in relative terms near 0; ask for what is left of it of the law with `b, a` where the answer is near 1.
pub(crate) fn beta_quantile(a: f64, b: f64, probability: f64) -> f64 {
    // Newton's steps on logarithms, where a lower tail is nearly a straight line; a step that leaves what is known to hold
    // the answer is replaced by the middle of it.
    let (mut low, mut high) = (-745.0_f64, 0.0_f64);
    let mut at = (a / (a + b)).ln();
    for _ in 0..300 {
        let (x, y) = (at.exp(), -at.exp_m1());
        let below = beta_below(a, b, x, y).0;
        if below < probability {
            low = at;
        } else {
            high = at;
        }
        let slope = beta_weight(a, b, x, y) / y / below;
        let step = (probability / below).ln() / slope;
        let next = at + step;
        let next = if next > low && next < high { next } else { f64::midpoint(low, high) };
        if (next - at).abs() <= 1e-15 * (1.0 + at.abs() * f64::EPSILON) || high - low <= 1e-15 {
            return next.exp();
        }
        at = next;
    }
    at.exp()
}

/// Returns the value below which the F law with `first` and `second` degrees of freedom has the probability `p` in `(0, 1)`.
pub(crate) fn f_quantile(first: f64, second: f64, p: f64) -> f64 {
    // The share is taken from the end where it is small.
    let (x, y) = if p < 0.5 {
        let x = beta_quantile(first / 2.0, second / 2.0, p);
        (x, 1.0 - x)
    } else {
        let y = beta_quantile(second / 2.0, first / 2.0, 1.0 - p);
        (1.0 - y, y)
    };
    second / first * (x / y)
}

/// A finite lot: `hits` of its `size` items are hits, and `n` of them are drawn without replacement.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Lot {
    pub(crate) size: u64,
    pub(crate) hits: u64,
    pub(crate) n: u64,
}

impl Lot {
    /// Fewest and most hits that a draw can hold.
    fn ends(self) -> (u64, u64) {
        ((self.hits + self.n).saturating_sub(self.size), self.hits.min(self.n))
    }

    /// Returns the probability of exactly `x` hits in the draw.
    ///
    /// Source: Loader (2000), section 5: a quotient of three binomial terms.
    fn term(self, x: u64) -> f64 {
        let (fewest, most) = self.ends();
        if x < fewest || x > most {
            return 0.0;
        }
        let p = if self.size == 0 { 0.0 } else { real(self.n) / real(self.size) };
        let q = if self.size == 0 { 1.0 } else { real(self.size - self.n) / real(self.size) };
        let (hits, misses) = (real(self.hits), real(self.size - self.hits));
        term(real(x), hits, p, q) * term(real(self.n - x), misses, p, q) / term(real(self.n), real(self.size), p, q)
    }

    /// Returns the probability of at most `x` hits in the draw.
    pub(crate) fn at_most(self, x: u64) -> f64 {
        let (fewest, most) = self.ends();
        if x >= most {
            1.0
        } else if x < fewest {
            0.0
        } else if real(x) <= self.mean() {
            self.downward(x)
        } else {
            1.0 - self.upward(x + 1)
        }
    }

    /// Returns the probability of at least `x` hits in the draw.
    pub(crate) fn at_least(self, x: u64) -> f64 {
        let (fewest, most) = self.ends();
        if x <= fewest {
            1.0
        } else if x > most {
            0.0
        } else if real(x) >= self.mean() {
            self.upward(x)
        } else {
            1.0 - self.downward(x - 1)
        }
    }

    fn mean(self) -> f64 {
        real(self.hits) * (real(self.n) / real(self.size))
    }

    /// Sums from `x` down, which lies below the mean, so that the terms shrink.
    fn downward(self, x: u64) -> f64 {
        let (fewest, _) = self.ends();
        let (mut at, mut term) = (x, self.term(x));
        let mut sum = term;
        while at > fewest && term > sum * f64::EPSILON / 8.0 {
            term *= real(at) / real(self.hits - at + 1)
                * (real(self.size - self.hits + at - self.n) / real(self.n - at + 1));
            at -= 1;
            sum += term;
        }
        sum.min(1.0)
    }

    /// Sums from `x` up, which lies above the mean.
    fn upward(self, x: u64) -> f64 {
        let (_, most) = self.ends();
        let (mut at, mut term) = (x, self.term(x));
        let mut sum = term;
        while at < most && term > sum * f64::EPSILON / 8.0 {
            at += 1;
            term *= real(self.hits - at + 1) / real(at)
                * (real(self.n - at + 1) / real(self.size - self.hits + at - self.n));
            sum += term;
        }
        sum.min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: f64, wanted: f64, within: f64) {
        assert!((found / wanted - 1.0).abs() < within, "{found} for {wanted}");
    }

    #[test]
    fn the_normal_quantile_holds_to_the_last_digits() {
        // Computed with mpmath at 40 digits.
        for (p, quantile) in [
            (0.4, -0.253_347_103_135_799_7),
            (0.1, -1.281_551_565_544_600_4),
            (0.025, -1.959_963_984_540_054_3),
            (0.000_5, -3.290_526_731_491_895),
            (1e-9, -5.997_807_015_007_686_5),
            (1e-16, -8.222_082_216_130_435),
            (1e-100, -21.273_453_560_965_326),
            (1e-300, -37.047_096_299_361_2),
        ] {
            close(normal_quantile(p), quantile, 2e-15);
        }
        assert!(normal_quantile(0.5).abs() < 1e-16);
        assert!((normal_quantile(0.975) - 1.959_963_984_540_054).abs() < 1e-14);
    }

    #[test]
    fn normal_probabilities_equal_those_at_thirty_digits() {
        // mpmath, `ncdf`.
        for (z, below) in [
            (-8.0, 6.220_960_574_271_784e-16),
            (-3.0, 0.001_349_898_031_630_094_5),
            (-1.5, 0.066_807_201_268_858_07),
            (0.3, 0.617_911_422_188_952_6),
            (2.9, 0.998_134_186_699_616),
            (3.1, 0.999_032_396_786_781_6),
            (6.0, 0.999_999_999_013_412_3),
        ] {
            close(normal_below(z), below, 1e-13);
        }
        assert_eq!((normal_below(-40.0), normal_below(40.0)), (0.0, 1.0));
    }

    #[test]
    fn beta_probabilities_equal_their_references() {
        // mpmath at 40 digits; the last three as sums of binomial terms.
        for (a, b, x, below) in [
            (2.0, 3.0, 0.3, 0.3483),
            (0.5, 0.5, 0.01, 0.063_768_560_858_519_85),
            (0.5, 10.5, 0.2, 0.967_612_588_324_718_1),
            (50.0, 1.0, 0.95, 0.076_944_975_276_713_15),
            (1500.0, 3.0, 0.999, 0.808_407_240_495_798_1),
            (1e5, 2e5, 0.3335, 0.576_936_801_894_767_8),
            (1e6, 1e6, 0.5003, 0.801_928_037_157_885),
            (3.0, 1e8, 5e-8, 0.875_347_995_256_177_5),
        ] {
            let (found, above) = beta_below(a, b, x, 1.0 - x);
            close(found, below, if b < 1e7 { 1e-12 } else { 1e-9 });
            assert!((found + above - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn beta_and_f_quantiles_equal_their_references() {
        // scipy 1.12, `betaincinv` and `f.ppf`; powers where the law is one.
        for (a, b, p, x) in [
            (1.0, 10.0, 0.025, 0.002_528_578_544_461_784_8),
            (3.0, 1498.0, 0.025, 0.000_412_638_142_900_649_27),
            (10.5, 40.5, 0.975, 0.325_826_896_114_231_3),
            (0.5, 50.5, 0.025, 9.771_663_301_804_05e-6),
            (1.5, 9.5, 0.025, 0.011_011_673_763_161_133),
            (1.0, 1e6, 0.05, 5.129_329_307_204_953e-8),
            (1e4, 3e4, 0.001, 0.243_345_413_794_997_86),
            (2.0, 2.0, 0.5, 0.5),
            (50.0, 1.0, 0.05, 0.941_844_920_883_027_7),
        ] {
            close(beta_quantile(a, b, p), x, 1e-11);
        }
        for (first, second, p, value) in [
            (5.0, 18.0, 0.975, 3.381_967_805_875_243),
            (5.0, 15.0, 0.025, 0.155_575_963_078_487_17),
            (2.5, 7.3, 0.95, 4.417_589_999_800_341),
            (100.0, 400.0, 0.9, 1.214_262_932_659_049),
        ] {
            close(f_quantile(first, second, p), value, 1e-11);
        }
    }

    #[test]
    fn binomial_terms_keep_their_digits_for_any_number_of_trials() {
        // mpmath at 30 digits.
        for (x, n, p, wanted) in [
            (0, 50, 0.01, 0.605_006_067_137_536_6),
            (2, 80, 0.01, 0.144_288_680_287_077_1),
            (3, 125, 0.05, 0.076_080_860_762_848_44),
            (100_000, 300_000, 1.0 / 3.0, 0.001_545_095_305_916_036_2),
            (5, 1_000_000_000, 1e-8, 0.037_833_274_423_737_956),
            (79, 80, 0.99, 0.361_634_920_213_180_6),
        ] {
            close(binomial_term(x, n, p), wanted, 1e-12);
        }
        assert_eq!((binomial_term(0, 9, 0.0), binomial_term(9, 9, 1.0), binomial_term(1, 0, 0.5)), (1.0, 1.0, 0.0));
        let sum: f64 = (0..=7).map(|x| binomial_term(x, 40, 0.2)).sum();
        close(binomial_at_most(7, 40, 0.2), sum, 1e-13);
        assert!((binomial_at_most(40, 40, 0.2) - 1.0).abs() < 1e-15);
    }

    #[test]
    fn draws_from_a_lot_equal_their_references() {
        // mpmath at 30 digits.
        for (size, hits, n, x, at_most) in [
            (500, 25, 50, 1, 0.263_593_938_847_142_54),
            (500, 25, 50, 3, 0.767_083_149_280_455_8),
            (10, 9, 8, 7, 0.8),
            (1_000_000, 5_000, 2_000, 10, 0.583_040_681_682_933_2),
            (1_000_000_000, 1_000_000, 100_000, 60, 1.071_422_402_323_473_6e-5),
        ] {
            let lot = Lot { size, hits, n };
            close(lot.at_most(x), at_most, 1e-11);
            assert!((lot.at_least(x + 1) - (1.0 - at_most)).abs() < 1e-11);
        }
        let empty = Lot { size: 0, hits: 0, n: 0 };
        assert_eq!((empty.at_most(0), empty.at_least(0), empty.at_least(1)), (1.0, 1.0, 0.0));
    }
}
