//! Looking at cases: the list here, one case in the modules below.

pub mod file;
pub mod intake;
pub mod screen;
mod sight;
pub mod timeline;
pub mod view;
pub mod witness;

use std::collections::BTreeSet;

use jiff::Timestamp;
use remit_access::{Action, Class, Label};
use remit_kernel::{
    facts::Want,
    id::{CaseId, EngagementId, PersonId},
    index::{CaseRow, CaseStatus, Origin},
    role::Role,
    stream::{Scope, StreamId},
};
use remit_store::{CaseFilter, CaseKey};
use serde::Serialize;

use super::look::{ERASED, Look, Query};
use crate::error::Result;

pub(crate) use sight::{Sight, sight};

/// Most cases on a page.
pub const PAGE_MAX: u32 = 200;

/// Asks for a page of cases, earliest promise first. People without a manager's view see those they have a duty on.
#[derive(Debug, Clone)]
pub struct ListCases {
    /// In which engagement.
    pub engagement: EngagementId,
    /// Which of them.
    pub filter: CaseFilter,
    /// After this place.
    pub after: Option<CaseKey>,
    /// At most so many.
    pub limit: u32,
}

/// A page of cases.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CaseList {
    /// The cases.
    pub cases: Vec<CaseLine>,
    /// Where the next page begins; none: this is the last.
    pub next: Option<String>,
    /// How many cases fit the filter, pages apart; none where the count would tell of cases that are not the caller's to know.
    pub total: Option<u64>,
    /// How many cases stand in each status, for those who see all of them.
    pub statuses: Vec<StatusCount>,
}

/// How many cases stand in a status.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct StatusCount {
    /// The status.
    #[schema(value_type = String)]
    pub status: CaseStatus,
    /// How many.
    pub cases: u64,
}

/// A case in a list.
#[expect(clippy::struct_excessive_bools, reason = "each says one thing of a case, on its own")]
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct CaseLine {
    /// Its identifier.
    #[schema(value_type = String)]
    pub case: CaseId,
    /// The client's reference.
    pub reference: String,
    /// What it is about.
    pub title: String,
    /// Kind of case.
    pub case_type: String,
    /// Where it stands.
    #[schema(value_type = String)]
    pub status: CaseStatus,
    /// Whether Remit saw it happen.
    #[schema(value_type = String)]
    pub origin: Origin,
    /// Who is accountable.
    #[schema(value_type = String)]
    pub owner: PersonId,
    /// Name of the owner.
    pub owner_name: String,
    /// Whether it is urgent.
    pub urgent: bool,
    /// When it is promised.
    #[schema(value_type = String, format = DateTime)]
    pub due_at: Timestamp,
    /// Revision, from 0.
    pub revision: u32,
    /// Whether the readers differed; false until the panel is closed.
    pub disputed: bool,
    /// Whether readers agreed and the answer was changed afterwards; false until the panel is closed.
    pub changed_after_agreement: bool,
    /// Whether it was a gold case, which its reader is told when the window is over.
    pub gold: bool,
}

impl Query for ListCases {
    type Out = CaseList;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<CaseList> {
        look.admit(Action::ViewEngagement, &Label::engagement(self.engagement))?;
        let mut filter = self.filter;
        // Narrowed first by SQL; each row then passes its label, so a wrong filter can hide, never leak.
        let sees_all =
            [Role::ClientManager, Role::DeliveryManager, Role::Auditor].iter().any(|role| look.standing.holds(*role));
        if !sees_all {
            filter.seen_by = Some(look.standing.id());
            filter.queued = look.queues();
        }
        let limit = self.limit.clamp(1, PAGE_MAX);
        let scope = look.scope();
        let rows = look.app.store().list_cases(&scope, &filter, self.after, limit + 1).await?;
        let more = rows.len() > limit as usize;
        let rows: Vec<_> = rows.into_iter().take(limit as usize).collect();
        let (next, found) = (more.then(|| rows.last().map(|row| cursor(CaseKey::of(row)))).flatten(), rows.len());
        let cases = look.case_lines(rows, &filter).await?;
        // A count over rows that a wall or a place hides would tell of them.
        let all_shown = cases.len() == found && look.standing.principal.conflicts.is_empty();
        let store = look.app.store();
        let by_status = all_shown && sees_all;
        let counts = if by_status { store.count_cases_by_status(&scope).await? } else { Vec::new() };
        let total = if by_status && filter.is_by_status() {
            Some(filter.sum(&counts))
        } else if all_shown {
            Some(store.count_cases(&scope, &filter).await?)
        } else {
            None
        };
        let statuses = counts.into_iter().map(|(status, cases)| StatusCount { status, cases }).collect();
        look.saw(Action::ViewCase, "cases", None, None);
        Ok(CaseList { cases, next, total, statuses })
    }
}

impl Look<'_> {
    /// Returns the statuses whose cases wait in a queue of the caller's roles.
    fn queues(&self) -> Vec<CaseStatus> {
        let queues = [
            (Role::Adjudicator, CaseStatus::Adjudicating),
            (Role::Reviewer, CaseStatus::InReview),
            (Role::Signer, CaseStatus::AwaitingSignOff),
        ];
        queues.into_iter().filter(|(role, _)| self.standing.holds(*role)).map(|(_, status)| status).collect()
    }

    /// Turns rows into lines, each through the label of its case. What a filter on outcomes would tell of a case that is
    /// still read blind is left out with the case.
    pub(crate) async fn case_lines(&mut self, rows: Vec<CaseRow>, filter: &CaseFilter) -> Result<Vec<CaseLine>> {
        let wants: Vec<_> = rows
            .iter()
            .flat_map(|row| [StreamId::Case(row.case), StreamId::panel_of(row.case)])
            .map(Want::Stream)
            .collect();
        let facts = self.load(&wants).await?;
        let by_outcome =
            filter.disputed.is_some() || filter.question.is_some() || filter.changed_after_agreement.is_some();
        let mut seen = Vec::new();
        for row in rows {
            let (Some(case), panel) = (facts.cases.get(&row.case), facts.panels.get(&row.case.panel())) else {
                continue;
            };
            let open = sight(self.standing, panel) == Sight::Open;
            let label = self.label(Class::Case, case, panel)?;
            let row = self.open(Action::ViewCase, &label, row).filter(|_| open || !by_outcome);
            let disputed = panel.is_some_and(|panel| open && !panel.disputed.is_empty());
            seen.extend(row.map(|row| (row.into_inner(), disputed, open)));
        }
        let texts: Vec<_> = seen.iter().flat_map(|(row, ..)| [row.reference, row.title]).collect();
        let owners: BTreeSet<_> = seen.iter().map(|(row, ..)| row.owner).collect();
        let owners: Vec<_> = owners.into_iter().collect();
        let (texts, names) = (self.texts(&texts).await?, self.called(&owners).await?);
        let text = |id| texts.get(&id).cloned().unwrap_or_else(|| ERASED.to_owned());
        let line = |(row, disputed, open): (CaseRow, bool, bool)| CaseLine {
            case: row.case,
            reference: text(row.reference),
            title: text(row.title),
            case_type: row.case_type,
            status: row.status,
            origin: row.origin,
            owner: row.owner,
            owner_name: names.get(&row.owner).cloned().unwrap_or_default(),
            urgent: row.urgent,
            due_at: row.due_at.timestamp(),
            revision: row.revision,
            disputed,
            changed_after_agreement: open && row.changed_after_agreement,
            gold: row.showing && row.status == CaseStatus::Cancelled,
        };
        Ok(seen.into_iter().map(line).collect())
    }
}

/// Returns a place in the list as a cursor.
pub(crate) fn cursor(key: CaseKey) -> String {
    format!("{}.{}", key.due_at.micros(), key.case)
}

/// Returns the place behind a cursor.
pub(crate) fn place(cursor: &str) -> Option<CaseKey> {
    let (micros, case) = cursor.split_once('.')?;
    Some(CaseKey { due_at: remit_kernel::time::Instant::from_micros(micros.parse().ok()?), case: case.parse().ok()? })
}
