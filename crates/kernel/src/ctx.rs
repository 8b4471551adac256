//! What a decision may know of the world: who acts, when, and where new identifiers come from.

use crate::{
    hash::Digest,
    id::{Id, PersonId, Suffix},
    text::{NewText, TextRef},
    time::Instant,
};

/// Everything outside the facts that [`decide`](crate::decide) may use. Same context, same facts: same answer.
#[derive(Debug, Clone)]
pub struct Ctx {
    /// Who acts, as the server knows it.
    pub actor: Actor,
    /// The server's clock.
    pub now: Instant,
    /// Fresh random bytes: identifiers and salts are drawn from it.
    pub seed: [u8; 32],
}

/// Who acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// A signed-in person.
    Person {
        /// Who.
        person: PersonId,
        /// Whether the person proved it again within the signing session.
        reauthenticated: bool,
    },
    /// A job of the server itself. It decides nothing that calls for judgement (I17).
    Service,
}

impl Ctx {
    /// Returns the `ordinal`-th identifier of this decision.
    pub fn id<T: Id>(&self, ordinal: u32) -> T {
        self.id_at(ordinal, self.now)
    }

    /// As [`Self::id`], sorting as if it had been made at another instant.
    pub(crate) fn id_at<T: Id>(&self, ordinal: u32, at: Instant) -> T {
        let digest = Digest::of_parts(&[&self.seed, T::PREFIX.as_bytes(), &ordinal.to_be_bytes()]);
        let mut chance = [0; 10];
        chance.copy_from_slice(&digest.bytes()[..10]);
        T::of(Suffix::new(u64::try_from(at.micros() / 1_000).unwrap_or(0), chance))
    }

    /// Returns 32 bytes of chance for one purpose of this decision.
    pub fn chance(&self, purpose: &str, ordinal: u32) -> [u8; 32] {
        *Digest::of_parts(&[&self.seed, purpose.as_bytes(), &ordinal.to_be_bytes()]).bytes()
    }

    /// Returns the acting person, if it is one.
    pub fn person(&self) -> Option<PersonId> {
        match self.actor {
            Actor::Person { person, .. } => Some(person),
            Actor::Service => None,
        }
    }
}

/// The texts that one decision writes.
#[derive(Debug)]
pub(crate) struct Texts<'a> {
    ctx: &'a Ctx,
    pub(crate) new: Vec<NewText>,
}

impl<'a> Texts<'a> {
    pub(crate) fn new(ctx: &'a Ctx) -> Self {
        Self { ctx, new: Vec::new() }
    }

    /// Keeps a body and returns what an event may say of it.
    pub(crate) fn keep(&mut self, body: &str) -> TextRef {
        let ordinal = u32::try_from(self.new.len()).unwrap_or(u32::MAX);
        let text = NewText::new(self.ctx.id(ordinal), self.ctx.chance("salt", ordinal), body.to_owned());
        let reference = text.text;
        self.new.push(text);
        reference
    }
}
