//! Running the installation: organisations, people, sign-in, jobs and health; never what is in a case.

use std::collections::BTreeMap;

use jiff::Timestamp;
use remit_access::{Action, Label};
use remit_kernel::{
    hash::Digest,
    id::{EngagementId, JobId, OrgId, PersonId, SessionId},
    index::EngagementStatus,
    refusal::Reason,
    stream::Scope,
};
use remit_store::SessionKind;
use serde::Serialize;

use super::{
    App,
    look::{ERASED, Look, Query},
};
use crate::{caller::Caller, error::Result};

/// Most stopped jobs that are listed.
const JOBS_MAX: u32 = 200;

/// Asks how the installation stands.
#[derive(Debug, Clone, Copy)]
pub struct ShowAdmin;

/// How the installation stands.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct Admin {
    /// Version of the server.
    pub version: &'static str,
    /// Whether the scripts of the pages are part of this build.
    pub scripts: bool,
    /// When the record was last verified; none: never.
    #[schema(value_type = Option<String>)]
    pub verified_at: Option<Timestamp>,
    /// The first difference that verification found.
    pub first_difference: Option<String>,
    /// Organisations.
    pub organisations: Vec<OrganisationLine>,
    /// People, those with us first.
    pub people: Vec<PersonLine>,
    /// Engagements, by name only.
    pub engagements: Vec<EngagementName>,
    /// Packs installed.
    pub packs: Vec<PackLine>,
    /// Jobs that were given up, oldest first.
    pub jobs: Vec<JobLine>,
}

/// An organisation.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct OrganisationLine {
    /// Which.
    #[schema(value_type = String)]
    pub organisation: OrgId,
    /// Its name.
    pub name: String,
    /// How many people of it are here.
    pub people: usize,
}

/// A person and how she signs in.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PersonLine {
    /// Who.
    #[schema(value_type = String)]
    pub person: PersonId,
    /// Name.
    pub name: String,
    /// Employer.
    pub organisation: String,
    /// Whether the person is with us.
    pub here: bool,
    /// Whether this account can ever sign in.
    pub signs_in: bool,
    /// Name to sign in with, if one was given.
    pub login: Option<String>,
}

/// An engagement by name.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct EngagementName {
    /// Which.
    #[schema(value_type = String)]
    pub engagement: EngagementId,
    /// Its name.
    pub name: String,
    /// `draft` or `live`.
    #[schema(value_type = String)]
    pub status: EngagementStatus,
}

/// A pack by name.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct PackLine {
    /// Short name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Digest of its content.
    #[schema(value_type = String)]
    pub digest: Digest,
}

/// A job that was given up.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct JobLine {
    /// Which.
    #[schema(value_type = String)]
    pub job: JobId,
    /// What kind of work.
    pub name: String,
    /// How often it was tried.
    pub attempts: u32,
    /// How the last attempt failed.
    pub error: String,
    /// When it was given up.
    #[schema(value_type = Option<String>)]
    pub stopped_at: Option<Timestamp>,
}

/// A session of a person.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SessionLine {
    /// Which.
    #[schema(value_type = String)]
    pub session: SessionId,
    /// Whether a program holds it.
    pub token: bool,
    /// A word to recognise it by.
    pub label: String,
    /// When it began.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last used.
    #[schema(value_type = String, format = DateTime)]
    pub last_seen_at: Timestamp,
    /// When it ends at the latest.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}

/// How a person signs in.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct SignIns {
    /// Name to sign in with, if one was given.
    pub login: Option<String>,
    /// Open sessions, oldest first.
    pub sessions: Vec<SessionLine>,
}

impl Query for ShowAdmin {
    type Out = Admin;

    fn scope(&self) -> Scope {
        Scope::Directory
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<Admin> {
        look.admit(Action::ViewAdmin, &Label::directory()).map_err(|_| Reason::hidden("admin"))?;
        let store = look.app.store();
        let logins: BTreeMap<_, _> =
            store.list_logins().await?.into_iter().map(|login| (login.person, login.name)).collect();
        let named = store.list_organisations().await?;
        let everybody = store.list_people().await?;
        let organisation = |org: OrgId| {
            let name = named.iter().find(|known| known.row.org == org).and_then(|known| known.name.clone());
            name.unwrap_or_else(|| ERASED.to_owned())
        };
        let organisations = named
            .iter()
            .map(|known| OrganisationLine {
                organisation: known.row.org,
                name: organisation(known.row.org),
                people: everybody.iter().filter(|person| person.row.org == known.row.org && person.row.active).count(),
            })
            .collect();
        let mut people: Vec<_> = everybody
            .iter()
            .map(|known| PersonLine {
                person: known.row.person,
                name: known.name.clone().unwrap_or_else(|| ERASED.to_owned()),
                organisation: organisation(known.row.org),
                here: known.row.active,
                signs_in: known.row.signs_in,
                login: logins.get(&known.row.person).cloned(),
            })
            .collect();
        people.sort_by_key(|person| (!person.here, !person.signs_in, person.name.clone()));
        let engagements = store.list_engagements().await?.into_iter().filter_map(|known| {
            let Ok(Scope::Engagement(engagement)) = known.scope.parse() else { return None };
            Some(EngagementName {
                engagement,
                name: known.name.unwrap_or_else(|| ERASED.to_owned()),
                status: known.row.status,
            })
        });
        let engagements = engagements.collect();
        let packs = store.list_packs().await?.into_iter().map(|pack| PackLine {
            name: pack.name,
            version: pack.version,
            digest: pack.digest,
        });
        let packs = packs.collect();
        let jobs = store.list_stopped_jobs(JOBS_MAX).await?.into_iter().map(|job| JobLine {
            job: job.row.id,
            name: job.row.name,
            attempts: job.attempts,
            error: job.error.unwrap_or_default(),
            stopped_at: job.stopped_at.map(remit_kernel::time::Instant::timestamp),
        });
        let jobs = jobs.collect();
        let newest = store.newest_verification().await?;
        look.saw(Action::ViewAdmin, "admin", None, None);
        Ok(Admin {
            version: env!("CARGO_PKG_VERSION"),
            scripts: crate::pages::asset::SCRIPTS_PRESENT,
            verified_at: newest.as_ref().map(|newest| newest.at.timestamp()),
            first_difference: newest.and_then(|newest| newest.first_difference),
            organisations,
            people,
            engagements,
            packs,
            jobs,
        })
    }
}

/// Asks how a person signs in.
#[derive(Debug, Clone, Copy)]
pub struct ShowSignIns {
    /// Who.
    pub person: PersonId,
}

impl Query for ShowSignIns {
    type Out = SignIns;

    fn scope(&self) -> Scope {
        Scope::Directory
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<SignIns> {
        look.admit(Action::ViewAdmin, &Label::directory()).map_err(|_| Reason::hidden(self.person))?;
        let store = look.app.store();
        let login = store.find_login_of(self.person).await?.map(|login| login.name);
        let sessions = store.sessions_of(self.person).await?.into_iter().map(|session| SessionLine {
            session: session.id,
            token: session.kind == SessionKind::Token,
            label: session.label,
            created_at: session.created_at.timestamp(),
            last_seen_at: session.last_seen_at.timestamp(),
            expires_at: session.expires_at.timestamp(),
        });
        let sessions = sessions.collect();
        look.saw(Action::ViewAdmin, self.person, None, None);
        Ok(SignIns { login, sessions })
    }
}

impl App {
    /// Gives a person a name and password, for whoever runs the installation.
    ///
    /// # Errors
    /// `not-found` for anybody else; a field reason as for [`App::add_login`].
    pub async fn give_login(&self, caller: &Caller, person: PersonId, name: &str, password: &str) -> Result<()> {
        self.view(caller, RunAdmin { person }).await?;
        self.add_login(person, name, password).await
    }

    /// Ends the sessions of a person: one, or all of them.
    ///
    /// # Errors
    /// `not-found` for anybody who does not run the installation, and for a session that is not hers.
    pub async fn end_sessions(&self, caller: &Caller, person: PersonId, session: Option<SessionId>) -> Result<()> {
        self.view(caller, RunAdmin { person }).await?;
        match session {
            None => drop(self.store.revoke_sessions(person).await?),
            Some(session) if self.store.revoke_session(person, session).await? => {}
            Some(session) => return Err(Reason::hidden(session).into()),
        }
        Ok(())
    }
}

/// Lets whoever runs the installation go on, and puts it on record.
struct RunAdmin {
    person: PersonId,
}

impl Query for RunAdmin {
    type Out = ();

    fn scope(&self) -> Scope {
        Scope::Directory
    }

    async fn answer(self, look: &mut Look<'_>) -> Result<()> {
        look.admit(Action::RunAdmin, &Label::directory()).map_err(|_| Reason::hidden(self.person))?;
        look.saw(Action::RunAdmin, self.person, None, None);
        Ok(())
    }
}
