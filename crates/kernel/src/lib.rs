//! Every rule of Remit: values, state machines, events and [`decide`].
//!
//! Nothing here reads a clock, draws a random number, touches a file or waits: a decision is a plain function of the
//! context, the command and the facts, and so is every test of it.

#![allow(clippy::result_large_err, reason = "a refusal ends the act: boxing its reason would cost every rule a word")]
#![allow(clippy::similar_names, reason = "`case` and `cause` are both words of the trade")]

pub mod alarm;
pub mod calibration;
mod canonical;
pub mod case;
pub mod command;
pub mod ctx;
mod decide;
pub mod decimal;
pub mod directory;
pub mod engagement;
pub mod facts;
pub mod form;
pub mod gold;
pub mod hash;
pub mod id;
pub mod index;
pub mod lot;
pub mod model;
pub mod pack;
pub mod panel;
pub mod precedent;
pub mod quote;
pub mod refusal;
pub mod review;
pub mod role;
pub mod routing;
pub mod stream;
pub mod text;
pub mod time;
mod upcast;

pub use decide::{Decision, decide, why_not, why_not_review, why_not_rule};
