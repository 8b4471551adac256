//! Chores in Rust, run as `cargo xtask`.

fn main() {}
