//! Every SQL statement of Remit, the migrations, and the one door to the database.
//!
//! A change is a [`Write`]: plain data, applied whole or not at all by [`Store::commit`]. Reads are one statement each,
//! the scope first. Events, snapshots and answers are opaque text here: what they mean is the kernel's business.

#[macro_use]
mod value;

mod alarm;
mod answer;
mod backup;
mod calibration;
mod case;
mod cluster;
mod copy;
mod db;
mod dialect;
mod draft;
mod duty;
mod engagement;
mod entry;
mod error;
mod event;
mod folder;
mod gold;
mod health;
mod index;
mod job;
mod lease;
mod lot;
mod migrate;
mod pack;
mod panel;
mod person;
mod precedent;
mod queue;
mod reading;
mod reserve;
mod review;
mod seat;
mod session;
mod text;
mod upgrade;
mod verify;
mod write;
mod writer;

pub mod patience;
pub mod testing;

pub use answer::AnswerKept;
pub use backup::{back_up, place};
pub use case::{CaseFilter, CaseKey};
pub use copy::TableCopied;
pub use db::{Options, Pending, Store};
pub use draft::{Draft, DraftKey};
pub use engagement::{EngagementNamed, MemberNamed};
pub use entry::{Decision, EntryFilter, EntryKey, EntryRow, StoredEntry};
pub use error::{Result, StoreError, Taken, Unreadable};
pub use event::{EventKey, EventRow, SnapshotRow, StoredEvent};
pub use health::{Backlog, CaseClocks};
pub use index::{IndexChange, Table, key_of};
pub use job::{Job, JobRow};
pub use lot::SeedRow;
pub use pack::StoredPack;
pub use panel::{Given, PanelCount};
pub use person::{OrganisationNamed, PersonNamed};
pub use review::{DefectCount, LotsUpTo, TwiceReviewed};
pub use session::{Login, SessionKind, SessionRow};
pub use text::{StoredText, TextRow};
pub use verify::Verification;
pub use write::{Commit, Expect, Write};
