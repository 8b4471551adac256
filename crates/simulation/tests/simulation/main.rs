//! What the simulation promises: seeds hold, each replays, and a planted bug is found.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails says where")]

use remit_faultfs::Survival;
use remit_simulation::{Crash, Outcome, Plan, run};
use remit_store::testing::TestDir;

fn play(plan: Plan) -> Outcome {
    let dir = TestDir::fresh();
    run(dir.path(), plan).unwrap()
}

/// Power cuts on the real store with its threads: so many lives, each of which ends without warning.
fn power(seed: u64, lives: usize, survival: Survival) -> Plan {
    Plan { lives, acts: 20, crash: Crash::Power(survival), threads: true, ..Plan::of_seed(seed) }
}

#[test]
fn what_was_acknowledged_survives_crashes_full_disks_and_jumping_clocks() {
    for seed in 1..=8 {
        let outcome = play(Plan::of_seed(seed));
        assert_eq!(outcome.failure, None, "seed {seed}");
        assert!(outcome.acknowledged > 10, "seed {seed} tried nothing: {outcome:?}");
    }
}

#[test]
fn worlds_with_reviews_and_gold_review_and_show_it_and_hold() {
    let (mut reviewed, mut shown) = (0, 0);
    for seed in [102, 105, 108, 111] {
        let outcome = play(Plan::of_seed(seed));
        assert_eq!(outcome.failure, None, "seed {seed}");
        reviewed += outcome.reviewed;
        shown += outcome.shown;
    }
    assert!(reviewed >= 10 && shown >= 2, "{reviewed} reviews, gold shown {shown} times");
}

#[test]
fn a_seed_plays_the_same_way_each_time_and_another_does_not() {
    let first = play(Plan::of_seed(11));
    assert_eq!(first, play(Plan::of_seed(11)));
    assert_ne!(first.trace, play(Plan::of_seed(12)).trace);
}

#[test]
fn a_planted_bug_is_found_and_its_seed_fails_the_same_way_again() {
    let lax = |seed| Plan { lax: true, ..Plan::of_seed(seed) };
    let (seed, found) = (1..40)
        .map(|seed| (seed, play(lax(seed))))
        .find(|(_, outcome)| outcome.failure.is_some())
        .expect("a database that does not sync loses something within 40 seeds");
    assert_eq!(found, play(lax(seed)), "seed {seed}");
    assert_eq!(play(Plan::of_seed(seed)).failure, None, "without the bug seed {seed} holds");
}

#[test]
fn a_power_cut_loses_nothing_acknowledged_and_doubles_nothing() {
    let outcome = play(power(21, 10, Survival::Any));
    assert_eq!(outcome.failure, None);
    assert!(outcome.crashes >= 5 && outcome.forgotten_bytes > 0, "the power was not cut: {outcome:?}");
}

#[test]
fn a_torn_page_or_frame_loses_nothing_acknowledged() {
    for survival in [Survival::TornPrefix, Survival::Sectors] {
        let outcome = play(power(22, 5, survival));
        assert_eq!(outcome.failure, None, "{survival:?}");
        assert!(outcome.crashes >= 2, "the power was not cut: {outcome:?}");
    }
}

#[test]
fn without_full_synchronisation_the_loss_is_detected() {
    let outcome = play(Plan { lax: true, ..power(23, 10, Survival::Nothing) });
    let failure = outcome.failure.expect("with `synchronous=NORMAL` a power cut loses acknowledged acts");
    assert!(failure.contains("is lost") || failure.contains("done twice"), "{failure}");
}
