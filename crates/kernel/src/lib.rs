//! Every rule of Remit: values, state machines, events and `decide`.
pub mod form;
pub mod hash;
pub mod index;
pub mod id;
pub mod pack;
pub mod quote;
pub mod refusal;
pub mod role;
pub mod text;
pub mod time;
