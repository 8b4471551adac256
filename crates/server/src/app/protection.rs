//! Protection: who opened or did what, when, in which role and by which policy; and what the last verification found.

use jiff::Timestamp;
use remit_access::Action;
use remit_kernel::{
    command::reference_key,
    id::{CaseId, EngagementId, EntryId, PersonId},
    refusal::Reason,
    role::Role,
    stream::Scope,
    time::Instant,
};
use remit_store::{CaseFilter, Decision, EntryFilter, EntryKey};
use serde::Serialize;

use super::{Look, Query, look::ERASED};
use crate::error::Result;

/// Most entries on a page.
pub const PAGE_MAX: u32 = 200;

/// Asks for the record of an engagement, newest first.
#[derive(Debug, Clone)]
pub struct ShowProtection {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Only what belongs to this case.
    pub case: Option<CaseId>,
    /// Only what belongs to the case with this reference.
    pub reference: Option<String>,
    /// Only what this person did or saw.
    pub person: Option<PersonId>,
    /// Only what access denied.
    pub denied: bool,
    /// Further back from here.
    pub before: Option<EntryKey>,
    /// At most so many.
    pub limit: u32,
}

/// The record of an engagement.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Protection {
    /// The entries, newest first.
    pub entries: Vec<Entry>,
    /// Where the page further back begins; none: this is the last.
    pub next: Option<String>,
    /// What the newest verification found; none: there was none.
    pub verified: Option<LastVerified>,
    /// Events that the running verification has replayed; none: none is running.
    pub verifying: Option<u64>,
    /// Members, former ones too, for the choice of a person.
    pub people: Vec<Somebody>,
    /// Whether the viewer may verify the record.
    pub may_verify: bool,
}

/// Somebody who can be chosen.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Somebody {
    /// The person.
    #[schema(value_type = String)]
    pub person: PersonId,
    /// The name.
    pub name: String,
}

/// One act or one view.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Entry {
    /// Its identifier.
    #[schema(value_type = String)]
    pub entry: EntryId,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Who; none for work that Remit does by itself.
    #[schema(value_type = Option<String>)]
    pub person: Option<PersonId>,
    /// Name of who.
    pub name: String,
    /// The roles held at that moment.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
    /// What was done, such as `sign` or `view_case`.
    pub action: String,
    /// To what.
    pub object: String,
    /// The case it belongs to.
    #[schema(value_type = Option<String>)]
    pub case: Option<CaseId>,
    /// The client's reference of that case.
    pub reference: Option<String>,
    /// Whether access allowed it.
    pub allowed: bool,
    /// The policies that decided.
    pub policies: Vec<String>,
    /// Country from which.
    pub country: Option<String>,
}

/// What the newest verification found.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct LastVerified {
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// Whether everything was equal.
    pub ok: bool,
    /// Where the first difference lies, for those who may know of that place.
    pub first_difference: Option<String>,
    /// How many events were replayed.
    pub events: u64,
}

impl Query for ShowProtection {
    type Out = Protection;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Protection> {
        let label = look.engagement_label()?;
        look.admit(Action::ViewEngagement, &label).map_err(|_| Reason::hidden(self.engagement))?;
        look.admit(Action::ViewProtection, &label)?;
        let (scope, store) = (look.scope(), look.app.store());
        let limit = self.limit.clamp(1, PAGE_MAX);
        let named = match &self.reference {
            Some(reference) => store.find_case_by_reference(&scope, reference_key(self.engagement, reference)).await?,
            None => None,
        };
        let case = self.case.or(named.map(|row| row.case));
        let filter = EntryFilter { case, actor: self.person, denied: self.denied };
        let mut stored = if case.is_none() && self.reference.is_some() {
            Vec::new()
        } else {
            store.find_entries(&scope, &filter, self.before, limit + 1).await?
        };
        let more = stored.len() > limit as usize;
        stored.truncate(limit as usize);
        let next = stored.last().filter(|_| more).map(|last| cursor(last.key()));

        let members = store.list_members(&scope).await?;
        let mut people: Vec<_> = stored.iter().filter_map(|stored| stored.entry.actor).collect();
        people.extend(members.iter().map(|member| member.row.person));
        people.sort_unstable();
        people.dedup();
        let names = look.called(&people).await?;
        let mut cases: Vec<_> = stored.iter().filter_map(|stored| stored.entry.case).collect();
        cases.sort_unstable();
        cases.dedup();
        let rows = store.cases(&scope, &cases).await?;
        // What a wall closes is absent here as well.
        let lines = look.case_lines(rows, &CaseFilter::default()).await?;
        let reference = |case: CaseId| lines.iter().find(|line| line.case == case).map(|line| line.reference.clone());
        stored.retain(|stored| stored.entry.case.is_none_or(|case| lines.iter().any(|line| line.case == case)));
        let name = |person: Option<PersonId>| match person {
            Some(person) => names.get(&person).cloned().unwrap_or_else(|| ERASED.to_owned()),
            None => "Remit itself".to_owned(),
        };
        let entries = stored.into_iter().map(|stored| stored.entry).map(|entry| Entry {
            entry: entry.id,
            at: entry.at.timestamp(),
            person: entry.actor,
            name: name(entry.actor),
            roles: entry.roles,
            action: entry.action,
            object: entry.object,
            case: entry.case,
            reference: entry.case.and_then(reference),
            allowed: entry.decision == Decision::Allow,
            policies: entry.policy_ids,
            country: entry.country,
        });
        let entries = entries.collect();
        let verified = store.newest_verification().await?.map(|found| LastVerified {
            at: found.at.timestamp(),
            ok: found.ok,
            // The difference may lie in another engagement, of which nothing is said here.
            first_difference: found.first_difference.filter(|place| place.contains(&scope)),
            events: serde_json::from_str::<serde_json::Value>(&found.counts)
                .ok()
                .and_then(|counts| counts["events"].as_u64())
                .unwrap_or_default(),
        });
        let people = members
            .into_iter()
            .map(|member| Somebody { person: member.row.person, name: name(Some(member.row.person)) });
        let (people, may_verify) = (people.collect(), look.may(Action::VerifyRecord, &label));
        look.saw(Action::ViewProtection, "record", case, None);
        Ok(Protection { entries, next, verified, verifying: look.app.verifying(), people, may_verify })
    }
}

/// Returns a place in the record as a cursor.
fn cursor(key: EntryKey) -> String {
    format!("{}.{}", key.at.micros(), key.id)
}

/// Returns the place behind a cursor.
pub(crate) fn place(cursor: &str) -> Option<EntryKey> {
    let (micros, id) = cursor.split_once('.')?;
    Some(EntryKey { at: Instant::from_micros(micros.parse().ok()?), id: id.parse().ok()? })
}
