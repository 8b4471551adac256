//! Who saw a case, and under which rule: the record of views and acts, for managers and auditors.

use jiff::Timestamp;
use remit_access::{Action, Class};
use remit_kernel::{
    id::{CaseId, EngagementId, EntryId, PersonId},
    refusal::Reason,
    role::Role,
    stream::Scope,
    time::Instant,
};
use remit_store::{Decision, EntryKey};
use serde::Serialize;

use super::{
    PAGE_MAX,
    sight::{Sight, sight},
};
use crate::{
    app::look::{Look, Query},
    error::Result,
};

/// Asks who saw a case, newest first.
#[derive(Debug, Clone, Copy)]
pub struct ListWitnesses {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Which case.
    pub case: CaseId,
    /// Further back from this place.
    pub before: Option<EntryKey>,
    /// At most so many.
    pub limit: u32,
}

/// A page of the record of a case.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct WitnessList {
    /// The entries, newest first.
    pub entries: Vec<WitnessLine>,
    /// Where the next page begins; none: this is the last.
    pub next: Option<String>,
}

/// One look or act.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct WitnessLine {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who; none: Remit itself. The client knows people of the provider by their roles.
    pub who: Option<String>,
    /// The roles held at that moment.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
    /// What was done, such as `view_item`.
    pub action: String,
    /// To what.
    pub object: String,
    /// Whether access allowed it.
    pub allowed: bool,
    /// The rules that decided.
    pub rules: Vec<String>,
    /// From which country.
    pub country: Option<String>,
}

impl Query for ListWitnesses {
    type Out = WitnessList;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<WitnessList> {
        let (case, panel) = look.case(self.case, None).await?;
        let label = look.label(Class::Case, &case, panel.as_ref())?;
        // The record tells who reads and when: nobody who is blind to that looks into it.
        if sight(look.standing, panel.as_ref()) == Sight::Blind {
            return Err(Reason::hidden(self.case).into());
        }
        look.admit(Action::ViewProtection, &label)?;
        let limit = self.limit.clamp(1, PAGE_MAX);
        let mut found = look.app.store().entries_of_case(&look.scope(), self.case, self.before, limit + 1).await?;
        let more = found.len() > limit as usize;
        found.truncate(limit as usize);
        let next = more.then(|| found.last().map(|entry| cursor(entry.key()))).flatten();
        let mut people: Vec<PersonId> = found.iter().filter_map(|stored| stored.entry.actor).collect();
        people.sort_unstable();
        people.dedup();
        let names = look.called(&people).await?;
        look.saw(Action::ViewProtection, format!("witnesses/{}", self.case), Some(self.case), None);
        let entries = found.into_iter().map(|stored| stored.entry).map(|entry| WitnessLine {
            at: entry.at.timestamp(),
            who: entry.actor.and_then(|actor| names.get(&actor).cloned()),
            roles: entry.roles,
            action: entry.action,
            object: entry.object,
            allowed: entry.decision == Decision::Allow,
            rules: entry.policy_ids,
            country: entry.country,
        });
        Ok(WitnessList { entries: entries.collect(), next })
    }
}

/// Returns a place in the record as a cursor.
fn cursor(key: EntryKey) -> String {
    format!("{}.{}", key.at.micros(), key.id)
}

/// Returns the place behind a cursor.
pub(crate) fn place(cursor: &str) -> Option<EntryKey> {
    let (micros, id) = cursor.split_once('.')?;
    Some(EntryKey { at: Instant::from_micros(micros.parse().ok()?), id: id.parse::<EntryId>().ok()? })
}
