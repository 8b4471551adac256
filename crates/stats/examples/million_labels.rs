//! What agreement on a million labels costs: alpha at three levels and AC1, each with an interval of 1,000 resamples.
//!
//! `time cargo run --release -p remit-stats --example million_labels`
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "it measures in real time and says what it found")]
#![allow(clippy::cast_possible_truncation, reason = "numbers below ten")]

use std::{error::Error, time::Instant};

use remit_stats::{
    agreement::{Coefficient, Counts, Scale, Weights},
    interval::bootstrap,
    random::Random,
};

const UNITS: u32 = 200_000;
const VALUES: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let mut random = Random::new(20_260_101);
    // Four classes, unevenly common; raters hit in six of ten, and their misses are any class.
    let classes = [0, 0, 0, 0, 1, 1, 1, 2, 2, 3];
    let labels: Vec<u32> = (0..UNITS)
        .flat_map(|_| {
            let truth = classes[random.below(10) as usize];
            [(); VALUES].map(|()| if random.below(10) < 6 { truth } else { random.below(4) as u32 })
        })
        .collect();

    let begun = Instant::now();
    let mut counts = Counts::new(4)?;
    for unit in labels.chunks_exact(VALUES) {
        counts.add_values(&mut unit.to_vec())?;
    }
    let counted = begun.elapsed();
    let coefficients = [
        Coefficient::Alpha(Scale::Nominal),
        Coefficient::Alpha(Scale::Ordinal),
        Coefficient::Alpha(Scale::Interval(vec![0.0, 1.0, 2.0, 3.0])),
        Coefficient::Gwet(Weights::identity(4)?),
    ];
    let intervals = bootstrap(&counts, &coefficients, 0.95, 1_000, 1)?;
    let all = begun.elapsed();
    for (coefficient, interval) in coefficients.iter().zip(intervals) {
        let (value, interval) = (counts.value(coefficient)?, interval?);
        println!("{value:.6} ({:.6} to {:.6})  {coefficient:?}", interval.lower, interval.upper);
    }
    println!("{} labels counted in {counted:?}, all in {all:?}", labels.len());
    Ok(())
}
