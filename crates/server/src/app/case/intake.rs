//! What somebody who takes a case in needs to know: case types in scope, who can own it; and the questions lists filter by.

use std::collections::BTreeMap;

use remit_access::Action;
use remit_kernel::{
    engagement::LineKind,
    id::{EngagementId, PersonId},
    pack::CaseField,
    role::{Role, Side},
    stream::Scope,
};
use serde::Serialize;

use crate::{
    app::look::{ERASED, Look, Query},
    error::Result,
};

/// Asks what a case may be.
#[derive(Debug, Clone, Copy)]
pub struct GetIntake {
    /// In which engagement.
    pub engagement: EngagementId,
}

/// What a case may be.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Intake {
    /// Case types that the packs of the statement of work know.
    pub case_types: Vec<IntakeType>,
    /// Who can be accountable; the one proposed first.
    pub owners: Vec<OwnerOption>,
}

/// A case type.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct IntakeType {
    /// Key.
    pub key: String,
    /// Title.
    pub title: String,
    /// Clauses under which it is in scope; none: the scope gate will stop it.
    pub clauses: Vec<String>,
    /// Facts that it carries.
    #[schema(value_type = Vec<Object>)]
    pub fields: Vec<CaseField>,
}

/// Somebody who can own a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct OwnerOption {
    /// The person.
    #[schema(value_type = String)]
    pub person: PersonId,
    /// Name.
    pub name: String,
}

/// Asks on which questions readers of this engagement can differ.
#[derive(Debug, Clone, Copy)]
pub struct ListQuestions {
    /// In which engagement.
    pub engagement: EngagementId,
}

impl Query for GetIntake {
    type Out = Intake;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Intake> {
        let label = look.engagement_label()?;
        look.admit(Action::TakeInCase, &label)?;
        let (engagement, sows) = look.engagement().await?;
        let mut case_types: BTreeMap<String, IntakeType> = BTreeMap::new();
        if let Some(sow) = engagement.agreed(&sows, look.standing.now) {
            for line in sow.lines.iter().filter(|line| line.kind == LineKind::Standard) {
                let Some(pack) = look.app.pack(line.pack.digest).await? else { continue };
                for case_type in &pack.case_types {
                    let known = case_types.entry(case_type.key.clone()).or_insert_with(|| IntakeType {
                        key: case_type.key.clone(),
                        title: case_type.title.clone(),
                        clauses: Vec::new(),
                        fields: case_type.fields.clone(),
                    });
                    if line.includes.contains(&case_type.key) && !line.excludes.contains(&case_type.key) {
                        known.clauses.push(format!("SOW v{} § {}", sow.number, line.clause));
                    }
                }
            }
        }
        Ok(Intake { case_types: case_types.into_values().collect(), owners: look.owners().await? })
    }
}

impl Query for ListQuestions {
    type Out = Vec<(String, String)>;

    fn scope(&self) -> Scope {
        Scope::Engagement(self.engagement)
    }

    /// Returns keys and titles of the questions that decide, in the order of the packs.
    async fn answer(self, look: &mut Look<'_>) -> Result<Vec<(String, String)>> {
        let (_, sows) = look.engagement().await?;
        let mut questions: Vec<(String, String)> = Vec::new();
        for line in sows.values().flat_map(|sow| &sow.lines) {
            let Some(pack) = look.app.pack(line.pack.digest).await? else { continue };
            for question in pack.form.deciding() {
                if !questions.iter().any(|(key, _)| *key == question.key) {
                    questions.push((question.key.clone(), question.title.clone()));
                }
            }
        }
        Ok(questions)
    }
}

impl Look<'_> {
    /// Returns who can own a case: the caller first if she can, then delivery managers, then experts.
    pub(crate) async fn owners(&mut self) -> Result<Vec<OwnerOption>> {
        let mut members = self.app.store().list_members(&self.scope()).await?;
        members.retain(|member| {
            let fits = member.row.roles.contains(&Role::DeliveryManager) || member.row.roles.contains(&Role::Expert);
            member.row.active && member.row.side == Side::Provider && fits
        });
        members.sort_by_key(|member| {
            (member.row.person != self.standing.id(), !member.row.roles.contains(&Role::DeliveryManager))
        });
        let people: Vec<_> = members.iter().map(|member| member.row.person).collect();
        let mut names = self.called(&people).await?;
        let mut name = |person| names.remove(&person).unwrap_or_else(|| ERASED.to_owned());
        Ok(people.into_iter().map(|person| OwnerOption { person, name: name(person) }).collect())
    }
}
