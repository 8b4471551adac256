//! Whoever asks, as the server knows her at this request.

use std::collections::BTreeSet;

use remit_kernel::{
    id::PersonId,
    role::{Role, Side},
};

words! {
    /// What kind of actor it is.
    Kind {
        /// A human being.
        Person "person",
        /// A job of the server itself.
        Service "service",
        /// A model: it suggests and never decides.
        Ai "ai",
    }
}

/// Whoever asks. Read anew for every request, so that a lost role or a new wall acts on the next one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Principal {
    /// The account.
    pub person: PersonId,
    /// What kind of actor it is.
    pub kind: Kind,
    /// Whether the account, and in an engagement the membership, holds now.
    pub active: bool,
    /// Roles held now in the engagement of this request, and those of the directory.
    pub roles: BTreeSet<Role>,
    /// Side in the engagement of this request; none outside of one.
    pub side: Option<Side>,
    /// Country of work, ISO 3166 alpha-2; empty if the server does not know it.
    pub place: String,
    /// Codes of the parties she may have nothing to do with.
    pub conflicts: BTreeSet<String>,
}
