//! Exact decimal numbers of a judgement: what a reader writes is what is kept, compared and shown.
//!
//! Never a binary fraction: `0.1` would be another number after it had passed through one.

use std::{cmp::Ordering, fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Most decimal places of a number.
pub const PLACES_MAX: u8 = 6;
/// Most digits before the point.
const DIGITS_MAX: usize = 12;

/// An exact decimal number such as `-12.5`. Equal numbers are equal values: `1.50` is `1.5`.
///
/// At most 12 digits before the point and six after it. Written as a text in events, files and the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Decimal {
    /// The number times ten to the power of `places`; no zero at its end unless `places` is 0.
    units: i64,
    places: u8,
}

/// A text that is not a decimal number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a number: write digits with a point, such as 12.5")]
pub struct NotDecimal(String);

impl Decimal {
    /// Nought.
    pub const ZERO: Self = Self { units: 0, places: 0 };

    /// Returns the number `units` times ten to the power of minus `places`; none if it is beyond what a number holds.
    pub fn of_units(units: i128, places: u8) -> Option<Self> {
        let (mut units, mut places) = (units, places);
        while places > 0 && units % 10 == 0 {
            (units, places) = (units / 10, places - 1);
        }
        let fits =
            places <= PLACES_MAX && units.abs() < 10_i128.pow(u32::try_from(DIGITS_MAX).ok()? + u32::from(places));
        Some(Self { units: i64::try_from(units).ok().filter(|_| fits)?, places })
    }

    /// Returns how many decimal places it needs.
    pub fn places(self) -> u8 {
        self.places
    }

    /// Returns the number times ten to the power of `places`, cut towards nought if it has more of them.
    pub fn units(self, places: u8) -> i128 {
        let units = i128::from(self.units);
        match places.checked_sub(self.places) {
            Some(more) => units * 10_i128.pow(u32::from(more)),
            None => units / 10_i128.pow(u32::from(self.places - places)),
        }
    }

    /// Returns the number with so many places after the point, as a column of figures shows it.
    pub fn shown(self, places: u8) -> String {
        let places = places.max(self.places);
        let units = self.units(places);
        let sign = if units < 0 { "-" } else { "" };
        let width = usize::from(places);
        let digits = format!("{:0>width$}", units.unsigned_abs(), width = width + 1);
        let (whole, part) = digits.split_at(digits.len() - width);
        if part.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{part}") }
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown(self.places))
    }
}

impl FromStr for Decimal {
    type Err = NotDecimal;

    fn from_str(text: &str) -> Result<Self, NotDecimal> {
        let bad = || NotDecimal(text.chars().take(40).collect());
        let (negative, digits) = text.strip_prefix('-').map_or((false, text), |digits| (true, digits));
        let (whole, part) = digits.split_once('.').map_or((digits, None), |(whole, part)| (whole, Some(part)));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
        let part_text = part.unwrap_or("");
        let short = whole.len() <= DIGITS_MAX && part_text.len() <= usize::from(PLACES_MAX);
        if !short || !is_digits(whole) || part.is_some_and(|part| !is_digits(part)) {
            return Err(bad());
        }
        let units: i128 = format!("{whole}{part_text}").parse().map_err(|_| bad())?;
        let places = u8::try_from(part_text.len()).map_err(|_| bad())?;
        Self::of_units(if negative { -units } else { units }, places).ok_or_else(bad)
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        self.units(PLACES_MAX).cmp(&other.units(PLACES_MAX))
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl TryFrom<String> for Decimal {
    type Error = NotDecimal;

    fn try_from(text: String) -> Result<Self, NotDecimal> {
        text.parse()
    }
}

impl From<Decimal> for String {
    fn from(number: Decimal) -> Self {
        number.to_string()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test says what it expects")]

    use super::*;

    #[test]
    fn a_number_is_what_was_written_whatever_zeros_stand_at_its_end() {
        for (written, plain, shown) in
            [("12.50", "12.5", "12.50"), ("-0.0", "0", "0.00"), ("007", "7", "7.00"), ("-0.05", "-0.05", "-0.05")]
        {
            let number: Decimal = written.parse().unwrap();
            assert_eq!((number.to_string().as_str(), number.shown(2).as_str()), (plain, shown));
            assert_eq!(serde_json::from_str::<Decimal>(&serde_json::to_string(&number).unwrap()).unwrap(), number);
        }
        let [small, large]: [Decimal; 2] = ["-0.1", "0.09"].map(|text| text.parse().unwrap());
        assert!(small < Decimal::ZERO && Decimal::ZERO < large);
    }

    #[test]
    fn what_is_no_number_or_too_long_for_one_is_refused() {
        for text in ["", "-", ".5", "5.", "1,5", "1e3", "+1", " 1", "--1", "1.0000000", "1234567890123", "٣"] {
            assert!(text.parse::<Decimal>().is_err(), "{text}");
        }
        assert_eq!("-999999999999.999999".parse::<Decimal>().unwrap().to_string(), "-999999999999.999999");
        assert_eq!(Decimal::of_units(10_i128.pow(18), 6), None);
    }
}
