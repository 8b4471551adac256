//! What a row says of itself, so that one decision serves all rows with the same label.

use std::collections::BTreeSet;

use remit_kernel::id::EngagementId;

words! {
    /// What kind of thing a row is; the word is its type in the schema.
    Class {
        /// People, organisations, sign-in and the installation itself.
        Directory "Directory",
        /// The engagement: contract, members, figures, playbooks, record.
        Engagement "Engagement",
        /// A case with its facts, state and timeline.
        Case "Case",
        /// Content of a document in the case file.
        Item "Item",
        /// A reading with its author.
        Reading "Reading",
        /// A reading without its author, laid before the adjudicator.
        AnonymousReading "AnonymousReading",
        /// What the client gets.
        Deliverable "Deliverable",
    }
}

/// The box a row lies in: whose eyes it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Visibility {
    /// Shared by both sides.
    Both,
    /// Kept by the client.
    Client,
    /// Kept by the provider.
    Provider,
}

/// What a row says of itself to the policies.
#[expect(clippy::struct_excessive_bools, reason = "four facts, each independent of the others and read by a policy")]
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// What kind of thing it is.
    pub class: Class,
    /// The engagement it belongs to; none in the directory.
    pub engagement: Option<EngagementId>,
    /// The box it lies in.
    pub visibility: Visibility,
    /// Codes of the parties named in it.
    pub parties: BTreeSet<String>,
    /// Countries from which it may be read, ISO 3166 alpha-2; empty: not restricted.
    pub places: BTreeSet<String>,
    /// Whether it is the principal's own: her reading, queue or record, or a deliverable she owns.
    pub own: bool,
    /// Whether the principal holds or held a duty in its case, or owns it.
    pub assigned: bool,
    /// Whether its panel is closed; for [`Class::AnonymousReading`] whether all readings of the panel are in.
    pub revealed: bool,
    /// Whether it has been delivered to the client.
    pub released: bool,
}

impl Label {
    /// Returns the label of directory data: open to both sides, with no other fact set.
    pub const fn directory() -> Self {
        Self::plain(Class::Directory, None)
    }

    /// Returns the label of engagement data: open to both sides, with no other fact set.
    pub const fn engagement(engagement: EngagementId) -> Self {
        Self::plain(Class::Engagement, Some(engagement))
    }

    const fn plain(class: Class, engagement: Option<EngagementId>) -> Self {
        Self {
            class,
            engagement,
            visibility: Visibility::Both,
            parties: BTreeSet::new(),
            places: BTreeSet::new(),
            own: false,
            assigned: false,
            revealed: false,
            released: false,
        }
    }
}
