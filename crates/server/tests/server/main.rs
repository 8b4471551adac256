//! The server in process: acts, views, routes. One binary; modules mirror the places.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test says what it expects")]

mod bad_input;
mod contract;
mod demo;
mod house;
mod http;
mod import;
mod round;
mod routes;
mod states;
mod world;
