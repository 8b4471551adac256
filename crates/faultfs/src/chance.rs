//! Chance from a seed, so that a disk fails the same way each time.

/// Sebastiano Vigna's `SplitMix64`: small, and good enough to choose what fails.
#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Returns the chance that begins with a seed.
    pub fn of(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// Returns a number below `bound`, which is at least 1.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = u64::try_from(bound.max(1)).unwrap_or(u64::MAX);
        usize::try_from(self.next() % bound).unwrap_or(0)
    }

    /// Returns true half of the time.
    pub fn coin(&mut self) -> bool {
        self.next() & 1 == 0
    }
}
