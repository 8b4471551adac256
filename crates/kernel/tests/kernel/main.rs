//! Tests of the kernel as its callers see it: commands in, events or reasons out.
//!
//! One binary: the world they share is in `world`, the people and papers in `stage`.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod alarm;
mod answers;
mod attempt;
mod calibration;
mod contract;
mod events;
mod gold;
mod invariants;
mod matrix;
mod precedent;
mod properties;
mod review;
mod rework;
mod rules;
mod second;
mod sequential;
mod stage;
mod world;
