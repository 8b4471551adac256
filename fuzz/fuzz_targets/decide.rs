//! Any sequence of commands on a world of people and papers: every invariant holds after each act.
//!
//! The people, the papers and the judges are those of the kernel's own tests.
#![no_main]
#![allow(dead_code, missing_docs, reason = "shared with tests that use more of it")]

#[path = "../../crates/kernel/tests/kernel/attempt.rs"]
mod attempt;
#[path = "../../crates/kernel/tests/kernel/invariants.rs"]
mod invariants;
#[path = "../../crates/kernel/tests/kernel/stage.rs"]
mod stage;
#[path = "../../crates/kernel/tests/kernel/world.rs"]
mod world;

use libfuzzer_sys::fuzz_target;

/// Steps beyond which a history only takes longer.
const STEPS_MAX: usize = 60;

fuzz_target!(|bytes: &[u8]| {
    let mut stage = stage::Stage::set();
    let (steps, _) = bytes.as_chunks::<4>();
    for step in steps.iter().take(STEPS_MAX) {
        attempt::play(&mut stage, attempt::Step::of_bytes(*step));
    }
    invariants::i24_everything_is_recomputed_from_events(&stage.world);
});
