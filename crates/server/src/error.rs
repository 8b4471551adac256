//! What can go wrong in the shell. A broken rule is a [`Refusal`], told to whoever asked; the rest is our trouble.

use remit_kernel::refusal::{Reason, Refusal};

/// A result of the shell.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A rule refuses, a field needs correction, or there is nothing here for this caller.
    #[error("{0}")]
    Refused(Refusal),
    /// Nobody is signed in, or the session has ended.
    #[error("sign in first")]
    SignedOut,
    /// Somebody was faster, again and again.
    #[error("others change the same thing right now; try again")]
    Busy,
    /// The `Idempotency-Key` was used before for another request.
    #[error("this `Idempotency-Key` was used before for another request")]
    KeyReused,
    /// The caller asks more often than the server allows.
    #[error("too many requests; wait {wait_seconds} seconds")]
    TooMany {
        /// After how many seconds it is worth asking again.
        wait_seconds: u64,
    },
    /// More was asked than the server can answer in good time; nothing was done.
    #[error("the server has too much to do right now; nothing was done")]
    Overloaded,
    /// The answer took longer than the server lets a request take; what was begun may have been done.
    #[error("this took too long; it may have been done")]
    Late,
    /// A newer Remit wrote this at another node, in a way that this build cannot read; nothing was done.
    #[error("this was written by a newer Remit, which this node is not yet; nothing was done")]
    Newer,
    /// The clock is behind the record.
    #[error(transparent)]
    Clock(#[from] crate::clock::ClockBehind),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] remit_store::StoreError),
    /// The policies cannot be used.
    #[error(transparent)]
    Access(#[from] remit_access::AccessError),
    /// What is stored cannot be read: run `remit verify`.
    #[error(transparent)]
    Record(#[from] remit_kernel::stream::BadEvent),
    /// Stored JSON cannot be read: run `remit verify`.
    #[error("stored JSON cannot be read: {0}")]
    Json(#[from] serde_json::Error),
    /// Reading or writing outside the store failed.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Reason> for Error {
    fn from(reason: Reason) -> Self {
        Self::Refused(reason.into())
    }
}
