//! Logarithm, exponential and the gamma family in plain arithmetic.
//!
//! The standard library leaves `ln` and `exp` to the platform, whose last digit differs. A posterior that decides when a
//! panel may stop must be the same on every machine and in every year, so these use only operations that IEEE 754 fixes.
#![expect(
    clippy::unreadable_literal,
    clippy::excessive_precision,
    clippy::many_single_char_names,
    reason = "coefficients and names stand as printed"
)]

const LN_2_HIGH: f64 = 6.93147180369123816490e-01;
const LN_2_LOW: f64 = 1.90821492927058770002e-10;

/// Bits of the mantissa, and the exponent's bias.
const MANTISSA: u32 = 52;
const BIAS: i32 = 1023;

/// Returns the natural logarithm, within one unit in the last place; minus infinity of zero, NaN below zero.
///
/// Source: `e_log.c` of fdlibm, Sun Microsystems 1993.
pub fn ln(x: f64) -> f64 {
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x.is_infinite() {
        return x;
    }
    let (x, scaled) = if x < f64::MIN_POSITIVE { (x * two_to(54), -54) } else { (x, 0) };
    let bits = x.to_bits();
    let mut exponent = (bits >> MANTISSA) as i32 - BIAS + scaled;
    let mut fraction = f64::from_bits((bits & ((1 << MANTISSA) - 1)) | (1.0_f64).to_bits());
    if fraction > core::f64::consts::SQRT_2 {
        fraction /= 2.0;
        exponent += 1;
    }
    let f = fraction - 1.0;
    let s = f / (2.0 + f);
    let z = s * s;
    let w = z * z;
    let odd = w * (3.999999999940941908e-01 + w * (2.222219843214978396e-01 + w * 1.531383769920937332e-01));
    let even = z
        * (6.666666666666735130e-01
            + w * (2.857142874366239149e-01 + w * (1.818357216161805012e-01 + w * 1.479819860511658591e-01)));
    let half = 0.5 * f * f;
    let k = f64::from(exponent);
    k * LN_2_HIGH - ((half - (s * (half + odd + even) + k * LN_2_LOW)) - f)
}

/// Returns e to the `x`, within one unit in the last place; zero where it would be below the smallest normal number.
///
/// Source: `e_exp.c` of fdlibm, Sun Microsystems 1993.
pub fn exp(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x > 709.78 {
        return f64::INFINITY;
    }
    if x < -708.0 {
        return 0.0;
    }
    let k = (x * core::f64::consts::LOG2_E + if x < 0.0 { -0.5 } else { 0.5 }).trunc();
    let (high, low) = (x - k * LN_2_HIGH, k * LN_2_LOW);
    let r = high - low;
    let t = r * r;
    let c = r - t
        * (1.66666666666666019037e-01
            + t * (-2.77777777770155933842e-03
                + t * (6.61375632143793436117e-05
                    + t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08))));
    let y = 1.0 - ((low - (r * c) / (2.0 - c)) - high);
    #[expect(clippy::cast_possible_truncation, reason = "at most 1,024 either way")]
    let k = k as i32;
    // In two steps, because 2^1024 is no number while half of it, doubled after the product, is.
    y * two_to(k - k / 2) * two_to(k / 2)
}

/// Returns 2 to a power within the range of normal numbers.
fn two_to(power: i32) -> f64 {
    f64::from_bits(u64::from((power + BIAS).unsigned_abs()) << MANTISSA)
}

/// Returns the derivative of the logarithm of the gamma function at `x > 0`, to about 1e-14.
///
/// Source: the recurrence up to 10 and the asymptotic series of Bernardo, Algorithm AS 103, Appl. Stat. 25 (1976),
/// 315–317, with more terms.
pub fn digamma(x: f64) -> f64 {
    let (mut x, mut below) = (x, 0.0);
    while x < 10.0 {
        below += 1.0 / x;
        x += 1.0;
    }
    let r = 1.0 / (x * x);
    let series = r
        * (1.0 / 12.0
            - r * (1.0 / 120.0
                - r * (1.0 / 252.0 - r * (1.0 / 240.0 - r * (1.0 / 132.0 - r * (691.0 / 32760.0 - r / 12.0))))));
    ln(x) - 0.5 / x - series - below
}

/// Returns the logarithm of the gamma function at `x > 0`, to about 1e-13 of its size or of 1.
///
/// Source: Stirling's series above 10 and the recurrence below; Abramowitz and Stegun (1964), 6.1.41.
pub fn ln_gamma(x: f64) -> f64 {
    let (mut x, mut product) = (x, 1.0);
    while x < 10.0 {
        product *= x;
        x += 1.0;
    }
    let r = 1.0 / (x * x);
    let series = (1.0 / 12.0
        - r * (1.0 / 360.0 - r * (1.0 / 1260.0 - r * (1.0 / 1680.0 - r * (1.0 / 1188.0 - r * 691.0 / 360360.0)))))
        / x;
    (x - 0.5) * ln(x) - x + 0.918938533204672741780 + series - ln(product)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "what the formulas give exactly")]

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_gamma_family_equals_known_values() {
        // Computed with mpmath at 30 digits.
        for (x, psi, gamma) in [
            (0.01, -100.5608854578686745, 4.59947987804202083),
            (0.5, -1.96351002602142348, 0.572364942924700087),
            (1.0, -0.577215664901532861, 0.0),
            (4.25, 1.3246832187604867287, 2.1144569274503714755),
            (10.0, 2.25175258906672111, 12.8018274800814696),
            (1234.5, 7.1180162318279978433, 7550.5509010778948957),
        ] {
            let (found_psi, found_gamma) = (digamma(x), ln_gamma(x));
            assert!((found_psi - psi).abs() < 1e-12 * psi.abs().max(1.0), "{x}: {found_psi:.18}");
            assert!((found_gamma - gamma).abs() < 1e-12 * gamma.abs().max(1.0), "{x}: {found_gamma:.18}");
        }
    }

    #[test]
    fn the_ends_of_the_scale_have_answers() {
        assert_eq!(ln(0.0), f64::NEG_INFINITY);
        assert_eq!(ln(f64::INFINITY), f64::INFINITY);
        assert!(ln(-1.0).is_nan() && ln(f64::NAN).is_nan() && exp(f64::NAN).is_nan());
        assert!(ln(1.0).abs() == 0.0 && (exp(0.0) - 1.0).abs() == 0.0);
        assert!((ln(5e-324) - 5e-324_f64.ln()).abs() < 1e-12);
        assert_eq!(exp(-1e9), 0.0);
        assert_eq!(exp(1e9), f64::INFINITY);
        assert!((exp(709.7) / 709.7_f64.exp() - 1.0).abs() < 1e-15);
    }

    proptest! {
        #[test]
        fn logarithm_and_exponential_are_those_of_the_platform_but_for_the_last_digit(x in -700.0_f64..700.0) {
            prop_assert!((exp(x) / x.exp() - 1.0).abs() < 1e-15);
            let y = x.exp();
            prop_assert!((ln(y) - y.ln()).abs() <= f64::EPSILON * y.ln().abs().max(1e-3), "{} {}", ln(y), y.ln());
        }

        #[test]
        fn the_gamma_family_keeps_its_recurrences(x in 0.001_f64..1e6) {
            prop_assert!((digamma(x + 1.0) - digamma(x) - 1.0 / x).abs() < 1e-12 * (1.0 / x).max(10.0));
            prop_assert!((ln_gamma(x + 1.0) - ln_gamma(x) - ln(x)).abs() < 1e-14 * ln_gamma(x).abs().max(100.0));
        }
    }
}
