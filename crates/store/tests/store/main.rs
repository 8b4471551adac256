//! The store as its callers see it, on a real database in a folder of its own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr, reason = "a test that fails says where")]

mod backup;
mod commit;
mod directory;
mod entry;
mod given;
mod health;
mod index;
mod job;
mod open;
mod server;
mod session;
mod text;
