//! The real application over the real store, in a world made from a seed.
//!
//! A run is a few lives of one installation. In each, clients act at the same time: they take cases in, read, decide, sign,
//! send things twice, late and again. Meanwhile the disk may lose its power, fill up or fail to sync, and the clock may jump.
//! After each life the record is verified, every acknowledged act is asked for again, and what must hold is judged. On one
//! seed everything happens again in the same order, so that a failure can be looked at as often as need be.

mod client;
mod judge;
mod play;
mod run;
pub mod world;

pub use run::{Crash, Outcome, Plan, run};
