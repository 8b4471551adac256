//! The gate of one request: asks once per distinct label, and hands out content only with a decision behind it.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Deref,
};

use remit_kernel::time::Instant;

use crate::{Action, Authorizer, Decision, Label, Principal};

/// Content that somebody in particular may have. Only [`Gate`] makes one:
///
/// ```compile_fail,E0423
/// let forged = remit_access::Authorized("content");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorized<T>(T);

impl<T> Authorized<T> {
    /// Returns the content.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// Returns what `change` makes of the content; it stays authorised.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Authorized<U> {
        Authorized(change(self.0))
    }
}

impl<T> Deref for Authorized<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// The policies do not let this principal do this.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is not permitted", .action.word())]
pub struct Denied {
    /// What was wanted.
    pub action: Action,
    /// The decision and the forbids behind it.
    pub decision: Decision,
}

/// The gate of one request.
#[derive(Debug)]
pub struct Gate<'a> {
    authorizer: &'a Authorizer,
    principal: &'a Principal,
    now: Instant,
    decisions: BTreeMap<(Action, Label), Decision>,
}

impl<'a> Gate<'a> {
    /// Returns a gate for this principal at this instant.
    pub const fn new(authorizer: &'a Authorizer, principal: &'a Principal, now: Instant) -> Self {
        Self { authorizer, principal, now, decisions: BTreeMap::new() }
    }

    /// Returns the decision if it allows the action.
    ///
    /// # Errors
    /// [`Denied`] if it does not.
    pub fn admit(&mut self, action: Action, label: &Label) -> Result<&Decision, Denied> {
        let decision = self.decision(action, label);
        if decision.allowed { Ok(decision) } else { Err(Denied { action, decision: decision.clone() }) }
    }

    /// Returns the value if this principal may have it.
    pub fn open<T>(&mut self, action: Action, label: &Label, value: T) -> Option<Authorized<T>> {
        self.decision(action, label).allowed.then_some(Authorized(value))
    }

    /// Returns the rows that this principal may have, in the order given.
    pub fn filter<T>(&mut self, action: Action, rows: Vec<(Label, T)>) -> Vec<Authorized<T>> {
        rows.into_iter().filter_map(|(label, row)| self.open(action, &label, row)).collect()
    }

    /// Returns the ids of all policies that determined a decision of this request, sorted: what its entry keeps.
    pub fn used(&self) -> Vec<String> {
        let policies: BTreeSet<_> = self.decisions.values().flat_map(|decision| &decision.policies).collect();
        policies.into_iter().cloned().collect()
    }

    fn decision(&mut self, action: Action, label: &Label) -> &Decision {
        self.decisions
            .entry((action, label.clone()))
            .or_insert_with(|| self.authorizer.decide(self.principal, action, label, self.now))
    }
}
