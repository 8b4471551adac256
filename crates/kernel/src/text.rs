//! Free text, names and quotes live apart from events (so that they can be erased while the events stay whole).
//!
//! An event holds a [`TextRef`]; the store keeps the body with its salt.

use serde::{Deserialize, Serialize};

use crate::{hash::Digest, id::TextId};

/// What an event keeps of a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TextRef {
    /// Key of the row that holds the body.
    pub id: TextId,
    /// Digest over salt and body; says nothing once the salt is erased.
    pub commitment: Digest,
    /// Length in Unicode code points.
    pub chars: u32,
}

/// A text on its way into the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewText {
    /// What the event says of it.
    pub text: TextRef,
    /// Random salt of the commitment.
    pub salt: [u8; 32],
    /// The body itself.
    pub body: String,
}

impl NewText {
    /// Returns a text with its commitment.
    pub fn new(id: TextId, salt: [u8; 32], body: String) -> Self {
        let chars = u32::try_from(body.chars().count()).unwrap_or(u32::MAX);
        Self { text: TextRef { id, commitment: commitment(&salt, &body), chars }, salt, body }
    }
}

/// Returns the commitment to `body` under `salt`.
pub fn commitment(salt: &[u8; 32], body: &str) -> Digest {
    Digest::of_parts(&[salt, body.as_bytes()])
}
