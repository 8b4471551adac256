//! Roles and sides: names of duties in an engagement, never rights by themselves.

use crate::index::words;
use serde::{Deserialize, Serialize};

words! {
    /// A role. The last two hold in the directory, the others in one engagement.
    Role {
        /// Owns the engagement for the client.
        ClientManager "client_manager",
        /// Runs the engagement for the provider.
        DeliveryManager "delivery_manager",
        /// Reads cases.
        Expert "expert",
        /// Decides between readings.
        Adjudicator "adjudicator",
        /// Looks at finished work that was drawn, and had no part in it.
        Reviewer "reviewer",
        /// Signs off.
        Signer "signer",
        /// Sees what was done; changes nothing.
        Auditor "auditor",
        /// Runs the installation; never sees content.
        Operator "operator",
        /// Keeps people and credentials of the directory.
        PeopleManager "people_manager",
    }
}

impl Role {
    /// Returns whether the role holds in the directory, not in an engagement.
    pub const fn of_directory(self) -> bool {
        matches!(self, Self::Operator | Self::PeopleManager)
    }
}

words! {
    /// A side of an engagement.
    Side {
        /// Owns the goal and stays accountable.
        Client "client",
        /// Does the work.
        Provider "provider",
    }
}
