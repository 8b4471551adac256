//! The binary as operators run it: processes, signals, files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test that fails says where, and these measure real processes in real time"
)]

mod backup;
mod process;
mod quality;
mod setup;
mod shutdown;
mod truth;
