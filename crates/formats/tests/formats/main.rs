//! One test binary for the crate; each module mirrors a file of `src`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod ecg;
mod import_map;
mod labels;
mod pack;
mod table;
mod xlsx;
