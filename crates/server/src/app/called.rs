//! What people are called to whoever looks: by name, or, for people who read, by the number that every page and file gives.

use std::collections::HashMap;

use remit_kernel::{
    id::PersonId,
    index::MemberRow,
    role::{Role, Side},
};

use super::{
    Look,
    engagement::MemberOut,
    look::{ERASED, Standing},
    quality::Readers,
};
use crate::error::Result;

impl Standing {
    /// Returns whether the people who read are known to the caller by name. Every page, figure, list and file asks here.
    ///
    /// The provider knows its own people; auditors check who did what; the client knows them if the statement of work in
    /// force says so.
    pub fn knows_readers(&self) -> bool {
        self.knows_readers || self.holds(Role::Auditor)
    }
}

impl Look<'_> {
    /// As [`Standing::knows_readers`].
    pub(crate) fn knows_readers(&self) -> bool {
        self.standing.knows_readers()
    }

    /// Returns what to call people: those who read by number, where the caller is not to know them. Identifiers tell
    /// nobody's name: this is the one place that puts names to them for the client's side.
    pub(crate) async fn called(&mut self, people: &[PersonId]) -> Result<HashMap<PersonId, String>> {
        let mut names = self.names(people).await?;
        if self.knows_readers() || names.is_empty() {
            return Ok(names);
        }
        let members = self.app.store().list_members(&self.scope()).await?;
        let readers = Readers::of(self).await?;
        let me = self.standing.id();
        for (person, name) in names.iter_mut().filter(|(person, _)| **person != me) {
            let member = members.iter().map(|member| &member.row).find(|member| member.person == *person);
            let number = readers.number(*person);
            if let Some(plain) = plain(member, number.is_some()) {
                *name = number.unwrap_or_else(|| plain.to_owned());
            }
        }
        Ok(names)
    }

    /// Calls members what they are called to whoever looks.
    pub(crate) async fn call(&mut self, members: &mut [MemberOut]) -> Result<()> {
        let people: Vec<_> = members.iter().map(|member| member.person).collect();
        let mut names = self.called(&people).await?;
        for member in members {
            member.name = names.remove(&member.person).unwrap_or_else(|| ERASED.to_owned());
        }
        Ok(())
    }
}

/// Returns what to call somebody who works behind a number and has none yet; nothing if she is known by name: whoever
/// manages or signs does it in her own name, and so do the client's own people.
fn plain(member: Option<&MemberRow>, reads: bool) -> Option<&'static str> {
    let Some(member) = member else { return reads.then_some("Another reader") };
    let known = [Role::DeliveryManager, Role::Signer, Role::Auditor].iter().any(|role| member.roles.contains(role));
    if member.side == Side::Client || known {
        return None;
    }
    let holds = |role| member.roles.contains(&role);
    if reads || holds(Role::Expert) {
        Some("Another reader")
    } else if holds(Role::Adjudicator) {
        Some("An adjudicator")
    } else {
        holds(Role::Reviewer).then_some("A reviewer")
    }
}
