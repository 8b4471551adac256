//! Looking at oneself: name, roles, engagements and the session in use.

use jiff::Timestamp;
use remit_access::{Action, Label};
use remit_kernel::{
    id::{EngagementId, PersonId, SessionId},
    refusal::Reason,
    role::{Role, Side},
    stream::Scope,
};
use serde::Serialize;

use super::{
    look::{ERASED, Look, Query},
    session::{SIGNING_SECONDS, signing},
};
use crate::error::Result;

/// Most engagements listed for one person.
const ENGAGEMENTS_MAX: u32 = 200;

/// Asks who the caller is.
#[derive(Debug, Clone, Copy)]
pub struct ShowMe {
    /// The session in use; none for a command line.
    pub session: Option<SessionId>,
}

/// Who the caller is.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Me {
    /// The account.
    #[schema(value_type = String)]
    pub person: PersonId,
    /// Name.
    pub name: String,
    /// Country the person works from, ISO 3166 alpha-2.
    pub place: String,
    /// Roles in the directory, such as `operator`.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
    /// Where the person is a member.
    pub engagements: Vec<MyEngagement>,
    /// The session in use.
    pub session: Option<MySession>,
}

/// An engagement of the caller.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MyEngagement {
    /// Which.
    #[schema(value_type = String)]
    pub engagement: EngagementId,
    /// Name.
    pub name: String,
    /// On which side: `client` or `provider`.
    #[schema(value_type = String)]
    pub side: Side,
    /// Roles there, such as `expert`.
    #[schema(value_type = Vec<String>)]
    pub roles: Vec<Role>,
}

/// The session in use.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct MySession {
    /// Which.
    #[schema(value_type = String)]
    pub session: SessionId,
    /// What it was opened for.
    pub label: String,
    /// When it ends, used or not.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
    /// Until when the person may sign without giving the password again.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub signing_until: Option<Timestamp>,
}

impl Query for ShowMe {
    type Out = Me;

    fn scope(&self) -> Scope {
        Scope::Directory
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Me> {
        let id = look.standing.id();
        look.admit(Action::ViewPerson, &Label { own: true, ..Label::directory() })?;
        let store = look.app.store();
        let person = store.find_person(id).await?.ok_or_else(|| Reason::hidden(id))?;
        let mut engagements = Vec::new();
        for (scope, member) in store.engagements_of(id, ENGAGEMENTS_MAX).await? {
            let Ok(Scope::Engagement(engagement)) = scope.parse() else { continue };
            let name =
                store.find_engagement(&scope).await?.and_then(|named| named.name).unwrap_or_else(|| ERASED.to_owned());
            engagements.push(MyEngagement {
                engagement,
                name,
                side: member.side,
                roles: member.roles.into_iter().collect(),
            });
        }
        let session = match self.session {
            Some(session) => store.sessions_of(id).await?.into_iter().find(|known| known.id == session),
            None => None,
        };
        let now = look.standing.now();
        look.saw(Action::ViewPerson, id, None, None);
        Ok(Me {
            person: id,
            name: person.name.unwrap_or_else(|| ERASED.to_owned()),
            place: look.standing.principal.place.clone(),
            roles: look.standing.principal.roles.iter().copied().collect(),
            engagements,
            session: session.map(|session| MySession {
                session: session.id,
                signing_until: session
                    .reauth_at
                    .filter(|_| signing(&session, now))
                    .map(|at| at.plus_seconds(SIGNING_SECONDS).timestamp()),
                expires_at: session.expires_at.timestamp(),
                label: session.label,
            }),
        })
    }
}
