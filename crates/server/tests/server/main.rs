//! The server in process: acts, views, routes. One binary; modules mirror the places.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stderr,
    clippy::unused_self,
    reason = "a test says what it expects, and what it skips; a world reads well"
)]

mod adjudicate;
mod alarm;
mod bad_input;
mod blind;
mod calibration;
mod case;
mod contract;
mod demo;
mod desk;
mod gold;
mod house;
mod http;
mod idempotency;
mod import;
mod kinds;
mod markup;
mod matrix;
mod mywork;
mod nodes;
mod operate;
mod precedent;
mod protection;
mod quality;
mod review;
mod round;
mod routes;
mod second;
mod sequential;
mod signoff;
mod statements;
mod states;
mod turn;
mod upgrade;
mod verify;
mod world;
