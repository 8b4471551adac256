//! Readers and writers of files: practice packs, tables of cases and readings, labels to measure, workbooks, drawn traces.
//!
//! Nothing here decides anything: a file becomes a typed value, or a list of what to mend and where.

pub mod ecg;
pub mod files;
mod form;
pub mod import_map;
pub mod labels;
pub mod pack;
mod playbook;
mod quotes;
mod source;
pub mod table;
pub mod xlsx;

pub use source::{PackErrors, Problem};
