//! Looking at cases: the list.

use jiff::Timestamp;
use remit_access::{Action, Class, Label};
use remit_kernel::{
    id::{CaseId, EngagementId, PersonId},
    index::{CaseRow, CaseStatus, Origin},
    role::Role,
    stream::Scope,
};
use remit_store::{CaseFilter, CaseKey};
use serde::Serialize;

use super::look::{ERASED, Look, Query};
use crate::error::Result;

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
    /// How many cases fit the filter, pages apart.
    pub total: u64,
}

/// A case in a list.
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
    #[schema(value_type = String)]
    pub due_at: Timestamp,
    /// Revision, from 0.
    pub revision: u32,
    /// Whether readers agreed and the answer was changed afterwards.
    pub changed_after_agreement: bool,
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
        let sees_all = [Role::ClientManager, Role::DeliveryManager, Role::Auditor].iter().any(|role| look.standing.holds(*role));
        if !sees_all {
            filter.duty_of = Some(look.standing.id());
        }
        let limit = self.limit.clamp(1, PAGE_MAX);
        let scope = look.scope();
        let rows = look.app.store().list_cases(&scope, &filter, self.after, limit + 1).await?;
        let total = look.app.store().count_cases(&scope, &filter).await?;
        let more = rows.len() > limit as usize;
        let rows: Vec<_> = rows.into_iter().take(limit as usize).collect();
        let next = more.then(|| rows.last().map(|row| cursor(CaseKey::of(row)))).flatten();
        let cases = look.case_lines(rows, sees_all).await?;
        look.saw(Action::ViewCase, "cases", None, None);
        Ok(CaseList { cases, next, total })
    }
}

impl Look<'_> {
    /// Turns rows into lines, each through its label. `assigned` stands for all rows where SQL has settled it.
    pub(crate) async fn case_lines(&mut self, rows: Vec<CaseRow>, sees_all: bool) -> Result<Vec<CaseLine>> {
        let engagement = self.standing.engagement()?;
        let person = self.standing.id();
        let labelled: Vec<_> = rows
            .into_iter()
            .filter_map(|row| {
                let label = Label {
                    class: Class::Case,
                    own: row.owner == person,
                    assigned: !sees_all,
                    released: matches!(row.status, CaseStatus::Delivered | CaseStatus::Accepted),
                    ..Label::engagement(engagement)
                };
                self.open(Action::ViewCase, &label, row).map(remit_access::Authorized::into_inner)
            })
            .collect();
        let texts: Vec<_> = labelled.iter().flat_map(|row| [row.reference, row.title]).collect();
        let mut owners: Vec<_> = labelled.iter().map(|row| row.owner).collect();
        owners.sort_unstable();
        owners.dedup();
        let (texts, names) = (self.texts(&texts).await?, self.names(&owners).await?);
        let text = |id| texts.get(&id).cloned().unwrap_or_else(|| ERASED.to_owned());
        Ok(labelled
            .into_iter()
            .map(|row| CaseLine {
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
                changed_after_agreement: row.changed_after_agreement,
            })
            .collect())
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
